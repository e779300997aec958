//! A graph whose calls are disturbed.

use std::sync::Arc;

use async_trait::async_trait;
use cutover_core::graph::{ChangeSet, Label, Value};
use cutover_core::ids::AggregateId;
use cutover_engines::graph::{ApplyError, Census, Cursor, Graph, GraphError, NodeRow, Page, Schema, Tree};
use smol_str::SmolStr;

use super::injector::Injector;
use super::operation::{Operation, Site};

/// A graph with faults.
pub struct FaultyGraph {
    inner: Arc<dyn Graph>,
    name: SmolStr,
    injector: Arc<Injector>,
}

impl FaultyGraph {
    /// Puts faults in front of the graph of that name.
    pub fn new(inner: Arc<dyn Graph>, name: impl Into<SmolStr>, injector: Arc<Injector>) -> Self {
        Self { inner, name: name.into(), injector }
    }

    fn site(&self, operation: Operation) -> Site<'_> {
        Site::of(operation, &self.name)
    }
}

#[async_trait]
impl Graph for FaultyGraph {
    async fn prepare(&self, schema: Schema) -> Result<(), GraphError> {
        let prepare = || self.inner.prepare(schema);
        self.injector.call(self.site(Operation::Prepare), "prepare the schema", prepare).await
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        let apply = || self.inner.apply(batch);
        self.injector.call(self.site(Operation::Apply), "apply changes", apply).await
    }

    async fn versions(&self, aggregates: &[AggregateId]) -> Result<Vec<Option<u64>>, GraphError> {
        let ask = || self.inner.versions(aggregates);
        self.injector.call(self.site(Operation::Versions), "read versions", ask).await
    }

    async fn census(&self) -> Result<Census, GraphError> {
        self.injector.call(self.site(Operation::Census), "count", || self.inner.census()).await
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        let read = || self.inner.nodes(label, after, limit);
        self.injector.call(self.site(Operation::Nodes), "read nodes", read).await
    }

    async fn orphans(
        &self,
        label: Label,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        let read = || self.inner.orphans(label, after, limit);
        self.injector.call(self.site(Operation::Orphans), "read orphans", read).await
    }

    async fn trees(&self, interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
        let read = || self.inner.trees(interviews);
        self.injector.call(self.site(Operation::Trees), "read interviews", read).await
    }

    async fn erase(&self) -> Result<(), GraphError> {
        self.injector.call(self.site(Operation::Erase), "erase", || self.inner.erase()).await
    }
}
