//! Parking: what is written of an event that is given up, and which part of the parked stream a replay reads.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::log::Timestamp;
use super::buffer::Waiting;
use super::client::ClientId;

/// How often the write of a parked link is tried before the event goes back to the clients.
pub(super) const PARK_ATTEMPTS: u32 = 6;

/// Names one parking in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParkTicket(pub(super) u64);

/// What is written to the parked stream: a link with the reason beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedMessage {
    /// The link's data, `<revision>@<stream>` of the event itself.
    pub link_data: Vec<u8>,
    /// JSON that says when, why and which event of the subscription it was.
    pub metadata: Vec<u8>,
}

/// The parked stream as the store has it when a replay is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParkedRange {
    /// The first revision that is not truncated.
    pub first: u64,
    /// The revision that the next parked event will get.
    pub end: u64,
}

impl ParkedRange {
    /// Returns how many events are parked.
    #[must_use]
    pub fn count(self) -> u64 {
        self.end.saturating_sub(self.first)
    }
}

/// The metadata of a parked link, with the field names of the store.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParkedMetadata {
    added: String,
    reason: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    subscription_event_number: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// An event whose link is being written.
#[derive(Debug)]
pub(super) struct Parking<M> {
    pub(super) waiting: Waiting<M>,
    /// Whose slot is still taken.
    pub(super) client: ClientId,
    pub(super) parked: ParkedMessage,
    pub(super) attempts: u32,
}

/// Returns the metadata of a parked link as indented JSON.
pub(super) fn metadata(now: Timestamp, reason: &str, subscription_event_number: u64) -> Vec<u8> {
    let added = OffsetDateTime::UNIX_EPOCH + now.duration_since(Timestamp::default());
    let metadata = ParkedMetadata {
        added: added.format(&Rfc3339).unwrap_or_default(),
        reason: reason.into(),
        subscription_event_number,
    };
    serde_json::to_vec_pretty(&metadata).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_says_when_why_and_which() {
        let text = String::from_utf8(metadata(
            Timestamp::from_unix_ticks(15_000_000),
            "Reached retry count of 3",
            7,
        ))
        .unwrap();
        assert_eq!(
            text,
            "{\n  \"added\": \"1970-01-01T00:00:01.5Z\",\n  \"reason\": \"Reached retry count of 3\",\n  \
             \"subscriptionEventNumber\": 7\n}"
        );
    }

    #[test]
    fn the_first_event_of_a_subscription_is_parked_without_its_number() {
        let text = String::from_utf8(metadata(Timestamp::default(), "why", 0)).unwrap();
        assert!(!text.contains("subscriptionEventNumber"), "{text}");
    }

    #[test]
    fn a_truncated_parked_stream_counts_only_what_is_left() {
        assert_eq!(ParkedRange { first: 3, end: 10 }.count(), 7);
        assert_eq!(ParkedRange { first: 10, end: 10 }.count(), 0);
    }
}
