//! Property graphs: change sets applied atomically under version guards, and ordered reads in pages.
//!
//! The port is [`Graph`]; [`MemoryGraph`] keeps one in memory, [`Neo4jGraph`] in a database. [`Interposed`] is for what stands in
//! front of one. [`dump`] writes any of them as sorted text.

#[cfg(feature = "testing")]
pub mod contract;
mod dump;
mod interposed;
mod memory;
mod neo4j;
mod port;
#[cfg(feature = "testing")]
pub mod testing;

pub use dump::dump;
pub use interposed::Interposed;
pub use memory::{MemoryGraph, Planted, PropertyGraph};
pub use neo4j::{AnswerRow, AskError, Cell, Contents, Neo4jGraph, Neo4jServer, Neo4jSettings, Question};
pub use port::{
    ApplyError, Census, Cursor, Endpoint, Graph, GraphError, NodeRow, Page, RelationshipRow, Schema, Tree,
    TreeNode, VersionConflict,
};
