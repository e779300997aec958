//! A second, naive interpreter of graph changes, to hold the fast ones to: [`ReferenceGraph`].
//!
//! Written from what the changes say of themselves, without a look at the others: plain ordered maps, no index, no
//! incremental anything. Every question is answered by walking over everything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use cutover_core::graph::{
    Change, ChangeSet, Label, NodeRef, Origin, Properties, Rel, Value, last_component, merge_json,
};
use cutover_core::ids::AggregateId;
use cutover_engines::graph::{
    ApplyError, Census, Cursor, Endpoint, Graph, GraphError, NodeRow, Page, RelationshipRow, Schema, Tree,
    TreeNode, VersionConflict,
};

type Id = u64;

const SEQUENCE: [Rel; 3] = [Rel::FirstSentence, Rel::NextSentence, Rel::Follows];

/// A relationship; no two are alike, as no change makes twins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    from: Id,
    rel: Rel,
    to: Id,
}

#[derive(Debug, Clone, Default)]
struct State {
    last_id: Id,
    nodes: BTreeMap<Id, (Label, Properties)>,
    /// With `is_edited`, where the relationship has it.
    links: BTreeMap<Link, Option<bool>>,
    versions: BTreeMap<AggregateId, u64>,
}

impl State {
    fn key(&self, id: Id) -> Option<&Value> {
        let (label, properties) = &self.nodes[&id];
        properties.get(label.key_property())
    }

    fn targets(&self, from: Id, rel: Rel) -> Vec<Id> {
        self.links.keys().filter(|link| link.from == from && link.rel == rel).map(|link| link.to).collect()
    }

    fn find(&self, node: &NodeRef, schema: Schema) -> Option<Id> {
        match node {
            NodeRef::Keyed { label, .. } if !schema.is_unique(*label) => None,
            NodeRef::Keyed { label, key } => self.with_key(*label, key),
            NodeRef::Child { parent, rel, key } => {
                let parent = self.find(parent, schema)?;
                let children = self.targets(parent, *rel);
                match key {
                    None => children.first().copied(),
                    Some(key) => children.into_iter().find(|&child| self.key(child) == Some(key)),
                }
            }
        }
    }

    fn with_key(&self, label: Label, key: &Value) -> Option<Id> {
        self.nodes.keys().copied().find(|&id| self.nodes[&id].0 == label && self.key(id) == Some(key))
    }

    fn create(&mut self, label: Label, properties: Properties) -> Id {
        self.last_id += 1;
        self.nodes.insert(self.last_id, (label, properties));
        self.last_id
    }

    fn value(&mut self, label: Label, key: &Value) -> Id {
        self.with_key(label, key).unwrap_or_else(|| {
            let mut properties = label.properties_on_create();
            properties.set(label.key_property().into(), key.clone());
            self.create(label, properties)
        })
    }

    fn delete(&mut self, id: Id) {
        if self.nodes.remove(&id).is_none() {
            return;
        }
        let owned: Vec<_> = self
            .links
            .keys()
            .filter(|link| link.from == id && link.rel.is_owning())
            .map(|link| link.to)
            .collect();
        self.links.retain(|link, _| link.from != id && link.to != id);
        for id in owned {
            self.delete(id);
        }
    }

    fn properties(&mut self, id: Id) -> &mut Properties {
        &mut self.nodes.get_mut(&id).expect("found before").1
    }

    fn apply(&mut self, change: &Change, schema: Schema) {
        match change {
            Change::Upsert { node, on_create, set, unless_edited } => {
                self.upsert(node, on_create, set, unless_edited, schema);
            }
            Change::Update { node, set, unset } => {
                let Some(id) = self.find(node, schema) else { return };
                for (name, value) in set.iter() {
                    self.properties(id).set(name.clone(), value.clone());
                }
                for name in unset {
                    self.properties(id).remove(name);
                }
            }
            Change::Remove { node } => {
                if let Some(id) = self.find(node, schema) {
                    self.delete(id);
                }
            }
            Change::Link { from, rel, to } => {
                let Some(from) = self.find(from, schema) else { return };
                let to = match to {
                    NodeRef::Keyed { label, key } if label.is_value() => Some(self.value(*label, key)),
                    other => self.find(other, schema),
                };
                if let Some(to) = to {
                    self.links.entry(Link { from, rel: *rel, to }).or_default();
                }
            }
            Change::LinkNamedBy { from, rel, owner, property } => {
                let (Some(from), Some(owner)) = (self.find(from, schema), self.find(owner, schema)) else {
                    return;
                };
                let Some(Value::Text(text)) = self.properties(owner).get(property).cloned() else { return };
                if let Some(name) = last_component(&text) {
                    let to = self.value(rel.target(), &Value::from(name));
                    self.links.entry(Link { from, rel: *rel, to }).or_default();
                }
            }
            Change::SetLeast { node, property, value } => {
                let Some(id) = self.find(node, schema) else { return };
                let least = match self.properties(id).get(property) {
                    Some(current) => current.min(value).clone(),
                    None => value.clone(),
                };
                self.properties(id).set(property.clone(), least);
            }
            Change::MergeJson { node, property, diff } => {
                let Some(id) = self.find(node, schema) else { return };
                let merged = merge_json(self.properties(id).get(property).and_then(Value::as_text), diff);
                self.properties(id).set(property.clone(), Value::Text(merged));
            }
            Change::SetDimension { analysis, rel, values, limit, origin } => {
                let Some(from) = self.find(analysis, schema) else { return };
                self.links.retain(|link, is_edited| {
                    link.from != from
                        || link.rel != *rel
                        || (*origin == Origin::Analysis && *is_edited == Some(true))
                });
                for value in values {
                    let links = self.targets(from, *rel);
                    if limit.is_some_and(|limit| links.len() >= limit as usize) {
                        break;
                    }
                    let to = self.value(rel.target(), &Value::Text(value.clone()));
                    let is_edited = Some(*origin == Origin::Person);
                    self.links.entry(Link { from, rel: *rel, to }).or_insert(is_edited);
                }
            }
            Change::Tag { analysis, rel, value } => {
                let Some(from) = self.find(analysis, schema) else { return };
                let to = self.value(rel.target(), &Value::Text(value.clone()));
                self.links.insert(Link { from, rel: *rel, to }, Some(true));
            }
            Change::Untag { analysis, rel, value } => {
                let Some(from) = self.find(analysis, schema) else { return };
                if let Some(to) = self.with_key(rel.target(), &Value::Text(value.clone())) {
                    self.links.remove(&Link { from, rel: *rel, to });
                }
            }
            Change::ReplaceAnalysis { sentence, analysis_id, properties } => {
                let Some(sentence) = self.find(sentence, schema) else { return };
                let mut kept = BTreeSet::new();
                for old in self.targets(sentence, Rel::HasAnalysis) {
                    let links =
                        self.links.iter().filter(|(link, edited)| link.from == old && **edited == Some(true));
                    kept.extend(links.map(|(link, _)| (link.rel, link.to)));
                    self.delete(old);
                }
                let mut properties = properties.clone();
                properties.set("analysis_id".into(), Value::Text(analysis_id.clone()));
                let new = self.create(Label::Analysis, properties);
                self.links.insert(Link { from: sentence, rel: Rel::HasAnalysis, to: new }, None);
                for (rel, to) in kept {
                    self.links.insert(Link { from: new, rel, to }, Some(true));
                }
            }
            // Done when the batch is.
            Change::Chain { .. } => {}
        }
    }

    fn upsert(
        &mut self,
        node: &NodeRef,
        on_create: &Properties,
        set: &Properties,
        unless_edited: &Properties,
        schema: Schema,
    ) {
        let (label, key) = match node {
            NodeRef::Keyed { label, key } => (*label, Some(key)),
            NodeRef::Child { rel, key, .. } => (rel.target(), key.as_ref()),
        };
        let owner = match node {
            NodeRef::Keyed { .. } if !schema.is_unique(label) => return,
            NodeRef::Keyed { .. } => None,
            NodeRef::Child { parent, rel, .. } => match self.find(parent, schema) {
                Some(parent) => Some((parent, *rel)),
                None => return,
            },
        };
        let unowned = || key.filter(|_| schema.is_unique(label)).and_then(|key| self.with_key(label, key));
        let (id, is_kept) = match self.find(node, schema).or_else(unowned) {
            Some(id) => (id, self.properties(id).get("is_edited") == Some(&Value::Bool(true))),
            None => {
                let mut properties = on_create.clone();
                if let Some(key) = key {
                    properties.set(label.key_property().into(), key.clone());
                }
                (self.create(label, properties), false)
            }
        };
        let kept = Properties::new();
        for (name, value) in set.iter().chain(if is_kept { kept.iter() } else { unless_edited.iter() }) {
            self.properties(id).set(name.clone(), value.clone());
        }
        if let Some((from, rel)) = owner {
            self.links.entry(Link { from, rel, to: id }).or_default();
        }
    }

    fn chain(&mut self, interview: Id) {
        let mut sentences = self.targets(interview, Rel::HasSentence);
        sentences.sort_by_key(|&id| {
            let order = self.nodes[&id].1.get("sequence_order").and_then(Value::as_int);
            (order.is_none(), order, self.key(id).cloned())
        });
        self.links.retain(|link, _| {
            let is_of_interview = link.rel == Rel::FirstSentence && link.from == interview;
            let is_at_sentence = sentences.contains(&link.from) || sentences.contains(&link.to);
            !(is_of_interview || (SEQUENCE.contains(&link.rel) && is_at_sentence))
        });
        if let Some(&first) = sentences.first() {
            self.links.insert(Link { from: interview, rel: Rel::FirstSentence, to: first }, None);
        }
        for pair in sentences.windows(2) {
            for rel in [Rel::NextSentence, Rel::Follows] {
                self.links.insert(Link { from: pair[0], rel, to: pair[1] }, None);
            }
        }
    }

    fn is_owned(&self, id: Id) -> bool {
        self.links.keys().any(|link| link.to == id && link.rel.is_owning())
    }

    fn degree(&self, id: Id) -> u64 {
        let begins = self.links.keys().filter(|link| link.from == id).count();
        let ends = self.links.keys().filter(|link| link.to == id).count();
        (begins + ends) as u64
    }

    fn rows(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
        is_wanted: impl Fn(Id) -> bool,
    ) -> Page<NodeRow> {
        let mut ids: Vec<_> =
            self.nodes.keys().copied().filter(|id| self.nodes[id].0.as_str() == label).collect();
        let place = |key: Option<&Value>, id: Id| (key.is_none(), key.cloned(), id);
        ids.retain(|&id| {
            let is_after = |cursor: &Cursor| place(self.key(id), id) > place(cursor.key.as_ref(), cursor.id);
            is_wanted(id) && after.is_none_or(is_after)
        });
        ids.sort_by_key(|&id| place(self.key(id), id));
        let is_cut = ids.len() > limit.max(1);
        ids.truncate(limit.max(1));
        let next = ids.last().filter(|_| is_cut).map(|&id| Cursor { key: self.key(id).cloned(), id });
        let row = |id: Id| {
            let (label, properties) = self.nodes[&id].clone();
            NodeRow { id, label: label.as_str().into(), properties, degree: self.degree(id) }
        };
        Page { rows: ids.into_iter().map(row).collect(), next }
    }

    fn tree(&self, root: Id) -> Tree {
        let mut inside = BTreeSet::from([root]);
        loop {
            let owned = self.links.keys().filter(|link| link.rel.is_owning() && inside.contains(&link.from));
            let grown: BTreeSet<_> = owned.map(|link| link.to).chain(inside.iter().copied()).collect();
            if grown == inside {
                break;
            }
            inside = grown;
        }
        let end = |id: Id| match inside.contains(&id) {
            true => Endpoint::Inside(id),
            false => {
                Endpoint::Outside { label: self.nodes[&id].0.as_str().into(), key: self.key(id).cloned() }
            }
        };
        let node = |&id: &Id| TreeNode {
            id,
            label: self.nodes[&id].0.as_str().into(),
            properties: self.nodes[&id].1.clone(),
        };
        let touching =
            self.links.iter().filter(|(link, _)| inside.contains(&link.from) || inside.contains(&link.to));
        let relationship = |(link, is_edited): (&Link, &Option<bool>)| RelationshipRow {
            rel: link.rel.as_str().into(),
            from: end(link.from),
            to: end(link.to),
            properties: Properties::new().with_some("is_edited", *is_edited),
        };
        Tree {
            root,
            nodes: inside.iter().map(node).collect(),
            relationships: touching.map(relationship).collect(),
        }
    }
}

/// The reference behind the port.
pub(crate) struct ReferenceGraph {
    schema: Schema,
    state: Mutex<State>,
}

impl ReferenceGraph {
    /// Returns an empty graph.
    pub(crate) fn new(schema: Schema) -> Self {
        Self { schema, state: Mutex::default() }
    }

    fn read<T>(&self, answer: impl FnOnce(&State) -> T) -> T {
        answer(&self.state.lock().expect("nobody panicked in here"))
    }
}

#[async_trait]
impl Graph for ReferenceGraph {
    async fn prepare(&self, schema: Schema) -> Result<(), GraphError> {
        assert_eq!(schema, self.schema, "a reference is made for one schema");
        Ok(())
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        let mut state = self.state.lock().expect("nobody panicked in here");
        let mut next = state.clone();
        let mut misfits = BTreeSet::new();
        for guard in batch.iter().filter_map(|set| set.guard) {
            let due = next.versions.get(&guard.aggregate).map_or(0, |version| version + 1);
            if guard.version == due {
                next.versions.insert(guard.aggregate, due);
            } else {
                misfits.insert(guard.aggregate);
            }
        }
        if !misfits.is_empty() {
            let conflict =
                |aggregate| VersionConflict { aggregate, current: state.versions.get(&aggregate).copied() };
            return Err(ApplyError::Conflict(misfits.into_iter().map(conflict).collect()));
        }
        for change in batch.iter().flat_map(|set| &set.changes) {
            next.apply(change, self.schema);
        }
        for change in batch.iter().flat_map(|set| &set.changes) {
            if let Change::Chain { interview } = change
                && let Some(interview) = next.find(interview, self.schema)
            {
                next.chain(interview);
            }
        }
        let pointed_at: BTreeSet<_> = next.links.keys().map(|link| link.to).collect();
        next.nodes.retain(|id, (label, _)| !label.is_value() || pointed_at.contains(id));
        *state = next;
        Ok(())
    }

    async fn versions(&self, aggregates: &[AggregateId]) -> Result<Vec<Option<u64>>, GraphError> {
        Ok(self.read(|state| {
            aggregates.iter().map(|aggregate| state.versions.get(aggregate).copied()).collect()
        }))
    }

    async fn census(&self) -> Result<Census, GraphError> {
        Ok(self.read(|state| {
            let mut census = Census::default();
            for (label, _) in state.nodes.values().filter(|(label, _)| !label.is_bookkeeping()) {
                *census.nodes.entry(label.as_str().into()).or_default() += 1;
            }
            for link in state.links.keys() {
                *census.relationships.entry(link.rel.as_str().into()).or_default() += 1;
            }
            census
        }))
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        Ok(self.read(|state| state.rows(label, after, limit, |_| true)))
    }

    async fn orphans(
        &self,
        label: Label,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        let is_ownable = matches!(label, Label::Sentence | Label::Analysis);
        Ok(self
            .read(|state| state.rows(label.as_str(), after, limit, |id| is_ownable && !state.is_owned(id))))
    }

    async fn trees(&self, interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
        Ok(self.read(|state| {
            let roots = interviews.iter().flat_map(|key| {
                let bears = |id: &Id| state.nodes[id].0 == Label::Interview && state.key(*id) == Some(key);
                state.nodes.keys().copied().filter(bears).collect::<Vec<_>>()
            });
            roots.map(|root| state.tree(root)).collect()
        }))
    }

    async fn erase(&self) -> Result<(), GraphError> {
        *self.state.lock().expect("nobody panicked in here") = State::default();
        Ok(())
    }
}
