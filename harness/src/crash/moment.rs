//! When the process is killed: drawn from the seed, and tied to time or to progress.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::seed::Stream;

/// A kill comes at the latest so long after the start, when it is tied to that: by then a process is well at work.
const AFTER_START_MS_MAX: u64 = 400;
/// So long after the first delivery at the latest, when it is tied to that.
const AFTER_DELIVERY_MS_MAX: u64 = 120;
/// After so many acknowledged events at the latest, when it is tied to them.
const ACKNOWLEDGED_MAX: u64 = 400;

/// When a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Moment {
    /// So long after it was started: often before it has joined its groups.
    AfterStart {
        /// The time, in milliseconds.
        ms: u64,
    },
    /// So long after events were delivered to it for the first time: while the first batches are on their way.
    AfterDelivery {
        /// The time, in milliseconds.
        ms: u64,
    },
    /// Once so many events more were acknowledged: in the middle of much work.
    Acknowledged {
        /// How many.
        events: u64,
    },
}

impl Moment {
    /// Draws a moment; each kind is as likely.
    pub(super) fn draw(random: &mut Stream) -> Self {
        match random.random_range(0..3) {
            0 => Self::AfterStart { ms: random.random_range(0..=AFTER_START_MS_MAX) },
            1 => Self::AfterDelivery { ms: random.random_range(0..=AFTER_DELIVERY_MS_MAX) },
            _ => Self::Acknowledged { events: random.random_range(1..=ACKNOWLEDGED_MAX) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn a_seed_draws_the_same_moments_and_all_kinds_of_them() {
        let draw = |seed| {
            let mut random = Seed::new(seed).stream("kills");
            (0..30).map(|_| Moment::draw(&mut random)).collect::<Vec<_>>()
        };
        let moments = draw(7301);
        assert_eq!(moments, draw(7301));
        assert_ne!(moments, draw(7302));
        assert!(moments.iter().any(|moment| matches!(moment, Moment::AfterStart { .. })));
        assert!(moments.iter().any(|moment| matches!(moment, Moment::AfterDelivery { .. })));
        assert!(moments.iter().any(|moment| matches!(moment, Moment::Acknowledged { .. })));
    }
}
