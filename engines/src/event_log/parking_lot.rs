//! The store's parking lot, as both ways to the store see it: its name, and what an entry says.

use super::port::GroupId;

/// Returns the stream in which the store keeps what a group parked.
pub(super) fn stream_of(group: &GroupId) -> String {
    format!("$persistentsubscription-{group}-parked")
}

/// Returns whether a stream is the parking lot of some group.
pub(super) fn is_parking_lot(stream: &str) -> bool {
    stream.starts_with("$persistentsubscription-") && stream.ends_with("-parked")
}

/// Reads the reason out of the metadata of an entry; it is empty when they hold none.
pub(super) fn reason(metadata: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct ParkedMetadata {
        #[serde(default)]
        reason: String,
    }
    let reason =
        serde_json::from_slice::<ParkedMetadata>(metadata).map(|parked| parked.reason).unwrap_or_default();
    // The store puts a sentence of its own, on a line of its own, before what the consumer said.
    match reason.split_once('\n') {
        Some((_, said)) if !said.is_empty() => said.to_owned(),
        _ => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_what_the_consumer_said() {
        assert_eq!(reason(br#"{"reason":"Client explicitly NAK'ed message.\nno\nmodel"}"#), "no\nmodel");
    }

    #[test]
    fn a_reason_of_the_store_itself_stays_whole() {
        assert_eq!(reason(br#"{"reason":"Reached retry count of 3"}"#), "Reached retry count of 3");
        assert_eq!(
            reason(br#"{"reason":"Client explicitly NAK'ed message.\n"}"#),
            "Client explicitly NAK'ed message.\n"
        );
    }

    #[test]
    fn an_entry_that_says_nothing_has_no_reason() {
        assert_eq!(reason(b"{}"), "");
        assert_eq!(reason(b"not JSON"), "");
    }
}
