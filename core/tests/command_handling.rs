//! Commands over a history: what the events that a command leads to carry, and what is done already.

use cutover_core::aggregate::{AggregateState, Handled, fold, handle};
use cutover_core::command::{Accepted, Command, CommandContext, Rejection};
use cutover_core::event::{Body, Event};
use cutover_core::ids::{AggregateId, EventId, ProjectId};
use cutover_core::interview::{InterviewCommand, InterviewEvent, InterviewStatus, InterviewStatusChanged};
use cutover_core::metadata::{DEFAULT_SOURCE, Metadata, SCHEMA_VERSION};
use cutover_core::sentence::{self, EditorType, SentenceCommand};
use cutover_core::testing::build::{
    context, create_interview, create_sentence, created, edit, edited, interview_created, interview_event,
    interview_id, sentence_event, sentence_id, time,
};
use uuid::Uuid;

fn the_interview() -> AggregateId {
    AggregateId::Interview(interview_id())
}

fn the_sentence() -> AggregateId {
    AggregateId::Sentence(sentence_id(0))
}

fn to_sentence(command: SentenceCommand) -> Command {
    Command::Sentence { id: sentence_id(0), command }
}

fn to_interview(command: InterviewCommand) -> Command {
    Command::Interview { id: interview_id(), command }
}

fn entry(number: u8) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_DNS, &[number])
}

#[track_caller]
fn appended(handled: Result<Handled, Rejection>) -> Vec<Event> {
    match handled {
        Ok(Handled::Append(events)) => {
            events.into_iter().map(|(metadata, body)| Event { metadata, body }).collect()
        }
        other => panic!("expected events to append, but found {other:?}"),
    }
}

#[test]
fn an_aggregate_without_a_history_is_in_its_first_state() {
    for aggregate in [the_interview(), the_sentence()] {
        assert_eq!(fold(aggregate, []), AggregateState::initial(aggregate));
    }
}

#[test]
fn a_history_is_folded_in_its_order() {
    let history = [created("a"), edited("a", "b", EditorType::Ai), edited("b", "c", EditorType::Human)];
    let bodies = history.map(|event| Body::Sentence { interview: None, event });
    let AggregateState::Sentence(state) = fold(the_sentence(), &bodies) else { panic!("a sentence") };
    let sentence = state.existing().unwrap();
    assert_eq!(sentence.text, "c");
    assert!(sentence.edited_by_human);
}

#[test]
fn what_is_unknown_or_of_the_other_kind_changes_no_state() {
    let known = [Body::Interview(interview_created("A"))];
    let disturbed = [
        Body::Interview(interview_created("A")),
        Body::Unknown { event_type: "InterviewSung".into() },
        Body::Sentence { interview: None, event: created("a") },
    ];
    assert_eq!(fold(the_interview(), &disturbed), fold(the_interview(), &known));
}

#[test]
fn the_first_event_has_version_0_and_all_that_the_command_came_with() {
    let asked = CommandContext { causation_id: Some(entry(7)), trace_id: Some("trace".into()), ..context(5) };
    let events = appended(handle(&[], &to_interview(create_interview("A")), &asked, entry(1)));
    let metadata = Metadata {
        event_id: EventId::of_entry(entry(1), 0),
        aggregate: the_interview(),
        version: 0,
        occurred_at: time(5),
        schema_version: SCHEMA_VERSION.into(),
        actor: asked.actor,
        correlation_id: asked.correlation_id,
        causation_id: Some(entry(7)),
        source: DEFAULT_SOURCE.into(),
        trace_id: Some("trace".into()),
        project_id: Some(ProjectId::new("apollo")),
        tags: Vec::new(),
    };
    assert_eq!(events, [Event { metadata, body: Body::Interview(interview_created("A")) }]);
}

#[test]
fn an_event_follows_the_last_version_of_the_history() {
    let history =
        [sentence_event(0, 0, created("a")), sentence_event(0, 1, edited("a", "b", EditorType::Ai))];
    let events = appended(handle(&history, &to_sentence(edit("c")), &context(9), entry(1)));
    assert_eq!(events.iter().map(|event| event.metadata.version).collect::<Vec<_>>(), [2]);
}

#[test]
fn every_event_of_a_sentence_names_its_interview() {
    let first = appended(handle(&[], &to_sentence(create_sentence(0, "a")), &context(0), entry(1)));
    let second = appended(handle(&first, &to_sentence(edit("b")), &context(1), entry(2)));
    for event in first.iter().chain(&second) {
        assert!(matches!(event.body, Body::Sentence { interview: Some(id), .. } if id == interview_id()));
    }
}

#[test]
fn a_command_that_names_no_project_means_that_of_the_history() {
    let history = [sentence_event(0, 0, created("a"))];
    let asked = CommandContext { project_id: None, ..context(1) };
    let events = appended(handle(&history, &to_sentence(edit("b")), &asked, entry(1)));
    assert_eq!(events[0].metadata.project_id, Some(ProjectId::new("apollo")));

    let asked = CommandContext { project_id: Some(ProjectId::new("gemini")), ..context(1) };
    let events = appended(handle(&history, &to_sentence(edit("b")), &asked, entry(1)));
    assert_eq!(events[0].metadata.project_id, Some(ProjectId::new("gemini")));
}

#[test]
fn a_command_handled_twice_leads_to_the_same_events() {
    let history = [sentence_event(0, 0, created("a"))];
    let once = handle(&history, &to_sentence(edit("b")), &context(1), entry(1));
    assert_eq!(handle(&history, &to_sentence(edit("b")), &context(1), entry(1)), once);
    let by_another = handle(&history, &to_sentence(edit("b")), &context(1), entry(2));
    assert_ne!(appended(by_another)[0].metadata.event_id, appended(once)[0].metadata.event_id);
}

#[test]
fn a_command_whose_events_are_there_is_done_already_whatever_came_after() {
    let mut history = vec![sentence_event(0, 0, created("a"))];
    history.extend(appended(handle(&history, &to_sentence(edit("b")), &context(1), entry(1))));
    history.extend(appended(handle(&history, &to_sentence(edit("c")), &context(2), entry(2))));
    let again = handle(&history, &to_sentence(edit("b")), &context(1), entry(1));
    assert_eq!(
        again,
        Ok(Handled::AlreadyDone(Accepted { aggregate: the_sentence(), version: 1, events: 1 }))
    );
}

#[test]
fn a_conflict_is_decided_by_the_longer_history() {
    let mut history = vec![sentence_event(0, 0, created("a"))];
    appended(handle(&history, &to_sentence(edit("b")), &context(1), entry(1)));
    // Somebody else made the same edit first.
    history.push(sentence_event(0, 1, edited("a", "b", EditorType::Human)));
    assert_eq!(
        handle(&history, &to_sentence(edit("b")), &context(1), entry(1)),
        Err(Rejection::Sentence(sentence::Rejection::TextUnchanged))
    );
}

#[test]
fn events_of_an_unknown_type_count_as_versions() {
    let unknown = Event {
        metadata: sentence_event(0, 1, created("a")).metadata,
        body: Body::Unknown { event_type: "SentenceSung".into() },
    };
    let history = [sentence_event(0, 0, created("a")), unknown];
    let events = appended(handle(&history, &to_sentence(edit("b")), &context(2), entry(1)));
    assert_eq!(events[0].metadata.version, 2);
}

#[test]
fn the_status_of_an_interview_comes_from_its_history() {
    let history = [interview_event(0, interview_created("A"))];
    let command = InterviewCommand::ChangeStatus { to_status: InterviewStatus::Processing, reason: None };
    let events = appended(handle(&history, &to_interview(command), &context(1), entry(1)));
    let expected = InterviewStatusChanged {
        from_status: InterviewStatus::Created,
        to_status: InterviewStatus::Processing,
        reason: None,
    };
    assert_eq!(events[0].body, Body::Interview(InterviewEvent::StatusChanged(expected)));
}

#[test]
#[should_panic(expected = "holds events of another aggregate")]
fn the_history_of_another_aggregate_is_a_mistake_of_the_caller() {
    let history = [sentence_event(1, 0, created("a"))];
    let _ = handle(&history, &to_sentence(edit("b")), &context(1), entry(1));
}
