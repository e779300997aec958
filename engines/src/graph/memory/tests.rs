//! What the graph in memory does by itself. What it promises as any graph does is in the contract.

use cutover_core::graph::{Change, Label, Properties, Rel};

use super::*;
use crate::graph::dump;
use crate::graph::testing::{chain, interview, keyed, link, put, put_sentence, sentence};

async fn apply(graph: &MemoryGraph, changes: Vec<Change>) {
    graph.apply(&[ChangeSet { guard: None, changes }]).await.expect("changes without a guard");
}

fn links(graph: &MemoryGraph, rel: Rel) -> usize {
    graph.with(|graph| {
        let links = graph.store.nodes().flat_map(|(node, _)| graph.store.outgoing(node));
        links.filter(|(_, link)| link.rel == rel).count()
    })
}

#[tokio::test]
async fn an_empty_graph_takes_another_schema_and_one_that_holds_a_node_does_not() {
    let graph = MemoryGraph::new(Schema::Direct);
    assert!(graph.with(|graph| graph.is_empty()));
    graph.prepare(Schema::Projected).await.expect("it is empty");
    assert_eq!(graph.with(|graph| graph.schema()), Schema::Projected);
    apply(&graph, vec![put(interview("i"), Properties::new())]).await;
    assert!(!graph.with(|graph| graph.is_empty()));
    graph.prepare(Schema::Projected).await.expect("it is prepared already");
    let refused = graph.prepare(Schema::Direct).await.expect_err("it holds a node of the other one");
    assert!(matches!(refused, GraphError::Refused { .. }), "{refused}");
    assert_eq!(graph.with(|graph| graph.schema()), Schema::Projected);
}

#[tokio::test]
async fn a_node_without_a_key_of_its_own_is_not_made_without_its_owner() {
    let graph = MemoryGraph::new(Schema::Direct);
    // In the direct schema a sentence is named by its number, which another interview has, too.
    apply(&graph, vec![put(keyed(Label::Sentence, "1"), Properties::new())]).await;
    assert_eq!(dump(&graph).await.expect("a graph"), "");
    let owned = interview("i").child(Rel::HasSentence, "1");
    apply(&graph, vec![put(interview("i"), Properties::new()), put(owned, Properties::new())]).await;
    assert!(!dump(&graph).await.expect("a graph").is_empty());
}

#[tokio::test]
async fn a_child_is_told_from_its_siblings_by_its_key() {
    let graph = MemoryGraph::new(Schema::Projected);
    let project = keyed(Label::Project, "p");
    let of_project = |key: &str| project.clone().child(Rel::ContainsInterview, key);
    let titled = |title: &str| Properties::new().with("title", title);
    apply(
        &graph,
        vec![
            put(project.clone(), Properties::new()),
            put(of_project("a"), titled("first")),
            put(of_project("b"), titled("second")),
            put(of_project("b"), titled("changed")),
        ],
    )
    .await;
    assert_eq!(links(&graph, Rel::ContainsInterview), 2);
    let graph = dump(&graph).await.expect("a graph");
    assert!(graph.contains(r#"Interview "a" {interview_id: "a", title: "first"}"#), "{graph}");
    assert!(graph.contains(r#"Interview "b" {interview_id: "b", title: "changed"}"#), "{graph}");
    assert_eq!(graph.matches("Interview \"").count(), 2, "{graph}");
}

#[tokio::test]
async fn an_interview_that_never_had_a_sentence_leads_to_none() {
    let graph = MemoryGraph::new(Schema::Projected);
    let changes = vec![put(interview("a"), Properties::new()), put_sentence("a", "s", 0), chain("a")];
    apply(&graph, changes).await;
    let changes = vec![
        put(interview("b"), Properties::new()),
        link(interview("b"), Rel::PartOfFile, keyed(Label::SourceFile, "f.txt")),
        link(interview("b"), Rel::FirstSentence, sentence("s")),
    ];
    apply(&graph, changes).await;
    assert_eq!(links(&graph, Rel::FirstSentence), 2);
    apply(&graph, vec![chain("b")]).await;
    assert_eq!(links(&graph, Rel::FirstSentence), 1);
    let dumped = dump(&graph).await.expect("a graph");
    assert!(dumped.contains("PART_OF_FILE"), "{dumped}");
}

#[tokio::test]
async fn a_sentence_of_two_interviews_is_found_from_either() {
    let graph = MemoryGraph::new(Schema::Direct);
    let owned = |by: &str| interview(by).child(Rel::HasSentence, "s");
    let changes = vec![
        put(interview("a"), Properties::new()),
        put(interview("b"), Properties::new()),
        put(owned("a"), Properties::new()),
        link(interview("b"), Rel::HasSentence, owned("a")),
        put(owned("b"), Properties::new().with("text", "One and the same.")),
    ];
    apply(&graph, changes).await;
    let sentences = graph.with(|graph| graph.planted("Sentence", &"s".into()).len());
    assert_eq!(sentences, 1);
}

#[tokio::test]
async fn what_is_owned_twice_goes_once() {
    let graph = MemoryGraph::new(Schema::Projected);
    apply(&graph, vec![put(interview("i"), Properties::new()), put_sentence("i", "s", 0)]).await;
    graph.with(|graph| {
        let node = |label, key: &str| graph.planted(label, &key.into())[0];
        let (owner, owned) = (node("Interview", "i"), node("Sentence", "s"));
        graph.plant_relationship(owner, "HAS_SENTENCE", owned, Properties::new());
    });
    apply(&graph, vec![Change::Remove { node: interview("i") }]).await;
    assert!(graph.with(|graph| graph.is_empty()));
}

#[tokio::test]
async fn every_foreign_step_to_a_sentence_is_removed() {
    let graph = MemoryGraph::new(Schema::Projected);
    let of = |by: &str, sentences: [&str; 2]| {
        let puts = (0..).zip(sentences).map(|(at, sentence)| put_sentence(by, sentence, at));
        [put(interview(by), Properties::new())].into_iter().chain(puts).chain([chain(by)]).collect::<Vec<_>>()
    };
    apply(&graph, [of("a", ["a0", "a1"]), of("b", ["b0", "b1"])].concat()).await;
    graph.with(|graph| {
        let sentence = |key: &str| graph.planted("Sentence", &key.into())[0];
        let [to, foreign, other] = ["a1", "b0", "b1"].map(sentence);
        for from in [foreign, other] {
            graph.plant_relationship(from, "NEXT_SENTENCE", to, Properties::new());
        }
    });
    assert_eq!(links(&graph, Rel::NextSentence), 4);
    apply(&graph, vec![chain("a")]).await;
    assert_eq!(links(&graph, Rel::NextSentence), 2);
}
