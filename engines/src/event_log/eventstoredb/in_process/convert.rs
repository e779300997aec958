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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_of_a_group_reaches_the_store() {
        let settings = GroupSettings {
            start_from: StartFrom::Revision(7),
            message_timeout_ms: 1,
            max_retry_count: 2,
            read_batch_size: 3,
            history_buffer_size: 4,
            checkpoint_lower_bound: 5,
            checkpoint_upper_bound: 6,
        };
        let expected = Settings {
            start_from: StoreStart::Position(GroupPosition::Stream(7)),
            resolve_links: true,
            message_timeout: Duration::from_millis(1),
            max_retry_count: 2,
            live_buffer_size: 4,
            read_batch_size: 3,
            history_buffer_size: 4,
            min_checkpoint_count: 5,
            max_checkpoint_count: 6,
            ..Settings::default()
        };
        assert_eq!(store_settings(&settings), expected);
        let from = |start_from| store_settings(&GroupSettings { start_from, ..settings.clone() }).start_from;
        assert_eq!(from(StartFrom::Start), StoreStart::Beginning);
        assert_eq!(from(StartFrom::End), StoreStart::End);
    }
}
