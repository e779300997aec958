//! Neo4j held to the graph port's contract, and to what the graph in memory does. Needs a JDK and Maven; the servers are
//! started here, and end with this process.

mod contract;
mod differential;
mod external;
mod servers;
