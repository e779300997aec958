//! A catch-up subscription as a cursor over the store.
//!
//! [`StreamSubscription`] follows one stream, [`AllSubscription`] everything. Both are asked for what is next whenever
//! their consumer has room, and answer with [`Update`]s in order; between two questions they hold nothing but a place
//! to go on from. Waking them when something was committed is left to the wire.

use smol_str::SmolStr;

use super::filter::Filter;
use super::read::{Links, Reader, ResolvedEvent, Unreadable};
use super::streams::Presence;

/// Where a subscription begins. A place is exclusive: the event there was seen already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAfter {
    /// With the first event.
    Nothing,
    /// After this revision, or this position.
    Place(u64),
    /// With what is committed from now on.
    Everything,
}

/// What a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// An event.
    Event(ResolvedEvent),
    /// Everything up to this position was looked at; a filtered subscription can begin again after it.
    Checkpoint(u64),
    /// All history was delivered; what follows is live.
    CaughtUp,
}

/// Why a subscription cannot begin, or ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionEnd {
    /// The stream was deleted for good.
    #[error("stream `{stream}` is deleted")]
    StreamDeleted {
        /// The stream.
        stream: SmolStr,
    },
    /// No record begins at that position of `$all`.
    #[error("no record begins at position {position}")]
    InvalidPosition {
        /// The position.
        position: u64,
    },
}

/// Follows one stream.
#[derive(Debug, Clone)]
pub struct StreamSubscription {
    stream: SmolStr,
    next: u64,
    links: Links,
    is_live: bool,
    has_ended: bool,
}

impl StreamSubscription {
    /// Begins to follow a stream, whether it is there yet or not. Only one that was deleted for good is refused.
    pub fn start(
        reader: Reader<'_>,
        stream: &str,
        after: StartAfter,
        links: Links,
    ) -> Result<Self, SubscriptionEnd> {
        let stream = SmolStr::new(stream);
        if matches!(reader.streams.presence(&stream), Presence::Deleted) {
            return Err(SubscriptionEnd::StreamDeleted { stream });
        }
        let next = match after {
            StartAfter::Nothing => 0,
            StartAfter::Place(revision) => revision.saturating_add(1),
            StartAfter::Everything => reader.streams.get(&stream).map_or(0, |stream| stream.next_revision()),
        };
        Ok(Self { stream, next, links, is_live: false, has_ended: false })
    }

    /// Returns what comes next, out of at most `max` events; nothing when all was delivered.
    pub fn poll(&mut self, reader: Reader<'_>, max: usize) -> Result<Vec<Update>, SubscriptionEnd> {
        if self.is_live { self.poll_live(reader, max) } else { self.poll_history(reader, max) }
    }

    /// History is what a reader would get: deleted and truncated events are not in it.
    fn poll_history(&mut self, reader: Reader<'_>, max: usize) -> Result<Vec<Update>, SubscriptionEnd> {
        let (mut updates, is_end) = match reader.stream_forward(&self.stream, self.next, max, self.links) {
            Ok(page) => {
                // A place beyond the end is kept: what is committed before it is not delivered.
                self.next = self.next.max(page.next);
                (page.events.into_iter().map(Update::Event).collect(), page.is_end)
            }
            Err(Unreadable::NotFound) => {
                let hidden = reader.streams.get(&self.stream).map_or(0, |stream| stream.next_revision());
                self.next = self.next.max(hidden);
                (Vec::new(), true)
            }
            Err(Unreadable::Deleted) => return Err(self.deleted()),
        };
        if is_end {
            self.is_live = true;
            updates.push(Update::CaughtUp);
        }
        Ok(updates)
    }

    /// Live is everything that is committed, the end of the stream included.
    fn poll_live(&mut self, reader: Reader<'_>, max: usize) -> Result<Vec<Update>, SubscriptionEnd> {
        if self.has_ended {
            return Err(self.deleted());
        }
        let Some(stream) = reader.streams.get(&self.stream) else { return Ok(Vec::new()) };
        let records = usize::try_from(self.next).ok().and_then(|next| stream.records().get(next..));
        let records = records.unwrap_or_default();
        if records.is_empty()
            && let Some(tombstone) = stream.tombstone()
        {
            self.has_ended = true;
            return Ok(vec![Update::Event(ResolvedEvent::plain(tombstone))]);
        }
        let updates: Vec<Update> = records
            .iter()
            .take(max)
            .map(|record| Update::Event(reader.resolve(record, self.links)))
            .collect();
        self.next += updates.len() as u64;
        Ok(updates)
    }

    fn deleted(&self) -> SubscriptionEnd {
        SubscriptionEnd::StreamDeleted { stream: self.stream.clone() }
    }
}

/// How a subscription to `$all` is filtered.
#[derive(Debug, Clone)]
pub struct Filtering {
    /// Which records are delivered.
    pub filter: Filter,
    /// After how many records, delivered or not, the subscriber is told how far it is.
    pub checkpoint_interval: u64,
}

/// Follows all streams.
#[derive(Debug, Clone)]
pub struct AllSubscription {
    /// The log index of the next record to look at.
    next: usize,
    /// Records up to this position are not delivered, whenever they are committed.
    skip_through: Option<u64>,
    /// The position that was looked at last.
    position: Option<u64>,
    links: Links,
    filter: Filter,
    checkpoint_interval: Option<u64>,
    since_checkpoint: u64,
    last_checkpoint: Option<u64>,
    is_live: bool,
}

impl AllSubscription {
    /// Begins to follow everything, or what a filter lets through.
    pub fn start(
        reader: Reader<'_>,
        after: StartAfter,
        filtering: Option<Filtering>,
        links: Links,
    ) -> Result<Self, SubscriptionEnd> {
        let log = reader.log;
        let (next, skip_through) = match after {
            StartAfter::Nothing => (0, None),
            StartAfter::Everything => (log.len(), None),
            StartAfter::Place(position) if position >= log.end_position() => (log.len(), Some(position)),
            StartAfter::Place(position) if !log.is_boundary(position) => {
                return Err(SubscriptionEnd::InvalidPosition { position });
            }
            StartAfter::Place(position) => (log.index_at(position) + 1, Some(position)),
        };
        let (filter, checkpoint_interval) = match filtering {
            Some(Filtering { filter, checkpoint_interval }) => (filter, Some(checkpoint_interval)),
            None => (Filter::none(), None),
        };
        Ok(Self {
            next,
            skip_through,
            position: skip_through.filter(|position| *position < log.end_position()),
            links,
            filter,
            checkpoint_interval,
            since_checkpoint: 0,
            last_checkpoint: None,
            is_live: false,
        })
    }

    /// Returns what comes next, having looked at no more than `max` records; nothing when all was delivered.
    ///
    /// No update does not mean that all was delivered, see [`AllSubscription::is_behind`].
    pub fn poll(&mut self, reader: Reader<'_>, max: usize) -> Vec<Update> {
        let mut updates = Vec::new();
        for record in reader.log.from_index(self.next).iter().take(max) {
            self.next += 1;
            self.position = Some(record.position);
            let is_wanted = self.skip_through.is_none_or(|position| record.position > position);
            if is_wanted && self.filter.matches(record) {
                updates.push(Update::Event(reader.resolve(record, self.links)));
            }
            self.since_checkpoint += 1;
            if self.checkpoint_interval.is_some_and(|interval| self.since_checkpoint >= interval) {
                self.checkpoint(&mut updates);
            }
        }
        if !self.is_live && self.next >= reader.log.len() {
            self.is_live = true;
            if self.checkpoint_interval.is_some() {
                self.checkpoint(&mut updates);
            }
            updates.push(Update::CaughtUp);
        }
        updates
    }

    /// Tells whether there are records that were not looked at yet.
    pub fn is_behind(&self, reader: Reader<'_>) -> bool {
        !self.is_live || self.next < reader.log.len()
    }

    /// Tells the position, unless it was told already. Without a position there is nothing to tell.
    fn checkpoint(&mut self, updates: &mut Vec<Update>) {
        self.since_checkpoint = 0;
        if let Some(position) = self.position
            && self.last_checkpoint.is_none_or(|last| position > last)
        {
            self.last_checkpoint = Some(position);
            updates.push(Update::Checkpoint(position));
        }
    }
}
