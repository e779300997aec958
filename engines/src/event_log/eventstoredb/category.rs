//! The system projections: which links a committed record leads to.
//!
//! [`emissions`] looks at one record and answers with the events to write for it: into `$ce-` (by category), `$et-` (by
//! event type), `$streams`, `$category-` and `$bc-` (by correlation id). It keeps no state: each projection decides by
//! the record alone. Writing them is left to [`super::store`].

use std::borrow::Cow;

use prost::bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};
use uuid::Uuid;

use super::filter::is_own_of_all_group;
use super::log::{LINK_TYPE, METADATA_TYPE, NewEvent, Record};
use super::metadata::StreamMetadata;
use super::streams::{METASTREAM_PREFIX, link_data, link_to};

/// The type of the events in `$category-` streams, whose data are the name of a stream.
pub const STREAM_REFERENCE_TYPE: &str = "$@";

/// An event that a projection writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emission {
    /// The stream that it goes to.
    pub stream: SmolStr,
    /// Its type.
    pub event_type: &'static str,
    /// Its data.
    pub data: Bytes,
    /// Its metadata: which record caused it, as JSON.
    pub metadata: Bytes,
}

impl Emission {
    /// Returns the stream and the event to write there.
    pub fn into_event(self, id: Uuid) -> (SmolStr, NewEvent) {
        let event = NewEvent {
            id,
            event_type: SmolStr::new_static(self.event_type),
            data: self.data,
            metadata: self.metadata,
            is_json: false,
        };
        (self.stream, event)
    }
}

/// The projections, each with the number that its links carry in `$v`.
#[derive(Debug, Clone, Copy)]
enum Projection {
    Streams = 1,
    ByCategory = 2,
    ByEventType = 3,
    StreamByCategory = 4,
    ByCorrelationId = 5,
}

/// Returns what the projections write for `record`, in the order of their numbers.
pub fn emissions(record: &Record) -> Vec<Emission> {
    // Projections read `$all`, which does not show these. They would also never end: the checkpoint of a group on
    // `$all` would become a link there, the link an event to skip, and that the next checkpoint.
    if is_own_of_all_group(record) || !has_valid_content(record) {
        return Vec::new();
    }
    let source = Source::of(record);
    [
        to_streams(&source),
        by_category(&source),
        by_event_type(&source),
        stream_by_category(&source),
        by_correlation_id(&source),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the category of a stream: its name up to the first `-`. Streams of the system have none.
pub fn category_of(stream: &str) -> Option<&str> {
    let (category, _) = stream.split_once('-')?;
    (!category.is_empty() && !stream.starts_with('$')).then_some(category)
}

/// A record, and what several projections want to know of it.
struct Source<'a> {
    record: &'a Record,
    /// The stream that the record deletes, softly or for good.
    deletes: Option<&'a str>,
    correlation_id: Option<SmolStr>,
}

impl<'a> Source<'a> {
    fn of(record: &'a Record) -> Self {
        Self { record, deletes: deleted_stream(record), correlation_id: correlation_id(&record.metadata) }
    }

    fn link(&self, projection: Projection, stream: SmolStr, data: Bytes, deletes: Option<&str>) -> Emission {
        let metadata = Cause {
            version: format!("{}:-1:1:4", projection as u8),
            commit: self.record.position,
            prepare: self.record.position,
            origin: deletes.unwrap_or(&self.record.stream),
            deleted: deletes.map(|_| -1),
            caused_by: self.record.id,
            correlation_id: self.correlation_id.as_deref(),
        };
        let metadata = serde_json::to_vec(&metadata).expect("strings and numbers are always JSON");
        Emission { stream, event_type: LINK_TYPE, data, metadata: metadata.into() }
    }
}

/// The metadata of a link: what made the projection write it.
#[derive(Serialize)]
struct Cause<'a> {
    #[serde(rename = "$v")]
    version: String,
    #[serde(rename = "$c")]
    commit: u64,
    #[serde(rename = "$p")]
    prepare: u64,
    #[serde(rename = "$o")]
    origin: &'a str,
    #[serde(rename = "$deleted", skip_serializing_if = "Option::is_none")]
    deleted: Option<i8>,
    #[serde(rename = "$causedBy")]
    caused_by: Uuid,
    #[serde(rename = "$correlationId", skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
}

fn to_streams(source: &Source<'_>) -> Option<Emission> {
    let record = source.record;
    (record.revision == 0)
        .then(|| source.link(Projection::Streams, "$streams".into(), link_data(0, &record.stream), None))
}

/// A deletion is linked as well: into the category of what it deletes, with that stream as the origin.
fn by_category(source: &Source<'_>) -> Option<Emission> {
    let record = source.record;
    let category = category_of(source.deletes.unwrap_or(&record.stream))?;
    let (_, data) = link_to(record);
    Some(source.link(Projection::ByCategory, format_smolstr!("$ce-{category}"), data, source.deletes))
}

/// Links are not linked. An event of a metastream is linked as if it were in the stream described: a quirk that readers
/// of `$et-$metadata` know.
fn by_event_type(source: &Source<'_>) -> Option<Emission> {
    let record = source.record;
    if record.is_link() {
        return None;
    }
    let event_type = if source.deletes.is_some() { "$deleted" } else { &record.event_type };
    let stream = record.stream.strip_prefix(METASTREAM_PREFIX).unwrap_or(&record.stream);
    let data = link_data(record.revision, stream);
    Some(source.link(Projection::ByEventType, format_smolstr!("$et-{event_type}"), data, None))
}

fn stream_by_category(source: &Source<'_>) -> Option<Emission> {
    let record = source.record;
    let category = category_of(&record.stream).filter(|_| record.revision == 0)?;
    let data = Bytes::copy_from_slice(record.stream.as_bytes());
    let link = source.link(Projection::StreamByCategory, format_smolstr!("$category-{category}"), data, None);
    Some(Emission { event_type: STREAM_REFERENCE_TYPE, ..link })
}

/// Links and stream references carry the id of what caused them: they are not events of their own under it.
fn by_correlation_id(source: &Source<'_>) -> Option<Emission> {
    let record = source.record;
    let is_event = !record.is_link() && record.event_type != STREAM_REFERENCE_TYPE;
    let id = source.correlation_id.as_ref().filter(|_| is_event)?;
    let data = link_data(record.revision, &record.stream);
    Some(source.link(Projection::ByCorrelationId, format_smolstr!("$bc-{id}"), data, None))
}

/// Returns the stream that `record` deletes, softly or for good.
fn deleted_stream(record: &Record) -> Option<&str> {
    if record.is_tombstone() {
        return Some(&record.stream);
    }
    let described = record.stream.strip_prefix(METASTREAM_PREFIX)?;
    let deletes = record.event_type == METADATA_TYPE
        && StreamMetadata::parse(&record.data, record.is_json).is_soft_delete();
    deletes.then_some(described)
}

/// Tells whether the data are what they are declared to be: what claims to be JSON and is not is projected nowhere.
fn has_valid_content(record: &Record) -> bool {
    !record.is_json
        || std::str::from_utf8(&record.data)
            .is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

/// Returns the `$correlationId` of metadata that are a JSON object.
fn correlation_id(metadata: &[u8]) -> Option<SmolStr> {
    #[derive(Deserialize)]
    struct Correlated<'a> {
        #[serde(rename = "$correlationId", borrow)]
        id: Cow<'a, str>,
    }
    // Most metadata have none: look before parsing.
    const KEY: &[u8] = b"$correlationId";
    if !metadata.windows(KEY.len()).any(|window| window == KEY) {
        return None;
    }
    let Correlated { id } = serde_json::from_slice(metadata).ok()?;
    (!id.is_empty()).then(|| SmolStr::new(id))
}
