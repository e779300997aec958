//! Parts of a comparison: shards that come together again, and one that is broken off and gone on with.

use std::sync::Mutex;

use cutover_core::graph::Properties;
use cutover_engines::graph::{MemoryGraph, Schema};

use super::testing::{enrich, graph, interview, lines, only, text};
use super::*;
use crate::digest::Digest;
use crate::result::{Cause, CheckResult, Outcome};

/// Two graphs of twelve interviews, in which something of everything differs.
async fn differing() -> [MemoryGraph; 2] {
    let left = graph(Schema::Direct, 0..12).await;
    let right = graph(Schema::Projected, 1..12).await;
    enrich(&left, Schema::Direct, 0..12).await;
    enrich(&right, Schema::Projected, 1..12).await;
    right.with(|graph| {
        for number in [2, 5, 9] {
            let sentence =
                only(graph, "Sentence", &text(cutover_core::ids::SentenceId::at(interview(number), 1)));
            graph.plant_properties(sentence, &Properties::new().with("text", "other"));
        }
        graph.plant_node("Sentence", Properties::new().with("sentence_id", "lost"));
        graph.plant_node("Sentence", Properties::new().with("text", "without a key"));
        graph.plant_node("Ghost", Properties::new());
        graph.plant_node("Interview", Properties::new().with("title", "without a key"));
        let topics = ["all", "topic 1"].map(|name| only(graph, "Topic", &name.into()));
        graph.plant_relationship(topics[0], "MENTIONS_TOPIC", topics[1], Properties::new());
        let twin = graph.plant_node("Topic", Properties::new().with("name", "topic 2"));
        graph.plant_relationship(topics[0], "MENTIONS_TOPIC", twin, Properties::new());
    });
    [left, right]
}

async fn compare(graphs: &[MemoryGraph; 2], options: Options<'_>) -> Done {
    let [left, right] = graphs;
    let left = GraphSource::new(left, Schema::Direct);
    let right = GraphSource::new(right, Schema::Projected);
    let limits = Limits { interviews: 2, page_rows: 3, digests: false };
    let sides = Orientation::new("direct", "projected");
    diff_with("c", sides, [&left, &right], &Policy::direct_vs_projected(), Options { limits, ..options })
        .await
}

/// What a check says, whatever the order and the time in which it was found out.
fn told(mut check: CheckResult) -> CheckResult {
    check.duration_ms = 0;
    check.neighbourhoods.clear();
    check.differences.first.sort_by_key(|difference| format!("{difference:?}"));
    check.rules.sort_by(|a, b| a.rule.cmp(&b.rule));
    check
}

async fn shards(graphs: &[MemoryGraph; 2], of: u32) -> Vec<ShardResult> {
    let mut shards = Vec::new();
    for number in 1..=of {
        let shard = Shard { number, of };
        let done = compare(graphs, Options { shard: Some(shard), ..Options::default() }).await;
        let names = ["a", "b"].map(str::to_owned);
        shards.push(ShardResult::new(shard, names, Digest::of(b"p"), done.check, done.rest));
    }
    shards
}

#[tokio::test]
async fn shards_come_to_what_the_whole_comes_to() {
    let graphs = differing().await;
    let whole = told(compare(&graphs, Options::default()).await.check);
    assert!(whole.differences.by_kind.len() >= 7, "{:?}", whole.differences.by_kind);
    for of in [1, 2, 7, 40] {
        let mut shards = shards(&graphs, of).await;
        shards.reverse();
        assert_eq!(told(merge(shards).expect("they belong together")), whole, "{of} shards");
    }
}

#[tokio::test]
async fn equal_graphs_are_equal_in_shards_though_some_of_them_are_empty() {
    let graphs = [graph(Schema::Direct, 0..3).await, graph(Schema::Projected, 0..3).await];
    let shards = shards(&graphs, 16).await;
    assert!(shards.iter().any(|result| result.check.cause == Some(Cause::NothingCompared)));
    assert_eq!(merge(shards).expect("they belong together").outcome, Outcome::Pass);
}

#[tokio::test]
async fn a_set_of_shards_that_is_not_complete_is_unknown_and_names_what_is_missing() {
    let graphs = [graph(Schema::Direct, 0..6).await, graph(Schema::Projected, 0..6).await];
    let mut shards = shards(&graphs, 4).await;
    shards.retain(|result| result.shard.number % 2 == 0);
    let check = merge(shards).expect("they belong together");
    assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(Cause::Incomplete)));
    assert_eq!(check.error.as_deref(), Some("missing shards: 1/4, 3/4"));
}

#[tokio::test]
async fn shards_of_different_comparisons_do_not_come_together() {
    let graphs = [graph(Schema::Direct, 0..3).await, graph(Schema::Projected, 0..3).await];
    let two = shards(&graphs, 2).await;
    let with = |change: &dyn Fn(&mut ShardResult)| {
        let mut shards = two.clone();
        change(&mut shards[1]);
        merge(shards).expect_err("they are strangers")
    };
    let strangers = |what| MergeError::Strangers {
        one: Shard { number: 1, of: 2 },
        other: Shard { number: 2, of: 2 },
        what,
    };
    assert_eq!(with(&|other| other.policy = Digest::of(b"q")), strangers("the policy"));
    assert_eq!(with(&|other| other.of[0] = "c".to_owned()), strangers("what is compared"));
    let twice = with(&|other| other.shard.number = 1);
    assert_eq!(twice, MergeError::Twice { shard: Shard { number: 1, of: 2 } });
    assert_eq!(merge(vec![]).expect_err("there is none"), MergeError::None);
}

#[tokio::test]
async fn shards_of_graphs_that_have_changed_meanwhile_are_unknown() {
    let graphs = [graph(Schema::Direct, 0..6).await, graph(Schema::Projected, 0..6).await];
    let mut early = shards(&graphs, 2).await;
    for (graph, schema) in graphs.iter().zip([Schema::Direct, Schema::Projected]) {
        let more =
            cutover_core::graph::ChangeSet { guard: None, changes: super::testing::changes(schema, 6) };
        cutover_engines::graph::Graph::apply(graph, &[more]).await.expect("what has no guard is applied");
    }
    let late = shards(&graphs, 2).await;
    early[1] = late[1].clone();
    let check = merge(early).expect("they belong together");
    assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(Cause::KeptChanging)));
}

/// Keeps every progress, as text.
#[derive(Default)]
struct All(Mutex<Vec<String>>);

impl Keep for All {
    fn after_interviews(&self) -> usize {
        1
    }

    fn keep(&self, progress: &Progress) {
        let json = serde_json::to_string(progress).expect("progress is JSON");
        self.0.lock().expect("nobody panicked").push(json);
    }
}

#[tokio::test]
async fn a_comparison_that_was_broken_off_anywhere_comes_to_the_same_when_it_is_gone_on_with() {
    let graphs = differing().await;
    let all = All::default();
    let whole = compare(&graphs, Options { keep: Some(&all), ..Options::default() }).await;
    let whole = (told(whole.check), whole.rest);
    let kept = all.0.into_inner().expect("nobody panicked");
    assert!(kept.len() > 12, "{} times", kept.len());
    for json in kept {
        let resume = Some(serde_json::from_str(&json).expect("progress comes back"));
        let rest = compare(&graphs, Options { resume, ..Options::default() }).await;
        assert_eq!((told(rest.check), rest.rest), whole, "gone on after {json}");
    }
}

#[tokio::test]
async fn what_was_compared_before_is_not_compared_again() {
    let graphs = differing().await;
    let all = All::default();
    compare(&graphs, Options { keep: Some(&all), ..Options::default() }).await;
    let kept = all.0.into_inner().expect("nobody panicked");
    let last_of_interviews = kept.iter().rev().find(|json| json.contains("interviews\":{\"after"));
    let resume = Some(serde_json::from_str(last_of_interviews.expect("one")).expect("progress comes back"));
    let again = All::default();
    compare(&graphs, Options { resume, keep: Some(&again), ..Options::default() }).await;
    let again = again.0.into_inner().expect("nobody panicked");
    assert!(again.len() < kept.len() - 4, "{} of {} times", again.len(), kept.len());
}

#[tokio::test]
async fn a_tail_beyond_the_last_key_of_the_other_side_is_found() {
    let mut keys: Vec<u32> = (0..12).collect();
    keys.sort_by_key(|number| interview(*number).to_string());
    let last = *keys.last().expect("there are some");
    let left = graph(Schema::Direct, 0..12).await;
    let right = graph(Schema::Projected, 0..12).await;
    let gone = cutover_core::graph::Change::Remove {
        node: cutover_core::graph::NodeRef::interview(interview(last)),
    };
    let set = cutover_core::graph::ChangeSet { guard: None, changes: vec![gone] };
    cutover_engines::graph::Graph::apply(&right, &[set]).await.expect("it is applied");
    let check = compare(&[left, right], Options::default()).await.check;
    let expected =
        format!("Interview {}: only in direct, with 6 nodes and 18 relationships below it", interview(last));
    assert_eq!(lines(&check), [expected]);
}
