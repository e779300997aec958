//! Metadata on the wire: one flat object. Fields that the running service may leave out are optional.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use uuid::Uuid;

use crate::event::RecordedEvent;
use crate::ids::{AggregateId, EventId, InterviewId, ProjectId, SentenceId};
use crate::metadata::{Actor, ActorType, DEFAULT_SOURCE, Metadata, SCHEMA_VERSION};
use crate::timestamp::Timestamp;
use crate::wire::json::{self, null_as_default};
use crate::wire::usual::Usual;
use crate::wire::{AggregateKind, DecodeError, Part};

#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Read {
    event_id: EventId,
    aggregate_type: AggregateKind,
    aggregate_id: Uuid,
    version: u64,
    occurred_at: Timestamp,
    schema_version: Option<SmolStr>,
    actor: Option<Actor>,
    correlation_id: Option<Uuid>,
    causation_id: Option<Uuid>,
    source: Option<SmolStr>,
    trace_id: Option<SmolStr>,
    project_id: Option<ProjectId>,
    #[serde(default, deserialize_with = "null_as_default")]
    tags: Vec<SmolStr>,
}

impl Read {
    /// Reads what lies as [`Written`] lays it.
    pub(super) fn usual(mut at: Usual<'_>) -> Option<Self> {
        let read = Self {
            event_id: EventId::new(at.first("event_id")?.uuid()?),
            aggregate_type: AggregateKind::from_name(at.next("aggregate_type")?.text()?)?,
            aggregate_id: at.next("aggregate_id")?.uuid()?,
            version: at.next("version")?.whole_number()?,
            occurred_at: at.next("occurred_at")?.text()?.parse().ok()?,
            schema_version: at.next("schema_version")?.or_null(Usual::smol_str)?,
            actor: at.next("actor")?.or_null(usual_actor)?,
            correlation_id: at.next("correlation_id")?.or_null(Usual::uuid)?,
            causation_id: at.next("causation_id")?.or_null(Usual::uuid)?,
            source: at.next("source")?.or_null(Usual::smol_str)?,
            trace_id: at.next("trace_id")?.or_null(Usual::smol_str)?,
            project_id: at.next("project_id")?.or_null(Usual::smol_str)?.map(ProjectId::new),
            tags: at.next("tags")?.texts()?,
        };
        at.close()?;
        at.end()?;
        Some(read)
    }
}

fn usual_actor(at: &mut Usual<'_>) -> Option<Actor> {
    let actor = Actor {
        user_id: at.first("user_id")?.or_null(Usual::smol_str)?,
        display: at.next("display")?.or_null(Usual::smol_str)?,
        actor_type: ActorType::from_name(at.next("actor_type")?.text()?)?,
    };
    at.close()?;
    Some(actor)
}

#[derive(Serialize)]
struct Written<'a> {
    event_id: EventId,
    aggregate_type: AggregateKind,
    aggregate_id: Uuid,
    version: u64,
    #[serde(serialize_with = "json::iso_format")]
    occurred_at: Timestamp,
    schema_version: &'a str,
    actor: Option<&'a Actor>,
    correlation_id: Option<Uuid>,
    causation_id: Option<Uuid>,
    source: &'a str,
    trace_id: Option<&'a str>,
    project_id: Option<&'a ProjectId>,
    tags: &'a [SmolStr],
}

/// Reads the metadata, and holds it to the stream and the revision that it was recorded at.
pub(super) fn decode(recorded: &RecordedEvent, aggregate: AggregateId) -> Result<Metadata, DecodeError> {
    let read = json::read_usual(&recorded.metadata, Read::usual, Part::Metadata, recorded)?;
    let named = match read.aggregate_type {
        AggregateKind::Interview => AggregateId::Interview(InterviewId::new(read.aggregate_id)),
        AggregateKind::Sentence => AggregateId::Sentence(SentenceId::new(read.aggregate_id)),
    };
    let (stream, revision) = (&recorded.stream, recorded.revision);
    if named != aggregate {
        let same_kind = AggregateKind::of(aggregate) == read.aggregate_type;
        let json_path = if same_kind { "$.aggregate_id" } else { "$.aggregate_type" };
        let stream = stream.clone();
        return Err(DecodeError::AggregateMismatch { stream, revision, json_path, aggregate: named });
    }
    if read.version != revision {
        let stream = stream.clone();
        return Err(DecodeError::VersionMismatch { stream, revision, version: read.version });
    }
    Ok(Metadata {
        event_id: read.event_id,
        aggregate,
        version: read.version,
        occurred_at: read.occurred_at,
        schema_version: read.schema_version.unwrap_or(SmolStr::new_static(SCHEMA_VERSION)),
        actor: read.actor,
        correlation_id: read.correlation_id,
        causation_id: read.causation_id,
        source: read.source.unwrap_or(SmolStr::new_static(DEFAULT_SOURCE)),
        trace_id: read.trace_id,
        project_id: read.project_id,
        tags: read.tags,
    })
}

/// Writes the metadata, every field of it.
pub(super) fn encode(metadata: &Metadata) -> Vec<u8> {
    json::write(&Written {
        event_id: metadata.event_id,
        aggregate_type: AggregateKind::of(metadata.aggregate),
        aggregate_id: metadata.aggregate.as_uuid(),
        version: metadata.version,
        occurred_at: metadata.occurred_at,
        schema_version: &metadata.schema_version,
        actor: metadata.actor.as_ref(),
        correlation_id: metadata.correlation_id,
        causation_id: metadata.causation_id,
        source: &metadata.source,
        trace_id: metadata.trace_id.as_deref(),
        project_id: metadata.project_id.as_ref(),
        tags: &metadata.tags,
    })
}
