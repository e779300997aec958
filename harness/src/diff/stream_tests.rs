//! Whole graphs against each other: borders of pages and batches, empty sides, orphans, twins, what is not reached.

use cutover_core::graph::{Change, ChangeSet, NodeRef, Properties};
use cutover_core::ids::SentenceId;
use cutover_engines::graph::{Cursor, Graph, Interposed, MemoryGraph, NodeRow, Page, Schema, Tree};

use super::*;
use crate::diff::GraphSource;
use crate::diff::testing::{graph, interview, lines, only, text};

/// The smallest limits: every border is met.
const TIGHT: Limits = Limits { interviews: 1, page_rows: 1, digests: false };

async fn compare_with(left: &MemoryGraph, right: &MemoryGraph, limits: Limits) -> CheckResult {
    diff(
        "direct-vs-projected",
        Orientation::new("direct", "projected"),
        &GraphSource::new(left, Schema::Direct),
        &GraphSource::new(right, Schema::Projected),
        &Policy::direct_vs_projected(),
        limits,
    )
    .await
}

async fn compare(left: &MemoryGraph, right: &MemoryGraph) -> CheckResult {
    let check = compare_with(left, right, TIGHT).await;
    let wide = compare_with(left, right, Limits::default()).await;
    assert_eq!(check.differences.by_kind, wide.differences.by_kind, "limits change nothing");
    check
}

#[tokio::test]
async fn the_same_interviews_in_both_schemas_are_the_same() {
    let check = compare(&graph(Schema::Direct, 0..4).await, &graph(Schema::Projected, 0..4).await).await;
    assert_eq!((check.outcome, lines(&check)), (Outcome::Pass, vec![]));
    assert_eq!(check.compared.nodes["Sentence"].both, 12);
    assert_eq!(check.compared.nodes["Topic"].both, 4);
    assert_eq!(check.compared.relationships["MENTIONS_TOPIC"].both, 24);
    assert_eq!(check.compared.relationships["CONTAINS_INTERVIEW"].both, 4);
    assert!(check.compared.properties > 0);
}

#[tokio::test]
async fn a_missing_interview_is_found_wherever_in_the_order_it_stands() {
    for missing in 0..4 {
        let left = graph(Schema::Direct, 0..4).await;
        let right = graph(Schema::Projected, 0..4).await;
        let gone = Change::Remove { node: NodeRef::interview(interview(missing)) };
        right.apply(&[ChangeSet { guard: None, changes: vec![gone] }]).await.unwrap();
        let check = compare(&left, &right).await;
        assert_eq!(check.outcome, Outcome::Fail);
        let id = interview(missing);
        let expected = format!("Interview {id}: only in direct, with 6 nodes and 18 relationships below it");
        assert_eq!(lines(&check), [expected], "one finding, and not one for each of its elements");
        let below = &check.differences.first[0].below;
        assert_eq!((below.nodes["Sentence"], below.nodes["Analysis"]), (3, 3));
        assert_eq!((below.relationships["HAS_SENTENCE"], below.relationships["MENTIONS_TOPIC"]), (3, 6));
        assert_eq!(check.compared.nodes["Sentence"].left, 12, "they are counted as looked at all the same");
    }
}

#[tokio::test]
async fn an_empty_side_is_unknown_and_so_are_two() {
    let full = graph(Schema::Direct, 0..2).await;
    let empty = MemoryGraph::new(Schema::Projected);
    let check = compare(&full, &empty).await;
    assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(Cause::NothingCompared)));
    assert_eq!(check.error.as_deref(), Some("no node in projected"));
    let check = compare(&MemoryGraph::new(Schema::Direct), &empty).await;
    assert_eq!(check.error.as_deref(), Some("no node in direct, none in projected"));
}

#[tokio::test]
async fn an_orphan_is_a_finding_on_either_side() {
    let left = graph(Schema::Direct, 0..2).await;
    let right = graph(Schema::Projected, 0..2).await;
    left.with(|graph| {
        let orphan = graph.plant_node("Analysis", Properties::new().with("analysis_id", "lost"));
        let topic = only(graph, "Topic", &"all".into());
        graph.plant_relationship(orphan, "MENTIONS_TOPIC", topic, Properties::new());
    });
    right.with(|graph| {
        graph.plant_node("Sentence", Properties::new().with("sentence_id", "lost"));
    });
    let check = compare(&left, &right).await;
    assert_eq!(
        lines(&check),
        [
            r#"Analysis "lost": nothing owns it in direct (relationships at it: 1)"#,
            r#"Sentence "lost": nothing owns it in projected (relationships at it: 0)"#,
        ]
    );
}

#[tokio::test]
async fn twins_on_the_border_of_a_page_are_one_finding() {
    let left = graph(Schema::Direct, 0..3).await;
    let right = graph(Schema::Projected, 0..3).await;
    right.with(|graph| {
        let topic = graph.plant_node("Topic", Properties::new().with("name", "all"));
        let analysis = only(graph, "Analysis", &"Projected-0-0".into());
        graph.plant_relationship(
            analysis,
            "MENTIONS_TOPIC",
            topic,
            Properties::new().with("is_edited", false),
        );
    });
    let check = compare(&left, &right).await;
    assert_eq!(check.differences.by_kind.keys().collect::<Vec<_>>(), ["multiplicity"]);
    assert_eq!(check.differences.by_subject["Topic"], 1);
    assert_eq!(check.differences.by_subject["MENTIONS_TOPIC"], 1);
}

#[tokio::test]
async fn twin_interviews_are_one_finding_each() {
    let left = graph(Schema::Direct, 0..3).await;
    let right = graph(Schema::Projected, 0..3).await;
    right.with(|graph| {
        graph.plant_node(
            "Interview",
            Properties::new().with("interview_id", text(interview(1)).as_text().unwrap()),
        );
    });
    let check = compare(&left, &right).await;
    assert_eq!(lines(&check).len(), 1, "{:?}", lines(&check));
    assert!(lines(&check)[0].ends_with("there 1× in direct, 2× in projected"), "{:?}", lines(&check));
}

#[tokio::test]
async fn a_second_analysis_is_a_twin_though_its_id_differs() {
    let left = graph(Schema::Direct, 0..2).await;
    let right = graph(Schema::Projected, 0..2).await;
    right.with(|graph| {
        let sentence = only(graph, "Sentence", &text(SentenceId::at(interview(0), 1)));
        let twin =
            graph.plant_node("Analysis", Properties::new().with("analysis_id", "second").with("model", "m"));
        graph.plant_relationship(sentence, "HAS_ANALYSIS", twin, Properties::new());
    });
    let check = compare(&left, &right).await;
    assert_eq!(check.differences.by_kind.keys().collect::<Vec<_>>(), ["multiplicity"]);
    assert_eq!(check.differences.by_subject["Analysis"], 1);
    assert_eq!(check.differences.total, 2, "the node and the relationship to it: {:?}", lines(&check));
}

#[tokio::test]
async fn a_sentence_whose_key_leads_to_no_slot_is_said_to_be_unidentified() {
    let left = graph(Schema::Direct, 0..2).await;
    let right = graph(Schema::Projected, 0..2).await;
    right.with(|graph| {
        let owner = only(graph, "Interview", &text(interview(1)));
        let lost = graph.plant_node("Sentence", Properties::new().with("sentence_id", "no slot"));
        graph.plant_relationship(owner, "HAS_SENTENCE", lost, Properties::new());
    });
    let check = compare(&left, &right).await;
    assert_eq!(check.differences.by_kind["unidentified"], 1);
    let id = interview(1);
    let expected = format!(
        r#"Sentence "no slot" of interview {id}: its key in projected leads to no element of the other schema"#
    );
    assert!(lines(&check).contains(&expected), "{:?}", lines(&check));
}

#[tokio::test]
async fn what_nobody_knows_is_a_finding() {
    let left = graph(Schema::Direct, 0..2).await;
    let right = graph(Schema::Projected, 0..2).await;
    right.with(|graph| {
        let ghost = graph.plant_node("Ghost", Properties::new());
        let sentence = only(graph, "Sentence", &text(SentenceId::at(interview(0), 1)));
        graph.plant_relationship(ghost, "HAUNTS", sentence, Properties::new());
        graph.plant_properties(sentence, &Properties::new().with("mood", "grim"));
    });
    let check = compare(&left, &right).await;
    let kinds: Vec<&SmolStr> = check.differences.by_kind.keys().collect();
    assert_eq!(kinds, ["unknown-label", "unknown-property", "unknown-relationship-type"]);
    assert_eq!(check.differences.total, 3, "{:?}", lines(&check));
}

#[tokio::test]
async fn a_relationship_that_no_tree_leads_to_is_a_finding() {
    let left = graph(Schema::Direct, 0..2).await;
    let right = graph(Schema::Projected, 0..2).await;
    right.with(|graph| {
        let (one, other) = (only(graph, "Topic", &"all".into()), only(graph, "Topic", &"topic 1".into()));
        graph.plant_relationship(one, "MENTIONS_TOPIC", other, Properties::new());
    });
    let check = compare(&left, &right).await;
    assert_eq!(lines(&check), ["MENTIONS_TOPIC: projected counts 13, 12 were read"]);
}

#[tokio::test]
async fn an_orphan_explains_no_more_relationships_than_it_has() {
    let left = graph(Schema::Direct, 0..2).await;
    let right = graph(Schema::Projected, 0..2).await;
    left.with(|graph| {
        let orphan = graph.plant_node("Analysis", Properties::new().with("analysis_id", "lost"));
        let (one, other) = (only(graph, "Topic", &"all".into()), only(graph, "Topic", &"topic 1".into()));
        graph.plant_relationship(orphan, "MENTIONS_TOPIC", one, Properties::new());
        graph.plant_relationship(one, "MENTIONS_TOPIC", other, Properties::new());
    });
    let check = compare(&left, &right).await;
    assert!(
        lines(&check).contains(&"MENTIONS_TOPIC: direct counts 14, 12 were read".to_owned()),
        "{:?}",
        lines(&check)
    );
}

#[tokio::test]
async fn a_value_without_a_key_is_said_to_be_unidentified() {
    let left = graph(Schema::Direct, 0..2).await;
    let right = graph(Schema::Projected, 0..2).await;
    left.with(|graph| {
        graph.plant_node("Topic", Properties::new());
    });
    let check = compare(&left, &right).await;
    assert_eq!(
        lines(&check),
        ["Topic without a key: its key in direct leads to no element of the other schema"]
    );
}

#[tokio::test]
async fn an_unreferenced_value_is_left_out_and_counted() {
    let left = graph(Schema::Direct, 0..2).await;
    let right = graph(Schema::Projected, 0..2).await;
    left.with(|graph| {
        graph.plant_node("Topic", Properties::new().with("name", "unused"));
    });
    let check = compare(&left, &right).await;
    assert_eq!((check.outcome, lines(&check)), (Outcome::Pass, vec![]));
    let used: Vec<(&str, u64)> = check.rules.iter().map(|rule| (rule.rule.as_str(), rule.count)).collect();
    assert!(used.contains(&("unreferenced-value", 1)), "{used:?}");
}

#[tokio::test]
async fn a_rebuilt_graph_is_compared_as_it_is() {
    let (left, right) = (graph(Schema::Projected, 0..2).await, graph(Schema::Projected, 0..2).await);
    let compare = async || {
        diff(
            "projected-vs-rebuilt",
            Orientation::new("projected", "rebuilt"),
            &GraphSource::new(&left, Schema::Projected),
            &GraphSource::new(&right, Schema::Projected),
            &Policy::same_schema(),
            TIGHT,
        )
        .await
    };
    let check = compare().await;
    assert_eq!((check.outcome, check.rules.len()), (Outcome::Pass, 0));
    right.with(|graph| {
        let analysis = only(graph, "Analysis", &"Projected-0-0".into());
        graph.plant_properties(analysis, &Properties::new().with("raw_ref", "r"));
    });
    let check = compare().await;
    assert_eq!(check.differences.by_kind.keys().collect::<Vec<_>>(), ["property-differs"]);
    assert_eq!(check.differences.total, 1);
}

/// A graph that goes wrong in one way.
struct Faulty {
    graph: MemoryGraph,
    how: Fault,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// Trees cannot be read.
    RefusesTrees,
    /// Pages come in the wrong order.
    ReversesPages,
}

#[async_trait::async_trait]
impl Interposed for Faulty {
    fn inner(&self) -> &dyn Graph {
        &self.graph
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        let mut page = self.graph.nodes(label, after, limit).await?;
        if self.how == Fault::ReversesPages {
            page.rows.reverse();
        }
        Ok(page)
    }

    async fn trees(&self, interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
        match self.how {
            Fault::RefusesTrees => Err(GraphError::Refused { during: "read trees", source: "no".into() }),
            Fault::ReversesPages => self.graph.trees(interviews).await,
        }
    }
}

async fn compare_with_fault(how: Fault) -> CheckResult {
    let (left, right) = (graph(Schema::Direct, 0..3).await, graph(Schema::Projected, 0..3).await);
    let right = Faulty { graph: right, how };
    let right = GraphSource::new(&right, Schema::Projected);
    let sides = Orientation::new("direct", "projected");
    let left = GraphSource::new(&left, Schema::Direct);
    diff("c", sides, &left, &right, &Policy::direct_vs_projected(), Limits::default()).await
}

#[tokio::test]
async fn a_graph_that_refuses_in_the_middle_leaves_the_check_unknown() {
    let check = compare_with_fault(Fault::RefusesTrees).await;
    assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(Cause::EngineFailed)));
    let error = "projected: failed to read the right graph: the graph refused to read trees: no";
    assert_eq!(check.error.as_deref(), Some(error));
}

#[tokio::test]
async fn a_graph_that_is_read_out_of_order_leaves_the_check_unknown() {
    let check = compare_with_fault(Fault::ReversesPages).await;
    assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(Cause::EngineFailed)));
    assert!(check.error.is_some_and(|error| error.contains("out of order")));
}

#[tokio::test]
async fn equal_graphs_have_one_digest_whatever_their_schema_and_the_borders_of_pages() {
    let (direct, projected) = (graph(Schema::Direct, 0..5).await, graph(Schema::Projected, 0..5).await);
    let mut all = Vec::new();
    for limits in [Limits { digests: true, ..TIGHT }, Limits { digests: true, ..Limits::default() }] {
        let check = compare_with(&direct, &projected, limits).await;
        let digests = check.digests.expect("digests were asked for");
        all.extend([digests.left, digests.right]);
    }
    assert!(all.iter().all(|digest| *digest == all[0]), "{all:?}");
    let shorter = graph(Schema::Projected, 0..4).await;
    let limits = Limits { digests: true, ..Limits::default() };
    let other = compare_with(&direct, &shorter, limits).await.digests.expect("digests were asked for");
    assert_eq!(other.left, all[0], "the digest of a side does not depend on the other one");
    assert_ne!(other.left, other.right);
    assert_eq!(compare(&direct, &projected).await.digests, None);
}

#[test]
fn a_time_is_told_in_whole_milliseconds() {
    assert_eq!(milliseconds(std::time::Duration::from_micros(2_500_999)), 2_500);
    assert_eq!(milliseconds(std::time::Duration::MAX), u64::MAX);
}
