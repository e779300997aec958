//! The port: what this program needs of a property graph, as a trait that is narrow enough to wrap.
//!
//! Reads answer in names as the database has them, not in [`Label`] and [`Rel`](cutover_core::graph::Rel): a label that
//! this program does not know is something to find, not to overlook.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cutover_core::graph::{ChangeSet, Label, Properties, Value};
use cutover_core::ids::AggregateId;
use smol_str::SmolStr;

/// Which of the two schemas a graph holds: they differ in what has a unique key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Schema {
    /// What the running pipeline writes: a sentence's key is an integer within its interview, an analysis has none.
    Direct,
    /// What the projection writes: every node has a unique key.
    Projected,
}

impl Schema {
    /// Returns whether the key property of a label is unique in the whole graph. Where it is not,
    /// [`NodeRef::Keyed`](cutover_core::graph::NodeRef::Keyed) names nothing: such a node is named as somebody's child.
    pub const fn is_unique(self, label: Label) -> bool {
        !matches!((self, label), (Self::Direct, Label::Sentence))
    }
}

/// An aggregate whose version is not the one before the guard's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionConflict {
    /// The aggregate.
    pub aggregate: AggregateId,
    /// The version that the graph has; `None` before version 0.
    pub current: Option<u64>,
}

/// What a graph could not do.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The graph cannot be reached, or does not answer in time. The same call may go through later; whether this one took
    /// effect is not known, and the guards tell.
    #[error("the graph is unavailable while it should {during}")]
    Unavailable {
        /// What was being done.
        during: &'static str,
        /// What the client said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The graph cannot be used the way that it is set up: wrong credentials, an account that may not do this, a database that is not
    /// there. It has nothing to do with what was asked, and no waiting helps: somebody has to change it.
    #[error("the graph cannot be used, as it is set up, to {during}")]
    Unusable {
        /// What was being done.
        during: &'static str,
        /// What the client said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is more than the graph has memory for. Nothing of it took effect; less of it at once may.
    #[error("the graph has too little memory to {during} at once")]
    TooLarge {
        /// What was being done.
        during: &'static str,
        /// What the client said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The graph refused what was asked, for a reason that does not pass.
    #[error("the graph refused to {during}")]
    Refused {
        /// What was being done.
        during: &'static str,
        /// What the client said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl GraphError {
    /// Returns whether the same call may go through later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// Why a batch was not applied. Nothing of it was, unless the graph was unavailable, and then it is not known.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Guards refused. Names every aggregate of the batch whose version did not fit, so that one answer corrects all.
    #[error("{} of the batch's aggregates are not at the version that they should be", .0.len())]
    Conflict(Vec<VersionConflict>),
    /// The graph could not.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// Where a paged read goes on; made by the page before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The key of the last row that was read.
    pub key: Option<Value>,
    /// The database's own id of that row: twins with one key are on either side of a page without being lost.
    pub id: u64,
}

impl Cursor {
    /// Returns the cursor after all rows that bear a key: for who goes on later, and has no page any more.
    pub const fn past(key: Value) -> Self {
        // The largest id that every database's signed numbers can hold.
        Self { key: Some(key), id: i64::MAX as u64 }
    }
}

/// A part of an ordered read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// The database's own id, valid within one read.
    pub id: u64,
    /// Its label.
    pub label: SmolStr,
    /// All of its properties, its key among them.
    pub properties: Properties,
    /// How many relationships begin and end at it; one that does both counts twice.
    pub degree: u64,
}

/// One end of a relationship of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// A node of the same tree, by its [`TreeNode::id`].
    Inside(u64),
    /// A node that is not part of the tree, by label and key.
    Outside {
        /// Its label.
        label: SmolStr,
        /// The value of its key property; `None` when it has none.
        key: Option<Value>,
    },
}

/// A node of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeNode {
    /// The database's own id, valid within one read.
    pub id: u64,
    /// Its label.
    pub label: SmolStr,
    /// All of its properties, its key among them.
    pub properties: Properties,
}

/// A relationship that begins or ends in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationshipRow {
    /// Its type.
    pub rel: SmolStr,
    /// Where it begins.
    pub from: Endpoint,
    /// Where it ends.
    pub to: Endpoint,
    /// All of its properties.
    pub properties: Properties,
}

/// An interview with everything that it owns, and every relationship that begins or ends there: the unit of comparison. Twins
/// (nodes with one key, relationships between the same two nodes) are all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The [`TreeNode::id`] of the interview.
    pub root: u64,
    /// Its nodes, the interview's among them.
    pub nodes: Vec<TreeNode>,
    /// Its relationships.
    pub relationships: Vec<RelationshipRow>,
}

/// How much there is in a graph, bookkeeping left out. It is the denominator of a comparison, and shows what no tree reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Nodes by label.
    pub nodes: BTreeMap<SmolStr, u64>,
    /// Relationships by type.
    pub relationships: BTreeMap<SmolStr, u64>,
}

/// A property graph.
#[async_trait]
pub trait Graph: Send + Sync {
    /// Creates what a schema needs (constraints, indexes) and checks that it is there. To be called before the first write.
    async fn prepare(&self, schema: Schema) -> Result<(), GraphError>;

    /// Applies change sets in order, all of them or none.
    ///
    /// # Errors
    ///
    /// [`ApplyError::Conflict`] when a guard does not fit, and then nothing was applied.
    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError>;

    /// Asks for the versions of aggregates, in the order of the question; `None` before version 0. A removed aggregate keeps its
    /// version.
    async fn versions(&self, aggregates: &[AggregateId]) -> Result<Vec<Option<u64>>, GraphError>;

    /// Counts everything.
    async fn census(&self) -> Result<Census, GraphError>;

    /// Reads the nodes of a label in the order of their keys (then of the database's ids), at most `limit` after the cursor, and at
    /// least one if there is one. Nodes without a key come last.
    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError>;

    /// Reads the nodes of an owned label ([`Rel::is_owning`](cutover_core::graph::Rel::is_owning)) that nobody owns: orphans, paged
    /// like [`Graph::nodes`]. Labels that are never owned have none.
    async fn orphans(
        &self,
        label: Label,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError>;

    /// Reads the trees of interviews, in the order of the question. A key that several interviews bear answers with a tree for each;
    /// one that none bears with none.
    async fn trees(&self, interviews: &[Value]) -> Result<Vec<Tree>, GraphError>;

    /// Removes everything, versions and bookkeeping included. Only for graphs that this program created.
    async fn erase(&self) -> Result<(), GraphError>;
}
