//! Between the wire's messages and the store's types.

use std::collections::HashMap;

use ::uuid::Uuid;
use prost::bytes::Bytes;
use smol_str::SmolStr;
use tonic::Status;

use super::super::log::{NewEvent, Record};
use super::error;
use super::wire::{StreamIdentifier, Uuid as WireUuid, uuid};

/// The content type of JSON events; anything else is bytes.
const JSON: &str = "application/json";

/// The form in which a client wants its ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdForm {
    /// Two 64-bit halves.
    Structured,
    /// Text.
    Text,
}

impl IdForm {
    /// Writes an id in this form.
    pub(super) fn write(self, id: Uuid) -> WireUuid {
        let value = match self {
            Self::Text => uuid::Value::String(id.to_string()),
            Self::Structured => {
                let (most, least) = id.as_u64_pair();
                uuid::Value::Structured(uuid::Structured {
                    most_significant_bits: most as i64,
                    least_significant_bits: least as i64,
                })
            }
        };
        WireUuid { value: Some(value) }
    }
}

/// Reads an id of either form; nothing when it is absent or malformed.
pub(super) fn read_id(id: Option<&WireUuid>) -> Option<Uuid> {
    match id?.value.as_ref()? {
        uuid::Value::String(text) => Uuid::parse_str(text).ok(),
        uuid::Value::Structured(halves) => Some(Uuid::from_u64_pair(
            halves.most_significant_bits as u64,
            halves.least_significant_bits as u64,
        )),
    }
}

/// Reads the name of a stream; an absent one is empty.
pub(super) fn read_stream_name(stream: Option<&StreamIdentifier>) -> SmolStr {
    stream.map_or_else(SmolStr::default, |stream| SmolStr::new(String::from_utf8_lossy(&stream.stream_name)))
}

/// Writes the name of a stream.
pub(super) fn stream_identifier(name: &str) -> StreamIdentifier {
    StreamIdentifier { stream_name: Bytes::copy_from_slice(name.as_bytes()) }
}

/// Writes what the wire puts beside the bytes of an event: type, content type, and when it was committed.
pub(super) fn system_metadata(record: &Record) -> HashMap<String, String> {
    let content_type = if record.is_json { JSON } else { "application/octet-stream" };
    HashMap::from([
        ("type".to_owned(), record.event_type.to_string()),
        ("content-type".to_owned(), content_type.to_owned()),
        ("created".to_owned(), record.created.unix_ticks().to_string()),
    ])
}

/// Why a proposed event cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadEvent {
    /// This property is missing from its system metadata.
    MissingProperty(&'static str),
    /// Its id is absent or malformed.
    NoId,
}

impl From<BadEvent> for Status {
    fn from(bad: BadEvent) -> Self {
        match bad {
            BadEvent::MissingProperty(property) => error::missing_metadata_property(property),
            BadEvent::NoId => error::handler_exception(),
        }
    }
}

/// Reads an event that a client proposes. Of the system metadata only type and content type are kept.
///
/// The bytes are copied: as they came they are slices of the request's buffer, and one event of a few hundred bytes in the
/// log would keep all 8 KiB of that.
pub(super) fn proposed_event(
    id: Option<&WireUuid>,
    system_metadata: &HashMap<String, String>,
    metadata: &[u8],
    data: &[u8],
) -> Result<NewEvent, BadEvent> {
    let property = |name| system_metadata.get(name).ok_or(BadEvent::MissingProperty(name));
    let event_type = SmolStr::new(property("type")?);
    let is_json = property("content-type")? == JSON;
    let id = read_id(id).ok_or(BadEvent::NoId)?;
    let (data, metadata) = (Bytes::copy_from_slice(data), Bytes::copy_from_slice(metadata));
    Ok(NewEvent { id, event_type, data, metadata, is_json })
}
