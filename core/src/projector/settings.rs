//! The figures by which the projector works.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::limits::LimitsTable;
use crate::projector::retry::Backoff;

/// Which types of events are projected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedTypes {
    /// Every type that the wire knows.
    #[default]
    All,
    /// Only these, by their names on the wire; any other is treated like an unknown one.
    Only(BTreeSet<SmolStr>),
}

impl AllowedTypes {
    /// Returns whether events of this type are projected.
    pub fn contains(&self, event_type: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(types) => types.contains(event_type),
        }
    }
}

/// The figures by which the projector works. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How many lanes there are; at least 1.
    pub lanes: usize,
    /// How many events a batch holds at most; at least 1.
    pub batch_events_max: usize,
    /// How often a failing event is tried again before it is parked.
    pub retries_max: u32,
    /// How long a failing event waits before each of these.
    pub retry_backoff: Backoff,
    /// How many events a lane holds back at most that came too early.
    pub hold_events_max: usize,
    /// How long an event that came too early waits for what is missing. More than the retries of one event take together, so
    /// that what waits for it is not parked before it is; less than the store's message timeout, so that it is not
    /// delivered again meanwhile.
    pub hold_ms_max: u64,
    /// How long to wait before the graph is asked whether somebody else has applied what is missing.
    pub hold_check_ms: u64,
    /// How long to wait before a graph that was unavailable is tried again, and before a sentence is located again. Less than a
    /// hold, so that this service finds the graph again before another one parks what waits for its events.
    pub breaker_backoff: Backoff,
    /// How many aggregates' versions and interviews are remembered; those with work to do are kept beyond it.
    pub aggregates_max: usize,
    /// Which types of events are projected.
    pub allowed_types: AllowedTypes,
    /// How many values of each dimension are kept.
    pub limits: LimitsTable,
}

impl Default for Settings {
    /// 12 lanes, batches of 2000, 5 retries after 1, 2, 4, 8 and 16 s (at most 60 s); a hold of 10 000 events and 45 s.
    fn default() -> Self {
        Self {
            lanes: 12,
            batch_events_max: 2_000,
            retries_max: 5,
            retry_backoff: Backoff { first_ms: 1_000, factor: 2, max_ms: 60_000 },
            hold_events_max: 10_000,
            hold_ms_max: 45_000,
            hold_check_ms: 1_000,
            breaker_backoff: Backoff { first_ms: 1_000, factor: 2, max_ms: 15_000 },
            aggregates_max: 200_000,
            allowed_types: AllowedTypes::All,
            limits: LimitsTable::default(),
        }
    }
}
