//! Neo4j held to the graph port's contract, to what the graph in memory does, and to surviving faults. Needs a JDK and Maven; the
//! servers are started here, and end with this process.

mod contract;
mod crash;
mod diff;
mod differential;
mod external;
mod faults;
#[path = "../common/interviews.rs"]
mod interviews;
mod leftovers;
mod live;
mod queries;
mod servers;
mod switch;
#[path = "../common/writers.rs"]
mod writers;
