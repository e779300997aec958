//! A database that is read-only, from the start and from the middle of a run on: the run pauses, and goes on when it can be
//! written to again.

use std::time::Duration;

use cutover_engines::graph::{Graph as _, Schema};
use cutover_service::projection::{ProjectionError, Settings};

use super::proxy::Proxy;
use super::{History, OwnServer, PLENTY, chain, graph_at};

const READ_ONLY: (&str, &str) = ("server.databases.read_only", "neo4j");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_becomes_read_only_pauses_the_run_and_parks_nothing() {
    let history = History::of("read-only");
    let mut server = OwnServer::start(&[]).await;
    // Neo4j does not start read-only where an index must be built again, as a new one must that has never reached the disk.
    graph_at(server.address(), PLENTY).prepare(Schema::Projected).await.expect("constraints");
    server.shut_down().await;
    server.start_again(&[]).await;
    let proxy = Proxy::before(server.address()).await;
    let graph = graph_at(proxy.address(), PLENTY);
    let run = history.project(graph.clone(), history.settings());
    let moment = proxy.passed().bytes + 100_000;
    proxy.until(|passed| passed.bytes >= moment).await;
    server.kill().await;
    server.start_again(&[READ_ONLY]).await;

    // Whoever begins now is told what is wrong.
    let impatient = Settings { patience: Some(Duration::from_secs(1)), ..history.settings() };
    let late = graph_at(server.address(), PLENTY);
    let error =
        history.project(late, impatient).await.expect("no panic").expect_err("a database that is read-only");
    assert!(matches!(error, ProjectionError::OutOfPatience { .. }), "{error:?}");
    let text = chain(&error).to_lowercase();
    assert!(text.contains("read-only") || text.contains("read only") || text.contains("readonly"), "{text}");

    // Each attempt that was refused gives its connection up.
    let connections = proxy.passed().connections + 3;
    proxy.until(|passed| passed.connections >= connections).await;
    assert!(!run.is_finished(), "the run has ended: {:?}", run.await);
    server.kill().await;
    server.start_again(&[]).await;
    let report = run.await.expect("no panic").expect("a run that goes on");
    history.check_whole(&[report], &*graph).await;
}
