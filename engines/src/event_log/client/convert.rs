//! Between the port's types and the client's: events, revisions, errors.

use cutover_core::event::RecordedEvent;
use cutover_core::ids::StreamName;
use serde_json::value::RawValue;

use crate::event_log::parking_lot;
use crate::event_log::port::{Delivered, ExpectedRevision, LogError, NewEvent, ParkedEvent};

/// Makes the client's event of ours. The payload must be JSON, or the store's consumers could not read it as such.
pub(super) fn event_data(event: NewEvent) -> Result<eventstore::EventData, serde_json::Error> {
    let data: &RawValue = serde_json::from_slice(&event.data)?;
    let data = eventstore::EventData::json(&event.event_type, &data)?;
    Ok(data.id(event.id).metadata(event.metadata.into()))
}

pub(super) fn expected_revision(expected: ExpectedRevision) -> eventstore::ExpectedRevision {
    match expected {
        ExpectedRevision::NoStream => eventstore::ExpectedRevision::NoStream,
        ExpectedRevision::Exact(revision) => eventstore::ExpectedRevision::Exact(revision),
        ExpectedRevision::Any => eventstore::ExpectedRevision::Any,
    }
}

pub(super) fn current_revision(current: eventstore::CurrentRevision) -> Option<u64> {
    match current {
        eventstore::CurrentRevision::Current(revision) => Some(revision),
        eventstore::CurrentRevision::NoStream => None,
    }
}

pub(super) fn recorded_event(event: &eventstore::RecordedEvent) -> RecordedEvent {
    RecordedEvent {
        stream: StreamName::new(&event.stream_id),
        revision: event.revision,
        id: event.id,
        event_type: event.event_type.as_str().into(),
        data: event.data.as_ref().into(),
        metadata: event.custom_metadata.as_ref().into(),
    }
}

/// Makes a delivery of the client's event. The link is what an answer names: on the wire an acknowledgement of the target's
/// id would be that of an event that the group never delivered.
pub(super) fn delivered(retry_count: usize, resolved: &eventstore::ResolvedEvent) -> Delivered {
    let original = resolved.get_original_event();
    Delivered {
        ack_id: original.id,
        event: resolved.event.as_ref().map(recorded_event),
        replayed: parking_lot::is_parking_lot(&original.stream_id),
        retry_count: u32::try_from(retry_count).unwrap_or(u32::MAX),
        position: original.revision,
    }
}

/// Reads one entry of a parking lot: a link whose metadata holds the reason.
pub(super) fn parked_event(resolved: &eventstore::ResolvedEvent) -> ParkedEvent {
    // An entry whose target is gone has a link alone; an entry that is no link at all has an event alone.
    ParkedEvent {
        event: resolved.event.as_ref().map(recorded_event),
        reason: parking_lot::reason(&resolved.get_original_event().custom_metadata),
    }
}

/// Returns whether the client can do nothing more: a failed connection attempt ends its background task for good.
pub(super) fn connection_is_gone(error: &eventstore::Error) -> bool {
    matches!(
        error,
        eventstore::Error::ConnectionClosed
            | eventstore::Error::GrpcConnectionError(_)
            | eventstore::Error::InitializationError(_)
    )
}

/// Sorts an error into what passes and what does not.
pub(super) fn log_error(during: &'static str, error: eventstore::Error) -> LogError {
    use eventstore::Error as E;
    let transient = match &error {
        E::ServerError(_)
        | E::NotLeaderException(_)
        | E::ConnectionClosed
        | E::GrpcConnectionError(_)
        | E::DeadlineExceeded => true,
        E::Grpc { code, .. } => matches!(
            code,
            tonic::Code::Unavailable
                | tonic::Code::Aborted
                | tonic::Code::Cancelled
                | tonic::Code::DeadlineExceeded
                | tonic::Code::ResourceExhausted
        ),
        _ => false,
    };
    if transient {
        LogError::Unavailable { during, source: error.into() }
    } else {
        LogError::Refused { during, source: error.into() }
    }
}
