//! What no change can make and reads must show all the same: twins, repeated relationships, orphans, unknown labels.

use std::collections::BTreeSet;

use cutover_core::graph::{ChangeSet, Label, Properties, Rel, Value};
use cutover_engines::graph::testing::{
    chain, interview, put, put_analysis, put_sentence, remove, sentence, unguarded,
};
use cutover_engines::graph::{NodeRow, PropertyGraph, Schema, Tree};

fn empty() -> PropertyGraph {
    PropertyGraph::new(Schema::Projected)
}

/// Interview `i` with the sentences `s0`, `s1` and `s2`, chained, the first of them analysed.
fn with_an_interview() -> PropertyGraph {
    let mut graph = empty();
    let sentences = [0, 1, 2].map(|at| put_sentence("i", &format!("s{at}"), at));
    let changes = [put(interview("i"), Properties::new())].into_iter().chain(sentences);
    apply(&mut graph, unguarded(changes.chain([put_analysis("s0", "a"), chain("i")])));
    graph
}

fn apply(graph: &mut PropertyGraph, set: ChangeSet) {
    graph.apply(&[set]).expect("what has no guard is applied");
}

fn with(name: &'static str, value: &str) -> Properties {
    Properties::new().with(name, value)
}

/// Reads a label page by page.
fn read_all(graph: &PropertyGraph, label: &str, limit: usize) -> Vec<NodeRow> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = graph.nodes(label, after.as_ref(), limit);
        rows.extend(page.rows);
        match page.next {
            Some(next) => after = Some(next),
            None => return rows,
        }
    }
}

fn tree_of(graph: &PropertyGraph, key: &str) -> Tree {
    let mut trees: Vec<_> = graph.trees(&key.into()).collect();
    assert_eq!(trees.len(), 1, "interviews with the key {key}");
    trees.remove(0)
}

fn count_rels(tree: &Tree, rel: &str) -> usize {
    tree.relationships.iter().filter(|row| row.rel == rel).count()
}

#[test]
fn twins_of_one_key_are_both_there_the_oldest_first() {
    let mut graph = empty();
    let first = graph.plant_node("Topic", with("name", "x"));
    let second = graph.plant_node("Topic", with("name", "x").with("note", "twin"));
    graph.plant_node("Topic", with("name", "y"));
    assert_eq!(graph.planted("Topic", &"x".into()), [first, second]);
    assert_eq!(graph.census().nodes["Topic"], 3);
}

#[test]
fn a_node_that_changes_made_can_be_planted_at() {
    let mut graph = with_an_interview();
    let [found] = graph.planted("Sentence", &"s1".into())[..] else { panic!("one sentence s1") };
    graph.plant_properties(found, &with("text", "Hi."));
    let rows = read_all(&graph, "Sentence", 10);
    let texts: Vec<_> = rows.iter().map(|row| row.properties.get("text").cloned()).collect();
    assert_eq!(texts, [None, Some("Hi.".into()), None]);
}

#[test]
fn twins_on_the_border_of_a_page_are_read_once_each_and_the_keyless_last() {
    let mut graph = empty();
    for key in ["b", "a", "c", "b", "a", "b"] {
        graph.plant_node("Interview", with("interview_id", key));
    }
    for title in ["one", "two"] {
        graph.plant_node("Interview", with("title", title));
    }
    let expected = ["a", "a", "b", "b", "b", "c"].map(|key| Some(Value::from(key)));
    for limit in 1..=9 {
        let rows = read_all(&graph, "Interview", limit);
        let keys: Vec<_> = rows.iter().map(|row| row.properties.get("interview_id").cloned()).collect();
        assert_eq!(keys[..6], expected, "limit {limit}");
        assert_eq!(keys[6..], [None, None], "limit {limit}");
        let ids: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), 8, "limit {limit}");
    }
}

#[test]
fn a_twin_interview_has_a_tree_of_its_own() {
    let mut graph = with_an_interview();
    let twin = graph.plant_node("Interview", with("interview_id", "i"));
    let lonely = graph.plant_node("Sentence", with("sentence_id", "s9"));
    graph.plant_relationship(twin, "HAS_SENTENCE", lonely, Properties::new());
    let mut sizes: Vec<_> = graph.trees(&"i".into()).map(|tree| tree.nodes.len()).collect();
    sizes.sort_unstable();
    // The interview and its sentence; the interview, three sentences and an analysis.
    assert_eq!(sizes, [2, 5]);
}

#[test]
fn a_tree_holds_twin_sentences_and_a_second_analysis() {
    let mut graph = with_an_interview();
    let owner = graph.planted("Interview", &"i".into())[0];
    let twin = graph.plant_node("Sentence", with("sentence_id", "s0"));
    graph.plant_relationship(owner, "HAS_SENTENCE", twin, Properties::new());
    let analysed = graph.planted("Sentence", &"s0".into())[0];
    let second = graph.plant_node("Analysis", with("analysis_id", "a"));
    graph.plant_relationship(analysed, "HAS_ANALYSIS", second, Properties::new());
    let tree = tree_of(&graph, "i");
    let bearing = |name: &str, key: &str| {
        tree.nodes.iter().filter(|node| node.properties.get(name) == Some(&key.into())).count()
    };
    assert_eq!((bearing("sentence_id", "s0"), bearing("analysis_id", "a")), (2, 2));
    assert_eq!((count_rels(&tree, "HAS_SENTENCE"), count_rels(&tree, "HAS_ANALYSIS")), (4, 2));
    assert_eq!(graph.orphans(Label::Sentence, None, 9).rows, []);
}

#[test]
fn a_repeated_relationship_is_there_as_often_with_its_own_properties() {
    let mut graph = with_an_interview();
    let analysis = graph.planted("Analysis", &"a".into())[0];
    let topic = graph.plant_node("Topic", with("name", "x"));
    for is_edited in [true, false] {
        let properties = Properties::new().with("is_edited", is_edited);
        graph.plant_relationship(analysis, "MENTIONS_TOPIC", topic, properties);
    }
    let tree = tree_of(&graph, "i");
    let edited: BTreeSet<_> = tree
        .relationships
        .iter()
        .filter(|row| row.rel == "MENTIONS_TOPIC")
        .map(|row| row.properties.get("is_edited") == Some(&true.into()))
        .collect();
    assert_eq!(edited, BTreeSet::from([false, true]));
    assert_eq!(graph.census().relationships["MENTIONS_TOPIC"], 2);
}

#[test]
fn labels_and_types_that_the_program_does_not_know_are_found() {
    let mut graph = with_an_interview();
    let ghost = graph.plant_node("Ghost", with("mood", "grim"));
    let haunted = graph.planted("Sentence", &"s0".into())[0];
    graph.plant_relationship(ghost, "HAUNTS", haunted, Properties::new());
    assert_eq!(graph.census().nodes["Ghost"], 1);
    assert_eq!(graph.census().relationships["HAUNTS"], 1);
    assert_eq!(read_all(&graph, "Ghost", 1)[0].properties, with("mood", "grim"));
    assert_eq!(count_rels(&tree_of(&graph, "i"), "HAUNTS"), 1);
}

#[test]
fn what_loses_its_owner_is_an_orphan_and_in_no_tree() {
    let mut graph = with_an_interview();
    let owner = graph.planted("Interview", &"i".into())[0];
    let lost = graph.planted("Sentence", &"s1".into())[0];
    graph.uproot_relationships(owner, Rel::HasSentence, lost);
    let orphans = graph.orphans(Label::Sentence, None, 9).rows;
    assert_eq!(orphans.len(), 1);
    assert_eq!(orphans[0].properties.get("sentence_id"), Some(&"s1".into()));
    assert_eq!(count_rels(&tree_of(&graph, "i"), "HAS_SENTENCE"), 2);
}

#[test]
fn uprooting_takes_every_repetition_and_leaves_the_value_alone() {
    let mut graph = with_an_interview();
    let analysis = graph.planted("Analysis", &"a".into())[0];
    let topic = graph.plant_node("Topic", with("name", "x"));
    for _ in 0..2 {
        graph.plant_relationship(analysis, "MENTIONS_TOPIC", topic, Properties::new());
    }
    graph.uproot_relationships(analysis, Rel::MentionsTopic, topic);
    assert_eq!(graph.census().relationships.get("MENTIONS_TOPIC"), None);
    // Values that lose their last relationship by a change go with it; this one was uprooted, and stays through changes.
    apply(&mut graph, unguarded([put(interview("i"), with("title", "A"))]));
    assert_eq!(graph.census().nodes["Topic"], 1);
}

#[test]
fn a_node_under_a_new_key_is_found_by_that_key_alone() {
    let mut graph = with_an_interview();
    let moved = graph.planted("Sentence", &"s1".into())[0];
    graph.plant_properties(moved, &with("sentence_id", "z"));
    assert_eq!(graph.planted("Sentence", &"s1".into()), []);
    assert_eq!(graph.planted("Sentence", &"z".into()), [moved]);
    let keys: Vec<_> = read_all(&graph, "Sentence", 2)
        .iter()
        .map(|row| row.properties.get("sentence_id").cloned())
        .collect();
    assert_eq!(keys, ["s0", "s2", "z"].map(|key| Some(key.into())));
    apply(&mut graph, unguarded([remove(sentence("z"))]));
    assert_eq!(graph.census().nodes["Sentence"], 2);
}

#[test]
fn planted_sequence_links_are_mended_by_the_next_chaining() {
    let mut graph = with_an_interview();
    let before = graph.dump();
    let [first, last] = ["s0", "s2"].map(|key| graph.planted("Sentence", &key.into())[0]);
    graph.plant_relationship(last, "NEXT_SENTENCE", first, Properties::new());
    assert_ne!(graph.dump(), before);
    apply(&mut graph, unguarded([chain("i")]));
    assert_eq!(graph.dump(), before);
}

#[test]
fn uprooted_sequence_links_are_mended_by_the_next_chaining() {
    let mut graph = with_an_interview();
    let before = graph.dump();
    let [first, second] = ["s0", "s1"].map(|key| graph.planted("Sentence", &key.into())[0]);
    graph.uproot_relationships(first, Rel::NextSentence, second);
    graph.uproot_relationships(first, Rel::Follows, second);
    assert_ne!(graph.dump(), before);
    apply(&mut graph, unguarded([chain("i")]));
    assert_eq!(graph.dump(), before);
}

#[test]
#[should_panic(expected = "node")]
fn a_relationship_cannot_be_planted_at_what_has_been_removed() {
    let mut graph = with_an_interview();
    let [gone, stays] = ["s0", "s1"].map(|key| graph.planted("Sentence", &key.into())[0]);
    apply(&mut graph, unguarded([remove(sentence("s0"))]));
    graph.plant_relationship(stays, "FOLLOWS", gone, Properties::new());
}
