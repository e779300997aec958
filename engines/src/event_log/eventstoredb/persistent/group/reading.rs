//! How a group gets its events: pages of history while it is behind, committed events while it is live.

use super::super::super::log::Timestamp;
use super::super::buffer::{Ahead, LiveTaken};
use super::super::message::Message;
use super::super::position::{GroupPosition, ReadFrom};
use super::{Group, Output, RequestId};

/// One entry of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageItem<M> {
    /// An event that the filter lets through.
    Event(M),
    /// A run of events that it does not.
    Skipped {
        /// The last of them.
        position: GroupPosition,
        /// How many.
        count: u64,
    },
}

/// A page of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadPage<M> {
    /// What it holds, in order.
    pub items: Vec<PageItem<M>>,
    /// Where the page after it begins.
    pub next: ReadFrom,
    /// Whether the source ended here when it was read.
    pub is_end: bool,
}

impl<M: Message> Group<M> {
    /// The most events that one page of history asks for, whatever the settings say.
    pub(super) const MAX_PAGE: usize = 100;

    /// Asks for the next page if the group is behind, reads none already and has room for it.
    pub(super) fn read_if_behind(&mut self) {
        let idle = self.reading.is_none() && !self.faulted && !self.buffer.is_live();
        let Some(from) = self.next else { return };
        if !idle || !self.buffer.has_room_for(self.settings.read_batch_size) {
            return;
        }
        let request = self.next_request();
        self.reading = Some(request);
        let max_count = self.settings.read_batch_size.min(Self::MAX_PAGE);
        self.outputs.push_back(Output::ReadPage { request, from, max_count });
    }

    /// Takes a page that was asked for; one that was not, or no longer, is ignored.
    pub fn page_arrived(&mut self, request: RequestId, page: ReadPage<M>, now: Timestamp) {
        if self.reading != Some(request) {
            return;
        }
        self.reading = None;
        for item in page.items {
            match item {
                PageItem::Event(message) => {
                    self.last_known = self.last_known.max(Some(message.position()));
                    self.buffer.push_history(Ahead::Event(message));
                }
                PageItem::Skipped { position, count } => {
                    self.buffer.push_history(Ahead::Skipped { position, count });
                }
            }
        }
        let mut next = page.next;
        if page.is_end {
            self.buffer.try_go_live(&mut next);
        }
        self.next = Some(next);
        self.push(now);
    }

    /// Notes that a page cannot be read now; the next tick asks again.
    pub fn page_failed(&mut self, request: RequestId) {
        if self.reading == Some(request) {
            self.reading = None;
        }
    }

    /// Notes that the source can never be read: a tombstoned stream, a position that is none. Clients are dropped,
    /// now and whenever one comes.
    pub fn source_failed(&mut self, request: RequestId) {
        if self.reading == Some(request) {
            self.reading = None;
            self.faulted = true;
            self.drop_clients();
        }
    }

    /// Takes an event that was just committed to the source and passed the filter.
    pub fn event_committed(&mut self, message: M, now: Timestamp) {
        let position = message.position();
        self.last_known = self.last_known.max(Some(position));
        if self.faulted || self.next.is_some_and(|next| !next.includes(position)) {
            return;
        }
        match self.buffer.push_live(message) {
            LiveTaken::Buffered => self.next = Some(ReadFrom::After(position)),
            LiveTaken::Overflowed => self.next = Some(ReadFrom::At(position)),
            LiveTaken::Remembered => {}
        }
        self.push(now);
    }

    /// Notes that an event was committed to the source which the filter does not let through.
    ///
    /// A group that is behind will meet it in a page.
    pub fn event_skipped(&mut self, position: GroupPosition, now: Timestamp) {
        let ahead = self.next.is_none_or(|next| next.includes(position));
        if self.faulted || !ahead || !self.buffer.is_live() {
            return;
        }
        self.next = Some(ReadFrom::After(position));
        self.buffer.push_skipped(position, 1);
        self.push(now);
    }
}
