//! Where a side of a comparison is read from: a graph, or whatever can answer like one. The main type is [`Source`].

use async_trait::async_trait;
use cutover_core::graph::{Label, Value};
use cutover_engines::graph::{Census, Cursor, Graph, GraphError, NodeRow, Page, Schema};

use super::canonical::{Identity, Interview, canonical};
use super::form::{Counts, FormId, Summary};

/// What is known of a part of a side without reading its elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What it is in the form that was asked for.
    pub summary: Summary,
    /// How much of it there is, whatever a policy makes of it.
    pub read: Counts,
}

/// One side of a comparison. Everything is read in the order of keys, in pages.
#[async_trait]
pub trait Source: Send + Sync {
    /// Returns whether something is known of its parts in that form.
    fn knows(&self, _form: &FormId) -> bool {
        false
    }

    /// Returns what is known of interviews in a form, in the order of the question; `None` for those that have to be read.
    async fn known_interviews(
        &self,
        keys: &[Value],
        _form: &FormId,
    ) -> Result<Vec<Option<Known>>, GraphError> {
        Ok(vec![None; keys.len()])
    }

    /// Returns what is known of all nodes of a label that belongs to no interview.
    async fn known_nodes(&self, _label: &str, _form: &FormId) -> Result<Option<Known>, GraphError> {
        Ok(None)
    }

    /// Counts everything there is.
    async fn census(&self) -> Result<Census, GraphError>;

    /// Reads nodes of a label, in the order of their keys; those without one may come anywhere.
    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError>;

    /// Reads the nodes of an owned label that nobody owns.
    async fn orphans(
        &self,
        label: Label,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError>;

    /// Reads interviews with all that they own, in the order of the question; one for each that bears the key.
    async fn interviews(&self, keys: &[Value], identity: Identity) -> Result<Vec<Interview>, GraphError>;
}

/// A graph as a side of a comparison.
#[derive(Clone, Copy)]
pub struct GraphSource<'g> {
    graph: &'g dyn Graph,
    schema: Schema,
}

impl<'g> GraphSource<'g> {
    /// Reads a graph of that schema.
    pub fn new(graph: &'g dyn Graph, schema: Schema) -> Self {
        Self { graph, schema }
    }
}

#[async_trait]
impl Source for GraphSource<'_> {
    async fn census(&self) -> Result<Census, GraphError> {
        self.graph.census().await
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        self.graph.nodes(label, after, limit).await
    }

    async fn orphans(
        &self,
        label: Label,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        self.graph.orphans(label, after, limit).await
    }

    async fn interviews(&self, keys: &[Value], identity: Identity) -> Result<Vec<Interview>, GraphError> {
        let trees = self.graph.trees(keys).await?;
        Ok(trees.into_iter().map(|tree| canonical(tree, self.schema, identity)).collect())
    }
}
