//! A lane: the interviews whose ids hash to it, in the order of their events, one batch at a time.

use std::collections::VecDeque;

use crate::projector::BatchId;
use crate::projector::batch::{Batch, split};
use crate::projector::entry::{Queued, Ticket};

/// A lane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// What is ready, in order, each after all that it depends on.
    ready: VecDeque<Queued>,
    /// What was given back by a batch, or must go alone; the last one comes first, and all of them before what is ready.
    pieces: Vec<Vec<Queued>>,
    /// The batch under way.
    under_way: Option<Batch>,
    /// How many of its events wait elsewhere for what they depend on.
    pub(super) held: usize,
}

impl Lane {
    /// Puts an event last.
    pub(super) fn push(&mut self, event: Queued) {
        self.ready.push_back(event);
    }

    /// Puts an event first, in a batch of its own: one that has failed shall not take others with it.
    pub(super) fn push_alone(&mut self, event: Queued) {
        self.pieces.push(vec![event]);
    }

    /// Returns whether a batch could be begun.
    pub(super) fn is_ready(&self) -> bool {
        self.under_way.is_none() && !(self.ready.is_empty() && self.pieces.is_empty())
    }

    /// Begins the next batch of at most `events_max` events.
    pub(super) fn begin(&mut self, id: BatchId, events_max: usize) -> &Batch {
        debug_assert!(self.is_ready(), "a lane has one batch under way at most");
        let batch = match self.pieces.pop() {
            Some(piece) => Batch::new(id, piece.into_iter()),
            None => {
                let count = self.ready.len().min(events_max.max(1));
                Batch::new(id, self.ready.drain(..count))
            }
        };
        self.under_way.insert(batch)
    }

    /// Ends the batch under way, if it is that one.
    pub(super) fn end(&mut self, id: BatchId) -> Option<Batch> {
        self.under_way.take_if(|batch| batch.id == id)
    }

    /// Takes a batch back as it was, to be tried again.
    pub(super) fn put_back(&mut self, batch: Batch) {
        self.pieces.push(batch.into_events());
    }

    /// Takes back the two halves of a refused batch.
    pub(super) fn put_back_halves(&mut self, events: Vec<Queued>) {
        let (first, second) = split(events);
        self.pieces.push(second);
        self.pieces.push(first);
    }

    /// Takes out everything that is not under way, in order.
    pub(super) fn drain(&mut self) -> Vec<Queued> {
        let pieces = std::mem::take(&mut self.pieces).into_iter().rev().flatten();
        pieces.chain(self.ready.drain(..)).collect()
    }

    /// Takes out the events for which `wanted` holds, in order.
    pub(super) fn extract(&mut self, mut wanted: impl FnMut(&Ticket) -> bool) -> Vec<Queued> {
        let mut extracted = Vec::new();
        for piece in self.pieces.iter_mut().rev() {
            extracted.extend(piece.extract_if(.., |event| wanted(&event.ticket)));
        }
        self.pieces.retain(|piece| !piece.is_empty());
        let (out, stay) =
            std::mem::take(&mut self.ready).into_iter().partition(|event| wanted(&event.ticket));
        self.ready = stay;
        let out: VecDeque<Queued> = out;
        extracted.extend(out);
        extracted
    }

    /// Iterates over the tickets of everything in the lane.
    pub(super) fn tickets_mut(&mut self) -> impl Iterator<Item = &mut Ticket> {
        let under_way = self.under_way.iter_mut().flat_map(|batch| &mut batch.tickets);
        let queued = self.pieces.iter_mut().flatten().chain(&mut self.ready);
        under_way.chain(queued.map(|event| &mut event.ticket))
    }

    /// Returns how many events it holds, those under way included.
    pub(super) fn depth(&self) -> usize {
        let under_way = self.under_way.as_ref().map_or(0, |batch| batch.tickets.len());
        under_way + self.pieces.iter().map(Vec::len).sum::<usize>() + self.ready.len()
    }
}
