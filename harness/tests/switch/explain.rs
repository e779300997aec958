//! A difference is explained by what brought it about: each cause is made, and told.

use cutover_core::direct::{Edit, sentence_ref};
use cutover_core::event::RecordedEvent;
use cutover_core::graph::{Change, ChangeSet, NodeRef, Properties, Rel};
use cutover_core::ids::{AggregateId, SentenceId, StreamName};
use cutover_core::limits::LimitsTable;
use cutover_engines::event_log::LogError;
use cutover_engines::graph::Graph;
use cutover_harness::diff::Policy;
use cutover_harness::explain::{Cause, ExplainError, Story, Subject, System, direct_against_events, explain};
use cutover_harness::provision::hooks::{Hooks, LogHook};
use cutover_harness::provision::wrapped::hooked_log;
use cutover_service::pipeline::RequestContext;
use cutover_service::projection::Groups;

use crate::world::{LINES, World, edit, file};

async fn told(world: &World, slot: Option<u32>) -> Story {
    tell(world, Subject { interview: file(LINES).interview, slot }).await.expect("a story")
}

async fn tell(world: &World, subject: Subject) -> Result<Story, ExplainError> {
    let system = System {
        log: world.log.clone(),
        direct: world.direct.clone(),
        projected: world.projected.clone(),
        groups: Groups::in_production(),
        limits: Default::default(),
    };
    explain(&system, subject).await
}

async fn change(graph: &dyn Graph, change: Change) {
    graph.apply(&[ChangeSet { guard: None, changes: vec![change] }]).await.expect("a graph");
}

fn text(node: NodeRef) -> Change {
    Change::Update { node, set: Properties::new().with("text", "Who wrote this?"), unset: Vec::new() }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_differs_there_is_no_cause_and_the_events_are_told_all_the_same() {
    let world = World::with_an_interview().await;
    world.compare().await;
    let story = told(&world, Some(1)).await;
    assert_eq!(story.causes, []);
    let types: Vec<_> = story.events.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(types, ["SentenceCreated", "AnalysisGenerated"]);
    assert!(story.events.iter().all(|event| event.is_applied));
    assert!(story.between.compared > 20, "{}", story.between.compared);
}

#[tokio::test(start_paused = true)]
async fn a_graph_that_was_written_past_the_events_is_told_from_the_other() {
    let world = World::with_an_interview().await;
    world.compare().await;
    let interview = file(LINES).interview;
    change(&*world.direct, text(sentence_ref(interview, 1))).await;
    let story = told(&world, Some(1)).await;
    assert_eq!(story.causes, [Cause::DirectWriteWithoutEvent]);
    assert_eq!((story.direct.differences.len(), story.projected.differences.len()), (1, 0));
    assert_eq!(told(&world, Some(0)).await.causes, [], "the sentence beside it is as it should be");

    change(&*world.projected, text(NodeRef::sentence(SentenceId::at(interview, 0)))).await;
    assert_eq!(told(&world, Some(0)).await.causes, [Cause::EventWithoutEffect]);
    let both = told(&world, None).await.causes;
    assert_eq!(both, [Cause::EventWithoutEffect, Cause::DirectWriteWithoutEvent]);
}

#[tokio::test(start_paused = true)]
async fn events_that_are_on_their_way_are_told_from_those_that_wait_in_the_outbox() {
    let mut world = World::with_an_interview().await;
    world.compare().await;
    world.stop_projecting();
    let pipeline = world.pipeline(9);
    edit(&pipeline, 1, "On its way.").await;
    let causes = told(&world, Some(1)).await.causes;
    assert!(matches!(&causes[..], [Cause::OnItsWay { first: 2, last: 2, .. }]), "{causes:?}");

    let undrained = Edit::Text { slot: 2, text: "Not even appended.".into() };
    let context = RequestContext::human("ada");
    pipeline.execute(file(LINES).interview, undrained, &context).await.expect("an edit");
    let story = told(&world, Some(2)).await;
    assert!(matches!(&story.causes[..], [Cause::InTheOutbox { entries: 1 }]), "{:?}", story.causes);
    assert_eq!(story.waiting.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_differs_is_called_an_order() {
    let world = World::with_an_interview().await;
    world.compare().await;
    let node = sentence_ref(file(LINES).interview, 3);
    let set = Properties::new().with("sequence_order", 9_i64);
    change(&*world.direct, Change::Update { node, set, unset: Vec::new() }).await;
    let causes = told(&world, Some(3)).await.causes;
    assert_eq!(causes, [Cause::Order, Cause::DirectWriteWithoutEvent]);
}

#[tokio::test(start_paused = true)]
async fn values_that_one_graph_alone_keeps_are_called_a_limit() {
    let world = World::with_an_interview().await;
    world.compare().await;
    let analysis = cutover_core::direct::analysis_ref(file(LINES).interview, 1);
    let rel = Rel::MentionsOverallKeyword;
    change(&*world.direct, Change::Tag { analysis, rel, value: "one too many".into() }).await;
    let causes = told(&world, Some(1)).await.causes;
    let limit = Cause::Limit { rel: rel.as_str().into() };
    assert_eq!(causes, [limit, Cause::DirectWriteWithoutEvent]);
}

#[tokio::test(start_paused = true)]
async fn an_interview_that_nobody_knows_has_no_story() {
    let world = World::with_an_interview().await;
    let nobody = cutover_core::ids::InterviewId::for_file("nobody.txt");
    let refused = tell(&world, Subject { interview: nobody, slot: None }).await;
    assert!(matches!(refused, Err(ExplainError::Unknown(id)) if id == nobody), "{refused:?}");
}

/// What a consumer does with an event that it does not apply.
enum Answer {
    Acknowledge,
    Park,
}

/// Takes the next events of the sentences' group, and answers them without applying any.
async fn answer(world: &World, answer: Answer) {
    let group = Groups::in_production().sentence;
    let mut subscription = world.log.subscribe(&group, 10).await.expect("a subscription");
    let delivered = subscription.receiver.next(10).await.expect("deliveries");
    for delivery in delivered {
        match answer {
            Answer::Acknowledge => subscription.answers.acknowledge(vec![delivery.ack_id]).await,
            Answer::Park => subscription.answers.park(delivery.ack_id, "no handler for it").await,
        }
        .expect("an answer");
    }
    while world.log.group_info(&group).await.expect("a group").in_flight > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_acknowledged_without_an_effect_is_missing_for_ever() {
    let mut world = World::with_an_interview().await;
    world.compare().await;
    world.stop_projecting();
    edit(&world.pipeline(9), 1, "Lost.").await;
    answer(&world, Answer::Acknowledge).await;
    let story = told(&world, Some(1)).await;
    assert!(
        matches!(&story.causes[..], [Cause::MissingEvents { first: 2, last: 2, .. }]),
        "{:?}",
        story.causes
    );
    assert_eq!(story.events.iter().filter(|event| !event.is_applied).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_parked_is_named_with_the_reason() {
    let mut world = World::with_an_interview().await;
    world.compare().await;
    world.stop_projecting();
    edit(&world.pipeline(9), 1, "Parked.").await;
    answer(&world, Answer::Park).await;
    let story = told(&world, Some(1)).await;
    let [Cause::Parked { version: 2, reason, .. }] = &story.causes[..] else { panic!("{:?}", story.causes) };
    assert!(reason.contains("no handler for it"), "{reason}");
    assert_eq!(story.parked.len(), 1);
}

/// A store in which the stream of a sentence was deleted for ever.
struct Tombstoned(StreamName);

impl LogHook for Tombstoned {
    fn read(&self, stream: &StreamName, events: Vec<RecordedEvent>) -> Result<Vec<RecordedEvent>, LogError> {
        if *stream == self.0 { Err(LogError::StreamDeleted { stream: stream.clone() }) } else { Ok(events) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sentence_whose_predecessor_was_tombstoned_is_told_all_the_same() {
    let world = World::with_an_interview().await;
    let pipeline = world.pipeline(9);
    let interview = file(LINES).interview;
    let gone = Edit::DeleteSentence { slot: 0, reason: None };
    pipeline.execute(interview, gone, &RequestContext::human("ada")).await.expect("an edit");
    pipeline.ingest(&file(LINES), &RequestContext::system()).await.expect("a file that brings it back");
    pipeline.drain().await.expect("a drained outbox");
    let predecessor = AggregateId::Sentence(SentenceId::in_generation(interview, 0, 0)).stream_name();
    let hooks = Hooks::default().with_log(Tombstoned(predecessor));
    let log = hooked_log(world.log.clone(), &hooks);
    let (policy, limits) = (Policy::direct_vs_projected(), LimitsTable::default());
    let told = direct_against_events(&log, &*world.direct, &policy, &limits, interview).await;
    let told = told.expect("events that can be read");
    assert!(told.differences.is_empty(), "{:?}", told.differences.first);
    assert!(told.compared.total() > 10);
}
