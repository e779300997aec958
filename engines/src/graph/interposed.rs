//! A graph with something put in front of it: whatever stands between a caller and an engine overrides what it changes, and the
//! rest passes. The main type is [`Interposed`].

use async_trait::async_trait;
use cutover_core::graph::{ChangeSet, Label, Value};
use cutover_core::ids::AggregateId;

use super::{ApplyError, Census, Cursor, Graph, GraphError, NodeRow, Page, Schema, Tree};

/// A graph that passes on to another one what it does not do itself. Every one of them is a [`Graph`].
#[async_trait]
pub trait Interposed: Send + Sync {
    /// Returns the graph behind it.
    fn inner(&self) -> &dyn Graph;

    /// Sees every question before it is put: [`Graph::versions`], [`Graph::census`], [`Graph::nodes`], [`Graph::orphans`] and
    /// [`Graph::trees`].
    ///
    /// # Errors
    ///
    /// What the caller is to get instead of an answer.
    fn before_reading(&self) -> Result<(), GraphError> {
        Ok(())
    }

    /// Stands in front of [`Graph::prepare`].
    async fn prepare(&self, schema: Schema) -> Result<(), GraphError> {
        self.inner().prepare(schema).await
    }

    /// Stands in front of [`Graph::apply`].
    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        self.inner().apply(batch).await
    }

    /// Stands in front of [`Graph::versions`].
    async fn versions(&self, aggregates: &[AggregateId]) -> Result<Vec<Option<u64>>, GraphError> {
        self.inner().versions(aggregates).await
    }

    /// Stands in front of [`Graph::census`].
    async fn census(&self) -> Result<Census, GraphError> {
        self.inner().census().await
    }

    /// Stands in front of [`Graph::nodes`].
    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        self.inner().nodes(label, after, limit).await
    }

    /// Stands in front of [`Graph::orphans`].
    async fn orphans(
        &self,
        label: Label,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        self.inner().orphans(label, after, limit).await
    }

    /// Stands in front of [`Graph::trees`].
    async fn trees(&self, interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
        self.inner().trees(interviews).await
    }

    /// Stands in front of [`Graph::erase`].
    async fn erase(&self) -> Result<(), GraphError> {
        self.inner().erase().await
    }
}

#[async_trait]
impl<G: Interposed> Graph for G {
    async fn prepare(&self, schema: Schema) -> Result<(), GraphError> {
        Interposed::prepare(self, schema).await
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        Interposed::apply(self, batch).await
    }

    async fn versions(&self, aggregates: &[AggregateId]) -> Result<Vec<Option<u64>>, GraphError> {
        self.before_reading()?;
        Interposed::versions(self, aggregates).await
    }

    async fn census(&self) -> Result<Census, GraphError> {
        self.before_reading()?;
        Interposed::census(self).await
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        self.before_reading()?;
        Interposed::nodes(self, label, after, limit).await
    }

    async fn orphans(
        &self,
        label: Label,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        self.before_reading()?;
        Interposed::orphans(self, label, after, limit).await
    }

    async fn trees(&self, interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
        self.before_reading()?;
        Interposed::trees(self, interviews).await
    }

    async fn erase(&self) -> Result<(), GraphError> {
        Interposed::erase(self).await
    }
}
