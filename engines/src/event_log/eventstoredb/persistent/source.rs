//! What a group reads, a stream or `$all` through a filter: [`Source`] gives its pages and its live events.

use std::sync::Arc;

use super::super::filter::{Filter, InvalidRegex, Subject};
use super::super::log::{Record, Timestamp};
use super::super::read::{Links, Unreadable};
use super::super::store::Store;
use super::config::FilterEntry;
use super::event::{SubscribedEvent, place};
use super::group::{PageItem, ReadPage};
use super::position::{GroupPosition, ReadFrom, SourceKind};
use super::subscriptions::ALL;

/// How many records of `$all` one page looks at, however few of them pass the filter.
const CONSIDERED_PER_PAGE: usize = 500;

/// A source of events.
#[derive(Debug)]
pub(super) struct Source {
    /// The stream; `None` for `$all`.
    stream: Option<String>,
    filter: Filter,
    links: Links,
}

/// The source can never be read from there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SourceFailure {
    /// The stream was deleted for good.
    Deleted,
    /// No record begins at this position of the log.
    NoRecordAt {
        /// The position.
        position: u64,
    },
}

impl Source {
    /// Returns the source of a group of `stream`, which may be `$all`.
    pub(super) fn new(
        stream: &str,
        resolve_links: bool,
        filter: Option<&FilterEntry>,
    ) -> Result<Self, InvalidRegex> {
        let filter = filter.map_or_else(|| Ok(Filter::none()), as_filter)?;
        let stream = (stream != ALL).then(|| stream.to_owned());
        Ok(Self { stream, filter, links: resolve_links.into() })
    }

    pub(super) fn kind(&self) -> SourceKind {
        if self.stream.is_some() { SourceKind::Stream } else { SourceKind::All }
    }

    /// Sets whether links are followed from now on.
    pub(super) fn resolve_links(&mut self, resolve: bool) {
        self.links = resolve.into();
    }

    /// Says whether a record of this source goes to the clients. A link is judged as the record that it is, in
    /// history and live alike.
    pub(super) fn matches(&self, record: &Record) -> bool {
        self.stream.is_some() || self.filter.matches(record)
    }

    /// Returns a record as the clients get it.
    pub(super) fn event(&self, record: &Arc<Record>, store: &Store, now: Timestamp) -> SubscribedEvent {
        SubscribedEvent::new(store.resolve(record, self.links, now), self.kind())
    }

    /// Reads a page.
    pub(super) fn page(
        &self,
        from: ReadFrom,
        max_count: usize,
        store: &Store,
        now: Timestamp,
    ) -> Result<ReadPage<SubscribedEvent>, SourceFailure> {
        match &self.stream {
            Some(stream) => self.stream_page(stream, from, max_count, store, now),
            None => self.all_page(from, max_count, store, now),
        }
    }

    fn stream_page(
        &self,
        stream: &str,
        from: ReadFrom,
        max_count: usize,
        store: &Store,
        now: Timestamp,
    ) -> Result<ReadPage<SubscribedEvent>, SourceFailure> {
        let nothing = ReadPage { items: Vec::new(), next: from, is_end: true };
        let Some(first) = from.first_revision() else { return Ok(nothing) };
        match store.read_stream_forward(stream, first, max_count, self.links, now) {
            Err(Unreadable::NotFound) => Ok(nothing),
            Err(Unreadable::Deleted) => Err(SourceFailure::Deleted),
            Ok(page) => {
                let events = page.events.into_iter();
                let items = events
                    .map(|event| PageItem::Event(SubscribedEvent::new(event, SourceKind::Stream)))
                    .collect();
                // A start beyond the end stays where it is.
                let next = ReadFrom::At(GroupPosition::Stream(page.next.max(first)));
                Ok(ReadPage { items, next, is_end: page.is_end })
            }
        }
    }

    fn all_page(
        &self,
        from: ReadFrom,
        max_count: usize,
        store: &Store,
        now: Timestamp,
    ) -> Result<ReadPage<SubscribedEvent>, SourceFailure> {
        let log = store.log();
        let start = match from {
            ReadFrom::At(GroupPosition::All { commit, .. }) if !log.is_boundary(commit) => {
                return Err(SourceFailure::NoRecordAt { position: commit });
            }
            ReadFrom::At(GroupPosition::All { commit, .. }) => log.index_at(commit),
            ReadFrom::After(GroupPosition::All { commit, .. }) => log.index_at(commit.saturating_add(1)),
            _ => 0,
        };
        let mut page = ReadPage { items: Vec::new(), next: from, is_end: true };
        let (mut events, visible) = (0, Filter::none());
        for record in log.from_index(start).iter().take(CONSIDERED_PER_PAGE) {
            if events == max_count {
                break;
            }
            let position = place(record, SourceKind::All);
            page.next = ReadFrom::After(position);
            if self.filter.matches(record) {
                events += 1;
                page.items.push(PageItem::Event(self.event(record, store, now)));
            } else if visible.matches(record) {
                page.items.push(PageItem::Skipped { position, count: 1 });
            }
        }
        let last = log.last().map(|record| place(record, SourceKind::All));
        page.is_end = last.is_none_or(|last| !page.next.includes(last));
        Ok(page)
    }
}

fn as_filter(entry: &FilterEntry) -> Result<Filter, InvalidRegex> {
    let subject = if entry.on_event_type { Subject::EventType } else { Subject::StreamName };
    Filter::new(subject, entry.regex.as_deref().unwrap_or_default(), entry.prefixes.clone())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::super::settings::Settings;
    use super::*;

    #[test]
    fn a_page_of_everything_holds_no_more_events_than_it_may() {
        let now = Timestamp::default();
        let store = Store::new(Settings::default(), Uuid::new_v4, now);
        let everything = Source::new(ALL, false, None).unwrap();
        let events = |max_count| {
            let page = everything.page(ReadFrom::Beginning, max_count, &store, now).unwrap();
            page.items.iter().filter(|item| matches!(item, PageItem::Event(_))).count()
        };
        assert!(events(usize::MAX) > 2, "a new store has records of its own");
        assert_eq!(events(2), 2);
    }
}
