//! What was counted and timed while a scenario ran.

use cutover_core::projector::Metrics;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What the projector counted while it applied the events of a scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectorMetrics {
    /// Events whose changes were committed.
    pub processed: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Events that were parked.
    pub parked: u64,
    /// Events that the allowlist leaves out.
    pub skipped: u64,
    /// Deliveries of an event that had been applied before.
    pub duplicates: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Batches that a version guard refused.
    pub conflicts: u64,
    /// Writes that the graph refused or did not answer.
    pub graph_write_errors: u64,
    /// Half of the events were committed within this time from their delivery, in milliseconds.
    pub latency_p50_ms: f64,
    /// 95 of 100 events were committed within this time from their delivery, in milliseconds.
    pub latency_p95_ms: f64,
    /// 99 of 100 events were committed within this time from their delivery, in milliseconds.
    pub latency_p99_ms: f64,
    /// The events that wait, lane by lane, at the end.
    pub queue_depth: Vec<u64>,
    /// Events in the store that were not yet acknowledged at the end.
    pub lag: u64,
    /// How many events had been committed to the graph at which moment; thinned out evenly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub committed: Vec<Sample>,
    /// How many events waited at which moment, lane by lane; thinned out evenly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<LaneSample>,
}

/// How often a fault struck that a scenario asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultCount {
    /// The fault, in words.
    pub fault: SmolStr,
    /// How often.
    pub times: u64,
    /// When, in milliseconds from the beginning of the scenario; thinned out evenly where it struck very often.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_ms: Vec<u64>,
}

/// How much of something there was at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// The moment, in milliseconds from the beginning of the scenario.
    pub at_ms: u64,
    /// How many events by then.
    pub events: u64,
}

/// How many events waited in each lane at a moment, until the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaneSample {
    /// The moment, in milliseconds from the beginning of the scenario.
    pub at_ms: u64,
    /// How many events waited or were under way, lane by lane; of services that run at once, all together.
    pub waiting: Vec<u64>,
}

impl ProjectorMetrics {
    /// Adds what another projection counted; of latencies, the highest are kept, of what is left at the end, the last.
    pub fn add(&mut self, metrics: &Metrics) {
        let counters = &metrics.counters;
        self.processed += counters.processed;
        self.failed += counters.failed;
        self.parked += counters.parked;
        self.skipped += counters.skipped;
        self.duplicates += counters.duplicates;
        self.retries += counters.retries;
        self.conflicts += counters.conflicts;
        self.graph_write_errors += counters.graph_write_errors;
        self.queue_depth = metrics.queue_depth.iter().map(|&depth| depth as u64).collect();
        let latency = &metrics.latency;
        self.latency_p50_ms = self.latency_p50_ms.max(latency.p50_ms as f64);
        self.latency_p95_ms = self.latency_p95_ms.max(latency.p95_ms as f64);
        self.latency_p99_ms = self.latency_p99_ms.max(latency.p99_ms as f64);
        self.lag = metrics.lag_interview.unwrap_or(0) + metrics.lag_sentence.unwrap_or(0);
    }
}

impl From<&Metrics> for ProjectorMetrics {
    fn from(metrics: &Metrics) -> Self {
        let mut own = Self::default();
        own.add(metrics);
        own
    }
}

/// How long the parts of a scenario took, in milliseconds, in the order in which they ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepDuration {
    /// What was done.
    pub step: String,
    /// How long it took.
    pub duration_ms: u64,
    /// When it began, in milliseconds from the beginning of the scenario.
    #[serde(default)]
    pub began_ms: u64,
    /// How many events had been appended when it was over.
    #[serde(default)]
    pub events_appended: u64,
}
