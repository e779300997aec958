//! Change sets, applied: one function per [`Change`]. What each means is said there.

use cutover_core::graph::{
    Change, ChangeSet, Label, NodeRef, Origin, Properties, Rel, Value, last_component, merge_json,
};
use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use super::PropertyGraph;
use super::store::{EdgeId, EdgeProperties, IS_EDITED, NodeId};
use crate::graph::VersionConflict;

impl PropertyGraph {
    /// Applies change sets in order, all of them or none. Guards are checked first; changes are total, so that nothing
    /// can fail after that.
    ///
    /// # Errors
    ///
    /// Answers with every aggregate of the batch whose version does not fit.
    pub fn apply(&mut self, batch: &[ChangeSet]) -> Result<(), Vec<VersionConflict>> {
        self.versions.advance(batch)?;
        let mut chains: Vec<&NodeRef> = Vec::new();
        // The six dimensions of an analysis come one after the other: it is looked up once for all of them.
        let mut dimensions_of: Option<(&NodeRef, Option<NodeId>)> = None;
        for change in batch.iter().flat_map(|set| &set.changes) {
            let known = dimensions_of.take();
            match change {
                Change::Upsert { node, on_create, set, unless_edited } => {
                    self.upsert(node, on_create, set, unless_edited);
                }
                Change::Update { node, set, unset } => self.update(node, set, unset),
                Change::Remove { node } => self.remove(node),
                Change::Link { from, rel, to } => self.ensure_link(from, *rel, to),
                Change::LinkNamedBy { from, rel, owner, property } => {
                    self.link_named_by(from, *rel, owner, property);
                }
                Change::SetLeast { node, property, value } => self.set_least(node, property, value),
                Change::MergeJson { node, property, diff } => self.merge_json(node, property, diff),
                Change::SetDimension { analysis, rel, values, limit, origin } => {
                    let id = match known {
                        Some((named, id)) if named == analysis => id,
                        _ => self.resolve(analysis),
                    };
                    dimensions_of = Some((analysis, id));
                    if let Some(id) = id {
                        self.set_dimension(id, *rel, values, *limit, *origin);
                    }
                }
                Change::Tag { analysis, rel, value } => self.tag(analysis, *rel, value),
                Change::Untag { analysis, rel, value } => self.untag(analysis, *rel, value),
                Change::ReplaceAnalysis { sentence, analysis_id, properties } => {
                    self.replace_analysis(sentence, analysis_id, properties);
                }
                Change::Chain { interview } => {
                    if chains.last() != Some(&interview) {
                        chains.push(interview);
                    }
                }
            }
        }
        for interview in chains {
            if let Some(interview) = self.resolve(interview) {
                self.chain(interview);
            }
        }
        self.sweep();
        Ok(())
    }

    fn upsert(
        &mut self,
        node: &NodeRef,
        on_create: &Properties,
        set: &Properties,
        unless_edited: &Properties,
    ) {
        let label = node.label();
        let (owner, found, key) = match node {
            NodeRef::Keyed { key, .. } => (None, self.find(label, key), Some(key)),
            NodeRef::Child { parent, rel, key } => {
                let Some(parent) = self.resolve(parent) else { return };
                (Some((parent, *rel)), self.resolve_child(parent, *rel, key.as_ref()), key.as_ref())
            }
        };
        if let Some(id) = found {
            return self.upsert_existing(id, set, unless_edited);
        }
        let elsewhere = match (owner, key) {
            (None, _) if !self.schema.is_unique(label) => return,
            (Some(_), Some(key)) => self.find(label, key),
            _ => None,
        };
        let id = elsewhere.unwrap_or_else(|| {
            let count = on_create.len() + set.len() + unless_edited.len() + usize::from(key.is_some());
            let mut properties = Properties::with_capacity(count);
            for more in [on_create, set, unless_edited] {
                properties.merge(more);
            }
            if let Some(key) = key {
                properties.set(SmolStr::new_static(label.key_property()), key.clone());
            }
            self.create(label.into(), properties)
        });
        if elsewhere.is_some() {
            self.upsert_existing(id, set, unless_edited);
        }
        if let Some((owner, rel)) = owner {
            self.link(owner, rel.into(), id, EdgeProperties::Bare);
        }
    }

    fn upsert_existing(&mut self, id: NodeId, set: &Properties, unless_edited: &Properties) {
        let is_edited = self.store.node(id).properties.get(IS_EDITED).is_some_and(Value::is_true);
        self.write(id, set, &[]);
        if !is_edited {
            self.write(id, unless_edited, &[]);
        }
    }

    fn update(&mut self, node: &NodeRef, set: &Properties, unset: &[SmolStr]) {
        if let Some(id) = self.resolve(node) {
            self.write(id, set, unset);
        }
    }

    fn remove(&mut self, node: &NodeRef) {
        if let Some(id) = self.resolve(node) {
            self.destroy(id);
        }
    }

    fn ensure_link(&mut self, from: &NodeRef, rel: Rel, to: &NodeRef) {
        let Some(from) = self.resolve(from) else { return };
        let to = match to {
            NodeRef::Keyed { label, key } if label.is_value() => self.value_node(*label, key),
            other => match self.resolve(other) {
                Some(to) => to,
                None => return,
            },
        };
        self.ensure_link_between(from, rel, to);
    }

    fn link_named_by(&mut self, from: &NodeRef, rel: Rel, owner: &NodeRef, property: &str) {
        let (Some(from), Some(owner)) = (self.resolve(from), self.resolve(owner)) else { return };
        let named = self.store.node(owner).properties.get(property).and_then(Value::as_text);
        let Some(name) = named.and_then(last_component) else { return };
        let name = Value::Text(SmolStr::new(name));
        let to = self.value_node(rel.target(), &name);
        self.ensure_link_between(from, rel, to);
    }

    fn set_least(&mut self, node: &NodeRef, property: &SmolStr, value: &Value) {
        let Some(id) = self.resolve(node) else { return };
        if self.store.node(id).properties.get(property).is_none_or(|current| value < current) {
            self.write(id, &Properties::from_iter([(property.clone(), value.clone())]), &[]);
        }
    }

    fn merge_json(&mut self, node: &NodeRef, property: &SmolStr, diff: &Map<String, Json>) {
        let Some(id) = self.resolve(node) else { return };
        let text = self.store.node(id).properties.get(property).and_then(Value::as_text);
        let merged = Value::Text(merge_json(text, diff));
        self.write(id, &Properties::from_iter([(property.clone(), merged)]), &[]);
    }

    fn ensure_link_between(&mut self, from: NodeId, rel: Rel, to: NodeId) {
        if self.store.find(from, rel, to).is_none() {
            self.link(from, rel.into(), to, EdgeProperties::Bare);
            if matches!(rel, Rel::FirstSentence | Rel::NextSentence | Rel::Follows) {
                self.distrust_links_of(from);
                self.distrust_links_of(to);
            }
        }
    }

    fn set_dimension(
        &mut self,
        analysis: NodeId,
        rel: Rel,
        values: &[SmolStr],
        limit: Option<u32>,
        origin: Origin,
    ) {
        let limit = limit.map_or(usize::MAX, |limit| limit as usize);
        let is_person = origin == Origin::Person;
        let mut links = 0;
        self.each_link_of(analysis, rel, |graph, link| {
            if is_person || !graph.store.edge(link).properties.is_protected() {
                graph.unlink(link);
            } else {
                links += 1;
            }
        });
        for value in values {
            if links >= limit {
                break;
            }
            let value = self.value_node(rel.target(), &Value::Text(value.clone()));
            if links == 0 || self.store.find(analysis, rel, value).is_none() {
                self.link(analysis, rel.into(), value, EdgeProperties::Edited(is_person));
                links += 1;
            }
        }
    }

    fn tag(&mut self, analysis: &NodeRef, rel: Rel, value: &SmolStr) {
        let Some(analysis) = self.resolve(analysis) else { return };
        let value = self.value_node(rel.target(), &Value::Text(value.clone()));
        let mut is_there = false;
        self.each_link_of(analysis, rel, |graph, link| {
            if graph.store.edge(link).to == value {
                graph.store.edge_properties_mut(link).protect();
                is_there = true;
            }
        });
        if !is_there {
            self.link(analysis, rel.into(), value, EdgeProperties::Edited(true));
        }
    }

    fn untag(&mut self, analysis: &NodeRef, rel: Rel, value: &SmolStr) {
        let Some(analysis) = self.resolve(analysis) else { return };
        let Some(value) = self.find(rel.target(), &Value::Text(value.clone())) else { return };
        self.each_link_of(analysis, rel, |graph, link| {
            if graph.store.edge(link).to == value {
                graph.unlink(link);
            }
        });
    }

    fn replace_analysis(&mut self, sentence: &NodeRef, analysis_id: &SmolStr, properties: &Properties) {
        let Some(sentence) = self.resolve(sentence) else { return };
        let mut replaced = Vec::new();
        self.each_link_of(sentence, Rel::HasAnalysis, |graph, link| replaced.push(graph.store.edge(link).to));

        let mut all = Properties::with_capacity(properties.len() + 1);
        all.merge(properties);
        let key = SmolStr::new_static(Label::Analysis.key_property());
        all.set(key, Value::Text(analysis_id.clone()));
        let analysis = self.create(Label::Analysis.into(), all);
        self.link(sentence, Rel::HasAnalysis.into(), analysis, EdgeProperties::Bare);
        for &old in &replaced {
            for rel in Rel::DIMENSIONS {
                self.each_link_of(old, rel, |graph, link| {
                    let edge = graph.store.edge(link);
                    let (to, properties) = (edge.to, edge.properties.clone());
                    if properties.is_protected() && graph.store.find(analysis, rel, to).is_none() {
                        graph.link(analysis, rel.into(), to, properties);
                    }
                });
            }
        }
        for old in replaced {
            self.destroy(old);
        }
    }

    /// Visits the relationships of one type that begin at a node; each may be removed while it is visited.
    fn each_link_of(&mut self, node: NodeId, rel: Rel, mut visit: impl FnMut(&mut Self, EdgeId)) {
        let mut at = self.store.first_outgoing(node);
        while let Some(link) = at {
            at = self.store.next_outgoing(link);
            if self.store.edge(link).rel == rel {
                visit(self, link);
            }
        }
    }

    /// Finds a value node, or creates it.
    fn value_node(&mut self, label: Label, key: &Value) -> NodeId {
        self.find(label, key).unwrap_or_else(|| {
            let mut properties = label.properties_on_create();
            properties.set(SmolStr::new_static(label.key_property()), key.clone());
            self.create(label.into(), properties)
        })
    }

    /// Finds the node with a key; the first one of twins.
    fn find(&self, label: Label, key: &Value) -> Option<NodeId> {
        self.labels[label as usize].get(key).first().copied()
    }

    /// Finds the node that a reference names.
    fn resolve(&self, node: &NodeRef) -> Option<NodeId> {
        match node {
            NodeRef::Keyed { label, key } => self.find(*label, key),
            NodeRef::Child { parent, rel, key } => {
                let parent = self.resolve(parent)?;
                self.resolve_child(parent, *rel, key.as_ref())
            }
        }
    }

    /// Finds the child of a node with that key, or its only child.
    fn resolve_child(&self, parent: NodeId, rel: Rel, key: Option<&Value>) -> Option<NodeId> {
        match key {
            None => self.children(parent, rel).min(),
            Some(key) if rel == Rel::HasSentence => self.find_sentence(parent, key),
            Some(key) => self.children(parent, rel).find(|&child| self.store.node(child).key() == Some(key)),
        }
    }

    fn children(&self, parent: NodeId, rel: Rel) -> impl Iterator<Item = NodeId> {
        self.store.outgoing(parent).filter(move |(_, edge)| edge.rel == rel).map(|(_, edge)| edge.to)
    }

    /// Finds a sentence without looking at all the others of its interview.
    fn find_sentence(&self, interview: NodeId, key: &Value) -> Option<NodeId> {
        if self.schema.is_unique(Label::Sentence) {
            let bearers = self.labels[Label::Sentence as usize].get(key).iter().copied();
            bearers.into_iter().find(|&id| self.store.find(interview, Rel::HasSentence, id).is_some())
        } else {
            self.store.node(interview).family.as_ref()?.get(key).first().copied()
        }
    }
}
