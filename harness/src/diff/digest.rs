//! A name for all that a graph holds under a policy: two graphs that a comparison holds to be equal have one digest. The main
//! type is [`Digests`].
//!
//! It is made of the elements as they are compared: under the names that both sides share, without what the policy hides or ignores, with
//! what it takes for the same brought to one form. A property that is compared with a tolerance is left out, since values that count as
//! equal may differ in it. Findings about what no element shows (orphans, unknown labels) are not in it either: a comparison
//! tells of them.

use cutover_core::graph::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::compiled::CompiledPolicy;
use super::element::{Element, Key, Name, NodeName};
use crate::digest::{Digest, Sum};

/// The digests of both sides of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Digests {
    /// Of the left side.
    pub left: Digest,
    /// Of the right side.
    pub right: Digest,
}

/// A digest as it grows. The parts of a graph (an interview, the value nodes of one key) are added up, so that their order does not
/// count: who reads in shards, or a part again, comes to the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Digester {
    sum: Sum,
    elements: u64,
    buffer: Vec<u8>,
}

impl Digester {
    /// Adds the elements of one part, normalised and in their order.
    pub(super) fn add(&mut self, policy: &CompiledPolicy, elements: &[Element]) {
        if elements.is_empty() {
            return;
        }
        self.buffer.clear();
        for element in elements {
            encode(Some(policy), element, &mut self.buffer);
        }
        self.sum.add(&Digest::of(&self.buffer));
        self.elements += elements.len() as u64;
    }

    /// Adds what was added up elsewhere.
    pub(super) fn merge(&mut self, other: &Self) {
        self.sum.merge(&other.sum);
        self.elements += other.elements;
    }

    /// Returns the digest of all that was added.
    pub(super) fn finish(&self) -> Digest {
        self.sum.finish(self.elements)
    }
}

/// Writes an element so that no two different ones look alike: every text bears its length, every choice a mark. What a policy
/// tolerates is left out, if there is one.
pub(super) fn encode(policy: Option<&CompiledPolicy>, element: &Element, out: &mut Vec<u8>) {
    match &element.name {
        Name::Node(node) => {
            out.push(0);
            encode_node(node, out);
        }
        Name::Link { rel, from, to } => {
            out.push(1);
            encode_text(rel, out);
            encode_node(from, out);
            encode_node(to, out);
        }
    }
    encode_text(element.interview.as_ref().map_or("", SmolStr::as_str), out);
    let kind = element.name.kind();
    let is_told = |name: &SmolStr| policy.is_none_or(|policy| !policy.tolerates(kind, name));
    let mut properties: Vec<(&SmolStr, &Value)> =
        element.properties.iter().filter(|(name, _)| is_told(name)).collect();
    properties.sort_unstable_by_key(|(name, _)| *name);
    encode_len(properties.len(), out);
    for (name, value) in properties {
        encode_text(name, out);
        encode_value(value, out);
    }
}

fn encode_node(node: &NodeName, out: &mut Vec<u8>) {
    encode_text(&node.label, out);
    match &node.key {
        Key::Slot(slot) => {
            out.push(0);
            out.extend(slot.to_le_bytes());
        }
        Key::Value(value) => {
            out.push(1);
            encode_value(value, out);
        }
        Key::None => out.push(2),
    }
}

fn encode_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Bool(is_true) => out.extend([0, u8::from(*is_true)]),
        Value::Int(int) => {
            out.push(1);
            out.extend(int.to_le_bytes());
        }
        Value::Float(float) => {
            out.push(2);
            out.extend(float.to_bits().to_le_bytes());
        }
        Value::Time(time) => {
            out.push(3);
            out.extend(time.as_offset_date_time().unix_timestamp_nanos().to_le_bytes());
        }
        Value::Text(text) => {
            out.push(4);
            encode_text(text, out);
        }
        Value::List(values) => {
            out.push(5);
            encode_len(values.len(), out);
            values.iter().for_each(|value| encode_value(value, out));
        }
    }
}

fn encode_text(text: &str, out: &mut Vec<u8>) {
    encode_len(text.len(), out);
    out.extend(text.as_bytes());
}

fn encode_len(len: usize, out: &mut Vec<u8>) {
    out.extend((len as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use cutover_core::graph::{Label, Properties, Rel};

    use super::*;
    use crate::diff::{Comparison, Policy};

    fn policy() -> Policy {
        Policy::from_toml(
            "name = \"p\"\nidentity = \"slots\"\n[compare]\nInterview = []\nSentence = [\"text\", \"sequence_order\", \"x\", \"xy\"]\n\
             NEXT_SENTENCE = []\nTopic = []\n[[ignore]]\nid = \"clock\"\non = [\"Sentence\"]\nproperties = [\"at\"]\nreason = \"r\"\n\
             [[tolerance]]\nid = \"near\"\non = [\"Sentence\"]\nproperty = \"x\"\nwithin = 0.5\nreason = \"r\"\n",
        )
        .expect("a policy")
    }

    fn element(name: Name, properties: Properties) -> Element {
        Element { name, interview: Some("i".into()), properties }
    }

    fn sentence(slot: u32, properties: Properties) -> Element {
        element(Name::Node(NodeName::sentence(slot)), properties)
    }

    fn text(slot: u32, text: &str) -> Element {
        sentence(slot, Properties::new().with("text", text))
    }

    fn digests(left: &[&[Element]], right: &[&[Element]]) -> Digests {
        let compiled = CompiledPolicy::new(&policy());
        let mut comparison = Comparison::digesting(&compiled);
        for at in 0..left.len().max(right.len()) {
            let part = |side: &[&[Element]]| side.get(at).map(|part| part.to_vec()).unwrap_or_default();
            comparison.compare(part(left), part(right));
        }
        comparison.digests().expect("digests were asked for")
    }

    #[track_caller]
    fn check_same(left: &[&[Element]], right: &[&[Element]]) {
        let Digests { left, right } = digests(left, right);
        assert_eq!(left, right);
    }

    #[track_caller]
    fn check_different(left: Element, right: Element) {
        let Digests { left, right } = digests(&[&[left]], &[&[right]]);
        assert_ne!(left, right);
    }

    #[test]
    fn what_was_added_up_elsewhere_counts_with_every_element() {
        let of = |sum, elements| Digester { sum, elements, buffer: Vec::new() };
        let mut full = of(Sum::default(), 1);
        full.merge(&of(Sum::default(), 2));
        assert_eq!(full.elements, 3);
    }

    #[test]
    fn equal_parts_in_any_order_have_one_digest() {
        let (a, b) = (text(0, "a"), text(1, "b"));
        check_same(&[&[a.clone(), b.clone()]], &[&[b.clone(), a.clone()]]);
        let (a, b) = (&[a][..], &[b][..]);
        check_same(&[a, b], &[b, a]);
    }

    #[test]
    fn what_the_policy_ignores_or_tolerates_does_not_change_it() {
        let with = |at: i64, x: f64| {
            let mut properties = Properties::new().with("text", "a").with("at", at);
            properties.set("x".into(), Value::Float(x));
            sentence(0, properties)
        };
        check_same(&[&[with(1, 0.25)]], &[&[with(2, 0.5)]]);
    }

    #[test]
    fn whatever_a_comparison_would_find_changes_it() {
        check_different(text(0, "a"), text(0, "b"));
        check_different(text(0, "a"), text(1, "a"));
        check_different(text(0, "a"), sentence(0, Properties::new()));
        let numbers = |value: Value| {
            let mut properties = Properties::new();
            properties.set("sequence_order".into(), value);
            sentence(0, properties)
        };
        check_different(numbers(Value::Int(1)), numbers(Value::Float(1.0)));
        check_different(numbers(Value::List(vec!["a".into()])), numbers("a".into()));
        let next = |from, to| {
            element(
                Name::link(Rel::NextSentence, NodeName::sentence(from), NodeName::sentence(to)),
                Properties::new(),
            )
        };
        check_different(next(0, 1), next(1, 0));
        check_different(text(0, "a"), Element { interview: None, ..text(0, "a") });
    }

    #[test]
    fn where_one_text_ends_and_the_next_begins_counts() {
        let topic = |key: &str, interview: &str| {
            let name = Name::Node(NodeName::keyed(Label::Topic, key));
            Element { name, interview: Some(interview.into()), properties: Properties::new() }
        };
        check_different(topic("ab", "c"), topic("a", "bc"));
    }

    #[test]
    fn a_twin_counts_and_two_do_not_undo_each_other() {
        let (one, two) = ([text(0, "a")], [text(0, "a"), text(0, "a")]);
        let Digests { left, right } = digests(&[&two], &[&one]);
        assert_ne!(left, right);
        let other = [text(0, "b")];
        let Digests { left, right } = digests(&[&one, &one], &[&other, &other]);
        assert_ne!(left, right);
    }
}
