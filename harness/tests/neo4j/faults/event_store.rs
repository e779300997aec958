//! A connection to EventStoreDB that dies in the middle of a run: the subscriptions are taken up again.

use std::sync::Arc;

use cutover_engines::event_log::EventStoreDb;
use cutover_engines::graph::Schema;
use rand::RngExt;

use super::proxy::{Mode, Proxy};
use super::{History, PLENTY, SEED, graph_at, project};
use crate::servers;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_connection_to_the_event_store_costs_no_event_and_doubles_none() {
    let history = History::of("event-store");
    let server = servers::graph(Schema::Projected).await;
    let graph = graph_at(server.address(), PLENTY);
    let proxy = Proxy::before(history.store()).await;
    // A client that looks after its connection twice a second finds out about a silent one.
    let address = format!(
        "esdb://{}?tls=false&discoveryInterval=0&keepAliveInterval=500&keepAliveTimeout=500",
        proxy.address()
    );
    let log = Arc::new(EventStoreDb::new(&address).expect("an address"));
    let run = project(log, graph.clone(), history.settings());
    let mut moments = SEED.stream("event store");
    for fault in [Mode::Cut, Mode::Silent, Mode::Cut] {
        let moment = proxy.passed().bytes_back + moments.random_range(10_000..200_000);
        proxy.until(|passed| passed.bytes_back >= moment).await;
        assert!(!run.is_finished(), "the run ended before byte {moment}");
        proxy.set(fault);
        let connections = proxy.passed().connections + 2;
        proxy.until(|passed| passed.connections >= connections).await;
        proxy.set(Mode::Open);
    }
    let report = run.await.expect("no panic").expect("a run that goes on");
    let counters = report.metrics.counters;
    assert!(counters.duplicates >= 1, "what was not acknowledged comes again: {report:?}");
    history.check_whole(&[report], &*graph).await;
}
