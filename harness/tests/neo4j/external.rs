//! `--engines external` on real servers: what is used, what is refused, and what is left as it was.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use assert_cmd::Command;
use cutover_core::graph::{ChangeSet, Properties};
use cutover_core::ids::StreamName;
use cutover_engines::event_log::EventStoreDb;
use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::graph::testing::{interview, put};
use cutover_engines::graph::{Graph, Neo4jGraph, Neo4jSettings, Schema};
use cutover_harness::exit_code;
use cutover_harness::provision::external::{ExternalError, ExternalSettings, Given};
use cutover_harness::provision::{External, Provision, ProvisionError};

use crate::servers::{graph, uri};

const TRANSCRIPT: &str = "CC: Roger. We copy, and the TV show was great.\nCDR: Okay. What is the oxygen pressure?\n\
                          CC: It reads 2.0, and the tank is fine.\nCDR: We have a problem here.\n";

async fn event_store() -> EmbeddedEventStore {
    EmbeddedEventStore::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("an event store")
}

/// A client of its own, as somebody else would have one.
fn somebody_else(schema: Schema) -> Neo4jGraph {
    let (user, password) = ("neo4j".to_owned(), String::new());
    let timeout = std::time::Duration::from_secs(60);
    Neo4jGraph::new(Neo4jSettings { uri: uri(schema), user, password, database: None, schema, timeout })
        .expect("an address")
}

/// Runs every scenario on the servers, and returns its exit code with all that it said.
async fn readiness(folder: &Path, store: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("cutover"));
    command
        .current_dir(folder)
        // The key for its certificate is made there, and not in the home of whoever runs the tests.
        .env("XDG_CONFIG_HOME", folder)
        .args([
            "readiness",
            "--engines",
            "external",
            "--seed",
            "7301",
            "--transcripts",
            "mine",
            "--timeout",
            "45m",
        ])
        .args(["--eventstore-url", store])
        .args(["--direct-url", &uri(Schema::Direct), "--projected-url", &uri(Schema::Projected)])
        .args(more);
    let output = tokio::task::spawn_blocking(move || command.output().expect("the command runs")).await;
    let output = output.expect("the command runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_servers_are_used_but_what_is_in_them_is_not_touched_unless_named() {
    let _direct = graph(Schema::Direct).await;
    let _projected = graph(Schema::Projected).await;
    let server = event_store().await;
    let url = server.connection_string();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("mine")).expect("a folder");
    std::fs::write(folder.path().join("mine/a.txt"), TRANSCRIPT).expect("a transcript");

    let (code, said) = readiness(folder.path(), &url, &[]).await;
    assert_eq!(code, Some(i32::from(exit_code::PASS)), "{said}");
    assert!(said.contains("verdict: GO"), "{said}");
    let store = EventStoreDb::new(&url).expect("a connection string");
    for category in ["$ce-Interview", "$ce-Sentence"] {
        let followers = store.followers(&StreamName::new(category)).await.expect("an answer");
        assert_eq!(followers, [], "the groups of a run end with it");
    }

    let direct = somebody_else(Schema::Direct);
    let before = direct.contents().await.expect("contents");
    assert!(before.nodes["Interview"] == 1 && before.nodes["Sentence"] > 3, "{before:?}");
    let (code, said) = readiness(folder.path(), &url, &[]).await;
    assert_eq!(code, Some(i32::from(exit_code::ENVIRONMENT)), "{said}");
    assert!(said.contains("events of others in `$ce-Interview`"), "{said}");
    let (code, said) = readiness(folder.path(), &url, &["--append-to", &url]).await;
    assert_eq!(code, Some(i32::from(exit_code::ENVIRONMENT)), "{said}");
    let found = format!("is not empty: it holds {} Analysis", before.nodes["Analysis"]);
    assert!(said.contains(&found), "{found} is not in {said}");
    assert_eq!(direct.contents().await.expect("contents"), before, "a refused run changes nothing");

    let erase = |name, schema| format!("{name}={}", uri(schema));
    let (direct, projected) = (erase("direct", Schema::Direct), erase("projected", Schema::Projected));
    let named = ["--append-to", &url, "--erase", &direct, "--erase", &projected];
    let (code, said) = readiness(folder.path(), &url, &named).await;
    assert_eq!(code, Some(i32::from(exit_code::PASS)), "{said}");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_writes_between_or_during_scenarios_is_not_erased() {
    let _direct = graph(Schema::Direct).await;
    let _projected = graph(Schema::Projected).await;
    let server = event_store().await;
    let given = Given {
        eventstore_url: Some(server.connection_string()),
        graph_urls: BTreeMap::from([("direct", uri(Schema::Direct)), ("projected", uri(Schema::Projected))]),
        ..Given::default()
    };
    let other = somebody_else(Schema::Direct);
    let plant = async || {
        let change = put(interview("somebody else's"), Properties::new());
        other.apply(&[ChangeSet { guard: None, changes: vec![change] }]).await.expect("a write");
    };
    for is_during in [true, false] {
        let settings = ExternalSettings::new(given.clone(), |_| None).expect("settings");
        let external = External::new(settings).expect("servers");
        let engines = external.start().await.expect("empty servers");
        engines.graph("direct", Schema::Direct).await.expect("a graph");
        if is_during {
            plant().await;
            engines.stop().await;
        } else {
            engines.stop().await;
            plant().await;
        }
        let Err(ProvisionError { source, .. }) = external.start().await else {
            panic!("somebody else's interview was erased (during the scenario: {is_during})");
        };
        let refused = source.downcast_ref::<ExternalError>();
        assert!(matches!(refused, Some(ExternalError::NotEmpty { graph: "direct", .. })), "{source:?}");
        assert_eq!(other.contents().await.expect("contents").nodes["Interview"], 1);
        other.erase().await.expect("an empty graph");
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_says_what_it_is() {
    let _direct = graph(Schema::Direct).await;
    let server = somebody_else(Schema::Direct).server().await.expect("an answer");
    assert!(server.version.starts_with("5.26."), "{server:?}");
    assert_eq!((server.edition.as_str(), server.database.as_str()), ("community", "neo4j"));
    assert!(server.is_writable);
}
