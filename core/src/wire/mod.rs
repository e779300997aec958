//! The wire: how events lie in the store, byte for byte. The format is frozen, so that a store written by the running
//! service replays as it is.
//!
//! [`decode`] and [`encode`] are the two directions; a [`Decoder`] of one's own brings its own [`Upcasters`]. Payloads
//! and metadata are read by private structs that mirror the JSON, one file per aggregate: the domain's types stay free
//! of the format, and nothing is buffered on the way (`#[serde(flatten)]` would). Metadata, and the two payloads that
//! every sentence has, take a short way (`usual`) as long as they lie as both services write them.
//!
//! What is tolerated: fields that this program does not know, optional fields that are missing or `null`, event types
//! that it does not know, and both names where a type was renamed. Everything else is a [`DecodeError`].

mod decode;
mod error;
mod interview;
mod json;
mod metadata;
mod names;
mod sentence;
mod upcast;
mod usual;

pub use decode::Decoder;
pub use error::{DecodeError, Part};
pub use names::{AggregateKind, EventType};
pub use upcast::{Upcast, Upcasters};

use smol_str::SmolStr;

use crate::event::{Body, Event, RecordedEvent};
use crate::ids::EventId;
use crate::metadata::Metadata;

/// An event as it goes into a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The store's id of it: the envelope's `event_id`, which makes a retried append idempotent.
    pub id: EventId,
    /// The type, by the name that is written today.
    pub event_type: SmolStr,
    /// The payload, JSON.
    pub data: Vec<u8>,
    /// The metadata, JSON.
    pub metadata: Vec<u8>,
}

/// Decodes an event with the built-in upcasters.
///
/// # Errors
///
/// See [`Decoder::decode`].
pub fn decode(recorded: &RecordedEvent) -> Result<Event, DecodeError> {
    const BUILT_IN: &Decoder = &Decoder::built_in();
    BUILT_IN.decode(recorded)
}

/// Encodes an event. Sentence events carry the interview's id whenever the body knows it.
///
/// The payload of a [`Body::Unknown`] was never read, so an empty object stands in for it.
pub fn encode(metadata: &Metadata, body: &Body) -> EncodedEvent {
    let (event_type, data) = match body {
        Body::Interview(event) => (EventType::of_interview(event).as_smol_str(), interview::encode(event)),
        Body::Sentence { interview, event } => {
            (EventType::of_sentence(event).as_smol_str(), sentence::encode(*interview, event))
        }
        Body::Unknown { event_type } => (event_type.clone(), b"{}".to_vec()),
    };
    EncodedEvent { id: metadata.event_id, event_type, data, metadata: metadata::encode(metadata) }
}
