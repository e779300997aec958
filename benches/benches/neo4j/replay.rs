//! A replay from zero of one large transcript, three ways.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use cutover_core::event::Event;
use cutover_core::graph::ChangeSet;
use cutover_core::limits::LimitsTable;
use cutover_core::projection;
use cutover_engines::event_log::EventLog;
use cutover_engines::graph::{Census, Graph, Neo4jGraph};
use cutover_service::projection::{ProjectionService, Settings};

use crate::events::{Row, Store, rows};
use crate::server::Measured;
use crate::{bare, one_by_one, show};

/// How many sentences the slow way is measured on.
const SINGLE: usize = 500;
/// How many sentences a transaction of the bare way has: the best counts.
const SIZES: [usize; 4] = [500, 1_000, 2_000, 4_000];
/// How often the bare way and the projector take turns; medians count.
const ROUNDS: usize = 5;

/// Measures, or only warms the server up: it compiles its plans and its code.
pub(crate) async fn measure(server: &Measured, is_shown: bool) {
    let store = Store::filled(1).await;
    let events = store.events().await;
    let rows = rows(&events);
    for size in [SIZES[1], SIZES[2]] {
        bare_pass(server, &events, &rows, size).await;
        projector_pass(server, &store.log).await;
    }
    if is_shown {
        compare(server, &store, &events, &rows).await;
    }
    store.stop().await;
}

async fn compare(server: &Measured, store: &Store, events: &[Event], rows: &[Row]) {
    prepared(server, &events[0]).await;
    let interview = interview_of(&events[0]);
    let single = one_by_one::write(server, &interview, &rows[..SINGLE]).await;
    show("replay: one transaction per event", &format!("{single:.0} events/s over {} events", 2 * SINGLE));
    let mut bare: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    let mut projector = Vec::new();
    for _ in 0..ROUNDS {
        let mut written = None;
        for size in SIZES {
            let (rate, census) = bare_pass(server, events, rows, size).await;
            bare.entry(size).or_default().push(rate);
            written = Some(census);
        }
        let (rate, census) = projector_pass(server, &store.log).await;
        projector.push(rate);
        assert_eq!(Some(census), written, "both write the same graph");
    }
    let bare = bare.into_iter().map(|(size, rates)| (size, median(rates)));
    let bare: Vec<_> = bare.collect();
    for (size, rate) in &bare {
        show(&format!("replay: bare UNWIND, {size} sentences a transaction"), &format!("{rate:.0} events/s"));
    }
    let (limit, projector) = (bare.iter().map(|(_, rate)| *rate).fold(0.0, f64::max), median(projector));
    show("replay: projector, end to end", &format!("{projector:.0} events/s over {} events", events.len()));
    show("replay: projector / one transaction per event", &format!("{:.1} (goal: 50)", projector / single));
    show(
        "replay: projector / bare UNWIND of the best size",
        &format!("{:.2} (goal: 0.8)", projector / limit),
    );
}

/// Returns the one in the middle: these machines are noisy.
fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn interview_of(created: &Event) -> String {
    created.metadata.aggregate.as_uuid().to_string()
}

/// Returns an empty graph with the interview in it.
async fn prepared(server: &Measured, created: &Event) -> Neo4jGraph {
    let graph = server.empty_graph().await;
    let changes = projection::project(created, &LimitsTable::default());
    graph.apply(&[ChangeSet { guard: None, changes }]).await.expect("an interview");
    graph
}

async fn bare_pass(server: &Measured, events: &[Event], rows: &[Row], size: usize) -> (f64, Census) {
    let graph = prepared(server, &events[0]).await;
    let rate = bare::write(server, &interview_of(&events[0]), rows, size).await;
    (rate, graph.census().await.expect("a readable graph"))
}

async fn projector_pass(server: &Measured, log: &Arc<dyn EventLog>) -> (f64, Census) {
    let graph = Arc::new(server.empty_graph().await);
    let mut settings = Settings::default();
    // Groups remember how far they came: every pass has its own.
    let pass = uuid::Uuid::new_v4();
    settings.groups.interview.group = format!("{}-{pass}", settings.groups.interview.group).into();
    settings.groups.sentence.group = format!("{}-{pass}", settings.groups.sentence.group).into();
    let service = ProjectionService::new(log.clone(), graph.clone(), settings);
    let started = Instant::now();
    let report = service.catch_up().await.expect("a projected log");
    let rate = report.metrics.counters.processed as f64 / started.elapsed().as_secs_f64();
    (rate, graph.census().await.expect("a readable graph"))
}
