//! An event of the domain with the metadata that came with it: what the wire decodes to, and the projector takes in.

use crate::ids::{InterviewId, StreamName};
use crate::interview::InterviewEvent;
use crate::metadata::Metadata;
use crate::sentence::SentenceEvent;

/// What an event says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Something happened to an interview.
    Interview(InterviewEvent),
    /// Something happened to a sentence. Events that are newer than the running service's may name the interview;
    /// of the running service's own, only `SentenceCreated` does.
    Sentence {
        /// The interview that the payload named, if it did.
        interview: Option<InterviewId>,
        /// What happened.
        event: SentenceEvent,
    },
    /// A type that this program does not know: it advances the version and projects nothing.
    Unknown {
        /// The type as the store has it.
        event_type: smol_str::SmolStr,
    },
}

/// A decoded event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Who, when, which aggregate, which version.
    pub metadata: Metadata,
    /// What.
    pub body: Body,
}

/// An event as a store recorded it, not yet decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// The stream that it was written to, not the category stream that linked to it.
    pub stream: StreamName,
    /// Its place in that stream, 0-based.
    pub revision: u64,
    /// The store's id of it.
    pub id: uuid::Uuid,
    /// The type as the store has it.
    pub event_type: smol_str::SmolStr,
    /// The payload, JSON.
    pub data: std::sync::Arc<[u8]>,
    /// The metadata, JSON.
    pub metadata: std::sync::Arc<[u8]>,
}
