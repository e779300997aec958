//! A server with too little memory for a batch: a smaller one goes through, the same one never would.

use cutover_core::projector::Settings as ProjectorSettings;
use cutover_service::projection::Settings;

use super::{History, OwnServer, PLENTY, graph_at};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_too_large_for_the_server_is_split_until_it_fits() {
    let history = History::of("memory");
    let server = OwnServer::start(&[("db.memory.transaction.max", "4m")]).await;
    let graph = graph_at(server.address(), PLENTY);
    let large = Settings {
        projector: ProjectorSettings { batch_events_max: 2_000, ..history.settings().projector },
        ..history.settings()
    };
    let report = history.project(graph.clone(), large).await.expect("no panic").expect("a run that goes on");
    assert!(report.metrics.counters.graph_write_errors >= 1, "no batch was too large: {report:?}");
    history.check_whole(&[report], &*graph).await;
}
