//! From a recorded event to an event of the domain.

use serde_json::Value;

use crate::event::{Body, Event, RecordedEvent};
use crate::ids::AggregateId;
use crate::metadata::{Metadata, SCHEMA_VERSION};
use crate::wire::json::{self, Payload};
use crate::wire::{AggregateKind, DecodeError, EventType, Part, Upcasters, interview, metadata, sentence};

/// Decodes events, with the upcasters that it was given.
#[derive(Debug, Clone)]
pub struct Decoder {
    upcasters: Upcasters,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Decoder {
    /// Makes a decoder with those upcasters and no others.
    pub const fn new(upcasters: Upcasters) -> Self {
        Self { upcasters }
    }

    /// Makes a decoder with the built-in upcasters.
    pub const fn built_in() -> Self {
        Self::new(Upcasters::built_in())
    }

    /// Decodes an event. A type that is not known becomes [`Body::Unknown`]: its payload is not looked at, its metadata
    /// is.
    ///
    /// # Errors
    ///
    /// Returns an error when the stream is no aggregate's, when payload or metadata are not of the frozen shape, when
    /// the metadata tells another aggregate or version than the stream and the revision do, when the type cannot
    /// happen to that kind of aggregate, and when the payload's schema is of another major version with no upcaster
    /// that leads on.
    pub fn decode(&self, recorded: &RecordedEvent) -> Result<Event, DecodeError> {
        let Some(aggregate) = recorded.stream.aggregate() else {
            let (stream, revision) = (recorded.stream.clone(), recorded.revision);
            return Err(DecodeError::ForeignStream { stream, revision });
        };
        self.decode_of(aggregate, recorded)
    }

    /// [`Decoder::decode`] for who has read the stream's name already: `aggregate` is what it names.
    pub(crate) fn decode_of(
        &self,
        aggregate: AggregateId,
        recorded: &RecordedEvent,
    ) -> Result<Event, DecodeError> {
        let metadata = metadata::decode(recorded, aggregate)?;
        let Some(event_type) = EventType::from_name(&recorded.event_type) else {
            let body = Body::Unknown { event_type: recorded.event_type.clone() };
            return Ok(Event { metadata, body });
        };
        let payload = self.payload(event_type, recorded, &metadata)?;
        let body = match AggregateKind::of(aggregate) {
            AggregateKind::Interview => {
                interview::decode(event_type, payload, recorded)?.map(Body::Interview)
            }
            AggregateKind::Sentence => sentence::decode(event_type, payload, recorded)?,
        };
        let Some(body) = body else {
            let (stream, revision) = (recorded.stream.clone(), recorded.revision);
            let event_type = recorded.event_type.clone();
            return Err(DecodeError::MisplacedType { stream, revision, event_type });
        };
        Ok(Event { metadata, body })
    }

    fn payload<'a>(
        &self,
        event_type: EventType,
        recorded: &'a RecordedEvent,
        metadata: &Metadata,
    ) -> Result<Payload<'a>, DecodeError> {
        let recorded_version = &metadata.schema_version;
        let (schema_version, payload) = if self.upcasters.applies_to(event_type, recorded_version) {
            let value: Value = json::read(&recorded.data, Part::Payload, recorded)?;
            let (reached, value) = self.upcasters.upcast(event_type, recorded_version, value);
            (reached, Payload::Upcast(value))
        } else {
            (recorded_version.clone(), Payload::Recorded(&recorded.data))
        };
        if major(&schema_version) == major(SCHEMA_VERSION) {
            return Ok(payload);
        }
        let (stream, revision) = (recorded.stream.clone(), recorded.revision);
        let event_type = recorded.event_type.clone();
        let supported = SCHEMA_VERSION;
        Err(DecodeError::UnsupportedSchema { stream, revision, event_type, schema_version, supported })
    }
}

/// Returns the part of a version that changes when a payload is no longer compatible.
fn major(version: &str) -> &str {
    version.split_once('.').map_or(version, |(major, _)| major)
}
