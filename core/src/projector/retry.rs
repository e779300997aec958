//! When a failing event is tried again, and how often: not at all when no retry can help.

use crate::projector::parking::{NotLocated, ParkReason};
use crate::wire::DecodeError;

/// Waits that grow by a factor, up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait, in milliseconds.
    pub first_ms: u64,
    /// What each wait is multiplied with to give the next one.
    pub factor: u64,
    /// The longest wait, in milliseconds.
    pub max_ms: u64,
}

impl Backoff {
    /// Returns the wait before retry `retry` (1-based), in milliseconds.
    pub fn wait_ms(&self, retry: u32) -> u64 {
        debug_assert!(retry >= 1, "retries are counted from 1");
        let factor = self.factor.saturating_pow(retry.saturating_sub(1));
        self.first_ms.saturating_mul(factor).min(self.max_ms)
    }
}

/// Why an event has failed by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// What was wrong, in words.
    pub(super) error: String,
    /// Whether it may pass.
    pub(super) is_transient: bool,
}

impl Fault {
    /// The graph refused the event: what else is in the graph may have to do with it, and that may change.
    pub(super) const fn refused(error: String) -> Self {
        Self { error, is_transient: true }
    }

    /// Returns why an event is parked that has failed that often, the last time for this.
    pub(super) fn into_reason(self, failures: u32) -> ParkReason {
        let Self { error, is_transient } = self;
        if is_transient { ParkReason::Failed { failures, error } } else { ParkReason::Hopeless { error } }
    }
}

impl From<&DecodeError> for Fault {
    fn from(error: &DecodeError) -> Self {
        Self { error: error.to_string(), is_transient: error.is_transient() }
    }
}

impl From<NotLocated> for Fault {
    fn from(error: NotLocated) -> Self {
        Self { error: error.to_string(), is_transient: error.is_transient() }
    }
}

/// An event that has failed and will be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The version of the event.
    pub(super) version: u64,
    /// How often it has failed.
    pub(super) failures: u32,
    /// When it is tried again.
    pub(super) due_ms: u64,
}

#[cfg(test)]
mod tests {
    use crate::projector::Settings;

    #[test]
    fn five_retries_wait_1_2_4_8_and_16_seconds() {
        let backoff = Settings::default().retry_backoff;
        let waits: Vec<u64> = (1..=5).map(|retry| backoff.wait_ms(retry)).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000]);
    }

    #[test]
    fn no_wait_is_longer_than_the_longest() {
        let backoff = Settings::default().retry_backoff;
        assert_eq!(backoff.wait_ms(7), 60_000);
        assert_eq!(backoff.wait_ms(u32::MAX), 60_000);
    }

    #[test]
    fn a_hold_outlasts_the_retries_of_what_it_waits_for() {
        let settings = Settings::default();
        let retries: u64 = (1..=settings.retries_max).map(|n| settings.retry_backoff.wait_ms(n)).sum();
        assert!(settings.hold_ms_max > retries);
    }
}
