//! The loop, against a log that is in memory and has the faults that a case gives it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use cutover_core::event::{Event, RecordedEvent};
use cutover_core::ids::StreamName;
use cutover_core::sentence::{self, EditorType, SentenceCommand, SentenceEvent};
use cutover_core::testing::build::{
    self, context, create_sentence, created, edit, edited, interview_id, sentence_event, sentence_id,
};
use cutover_engines::event_log::{Appended, GroupId, GroupInfo, GroupSettings, ParkedEvent, Subscription};

use super::*;
use crate::history::PAGE;

/// What befalls an append.
enum Fault {
    /// Somebody else appends this first.
    Rival(Box<Event>),
    /// It goes through, but the reply is lost.
    LostReply,
    /// It never arrives.
    LostRequest,
}

#[derive(Default)]
struct Contents {
    streams: BTreeMap<StreamName, Vec<RecordedEvent>>,
    faults: VecDeque<Fault>,
    appends: u32,
    reads: u32,
}

#[derive(Default)]
struct FaultyLog(Mutex<Contents>);

impl FaultyLog {
    fn with(events: impl IntoIterator<Item = Event>, faults: impl IntoIterator<Item = Fault>) -> Arc<Self> {
        let log = Self::default();
        for event in events {
            log.contents().store(build::recorded(&event));
        }
        log.contents().faults = faults.into_iter().collect();
        Arc::new(log)
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    fn events(&self, stream: &StreamName) -> Vec<Event> {
        let contents = self.contents();
        let recorded = contents.streams.get(stream).map_or(&[][..], Vec::as_slice);
        recorded.iter().map(|recorded| wire::decode(recorded).unwrap()).collect()
    }

    fn sentence_events(&self) -> Vec<SentenceEvent> {
        let bodies = self.events(&stream()).into_iter().map(|event| event.body);
        bodies
            .map(|body| match body {
                Body::Sentence { event, .. } => event,
                other => panic!("{other:?} is no event of a sentence"),
            })
            .collect()
    }
}

impl Contents {
    fn store(&mut self, recorded: RecordedEvent) {
        self.streams.entry(recorded.stream.clone()).or_default().push(recorded);
    }
}

fn unavailable() -> LogError {
    LogError::Unavailable { during: "append", source: "the connection is gone".into() }
}

#[async_trait]
impl EventLog for FaultyLog {
    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        let mut contents = self.contents();
        contents.appends += 1;
        let fault = contents.faults.pop_front();
        match &fault {
            Some(Fault::LostRequest) => return Err(unavailable()),
            Some(Fault::Rival(event)) => contents.store(build::recorded(event)),
            Some(Fault::LostReply) | None => {}
        }
        let current = contents.streams.get(stream).and_then(|events| events.last()).map(|last| last.revision);
        let as_expected = match expected {
            ExpectedRevision::NoStream => current.is_none(),
            ExpectedRevision::Exact(revision) => current == Some(revision),
            ExpectedRevision::Any => true,
        };
        if !as_expected {
            return Err(LogError::Conflict { stream: stream.clone(), expected, current });
        }
        let mut revision = current;
        for event in events {
            revision = Some(revision.map_or(0, |revision| revision + 1));
            contents.store(RecordedEvent {
                stream: stream.clone(),
                revision: revision.unwrap(),
                id: event.id,
                event_type: event.event_type,
                data: event.data.into(),
                metadata: event.metadata.into(),
            });
        }
        match fault {
            Some(Fault::LostReply) => Err(unavailable()),
            _ => Ok(Appended { revision: revision.unwrap() }),
        }
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let mut contents = self.contents();
        contents.reads += 1;
        let events = contents.streams.get(stream).map_or(&[][..], Vec::as_slice);
        Ok(events.iter().filter(|event| event.revision >= from).take(limit).cloned().collect())
    }

    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        let contents = self.contents();
        Ok(contents.streams.get(stream).and_then(|events| events.last()).map(|last| last.revision))
    }

    async fn ensure_group(&self, _: &GroupId, _: &GroupSettings) -> Result<(), LogError> {
        unreachable!("commands need no group")
    }

    async fn delete_group(&self, _: &GroupId) -> Result<(), LogError> {
        unreachable!("commands need no group")
    }

    async fn subscribe(&self, _: &GroupId, _: usize) -> Result<Subscription, LogError> {
        unreachable!("commands need no group")
    }

    async fn replay_parked(&self, _: &GroupId) -> Result<(), LogError> {
        unreachable!("commands need no group")
    }

    async fn parked(&self, _: &GroupId) -> Result<Vec<ParkedEvent>, LogError> {
        unreachable!("commands need no group")
    }

    async fn group_info(&self, _: &GroupId) -> Result<GroupInfo, LogError> {
        unreachable!("commands need no group")
    }
}

fn aggregate() -> AggregateId {
    AggregateId::Sentence(sentence_id(0))
}

fn stream() -> StreamName {
    aggregate().stream_name()
}

fn entry(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn accepted(version: u64) -> Accepted {
    Accepted { aggregate: aggregate(), version, events: 1 }
}

async fn ask(log: &Arc<FaultyLog>, entry: Uuid, command: SentenceCommand) -> Result<Accepted, CommandError> {
    let command = Command::Sentence { id: sentence_id(0), command };
    CommandHandler::new(log.clone()).carry_out(&command, &context(60), entry).await
}

/// A person's edit by somebody else, as the event of that version.
fn rival(version: u64, old_text: &str, new_text: &str) -> Fault {
    Fault::Rival(Box::new(sentence_event(0, version, edited(old_text, new_text, EditorType::Human))))
}

#[tokio::test]
async fn the_first_command_starts_the_stream() {
    let log = FaultyLog::with([], []);
    assert_eq!(ask(&log, entry(1), create_sentence(0, "Hi.")).await.unwrap(), accepted(0));
    let events = log.events(&stream());
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].body, sentence_event(0, 0, created("Hi.")).body);
    assert_eq!(events[0].metadata.occurred_at, build::time(60));
}

#[tokio::test]
async fn the_next_event_follows_the_history_and_names_its_interview() {
    let log = FaultyLog::with([sentence_event(0, 0, created("Hi."))], []);
    assert_eq!(ask(&log, entry(1), edit("Hi!")).await.unwrap(), accepted(1));
    let body =
        Body::Sentence { interview: Some(interview_id()), event: edited("Hi.", "Hi!", EditorType::Human) };
    assert_eq!(log.events(&stream())[1].body, body);
}

#[tokio::test]
async fn after_a_conflict_the_command_is_decided_again() {
    let log = FaultyLog::with([sentence_event(0, 0, created("Hi."))], [rival(1, "Hi.", "Hello.")]);
    assert_eq!(ask(&log, entry(1), edit("Hi!")).await.unwrap(), accepted(2));
    // The edit replaces what the rival wrote, not what was read at first.
    let expected = [
        created("Hi."),
        edited("Hi.", "Hello.", EditorType::Human),
        edited("Hello.", "Hi!", EditorType::Human),
    ];
    assert_eq!(log.sentence_events(), expected);
}

#[tokio::test]
async fn a_command_that_a_conflict_has_made_wrong_is_rejected() {
    let log = FaultyLog::with([sentence_event(0, 0, created("Hi."))], [rival(1, "Hi.", "Hi!")]);
    let error = ask(&log, entry(1), edit("Hi!")).await.unwrap_err();
    let unchanged = Rejection::Sentence(sentence::Rejection::TextUnchanged);
    assert!(
        matches!(&error, CommandError::Rejected { rejection, .. } if *rejection == unchanged),
        "{error:?}"
    );
    assert!(!error.is_transient());
    assert_eq!(log.sentence_events().len(), 2);
}

#[tokio::test]
async fn conflicts_without_end_end_the_command() {
    let rivals = (1..).zip(["a", "b", "c", "d", "e", "f"].windows(2));
    let faults = rivals.map(|(version, texts)| rival(version, texts[0], texts[1]));
    let log = FaultyLog::with([sentence_event(0, 0, created("a"))], faults);
    let error = ask(&log, entry(1), edit("Hi!")).await.unwrap_err();
    assert!(matches!(error, CommandError::Contended { attempts: ATTEMPTS_MAX, .. }), "{error:?}");
    assert!(error.is_transient());
    let contents = log.contents();
    assert_eq!((contents.appends, contents.reads), (ATTEMPTS_MAX, ATTEMPTS_MAX));
}

#[tokio::test]
async fn an_append_whose_reply_was_lost_is_not_repeated() {
    let log = FaultyLog::with([sentence_event(0, 0, created("Hi."))], [Fault::LostReply]);
    let error = ask(&log, entry(1), edit("Hi!")).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert_eq!(ask(&log, entry(1), edit("Hi!")).await.unwrap(), accepted(1));
    assert_eq!(log.sentence_events().len(), 2);
    assert_eq!(log.contents().appends, 1);
}

#[tokio::test]
async fn a_lost_append_is_found_even_when_others_have_gone_on() {
    let log = FaultyLog::with([sentence_event(0, 0, created("Hi."))], [Fault::LostReply]);
    ask(&log, entry(1), edit("Hi!")).await.unwrap_err();
    ask(&log, entry(2), edit("Hello.")).await.unwrap();
    assert_eq!(ask(&log, entry(1), edit("Hi!")).await.unwrap(), accepted(1));
    assert_eq!(log.sentence_events().len(), 3);
}

#[tokio::test]
async fn a_request_that_was_lost_is_made_again() {
    let log = FaultyLog::with([sentence_event(0, 0, created("Hi."))], [Fault::LostRequest]);
    assert!(ask(&log, entry(1), edit("Hi!")).await.unwrap_err().is_transient());
    assert_eq!(log.sentence_events().len(), 1);
    assert_eq!(ask(&log, entry(1), edit("Hi!")).await.unwrap(), accepted(1));
    assert_eq!(log.sentence_events().len(), 2);
}

#[tokio::test]
async fn a_history_of_several_pages_is_read_to_its_end() {
    let texts = |version: u64| (format!("text {}", version - 1), format!("text {version}"));
    let edits = (1..=PAGE as u64 * 2).map(|version| {
        let (old, new) = texts(version);
        sentence_event(0, version, edited(&old, &new, EditorType::Human))
    });
    let log = FaultyLog::with([sentence_event(0, 0, created("text 0"))].into_iter().chain(edits), []);
    let last = PAGE as u64 * 2 + 1;
    assert_eq!(ask(&log, entry(1), edit("the end")).await.unwrap(), accepted(last));
    assert_eq!(log.contents().reads, 3);
}

#[tokio::test]
async fn a_history_whose_beginning_is_gone_decides_nothing() {
    let log = FaultyLog::with([sentence_event(0, 3, edited("Hi.", "Hi!", EditorType::Human))], []);
    let error = ask(&log, entry(1), edit("Hello.")).await.unwrap_err();
    assert!(matches!(error, CommandError::History(HistoryError::Truncated { first: 3, .. })), "{error:?}");
    assert_eq!(log.contents().appends, 0);
}

#[tokio::test]
async fn a_history_that_cannot_be_understood_decides_nothing() {
    let mut broken = build::recorded(&sentence_event(0, 0, created("Hi.")));
    broken.data = (*b"{}").into();
    let log = FaultyLog::with([], []);
    log.contents().store(broken);
    let error = ask(&log, entry(1), edit("Hello.")).await.unwrap_err();
    assert!(matches!(error, CommandError::History(HistoryError::Undecodable { .. })), "{error:?}");
    assert!(!error.is_transient());
    assert_eq!(log.contents().appends, 0);
}
