//! A server that is up but not ready: it accepts connections and says nothing, or says it much too late.

use std::time::Duration;

use cutover_engines::graph::Schema;
use cutover_service::projection::{ProjectionError, Settings};

use super::proxy::{Mode, Proxy};
use super::{History, chain, graph_at};
use crate::servers;

/// How long a call may take here: much less than a silence.
const SOON: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_is_waited_for_and_one_that_answers_late_does_no_harm() {
    let history = History::of("silence");
    let server = servers::graph(Schema::Projected).await;
    let proxy = Proxy::before(server.address()).await;
    let graph = graph_at(proxy.address(), SOON);

    // Up, and not ready.
    proxy.set(Mode::Silent);
    let run = history.project(graph.clone(), history.settings());
    proxy.until(|passed| passed.connections >= 2).await;
    proxy.set(Mode::Open);

    // Silent in the middle: what was asked before then reaches the server after all, when its client has given up.
    let moment = proxy.passed().bytes + 100_000;
    proxy.until(|passed| passed.bytes >= moment).await;
    proxy.set(Mode::Silent);
    let connections = proxy.passed().connections + 3;
    proxy.until(|passed| passed.connections >= connections).await;
    assert!(!run.is_finished(), "the run ended before the server fell silent at byte {moment}");
    proxy.set(Mode::Open);

    let report = run.await.expect("no panic").expect("a run that goes on");
    assert!(report.metrics.counters.graph_write_errors >= 1, "{report:?}");
    history.check_whole(&[report], &*graph).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_silent_ends_an_impatient_run_with_an_error_that_names_it() {
    let history = History::of("silence-2");
    let server = servers::graph(Schema::Projected).await;
    let proxy = Proxy::before(server.address()).await;
    proxy.set(Mode::Silent);
    let graph = graph_at(proxy.address(), Duration::from_millis(200));
    let impatient = Settings { patience: Some(Duration::from_secs(1)), ..history.settings() };
    let error =
        history.project(graph, impatient).await.expect("no panic").expect_err("a server that is silent");
    assert!(matches!(error, ProjectionError::OutOfPatience { .. }), "{error:?}");
    assert!(chain(&error).contains("the graph"), "{}", chain(&error));
}
