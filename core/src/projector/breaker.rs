//! The breaker: a fault of the graph is not a fault of the events. While the graph is unavailable nothing is consumed, no
//! retry is counted and nothing is parked; one attempt at a time finds out whether it is back.

use crate::projector::{Backoff, BatchId};

/// What finds out whether the graph is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// A batch that is due anyway.
    Batch(BatchId),
    /// A question for versions, when there is no batch.
    Check,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    /// Waiting until that time.
    Open {
        due_ms: u64,
    },
    /// One attempt may be made.
    HalfOpen,
    /// It is being made.
    Probing(Probe),
}

/// The breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    backoff: Backoff,
    state: State,
    failures: u32,
}

impl Breaker {
    pub(super) const fn new(backoff: Backoff) -> Self {
        Self { backoff, state: State::Closed, failures: 0 }
    }

    /// Returns whether the graph is believed to be available.
    pub(super) const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Returns whether something may be sent to the graph now.
    pub(super) const fn permits(&self) -> bool {
        matches!(self.state, State::Closed | State::HalfOpen)
    }

    /// Takes note that something was sent. When the breaker is not closed, that is the probe.
    pub(super) const fn sent(&mut self, probe: Probe) {
        debug_assert!(self.permits(), "an open breaker lets nothing pass");
        if matches!(self.state, State::HalfOpen) {
            self.state = State::Probing(probe);
        }
    }

    /// Takes note that the graph was unavailable for `what`; returns when to try again, if that is news.
    pub(super) fn fail(&mut self, now_ms: u64, what: Probe) -> Option<u64> {
        match self.state {
            State::Closed => self.failures = 1,
            State::Probing(probe) if probe == what => self.failures = self.failures.saturating_add(1),
            // Sent before the breaker opened: it says nothing new.
            State::Open { .. } | State::HalfOpen | State::Probing(_) => return None,
        }
        let due_ms = now_ms + self.backoff.wait_ms(self.failures);
        self.state = State::Open { due_ms };
        Some(due_ms)
    }

    /// Takes note that the graph answered `what`, well or badly; returns whether that closes the breaker.
    pub(super) fn answer(&mut self, what: Probe) -> bool {
        if self.state != State::Probing(what) {
            return false;
        }
        self.state = State::Closed;
        self.failures = 0;
        true
    }

    /// Takes note of the time.
    pub(super) const fn tick(&mut self, now_ms: u64) {
        if let State::Open { due_ms } = self.state
            && due_ms <= now_ms
        {
            self.state = State::HalfOpen;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projector::Settings;

    #[test]
    fn only_the_probe_moves_an_open_breaker() {
        let mut breaker = Breaker::new(Settings::default().breaker_backoff);
        let (early, probe) = (Probe::Batch(BatchId(1)), Probe::Batch(BatchId(2)));
        assert_eq!(breaker.fail(0, early), Some(1_000));
        assert_eq!(breaker.fail(0, Probe::Batch(BatchId(3))), None);
        assert!(!breaker.permits());
        breaker.tick(999);
        assert!(!breaker.permits());
        breaker.tick(1_000);
        assert!(breaker.permits());
        breaker.sent(probe);
        assert!(!breaker.permits());
        assert!(!breaker.answer(early));
        assert_eq!(breaker.fail(1_200, early), None);
        assert_eq!(breaker.fail(1_500, probe), Some(3_500));
        breaker.tick(3_500);
        breaker.sent(probe);
        assert!(breaker.answer(probe));
        assert!(breaker.is_closed());
    }
}
