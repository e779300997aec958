//! Batches: what one transaction applies, and how a refused one is split until what it is refused for stands alone.

use std::sync::Arc;

use crate::graph::ChangeSet;
use crate::projector::BatchId;
use crate::projector::entry::{Queued, Ticket};

/// A batch under way.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) id: BatchId,
    pub(super) tickets: Vec<Ticket>,
    change_sets: Arc<Vec<ChangeSet>>,
}

impl Batch {
    /// Makes a batch of events, in order.
    pub(super) fn new(id: BatchId, events: impl ExactSizeIterator<Item = Queued>) -> Self {
        let mut tickets = Vec::with_capacity(events.len());
        let mut change_sets = Vec::with_capacity(events.len());
        for Queued { ticket, change_set } in events {
            debug_assert_eq!(change_set.guard.map(|guard| guard.version), Some(ticket.version));
            tickets.push(ticket);
            change_sets.push(change_set);
        }
        Self { id, tickets, change_sets: Arc::new(change_sets) }
    }

    /// Returns what is to be applied, shared with whoever applies it.
    pub(super) fn change_sets(&self) -> Arc<Vec<ChangeSet>> {
        Arc::clone(&self.change_sets)
    }

    /// Gives the events back. They are copied only if whoever applied them has not let go of them.
    pub(super) fn into_events(self) -> Vec<Queued> {
        let change_sets = Arc::try_unwrap(self.change_sets).unwrap_or_else(|shared| shared.to_vec());
        let pairs = self.tickets.into_iter().zip(change_sets);
        pairs.map(|(ticket, change_set)| Queued { ticket, change_set }).collect()
    }
}

/// Splits what was refused into two halves, the first of them the longer one if they cannot be equal.
pub(super) fn split(mut events: Vec<Queued>) -> (Vec<Queued>, Vec<Queued>) {
    debug_assert!(events.len() > 1, "one event cannot be split");
    let second = events.split_off(events.len().div_ceil(2));
    (events, second)
}
