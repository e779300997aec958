//! What groups keep in the store itself, as events: their configuration, their checkpoints, their parking lots.

use prost::bytes::Bytes;
use smol_str::SmolStr;

use super::super::filter::InvalidRegex;
use super::super::log::{LINK_TYPE, METADATA_TYPE, NewEvent, Timestamp};
use super::super::read::{Links, ResolvedEvent};
use super::super::store::Store;
use super::super::streams::{Presence, metastream_of};
use super::checkpoint::{CHECKPOINT_EVENT_TYPE, checkpoint_data, parse_checkpoint};
use super::config::{CONFIG_STREAM, ConfigError, SubscriptionConfig};
use super::parking::{ParkedMessage, ParkedRange};
use super::position::GroupPosition;
use super::subscriptions::GroupKey;
use super::{checkpoint_stream, parked_stream};

/// How many checkpoints a checkpoint stream keeps visible.
const CHECKPOINTS_KEPT: u32 = 2;

fn newest_event(store: &Store, stream: &str, now: Timestamp) -> Option<ResolvedEvent> {
    let page = store.reader(now).stream_backward(stream, u64::MAX, 1, Links::Keep).ok()?;
    page.events.into_iter().next()
}

/// Reads the newest configuration; before the first one there are no groups.
pub(super) fn read_config(store: &Store, now: Timestamp) -> Result<SubscriptionConfig, ConfigError> {
    match newest_event(store, CONFIG_STREAM, now) {
        None => Ok(SubscriptionConfig::of(Vec::new())),
        Some(event) => serde_json::from_slice(&event.original().data)
            .map_err(|error| ConfigError::Malformed { reason: error.to_string() }),
    }
}

/// Says of which filter a stored configuration makes no sense.
pub(super) fn unreadable_filter(error: InvalidRegex) -> ConfigError {
    ConfigError::Filter { regex: error.regex }
}

/// Returns up to where a group had answered everything when it last wrote that down.
pub(super) fn stored_checkpoint(store: &Store, key: &GroupKey, now: Timestamp) -> Option<GroupPosition> {
    let event = newest_event(store, &checkpoint_stream(&key.stream, &key.group), now)?;
    parse_checkpoint(&event.original().data).ok()
}

/// Returns what of the parked stream a replay would read.
pub(super) fn parked_range(store: &Store, key: &GroupKey, now: Timestamp) -> ParkedRange {
    let name = parked_stream(&key.stream, &key.group);
    match store.streams().presence(&name) {
        Presence::Present(stream) => ParkedRange {
            first: store.streams().window_start(&name, stream, now),
            end: stream.next_revision(),
        },
        Presence::Missing | Presence::Deleted => ParkedRange { first: 0, end: 0 },
    }
}

/// Appends a parked link, and says whether the store took it.
pub(super) fn store_parked(store: &mut Store, key: &GroupKey, parked: ParkedMessage, now: Timestamp) -> bool {
    let event = NewEvent {
        id: store.new_id(),
        event_type: SmolStr::new_static(LINK_TYPE),
        data: Bytes::from(parked.link_data),
        metadata: Bytes::from(parked.metadata),
        is_json: false,
    };
    !store.append_as_system(&parked_stream(&key.stream, &key.group), vec![event], now).is_empty()
}

/// Appends a checkpoint, and says whether the store took it.
pub(super) fn store_checkpoint(
    store: &mut Store,
    key: &GroupKey,
    position: GroupPosition,
    now: Timestamp,
) -> bool {
    let stream = checkpoint_stream(&key.stream, &key.group);
    if store.streams().get(&stream).is_none() {
        let metadata = serde_json::json!({"$maxCount": CHECKPOINTS_KEPT});
        store.append_json_as_system(&metastream_of(&stream), METADATA_TYPE, &metadata, now);
    }
    let event = NewEvent {
        id: store.new_id(),
        event_type: SmolStr::new_static(CHECKPOINT_EVENT_TYPE),
        data: Bytes::from(checkpoint_data(position)),
        metadata: Bytes::new(),
        is_json: true,
    };
    !store.append_as_system(&stream, vec![event], now).is_empty()
}
