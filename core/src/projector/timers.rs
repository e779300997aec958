//! What is to be done at which time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::ids::AggregateId;

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The graph may be tried again.
    Breaker,
    /// Something of that aggregate's may be due: a retry, the end of a hold, a question to ask again.
    Aggregate(AggregateId),
}

/// All timers. One that turns out to be for nothing does no harm.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(u64, Timer)>>,
}

impl Timers {
    /// Sets a timer.
    pub(super) fn set(&mut self, due_ms: u64, timer: Timer) {
        self.heap.push(Reverse((due_ms, timer)));
    }

    /// Takes out a timer that is due.
    pub(super) fn take_due(&mut self, now_ms: u64) -> Option<Timer> {
        let Reverse((due_ms, _)) = self.heap.peek()?;
        if *due_ms > now_ms {
            return None;
        }
        self.heap.pop().map(|Reverse((_, timer))| timer)
    }

    /// Returns when the next one is due.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((due_ms, _))| *due_ms)
    }
}
