//! What changes cannot make, for loading snapshots and for testing whoever has to find it: twins, repeated
//! relationships, orphans, unknown labels, any property.
//!
//! Nothing here is guarded, and nothing that applies changes uses it.

use cutover_core::graph::{Properties, Rel};

use super::PropertyGraph;
use super::store::{EdgeProperties, NodeId};

/// A node that was planted, to plant relationships at. Valid until the node is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planted(NodeId);

impl PropertyGraph {
    /// Adds a node, whatever is there: a second one with the same label and key is a twin. The key is among the
    /// properties, if it is to have one.
    pub fn plant_node(&mut self, label: &str, properties: Properties) -> Planted {
        let label = self.names.intern_label(label);
        Planted(self.create(label, properties))
    }

    /// Adds a relationship, whatever is there.
    ///
    /// # Panics
    ///
    /// Panics when one of the nodes has been removed.
    pub fn plant_relationship(&mut self, from: Planted, rel: &str, to: Planted, properties: Properties) {
        let rel = self.names.intern_rel(rel);
        self.link(from.0, rel, to.0, EdgeProperties::new(properties));
        if [Rel::FirstSentence, Rel::NextSentence, Rel::Follows].into_iter().any(|step| rel == step) {
            self.distrust_links_of(from.0);
            self.distrust_links_of(to.0);
        }
    }

    /// Returns the nodes that bear a key, as [`Planted`] ones, the oldest first.
    pub fn planted(&self, label: &str, key: &cutover_core::graph::Value) -> Vec<Planted> {
        let Some(label) = self.names.find_label(label) else { return Vec::new() };
        let nodes = self.store.nodes().filter(|(_, node)| node.label == label && node.key() == Some(key));
        nodes.map(|(id, _)| Planted(id)).collect()
    }

    /// Sets properties of a node, its key too.
    ///
    /// # Panics
    ///
    /// Panics when the node has been removed.
    pub fn plant_properties(&mut self, node: Planted, properties: &Properties) {
        self.write(node.0, properties, &[]);
    }

    /// Removes the relationships of one type between two nodes, and nothing else: what the far end loses its owner by becomes
    /// an orphan, and a value node stays.
    ///
    /// # Panics
    ///
    /// Panics when one of the nodes has been removed.
    pub fn uproot_relationships(&mut self, from: Planted, rel: Rel, to: Planted) {
        while let Some(link) = self.store.find(from.0, rel, to.0) {
            self.unlink(link);
        }
        self.unused.clear();
        self.distrust_links_of(from.0);
        self.distrust_links_of(to.0);
    }
}
