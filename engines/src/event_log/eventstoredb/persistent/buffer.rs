//! What waits to be sent: retries, then replayed events, then new ones, with the ring that leads from history to live.
//!
//! [`Buffer`] keeps the three queues of a group in the order in which they are served and knows whether the group is
//! live. Reading history and choosing clients are the group's.

use std::collections::{BTreeMap, VecDeque};

use super::message::Message;
use super::position::{GroupPosition, ReadFrom};

/// An event on its way to a client, with what has already happened to it.
#[derive(Clone, Debug)]
pub(super) struct Waiting<M> {
    pub(super) message: M,
    /// How often it was sent before.
    pub(super) retry_count: u32,
    /// Its number among first deliveries; `None` before the first, and for replayed events always.
    pub(super) sequence: Option<u64>,
}

impl<M> Waiting<M> {
    /// Returns an event that was not sent yet, be it new or read back from the parked stream.
    pub(super) fn new(message: M) -> Self {
        Self { message, retry_count: 0, sequence: None }
    }
}

/// What follows next in the source.
#[derive(Clone, Debug)]
pub(super) enum Ahead<M> {
    /// An event.
    Event(M),
    /// Events that the filter skipped, up to a place. They wait their turn, or the checkpoint would pass what waits
    /// before them.
    Skipped { position: GroupPosition, count: u64 },
}

/// How a live event was taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LiveTaken {
    /// It waits to be sent.
    Buffered,
    /// The buffer is full: from here on the group is behind and has to read.
    Overflowed,
    /// The group is behind: it is kept only in the ring.
    Remembered,
}

/// The queues of a group.
#[derive(Debug)]
pub(super) struct Buffer<M> {
    retries: BTreeMap<u64, Waiting<M>>,
    replays: VecDeque<Waiting<M>>,
    new: VecDeque<Ahead<M>>,
    /// How many of `new` are events.
    new_events: usize,
    capacity: usize,
    live: bool,
    /// The newest live events, at most `ring_size` of them.
    ring: VecDeque<M>,
    ring_size: usize,
    /// The newest live event that the ring has let go.
    evicted: Option<GroupPosition>,
}

impl<M: Message> Buffer<M> {
    pub(super) fn new(capacity: usize, ring_size: usize, live: bool) -> Self {
        Self {
            retries: BTreeMap::new(),
            replays: VecDeque::new(),
            new: VecDeque::new(),
            new_events: 0,
            capacity,
            live,
            ring: VecDeque::new(),
            ring_size,
            evicted: None,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// Returns how many events wait to be sent again.
    pub(super) fn retry_count(&self) -> usize {
        self.retries.len() + self.replays.len()
    }

    /// Returns how many new events wait.
    pub(super) fn new_count(&self) -> usize {
        self.new_events
    }

    /// Returns how many live events the ring remembers.
    pub(super) fn ring_count(&self) -> usize {
        self.ring.len()
    }

    /// Says whether a page of `size` events may be asked for.
    pub(super) fn has_room_for(&self, size: usize) -> bool {
        self.capacity.saturating_sub(self.retry_count() + self.new_events) > size
    }

    /// Takes an event back that has to be sent again: by its place among the retries, a replayed one last.
    pub(super) fn retry(&mut self, waiting: Waiting<M>) {
        match waiting.sequence {
            Some(sequence) => {
                self.retries.insert(sequence, waiting);
            }
            None => self.replays.push_back(waiting),
        }
    }

    /// Takes what a page of history holds.
    pub(super) fn push_history(&mut self, ahead: Ahead<M>) {
        match ahead {
            Ahead::Event(_) => {
                self.new_events += 1;
                self.new.push_back(ahead);
            }
            Ahead::Skipped { position, count } => self.push_skipped(position, count),
        }
    }

    /// Notes events that the filter skipped; a run of them is one.
    pub(super) fn push_skipped(&mut self, position: GroupPosition, count: u64) {
        if let Some(Ahead::Skipped { position: last, count: so_far }) = self.new.back_mut() {
            *last = position;
            *so_far += count;
        } else {
            self.new.push_back(Ahead::Skipped { position, count });
        }
    }

    /// Takes an event that was just committed.
    pub(super) fn push_live(&mut self, message: M) -> LiveTaken {
        let taken = if !self.live {
            LiveTaken::Remembered
        } else if self.new_events < self.capacity {
            self.push_history(Ahead::Event(message.clone()));
            LiveTaken::Buffered
        } else {
            self.live = false;
            LiveTaken::Overflowed
        };
        self.remember(message);
        taken
    }

    fn remember(&mut self, message: M) {
        self.ring.push_back(message);
        if self.ring.len() > self.ring_size {
            self.evicted = self.ring.pop_front().map(|message| message.position());
        }
    }

    /// Goes live if the ring holds everything from `next` on; `next` is moved past what it gave.
    pub(super) fn try_go_live(&mut self, next: &mut ReadFrom) {
        if self.evicted.is_some_and(|evicted| next.includes(evicted)) {
            return;
        }
        let missed: Vec<M> =
            self.ring.iter().filter(|message| next.includes(message.position())).cloned().collect();
        for message in missed {
            if self.new_events >= self.capacity {
                return;
            }
            *next = ReadFrom::After(message.position());
            self.push_history(Ahead::Event(message));
        }
        self.live = true;
    }

    /// Removes the skipped events whose turn it is.
    pub(super) fn pop_skipped(&mut self) -> Option<(GroupPosition, u64)> {
        match self.new.front() {
            Some(Ahead::Skipped { position, count }) => {
                let skipped = (*position, *count);
                self.new.pop_front();
                Some(skipped)
            }
            _ => None,
        }
    }

    /// Offers every waiting event in order until `offer` answers [`Offer::Stop`].
    ///
    /// A run of skipped events is offered only when everything before it is gone from the queue; it is always taken.
    pub(super) fn serve(&mut self, mut offer: impl FnMut(Offered<'_, M>) -> Offer) {
        let mut cursor = 0;
        while let Some((&sequence, waiting)) = self.retries.range(cursor..).next() {
            match offer(Offered::Again(waiting)) {
                Offer::Taken => {
                    self.retries.remove(&sequence);
                }
                Offer::Left => {}
                Offer::Stop => return,
            }
            cursor = sequence + 1;
        }
        if serve_queue(&mut self.replays, |waiting| offer(Offered::Again(waiting))) == Offer::Stop {
            return;
        }
        let (new_events, mut any_left) = (&mut self.new_events, false);
        serve_queue(&mut self.new, |ahead| match ahead {
            Ahead::Event(message) => {
                let answer = offer(Offered::New(message));
                *new_events -= usize::from(answer == Offer::Taken);
                any_left |= answer == Offer::Left;
                answer
            }
            Ahead::Skipped { .. } if any_left => Offer::Left,
            Ahead::Skipped { position, count } => {
                offer(Offered::Skipped { position: *position, count: *count })
            }
        });
    }
}

/// An event that is offered.
pub(super) enum Offered<'a, M> {
    /// One that was sent before, or replayed.
    Again(&'a Waiting<M>),
    /// A new one.
    New(&'a M),
    /// Events that need no client.
    Skipped { position: GroupPosition, count: u64 },
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// It was sent.
    Taken,
    /// Its client is full; the next one may find another.
    Left,
    /// Nobody can take anything.
    Stop,
}

/// Offers a queue from its front; what is left stays in order.
fn serve_queue<T>(queue: &mut VecDeque<T>, mut offer: impl FnMut(&T) -> Offer) -> Offer {
    let mut left = Vec::new();
    let mut last = Offer::Taken;
    while let Some(item) = queue.pop_front() {
        last = offer(&item);
        match last {
            Offer::Taken => {}
            Offer::Left => left.push(item),
            Offer::Stop => {
                queue.push_front(item);
                break;
            }
        }
    }
    for item in left.into_iter().rev() {
        queue.push_front(item);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::super::message::testing::{TestMessage, event};
    use super::*;

    fn at(revision: u64) -> GroupPosition {
        GroupPosition::Stream(revision)
    }

    fn behind(capacity: usize, ring: usize) -> Buffer<TestMessage> {
        Buffer::new(capacity, ring, false)
    }

    fn taken(buffer: &mut Buffer<TestMessage>) -> Vec<u64> {
        let mut revisions = Vec::new();
        buffer.serve(|offered| {
            match offered {
                Offered::Again(waiting) => revisions.push(waiting.message.revision),
                Offered::New(message) => revisions.push(message.revision),
                Offered::Skipped { .. } => {}
            }
            Offer::Taken
        });
        revisions
    }

    fn sent_before(revision: u64) -> Waiting<TestMessage> {
        Waiting { sequence: Some(revision), ..Waiting::new(event(revision)) }
    }

    #[test]
    fn retries_come_first_by_place_then_replays_as_parked_then_new_events() {
        let mut buffer = behind(10, 10);
        buffer.push_history(Ahead::Event(event(9)));
        buffer.retry(Waiting::new(event(4)));
        buffer.retry(Waiting::new(event(1)));
        buffer.retry(sent_before(8));
        buffer.retry(sent_before(7));
        assert_eq!(taken(&mut buffer), [7, 8, 4, 1, 9]);
    }

    #[test]
    fn a_page_is_read_only_while_more_than_a_page_fits() {
        let mut buffer = behind(10, 10);
        for revision in 0..4 {
            buffer.push_history(Ahead::Event(event(revision)));
        }
        buffer.retry(sent_before(5));
        assert!(buffer.has_room_for(4));
        assert!(!buffer.has_room_for(5));
    }

    #[test]
    fn a_live_event_that_finds_the_buffer_full_turns_the_group_behind() {
        let mut buffer = Buffer::new(2, 10, true);
        let taken = [0, 1, 2, 3].map(|revision| buffer.push_live(event(revision)));
        assert_eq!(
            taken,
            [LiveTaken::Buffered, LiveTaken::Buffered, LiveTaken::Overflowed, LiveTaken::Remembered]
        );
        assert!(!buffer.is_live());
    }

    #[test]
    fn the_ring_gives_what_was_committed_while_history_was_read() {
        let mut buffer = behind(10, 3);
        for revision in 3..6 {
            buffer.push_live(event(revision));
        }
        let mut next = ReadFrom::After(at(3));
        buffer.try_go_live(&mut next);
        assert!(buffer.is_live());
        assert_eq!(next, ReadFrom::After(at(5)));
        assert_eq!(taken(&mut buffer), [4, 5]);
    }

    #[test]
    fn a_ring_that_has_let_go_of_something_unread_keeps_the_group_behind() {
        let mut buffer = behind(10, 2);
        for revision in 3..6 {
            buffer.push_live(event(revision));
        }
        let mut next = ReadFrom::At(at(3));
        buffer.try_go_live(&mut next);
        assert!(!buffer.is_live());
        assert_eq!(taken(&mut buffer), [0; 0]);
        next = ReadFrom::At(at(4));
        buffer.try_go_live(&mut next);
        assert!(buffer.is_live());
    }

    #[test]
    fn the_ring_keeps_the_newest_only() {
        let mut buffer = Buffer::new(100, 3, true);
        for revision in 0..10 {
            buffer.push_live(event(revision));
        }
        assert_eq!(buffer.ring_count(), 3);
    }

    #[test]
    fn events_left_for_a_full_client_stay_in_order() {
        let mut buffer = behind(10, 10);
        for revision in 0..6 {
            buffer.push_history(Ahead::Event(event(revision)));
        }
        buffer.serve(|offered| match offered {
            Offered::New(message) if message.revision % 2 == 0 => Offer::Taken,
            Offered::New(message) if message.revision == 5 => Offer::Stop,
            _ => Offer::Left,
        });
        assert_eq!(buffer.new_count(), 3);
        assert_eq!(taken(&mut buffer), [1, 3, 5]);
    }

    #[test]
    fn retries_left_for_a_full_client_are_offered_once_and_stay() {
        let mut buffer = behind(10, 10);
        for revision in 0..3 {
            buffer.retry(sent_before(revision));
        }
        let mut offered = 0;
        buffer.serve(|_| {
            offered += 1;
            if offered < 9 { Offer::Left } else { Offer::Stop }
        });
        assert_eq!((offered, buffer.retry_count()), (3, 3));
    }

    #[test]
    fn skipped_events_wait_for_those_before_them() {
        let mut buffer = behind(10, 10);
        buffer.push_history(Ahead::Event(event(0)));
        buffer.push_skipped(at(3), 3);
        buffer.push_skipped(at(5), 2);
        let mut skipped = Vec::new();
        for answer in [Offer::Left, Offer::Taken] {
            assert_eq!(skipped, [], "the event before them is still there");
            buffer.serve(|offered| match offered {
                Offered::Skipped { position, count } => {
                    skipped.push((position, count));
                    Offer::Taken
                }
                _ => answer,
            });
        }
        assert_eq!(skipped, [(at(5), 5)]);
    }
}
