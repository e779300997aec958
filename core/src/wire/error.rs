//! Why a recorded event is no event of the domain.

use std::fmt;

use smol_str::SmolStr;

use crate::ids::{AggregateId, StreamName};

/// One of the two JSON documents of a recorded event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The event's own data.
    Payload,
    /// What accompanies it.
    Metadata,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Payload => "payload",
            Self::Metadata => "metadata",
        })
    }
}

/// A recorded event that cannot be understood, with the place of the fault. Reading it again does not help.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The stream's name is not that of an aggregate.
    #[error("event {revision} of stream `{stream}` belongs to no aggregate")]
    ForeignStream {
        /// The stream.
        stream: StreamName,
        /// The event's revision in it.
        revision: u64,
    },
    /// A document is not JSON, or not of the frozen shape.
    #[error(
        "failed to decode the {part} of event {revision} of stream `{stream}` at `{json_path}`: {source}"
    )]
    Malformed {
        /// The stream.
        stream: StreamName,
        /// The event's revision in it.
        revision: u64,
        /// The document.
        part: Part,
        /// The place in the document, `$` for all of it.
        json_path: String,
        /// What is wrong there.
        source: serde_json::Error,
    },
    /// The metadata counts differently from the store.
    #[error("the metadata of event {revision} of stream `{stream}` says version {version} at `$.version`")]
    VersionMismatch {
        /// The stream.
        stream: StreamName,
        /// The event's revision in it.
        revision: u64,
        /// The version that the metadata tells.
        version: u64,
    },
    /// The metadata names another aggregate than the stream does.
    #[error("the metadata of event {revision} of stream `{stream}` names {aggregate} at `{json_path}`")]
    AggregateMismatch {
        /// The stream.
        stream: StreamName,
        /// The event's revision in it.
        revision: u64,
        /// The field that differs.
        json_path: &'static str,
        /// The aggregate that the metadata names.
        aggregate: AggregateId,
    },
    /// The type is one of the other kind of aggregate.
    #[error("event {revision} of stream `{stream}` has the type `{event_type}`, which cannot happen to it")]
    MisplacedType {
        /// The stream.
        stream: StreamName,
        /// The event's revision in it.
        revision: u64,
        /// The type.
        event_type: SmolStr,
    },
    /// The payload is of another major schema version, and no upcaster leads to the one that is read.
    #[error(
        "event {revision} of stream `{stream}` has schema version `{schema_version}`, and nothing leads from there \
         to `{supported}` for `{event_type}`"
    )]
    UnsupportedSchema {
        /// The stream.
        stream: StreamName,
        /// The event's revision in it.
        revision: u64,
        /// The type.
        event_type: SmolStr,
        /// The version that upcasting came to.
        schema_version: SmolStr,
        /// The version that is read.
        supported: &'static str,
    },
}

impl DecodeError {
    /// Returns the stream of the event.
    pub const fn stream(&self) -> &StreamName {
        match self {
            Self::ForeignStream { stream, .. }
            | Self::Malformed { stream, .. }
            | Self::VersionMismatch { stream, .. }
            | Self::AggregateMismatch { stream, .. }
            | Self::MisplacedType { stream, .. }
            | Self::UnsupportedSchema { stream, .. } => stream,
        }
    }

    /// Returns the event's revision in its stream.
    pub const fn revision(&self) -> u64 {
        match self {
            Self::ForeignStream { revision, .. }
            | Self::Malformed { revision, .. }
            | Self::VersionMismatch { revision, .. }
            | Self::AggregateMismatch { revision, .. }
            | Self::MisplacedType { revision, .. }
            | Self::UnsupportedSchema { revision, .. } => *revision,
        }
    }

    /// Returns the document that is wrong, or `None` when the event lies in the wrong place.
    pub const fn part(&self) -> Option<Part> {
        match self {
            Self::Malformed { part, .. } => Some(*part),
            Self::VersionMismatch { .. }
            | Self::AggregateMismatch { .. }
            | Self::UnsupportedSchema { .. } => Some(Part::Metadata),
            Self::ForeignStream { .. } | Self::MisplacedType { .. } => None,
        }
    }

    /// Returns the place in that document, or `None` when the event lies in the wrong place.
    pub fn json_path(&self) -> Option<&str> {
        match self {
            Self::Malformed { json_path, .. } => Some(json_path),
            Self::VersionMismatch { .. } => Some("$.version"),
            Self::AggregateMismatch { json_path, .. } => Some(json_path),
            Self::UnsupportedSchema { .. } => Some("$.schema_version"),
            Self::ForeignStream { .. } | Self::MisplacedType { .. } => None,
        }
    }

    /// Returns whether the same event may be understood later: never, for an event does not change.
    pub const fn is_transient(&self) -> bool {
        false
    }
}
