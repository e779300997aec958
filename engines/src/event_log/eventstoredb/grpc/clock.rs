//! Where the server gets the time from: the system, or a test.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::super::log::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;
}

/// The clock of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::since_unix_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

/// A clock that stands still until it is told to go on.
#[derive(Debug)]
pub struct ManualClock {
    ticks: AtomicU64,
}

impl ManualClock {
    /// Returns a clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { ticks: AtomicU64::new(start.unix_ticks()) }
    }

    /// Moves the clock on.
    pub fn advance(&self, duration: Duration) {
        let ticks = Timestamp::since_unix_epoch(duration).unix_ticks();
        self.ticks.fetch_add(ticks, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ticks(self.ticks.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_the_system_counts_from_1970() {
        let in_2023 = Timestamp::since_unix_epoch(Duration::from_secs(1_700_000_000));
        assert!(SystemClock.now() > in_2023);
    }
}
