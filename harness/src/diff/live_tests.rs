//! Comparisons of graphs that are being written to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use cutover_core::graph::{Change, ChangeSet, NodeRef, Properties, Value};
use cutover_core::ids::SentenceId;
use cutover_engines::graph::{GraphError, MemoryGraph, Schema};

use super::testing::{changes, graph, interview, lines, only, text};
use super::*;
use crate::result::{Cause, CheckResult, Outcome};

/// What happens to the graphs while the comparison waits, round by round.
struct Meanwhile<'g> {
    graphs: &'g [MemoryGraph; 2],
    rounds: AtomicU32,
    happens: Mutex<Happens<'g>>,
}

/// Changes the graphs in a round.
type Happens<'g> = Box<dyn FnMut(u32, &[MemoryGraph; 2]) + Send + 'g>;

#[async_trait]
impl Watermark for Meanwhile<'_> {
    async fn passed(&self) -> Result<(), GraphError> {
        let round = self.rounds.fetch_add(1, Ordering::Relaxed) + 1;
        (self.happens.lock().expect("nobody panicked"))(round, self.graphs);
        Ok(())
    }
}

/// Compares while something happens, and returns how often the differences were looked at again.
async fn compare<'g>(
    graphs: &'g [MemoryGraph; 2],
    happens: impl FnMut(u32, &[MemoryGraph; 2]) + Send + 'g,
) -> (CheckResult, u32) {
    let watermark = Meanwhile { graphs, rounds: AtomicU32::new(0), happens: Mutex::new(Box::new(happens)) };
    let left = GraphSource::new(&graphs[0], Schema::Direct);
    let right = GraphSource::new(&graphs[1], Schema::Projected);
    let options = Options {
        limits: Limits { interviews: 2, page_rows: 3, digests: false },
        settle: Some(Settle { rounds: 4, watermark: &watermark }),
        ..Options::default()
    };
    let sides = Orientation::new("direct", "projected");
    let done = diff_with("c", sides, [&left, &right], &Policy::direct_vs_projected(), options).await;
    (done.check, watermark.rounds.load(Ordering::Relaxed))
}

async fn both(left: std::ops::Range<u32>, right: std::ops::Range<u32>) -> [MemoryGraph; 2] {
    [graph(Schema::Direct, left).await, graph(Schema::Projected, right).await]
}

fn set_text(graph: &MemoryGraph, key: Value, text: &str) {
    graph.with(|graph| {
        // In the direct graph several sentences bear one key; the first one is that of some interview.
        let sentence = graph.planted("Sentence", &key)[0];
        graph.plant_properties(sentence, &Properties::new().with("text", Value::Text(text.into())));
    });
}

fn sentence(number: u32) -> Value {
    text(SentenceId::at(interview(number), 1))
}

fn apply(graph: &MemoryGraph, changes: Vec<Change>) {
    graph.with(|graph| {
        graph.apply(&[ChangeSet { guard: None, changes }]).expect("what has no guard is applied")
    });
}

#[tokio::test]
async fn what_the_projection_has_not_done_yet_is_no_difference_once_it_has() {
    let graphs = both(0..6, 0..5).await;
    let (check, rounds) = compare(&graphs, |round, graphs| {
        if round == 1 {
            apply(&graphs[1], changes(Schema::Projected, 5));
        }
    })
    .await;
    assert_eq!((check.outcome, lines(&check), rounds), (Outcome::Pass, vec![], 1));
    assert_eq!(check.compared.nodes["Sentence"].both, 18, "it counts as compared all the same");
    let at_rest = super::diff(
        "c",
        Orientation::new("direct", "projected"),
        &GraphSource::new(&graphs[0], Schema::Direct),
        &GraphSource::new(&graphs[1], Schema::Projected),
        &Policy::direct_vs_projected(),
        Limits::default(),
    )
    .await;
    assert_eq!(check.compared, at_rest.compared);
    assert_eq!(check.rules, at_rest.rules);
}

#[tokio::test]
async fn what_stays_different_while_nothing_about_it_changes_counts() {
    let graphs = both(0..6, 0..6).await;
    set_text(&graphs[1], sentence(3), "other");
    let (check, rounds) = compare(&graphs, |_, graphs| {
        // Others go on being written.
        let interview = NodeRef::interview(interview(1));
        apply(&graphs[0], vec![Change::Chain { interview: interview.clone() }]);
    })
    .await;
    assert_eq!(check.outcome, Outcome::Fail);
    assert_eq!(lines(&check).len(), 1, "{:?}", lines(&check));
    assert!(
        lines(&check)[0].contains("text is \"text 1\" in direct, \"other\" in projected"),
        "{:?}",
        lines(&check)
    );
    assert_eq!(rounds, 2, "one look to see it, another to see that it has not changed");
}

#[tokio::test]
async fn what_keeps_changing_leaves_the_check_unknown_and_is_named() {
    let graphs = both(0..6, 0..6).await;
    set_text(&graphs[1], sentence(3), "round 0");
    let (check, rounds) = compare(&graphs, |round, graphs| {
        set_text(&graphs[1], sentence(3), &format!("round {round}"));
    })
    .await;
    assert_eq!((check.outcome, check.cause, rounds), (Outcome::Unknown, Some(Cause::KeptChanging), 4));
    let error = format!("what differed was still changing after 4 looks: interview {}", interview(3));
    assert_eq!(check.error, Some(error));
    assert!(check.compared.total() > 0);
}

#[tokio::test]
async fn a_difference_that_counts_outweighs_one_that_keeps_changing() {
    let graphs = both(0..6, 0..6).await;
    set_text(&graphs[1], sentence(2), "other");
    set_text(&graphs[1], sentence(3), "round 0");
    let (check, _) = compare(&graphs, |round, graphs| {
        set_text(&graphs[1], sentence(3), &format!("round {round}"));
    })
    .await;
    assert_eq!((check.outcome, check.differences.total), (Outcome::Fail, 1));
    assert!(check.error.is_some_and(|error| error.contains(&interview(3).to_string())));
}

#[tokio::test]
async fn a_value_that_comes_late_is_no_difference_and_one_that_never_comes_is() {
    let graphs = both(0..3, 0..3).await;
    for name in ["late", "never"] {
        graphs[0].with(|graph| {
            let topic = graph.plant_node("Topic", Properties::new().with("name", name));
            let other = only(graph, "Topic", &"all".into());
            graph.plant_relationship(topic, "BESIDE", other, Properties::new());
        });
    }
    let (check, _) = compare(&graphs, |round, graphs| {
        if round == 1 {
            graphs[1].with(|graph| {
                let topic = graph.plant_node("Topic", Properties::new().with("name", "late"));
                let other = only(graph, "Topic", &"all".into());
                graph.plant_relationship(topic, "BESIDE", other, Properties::new());
            });
        }
    })
    .await;
    assert_eq!(check.outcome, Outcome::Fail);
    let of_topics: Vec<String> = lines(&check).into_iter().filter(|line| line.starts_with("Topic")).collect();
    assert_eq!(of_topics, [r#"Topic "never": only in direct"#]);
}

#[tokio::test]
async fn an_orphan_that_finds_its_owner_is_no_difference_and_one_that_does_not_is() {
    let graphs = both(0..3, 0..3).await;
    let lost = |graph: &MemoryGraph, name: &str| {
        graph.with(|graph| {
            graph.plant_node("Analysis", Properties::new().with("analysis_id", Value::Text(name.into())))
        })
    };
    lost(&graphs[0], "lost");
    let late = lost(&graphs[0], "late");
    let (check, _) = compare(&graphs, |round, graphs| {
        if round == 1 {
            apply(&graphs[0], vec![]);
            graphs[0].with(|graph| {
                let analysis = only(graph, "Analysis", &"late".into());
                assert_eq!(analysis, late);
                graph.plant_properties(analysis, &Properties::new().with("analysis_id", "found"));
            });
        }
    })
    .await;
    assert_eq!(check.outcome, Outcome::Fail);
    let mut found = lines(&check);
    found.sort();
    assert_eq!(
        found,
        [
            r#"Analysis "found": nothing owns it in direct (relationships at it: 0)"#,
            r#"Analysis "lost": nothing owns it in direct (relationships at it: 0)"#,
        ]
    );
}

/// A watermark that is not to be had.
struct Never;

#[async_trait]
impl Watermark for Never {
    async fn passed(&self) -> Result<(), GraphError> {
        Err(GraphError::Unavailable { during: "say how far it is", source: "no".into() })
    }
}

#[tokio::test]
async fn without_a_watermark_nothing_that_differs_counts_and_nothing_is_green() {
    let graphs = both(0..3, 0..2).await;
    let left = GraphSource::new(&graphs[0], Schema::Direct);
    let right = GraphSource::new(&graphs[1], Schema::Projected);
    let settle = Some(Settle { rounds: 3, watermark: &Never });
    let sides = Orientation::new("direct", "projected");
    let options = Options { settle, ..Options::default() };
    let check = diff_with("c", sides, [&left, &right], &Policy::direct_vs_projected(), options).await.check;
    assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(Cause::EngineFailed)));
    assert!(check.error.is_some_and(|error| error.contains("wait until both sides")));
}
