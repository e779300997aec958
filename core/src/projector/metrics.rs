//! What operators ask for, as plain data: counters, queue depths, latency percentiles.

use serde::Serialize;

/// A snapshot of everything that the projector counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Metrics {
    /// What is counted one by one.
    #[serde(flatten)]
    pub counters: Counters,
    /// Events that wait in each lane to be applied, the batch under way included; by lane.
    pub queue_depth: Vec<usize>,
    /// Events in each lane that are held back because they came too early, or behind a failing one; by lane.
    pub held: Vec<usize>,
    /// From an event's delivery to its acknowledgement.
    pub latency: LatencySummary,
    /// How many events the interview subscription is behind; `None` until the driver has said.
    pub lag_interview: Option<u64>,
    /// How many events the sentence subscription is behind; `None` until the driver has said.
    pub lag_sentence: Option<u64>,
    /// Whether consumption is stopped because the graph is unavailable.
    pub paused: bool,
    /// How many aggregates' versions and interviews are remembered.
    pub aggregates: usize,
}

/// What is counted one by one, from zero when the projector was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Deliveries taken in.
    pub delivered: u64,
    /// Of these, deliveries that the store said were not the first.
    pub redelivered: u64,
    /// Of these, deliveries out of the parking lot.
    pub replayed: u64,
    /// Events whose changes were committed.
    pub processed: u64,
    /// Of these, events of types that project nothing.
    pub skipped: u64,
    /// Deliveries of events that were applied already, or were under way.
    pub duplicates: u64,
    /// Events that failed, counted once each time that they were delivered.
    pub failed: u64,
    /// Attempts at failing events beyond the first one.
    pub retries: u64,
    /// Events that were parked.
    pub parked: u64,
    /// Batches that were committed.
    pub batches: u64,
    /// Batches whose guards refused.
    pub conflicts: u64,
    /// Batches that the graph did not apply for another reason, and questions that it did not answer.
    pub graph_write_errors: u64,
}

/// Percentiles of a [`Histogram`], in milliseconds, rounded up to the bucket's upper end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LatencySummary {
    /// How many were measured.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_ms: u64,
    /// 95 of 100 took no longer.
    pub p95_ms: u64,
    /// 99 of 100 took no longer.
    pub p99_ms: u64,
    /// The longest, exactly.
    pub max_ms: u64,
}

/// Buckets per power of two: a percentile is at most an eighth too high.
const SUB_BUCKETS: usize = 8;
const SUB_BITS: u32 = SUB_BUCKETS.trailing_zeros();
/// Enough for 2^40 ms, some 34 years.
const BUCKETS: usize = SUB_BUCKETS * 40;

/// A histogram of fixed size: exact up to 15 ms, above within an eighth.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Box<[u64; BUCKETS]>,
    count: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: Box::new([0; BUCKETS]), count: 0, max: 0 }
    }
}

impl Histogram {
    /// Counts a value.
    pub fn record(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    /// Returns the least value that `percent` of 100 of the values do not exceed, rounded up to its bucket's upper end;
    /// 0 when nothing was counted.
    pub fn percentile(&self, percent: u64) -> u64 {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_end(index).min(self.max);
            }
        }
        self.max
    }

    /// Returns the percentiles that operators ask for.
    pub fn summary(&self) -> LatencySummary {
        LatencySummary {
            count: self.count,
            p50_ms: self.percentile(50),
            p95_ms: self.percentile(95),
            p99_ms: self.percentile(99),
            max_ms: self.max,
        }
    }
}

fn bucket(value: u64) -> usize {
    if value < 2 * SUB_BUCKETS as u64 {
        return value as usize;
    }
    let shift = value.ilog2() - SUB_BITS;
    let index = (shift as usize) * SUB_BUCKETS + (value >> shift) as usize;
    index.min(BUCKETS - 1)
}

fn upper_end(index: usize) -> u64 {
    if index < 2 * SUB_BUCKETS {
        return index as u64;
    }
    let shift = index / SUB_BUCKETS - 1;
    let mantissa = (index % SUB_BUCKETS + SUB_BUCKETS) as u64;
    ((mantissa + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_of_small_values_are_exact() {
        let mut histogram = Histogram::default();
        (0..10).for_each(|value| histogram.record(value));
        let summary = histogram.summary();
        assert_eq!((summary.p50_ms, summary.p95_ms, summary.p99_ms, summary.max_ms), (4, 9, 9, 9));
        assert_eq!(summary.count, 10);
    }

    #[test]
    fn an_empty_histogram_answers_zero() {
        assert_eq!(Histogram::default().summary(), LatencySummary::default());
    }

    #[test]
    fn a_bucket_ends_where_the_next_one_begins() {
        for index in 0..BUCKETS - 1 {
            let end = upper_end(index);
            assert_eq!((bucket(end), bucket(end + 1)), (index, index + 1));
        }
    }

    #[test]
    fn a_value_beyond_all_buckets_is_counted_in_the_last_one() {
        let mut histogram = Histogram::default();
        histogram.record(u64::MAX);
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert_eq!((histogram.summary().count, histogram.summary().max_ms), (1, u64::MAX));
    }

    proptest! {
        #[test]
        fn a_percentile_is_at_most_an_eighth_too_high(value in 0_u64..1 << 39) {
            let end = upper_end(bucket(value));
            prop_assert!(end >= value, "{end} < {value}");
            prop_assert!(end - value <= value / 8);
        }
    }
}
