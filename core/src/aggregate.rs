//! Command handling over an aggregate's history, without I/O: fold, decide, and give the events their ids and versions.
//!
//! Whoever loads the history and appends what [`handle`] answers, at the revision that the history ends at, has the
//! whole of it: after a conflict the same is done again with the longer history, never with the old events.

use uuid::Uuid;

use crate::command::{Accepted, Command, CommandContext, Rejection};
use crate::event::{Body, Event};
use crate::ids::{AggregateId, EventId, InterviewId};
use crate::interview::{self, InterviewState};
use crate::metadata::{DEFAULT_SOURCE, Metadata, SCHEMA_VERSION};
use crate::sentence::{self, SentenceState};

/// An aggregate of either kind, as its events left it.
#[derive(Debug, Clone, PartialEq)]
pub enum AggregateState {
    /// An interview.
    Interview(InterviewState),
    /// A sentence.
    Sentence(SentenceState),
}

impl AggregateState {
    /// Returns the state of an aggregate to which nothing has happened.
    pub fn initial(aggregate: AggregateId) -> Self {
        match aggregate {
            AggregateId::Interview(_) => Self::Interview(InterviewState::default()),
            AggregateId::Sentence(_) => Self::Sentence(SentenceState::default()),
        }
    }

    /// Applies an event. One of an unknown type, or of the other kind of aggregate, changes nothing.
    #[must_use]
    pub fn evolve(self, body: &Body) -> Self {
        match (self, body) {
            (Self::Interview(state), Body::Interview(event)) => {
                Self::Interview(interview::evolve(state, event))
            }
            (Self::Sentence(state), Body::Sentence { event, .. }) => {
                Self::Sentence(sentence::evolve(state, event))
            }
            (state, _) => state,
        }
    }
}

/// Folds the history of an aggregate into its state.
pub fn fold<'a>(aggregate: AggregateId, history: impl IntoIterator<Item = &'a Body>) -> AggregateState {
    history.into_iter().fold(AggregateState::initial(aggregate), AggregateState::evolve)
}

/// What is to be done about a command that no rule forbids.
#[derive(Debug, Clone, PartialEq)]
pub enum Handled {
    /// These events are to be appended, right after the history.
    Append(Vec<(Metadata, Body)>),
    /// The history holds its events already: an earlier append went through, and only its answer was lost.
    AlreadyDone(Accepted),
}

/// Handles a command over the whole history of its aggregate. `entry` is the command's own id: the ids of its events
/// are derived from it ([`EventId::of_entry`]), so that handling it twice leads to the same events, and it is seen when
/// they are there already.
///
/// # Errors
///
/// Returns the rule that the command would break.
///
/// # Panics
///
/// Panics when the history is that of another aggregate.
pub fn handle(
    history: &[Event],
    command: &Command,
    context: &CommandContext,
    entry: Uuid,
) -> Result<Handled, Rejection> {
    let aggregate = command.aggregate();
    assert!(
        history.iter().all(|event| event.metadata.aggregate == aggregate),
        "the history handed over for {aggregate} holds events of another aggregate"
    );
    if let Some(accepted) = already_done(history, aggregate, entry) {
        return Ok(Handled::AlreadyDone(accepted));
    }
    let bodies = decide(fold(aggregate, history.iter().map(|event| &event.body)), command)?;
    let next_version = history.last().map_or(0, |event| event.metadata.version + 1);
    let project_id =
        context.project_id.clone().or_else(|| history.iter().find_map(|e| e.metadata.project_id.clone()));
    let events = (0_u32..).zip(bodies).map(|(ordinal, body)| {
        let metadata = Metadata {
            event_id: EventId::of_entry(entry, ordinal),
            aggregate,
            version: next_version + u64::from(ordinal),
            occurred_at: context.occurred_at,
            schema_version: SCHEMA_VERSION.into(),
            actor: context.actor.clone(),
            correlation_id: context.correlation_id,
            causation_id: context.causation_id,
            source: DEFAULT_SOURCE.into(),
            trace_id: context.trace_id.clone(),
            project_id: project_id.clone(),
            tags: Vec::new(),
        };
        (metadata, body)
    });
    Ok(Handled::Append(events.collect()))
}

/// Finds the events of an entry in the history. They lie next to each other: an append is whole or not at all.
fn already_done(history: &[Event], aggregate: AggregateId, entry: Uuid) -> Option<Accepted> {
    let first_id = EventId::of_entry(entry, 0);
    let first = history.iter().position(|event| event.metadata.event_id == first_id)?;
    let events = history[first..]
        .iter()
        .zip(0_u32..)
        .take_while(|(event, ordinal)| event.metadata.event_id == EventId::of_entry(entry, *ordinal))
        .count();
    let version = history[first + events - 1].metadata.version;
    Some(Accepted { aggregate, version, events })
}

fn decide(state: AggregateState, command: &Command) -> Result<Vec<Body>, Rejection> {
    match (state, command) {
        (AggregateState::Interview(state), Command::Interview { command, .. }) => {
            let events = interview::decide(&state, command.clone())?;
            Ok(events.into_iter().map(Body::Interview).collect())
        }
        (AggregateState::Sentence(state), Command::Sentence { command, .. }) => {
            let events = sentence::decide(&state, command.clone())?;
            let interview = interview_of(&state, &events);
            Ok(events.into_iter().map(|event| Body::Sentence { interview, event }).collect())
        }
        (AggregateState::Interview(_), Command::Sentence { .. })
        | (AggregateState::Sentence(_), Command::Interview { .. }) => {
            unreachable!("the state was folded for the command's own aggregate")
        }
    }
}

/// Returns the interview that a sentence is part of: every one of its events names it.
fn interview_of(state: &SentenceState, events: &[sentence::SentenceEvent]) -> Option<InterviewId> {
    state.existing().map(|sentence| sentence.interview_id).or_else(|| {
        events.iter().find_map(|event| match event {
            sentence::SentenceEvent::Created(created) => Some(created.interview_id),
            _ => None,
        })
    })
}
