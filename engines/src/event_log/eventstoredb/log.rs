//! The log: every record of every stream, in the order of commit.
//!
//! [`Log`] gives each [`Record`] its position and finds it again by position. What a record means to its stream is for
//! [`super::streams`] to say.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use prost::bytes::Bytes;
use smol_str::SmolStr;
use uuid::Uuid;

/// The revision of the event that marks a stream as deleted for good.
pub const TOMBSTONE_REVISION: u64 = i64::MAX as u64;

/// The event type of a link, whose data names the event that it stands for.
pub const LINK_TYPE: &str = "$>";

/// The event type of a stream's metadata.
pub const METADATA_TYPE: &str = "$metadata";

/// The event type of a tombstone.
pub const TOMBSTONE_TYPE: &str = "$streamDeleted";

/// What the real store's records take up beside names and payload, in bytes, roughly: positions grow as there.
const RECORD_OVERHEAD_BYTES: u64 = 76;

/// A moment, as the store counts it: ticks of 100 ns since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Takes a number of 100 ns ticks since the Unix epoch.
    pub const fn from_unix_ticks(ticks: u64) -> Self {
        Self(ticks)
    }

    /// Takes a duration since the Unix epoch; what is finer than a tick is dropped.
    pub fn since_unix_epoch(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_nanos() / 100).unwrap_or(u64::MAX))
    }

    /// Returns the 100 ns ticks since the Unix epoch.
    pub const fn unix_ticks(self) -> u64 {
        self.0
    }

    /// Returns the moment that much later.
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(Self::since_unix_epoch(duration).0))
    }

    /// Returns the moment that much earlier, or the Unix epoch.
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(Self::since_unix_epoch(duration).0))
    }

    /// Returns how long ago `earlier` was; zero when it was not.
    pub fn duration_since(self, earlier: Self) -> Duration {
        let ticks = self.0.saturating_sub(earlier.0);
        Duration::new(ticks / 10_000_000, (ticks % 10_000_000) as u32 * 100)
    }
}

/// One committed event. Never changes, and is shared rather than copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it is in the log, as a byte offset. Commit and prepare position are both this.
    pub position: u64,
    /// The stream that it was written to.
    pub stream: SmolStr,
    /// Its number in that stream, from 0; [`TOMBSTONE_REVISION`] for a tombstone.
    pub revision: u64,
    /// The id that its writer gave it.
    pub id: Uuid,
    /// Its type.
    pub event_type: SmolStr,
    /// Its payload.
    pub data: Bytes,
    /// Its metadata, as the writer gave them.
    pub metadata: Bytes,
    /// Whether the payload was declared to be JSON.
    pub is_json: bool,
    /// When it was committed.
    pub created: Timestamp,
}

impl Record {
    /// Tells whether this is a link to another event.
    pub fn is_link(&self) -> bool {
        self.event_type == LINK_TYPE
    }

    /// Tells whether this is the end of its stream.
    pub fn is_tombstone(&self) -> bool {
        self.revision == TOMBSTONE_REVISION
    }

    /// Returns the revision and the stream that a link's data name, or nothing when they name none.
    ///
    /// The text is split at the first `@`, so the stream's own name may hold more of them.
    pub fn link_target(&self) -> Option<(u64, &str)> {
        let (revision, stream) = std::str::from_utf8(&self.data).ok()?.split_once('@')?;
        let revision = revision.parse::<u64>().ok().filter(|revision| *revision <= TOMBSTONE_REVISION)?;
        Some((revision, stream))
    }
}

/// An event that is to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The id that the writer gives it; the same id again makes a repeated append harmless.
    pub id: Uuid,
    /// Its type.
    pub event_type: SmolStr,
    /// Its payload.
    pub data: Bytes,
    /// Its metadata.
    pub metadata: Bytes,
    /// Whether the payload is JSON.
    pub is_json: bool,
}

impl NewEvent {
    /// Returns how many bytes count towards the limit of an append: the type counts as UTF-16.
    pub fn size_bytes(&self) -> usize {
        self.data.len() + self.metadata.len() + 2 * self.event_type.encode_utf16().count()
    }
}

/// All records in the order of commit. An index into it counts records, a position counts bytes.
#[derive(Debug, Default)]
pub struct Log {
    records: Vec<Arc<Record>>,
    end: u64,
}

impl Log {
    /// Returns the number of records, which is the index that the next one will have.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Tells whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns the position that the next record will have.
    pub fn end_position(&self) -> u64 {
        self.end
    }

    /// Returns the record at that index.
    pub fn get(&self, index: usize) -> Option<&Arc<Record>> {
        self.records.get(index)
    }

    /// Returns the last record.
    pub fn last(&self) -> Option<&Arc<Record>> {
        self.records.last()
    }

    /// Returns the records from `index` on; none when that is past the end.
    pub fn from_index(&self, index: usize) -> &[Arc<Record>] {
        self.records.get(index..).unwrap_or_default()
    }

    /// Returns the records of a range of indices, as a write reports it.
    pub fn range(&self, range: Range<usize>) -> &[Arc<Record>] {
        self.records.get(range).unwrap_or_default()
    }

    /// Returns the index of the first record at or after `position`.
    pub fn index_at(&self, position: u64) -> usize {
        self.records.partition_point(|record| record.position < position)
    }

    /// Tells whether a record begins, or the log ends, at `position`.
    pub fn is_boundary(&self, position: u64) -> bool {
        position == 0
            || position == self.end
            || self.get(self.index_at(position)).is_some_and(|record| record.position == position)
    }

    /// Appends one event as revision `revision` of `stream`.
    pub fn push(&mut self, stream: SmolStr, revision: u64, event: NewEvent, now: Timestamp) -> Arc<Record> {
        let NewEvent { id, event_type, data, metadata, is_json } = event;
        let bytes =
            RECORD_OVERHEAD_BYTES + (stream.len() + event_type.len() + data.len() + metadata.len()) as u64;
        let record = Arc::new(Record {
            position: self.end,
            stream,
            revision,
            id,
            event_type,
            data,
            metadata,
            is_json,
            created: now,
        });
        self.end += bytes;
        self.records.push(Arc::clone(&record));
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(data: &'static str) -> Record {
        Record {
            position: 0,
            stream: "links".into(),
            revision: 0,
            id: Uuid::from_u128(1),
            event_type: LINK_TYPE.into(),
            data: Bytes::from_static(data.as_bytes()),
            metadata: Bytes::new(),
            is_json: false,
            created: Timestamp::default(),
        }
    }

    fn event(data: &'static [u8]) -> NewEvent {
        NewEvent {
            id: Uuid::from_u128(7),
            event_type: "Tested".into(),
            data: Bytes::from_static(data),
            metadata: Bytes::new(),
            is_json: false,
        }
    }

    #[test]
    fn link_is_split_at_the_first_at_sign() {
        assert_eq!(link("0@target@me@com").link_target(), Some((0, "target@me@com")));
    }

    #[test]
    fn link_without_a_number_names_no_target() {
        assert_eq!(link("x@target").link_target(), None);
        assert_eq!(link("-1@target").link_target(), None);
        assert_eq!(link("7").link_target(), None);
    }

    #[test]
    fn positions_grow_by_the_bytes_of_each_record() {
        let mut log = Log::default();
        assert!(log.is_empty());
        log.push("a".into(), 0, event(b"1"), Timestamp::default());
        assert!(!log.is_empty());
        let small = log.end_position();
        assert_eq!(small, RECORD_OVERHEAD_BYTES + "a".len() as u64 + "Tested".len() as u64 + 1);
        log.push("a".into(), 1, event(b"1234567890"), Timestamp::default());
        assert_eq!(log.end_position() - small, small + 9);
        assert_eq!(log.index_at(small), 1);
        assert!(log.is_boundary(small) && log.is_boundary(log.end_position()) && !log.is_boundary(small + 1));
    }

    #[test]
    fn type_counts_twice_its_utf16_length() {
        let mut sized = event(b"12");
        sized.event_type = "añ😀".into();
        assert_eq!(sized.size_bytes(), 2 + 2 * 4);
    }

    #[test]
    fn timestamps_count_ticks_of_100_ns() {
        let second = Timestamp::since_unix_epoch(Duration::from_secs(1));
        assert_eq!(second.unix_ticks(), 10_000_000);
        assert_eq!(second.saturating_add(Duration::from_nanos(250)).unix_ticks(), 10_000_002);
        assert_eq!(second.duration_since(Timestamp::from_unix_ticks(9_999_999)), Duration::from_nanos(100));
        assert_eq!(Timestamp::default().saturating_sub(Duration::from_secs(1)), Timestamp::default());
    }
}
