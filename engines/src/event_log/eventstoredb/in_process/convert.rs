//! The store's words and the port's: what one says, as the other says it.

use std::time::Duration;

use cutover_core::event::RecordedEvent;
use cutover_core::ids::StreamName;
use serde::de::IgnoredAny;

use super::super::log::{NewEvent as StoreEvent, Record};
use super::super::persistent::{GroupPosition, Settings, StartFrom as StoreStart};
use super::super::read::ResolvedEvent;
use crate::event_log::parking_lot;
use crate::event_log::port::{Delivered, GroupSettings, NewEvent, StartFrom};

/// Makes the store's event of the port's.
///
/// # Errors
///
/// The payload must be JSON, as over the wire: consumers read it as such.
pub fn store_event(event: NewEvent) -> Result<StoreEvent, serde_json::Error> {
    serde_json::from_slice::<IgnoredAny>(&event.data)?;
    Ok(StoreEvent {
        id: event.id,
        event_type: event.event_type,
        data: event.data.into(),
        metadata: event.metadata.into(),
        is_json: true,
    })
}

/// Makes the port's event of a record.
pub fn recorded_event(record: &Record) -> RecordedEvent {
    RecordedEvent {
        stream: StreamName::new(record.stream.clone()),
        revision: record.revision,
        id: record.id,
        event_type: record.event_type.clone(),
        data: record.data.as_ref().into(),
        metadata: record.metadata.as_ref().into(),
    }
}

/// Makes the port's delivery of what a group sends to a client.
pub fn delivered(event: &ResolvedEvent, retry_count: u32) -> Delivered {
    let original = event.original();
    Delivered {
        ack_id: original.id,
        event: event.event.as_deref().map(recorded_event),
        replayed: parking_lot::is_parking_lot(&original.stream),
        retry_count,
        position: original.revision,
    }
}

/// Makes the store's settings of the port's. Fills in what the port leaves to the client's defaults, as the client does.
pub fn store_settings(settings: &GroupSettings) -> Settings {
    Settings {
        start_from: match settings.start_from {
            StartFrom::Start => StoreStart::Beginning,
            StartFrom::End => StoreStart::End,
            StartFrom::Revision(revision) => StoreStart::Position(GroupPosition::Stream(revision)),
        },
        resolve_links: true,
        message_timeout: Duration::from_millis(settings.message_timeout_ms.into()),
        max_retry_count: settings.max_retry_count,
        live_buffer_size: settings.history_buffer_size as usize,
        read_batch_size: settings.read_batch_size as usize,
        history_buffer_size: settings.history_buffer_size as usize,
        min_checkpoint_count: settings.checkpoint_lower_bound.into(),
        max_checkpoint_count: settings.checkpoint_upper_bound.into(),
        ..Settings::default()
    }
}
