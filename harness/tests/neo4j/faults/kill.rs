//! A server that dies in the middle of a batch, and a commit whose reply is lost.

use rand::RngExt;

use super::proxy::Proxy;
use super::{History, OwnServer, PLENTY, SEED, graph_at};
use crate::servers;
use cutover_engines::graph::Schema;

/// How often the server is killed within one run.
const KILLS: u64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_in_the_middle_of_batches_costs_no_event_and_no_retry() {
    let history = History::of("kill");
    let mut server = OwnServer::start(&[]).await;
    let proxy = Proxy::before(server.address()).await;
    let graph = graph_at(proxy.address(), PLENTY);
    let run = history.project(graph.clone(), history.settings());
    let mut moments = SEED.stream("kill");
    for _ in 0..KILLS {
        // Rows are under way then, or a commit: which, the seed decides.
        let moment = proxy.passed().bytes + moments.random_range(20_000..200_000);
        proxy.until(|passed| passed.bytes >= moment).await;
        assert!(!run.is_finished(), "the run ended before the server was killed at byte {moment}");
        server.kill().await;
        server.start_again(&[]).await;
    }
    let report = run.await.expect("no panic").expect("a run that goes on");
    assert!(report.metrics.counters.graph_write_errors >= KILLS, "{report:?}");
    history.check_whole(&[report], &*graph).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_reply_to_a_commit_is_found_out_by_the_guards() {
    let history = History::of("kill-2");
    let server = servers::graph(Schema::Projected).await;
    let proxy = Proxy::before(server.address()).await;
    let graph = graph_at(proxy.address(), PLENTY);
    // The first commits create the constraints.
    proxy.lose_reply_to_commit(30);
    let run = history.project(graph.clone(), history.settings());
    let report = run.await.expect("no panic").expect("a run that goes on");
    assert_eq!(proxy.lost(), 1, "one reply is lost");
    let counters = report.metrics.counters;
    assert!(counters.graph_write_errors >= 1 && counters.conflicts >= 1, "{report:?}");
    history.check_whole(&[report], &*graph).await;
}
