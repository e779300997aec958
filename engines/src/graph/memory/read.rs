//! Reads: pages in the order of keys, trees, orphans, the census.

use std::collections::BTreeSet;
use std::ops::Bound;

use cutover_core::graph::{Label, Rel, Value};
use cutover_core::ids::AggregateId;
use rustc_hash::FxHashSet;

use super::PropertyGraph;
use super::index::SortKey;
use super::names::LabelId;
use super::store::{Edge, NodeId};
use crate::graph::{Census, Cursor, Endpoint, NodeRow, Page, RelationshipRow, Tree, TreeNode};

impl PropertyGraph {
    /// Returns the version of an aggregate, also of a removed one; `None` before version 0.
    pub fn version(&self, aggregate: AggregateId) -> Option<u64> {
        self.versions.get(aggregate)
    }

    /// Counts everything but bookkeeping.
    pub fn census(&self) -> Census {
        let mut census = Census::default();
        for (name, index) in self.names.labels().zip(&self.labels) {
            // Bookkeeping is named so that one sees it.
            if index.count() > 0 && !name.starts_with('_') {
                census.nodes.insert(name.clone(), index.count());
            }
        }
        for (at, name) in self.names.rels().enumerate() {
            let count = self.store.count_edges(at);
            if count > 0 {
                census.relationships.insert(name.clone(), count);
            }
        }
        census
    }

    /// Reads the nodes of a label in the order of their keys, at most `limit` after the cursor, and at least one.
    pub fn nodes(&self, label: &str, after: Option<&Cursor>, limit: usize) -> Page<NodeRow> {
        self.page(self.names.find_label(label), after, limit, |_| true)
    }

    /// Reads the nodes of an owned label that nobody owns, like [`PropertyGraph::nodes`].
    pub fn orphans(&self, label: Label, after: Option<&Cursor>, limit: usize) -> Page<NodeRow> {
        let is_owned_label = Rel::ALL.into_iter().any(|rel| rel.is_owning() && rel.target() == label);
        self.page(is_owned_label.then(|| label.into()), after, limit, |id| {
            !self.store.incoming(id).any(|(_, edge)| edge.rel.is_owning())
        })
    }

    fn page(
        &self,
        label: Option<LabelId>,
        after: Option<&Cursor>,
        limit: usize,
        is_wanted: impl Fn(NodeId) -> bool,
    ) -> Page<NodeRow> {
        let Some((label, index)) = label.and_then(|label| Some((label, self.labels.get(label.index())?)))
        else {
            return Page { rows: Vec::new(), next: None };
        };
        let ordered = index.ordered(|| self.in_order(label));
        let start = match after {
            None => Bound::Unbounded,
            Some(cursor) => Bound::Excluded((
                SortKey(cursor.key.clone()),
                NodeId(u32::try_from(cursor.id).unwrap_or(u32::MAX)),
            )),
        };
        let mut wanted = ordered.range((start, Bound::Unbounded)).filter(|(_, id)| is_wanted(*id));
        let mut next = None;
        let mut rows = Vec::new();
        for (key, id) in wanted.by_ref().take(limit.max(1)) {
            next = Some(Cursor { key: key.0.clone(), id: u64::from(id.0) });
            rows.push(self.row(*id));
        }
        Page { rows, next: next.filter(|_| wanted.next().is_some()) }
    }

    fn in_order(&self, label: LabelId) -> BTreeSet<(SortKey, NodeId)> {
        let nodes = self.store.nodes().filter(|(_, node)| node.label == label);
        nodes.map(|(id, node)| (SortKey(node.key().cloned()), id)).collect()
    }

    fn row(&self, id: NodeId) -> NodeRow {
        let node = self.store.node(id);
        NodeRow {
            id: u64::from(id.0),
            label: self.names.label(node.label).clone(),
            properties: node.properties.clone(),
            degree: u64::from(node.degree()),
        }
    }

    /// Reads the trees of the interviews that bear a key.
    pub fn trees(&self, interview: &Value) -> impl Iterator<Item = Tree> {
        let bearers = self.labels[Label::Interview as usize].get(interview);
        bearers.iter().map(|&root| self.tree(root))
    }

    fn tree(&self, root: NodeId) -> Tree {
        let mut members = vec![root];
        let mut inside = FxHashSet::from_iter([root]);
        let mut at = 0;
        while let Some(&owner) = members.get(at) {
            let owned = self.store.outgoing(owner).filter(|(_, edge)| edge.rel.is_owning());
            members.extend(owned.map(|(_, edge)| edge.to).filter(|&id| inside.insert(id)));
            at += 1;
        }
        let mut tree = Tree { root: u64::from(root.0), nodes: Vec::new(), relationships: Vec::new() };
        for id in members {
            let row = self.row(id);
            tree.nodes.push(TreeNode { id: row.id, label: row.label, properties: row.properties });
            // One that begins inside is read there, also when it ends inside.
            let outgoing = self.store.outgoing(id).map(|(_, edge)| edge);
            let incoming = self.store.incoming(id).map(|(_, edge)| edge);
            let edges = outgoing.chain(incoming.filter(|edge| !inside.contains(&edge.from)));
            tree.relationships.extend(edges.map(|edge| self.relationship(edge, &inside)));
        }
        tree
    }

    fn relationship(&self, edge: &Edge, inside: &FxHashSet<NodeId>) -> RelationshipRow {
        let endpoint = |id: NodeId| {
            if inside.contains(&id) {
                return Endpoint::Inside(u64::from(id.0));
            }
            let node = self.store.node(id);
            Endpoint::Outside { label: self.names.label(node.label).clone(), key: node.key().cloned() }
        };
        RelationshipRow {
            rel: self.names.rel(edge.rel).clone(),
            from: endpoint(edge.from),
            to: endpoint(edge.to),
            properties: edge.properties.to_properties(),
        }
    }
}
