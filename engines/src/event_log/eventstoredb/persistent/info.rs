//! What an operator may ask of a group: [`GroupInfo`], [`ConnectionInfo`] and the latencies behind them.

use std::collections::VecDeque;
use std::time::Duration;

use super::position::GroupPosition;

/// A group as group information shows it. Settings are not repeated here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    /// The state flags, joined by `, `; `Live` when nothing is pending.
    pub status: String,
    /// One entry per client, in the order of arrival.
    pub connections: Vec<ConnectionInfo>,
    /// Events completed per second since the group started.
    pub average_per_second: u64,
    /// Events completed since the group started.
    pub total_items: u64,
    /// Events completed since the last time that somebody asked.
    pub count_since_last_measurement: u64,
    /// The last checkpoint that is stored.
    pub last_checkpointed: Option<GroupPosition>,
    /// The newest event that the group has seen.
    pub last_known: Option<GroupPosition>,
    /// New events that wait for a client.
    pub read_buffer_count: usize,
    /// Size of the ring of newest live events: it grows to the live buffer size and is no backlog.
    pub live_buffer_count: usize,
    /// Events that wait to be sent again, replayed ones included.
    pub retry_buffer_count: usize,
    /// Slots in use over all clients.
    pub total_in_flight: usize,
    /// Events that clients hold or that are being parked.
    pub outstanding_count: usize,
}

/// A client as group information shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The user name, or `anonymous`.
    pub username: String,
    /// The name that the client gave its connection, or `<unknown>`.
    pub connection_name: String,
    /// Events completed per second since the client came.
    pub average_per_second: u64,
    /// Events completed.
    pub total_items: u64,
    /// Events completed since the last time that somebody asked.
    pub count_since_last_measurement: u64,
    /// Free slots.
    pub available_slots: usize,
    /// Slots in use.
    pub in_flight: usize,
    /// Latencies, with extra statistics and after the first acknowledgement.
    pub measurements: Vec<Measurement>,
}

/// One figure of the latencies from sending to acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Its name, such as `Median` or `99%`.
    pub key: &'static str,
    /// Milliseconds.
    pub value_ms: u64,
}

/// Returns how many per second `count` in `elapsed` are.
pub(super) fn per_second(count: u64, elapsed: Duration) -> u64 {
    let seconds = elapsed.as_secs();
    count.checked_div(seconds).unwrap_or(count)
}

/// The latest latencies of one client.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    latest: VecDeque<Duration>,
}

impl Latencies {
    const KEPT: usize = 1000;

    pub(super) fn record(&mut self, latency: Duration) {
        if self.latest.len() == Self::KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(latency);
    }

    /// Returns every figure, or none before the first latency.
    pub(super) fn measurements(&self) -> Vec<Measurement> {
        let mut sorted: Vec<Duration> = self.latest.iter().copied().collect();
        sorted.sort_unstable();
        let (Some(&fastest), Some(&highest)) = (sorted.first(), sorted.last()) else { return Vec::new() };
        let mean = sorted.iter().sum::<Duration>() / u32::try_from(sorted.len()).unwrap_or(u32::MAX);
        let at = |per_mille: usize| sorted[sorted.len() * per_mille / 1000];
        let figures = [
            ("Mean", mean),
            ("Median", at(500)),
            ("Fastest", fastest),
            ("Quintile 1", at(200)),
            ("Quintile 2", at(400)),
            ("Quintile 3", at(600)),
            ("Quintile 4", at(800)),
            ("Quintile 5", highest),
            ("90%", at(900)),
            ("95%", at(950)),
            ("99%", at(990)),
            ("99.5%", at(995)),
            ("99.9%", at(999)),
            ("Highest", highest),
        ];
        figures
            .into_iter()
            .map(|(key, value)| Measurement {
                key,
                value_ms: u64::try_from(value.as_millis()).unwrap_or(u64::MAX),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(latencies: &Latencies, key: &str) -> u64 {
        let measurements = latencies.measurements();
        measurements.iter().find(|measurement| measurement.key == key).unwrap().value_ms
    }

    #[test]
    fn there_are_no_measurements_before_the_first_acknowledgement() {
        assert_eq!(Latencies::default().measurements(), []);
    }

    #[test]
    fn measurements_come_from_the_sorted_latencies() {
        let mut latencies = Latencies::default();
        for ms in (1..=100).rev() {
            latencies.record(Duration::from_millis(ms));
        }
        let figures = ["Fastest", "Median", "Quintile 1", "99%", "Highest", "Mean"];
        assert_eq!(figures.map(|key| value(&latencies, key)), [1, 51, 21, 100, 100, 50]);
    }

    #[test]
    fn only_the_latest_thousand_count() {
        let mut latencies = Latencies::default();
        latencies.record(Duration::from_secs(9));
        (0..1000).for_each(|_| latencies.record(Duration::from_millis(5)));
        assert_eq!(value(&latencies, "Highest"), 5);
    }

    #[test]
    fn rates_are_per_whole_second() {
        assert_eq!(per_second(100, Duration::from_millis(300)), 100);
        assert_eq!(per_second(100, Duration::from_secs(20)), 5);
    }
}
