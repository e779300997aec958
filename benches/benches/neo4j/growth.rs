//! A million events, one after the other into one graph: does the millionth cost more than the first?

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cutover_core::graph::ChangeSet;
use cutover_engines::graph::{ApplyError, Graph, Interposed, Neo4jGraph};
use cutover_service::projection::{ProjectionService, Settings};

use crate::events::Store;
use crate::server::Measured;
use crate::show;

/// How many copies of the transcript come to a million events.
const COPIES: usize = 23;
/// How many events the start and the end are.
const WINDOW: usize = 50_000;

/// Notes when which events were committed.
struct Noting {
    graph: Neo4jGraph,
    commits: Mutex<Vec<(Instant, usize)>>,
}

#[async_trait]
impl Interposed for Noting {
    fn inner(&self) -> &dyn Graph {
        &self.graph
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        self.graph.apply(batch).await?;
        self.commits.lock().expect("no panic while it was held").push((Instant::now(), batch.len()));
        Ok(())
    }
}

pub(crate) async fn measure(server: &Measured) {
    let started = Instant::now();
    let store = Store::filled(COPIES).await;
    show("growth: filling the event store", &format!("{:.0} s", started.elapsed().as_secs_f64()));
    let graph = Arc::new(Noting { graph: server.empty_graph().await, commits: Mutex::default() });
    let service = ProjectionService::new(store.log.clone(), graph.clone(), Settings::default());
    let started = Instant::now();
    service.catch_up().await.expect("a projected log");
    store.stop().await;

    let commits = graph.commits.lock().expect("no panic while it was held").clone();
    let total: usize = commits.iter().map(|(_, events)| events).sum();
    let when = |wanted: usize| {
        let mut seen = 0;
        let commit = commits.iter().find(|(_, events)| {
            seen += events;
            seen >= wanted
        });
        commit.map_or(Duration::ZERO, |(at, _)| at.duration_since(started))
    };
    for events in [10_000, 100_000, 1_000_000] {
        let rate = events as f64 / when(events).as_secs_f64();
        show(&format!("growth: the first {events} events"), &format!("{rate:.0} events/s"));
    }
    let rate = |from: usize, to: usize| (to - from) as f64 / (when(to) - when(from)).as_secs_f64();
    let (start, end) = (rate(1_000, 1_000 + WINDOW), rate(total - WINDOW, total));
    show(&format!("growth: {WINDOW} events at the start"), &format!("{start:.0} events/s"));
    show(&format!("growth: {WINDOW} events at the end, after {total}"), &format!("{end:.0} events/s"));
    show("growth: end / start", &format!("{:.2} (goal: 0.8)", end / start));
}
