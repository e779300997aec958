//! The property graph in memory: [`PropertyGraph`], and [`MemoryGraph`], which puts it behind the port.
//!
//! | file | what it answers for |
//! |---|---|
//! | `store` | nodes and relationships in slabs |
//! | `names` | labels and types as small numbers |
//! | `index` | nodes by key, and in the order of keys |
//! | `family` | the sentences of an interview, in their order and by key |
//! | `edit` | primitive edits that keep all of these in step |
//! | `guard` | versions |
//! | `apply` | what each change means |
//! | `chain` | sequence links |
//! | `read` | pages, trees, orphans, census |
//! | `plant` | what changes cannot make, for tests and snapshots |

mod apply;
mod chain;
mod edit;
mod family;
mod guard;
mod index;
mod names;
mod plant;
mod read;
mod store;

use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use cutover_core::graph::{ChangeSet, Label, Value};
use cutover_core::ids::AggregateId;

use self::guard::Versions;
use self::index::LabelIndex;
use self::names::Names;
pub use self::plant::Planted;
use self::store::{NodeId, Store};
use super::{ApplyError, Census, Cursor, Graph, GraphError, NodeRow, Page, Schema, Tree};

/// A property graph without a lock, a task or a clock: what simulations and benchmarks drive.
#[derive(Debug)]
pub struct PropertyGraph {
    schema: Schema,
    names: Names,
    store: Store,
    /// By [`names::LabelId::index`].
    labels: Vec<LabelIndex>,
    versions: Versions,
    /// Value nodes that lost their last relationship in this batch.
    unused: Vec<NodeId>,
}

impl PropertyGraph {
    /// Returns an empty graph.
    pub fn new(schema: Schema) -> Self {
        Self {
            schema,
            names: Names::new(),
            store: Store::default(),
            labels: Label::ALL.map(|_| LabelIndex::default()).into(),
            versions: Versions::default(),
            unused: Vec::new(),
        }
    }

    /// Returns which labels have a unique key.
    pub const fn schema(&self) -> Schema {
        self.schema
    }

    /// Returns whether there is no node at all, and no relationship.
    pub fn is_empty(&self) -> bool {
        self.store.nodes().next().is_none()
    }

    /// Removes everything, versions and bookkeeping included.
    pub fn erase(&mut self) {
        *self = Self::new(self.schema);
    }
}

/// A graph of the wrong schema was asked for.
#[derive(Debug, thiserror::Error)]
#[error("the graph holds nodes of the {held:?} schema, and cannot be made one of the {asked:?} schema")]
struct SchemaMismatch {
    held: Schema,
    asked: Schema,
}

/// A [`PropertyGraph`] behind the port.
///
/// A plain mutex is enough: no call waits for anything while it holds it.
#[derive(Debug)]
pub struct MemoryGraph {
    graph: Mutex<PropertyGraph>,
}

impl MemoryGraph {
    /// Returns an empty graph.
    pub fn new(schema: Schema) -> Self {
        PropertyGraph::new(schema).into()
    }

    /// Takes a look inside, or plants what no change can make.
    ///
    /// # Panics
    ///
    /// Panics when an earlier look inside did.
    pub fn with<T>(&self, look: impl FnOnce(&mut PropertyGraph) -> T) -> T {
        look(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, PropertyGraph> {
        self.graph.lock().expect("nobody panicked in the middle of a change")
    }
}

impl From<PropertyGraph> for MemoryGraph {
    fn from(graph: PropertyGraph) -> Self {
        Self { graph: Mutex::new(graph) }
    }
}

#[async_trait]
impl Graph for MemoryGraph {
    async fn prepare(&self, schema: Schema) -> Result<(), GraphError> {
        let mut graph = self.lock();
        if graph.schema == schema {
            return Ok(());
        }
        if !graph.is_empty() {
            return Err(GraphError::Refused {
                during: "prepare the schema",
                source: Box::new(SchemaMismatch { held: graph.schema, asked: schema }),
            });
        }
        graph.schema = schema;
        Ok(())
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        self.lock().apply(batch).map_err(ApplyError::Conflict)
    }

    async fn versions(&self, aggregates: &[AggregateId]) -> Result<Vec<Option<u64>>, GraphError> {
        let graph = self.lock();
        Ok(aggregates.iter().map(|&aggregate| graph.version(aggregate)).collect())
    }

    async fn census(&self) -> Result<Census, GraphError> {
        Ok(self.lock().census())
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        Ok(self.lock().nodes(label, after, limit))
    }

    async fn orphans(
        &self,
        label: Label,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        Ok(self.lock().orphans(label, after, limit))
    }

    async fn trees(&self, interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
        let graph = self.lock();
        Ok(interviews.iter().flat_map(|interview| graph.trees(interview)).collect())
    }

    async fn erase(&self) -> Result<(), GraphError> {
        self.lock().erase();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
