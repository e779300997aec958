//! How fast a graph is rebuilt in a real Neo4j, beside what the server can do at all: one run, one server, ratios.
//!
//! The whole Apollo 13 transcript goes through the pipeline once. Its events are then projected three ways:
//!
//! - `one transaction per event`, as a service without batches does it, on a part of them;
//! - `projector`: the projection service, end to end from the persistent subscriptions;
//! - `bare UNWIND`: the same rows, prepared in memory, written by hand-made bulk statements without guards, sequence links or
//!   any check: the limit. The best of several batch sizes counts.
//!
//! Not a criterion bench: one pass takes a minute, and what matters is the ratio of passes side by side. Needs a JDK and Maven.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cutover_benches::apollo_13;
use cutover_core::analysed::{AnalysedFile, AnalysisOutcome};
use cutover_core::event::RecordedEvent;
use cutover_core::graph::{ChangeSet, Guard};
use cutover_core::ids::{ProjectId, SentenceId, StreamName};
use cutover_core::limits::LimitsTable;
use cutover_core::timestamp::Timestamp;
use cutover_core::{projection, wire};
use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::event_log::{EventLog, EventStoreDb};
use cutover_engines::graph::{Graph, MemoryGraph, Neo4jGraph, Neo4jSettings, Schema};
use cutover_harness::provision::process::{Installation, Server, ServerSettings, cache_folder};
use cutover_service::pipeline::analyse::Lexical;
use cutover_service::pipeline::{Clock, Pipeline, RequestContext, SeededIds, analyse_file};
use cutover_service::projection::{ProjectionService, Settings};
use neo4rs::{BoltList, BoltMap, BoltType, query};

/// How many events the slow way is measured on.
const SINGLE_EVENTS: usize = 1_000;
const BATCH_SIZES: [usize; 4] = [500, 1_000, 2_000, 4_000];

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(1_700_000_000_000)
    }
}

#[tokio::main]
async fn main() {
    // `cargo bench` passes flags of its own; `cargo test --benches` asks for a run that measures nothing.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let file = analyse_file("apollo13.txt", &apollo_13(), &ProjectId::new("apollo"), Some("en"), &Lexical)
        .expect("a transcript");
    let store = EmbeddedEventStore::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a store");
    let log: Arc<dyn EventLog> = Arc::new(EventStoreDb::new(&store.connection_string()).expect("an address"));
    fill(&log, &file).await;

    let cache = cache_folder(|name| std::env::var_os(name)).expect("a cache folder");
    let installation = Installation::ensure(&cache).expect("Neo4j's jars");
    let folder = std::env::temp_dir().join(format!("cutover-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let started = Instant::now();
    let server = Server::start(
        &installation,
        &ServerSettings::default(),
        &folder.join("data"),
        0,
        &folder.join("log"),
    )
    .await
    .expect("a server");
    show("start-up of the server", &format!("{:.1} s", started.elapsed().as_secs_f64()));

    // Once unmeasured: the server compiles its plans and its code.
    let events = all_events(&log).await;
    bare_unwind(&server, &file, 2_000).await;
    one_by_one(&server, &events[..SINGLE_EVENTS / 5]).await;

    let single = one_by_one(&server, &events[..SINGLE_EVENTS]).await;
    show("one transaction per event", &format!("{single:.0} events/s over {SINGLE_EVENTS} events"));
    let mut limit = 0.0_f64;
    for size in BATCH_SIZES {
        let rate = bare_unwind(&server, &file, size).await;
        show(&format!("bare UNWIND, {size} sentences a transaction"), &format!("{rate:.0} events/s"));
        limit = limit.max(rate);
    }
    let projected = projector(&server, &log).await;
    show("projector, end to end", &format!("{projected:.0} events/s over {} events", events.len()));
    show("projector / one transaction per event", &format!("{:.1}", projected / single));
    show("projector / bare UNWIND", &format!("{:.2}", projected / limit));
    server.stop().await.expect("a stopped server");
    store.shutdown().await;
    let _ = std::fs::remove_dir_all(&folder);
}

#[expect(clippy::print_stdout, reason = "figures are this program's output")]
fn show(what: &str, figure: &str) {
    println!("{what:<48} {figure}");
}

/// Writes the file's events into the store, as dual-write does.
async fn fill(log: &Arc<dyn EventLog>, file: &AnalysedFile) {
    let direct = Arc::new(MemoryGraph::new(Schema::Direct));
    let ids = Arc::new(SeededIds::new(uuid::Uuid::nil()));
    let pipeline = Pipeline::new(direct, log.clone(), Arc::new(Fixed), ids, Default::default());
    pipeline.ingest(file, &RequestContext::system()).await.expect("a written file");
    pipeline.drain().await.expect("an empty outbox");
}

/// Reads every event of the file in the order of the interview and its sentences.
async fn all_events(log: &Arc<dyn EventLog>) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    for category in ["$ce-Interview", "$ce-Sentence"] {
        let links = log.read(&StreamName::new(category), 0, usize::MAX >> 1).await.expect("links");
        let mut streams: Vec<StreamName> = Vec::new();
        for link in links {
            let (_, stream) =
                std::str::from_utf8(&link.data).ok().and_then(|text| text.split_once('@')).expect("a link");
            if streams.last().is_none_or(|last| last.as_str() != stream) {
                streams.push(StreamName::new(stream));
            }
        }
        for stream in streams {
            events.extend(log.read(&stream, 0, 100).await.expect("events"));
        }
    }
    events
}

async fn empty_graph(server: &Server) -> Neo4jGraph {
    let graph = Neo4jGraph::new(Neo4jSettings {
        uri: server.uri().to_owned(),
        user: "neo4j".to_owned(),
        password: "neo4j".to_owned(),
        database: None,
        schema: Schema::Projected,
        timeout: Duration::from_secs(120),
    })
    .expect("an address");
    graph.erase().await.expect("an empty graph");
    graph.prepare(Schema::Projected).await.expect("constraints");
    graph
}

/// Applies each event in a transaction of its own, one after the other.
async fn one_by_one(server: &Server, events: &[RecordedEvent]) -> f64 {
    let graph = empty_graph(server).await;
    let limits = LimitsTable::default();
    let started = Instant::now();
    for recorded in events {
        let event = wire::decode(recorded).expect("an event");
        let guard = Guard { aggregate: event.metadata.aggregate, version: event.metadata.version };
        let changes = projection::project(&event, &limits);
        graph.apply(&[ChangeSet { guard: Some(guard), changes }]).await.expect("an applied event");
    }
    events.len() as f64 / started.elapsed().as_secs_f64()
}

async fn projector(server: &Server, log: &Arc<dyn EventLog>) -> f64 {
    let graph = Arc::new(empty_graph(server).await);
    let service = ProjectionService::new(log.clone(), graph, Settings::default());
    let started = Instant::now();
    let report = service.catch_up().await.expect("a projected log");
    report.metrics.counters.processed as f64 / started.elapsed().as_secs_f64()
}

/// Writes the rows of `size` sentences in each transaction, with one statement for each kind of row.
async fn bare_unwind(server: &Server, file: &AnalysedFile, size: usize) -> f64 {
    empty_graph(server).await;
    let client = neo4rs::Graph::new(server.uri(), "neo4j", "neo4j").expect("an address");
    let sentences: Vec<BoltType> = (0..file.sentences.len()).map(|index| sentence_row(file, index)).collect();
    let started = Instant::now();
    client
        .run(query("CREATE (:Interview {interview_id: $id})").param("id", file.interview.to_string()))
        .await
        .expect("an interview");
    for rows in sentences.chunks(size) {
        let mut transaction = client.start_txn().await.expect("a transaction");
        for statement in BARE {
            let rows = BoltType::List(BoltList::from(rows.to_vec()));
            let query = query(statement).param("rows", rows).param("interview", file.interview.to_string());
            transaction.run(query).await.expect("written rows");
        }
        transaction.commit().await.expect("a committed transaction");
    }
    // Two events make a sentence with its analysis.
    (2 * file.sentences.len()) as f64 / started.elapsed().as_secs_f64()
}

const BARE: [&str; 4] = [
    "MATCH (i:Interview {interview_id: $interview}) MERGE (f:SourceFile {filename: 'apollo13.txt'}) WITH i, f \
     UNWIND $rows AS r MERGE (s:Sentence {sentence_id: r.id}) SET s += r.properties \
     MERGE (i)-[:HAS_SENTENCE]->(s) MERGE (s)-[:PART_OF_FILE]->(f)",
    "UNWIND $rows AS r MATCH (s:Sentence {sentence_id: r.id}) \
     MERGE (a:Analysis {analysis_id: r.analysis}) SET a.model = 'lexical' MERGE (s)-[:HAS_ANALYSIS]->(a)",
    "UNWIND $rows AS r MATCH (a:Analysis {analysis_id: r.analysis}) \
     MERGE (f:FunctionType {name: r.function}) MERGE (t:StructureType {name: r.structure}) \
     MERGE (p:Purpose {name: r.purpose}) \
     CREATE (a)-[:HAS_FUNCTION {is_edited: false}]->(f) CREATE (a)-[:HAS_STRUCTURE {is_edited: false}]->(t) \
     CREATE (a)-[:HAS_PURPOSE {is_edited: false}]->(p)",
    "UNWIND $rows AS r MATCH (a:Analysis {analysis_id: r.analysis}) \
     FOREACH (value IN r.keywords | MERGE (k:Keyword {text: value}) \
       CREATE (a)-[:MENTIONS_OVERALL_KEYWORD {is_edited: false}]->(k)) \
     FOREACH (value IN r.topics | MERGE (t:Topic {name: value}) \
       CREATE (a)-[:MENTIONS_TOPIC {is_edited: false}]->(t)) \
     FOREACH (value IN r.domain_keywords | MERGE (d:DomainKeyword {text: value}) \
       CREATE (a)-[:MENTIONS_DOMAIN_KEYWORD {is_edited: false}]->(d))",
];

fn sentence_row(file: &AnalysedFile, index: usize) -> BoltType {
    let sentence = &file.sentences[index];
    let AnalysisOutcome::Found { findings, .. } = &sentence.analysis else {
        panic!("the lexical analyser finds something in every sentence")
    };
    let id = SentenceId::at(file.interview, index as u32).to_string();
    let texts = |values: &[smol_str::SmolStr]| {
        BoltType::List(BoltList::from(
            values.iter().map(|value| BoltType::from(value.as_str())).collect::<Vec<_>>(),
        ))
    };
    let class = &findings.classification;
    let properties = map([
        ("interview_id", BoltType::from(file.interview.to_string())),
        ("sequence_order", BoltType::from(index as i64)),
        ("text", BoltType::from(sentence.text.as_str())),
        ("speaker", BoltType::from(sentence.speaker.as_deref().unwrap_or_default())),
        ("start_ms", BoltType::from(sentence.start_ms.unwrap_or_default() as i64)),
        ("end_ms", BoltType::from(sentence.end_ms.unwrap_or_default() as i64)),
        ("status", BoltType::from("analyzed")),
        ("is_edited", BoltType::from(false)),
        ("event_version", BoltType::from(1_i64)),
    ]);
    map([
        ("analysis", BoltType::from(format!("{id}-analysis-1"))),
        ("id", BoltType::from(id)),
        ("properties", properties),
        ("function", BoltType::from(class.function_type.as_str())),
        ("structure", BoltType::from(class.structure_type.as_str())),
        ("purpose", BoltType::from(class.purpose.as_str())),
        ("keywords", texts(&findings.keywords[..findings.keywords.len().min(6)])),
        ("topics", texts(&findings.topics)),
        ("domain_keywords", texts(&findings.domain_keywords)),
    ])
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, BoltType)>) -> BoltType {
    let mut map = BoltMap::default();
    for (name, value) in entries {
        map.put(name.into(), value);
    }
    BoltType::Map(map)
}
