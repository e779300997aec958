//! What is replayed: the events that the pipeline makes of the Apollo 13 transcript, as often as wanted.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use cutover_benches::apollo_13;
use cutover_core::event::{Event, RecordedEvent};
use cutover_core::graph::{Change, Rel, Value};
use cutover_core::ids::{ProjectId, StreamName};
use cutover_core::limits::LimitsTable;
use cutover_core::timestamp::Timestamp;
use cutover_core::{projection, wire};
use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::event_log::{EventLog, EventStoreDb};
use cutover_engines::graph::{MemoryGraph, Schema};
use cutover_service::pipeline::analyse::Lexical;
use cutover_service::pipeline::{Clock, Pipeline, RequestContext, SeededIds, analyse_file};
use neo4rs::{BoltList, BoltMap, BoltType};
use smol_str::SmolStr;

pub(crate) struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(1_700_000_000_000)
    }
}

/// An event store with events in it, over the wire.
pub(crate) struct Store {
    server: EmbeddedEventStore,
    pub(crate) log: Arc<dyn EventLog>,
}

impl Store {
    /// Starts a store with the events of so many copies of the transcript, as dual-write appends them.
    pub(crate) async fn filled(copies: usize) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = EmbeddedEventStore::start(listen).await.expect("a store");
        let log = Arc::new(EventStoreDb::new(&server.connection_string()).expect("an address"));
        let transcript = apollo_13();
        for copy in 0..copies {
            let name = format!("apollo13-{copy:02}.txt");
            let project = ProjectId::new("apollo");
            let file =
                analyse_file(&name, &transcript, &project, Some("en"), &Lexical).expect("a transcript");
            let direct = Arc::new(MemoryGraph::new(Schema::Direct));
            let ids = Arc::new(SeededIds::new(uuid::Uuid::from_u128(copy as u128)));
            let inside = Arc::new(server.in_process());
            let pipeline = Pipeline::new(direct, inside, Arc::new(Fixed), ids, Default::default());
            pipeline.ingest(&file, &RequestContext::system()).await.expect("a written file");
            pipeline.drain().await.expect("an empty outbox");
        }
        Self { server, log }
    }

    /// Reads every event: the interview's first, and then those of its sentences, one after the other.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for category in ["$ce-Interview", "$ce-Sentence"] {
            let links = self.log.read(&StreamName::new(category), 0, usize::MAX >> 1).await.expect("links");
            let mut streams: Vec<&str> = links.iter().map(origin).collect();
            let mut seen = rustc_hash::FxHashSet::default();
            streams.retain(|stream| seen.insert(*stream));
            for stream in streams {
                let recorded = self.log.read(&StreamName::new(stream), 0, 100).await.expect("events");
                events.extend(recorded.iter().map(|event| wire::decode(event).expect("an event")));
            }
        }
        events
    }

    pub(crate) async fn stop(self) {
        self.server.shutdown().await;
    }
}

/// Returns the stream that a link leads to.
fn origin(link: &RecordedEvent) -> &str {
    let text = std::str::from_utf8(&link.data).ok();
    text.and_then(|text| text.split_once('@')).expect("a link").1
}

/// One sentence with its analysis, as the projected graph has them.
pub(crate) struct Row {
    pub(crate) sentence: SmolStr,
    pub(crate) properties: BoltType,
    pub(crate) analysis: SmolStr,
    pub(crate) analysis_properties: BoltType,
    /// The values of each dimension, up to its limit.
    pub(crate) dimensions: Vec<(Rel, Vec<SmolStr>)>,
}

/// Returns the sentences that events make, in their order. They have two events each.
pub(crate) fn rows(events: &[Event]) -> Vec<Row> {
    let sentences: Vec<&Event> = events
        .iter()
        .filter(|event| event.metadata.aggregate.as_uuid() != events[0].metadata.aggregate.as_uuid())
        .collect();
    sentences.chunks(2).map(row).collect()
}

fn row(events: &[&Event]) -> Row {
    let limits = LimitsTable::default();
    let (mut sentence, mut properties) = (SmolStr::default(), BoltMap::default());
    let (mut analysis, mut analysis_properties) = (SmolStr::default(), BoltMap::default());
    let mut dimensions = Vec::new();
    for change in events.iter().flat_map(|event| projection::project(event, &limits)) {
        match change {
            Change::Upsert { node, set, .. } => {
                if let cutover_core::graph::NodeRef::Child { key: Some(Value::Text(key)), .. } = node {
                    sentence = key;
                }
                set.iter().for_each(|(name, value)| properties.put(name.as_str().into(), bolt(value)));
            }
            Change::Update { set, .. } => {
                set.iter().for_each(|(name, value)| properties.put(name.as_str().into(), bolt(value)));
            }
            Change::ReplaceAnalysis { analysis_id, properties, .. } => {
                analysis = analysis_id;
                properties
                    .iter()
                    .for_each(|(name, value)| analysis_properties.put(name.as_str().into(), bolt(value)));
            }
            Change::SetDimension { rel, mut values, limit, .. } => {
                let mut seen = rustc_hash::FxHashSet::default();
                values.retain(|value| seen.insert(value.clone()));
                values.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
                dimensions.push((rel, values));
            }
            _ => {}
        }
    }
    let (properties, analysis_properties) = (BoltType::Map(properties), BoltType::Map(analysis_properties));
    Row { sentence, properties, analysis, analysis_properties, dimensions }
}

pub(crate) fn bolt(value: &Value) -> BoltType {
    match value {
        Value::Bool(value) => BoltType::from(*value),
        Value::Int(value) => BoltType::from(*value),
        Value::Float(value) => BoltType::from(*value),
        Value::Text(text) => BoltType::from(text.as_str()),
        Value::Time(time) => {
            let time = time.as_offset_date_time();
            let time = chrono::DateTime::from_timestamp(time.unix_timestamp(), time.nanosecond());
            BoltType::from(time.expect("a time of our days").fixed_offset())
        }
        Value::List(values) => list(values.iter().map(bolt)),
    }
}

pub(crate) fn list(values: impl IntoIterator<Item = BoltType>) -> BoltType {
    BoltType::List(BoltList::from(values.into_iter().collect::<Vec<_>>()))
}

pub(crate) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, BoltType)>) -> BoltType {
    let mut map = BoltMap::default();
    for (name, value) in entries {
        map.put(name.into(), value);
    }
    BoltType::Map(map)
}
