//! Version guards, and the atomicity of a batch.

use cutover_core::graph::{Change, ChangeSet, Properties};
use cutover_core::ids::AggregateId;

use super::super::testing::{
    a_sentence, an_interview, guarded, interview, put, put_sentence, remove, unguarded,
};
use super::super::{ApplyError, Graph, VersionConflict};
use super::expect;

fn titled(title: &str) -> Change {
    put(interview("i"), Properties::new().with("title", title))
}

async fn accept(graph: &dyn Graph, batch: &[ChangeSet]) {
    graph.apply(batch).await.expect("the guards fit");
}

async fn refuse(graph: &dyn Graph, batch: &[ChangeSet], expected: &[(AggregateId, Option<u64>)]) {
    let mut expected: Vec<_> =
        expected.iter().map(|&(aggregate, current)| VersionConflict { aggregate, current }).collect();
    expected.sort();
    match graph.apply(batch).await {
        Err(ApplyError::Conflict(mut conflicts)) => {
            conflicts.sort();
            assert_eq!(conflicts, expected);
        }
        other => panic!("the guards should have refused, but the graph said {other:?}"),
    }
}

async fn expect_version(graph: &dyn Graph, aggregate: AggregateId, expected: Option<u64>) {
    assert_eq!(graph.versions(&[aggregate]).await.expect("the graph can be read"), [expected]);
}

/// And before that there is none.
pub async fn versions_begin_with_zero(graph: &dyn Graph) {
    let i = an_interview("i");
    expect_version(graph, i, None).await;
    accept(graph, &[guarded(i, 0, [titled("x")])]).await;
    expect_version(graph, i, Some(0)).await;
    expect(graph, r#"Interview "i" {interview_id: "i", title: "x"}"#).await;
}

/// At the beginning, and later.
pub async fn a_gap_is_refused(graph: &dyn Graph) {
    let i = an_interview("i");
    refuse(graph, &[guarded(i, 1, [titled("x")])], &[(i, None)]).await;
    accept(graph, &[guarded(i, 0, [titled("x")])]).await;
    refuse(graph, &[guarded(i, 2, [titled("y")])], &[(i, Some(0))]).await;
    expect(graph, r#"Interview "i" {interview_id: "i", title: "x"}"#).await;
}

/// What was applied is not applied again.
pub async fn a_duplicate_is_refused(graph: &dyn Graph) {
    let i = an_interview("i");
    accept(graph, &[guarded(i, 0, [titled("x")]), guarded(i, 1, [titled("y")])]).await;
    refuse(graph, &[guarded(i, 1, [titled("z")])], &[(i, Some(1))]).await;
    refuse(graph, &[guarded(i, 0, [titled("z")])], &[(i, Some(1))]).await;
    expect(graph, r#"Interview "i" {interview_id: "i", title: "y"}"#).await;
}

/// Each on top of the one before it; a gap or a twin within the batch is a misfit.
pub async fn a_batch_may_hold_several_versions_of_one_aggregate(graph: &dyn Graph) {
    let i = an_interview("i");
    refuse(graph, &[guarded(i, 0, [titled("x")]), guarded(i, 2, [])], &[(i, None)]).await;
    refuse(graph, &[guarded(i, 0, [titled("x")]), guarded(i, 0, [])], &[(i, None)]).await;
    refuse(graph, &[guarded(i, 1, [titled("x")]), guarded(i, 0, [])], &[(i, None)]).await;
    let batch = [guarded(i, 0, [titled("x")]), guarded(i, 1, [titled("y")]), guarded(i, 2, [titled("z")])];
    accept(graph, &batch).await;
    expect_version(graph, i, Some(2)).await;
    expect(graph, r#"Interview "i" {interview_id: "i", title: "z"}"#).await;
}

/// Neither what comes before the misfit nor what comes after it, guarded or not.
pub async fn a_refused_batch_changes_nothing(graph: &dyn Graph) {
    let (i, s) = (an_interview("i"), a_sentence("i", 0));
    let batch =
        [unguarded([titled("u")]), guarded(i, 0, [titled("x")]), guarded(s, 5, []), guarded(i, 1, [])];
    refuse(graph, &batch, &[(s, None)]).await;
    expect_version(graph, i, None).await;
    expect_version(graph, s, None).await;
    expect(graph, "").await;
}

/// So that one answer corrects all of them.
pub async fn every_misfit_of_a_batch_is_named_once(graph: &dyn Graph) {
    let (i, s, t) = (an_interview("i"), a_sentence("i", 0), a_sentence("i", 1));
    accept(graph, &[guarded(i, 0, []), guarded(i, 1, [])]).await;
    let batch =
        [guarded(s, 3, []), guarded(i, 1, []), guarded(t, 0, []), guarded(s, 4, []), guarded(i, 7, [])];
    refuse(graph, &batch, &[(s, None), (i, Some(1))]).await;
    expect_version(graph, t, None).await;
}

/// An event that projects nothing is none to wait for.
pub async fn an_empty_change_set_advances_the_version(graph: &dyn Graph) {
    let i = an_interview("i");
    accept(graph, &[guarded(i, 0, [])]).await;
    accept(graph, &[guarded(i, 1, [titled("x")])]).await;
    expect_version(graph, i, Some(1)).await;
}

/// An interview and a sentence never share a version, even under one id.
pub async fn aggregates_advance_independently(graph: &dyn Graph) {
    let (i, s) = (an_interview("i"), a_sentence("i", 0));
    let AggregateId::Interview(id) = i else { unreachable!("made as an interview") };
    let namesake = AggregateId::Sentence(cutover_core::ids::SentenceId::new(id.as_uuid()));
    accept(graph, &[guarded(i, 0, []), guarded(s, 0, []), guarded(i, 1, [])]).await;
    accept(graph, &[guarded(namesake, 0, [])]).await;
    expect_version(graph, i, Some(1)).await;
    expect_version(graph, s, Some(0)).await;
    expect_version(graph, namesake, Some(0)).await;
}

/// The direct path has none.
pub async fn unguarded_changes_touch_no_version(graph: &dyn Graph) {
    accept(graph, &[unguarded([titled("x")]), unguarded([titled("x")])]).await;
    expect_version(graph, an_interview("i"), None).await;
}

/// Or else its events could be applied a second time.
pub async fn a_removed_aggregate_keeps_its_version(graph: &dyn Graph) {
    let i = an_interview("i");
    accept(graph, &[guarded(i, 0, [titled("x")]), guarded(i, 1, [remove(interview("i"))])]).await;
    expect_version(graph, i, Some(1)).await;
    refuse(graph, &[guarded(i, 0, [titled("x")])], &[(i, Some(1))]).await;
    expect(graph, "").await;
}

/// What is deleted stays deleted; the sentence's version advances all the same.
pub async fn a_removed_interview_refuses_sentences(graph: &dyn Graph) {
    let (i, s) = (an_interview("i"), a_sentence("i", 0));
    accept(graph, &[guarded(i, 0, [titled("x")]), guarded(i, 1, [remove(interview("i"))])]).await;
    accept(graph, &[guarded(s, 0, [put_sentence("i", "s", 0)])]).await;
    expect_version(graph, s, Some(0)).await;
    expect(graph, "").await;
}

/// Twins in the question included.
pub async fn versions_are_answered_in_the_order_of_the_question(graph: &dyn Graph) {
    let (i, s, t) = (an_interview("i"), a_sentence("i", 0), a_sentence("i", 1));
    accept(graph, &[guarded(s, 0, []), guarded(s, 1, []), guarded(i, 0, [])]).await;
    let versions = graph.versions(&[i, t, s, i]).await.expect("the graph can be read");
    assert_eq!(versions, [Some(0), None, Some(1), Some(0)]);
    assert_eq!(graph.versions(&[]).await.expect("the graph can be read"), []);
}

/// And is no error.
pub async fn an_empty_batch_changes_nothing(graph: &dyn Graph) {
    accept(graph, &[]).await;
    expect(graph, "").await;
}
