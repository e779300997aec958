//! Errors as the wire has them: a status, and trailers that name the condition.
//!
//! Clients tell conditions apart by the trailer `exception`, some by the text, so both are exact.

use std::fmt::Write as _;

use tonic::metadata::{AsciiMetadataKey, MetadataMap, MetadataValue};
use tonic::{Code, Status};

use super::super::streams::{ExpectedRevision, WriteError};
use super::super::subscription::SubscriptionEnd;

/// Returns a status with the trailer `exception`, and further trailers.
///
/// Trailers are ASCII: what is not is percent-encoded as UTF-8.
pub(super) fn exception(
    code: Code,
    message: impl Into<String>,
    name: &'static str,
    trailers: &[(&'static str, &str)],
) -> Status {
    let mut metadata = MetadataMap::new();
    for (key, value) in [("exception", name)].iter().chain(trailers) {
        let value = MetadataValue::try_from(percent_encoded(value)).expect("percent-encoded text is ASCII");
        metadata.insert(AsciiMetadataKey::from_static(key), value);
    }
    Status::with_metadata(code, message, metadata)
}

/// Returns the status of a request that the real server's handler throws at.
pub(super) fn handler_exception() -> Status {
    Status::unknown("Exception was thrown by handler.")
}

/// Returns the status that calls end with when the server shuts down.
pub(in crate::event_log::eventstoredb) fn shutting_down() -> Status {
    Status::unavailable("Server is shutting down")
}

/// Returns the status of a stream that was deleted.
pub(super) fn stream_deleted(stream: &str) -> Status {
    exception(
        Code::FailedPrecondition,
        format!("Event stream '{stream}' is deleted."),
        "stream-deleted",
        &[("stream-name", stream)],
    )
}

/// Returns the status of an event without type or content type.
pub(super) fn missing_metadata_property(property: &str) -> Status {
    exception(
        Code::InvalidArgument,
        format!("Required Metadata Property '{property}' is missing"),
        "missing-required-metadata-property",
        &[("required-metadata-properties", "type,content-type")],
    )
}

/// Returns the status of an append that holds more than `limit` bytes.
pub(super) fn append_too_large(limit: usize) -> Status {
    exception(
        Code::InvalidArgument,
        format!("Maximum Append Size of {limit} Exceeded."),
        "maximum-append-size-exceeded",
        &[("maximum-append-size", &limit.to_string())],
    )
}

/// Returns the status of a write that was refused. An append reports an unexpected revision in its answer instead.
pub(super) fn write_refused(error: &WriteError) -> Status {
    match error {
        WriteError::StreamDeleted { stream } => stream_deleted(stream),
        WriteError::AppendTooLarge { limit, .. } => append_too_large(*limit),
        WriteError::EventTooLarge { id, bytes, limit } => exception(
            Code::InvalidArgument,
            format!("Maximum Append Event Size of {limit} Exceeded by event {id} of {bytes} bytes."),
            "maximum-append-event-size-exceeded",
            &[
                ("maximum-append-event-size", &limit.to_string()),
                ("event-id", &id.to_string()),
                ("proposed-append-event-size", &bytes.to_string()),
            ],
        ),
        WriteError::WrongExpectedRevision { stream, expected, current } => {
            let expected = version(*expected);
            let actual = current.map_or(-1, |revision| revision as i64);
            exception(
                Code::FailedPrecondition,
                format!(
                    "Delete failed due to WrongExpectedVersion. Stream: {stream}, Expected version: {expected}, \
                     Actual version: {actual}"
                ),
                "wrong-expected-version",
                &[
                    ("stream-name", stream),
                    ("expected-version", &expected.to_string()),
                    ("actual-version", &actual.to_string()),
                ],
            )
        }
        WriteError::InvalidStreamName { .. } | WriteError::InvalidEvent { .. } => handler_exception(),
    }
}

/// Returns the status that a subscription is refused or ended with.
pub(super) fn subscription_ended(end: &SubscriptionEnd) -> Status {
    match end {
        SubscriptionEnd::StreamDeleted { stream } => stream_deleted(stream),
        SubscriptionEnd::InvalidPosition { .. } => {
            Status::invalid_argument("Trying to read from an invalid position.")
        }
    }
}

/// Returns the number that stands for an expected revision in texts and trailers.
pub(super) fn version(expected: ExpectedRevision) -> i64 {
    match expected {
        ExpectedRevision::NoStream => -1,
        ExpectedRevision::Any => -2,
        ExpectedRevision::StreamExists => -4,
        ExpectedRevision::Exact(revision) => i64::try_from(revision).unwrap_or(i64::MAX),
    }
}

fn percent_encoded(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut encoded, byte| {
        if byte == b'%' || !(b' '..=b'~').contains(&byte) {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        } else {
            encoded.push(char::from(byte));
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_that_is_not_ascii_is_percent_encoded_in_trailers() {
        let status = stream_deleted("größe");
        assert_eq!(status.metadata().get("stream-name").unwrap(), "gr%C3%B6%C3%9Fe");
        assert_eq!(status.message(), "Event stream 'größe' is deleted.");
    }

    #[test]
    fn expectations_that_are_no_revision_are_told_as_negative_numbers() {
        use ExpectedRevision::{Any, Exact, NoStream, StreamExists};
        assert_eq!([NoStream, Any, StreamExists, Exact(7)].map(version), [-1, -2, -4, 7]);
    }

    #[test]
    fn unexpected_revision_is_told_in_text_and_trailers() {
        let status = write_refused(&WriteError::WrongExpectedRevision {
            stream: "s".into(),
            expected: ExpectedRevision::Any,
            current: None,
        });
        assert_eq!(
            status.message(),
            "Delete failed due to WrongExpectedVersion. Stream: s, Expected version: -2, Actual version: -1"
        );
        assert_eq!(status.metadata().get("exception").unwrap(), "wrong-expected-version");
        assert_eq!(status.metadata().get("actual-version").unwrap(), "-1");
    }
}
