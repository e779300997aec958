//! The whole night on real servers: readiness leaves a certificate, the flag is thrown by the program, thrown back, and killed in the
//! middle, while people write all the time. In the end both graphs are the same, and nobody's word is lost.

#![expect(clippy::print_stdout, reason = "how long writers were held up is what the test has to say")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cutover_core::ids::{InterviewId, ProjectId, StreamName};
use cutover_core::switch::{CategoryPositions, Mode, SwitchEvent};
use cutover_core::timestamp::Timestamp;
use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::event_log::{EventLog, EventStoreDb};
use cutover_engines::graph::{Graph, Neo4jGraph, Neo4jSettings, Schema, dump};
use cutover_harness::certificate::{PublicKey, ScenarioSet, ScenarioSummary, SignedCertificate, SigningKey};
use cutover_harness::diff::{self, GraphSource, Limits, Orientation, Policy};
use cutover_harness::exit_code;
use cutover_harness::scenario::load::Catalogue;
use cutover_harness::switch::{ProjectedPath as _, Service};
use cutover_service::pipeline::analyse::Lexical;
use cutover_service::pipeline::{Clock, Pipeline, RequestContext, SeededIds, analyse_file};
use cutover_service::projection::{self, Groups, ProjectionService, Until};
use cutover_service::switch::{Flag, Seen, fence};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::servers::{Exclusive, graph, uri};
use crate::writers::{Person, Writers};

const LINES: &str = "[00:00:01] CC: What is the oxygen pressure?\n[00:00:03] CDR: It reads 2.0 and the tank is fine.\n\
                     [00:00:07] CC: Roger.\n[00:00:09] CC: Verify the hatch.\n";

/// The smallest scenario that there is: what is certified of the program is not what this is about.
const SCENARIO: &str = r#"
description = "One file on both paths."
generated = { files = 1, utterances = 2 }
steps = ["ingest", { project = {} }, { compare = { left = "direct", right = "projected" } }]
expect = { parked = 0 }
"#;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::new(time::OffsetDateTime::now_utc())
    }
}

/// A live system: an event store, two graphs, and a projection service that runs.
struct Live {
    _exclusive: [Exclusive; 2],
    folder: TempDir,
    _store: EmbeddedEventStore,
    url: String,
    log: Arc<dyn EventLog>,
    projection: JoinHandle<()>,
}

fn client(schema: Schema) -> Arc<Neo4jGraph> {
    let (user, password) = ("neo4j".to_owned(), String::new());
    let timeout = Duration::from_secs(60);
    let settings = Neo4jSettings { uri: uri(schema), user, password, database: None, schema, timeout };
    Arc::new(Neo4jGraph::new(settings).expect("an address"))
}

impl Live {
    async fn start() -> Self {
        let exclusive = [graph(Schema::Direct).await, graph(Schema::Projected).await];
        let store =
            EmbeddedEventStore::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a store");
        let url = store.connection_string();
        let log: Arc<dyn EventLog> = Arc::new(EventStoreDb::new(&url).expect("an address"));
        let settings = projection::Settings::default();
        let service = ProjectionService::new(log.clone(), client(Schema::Projected), settings);
        let projection = tokio::spawn(async move {
            let ended = service.run(Until::Stopped, std::future::pending()).await;
            panic!("the projection ended: {ended:?}");
        });
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("scenarios")).expect("a folder");
        std::fs::write(folder.path().join("scenarios/one-file.toml"), SCENARIO).expect("a scenario");
        let live = Self { _exclusive: exclusive, folder, _store: store, url, log, projection };
        let pipeline = live.pipeline(1);
        for name in ["a.txt", "b.txt"] {
            let file =
                analyse_file(name, LINES.as_bytes(), &ProjectId::new("p"), None, &Lexical).expect("a file");
            pipeline.ingest(&file, &RequestContext::system()).await.expect("a file that is written");
        }
        pipeline.drain().await.expect("a drained outbox");
        live.catch_up().await;
        live
    }

    fn pipeline(&self, number: u128) -> Arc<Pipeline> {
        let ids = Arc::new(SeededIds::new(Uuid::from_u128(number)));
        let pipeline = Pipeline::new(
            client(Schema::Direct),
            self.log.clone(),
            Arc::new(SystemClock),
            ids,
            Default::default(),
        );
        Arc::new(pipeline.following(self.flag()))
    }

    fn flag(&self) -> Flag {
        Flag::new(self.log.clone(), "dual-write")
    }

    async fn history(&self) -> Vec<SwitchEvent> {
        self.flag().history().await.expect("a flag that can be read")
    }

    async fn catch_up(&self) {
        let end = async |category| {
            self.log.last_revision(&StreamName::new(category)).await.expect("a store that answers")
        };
        let (interview, sentence) = (end("$ce-Interview").await, end("$ce-Sentence").await);
        let path = Service::new(self.log.clone(), Groups::in_production());
        // The service makes its groups when it starts.
        while self.log.group_info(&Groups::in_production().sentence).await.is_err() {
            tokio::task::yield_now().await;
        }
        path.has_applied(CategoryPositions { interview, sentence }).await.expect("a projection that runs");
    }

    /// The program, with the servers named to it.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("cutover"));
        command
            .current_dir(self.folder.path())
            .env("XDG_CONFIG_HOME", self.folder.path())
            .env("USER", "operator")
            .args(arguments)
            .args(["--eventstore-url", &self.url])
            .args(["--direct-url", &uri(Schema::Direct), "--projected-url", &uri(Schema::Projected)])
            .stdin(Stdio::null());
        command
    }

    async fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command(arguments);
        let output: Output = tokio::task::spawn_blocking(move || command.output().expect("the program runs"))
            .await
            .expect("the program runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs")
    }

    async fn certify(&self) {
        let readiness =
            ["readiness", "--live", "--seed", "7301", "--scenarios", "scenarios", "--certificate", "go.json"];
        let (code, said) = self.run(&readiness).await;
        assert_eq!(code, Some(0), "{said}");
    }

    /// Signs the certificate of one scenario anew, as if it were of all that the program brings along: to run them is not what this
    /// is about, and takes a minute each time.
    async fn certify_all(&self) {
        self.certify().await;
        let file = self.folder.path().join("go.json");
        let trusted = [PublicKey::own(&self.folder.path().join("cutover")).expect("a key")];
        let signed = SignedCertificate::read(&file).expect("a certificate");
        let mut certificate = signed.verify(&trusted, SystemClock.now()).expect("a genuine one").clone();
        certificate.scenario_set = ScenarioSet::Bundled;
        let one = certificate.scenarios[0].clone();
        let named = |name: &str| ScenarioSummary { name: name.into(), ..one.clone() };
        certificate.scenarios = Catalogue::bundled_names().map(named).collect();
        let (key, _) = SigningKey::own(&self.folder.path().join("cutover")).expect("a key");
        let json = SignedCertificate::sign(certificate, &key).to_json();
        std::fs::write(&file, json).expect("a file");
    }

    async fn throw(&self, to: &str) -> (Option<i32>, String) {
        self.run(&order(to)).await
    }

    /// Waits for everything, and looks whether the two graphs are the same.
    async fn compare(&self) {
        self.catch_up().await;
        let (direct, projected) = (client(Schema::Direct), client(Schema::Projected));
        let direct = GraphSource::new(&*direct, Schema::Direct);
        let projected = GraphSource::new(&*projected, Schema::Projected);
        let sides = Orientation::new("direct", "projected");
        let policy = Policy::direct_vs_projected();
        let check = diff::diff("graphs", sides, &direct, &projected, &policy, Limits::default()).await;
        assert!(check.differences.is_empty() && check.compared.total() > 50, "{check:?}");
    }
}

/// Throws the flag. A slow machine may take longer than a night at work would allow.
const fn order(to: &str) -> [&str; 12] {
    [
        "switch",
        "to",
        to,
        "--execute",
        "--reason",
        "a test",
        "--certificate",
        "go.json",
        "--fence-max",
        "60s",
        "--without-soak",
        "a test has no two weeks",
    ]
}

impl Drop for Live {
    fn drop(&mut self) {
        self.projection.abort();
    }
}

/// Three people on two interviews.
fn people(live: &Live) -> Writers {
    let people = [("ada", "a.txt", 0), ("eve", "a.txt", 1), ("bob", "b.txt", 0)];
    Writers::start(people.into_iter().zip(10..).map(|((name, file, slot), number)| Person {
        name,
        interview: InterviewId::for_file(file),
        slot,
        pipeline: live.pipeline(number),
        processes: None,
        // People think before they write; a slow machine has moments in which nothing waits, as the prechecks want it.
        thinks: Duration::from_millis(100),
    }))
}

/// Returns the line that says how long writers were held up.
fn held_up(said: &str) -> &str {
    said.lines().find(|line| line.contains("were held up for")).expect("it is said")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flag_is_thrown_and_thrown_back_while_everybody_writes_and_nothing_is_lost() {
    let live = Live::start().await;
    live.certify_all().await;
    let mut writers = people(&live);
    writers.go_on(3).await;

    let (code, said) = live
        .run(&["switch", "to", "projected", "--certificate", "go.json", "--without-soak", "a test"])
        .await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the flag was not touched: add --execute"), "{said}");
    assert_eq!(live.history().await, [], "a dry run changes nothing");

    let (code, said) = live.throw("projected").await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the mode is `projected`"), "{said}");
    println!("there: {}", held_up(&said));
    let left_alone = dump(&*client(Schema::Direct)).await.expect("a graph");
    writers.go_on(5).await;
    assert_eq!(dump(&*client(Schema::Direct)).await.expect("a graph"), left_alone, "nobody writes directly");

    let (code, said) = live.throw("dual").await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the mode is `dual`"), "{said}");
    println!("back: {}", held_up(&said));
    writers.go_on(3).await;
    writers.end(&*client(Schema::Direct)).await;
    live.compare().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_is_killed_behind_the_fence_is_brought_to_an_end_by_the_next_one() {
    let live = Live::start().await;
    live.certify_all().await;
    let mut writers = people(&live);
    writers.go_on(2).await;
    for to in ["projected", "dual"] {
        let before = live.history().await.len();
        let is_held_up = async || {
            live.history().await[before..].iter().any(|event| !matches!(event, SwitchEvent::Started(_)))
        };
        // One that finds something in the way is asked again. It is killed as soon as writers are held up; on a fast machine it may
        // be done by then.
        let mut attempts = 0;
        while !is_held_up().await {
            assert!(attempts < 5, "it held nobody up");
            attempts += 1;
            let mut child = live.spawn(&order(to));
            while child.try_wait().expect("a child").is_none() && !is_held_up().await {
                tokio::task::yield_now().await;
            }
            let _ = child.kill();
            child.wait().expect("a child");
        }
        let (code, said) = live.run(&["switch", "status"]).await;
        assert_eq!(code, Some(0), "{said}");
        let (code, said) = live.run(&["switch", "resume"]).await;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("nobody is held up"), "{said}");
        writers.go_on(2).await;
        let mode = live.flag().look(Seen::default()).await.expect("a flag").state.mode;
        if mode.as_str() != to {
            let (code, said) = live.throw(to).await;
            assert_eq!(code, Some(0), "{said}");
        }
    }
    let mode = live.flag().look(Seen::default()).await.expect("a flag").state.mode;
    assert_eq!(mode, Mode::Dual);
    writers.end(&*client(Schema::Direct)).await;
    live.compare().await;
}

/// Holds the turnstile in the direct graph: whoever closes it waits until the transaction ends.
async fn hold_the_turnstile() -> neo4rs::Txn {
    let client = neo4rs::Graph::new(uri(Schema::Direct), "neo4j", "neo4j").expect("an address");
    let mut transaction = client.start_txn().await.expect("a transaction");
    let hold = neo4rs::query("MATCH (v:_AggregateVersion {aggregate: $of}) SET v._held = true RETURN v")
        .param("of", fence::turnstile().key().to_string());
    let mut held = transaction.execute(hold).await.expect("a graph");
    assert!(
        held.next(transaction.handle()).await.expect("a graph").is_some(),
        "somebody has written directly"
    );
    transaction
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_is_interrupted_behind_the_fence_gives_up_and_lets_writers_go_on() {
    let live = Live::start().await;
    live.certify_all().await;
    let turnstile = hold_the_turnstile().await;
    let mut child = live.spawn(&order("projected"));
    let is_fenced =
        async || live.history().await.iter().any(|event| matches!(event, SwitchEvent::WritersFenced { .. }));
    while !is_fenced().await {
        assert_eq!(child.try_wait().expect("a child"), None, "it ended before it held anybody up");
        tokio::task::yield_now().await;
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal that is sent");
    let ended = tokio::task::spawn_blocking(move || child.wait()).await.expect("a thread");
    assert_eq!(ended.expect("a child").code(), Some(i32::from(exit_code::INTERRUPTED)));
    turnstile.rollback().await.expect("a graph");

    assert!(matches!(live.history().await.last(), Some(SwitchEvent::Abandoned { .. })));
    let (code, said) = live.run(&["switch", "status"]).await;
    assert!(code == Some(0) && said.contains("`dual`"), "{said}");
    let mut writers = people(&live);
    writers.go_on(2).await;
    writers.end(&*client(Schema::Direct)).await;
    live.compare().await;
    let (code, said) = live.throw("projected").await;
    assert_eq!(code, Some(0), "the next one throws it: {said}");
}

/// Changes one character of a file.
fn alter(file: &Path, from: &str, to: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(file).expect("a file");
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replacen(from, to, 1)).expect("a file");
    text.into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_precheck_refuses_with_its_reason_and_leaves_the_flag_alone() {
    let live = Live::start().await;
    let refused = async |name: &str, reason: &str| {
        let (code, said) = live.throw("projected").await;
        assert_eq!(code, Some(1), "{said}");
        let line = said.lines().find(|line| line.contains("refused")).unwrap_or_else(|| panic!("{said}"));
        assert!(line.trim_start().starts_with(name), "{name}: {said}");
        // Lines are broken where the terminal ends.
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(reason), "{reason}: {said}");
        assert_eq!(live.history().await, [], "{name}");
    };
    let certificate = live.folder.path().join("go.json");
    refused("certificate", "cannot read").await;
    live.certify().await;
    refused("scenarios", "somebody's own").await;
    live.certify_all().await;

    let (code, said) = live.run(&["switch", "to", "projected", "--certificate", "go.json"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("soak") && said.contains("--without-soak"), "{said}");

    let genuine = alter(&certificate, "\"seed\": 7301", "\"seed\": 7302");
    refused("certificate", "changed after it was signed").await;
    std::fs::write(&certificate, &genuine).expect("a file");

    // What somebody else may say is not believed.
    let own = live.folder.path().join("cutover");
    let aside = live.folder.path().join("aside");
    std::fs::rename(&own, &aside).expect("a folder");
    refused("certificate", "none of those that are trusted here").await;
    std::fs::rename(&aside, &own).expect("a folder");

    // An entry in the outbox that nobody drains.
    let node = cutover_core::graph::NodeRef::value(cutover_core::graph::Label::OutboxEntry, "1-x".into());
    let put = cutover_core::graph::Change::Upsert {
        node: node.clone(),
        on_create: Default::default(),
        set: Default::default(),
        unless_edited: Default::default(),
    };
    let write = async |change| {
        let set = cutover_core::graph::ChangeSet { guard: None, changes: vec![change] };
        client(Schema::Direct).apply(&[set]).await.expect("a graph");
    };
    write(put).await;
    refused("outbox", "waited all the time").await;
    write(cutover_core::graph::Change::Remove { node }).await;

    let (code, said) = live.run(&["switch", "to", "dual"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the mode is `dual` already"), "{said}");
    let (code, said) = live.run(&["switch", "to", "projected", "--groups", "nobody"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("there is no consumer group"), "{said}");

    let (code, said) = live.throw("projected").await;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = live.run(&["switch", "to", "direct"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("go to `dual` first"), "{said}");
}

/// What is enough of a soak for a test, by a clock that nobody can put forward.
const SHORT: &str = r#"
before_the_flip = { watched = "1s", elements = 100, sweeps = 1 }
after_the_flip = { watched = "1s", elements = 100, sweeps = 1 }
at_most = { differences_per_million = 0, lag_events = 10000, lag_for = "15m", parked = 0, failed_rounds = 0 }
rounds = { window = "24h", elements = 10000, gap = "30m", begin_anew_after = "24h", shards = 1 }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_soak_is_watched_before_the_flip_lets_the_flag_be_thrown_and_is_watched_after_it() {
    let live = Live::start().await;
    live.certify_all().await;
    let mut writers = people(&live);
    writers.go_on(2).await;
    let (code, said) = live.run(&["watch", "--once"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 0 differ;"), "{said}");
    let (code, said) = live.run(&["watch", "--status"]).await;
    assert_eq!(code, Some(2), "{said}");
    let throw = ["switch", "to", "projected", "--certificate", "go.json", "--soak", "soak.json"];
    let (code, said) = live.run(&throw).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not yet: watched for"), "{said}");

    std::fs::write(live.folder.path().join("short.toml"), SHORT).expect("a file");
    let short = ["watch", "--criteria", "short.toml", "--every", "1s", "--until-fulfilled", "--for", "10m"];
    let (code, said) = live.run(&short).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the soak begins anew: it is held against other criteria than before"), "{said}");
    let executed = [&throw[..], &["--execute", "--reason", "a test", "--fence-max", "60s"]].concat();
    let (code, said) = live.run(&executed).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("under criteria of your own"), "{said}");

    writers.go_on(3).await;
    let (code, said) = live.run(&["watch", "--once", "--rollback"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("now after the flip, the projected graph against the events"), "{said}");
    let (code, said) = live.throw("dual").await;
    assert_eq!(code, Some(0), "{said}");
    writers.end(&*client(Schema::Direct)).await;
    live.compare().await;
}
