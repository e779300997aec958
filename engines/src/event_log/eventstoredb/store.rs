//! The store: log, streams, projections and the memory of recent ids, as one state machine.
//!
//! [`Store`] is what the wire puts its mutex round. Every write answers with the range of log indices that it
//! committed, so whoever follows the store knows what to look at.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use prost::bytes::Bytes;
use smol_str::SmolStr;
use uuid::Uuid;

use super::category;
use super::filter::{EPOCH_TYPE, Filter};
use super::log::{Log, METADATA_TYPE, NewEvent, Record, TOMBSTONE_REVISION, TOMBSTONE_TYPE, Timestamp};
use super::metadata::{SOFT_DELETE_MARKER, with_truncate_before};
use super::read::{AllPage, Links, Reader, ResolvedEvent, StreamPage, Unreadable};
use super::recent::RecentIds;
use super::settings::Settings;
use super::streams::{
    Decision, ExpectedRevision, METASTREAM_PREFIX, Streams, WriteError, is_valid_name, metastream_of,
};

/// Where the store gets the ids of the records that it writes itself.
pub trait IdSource: Send {
    /// Returns an id that it never returned before.
    fn next_id(&mut self) -> Uuid;
}

impl<F: FnMut() -> Uuid + Send> IdSource for F {
    fn next_id(&mut self) -> Uuid {
        self()
    }
}

/// What an append did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The revision of the last event of the append; nothing when the stream has no events still.
    pub revision: Option<u64>,
    /// The position of that event; nothing when none was written, or when it cannot be read any more.
    pub position: Option<u64>,
    /// The log indices of everything that was committed by it, links included. Empty when it was known already.
    pub committed: Range<usize>,
}

/// What a deletion did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The position of the record that deletes.
    pub position: u64,
    /// The log indices of everything that was committed by it.
    pub committed: Range<usize>,
}

/// The state of the whole store.
pub struct Store {
    settings: Settings,
    log: Log,
    streams: Streams,
    recent: RecentIds,
    ids: Box<dyn IdSource>,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Store")
            .field("records", &self.log.len())
            .field("streams", &self.streams.len())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Returns a store with no events but those of its own first start, if the settings ask for these.
    pub fn new(settings: Settings, ids: impl IdSource + 'static, now: Timestamp) -> Self {
        let recent = RecentIds::new(settings.recent_ids_bytes);
        let mut store =
            Self { settings, log: Log::default(), streams: Streams::default(), recent, ids: Box::new(ids) };
        // Always there, so that no event of a user is at position 0: reading on after a position excludes it.
        store.append_json_as_system(
            "$epoch-information",
            EPOCH_TYPE,
            &serde_json::json!({"EpochPosition": 0, "EpochNumber": 0}),
            now,
        );
        if store.settings.initial_records {
            store.append_json_as_system(
                "$user-admin",
                "$UserCreated",
                &serde_json::json!({"loginName": "admin", "fullName": "Event Store Administrator", "groups": ["$admins"]}),
                now,
            );
            store.append_json_as_system("$users", "$User", &serde_json::json!("admin"), now);
        }
        store
    }

    /// Returns the limits that it keeps.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns all records in the order of commit.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Returns the streams.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Returns an id from the store's source.
    pub fn new_id(&mut self) -> Uuid {
        self.ids.next_id()
    }

    /// Appends events, all or none.
    pub fn append(
        &mut self,
        stream: &str,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Appended, WriteError> {
        let stream = SmolStr::new(stream);
        self.check_limits(&stream, &events)?;
        let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
        let before = self.log.len();
        let (at, recreates) = match self.streams.check(&stream, expected, &ids, &self.recent)? {
            Decision::Write { at, recreates } => (at, recreates),
            Decision::Idempotent { last_matched } => {
                let readable = self.streams.visible_record(&stream, last_matched, now);
                return Ok(Appended {
                    revision: Some(last_matched),
                    position: readable.map(|record| record.position),
                    committed: before..before,
                });
            }
        };
        if events.is_empty() {
            return Ok(Appended { revision: at.checked_sub(1), position: None, committed: before..before });
        }
        let metadata_were_deleting = self.described_soft_delete(&stream);
        let last = self.write(&stream, at, events, now);
        for (offset, id) in ids.iter().enumerate() {
            self.recent.remember(*id, &stream, at + offset as u64);
        }
        if recreates {
            self.bring_back(&stream, at, now);
        } else if let Some(described) = metadata_were_deleting {
            let next = self.streams.get(&described).map_or(0, |stream| stream.next_revision());
            self.bring_back(&described, next, now);
        }
        self.project_from(before, now);
        Ok(Appended {
            revision: Some(last.revision),
            position: Some(last.position),
            committed: before..self.log.len(),
        })
    }

    /// Appends what the server itself writes: whatever the revision, and whatever the size.
    ///
    /// Panics never, but a stream that was deleted for good stays so: then nothing is committed.
    pub fn append_as_system(&mut self, stream: &str, events: Vec<NewEvent>, now: Timestamp) -> Range<usize> {
        let stream = SmolStr::new(stream);
        let before = self.log.len();
        let decision = self.streams.check(&stream, ExpectedRevision::Any, &[], &self.recent);
        let Ok(Decision::Write { at, recreates }) = decision else { return before..before };
        if events.is_empty() {
            return before..before;
        }
        self.write(&stream, at, events, now);
        if recreates {
            self.bring_back(&stream, at, now);
        }
        self.project_from(before, now);
        before..self.log.len()
    }

    /// Appends one JSON event that the server itself writes, under a new id.
    pub fn append_json_as_system(
        &mut self,
        stream: &str,
        event_type: &str,
        data: &serde_json::Value,
        now: Timestamp,
    ) -> Range<usize> {
        let event = NewEvent {
            id: self.new_id(),
            event_type: SmolStr::new(event_type),
            data: Bytes::from(data.to_string()),
            metadata: Bytes::new(),
            is_json: true,
        };
        self.append_as_system(stream, vec![event], now)
    }

    /// Hides all events of a stream; the next append brings it back without them.
    ///
    /// A stream that has neither events nor metadata cannot be deleted, whatever is expected of it.
    pub fn delete(
        &mut self,
        stream: &str,
        expected: ExpectedRevision,
        now: Timestamp,
    ) -> Result<Deleted, WriteError> {
        let stream = SmolStr::new(stream);
        self.check_deletion(&stream, expected)?;
        if self
            .streams
            .get(&stream)
            .is_none_or(|found| found.records().is_empty() && found.metadata().is_none())
        {
            return Err(WriteError::WrongExpectedRevision { stream, expected, current: None });
        }
        let before = self.log.len();
        let metadata = serde_json::json!({"$tb": SOFT_DELETE_MARKER});
        let committed = self.append_json_as_system(&metastream_of(&stream), METADATA_TYPE, &metadata, now);
        match self.log.get(before) {
            Some(record) => Ok(Deleted { position: record.position, committed }),
            None => Err(WriteError::StreamDeleted { stream }),
        }
    }

    /// Deletes a stream for good, even one that never was.
    pub fn tombstone(
        &mut self,
        stream: &str,
        expected: ExpectedRevision,
        now: Timestamp,
    ) -> Result<Deleted, WriteError> {
        let stream = SmolStr::new(stream);
        self.check_deletion(&stream, expected)?;
        let before = self.log.len();
        let event = NewEvent {
            id: self.new_id(),
            event_type: SmolStr::new_static(TOMBSTONE_TYPE),
            data: Bytes::new(),
            metadata: Bytes::new(),
            is_json: false,
        };
        let record = self.write(&stream, TOMBSTONE_REVISION, vec![event], now);
        self.project_from(before, now);
        Ok(Deleted { position: record.position, committed: before..self.log.len() })
    }

    /// Sets the first visible revision of a stream, keeping the rest of its metadata.
    pub fn set_truncate_before(&mut self, stream: &str, revision: u64, now: Timestamp) -> Range<usize> {
        let current = self.streams.get(stream).and_then(|stream| stream.metadata());
        let data = current
            .and_then(|metadata| with_truncate_before(&metadata.raw, revision))
            .unwrap_or_else(|| format!(r#"{{"$tb":{revision}}}"#).into_bytes());
        let event = NewEvent {
            id: self.new_id(),
            event_type: SmolStr::new_static(METADATA_TYPE),
            data: Bytes::from(data),
            metadata: Bytes::new(),
            is_json: true,
        };
        self.append_as_system(&metastream_of(stream), vec![event], now)
    }

    /// Returns a reader of this state, which sees events as old as they are at `now`.
    pub fn reader(&self, now: Timestamp) -> Reader<'_> {
        Reader { log: &self.log, streams: &self.streams, now }
    }

    /// Returns what a reader of `record` gets.
    pub fn resolve(&self, record: &Arc<Record>, links: Links, now: Timestamp) -> ResolvedEvent {
        self.reader(now).resolve(record, links)
    }

    /// Reads at most `max` revisions of a stream forwards, from revision `from` on.
    pub fn read_stream_forward(
        &self,
        stream: &str,
        from: u64,
        max: usize,
        links: Links,
        now: Timestamp,
    ) -> Result<StreamPage, Unreadable> {
        self.reader(now).stream_forward(stream, from, max, links)
    }

    /// Reads `$all` forwards from log index `from` on (see [`Log::index_at`]), considering at most `consider` records.
    pub fn read_all_forward(
        &self,
        from: usize,
        consider: usize,
        filter: &Filter,
        links: Links,
        now: Timestamp,
    ) -> AllPage {
        self.reader(now).all_forward(from, usize::MAX, consider, filter, links)
    }

    fn check_limits(&self, stream: &SmolStr, events: &[NewEvent]) -> Result<(), WriteError> {
        if !is_valid_name(stream) {
            return Err(WriteError::InvalidStreamName { name: stream.clone() });
        }
        let mut bytes = 0_usize;
        for (index, event) in events.iter().enumerate() {
            if event.id.is_nil() || event.event_type.is_empty() {
                return Err(WriteError::InvalidEvent { index });
            }
            let size = event.size_bytes();
            if size > self.settings.max_append_event_bytes {
                let limit = self.settings.max_append_event_bytes;
                return Err(WriteError::EventTooLarge { id: event.id, bytes: size, limit });
            }
            bytes += size;
        }
        let limit = self.settings.max_append_bytes;
        if bytes > limit { Err(WriteError::AppendTooLarge { bytes, limit }) } else { Ok(()) }
    }

    /// Checks a deletion as an append of one event that nobody wrote before.
    fn check_deletion(&mut self, stream: &SmolStr, expected: ExpectedRevision) -> Result<(), WriteError> {
        if !is_valid_name(stream) {
            return Err(WriteError::InvalidStreamName { name: stream.clone() });
        }
        let id = self.ids.next_id();
        self.streams.check(stream, expected, &[id], &self.recent).map(|_| ())
    }

    /// Commits events from revision `at` on, and returns the record of the last one.
    fn write(&mut self, stream: &SmolStr, at: u64, events: Vec<NewEvent>, now: Timestamp) -> Arc<Record> {
        let mut last = None;
        for (revision, event) in (at..).zip(events) {
            let record = self.log.push(stream.clone(), revision, event, now);
            self.streams.commit(&record);
            last = Some(record);
        }
        last.expect("a write has at least one event")
    }

    /// Returns the stream that `metastream` describes, if that is softly deleted: writing its metadata brings it back.
    fn described_soft_delete(&self, metastream: &str) -> Option<SmolStr> {
        let described = metastream.strip_prefix(METASTREAM_PREFIX)?;
        let stream = self.streams.get(described)?;
        let deleted = stream.metadata()?.effect.is_soft_delete() && stream.tombstone().is_none();
        deleted.then(|| SmolStr::new(described))
    }

    /// Makes a softly deleted stream visible from `first_visible` on, its metadata being otherwise as they are now.
    fn bring_back(&mut self, stream: &SmolStr, first_visible: u64, now: Timestamp) {
        let raw = self.streams.get(stream).and_then(|stream| stream.metadata()).map(|current| &current.raw);
        let Some(data) = raw.and_then(|raw| with_truncate_before(raw, first_visible)) else { return };
        let metastream = metastream_of(stream);
        let at = self.streams.get(&metastream).map_or(0, |stream| stream.next_revision());
        let event = NewEvent {
            id: self.ids.next_id(),
            event_type: SmolStr::new_static(METADATA_TYPE),
            data: Bytes::from(data),
            metadata: Bytes::new(),
            is_json: true,
        };
        self.write(&metastream, at, vec![event], now);
    }

    /// Runs the system projections over everything committed from log index `from` on, their own records included.
    fn project_from(&mut self, from: usize, now: Timestamp) {
        if !self.settings.system_projections {
            return;
        }
        let mut index = from;
        while let Some(record) = self.log.get(index).cloned() {
            for emission in category::emissions(&record) {
                let stream = self.streams.get(&emission.stream);
                if stream.is_some_and(|stream| stream.tombstone().is_some()) {
                    continue;
                }
                let at = stream.map_or(0, |stream| stream.next_revision());
                let event = emission.into_event(self.ids.next_id());
                let (target, event) = event;
                self.write(&target, at, vec![event], now);
            }
            index += 1;
        }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
