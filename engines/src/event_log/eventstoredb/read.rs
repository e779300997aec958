//! Pages of a stream and of `$all`.
//!
//! [`Reader`] borrows the log and the streams, and answers with [`StreamPage`]s and [`AllPage`]s. How pages become
//! the messages of a call is for the wire to say, and following a stream for [`super::subscription`].

use std::sync::Arc;

use super::filter::Filter;
use super::log::{Log, Record, Timestamp};
use super::streams::{Presence, Stream, Streams};

/// Whether links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// A link comes with the event that it names.
    Resolve,
    /// A link comes as it is.
    Keep,
}

impl From<bool> for Links {
    fn from(resolve: bool) -> Self {
        if resolve { Self::Resolve } else { Self::Keep }
    }
}

/// What a reader gets for one record: the record itself, or a followed link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedEvent {
    /// The event; nothing when a followed link names one that cannot be read any more.
    pub event: Option<Arc<Record>>,
    /// The link that was followed.
    pub link: Option<Arc<Record>>,
}

impl ResolvedEvent {
    /// Returns the record as it is.
    pub fn plain(record: &Arc<Record>) -> Self {
        Self { event: Some(Arc::clone(record)), link: None }
    }

    /// Returns the record that was read: the link where one was followed. Its id is what persistent subscriptions
    /// acknowledge, its position where the reader is.
    ///
    /// # Panics
    ///
    /// When both parts are absent, which the store never answers.
    pub fn original(&self) -> &Arc<Record> {
        self.link.as_ref().or(self.event.as_ref()).expect("one of event and link is always there")
    }
}

/// A stretch of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPage {
    /// The visible events, in the order that they were asked for.
    pub events: Vec<ResolvedEvent>,
    /// The revision to go on from.
    pub next: u64,
    /// Whether nothing is left in that direction.
    pub is_end: bool,
    /// The revision of the stream's last event.
    pub last: u64,
}

/// A stretch of `$all`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllPage {
    /// The events that pass the filter, in the order that they were asked for.
    pub events: Vec<ResolvedEvent>,
    /// The log index to go on from: of the next record forwards, one past it backwards.
    pub next: usize,
    /// Whether nothing is left in that direction.
    pub is_end: bool,
}

/// Why a stream gives no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It never had an event, or is softly deleted.
    #[error("stream not found")]
    NotFound,
    /// It was deleted for good.
    #[error("stream is deleted")]
    Deleted,
}

/// Reads a state of the store.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    pub(super) log: &'a Log,
    pub(super) streams: &'a Streams,
    pub(super) now: Timestamp,
}

impl<'a> Reader<'a> {
    /// Returns what a reader of `record` gets.
    pub fn resolve(&self, record: &Arc<Record>, links: Links) -> ResolvedEvent {
        if links == Links::Keep || !record.is_link() {
            return ResolvedEvent::plain(record);
        }
        let Some((revision, stream)) = record.link_target() else { return ResolvedEvent::plain(record) };
        let event = self.streams.visible_record(stream, revision, self.now).cloned();
        ResolvedEvent { event, link: Some(Arc::clone(record)) }
    }

    /// Reads at most `max` revisions forwards, from revision `from` on.
    ///
    /// A page that lies before the visible window is empty, and `next` is then the first visible revision.
    pub fn stream_forward(
        &self,
        name: &str,
        from: u64,
        max: usize,
        links: Links,
    ) -> Result<StreamPage, Unreadable> {
        let (stream, last) = self.readable(name)?;
        let end = stream.next_revision();
        let window_start = self.streams.window_start(name, stream, self.now);
        let stop = from.saturating_add(max as u64);
        if from >= end || stop <= window_start {
            let next = if from >= end { end } else { window_start };
            return Ok(StreamPage { events: Vec::new(), next, is_end: next >= end, last });
        }
        let stop = stop.min(end);
        let events = stream.records()[from.max(window_start) as usize..stop as usize]
            .iter()
            .map(|record| self.resolve(record, links))
            .collect();
        Ok(StreamPage { events, next: stop, is_end: stop >= end, last })
    }

    /// Reads at most `max` revisions backwards, from revision `from` (or the last one, if that is earlier) on.
    pub fn stream_backward(
        &self,
        name: &str,
        from: u64,
        max: usize,
        links: Links,
    ) -> Result<StreamPage, Unreadable> {
        let (stream, last) = self.readable(name)?;
        let window_start = self.streams.window_start(name, stream, self.now);
        let stop = from.min(last).saturating_add(1);
        let start = stop.saturating_sub(max as u64).max(window_start);
        if stop <= start {
            return Ok(StreamPage { events: Vec::new(), next: 0, is_end: true, last });
        }
        let events = stream.records()[start as usize..stop as usize]
            .iter()
            .rev()
            .map(|record| self.resolve(record, links))
            .collect();
        Ok(StreamPage { events, next: start.saturating_sub(1), is_end: start <= window_start, last })
    }

    /// Reads `$all` forwards from log index `from` on: at most `max` events, out of at most `consider` records.
    pub fn all_forward(
        &self,
        from: usize,
        max: usize,
        consider: usize,
        filter: &Filter,
        links: Links,
    ) -> AllPage {
        let mut page = AllPage { events: Vec::new(), next: from, is_end: false };
        for record in self.log.from_index(from).iter().take(consider) {
            if page.events.len() == max {
                break;
            }
            page.next += 1;
            if filter.matches(record) {
                page.events.push(self.resolve(record, links));
            }
        }
        page.is_end = page.next >= self.log.len();
        page
    }

    /// Reads `$all` backwards, the first record being the one before log index `from`: at most `max` events, out of at
    /// most `consider` records.
    pub fn all_backward(
        &self,
        from: usize,
        max: usize,
        consider: usize,
        filter: &Filter,
        links: Links,
    ) -> AllPage {
        let from = from.min(self.log.len());
        let mut page = AllPage { events: Vec::new(), next: from, is_end: false };
        for record in self.log.range(0..from).iter().rev().take(consider) {
            if page.events.len() == max {
                break;
            }
            page.next -= 1;
            if filter.matches(record) {
                page.events.push(self.resolve(record, links));
            }
        }
        page.is_end = page.next == 0;
        page
    }

    fn readable(&self, name: &str) -> Result<(&'a Stream, u64), Unreadable> {
        match self.streams.presence(name) {
            Presence::Missing => Err(Unreadable::NotFound),
            Presence::Deleted => Err(Unreadable::Deleted),
            Presence::Present(stream) => Ok((stream, stream.next_revision() - 1)),
        }
    }
}
