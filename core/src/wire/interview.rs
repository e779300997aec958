//! Payloads of an interview's events on the wire.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::event::RecordedEvent;
use crate::interview::{
    InterviewCreated, InterviewEvent, InterviewStatus, InterviewStatusChanged, InterviewUpdated, Reason,
};
use crate::timestamp::Timestamp;
use crate::wire::json::{self, Payload, null_as_default};
use crate::wire::{DecodeError, EventType};

#[derive(Serialize, Deserialize)]
struct Created<'a> {
    title: SmolStr,
    source: SmolStr,
    language: Option<SmolStr>,
    #[serde(default, serialize_with = "json::iso_format_option")]
    started_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "null_as_default")]
    metadata: Cow<'a, Map<String, Value>>,
}

#[derive(Serialize, Deserialize)]
struct Updated<'a> {
    title: Option<SmolStr>,
    language: Option<SmolStr>,
    #[serde(default, deserialize_with = "null_as_default")]
    metadata_diff: Cow<'a, Map<String, Value>>,
}

#[derive(Serialize, Deserialize)]
struct StatusChanged {
    from_status: InterviewStatus,
    to_status: InterviewStatus,
    reason: Option<SmolStr>,
}

#[derive(Serialize, Deserialize)]
struct Why {
    reason: Option<SmolStr>,
}

/// Reads the payload of an event of that type, or answers `None` when the type is not one of an interview.
pub(super) fn decode(
    event_type: EventType,
    payload: Payload<'_>,
    recorded: &RecordedEvent,
) -> Result<Option<InterviewEvent>, DecodeError> {
    Ok(Some(match event_type {
        EventType::InterviewCreated => {
            let Created { title, source, language, started_at, metadata } = payload.read(recorded)?;
            let metadata = metadata.into_owned();
            InterviewEvent::Created(InterviewCreated { title, source, language, started_at, metadata })
        }
        EventType::InterviewUpdated => {
            let Updated { title, language, metadata_diff } = payload.read(recorded)?;
            let metadata_diff = metadata_diff.into_owned();
            InterviewEvent::Updated(InterviewUpdated { title, language, metadata_diff })
        }
        EventType::InterviewStatusChanged => {
            let StatusChanged { from_status, to_status, reason } = payload.read(recorded)?;
            InterviewEvent::StatusChanged(InterviewStatusChanged { from_status, to_status, reason })
        }
        EventType::InterviewArchived => InterviewEvent::Archived(why(payload, recorded)?),
        EventType::InterviewDeleted => InterviewEvent::Deleted(why(payload, recorded)?),
        EventType::SentenceCreated
        | EventType::SentenceEdited
        | EventType::SentenceRelocated
        | EventType::AnalysisGenerated
        | EventType::AnalysisRegenerated
        | EventType::AnalysisOverridden
        | EventType::AnalysisCleared
        | EventType::SentenceTagged
        | EventType::SentenceUntagged
        | EventType::SentenceStatusChanged
        | EventType::SentenceDeleted => return Ok(None),
    }))
}

fn why(payload: Payload<'_>, recorded: &RecordedEvent) -> Result<Reason, DecodeError> {
    let Why { reason } = payload.read(recorded)?;
    Ok(Reason { reason })
}

/// Writes the payload of an event.
pub(super) fn encode(event: &InterviewEvent) -> Vec<u8> {
    match event {
        InterviewEvent::Created(created) => json::write(&Created {
            title: created.title.clone(),
            source: created.source.clone(),
            language: created.language.clone(),
            started_at: created.started_at,
            metadata: Cow::Borrowed(&created.metadata),
        }),
        InterviewEvent::Updated(updated) => json::write(&Updated {
            title: updated.title.clone(),
            language: updated.language.clone(),
            metadata_diff: Cow::Borrowed(&updated.metadata_diff),
        }),
        InterviewEvent::StatusChanged(changed) => json::write(&StatusChanged {
            from_status: changed.from_status,
            to_status: changed.to_status,
            reason: changed.reason.clone(),
        }),
        InterviewEvent::Archived(why) | InterviewEvent::Deleted(why) => {
            json::write(&Why { reason: why.reason.clone() })
        }
    }
}
