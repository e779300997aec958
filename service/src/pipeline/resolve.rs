//! Turns what an outbox entry means into events, against the history of its aggregate. No I/O: whoever loads the
//! history appends the answer at the revision that the history ends at, and asks again after a conflict.

use cutover_core::aggregate::{AggregateState, fold};
use cutover_core::command::Rejection;
use cutover_core::direct::Edit;
use cutover_core::event::{Body, Event};
use cutover_core::ids::{AggregateId, EventId};
use cutover_core::interview::{self, InterviewCommand, InterviewEvent, InterviewState};
use cutover_core::metadata::{DEFAULT_SOURCE, Metadata, SCHEMA_VERSION};
use cutover_core::sentence::{self, EditorType, SentenceCommand, SentenceEvent, SentenceState};
use smol_str::SmolStr;

use super::intent::{Entry, Intent};

/// The `reason` of an analysis that is made again because its file was processed again.
const REPROCESSED: &str = "reprocessed";

/// What an entry comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Resolved {
    /// These events are to be appended, right after the history.
    Append(Vec<(Metadata, Body)>),
    /// The history holds the entry's events already.
    AlreadyDone,
    /// Nothing has to happen for what is meant to be so.
    Nothing,
    /// The sentence is deleted, for ever: what is meant concerns the next one in its slot.
    NextGeneration,
}

/// Resolves an entry against the history of `aggregate`, which is [`Entry::aggregate`] of some generation.
///
/// # Errors
///
/// The rule that the entry would break.
pub(super) fn resolve(
    entry: &Entry,
    aggregate: AggregateId,
    history: &[Event],
) -> Result<Resolved, Rejection> {
    let first = EventId::of_entry(entry.id, 0);
    if history.iter().any(|event| event.metadata.event_id == first) {
        return Ok(Resolved::AlreadyDone);
    }
    let bodies: Vec<Body> = match fold(aggregate, history.iter().map(|event| &event.body)) {
        AggregateState::Interview(state) => {
            interview_events(entry, state)?.into_iter().map(Body::Interview).collect()
        }
        AggregateState::Sentence(SentenceState::Deleted) => return Ok(Resolved::NextGeneration),
        AggregateState::Sentence(state) => sentence_events(entry, state)?
            .into_iter()
            .map(|event| Body::Sentence { interview: Some(entry.interview), event })
            .collect(),
    };
    if bodies.is_empty() {
        return Ok(Resolved::Nothing);
    }
    let next_version = history.last().map_or(0, |event| event.metadata.version + 1);
    let events = (0_u32..).zip(bodies).map(|(ordinal, body)| {
        (metadata(entry, aggregate, next_version + u64::from(ordinal), ordinal), body)
    });
    Ok(Resolved::Append(events.collect()))
}

fn metadata(entry: &Entry, aggregate: AggregateId, version: u64, ordinal: u32) -> Metadata {
    let context = &entry.context;
    Metadata {
        event_id: EventId::of_entry(entry.id, ordinal),
        aggregate,
        version,
        occurred_at: context.occurred_at,
        schema_version: SmolStr::new_static(SCHEMA_VERSION),
        actor: context.actor.clone(),
        correlation_id: context.correlation_id,
        causation_id: context.causation_id.or(Some(entry.id)),
        source: SmolStr::new_static(DEFAULT_SOURCE),
        trace_id: context.trace_id.clone(),
        project_id: context.project_id.clone(),
        tags: Vec::new(),
    }
}

fn interview_events(entry: &Entry, mut state: InterviewState) -> Result<Vec<InterviewEvent>, Rejection> {
    let mut events = Vec::new();
    for intent in &entry.intents {
        let Some(command) = interview_command(intent, &state) else { continue };
        for event in interview::decide(&state, command)? {
            state = interview::evolve(state, &event);
            events.push(event);
        }
    }
    Ok(events)
}

fn interview_command(intent: &Intent, state: &InterviewState) -> Option<InterviewCommand> {
    match intent {
        Intent::EnsureInterview { title, source, language } => {
            (state.existing().is_none()).then(|| InterviewCommand::Create {
                title: title.clone(),
                source: source.clone(),
                language: language.clone(),
                started_at: None,
                metadata: serde_json::Map::new(),
            })
        }
        Intent::Edit { edit } => match edit.clone() {
            Edit::UpdateInterview { title, language, metadata_diff } => {
                Some(InterviewCommand::Update { title, language, metadata_diff })
            }
            Edit::ChangeInterviewStatus { to_status, reason } => {
                Some(InterviewCommand::ChangeStatus { to_status, reason })
            }
            Edit::ArchiveInterview { reason } => Some(InterviewCommand::Archive { reason }),
            Edit::DeleteInterview { reason } => Some(InterviewCommand::Delete { reason }),
            _ => None,
        },
        Intent::PutSentence { .. }
        | Intent::Place { .. }
        | Intent::Analyse { .. }
        | Intent::RemoveSentence => None,
    }
}

fn sentence_events(entry: &Entry, mut state: SentenceState) -> Result<Vec<SentenceEvent>, Rejection> {
    let mut events = Vec::new();
    for intent in &entry.intents {
        let Some(command) = sentence_command(entry, intent, &state) else { continue };
        for event in sentence::decide(&state, command)? {
            state = sentence::evolve(state, &event);
            events.push(event);
        }
    }
    Ok(events)
}

/// Returns the command that an intent comes to; `None` when what is meant is so already.
fn sentence_command(entry: &Entry, intent: &Intent, state: &SentenceState) -> Option<SentenceCommand> {
    let existing = state.existing();
    match intent {
        Intent::PutSentence { text, speaker, start_ms, end_ms } => match existing {
            None => Some(SentenceCommand::Create {
                interview_id: entry.interview,
                index: entry.slot?,
                text: text.clone(),
                speaker: speaker.clone(),
                start_ms: *start_ms,
                end_ms: *end_ms,
            }),
            Some(sentence) if sentence.edited_by_human || sentence.text == *text => None,
            Some(_) => Some(SentenceCommand::Edit { new_text: text.clone(), editor_type: EditorType::Ai }),
        },
        Intent::Place { place, from } => match existing.map(|sentence| sentence.index) {
            Some(index) if index == *place => None,
            index if from.is_some() && index != *from => None,
            _ => Some(SentenceCommand::Relocate { new_index: *place }),
        },
        Intent::Analyse { model, findings, .. }
            if existing.is_some_and(|sentence| sentence.has_analysis()) =>
        {
            Some(SentenceCommand::RegenerateAnalysis {
                model: model.clone(),
                reason: SmolStr::new_static(REPROCESSED),
                delta: None,
                findings: findings.clone(),
            })
        }
        Intent::Analyse { model, version, findings } => Some(SentenceCommand::GenerateAnalysis {
            model: model.clone(),
            version: version.clone(),
            findings: findings.clone(),
            raw_ref: None,
        }),
        Intent::RemoveSentence => existing.map(|_| SentenceCommand::Delete { reason: None }),
        Intent::Edit { edit } => edit_command(edit.clone()),
        Intent::EnsureInterview { .. } => None,
    }
}

fn edit_command(edit: Edit) -> Option<SentenceCommand> {
    match edit {
        Edit::Text { text, .. } => {
            Some(SentenceCommand::Edit { new_text: text, editor_type: EditorType::Human })
        }
        Edit::Override { fields, note, .. } => Some(SentenceCommand::OverrideAnalysis { fields, note }),
        Edit::Clear { reason, .. } => Some(SentenceCommand::ClearAnalysis { reason }),
        Edit::Relocate { new_index, .. } => Some(SentenceCommand::Relocate { new_index }),
        Edit::Tag { tag, .. } => Some(SentenceCommand::Tag(tag)),
        Edit::Untag { tag, .. } => Some(SentenceCommand::Untag(tag)),
        Edit::DeleteSentence { reason, .. } => Some(SentenceCommand::Delete { reason }),
        Edit::UpdateInterview { .. }
        | Edit::ChangeInterviewStatus { .. }
        | Edit::ArchiveInterview { .. }
        | Edit::DeleteInterview { .. } => None,
    }
}
