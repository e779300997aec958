//! Faults of the world on real engines: servers killed, silent, read-only, full, or cut off, while the projection runs. None costs an
//! event, parks a healthy one, or uses up a retry.
//!
//! What the tests share is here: a log full of events with the graph that they make, and servers of a test's own.

mod credentials;
mod disk;
mod event_store;
mod hubs;
mod kill;
mod memory;
mod proxy;
mod read_only;
mod schema;
mod silence;
mod start;
mod two_services;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cutover_core::ids::ProjectId;
use cutover_core::projector::{Backoff, Settings as ProjectorSettings};
use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::event_log::{EventLog, EventStoreDb};
use cutover_engines::graph::{Graph, MemoryGraph, Neo4jGraph, Neo4jSettings, Schema, dump};
use cutover_harness::provision::process::{Installation, Server, ServerError, ServerSettings, cache_folder};
use cutover_harness::seed::Seed;
use cutover_harness::transcripts;
use cutover_harness::workload::clock::SteppingClock;
use cutover_service::pipeline::analyse::Lexical;
use cutover_service::pipeline::{self, Pipeline, RequestContext, SeededIds, analyse_file};
use cutover_service::projection::{Groups, ProjectionError, ProjectionService, Report, Settings};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Decides every moment of every fault.
const SEED: Seed = Seed::new(7301);

/// The transcripts that the events come from: short ones of several interviews, so that several lanes have work.
const TRANSCRIPTS: [&str; 4] = [
    "01_apollo11_landing.txt",
    "03_gemini4_spacewalk.txt",
    "10_diderot_neveu_de_rameau_fr.txt",
    "12_apollo13_problem.txt",
];

/// A log full of events, and the graph that they make. It is there once, for all tests of this process.
struct Recorded {
    store: SocketAddr,
    connection: String,
    expected: String,
}

/// Sends transcripts through the pipeline, and projects what comes of them in memory. The event store lives on a thread of its own,
/// since a test's runtime ends with the test.
fn recorded() -> &'static Recorded {
    static RECORDED: OnceLock<Recorded> = OnceLock::new();
    RECORDED.get_or_init(|| {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let store = EmbeddedEventStore::start(listen).await.expect("a store");
                tell.send(record(&store).await).expect("somebody asked");
                std::future::pending::<()>().await;
            });
        });
        told.recv().expect("a log that was recorded")
    })
}

async fn record(store: &EmbeddedEventStore) -> Recorded {
    let log = Arc::new(store.in_process());
    let pipeline = Pipeline::new(
        Arc::new(MemoryGraph::new(Schema::Direct)),
        log.clone(),
        Arc::new(SteppingClock::default()),
        Arc::new(SeededIds::new(Uuid::from_u128(1))),
        pipeline::Settings::default(),
    );
    let project = ProjectId::new("faults");
    for transcript in transcripts::bundled() {
        if TRANSCRIPTS.contains(&transcript.name.as_str()) {
            let text = transcript.text.as_bytes();
            let file = analyse_file(&transcript.name, text, &project, None, &Lexical).expect("a transcript");
            pipeline.ingest(&file, &RequestContext::system()).await.expect("a file that is written");
        }
    }
    pipeline.drain().await.expect("a drained outbox");
    let graph = Arc::new(MemoryGraph::new(Schema::Projected));
    let in_memory = Settings { groups: Groups::named("expected"), ..Settings::default() };
    let report = ProjectionService::new(log, graph.clone(), in_memory).catch_up().await.expect("a graph");
    let events = report.metrics.counters.processed;
    assert!(events > 1_500, "{events} events are not enough to be in the middle of them");
    Recorded {
        store: store.address(),
        connection: store.connection_string(),
        expected: dump(&*graph).await.expect("a graph in memory can be read"),
    }
}

/// What one test sees of the log: its own connection, and its own consumer groups.
pub(crate) struct History {
    recorded: &'static Recorded,
    log: Arc<EventStoreDb>,
    groups: Groups,
}

impl History {
    /// Connects a test to the log. Its name becomes that of its groups.
    pub(crate) fn of(test: &str) -> Self {
        let recorded = recorded();
        let log = Arc::new(EventStoreDb::new(&recorded.connection).expect("an address"));
        Self { recorded, log, groups: Groups::named(test) }
    }

    /// Returns where the event store listens.
    pub(crate) fn store(&self) -> SocketAddr {
        self.recorded.store
    }

    /// Returns waits that a test can afford, and batches so small that there are many.
    pub(crate) fn settings(&self) -> Settings {
        let quick = Backoff { first_ms: 20, factor: 2, max_ms: 500 };
        Settings {
            projector: ProjectorSettings {
                batch_events_max: 50,
                retry_backoff: quick,
                breaker_backoff: quick,
                ..Default::default()
            },
            groups: self.groups.clone(),
            // A test that hangs says what for.
            patience: Some(Duration::from_secs(120)),
            ..Settings::default()
        }
    }

    /// Projects everything into a graph, in a task of its own.
    pub(crate) fn project(
        &self,
        graph: Arc<dyn Graph>,
        settings: Settings,
    ) -> JoinHandle<Result<Report, ProjectionError>> {
        project(self.log.clone(), graph, settings)
    }

    /// Checks that a run came to its end as if nothing had happened: nothing parked, no retry used up, nothing lost or doubled.
    pub(crate) async fn check_whole(&self, reports: &[Report], graph: &dyn Graph) {
        for report in reports {
            let counters = report.metrics.counters;
            assert_eq!((counters.failed, counters.parked, counters.retries), (0, 0, 0), "{report:?}");
        }
        for group in [&self.groups.interview, &self.groups.sentence] {
            assert_eq!(self.log.group_info(group).await.expect("a group").parked, 0, "parked events");
        }
        let text = dump(graph).await.expect("the graph can be read");
        let expected = &self.recorded.expected;
        if text != *expected {
            let first = text.lines().zip(expected.lines()).find(|(is, should)| is != should);
            panic!("the graph has {} bytes of text, not {}; first: {first:#?}", text.len(), expected.len());
        }
    }
}

/// Projects everything that is in a log into a graph, in a task of its own.
pub(crate) fn project(
    log: Arc<dyn EventLog>,
    graph: Arc<dyn Graph>,
    settings: Settings,
) -> JoinHandle<Result<Report, ProjectionError>> {
    let service = ProjectionService::new(log, graph, settings);
    tokio::spawn(async move { service.catch_up().await })
}

/// Asks a server for something in its own words.
pub(crate) async fn ask(address: SocketAddr, password: &str, database: &str, statement: &str) {
    let config = neo4rs::ConfigBuilder::default()
        .uri(format!("bolt://{address}"))
        .user("neo4j")
        .password(password)
        .db(database)
        .build()
        .expect("an address");
    let client = neo4rs::Graph::connect(config).expect("an address");
    client.run(neo4rs::query(statement)).await.expect("a server that does it");
}

/// Returns an error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    cutover_harness::error::chain(error)
}

/// Returns a graph behind an address, with a limit on every call.
pub(crate) fn graph_at(address: SocketAddr, timeout: Duration) -> Arc<Neo4jGraph> {
    graph_of(address, "neo4j", timeout)
}

/// Returns the graph that somebody with that password sees.
pub(crate) fn graph_of(address: SocketAddr, password: &str, timeout: Duration) -> Arc<Neo4jGraph> {
    let settings = Neo4jSettings {
        uri: format!("bolt://{address}"),
        user: "neo4j".to_owned(),
        password: password.to_owned(),
        database: None,
        schema: Schema::Projected,
        timeout,
    };
    Arc::new(Neo4jGraph::new(settings).expect("an address"))
}

/// How long a call may take where nothing hangs on purpose.
pub(crate) const PLENTY: Duration = Duration::from_secs(300);

/// A server of one test's own, which can be killed and started again. There is one at a time, for the sake of memory.
pub(crate) struct OwnServer {
    installation: Installation,
    folder: TempDir,
    address: SocketAddr,
    server: Option<Server>,
    _turn: MutexGuard<'static, ()>,
}

impl OwnServer {
    /// Starts a server with settings of its own.
    pub(crate) async fn start(configuration: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder"), configuration).await
    }

    /// Starts a server with its data in a folder.
    pub(crate) async fn start_in(folder: TempDir, configuration: &[(&str, &str)]) -> Self {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let cache = cache_folder(|name| std::env::var_os(name)).expect("a cache folder");
        let installation = Installation::ensure(&cache).expect("Neo4j's jars");
        let mut own = Self {
            installation,
            folder,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            server: None,
            _turn: turn,
        };
        own.start_again(configuration).await;
        own
    }

    /// Starts it again after it was killed, with the same data and on the same port.
    pub(crate) async fn start_again(&mut self, configuration: &[(&str, &str)]) {
        self.try_to_start_again(configuration).await.expect("a server");
    }

    /// Starts it again after it was killed, where that may fail.
    pub(crate) async fn try_to_start_again(
        &mut self,
        configuration: &[(&str, &str)],
    ) -> Result<(), ServerError> {
        let configuration =
            configuration.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        // It runs for seconds: what it takes to compile for speed is not won back.
        let jvm_options = vec!["-XX:TieredStopAtLevel=1".to_owned()];
        let settings = ServerSettings { heap_mib: 512, page_cache_mib: 64, jvm_options, configuration };
        let (home, log) = (self.home(), self.folder.path().join("server.log"));
        let server = Server::start(&self.installation, &settings, &home, self.address.port(), &log).await?;
        self.address = server.uri().strip_prefix("bolt://").expect("an address").parse().expect("an address");
        self.server = Some(server);
        Ok(())
    }

    /// Returns the folder that its data is in.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shuts it down in order: everything is on the disk then.
    pub(crate) async fn shut_down(&mut self) {
        self.server.take().expect("a running server").shut_down().await.expect("a server that ends");
    }

    /// Kills it with SIGKILL.
    pub(crate) async fn kill(&mut self) {
        self.server.take().expect("a running server").kill().await.expect("a killed server");
    }
}
