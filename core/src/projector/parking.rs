//! Why an event is parked. The text of a [`ParkReason`] travels with the event into the store's parking lot.

use crate::ids::{AggregateId, InterviewId, StreamName};

/// What an event that came too early waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitedFor {
    /// An earlier version of its own aggregate.
    Version {
        /// The aggregate.
        aggregate: AggregateId,
        /// The version that is missing.
        version: u64,
    },
    /// The creation of its interview.
    Interview(InterviewId),
}

impl std::fmt::Display for WaitedFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version { aggregate, version } => write!(f, "version {version} of {aggregate}"),
            Self::Interview(id) => write!(f, "the creation of Interview-{id}"),
        }
    }
}

/// Why an event is parked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParkReason {
    /// It failed once and at every retry.
    #[error("failed {failures} times: {error}")]
    Failed {
        /// How often it failed.
        failures: u32,
        /// The error of the last time.
        error: String,
    },
    /// An earlier event of its aggregate is parked: the order is kept in the lot.
    #[error("behind version {version} of {aggregate}, which is parked")]
    Behind {
        /// The aggregate.
        aggregate: AggregateId,
        /// The earliest version that is missing.
        version: u64,
    },
    /// It came too early, and what it needs did not come in time.
    #[error("waited {held_ms} ms for {waited_for}")]
    HeldTooLong {
        /// What is missing.
        waited_for: WaitedFor,
        /// How long it was waited for.
        held_ms: u64,
    },
    /// It came too early, and its lane holds back as many events as it may.
    #[error("waited for {waited_for} in a lane that holds back its {hold_events_max} events already")]
    HoldFull {
        /// What is missing.
        waited_for: WaitedFor,
        /// How many events a lane may hold back.
        hold_events_max: usize,
    },
    /// Its stream is that of no aggregate: it has no place in the graph, nor in any order.
    #[error(
        "event {revision} of type {event_type} in stream {stream}, which is none of an interview or a sentence"
    )]
    NoAggregate {
        /// The stream.
        stream: StreamName,
        /// Its place there.
        revision: u64,
        /// Its type; `$>` for a link that was not resolved.
        event_type: smol_str::SmolStr,
    },
}
