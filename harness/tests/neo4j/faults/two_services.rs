//! Two projection services at once on one server, as during a deployment: each event takes effect once, and none is parked.

use cutover_engines::graph::Schema;
use cutover_service::projection::Settings;

use super::{History, PLENTY, graph_at};
use crate::servers;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_at_once_apply_every_event_once_and_park_none() {
    let history = History::of("two-services");
    let server = servers::graph(Schema::Projected).await;
    let graphs = [graph_at(server.address(), PLENTY), graph_at(server.address(), PLENTY)];
    // So few at once that neither takes everything.
    let settings = Settings { buffer: 100, ..history.settings() };
    let runs = graphs.clone().map(|graph| history.project(graph, settings.clone()));
    let mut reports = Vec::new();
    for run in runs {
        reports.push(run.await.expect("no panic").expect("a run that comes to its end"));
    }
    for report in &reports {
        assert!(report.metrics.counters.processed >= 1, "each has its part: {report:?}");
    }
    history.check_whole(&reports, &*graphs[0]).await;
}
