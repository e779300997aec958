//! Streams: what revisions they hold, whether they may be written to, and which of their events can be read.
//!
//! [`Streams`] is a view over the log's records. It decides whether an append, a deletion or a tombstone is accepted
//! ([`Streams::check`]), and knows the window that metadata leave visible ([`Streams::window_start`]). Committing is
//! left to [`super::store`].

use std::sync::Arc;

use prost::bytes::Bytes;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use uuid::Uuid;

use super::log::{LINK_TYPE, METADATA_TYPE, Record, Timestamp};
use super::metadata::StreamMetadata;
use super::recent::RecentIds;

/// What the name of a metastream begins with; the rest is the name of the stream that it describes.
pub const METASTREAM_PREFIX: &str = "$$";

/// What the writer of an append believes about the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExpectedRevision {
    /// Nothing.
    Any,
    /// That it has no events.
    NoStream,
    /// That it has events, or at least metadata.
    StreamExists,
    /// That its last event has this revision.
    Exact(u64),
}

/// What becomes of an append, before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The events are written, the first one at this revision.
    Write {
        /// The revision of the first event.
        at: u64,
        /// Whether the stream is softly deleted and comes back with this write.
        recreates: bool,
    },
    /// All of it was written before.
    Idempotent {
        /// The revision of the last event that was found again.
        last_matched: u64,
    },
}

/// Why a write is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The stream is somewhere else than expected.
    #[error("stream `{stream}` is at {current:?} where {expected:?} was expected")]
    WrongExpectedRevision {
        /// The stream.
        stream: SmolStr,
        /// What the writer expected.
        expected: ExpectedRevision,
        /// The revision of its last event, if it ever had one.
        current: Option<u64>,
    },
    /// The stream was deleted: for good, or softly where it was expected to exist.
    #[error("stream `{stream}` is deleted")]
    StreamDeleted {
        /// The stream.
        stream: SmolStr,
    },
    /// The append holds more bytes than one may.
    #[error("append of {bytes} bytes exceeds the limit of {limit} bytes")]
    AppendTooLarge {
        /// The bytes of the append.
        bytes: usize,
        /// The most bytes that are accepted.
        limit: usize,
    },
    /// One event holds more bytes than one may.
    #[error("event {id} of {bytes} bytes exceeds the limit of {limit} bytes")]
    EventTooLarge {
        /// The event.
        id: Uuid,
        /// The bytes of the event.
        bytes: usize,
        /// The most bytes that are accepted.
        limit: usize,
    },
    /// No stream can have that name.
    #[error("`{name}` cannot be the name of a stream")]
    InvalidStreamName {
        /// The name.
        name: SmolStr,
    },
    /// An event has the zero id or an empty type.
    #[error("event {index} of the append has no id or no type")]
    InvalidEvent {
        /// Its place in the append, from 0.
        index: usize,
    },
}

/// The newest metadata of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentMetadata {
    /// The bytes as written.
    pub raw: Bytes,
    /// Their effect.
    pub effect: StreamMetadata,
}

/// One stream.
#[derive(Debug, Default)]
pub struct Stream {
    /// Its events; the index is the revision.
    records: Vec<Arc<Record>>,
    tombstone: Option<Arc<Record>>,
    metadata: Option<CurrentMetadata>,
}

impl Stream {
    /// Returns its events from the first, whether visible or not. The index is the revision; a tombstone is not among them.
    pub fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// Returns the record that deleted it for good.
    pub fn tombstone(&self) -> Option<&Arc<Record>> {
        self.tombstone.as_ref()
    }

    /// Returns its newest metadata.
    pub fn metadata(&self) -> Option<&CurrentMetadata> {
        self.metadata.as_ref()
    }

    /// Returns the revision of its last event, a tombstone not counted.
    pub fn last_revision(&self) -> Option<u64> {
        (self.records.len() as u64).checked_sub(1)
    }

    /// Returns the revision that its next event gets.
    pub fn next_revision(&self) -> u64 {
        self.records.len() as u64
    }

    fn is_soft_deleted(&self) -> bool {
        self.metadata.as_ref().is_some_and(|metadata| metadata.effect.is_soft_delete())
    }
}

/// Whether a stream can be read.
#[derive(Debug, Clone, Copy)]
pub enum Presence<'a> {
    /// It never had an event, or is softly deleted.
    Missing,
    /// It was deleted for good.
    Deleted,
    /// It has events, though perhaps no visible ones.
    Present(&'a Stream),
}

/// All streams by name.
#[derive(Debug, Default)]
pub struct Streams {
    by_name: FxHashMap<SmolStr, Stream>,
}

impl Streams {
    /// Returns a stream that has events, a tombstone or metadata.
    pub fn get(&self, name: &str) -> Option<&Stream> {
        self.by_name.get(name)
    }

    /// Returns the number of streams that have events, a tombstone or metadata.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Tells whether there is no stream.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Tells whether the stream can be read. The metadata of a stream that is gone for good are gone with it.
    pub fn presence(&self, name: &str) -> Presence<'_> {
        let described = name.strip_prefix(METASTREAM_PREFIX).and_then(|described| self.get(described));
        if described.is_some_and(|described| described.tombstone.is_some()) {
            return Presence::Deleted;
        }
        match self.get(name) {
            Some(stream) if stream.tombstone.is_some() => Presence::Deleted,
            Some(stream) if !stream.records.is_empty() && !stream.is_soft_deleted() => {
                Presence::Present(stream)
            }
            _ => Presence::Missing,
        }
    }

    /// Returns the first revision of `stream` that is visible at `now`; one past its last when none is.
    pub fn window_start(&self, name: &str, stream: &Stream, now: Timestamp) -> u64 {
        let end = stream.next_revision();
        if name.starts_with(METASTREAM_PREFIX) {
            return end.saturating_sub(1);
        }
        let Some(CurrentMetadata { effect, .. }) = &stream.metadata else { return 0 };
        let by_count = effect.max_count.map_or(0, |count| end.saturating_sub(count));
        let by_truncation = effect.truncate_before.unwrap_or(0);
        let by_age = effect.max_age.map_or(0, |age| {
            let oldest = now.saturating_sub(age);
            stream.records.partition_point(|record| record.created < oldest) as u64
        });
        by_count.max(by_truncation).max(by_age).min(end)
    }

    /// Returns the event of `name` at `revision` if it is visible at `now`.
    pub fn visible_record(&self, name: &str, revision: u64, now: Timestamp) -> Option<&Arc<Record>> {
        let Presence::Present(stream) = self.presence(name) else { return None };
        if revision < self.window_start(name, stream, now) {
            return None;
        }
        stream.records.get(usize::try_from(revision).ok()?)
    }

    /// Decides about a write of events with these ids.
    pub fn check(
        &self,
        name: &SmolStr,
        expected: ExpectedRevision,
        ids: &[Uuid],
        recent: &RecentIds,
    ) -> Result<Decision, WriteError> {
        let absent = Stream::default();
        let stream = self.get(name).unwrap_or(&absent);
        if stream.tombstone.is_some() {
            return Err(WriteError::StreamDeleted { stream: name.clone() });
        }
        let current = stream.last_revision();
        let wrong = || WriteError::WrongExpectedRevision { stream: name.clone(), expected, current };
        let write = Decision::Write { at: stream.next_revision(), recreates: stream.is_soft_deleted() };
        match expected {
            ExpectedRevision::StreamExists if stream.is_soft_deleted() => {
                Err(WriteError::StreamDeleted { stream: name.clone() })
            }
            ExpectedRevision::StreamExists if current.is_none() && stream.metadata.is_none() => Err(wrong()),
            ExpectedRevision::Any | ExpectedRevision::StreamExists => {
                check_by_ids(name, ids, recent).map_or(Ok(write), |found| found.ok_or_else(wrong))
            }
            ExpectedRevision::NoStream | ExpectedRevision::Exact(_) => {
                let next = match expected {
                    ExpectedRevision::Exact(revision) => revision.saturating_add(1),
                    _ => 0,
                };
                match next.cmp(&stream.next_revision()) {
                    std::cmp::Ordering::Equal => Ok(write),
                    std::cmp::Ordering::Greater => Err(wrong()),
                    std::cmp::Ordering::Less => match stream.count_matching(name, next, ids, recent) {
                        0 if next == 0 && stream.is_soft_deleted() && !ids.is_empty() => Ok(write),
                        0 => Err(wrong()),
                        matching if matching == ids.len() => {
                            Ok(Decision::Idempotent { last_matched: next + matching as u64 - 1 })
                        }
                        _ => Err(wrong()),
                    },
                }
            }
        }
    }

    /// Takes in a record that was committed.
    pub(super) fn commit(&mut self, record: &Arc<Record>) {
        let stream = self.by_name.entry(record.stream.clone()).or_default();
        if record.is_tombstone() {
            stream.tombstone = Some(Arc::clone(record));
            return;
        }
        debug_assert_eq!(record.revision, stream.next_revision());
        stream.records.push(Arc::clone(record));
        if let Some(described) = record.stream.strip_prefix(METASTREAM_PREFIX) {
            // Metadata of another type than the store's own have no effect, but they are the newest all the same.
            let is_json = record.is_json && record.event_type == METADATA_TYPE;
            let effect = StreamMetadata::parse(&record.data, is_json);
            let stream = self.by_name.entry(described.into()).or_default();
            stream.metadata = Some(CurrentMetadata { raw: record.data.clone(), effect });
        }
    }
}

impl Stream {
    /// Counts how many of `ids`, from the first, are those of the events from revision `next` on.
    fn count_matching(&self, name: &str, next: u64, ids: &[Uuid], recent: &RecentIds) -> usize {
        ids.iter()
            .enumerate()
            .take_while(|(offset, id)| {
                let revision = next + *offset as u64;
                recent.revision_in(name, **id) == Some(revision)
                    || self.records.get(revision as usize).is_some_and(|record| record.id == **id)
            })
            .count()
    }
}

/// Looks for all `ids` among the recent ones of the stream: nothing when the first is new, `Some(None)` when only some
/// are known.
fn check_by_ids(name: &str, ids: &[Uuid], recent: &RecentIds) -> Option<Option<Decision>> {
    let first = recent.revision_in(name, *ids.first()?)?;
    let last = ids[1..].iter().try_fold(first, |_, id| recent.revision_in(name, *id));
    Some(last.map(|last_matched| Decision::Idempotent { last_matched }))
}

/// Tells whether a stream can have that name: not empty, and no metastream of nothing.
pub fn is_valid_name(name: &str) -> bool {
    !name.is_empty() && name != METASTREAM_PREFIX
}

/// Returns the name of the stream that describes `name`.
pub fn metastream_of(name: &str) -> SmolStr {
    smol_str::format_smolstr!("{METASTREAM_PREFIX}{name}")
}

/// Returns the data of a link to an event.
pub fn link_data(revision: u64, stream: &str) -> Bytes {
    Bytes::from(format!("{revision}@{stream}"))
}

/// Returns the type and data of a link to `record`; a link is not linked but copied.
pub fn link_to(record: &Record) -> (SmolStr, Bytes) {
    let data =
        if record.is_link() { record.data.clone() } else { link_data(record.revision, &record.stream) };
    (SmolStr::new_static(LINK_TYPE), data)
}
