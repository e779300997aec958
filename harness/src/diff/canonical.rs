//! Which element is which: gives the nodes of either schema the names that both share.
//!
//! The direct graph names a sentence by an integer within its interview and an analysis by a random id; the projected one
//! names a sentence by a UUID that is derived from that integer. [`Identity::Slots`] brings both to (interview, slot), and an
//! analysis to the slot of the sentence that owns it, so that two analyses of one sentence come out as twins. Two graphs of
//! the projected schema are compared by the keys that they have ([`Identity::Keys`]).

use std::collections::BTreeMap;

use cutover_core::graph::{Label, Rel, Value};
use cutover_core::ids::{InterviewId, SentenceId};
use cutover_engines::graph::{Census, Endpoint, NodeRow, RelationshipRow, Schema, Tree, TreeNode};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::element::{Element, Key, Name, NodeName};

/// How sentences and analyses are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// By the sentence's place in the file when it was first read: the same in both schemas.
    Slots,
    /// By the keys that the nodes bear: for two graphs of the projected schema.
    Keys,
}

/// An interview with all that it owns, under names that both sides share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interview {
    /// Its id; twins bear the same one.
    pub id: SmolStr,
    /// Its elements, in the order of their names.
    pub elements: Vec<Element>,
    /// The nodes whose key leads to no slot; they are among the elements under the key that they have.
    pub unidentified: Vec<NodeName>,
    /// How many nodes and relationships were read for it. A relationship between two interviews counts where it begins.
    pub read: Census,
}

/// How many times a sentence of one slot may have been deleted and made again, and still be recognised.
const GENERATIONS: u32 = 32;

/// How far past the highest place in use the slots of sentences are looked for: sentences at the end may be gone.
const SLOTS_BEYOND: u32 = 1024;

/// Names the elements of a tree. What they hold is moved, for an interview may be large.
pub fn canonical(tree: Tree, schema: Schema, identity: Identity) -> Interview {
    let id = tree
        .nodes
        .iter()
        .find(|node| node.id == tree.root)
        .and_then(|node| node.properties.get(Label::Interview.key_property()))
        .map(key_text)
        .unwrap_or_default();
    let mut unidentified = Vec::new();
    let names = name_nodes(&tree, &id, schema, identity, &mut unidentified);
    let mut read = Census::default();
    let mut elements = Vec::with_capacity(tree.nodes.len() + tree.relationships.len());
    for node in tree.nodes {
        count(&mut read.nodes, &node.label);
        let name = names[&node.id].clone();
        elements.push(element_of(name, node, &id));
    }
    for RelationshipRow { rel, from, to, properties } in tree.relationships {
        if begins_here(&from) {
            count(&mut read.relationships, &rel);
        }
        let name = Name::Link { rel, from: end_name(from, &names), to: end_name(to, &names) };
        elements.push(Element { name, interview: Some(id.clone()), properties });
    }
    elements.sort_unstable();
    Interview { id, elements, unidentified, read }
}

/// Names a node that belongs to no interview: a project or a value node.
pub fn canonical_node(row: &NodeRow) -> Element {
    let mut properties = row.properties.clone();
    let key = Label::from_name(&row.label).and_then(|label| properties.remove(label.key_property()));
    let name = NodeName { label: row.label.clone(), key: key.map_or(Key::None, Key::Value) };
    Element { name: Name::Node(name), interview: None, properties }
}

fn element_of(name: NodeName, node: TreeNode, interview: &SmolStr) -> Element {
    let mut properties = node.properties;
    // An analysis that is named by its sentence has not used up its own id: that is left to the policy.
    let named_by_another = name.label == Label::Analysis.as_str() && matches!(name.key, Key::Slot(_));
    if !named_by_another && let Some(label) = Label::from_name(&name.label) {
        properties.remove(label.key_property());
    }
    Element { name: Name::Node(name), interview: Some(interview.clone()), properties }
}

fn name_nodes(
    tree: &Tree,
    interview: &str,
    schema: Schema,
    identity: Identity,
    unidentified: &mut Vec<NodeName>,
) -> BTreeMap<u64, NodeName> {
    let slots = match identity {
        Identity::Slots => sentence_slots(tree, interview, schema),
        Identity::Keys => BTreeMap::new(),
    };
    let owners = analysis_owners(tree);
    let mut names = BTreeMap::new();
    for node in &tree.nodes {
        let slot = match Label::from_name(&node.label) {
            Some(Label::Sentence) => slots.get(&node.id),
            Some(Label::Analysis) => owners.get(&node.id).and_then(|owner| slots.get(owner)),
            _ => None,
        };
        let by_slot = identity == Identity::Slots && needs_slot(&node.label);
        let name = match slot {
            Some(&slot) => NodeName { label: node.label.clone(), key: Key::Slot(slot) },
            None => named_by_key(node),
        };
        if (by_slot && slot.is_none()) || (!by_slot && name.key == Key::None) {
            unidentified.push(name.clone());
        }
        names.insert(node.id, name);
    }
    unidentified.sort_unstable();
    names
}

fn needs_slot(label: &str) -> bool {
    matches!(Label::from_name(label), Some(Label::Sentence | Label::Analysis))
}

fn named_by_key(node: &TreeNode) -> NodeName {
    let key = Label::from_name(&node.label).and_then(|label| node.properties.get(label.key_property()));
    NodeName { label: node.label.clone(), key: key.cloned().map_or(Key::None, Key::Value) }
}

/// Returns the sentence that owns each analysis; of several the one with the lowest id, and the relationships of the
/// others tell of it.
fn analysis_owners(tree: &Tree) -> BTreeMap<u64, u64> {
    let mut owners = BTreeMap::new();
    for row in tree.relationships.iter().filter(|row| row.rel == Rel::HasAnalysis.as_str()) {
        if let (Endpoint::Inside(sentence), Endpoint::Inside(analysis)) = (&row.from, &row.to) {
            owners
                .entry(*analysis)
                .and_modify(|owner: &mut u64| *owner = (*owner).min(*sentence))
                .or_insert(*sentence);
        }
    }
    owners
}

/// Returns the slot of each sentence whose key leads to one.
fn sentence_slots(tree: &Tree, interview: &str, schema: Schema) -> BTreeMap<u64, u32> {
    let sentences = || tree.nodes.iter().filter(|node| node.label == Label::Sentence.as_str());
    let key = |node: &'_ TreeNode| node.properties.get(Label::Sentence.key_property()).cloned();
    match schema {
        Schema::Direct => sentences()
            .filter_map(|node| {
                let slot = key(node)?.as_int()?;
                Some((node.id, u32::try_from(slot).ok()?))
            })
            .collect(),
        Schema::Projected => {
            let mut wanted: BTreeMap<SentenceId, Vec<u64>> = BTreeMap::new();
            for node in sentences() {
                if let Some(id) = key(node).and_then(|value| value.as_text()?.parse().ok()) {
                    wanted.entry(id).or_default().push(node.id);
                }
            }
            let highest =
                sentences().filter_map(|node| node.properties.get("sequence_order")?.as_int()).max();
            let places = highest.and_then(|place| u32::try_from(place).ok()).unwrap_or(0);
            let places = places.max(u32::try_from(wanted.len()).unwrap_or(u32::MAX));
            slots_of_ids(interview, wanted, places)
        }
    }
}

/// Derives the ids of the slots of an interview until every wanted one is found, or none further is likely.
fn slots_of_ids(
    interview: &str,
    mut wanted: BTreeMap<SentenceId, Vec<u64>>,
    places: u32,
) -> BTreeMap<u64, u32> {
    let mut slots = BTreeMap::new();
    let Ok(interview) = interview.parse::<InterviewId>() else { return slots };
    // A misplaced `sequence_order` must not make this run for ever.
    let near = places.saturating_add(1).min(1 << 20);
    let ranges = [(0, near), (near, near + SLOTS_BEYOND)];
    for generation in 0..GENERATIONS {
        for (begin, end) in ranges {
            for slot in begin..end {
                if wanted.is_empty() {
                    return slots;
                }
                for node in
                    wanted.remove(&SentenceId::in_generation(interview, slot, generation)).unwrap_or_default()
                {
                    slots.insert(node, slot);
                }
            }
        }
    }
    slots
}

fn end_name(end: Endpoint, names: &BTreeMap<u64, NodeName>) -> NodeName {
    match end {
        Endpoint::Inside(id) => {
            names.get(&id).cloned().unwrap_or_else(|| NodeName { label: SmolStr::default(), key: Key::None })
        }
        Endpoint::Outside { label, key } => NodeName { label, key: key.map_or(Key::None, Key::Value) },
    }
}

/// Returns whether a relationship with that near end is counted with this tree: it is not when it begins in another one.
fn begins_here(from: &Endpoint) -> bool {
    match from {
        Endpoint::Inside(_) => true,
        Endpoint::Outside { label, .. } => {
            !matches!(Label::from_name(label), Some(Label::Interview | Label::Sentence | Label::Analysis))
        }
    }
}

pub(super) fn key_text(value: &Value) -> SmolStr {
    match value {
        Value::Text(text) => text.clone(),
        other => smol_str::format_smolstr!("{other}"),
    }
}

pub(super) fn count(counts: &mut BTreeMap<SmolStr, u64>, name: &SmolStr) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.clone(), 1)),
    }
}

#[cfg(test)]
mod tests {
    use cutover_core::graph::Properties;

    use super::*;

    fn interview_id() -> InterviewId {
        InterviewId::for_file("a.txt")
    }

    fn node(id: u64, label: Label, key: Option<Value>) -> TreeNode {
        let mut properties = Properties::new();
        if let Some(key) = key {
            properties.set(label.key_property().into(), key);
        }
        TreeNode { id, label: label.as_str().into(), properties }
    }

    fn tree(sentences: &[Value]) -> Tree {
        let text = Value::Text(interview_id().to_string().into());
        let mut nodes = vec![node(0, Label::Interview, Some(text))];
        nodes.extend((1..).zip(sentences).map(|(id, key)| node(id, Label::Sentence, Some(key.clone()))));
        Tree { root: 0, nodes, relationships: vec![] }
    }

    fn uuid(slot: u32, generation: u32) -> Value {
        Value::Text(SentenceId::in_generation(interview_id(), slot, generation).to_string().into())
    }

    fn names(interview: &Interview) -> Vec<&Name> {
        interview.elements.iter().map(|element| &element.name).collect()
    }

    #[test]
    fn a_sentence_has_one_name_in_both_schemas() {
        let direct = tree(&[Value::Int(0), Value::Int(12)]);
        let projected = tree(&[uuid(12, 0), uuid(0, 0)]);
        let direct = canonical(direct, Schema::Direct, Identity::Slots);
        let projected = canonical(projected, Schema::Projected, Identity::Slots);
        assert_eq!(names(&direct), names(&projected));
        assert!(direct.unidentified.is_empty() && projected.unidentified.is_empty());
    }

    #[test]
    fn a_sentence_made_again_after_its_deletion_takes_the_same_slot() {
        let projected = canonical(tree(&[uuid(4, 3)]), Schema::Projected, Identity::Slots);
        assert!(names(&projected).contains(&&Name::Node(NodeName::sentence(4))));
    }

    #[test]
    fn a_key_of_the_wrong_schema_is_not_identified() {
        let projected = canonical(tree(&[Value::Int(4)]), Schema::Projected, Identity::Slots);
        assert_eq!(projected.unidentified, [NodeName::keyed(Label::Sentence, 4_i64)]);
        let direct = canonical(tree(&[uuid(4, 0)]), Schema::Direct, Identity::Slots);
        assert_eq!(direct.unidentified.len(), 1);
    }

    #[test]
    fn a_node_without_a_key_is_not_identified_where_keys_tell_nodes_apart() {
        let mut rebuilt = tree(&[uuid(4, 0)]);
        rebuilt.nodes.push(node(2, Label::Sentence, None));
        let rebuilt = canonical(rebuilt, Schema::Projected, Identity::Keys);
        assert_eq!(rebuilt.unidentified, [NodeName { label: "Sentence".into(), key: Key::None }]);
    }

    /// Returns the slot of a projected sentence that stands at that place, if it is found.
    fn slot_found(slot: u32, place: i64) -> bool {
        let mut projected = tree(&[uuid(slot, 0)]);
        projected.nodes[1].properties.set("sequence_order".into(), Value::Int(place));
        let projected = canonical(projected, Schema::Projected, Identity::Slots);
        names(&projected).contains(&&Name::Node(NodeName::sentence(slot)))
    }

    #[test]
    fn slots_are_looked_for_up_to_the_highest_place_and_somewhat_beyond() {
        let place = 3_000;
        assert!(slot_found(3_000, place));
        assert!(slot_found(3_000 + SLOTS_BEYOND, place), "those at the end may be gone");
        assert!(!slot_found(3_001 + SLOTS_BEYOND, place), "looking has an end");
        assert!(slot_found(0, i64::from(u32::MAX)), "a misplaced sentence does not make it run for ever");
    }

    #[test]
    fn two_analyses_of_one_sentence_come_out_as_twins() {
        let mut direct = tree(&[Value::Int(7)]);
        for id in [2, 3] {
            direct.nodes.push(node(id, Label::Analysis, None));
            direct.relationships.push(RelationshipRow {
                rel: Rel::HasAnalysis.as_str().into(),
                from: Endpoint::Inside(1),
                to: Endpoint::Inside(id),
                properties: Properties::new(),
            });
        }
        let direct = canonical(direct, Schema::Direct, Identity::Slots);
        let analysis = Name::Node(NodeName::analysis(7));
        assert_eq!(names(&direct).iter().filter(|name| ***name == analysis).count(), 2);
        assert_eq!(direct.read.relationships["HAS_ANALYSIS"], 2);
    }

    #[test]
    fn a_relationship_between_two_interviews_counts_where_it_begins() {
        let mut tree = tree(&[Value::Int(0)]);
        let other = Endpoint::Outside { label: "Sentence".into(), key: Some(Value::Int(5)) };
        let row = |from: Endpoint, to: Endpoint| RelationshipRow {
            rel: "FOLLOWS".into(),
            from,
            to,
            properties: Properties::new(),
        };
        tree.relationships = vec![row(other.clone(), Endpoint::Inside(1)), row(Endpoint::Inside(1), other)];
        assert_eq!(canonical(tree, Schema::Direct, Identity::Slots).read.relationships["FOLLOWS"], 1);
    }
}
