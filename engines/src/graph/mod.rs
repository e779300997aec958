//! Property graphs: change sets applied atomically under version guards, and ordered reads in pages.
//!
//! The port is [`Graph`].

mod port;

pub use port::{
    ApplyError, Census, Cursor, Endpoint, Graph, GraphError, NodeRow, Page, RelationshipRow, Schema, Tree,
    TreeNode, VersionConflict,
};
