//! A server that does not let the projection in: the run ends with an error that says so, at its start and in its middle.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::graph::GraphError;
use cutover_harness::exit_code;
use cutover_service::projection::{ProjectionError, Settings};

use super::proxy::{Mode, Proxy};
use super::{History, OwnServer, PLENTY, ask, chain, graph_of};

/// What a new server has; it wants another one before it does anything.
const FIRST: &str = "neo4j";
const WRONG: &str = "wrong-horse";
const RIGHT: &str = "correct-horse";
const LATER: &str = "battery-staple";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_let_in_is_told_so_and_nothing_is_parked() {
    let history = History::of("credentials");
    // A service that never loses its patience: one that waits in vain would wait for ever.
    let patient = || Settings { patience: None, ..history.settings() };
    let server = OwnServer::start(&[("dbms.security.auth_enabled", "true")]).await;
    let proxy = Proxy::before(server.address()).await;

    let expired = graph_of(proxy.address(), FIRST, PLENTY);
    ends_for_the_password(history.project(expired, patient()).await.expect("no panic"), "expired");
    ask(
        server.address(),
        FIRST,
        "system",
        &format!("ALTER CURRENT USER SET PASSWORD FROM '{FIRST}' TO '{RIGHT}'"),
    )
    .await;
    let wrong = graph_of(proxy.address(), WRONG, PLENTY);
    ends_for_the_password(history.project(wrong, patient()).await.expect("no panic"), "unauthorized");

    // The program says so too, before it begins.
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let store = EmbeddedEventStore::start(listen).await.expect("a store that nobody follows");
    let (code, said) = readiness(server.address(), store.address()).await;
    assert_eq!(code, Some(i32::from(exit_code::ENVIRONMENT)), "{said}");
    assert!(said.contains("unauthorized") && !said.contains(WRONG), "{said}");

    // In the middle of a run the password changes, and every connection has to be made anew.
    let graph = graph_of(proxy.address(), RIGHT, PLENTY);
    let run = history.project(graph, patient());
    let moment = proxy.passed().bytes + 100_000;
    proxy.until(|passed| passed.bytes >= moment).await;
    proxy.set(Mode::Silent);
    ask(
        server.address(),
        RIGHT,
        "system",
        &format!("ALTER CURRENT USER SET PASSWORD FROM '{RIGHT}' TO '{LATER}'"),
    )
    .await;
    proxy.set(Mode::Cut);
    proxy.set(Mode::Open);
    ends_for_the_password(run.await.expect("no panic"), "unauthorized");

    let graph = graph_of(proxy.address(), LATER, PLENTY);
    let report =
        history.project(graph.clone(), patient()).await.expect("no panic").expect("a run that is let in");
    history.check_whole(&[report], &*graph).await;
}

/// Runs the program with a wrong password, and returns its exit code with what it said.
async fn readiness(graph: SocketAddr, store: SocketAddr) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command
        .current_dir(folder.path())
        .args([
            "readiness",
            "--engines",
            "external",
            "--eventstore-url",
            &format!("esdb://{store}?tls=false"),
        ])
        .args(["--direct-url", &format!("bolt://neo4j:{WRONG}@{graph}")])
        .args(["--projected-url", &format!("bolt://neo4j:{WRONG}@localhost:{}", graph.port())]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic");
    let output = output.expect("the program runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).to_lowercase();
    (output.status.code(), said)
}

#[track_caller]
fn ends_for_the_password<T: std::fmt::Debug>(outcome: Result<T, ProjectionError>, said: &str) {
    let error = outcome.expect_err("a run that is not let in");
    assert!(matches!(error, ProjectionError::Graph(GraphError::Unusable { .. })), "{error:?}");
    let text = chain(&error).to_lowercase();
    assert!(text.contains(said), "{text}");
    assert!(![WRONG, RIGHT, LATER].iter().any(|password| text.contains(password)), "{text}");
}
