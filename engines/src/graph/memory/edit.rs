//! The primitive edits of a [`PropertyGraph`]: each leaves nodes, relationships and every index in step.

use cutover_core::graph::{Label, Properties, Rel};
use smol_str::SmolStr;

use super::PropertyGraph;
use super::family::{Family, Place, SEQUENCE_ORDER};
use super::index::LabelIndex;
use super::names::{LabelId, RelId};
use super::store::{EdgeId, EdgeProperties, NodeId};

impl PropertyGraph {
    /// Adds a node. Its key is among the properties, if it has one.
    pub(super) fn create(&mut self, label: LabelId, properties: Properties) -> NodeId {
        let id = self.store.insert_node(label, properties);
        self.enter(id);
        id
    }

    /// Removes a node, its relationships, and all that it owns.
    pub(super) fn destroy(&mut self, id: NodeId) {
        let mut doomed = vec![id];
        while let Some(id) = doomed.pop() {
            if !self.store.contains(id) {
                continue;
            }
            // Its members go one by one; none of them needs to be taken out of an order that goes as well.
            self.store.node_mut(id).family = None;
            while let Some(edge) = self.store.first_outgoing(id) {
                let (rel, to) = (self.store.edge(edge).rel, self.store.edge(edge).to);
                if rel.is_owning() {
                    doomed.push(to);
                }
                self.unlink(edge);
            }
            while let Some(edge) = self.store.first_incoming(id) {
                self.unlink(edge);
            }
            if self.leave(id).is_value() {
                self.unused.retain(|&unused| unused != id);
            }
            self.store.remove_node(id);
        }
    }

    /// Adds a relationship.
    pub(super) fn link(
        &mut self,
        from: NodeId,
        rel: RelId,
        to: NodeId,
        properties: EdgeProperties,
    ) -> EdgeId {
        let edge = self.store.insert_edge(from, rel, to, properties);
        if rel == Rel::HasSentence {
            let twins =
                self.store.incoming(to).filter(|(_, edge)| edge.rel == rel && edge.from == from).count();
            if twins == 1 {
                let place = Place::of(to, self.store.node(to));
                self.family(from).join(place);
            }
        } else if rel == Rel::FirstSentence
            && let Some(family) = &mut self.store.node_mut(from).family
        {
            family.first_links.push(edge);
        }
        edge
    }

    /// Removes a relationship. A value node that it leaves without any is noted down for the end of the batch.
    pub(super) fn unlink(&mut self, edge: EdgeId) {
        let (from, rel, to) = self.store.remove_edge(edge);
        if rel == Rel::FirstSentence {
            if let Some(family) = &mut self.store.node_mut(from).family {
                family.first_links.retain(|&first| first != edge);
            }
        } else if rel == Rel::HasSentence
            && self.store.node(from).family.is_some()
            && self.store.find(from, Rel::HasSentence, to).is_none()
        {
            let place = Place::of(to, self.store.node(to));
            self.family(from).leave(&place);
        }
        for end in [from, to] {
            let node = self.store.node(end);
            if node.degree() == 0 && node.label.is_value() {
                self.unused.push(end);
            }
        }
    }

    /// Removes the value nodes that have lost their last relationship, and not found another one.
    pub(super) fn sweep(&mut self) {
        while let Some(id) = self.unused.pop() {
            if self.store.contains(id) && self.store.node(id).degree() == 0 {
                self.destroy(id);
            }
        }
    }

    /// Sets properties of a node, and removes others.
    pub(super) fn write(&mut self, id: NodeId, set: &Properties, unset: &[SmolStr]) {
        let key = self.store.node(id).label.known().map(Label::key_property);
        let is_indexed = |name: &SmolStr| name == SEQUENCE_ORDER || key.is_some_and(|key| name == key);
        let moves = set.iter().any(|(name, _)| is_indexed(name)) || unset.iter().any(is_indexed);
        if moves {
            self.leave(id);
            self.leave_families(id);
        }
        let properties = &mut self.store.node_mut(id).properties;
        properties.merge(set);
        for name in unset {
            properties.remove(name);
        }
        if moves {
            self.enter(id);
            self.enter_families(id);
        }
    }

    /// Says that the sequence links at a node were made by somebody else, and may be wrong.
    pub(super) fn distrust_links_of(&mut self, id: NodeId) {
        for owner in self.owners(id).into_iter().chain([id]) {
            if let Some(family) = &mut self.store.node_mut(owner).family {
                family.distrust();
            }
        }
    }

    fn enter(&mut self, id: NodeId) {
        let node = self.store.node(id);
        let by_key = node.label.known().is_some_and(|label| self.schema.is_unique(label));
        let at = node.label.index();
        if self.labels.len() <= at {
            self.labels.resize_with(at + 1, LabelIndex::default);
        }
        self.labels[at].insert(node.key(), id, by_key);
    }

    fn leave(&mut self, id: NodeId) -> LabelId {
        let node = self.store.node(id);
        self.labels[node.label.index()].remove(node.key(), id);
        node.label
    }

    fn enter_families(&mut self, id: NodeId) {
        for owner in self.owners(id) {
            let place = Place::of(id, self.store.node(id));
            self.family(owner).join(place);
        }
    }

    fn leave_families(&mut self, id: NodeId) {
        for owner in self.owners(id) {
            let place = Place::of(id, self.store.node(id));
            self.family(owner).leave(&place);
        }
    }

    /// Returns the nodes that own a node by `HAS_SENTENCE`, each once.
    fn owners(&self, id: NodeId) -> Vec<NodeId> {
        let mut owners: Vec<_> = self
            .store
            .incoming(id)
            .filter(|(_, edge)| edge.rel == Rel::HasSentence)
            .map(|(_, edge)| edge.from)
            .collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    fn family(&mut self, owner: NodeId) -> &mut Family {
        if self.store.node(owner).family.is_none() {
            let first_links = self
                .store
                .outgoing(owner)
                .filter(|(_, edge)| edge.rel == Rel::FirstSentence)
                .map(|(id, _)| id)
                .collect();
            let by_key = !self.schema.is_unique(Label::Sentence);
            self.store.node_mut(owner).family = Some(Box::new(Family::new(by_key, first_links)));
        }
        self.store.node_mut(owner).family.as_mut().expect("made just now")
    }
}
