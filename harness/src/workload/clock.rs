//! The time of a scenario: it begins where the scenario says and goes on by a millisecond each time that it is asked, so that
//! two runs of one seed write the same times.

use std::sync::atomic::{AtomicU64, Ordering};

use cutover_core::timestamp::Timestamp;
use cutover_service::pipeline::Clock;

/// 2024-05-01T10:00:00Z, in milliseconds since the Unix epoch.
const BEGINNING_MS: u64 = 1_714_557_600_000;

/// A clock that goes on when it is asked.
#[derive(Debug)]
pub struct SteppingClock(AtomicU64);

impl Default for SteppingClock {
    fn default() -> Self {
        Self(AtomicU64::new(BEGINNING_MS))
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_begins_where_it_should_and_goes_on() {
        let clock = SteppingClock::default();
        assert_eq!(clock.now().to_string(), "2024-05-01T10:00:00Z");
        assert_eq!(clock.now().to_string(), "2024-05-01T10:00:00.001Z");
    }
}
