//! Two equal graphs in which every interview has a node of each label and a relationship of each type that a policy compares, with
//! every property that it knows. What is there follows from the policy and the schema, so that what they come to know is there too.

use std::collections::BTreeMap;

use cutover_core::graph::{Label, Properties, Rel, Value};
use cutover_core::ids::{InterviewId, SentenceId};
use cutover_engines::graph::{Planted, PropertyGraph, Schema};
use smol_str::{SmolStr, format_smolstr};

use super::super::testing::{interview, text};
use super::super::{Policy, Side};

/// Which sentence of an interview things happen to; it has one before it and one after it.
pub(super) const SLOT: u32 = 1;

/// The nodes of one interview in one of the graphs, and those that only it leads to.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) number: u32,
    pub(super) id: InterviewId,
    /// The node of each label that things happen to.
    nodes: BTreeMap<Label, Planted>,
    /// The sentence in front of that of [`SLOT`].
    before: Planted,
    /// The last sentence: nobody has analysed it.
    pub(super) bare: Planted,
}

impl Place {
    pub(super) fn node(&self, label: Label) -> Planted {
        self.nodes[&label]
    }

    /// Returns where a relationship begins and where it ends.
    pub(super) fn ends(&self, rel: Rel) -> [Planted; 2] {
        let begin = match rel {
            Rel::ContainsInterview => Label::Project,
            Rel::HasSentence => Label::Interview,
            Rel::FirstSentence => return [self.node(Label::Interview), self.before],
            Rel::NextSentence | Rel::Follows => return [self.before, self.node(Label::Sentence)],
            Rel::HasAnalysis | Rel::PartOfFile => Label::Sentence,
            Rel::HasFunction
            | Rel::HasStructure
            | Rel::HasPurpose
            | Rel::MentionsTopic
            | Rel::MentionsOverallKeyword
            | Rel::MentionsDomainKeyword => Label::Analysis,
        };
        [self.node(begin), self.node(rel.target())]
    }
}

/// A graph of one schema.
pub(super) struct World {
    pub(super) side: Side,
    pub(super) graph: PropertyGraph,
    pub(super) places: Vec<Place>,
    schema: Schema,
    policy: Policy,
    /// One value of each label that every interview leads to.
    shared: BTreeMap<Label, Planted>,
}

impl World {
    /// Makes so many interviews of so many sentences, at least three.
    pub(super) fn new(side: Side, schema: Schema, policy: &Policy, interviews: u32, sentences: u32) -> Self {
        let (graph, policy) = (PropertyGraph::new(schema), policy.clone());
        let mut world = Self { side, graph, places: Vec::new(), schema, policy, shared: BTreeMap::new() };
        for label in Label::ALL.into_iter().filter(|label| label.is_value()) {
            let shared = world.plant(label, "shared".into(), 0);
            world.shared.insert(label, shared);
        }
        for number in 0..interviews {
            let place = world.interview(number, sentences);
            world.places.push(place);
        }
        world
    }

    /// Returns the properties of a label or type that the policy compares, by their names in the comparison.
    pub(super) fn compared(&self, name: &str) -> Vec<SmolStr> {
        self.policy.compare.get(name).into_iter().flatten().cloned().collect()
    }

    /// Returns the name that this side has for a property.
    pub(super) fn own_name(&self, on: &str, property: &SmolStr) -> SmolStr {
        let renamed = |rule: &&super::super::Rename| {
            rule.side == self.side && rule.to == *property && rule.on.iter().any(|name| name == on)
        };
        self.policy.rename.iter().find(renamed).map_or_else(|| property.clone(), |rule| rule.from.clone())
    }

    /// Returns the key by which this side knows a sentence.
    pub(super) fn sentence_key(&self, interview: InterviewId, slot: u32) -> Value {
        match self.schema {
            Schema::Direct => Value::Int(slot.into()),
            Schema::Projected => text(SentenceId::at(interview, slot)),
        }
    }

    /// Adds a node with all its properties.
    pub(super) fn plant(&mut self, label: Label, key: Value, slot: u32) -> Planted {
        let mut properties = self.properties(label.as_str(), slot);
        properties.set(label.key_property().into(), key);
        self.graph.plant_node(label.as_str(), properties)
    }

    /// Adds a relationship with all its properties.
    pub(super) fn link(&mut self, rel: Rel, [from, to]: [Planted; 2]) {
        let properties = self.properties(rel.as_str(), 0);
        self.graph.plant_relationship(from, rel.as_str(), to, properties);
    }

    /// Returns what every element of that name has: what is compared, the same on both sides, and what is ignored, different.
    pub(super) fn properties(&self, name: &str, slot: u32) -> Properties {
        let mut properties = Properties::new();
        for property in self.compared(name) {
            properties.set(self.own_name(name, &property), value_of(&property, slot));
        }
        let here = |rule: &&super::super::Ignore| {
            rule.side.is_none_or(|side| side == self.side) && rule.on.iter().any(|on| on == name)
        };
        let key = Label::from_name(name).map_or("", Label::key_property);
        for property in self.policy.ignore.iter().filter(here).flat_map(|rule| &rule.properties) {
            if property != key {
                properties.set(property.clone(), Value::Text(format_smolstr!("of the {} side", self.side)));
            }
        }
        properties
    }

    fn interview(&mut self, number: u32, sentences: u32) -> Place {
        let id = interview(number);
        let mut nodes = BTreeMap::from([
            (Label::Project, self.plant(Label::Project, named(Label::Project, number), 0)),
            (Label::Interview, self.plant(Label::Interview, text(id), 0)),
        ]);
        for label in Label::ALL.into_iter().filter(|label| label.is_value()) {
            nodes.insert(label, self.plant(label, named(label, number), 0));
        }
        let of_interview = nodes[&Label::Interview];
        self.link(Rel::ContainsInterview, [nodes[&Label::Project], of_interview]);
        let mut said: Vec<Planted> = Vec::new();
        for slot in 0..sentences {
            let key = self.sentence_key(id, slot);
            let sentence = self.plant(Label::Sentence, key, slot);
            self.link(Rel::HasSentence, [of_interview, sentence]);
            match said.last() {
                None => self.link(Rel::FirstSentence, [of_interview, sentence]),
                Some(&last) => {
                    self.link(Rel::NextSentence, [last, sentence]);
                    self.link(Rel::Follows, [last, sentence]);
                }
            }
            self.link(Rel::PartOfFile, [sentence, nodes[&Label::SourceFile]]);
            if slot == SLOT {
                nodes.insert(Label::Sentence, sentence);
            }
            if slot + 1 < sentences {
                let key = Value::Text(format_smolstr!("{} {number} {slot}", self.side));
                let analysis = self.plant(Label::Analysis, key, slot);
                self.link(Rel::HasAnalysis, [sentence, analysis]);
                for rel in Rel::DIMENSIONS {
                    // What only one relationship leads to would go with it.
                    let values = if slot >= SLOT { &nodes } else { &self.shared };
                    let value = values[&rel.target()];
                    self.link(rel, [analysis, value]);
                }
                if slot == SLOT {
                    nodes.insert(Label::Analysis, analysis);
                }
            }
            said.push(sentence);
        }
        let (before, bare) = (said[SLOT as usize - 1], said[said.len() - 1]);
        Place { number, id, nodes, before, bare }
    }
}

/// Returns the key of a node that only one interview leads to.
pub(super) fn named(label: Label, number: u32) -> Value {
    Value::Text(format_smolstr!("{label} of {number}"))
}

/// Returns what a property is everywhere. Only a few have to be of a type.
fn value_of(property: &str, slot: u32) -> Value {
    match property {
        "sequence_order" => slot.into(),
        _ if property.starts_with("is_") => false.into(),
        _ => Value::Text(format_smolstr!("{property} as it was")),
    }
}

/// Returns another value of the same type.
pub(super) fn altered(property: &str) -> Value {
    match value_of(property, 0) {
        Value::Int(_) => Value::Int(77),
        Value::Bool(_) => true.into(),
        _ => "something else".into(),
    }
}
