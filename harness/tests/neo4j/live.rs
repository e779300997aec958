//! `cutover readiness --live` on real servers: what it finds, what its certificate says, and that it changes nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use assert_cmd::Command;
use cutover_core::ids::{ProjectId, StreamName};
use cutover_core::timestamp::Timestamp;
use cutover_engines::event_log::EventStoreDb;
use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::graph::{Contents, Neo4jGraph, Neo4jSettings, Schema};
use cutover_harness::certificate::{Certificate, SignedCertificate, policy_digest};
use cutover_harness::diff::Policy;
use cutover_harness::exit_code;
use cutover_harness::gate::Verdict;
use cutover_harness::live::LiveSystem;
use cutover_harness::provision::external::{ExternalSettings, Given};
use cutover_service::pipeline::analyse::Lexical;
use cutover_service::pipeline::{self, Clock, Pipeline, RequestContext, SeededIds, analyse_file};
use cutover_service::projection::{ProjectionService, Settings};
use uuid::Uuid;

use crate::servers::{graph, uri};

const SCENARIO: &str = "description = \"Both paths write the same.\"\nsteps = [\"ingest\", { project = { into = \"projected\" } }, \
                        { compare = { left = \"direct\", right = \"projected\" } }]\nexpect = { parked = 0 }\n";

/// It is always the same time.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(1_714_557_600_000)
    }
}

fn client(schema: Schema) -> Neo4jGraph {
    let (user, password) = ("neo4j".to_owned(), "hush-77001".to_owned());
    let timeout = Duration::from_secs(60);
    Neo4jGraph::new(Neo4jSettings { uri: uri(schema), user, password, database: None, schema, timeout })
        .expect("an address")
}

fn store(url: &str) -> Arc<EventStoreDb> {
    Arc::new(EventStoreDb::new(url).expect("a connection string"))
}

/// Writes a file on both paths, as the pipeline does.
async fn ingest(url: &str, name: &str) {
    let pipeline = Pipeline::new(
        Arc::new(client(Schema::Direct)),
        store(url),
        Arc::new(Stopped),
        Arc::new(SeededIds::new(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))),
        pipeline::Settings::default(),
    );
    let text = b"CC: Roger. We copy, and the TV show was great.\nCDR: Okay. What is the oxygen pressure?\n";
    let file = analyse_file(name, text, &ProjectId::new("apollo"), None, &Lexical).expect("a file");
    pipeline.ingest(&file, &RequestContext::system()).await.expect("a write");
    pipeline.drain().await.expect("an empty outbox");
}

async fn project(url: &str) {
    let service =
        ProjectionService::new(store(url), Arc::new(client(Schema::Projected)), Settings::default());
    service.catch_up().await.expect("a projection");
}

/// Runs a command about the system of these servers.
async fn cutover(
    folder: &Path,
    args: &[&str],
    (url, direct, projected): (&str, Schema, Schema),
) -> (Option<i32>, String) {
    let with_password = |schema| uri(schema).replace("://", "://neo4j:hush-77001@");
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("cutover"));
    command
        .current_dir(folder)
        .env("XDG_CONFIG_HOME", folder)
        .args(args)
        .args(["--live", "--eventstore-url", url])
        .args(["--direct-url", &with_password(direct)])
        .args(["--projected-url", &with_password(projected)]);
    let output = tokio::task::spawn_blocking(move || command.output().expect("the command runs")).await;
    let output = output.expect("the command runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// Runs one scenario inside the process, and looks at the system.
async fn readiness(folder: &Path, url: &str) -> (Option<i32>, String) {
    let args = ["readiness", "--seed", "7301", "--transcripts", "mine", "--scenarios", "scenarios"];
    let args = [&args[..], &["--queries", "own"]].concat();
    cutover(folder, &args, (url, Schema::Direct, Schema::Projected)).await
}

fn certificate(folder: &Path) -> Certificate {
    let file = folder.join("runs/latest/certificate.json");
    let signed = SignedCertificate::read(&file).expect("a certificate");
    signed.unverified().expect("of this version").clone()
}

/// Returns all that could be changed in the graphs, and who follows the log.
async fn trace(url: &str) -> (Contents, Contents, Vec<String>) {
    let contents = async |schema| client(schema).contents().await.expect("contents");
    let mut followers = Vec::new();
    for category in ["$ce-Interview", "$ce-Sentence"] {
        let groups = store(url).followers(&StreamName::new(category)).await.expect("an answer");
        followers.extend(groups.iter().map(ToString::to_string));
    }
    (contents(Schema::Direct).await, contents(Schema::Projected).await, followers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_system_is_certified_and_not_changed_and_what_differs_is_found() {
    let _direct = graph(Schema::Direct).await;
    let _projected = graph(Schema::Projected).await;
    let server =
        EmbeddedEventStore::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a store");
    let url = server.connection_string();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("mine/a.txt", "CC: Roger.\nCDR: Okay.\n"), ("scenarios/s.toml", SCENARIO)] {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, text).expect("a file");
    }
    ingest(&url, "a.txt").await;
    project(&url).await;

    let query = folder.path().join("own/sentences.cypher");
    std::fs::create_dir(folder.path().join("own")).expect("a folder");
    std::fs::write(query, include_str!("../../../queries/sentences.cypher")).expect("a file");

    let before = trace(&url).await;
    let (code, said) = readiness(folder.path(), &url).await;
    assert_eq!(code, Some(i32::from(exit_code::PASS)), "{said}");
    assert_eq!(trace(&url).await, before, "to look at a system changes nothing in it");
    let certified = certificate(folder.path());
    let live = certified.live.clone().expect("a live system");
    let graphs = live.graphs.expect("both were read to their end");
    assert_eq!((certified.verdict, graphs.direct), (Verdict::Go, graphs.projected));
    let text = serde_json::to_string(&certified).expect("JSON");
    assert!(!text.contains("hush-77001") && !said.contains("hush-77001"), "{text}");
    assert_ne!(live.system.direct.identity, live.system.projected.identity);
    // What readers get is compared, and certified.
    let of_readers = certified.figures.iter().find(|figure| figure.scenario == "queries").expect("a figure");
    assert_eq!((of_readers.name.as_str(), of_readers.value), ("sentences: differences", Some(0)));
    assert!(of_readers.of >= 2, "{}", of_readers.of);

    let verify = ["certificate", "verify", "runs/latest/certificate.json"];
    let (code, said) = cutover(folder.path(), &verify, (&url, Schema::Direct, Schema::Projected)).await;
    assert_eq!(code, Some(i32::from(exit_code::PASS)), "{said}");
    let (code, said) = cutover(folder.path(), &verify, (&url, Schema::Projected, Schema::Direct)).await;
    assert_eq!(code, Some(i32::from(exit_code::DIFFERENCES)), "{said}");
    assert!(
        said.contains("the certificate is about another direct graph") && said.contains("hint: "),
        "{said}"
    );
    assert!(!said.contains("hush-77001"), "{said}");

    // Whoever comes later, with clients of their own, finds the same system; and another one where the two are swapped.
    let found = async |direct, projected| {
        let given = Given {
            eventstore_url: Some(url.clone()),
            graph_urls: [("direct", uri(direct)), ("projected", uri(projected))].into(),
            ..Given::default()
        };
        let settings = ExternalSettings::new(given, |_| None).expect("settings");
        LiveSystem::connect(&settings, "v1").expect("servers").identities().await.expect("answers")
    };
    let policy = policy_digest(&Policy::direct_vs_projected());
    let same = found(Schema::Direct, Schema::Projected).await;
    assert_eq!(certified.is_for(&same, &policy), Ok(()));
    let swapped = found(Schema::Projected, Schema::Direct).await;
    assert!(certified.is_for(&swapped, &policy).is_err());

    // What is written and not projected is a difference, and lag.
    ingest(&url, "b.txt").await;
    let (code, said) = readiness(folder.path(), &url).await;
    assert_eq!(code, Some(i32::from(exit_code::DIFFERENCES)), "{said}");
    let certified = certificate(folder.path());
    assert_eq!(certified.verdict, Verdict::NoGo);
    let of_readers = certified.figures.iter().find(|figure| figure.scenario == "queries").expect("a figure");
    assert!(!of_readers.passed && of_readers.value > Some(0), "{said}");
    let lag = certified.figures.iter().filter(|figure| figure.name.starts_with("lag of "));
    assert!(
        lag.clone().count() == 2 && lag.clone().all(|figure| !figure.passed && figure.value > Some(0)),
        "{said}"
    );
    let graphs = certified.live.and_then(|live| live.graphs).expect("both were read to their end");
    assert_ne!(graphs.direct, graphs.projected);

    // Once it is projected, it is the same system, and as it should be.
    project(&url).await;
    let (code, said) = readiness(folder.path(), &url).await;
    assert_eq!(code, Some(i32::from(exit_code::PASS)), "{said}");
    assert_eq!(certificate(folder.path()).is_for(&same, &policy), Ok(()));
    server.shutdown().await;
}
