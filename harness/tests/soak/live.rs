//! A world as a system that is watched, and what the tests say about a round.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::graph::{Change, ChangeSet, Properties};
use cutover_core::limits::LimitsTable;
use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::{Graph, GraphError};
use cutover_harness::diff::Policy;
use cutover_harness::live::{Identify, LiveGraph, LiveSystem, Patience};
use cutover_harness::provision::external::Address;
use cutover_harness::soak::{
    Alert, Criteria, Hook, HookError, Note, Opened, Rollback, Round, StateFile, Watch, WatchError, Watched,
};
use cutover_service::pipeline::Clock;
use cutover_service::switch::Flag;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::world::{LINES, World, file};

/// The clock of the runtime, which stands still while there is something to do, and what was skipped: the event store lives through
/// every second of the runtime, which takes a minute for two weeks.
pub(crate) struct SkippingClock {
    begun: Instant,
    skipped_ms: AtomicU64,
}

impl Clock for SkippingClock {
    fn now(&self) -> Timestamp {
        let lived_ms = u64::try_from(self.begun.elapsed().as_millis()).expect("a time of this world");
        Timestamp::from_unix_ms(1_714_557_600_000 + lived_ms + self.skipped_ms.load(Ordering::Relaxed))
    }
}

/// A server that says what it was told to say.
struct Named(String);

#[async_trait]
impl Identify for Named {
    async fn identity(&self) -> Result<String, GraphError> {
        Ok(self.0.clone())
    }
}

/// Keeps what it is told, or takes nothing.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) alerts: Mutex<Vec<String>>,
    pub(crate) is_deaf: Mutex<bool>,
}

#[async_trait]
impl Hook for Told {
    async fn call(&self, note: &Note<'_>) -> Result<(), HookError> {
        if *self.is_deaf.lock().expect("a flag") {
            return Err(HookError::Refused(503));
        }
        self.alerts.lock().expect("a list").push(note.text.clone());
        Ok(())
    }
}

/// All that watching a world needs.
pub(crate) struct Site {
    pub(crate) live: LiveSystem,
    pub(crate) flag: Flag,
    pub(crate) told: Told,
    policy: Policy,
    limits: LimitsTable,
    folder: TempDir,
    clock: SkippingClock,
}

impl Site {
    pub(crate) fn of(world: &World) -> Self {
        let graph = |name: &str, graph: Arc<dyn Graph>| LiveGraph {
            address: Address::of_neo4j(&format!("bolt://{name}:7687")).expect("an address").0,
            graph,
            identify: Arc::new(Named(name.to_owned())),
        };
        let live = LiveSystem {
            store: Address::of_eventstore("esdb://store:2113").expect("an address").0,
            log: world.log.clone(),
            direct: graph("direct", world.direct.clone()),
            projected: graph("projected", world.projected.clone()),
            groups: "v1".into(),
        };
        Self {
            live,
            flag: world.flag(),
            told: Told::default(),
            policy: Policy::direct_vs_projected(),
            limits: LimitsTable::default(),
            folder: tempfile::tempdir().expect("a folder"),
            clock: SkippingClock { begun: Instant::now(), skipped_ms: AtomicU64::new(0) },
        }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("soak.json")
    }

    /// Lets time pass for whoever watches.
    pub(crate) fn skip(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).expect("a time of this world");
        self.clock.skipped_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn opened<'a>(
        &'a self,
        criteria: Option<Criteria>,
        rollback: Option<&'a dyn Rollback>,
    ) -> Opened<'a> {
        let patience = Patience {
            settles_within: Duration::from_secs(10),
            caught_up_within: Duration::from_secs(60),
            rounds: 3,
        };
        let watched = Watched {
            live: &self.live,
            flag: &self.flag,
            policy: &self.policy,
            limits: &self.limits,
            patience,
        };
        Opened {
            watched,
            flag: "test",
            file: self.file(),
            criteria,
            clock: &self.clock,
            hook: Some(&self.told),
            rollback,
        }
    }

    /// Opens the soak that is kept, or begins one under these criteria.
    pub(crate) async fn watch(&self, criteria: Criteria) -> Watch<'_> {
        Watch::open(self.opened(Some(criteria), None)).await.expect("a soak")
    }

    pub(crate) async fn refused(&self, criteria: Option<Criteria>) -> WatchError {
        match Watch::open(self.opened(criteria, None)).await {
            Ok(_) => panic!("it was opened"),
            Err(error) => error,
        }
    }

    pub(crate) fn kept(&self) -> StateFile {
        StateFile::read(&self.file()).expect("a soak")
    }
}

/// Criteria for a world of one interview: it is swept whole in each round.
pub(crate) fn criteria() -> Criteria {
    let mut criteria = Criteria::bundled();
    criteria.rounds.shards = 1.try_into().expect("not zero");
    criteria.rounds.gap = "2h".parse().expect("a time");
    criteria
}

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// Lets an hour pass, and watches a round.
pub(crate) async fn hourly(site: &Site, watch: &mut Watch<'_>) -> Round {
    site.skip(HOUR);
    watch.round().await.expect("a round that is kept")
}

/// Writes into a graph what no event says.
pub(crate) async fn write_past_the_events(graph: &dyn Graph, node: cutover_core::graph::NodeRef, text: &str) {
    let set = Properties::new().with("text", text);
    let changes = vec![Change::Update { node, set, unset: Vec::new() }];
    graph.apply(&[ChangeSet { guard: None, changes }]).await.expect("a graph");
}

/// The first sentence of the interview, in the direct graph.
pub(crate) fn first_sentence() -> cutover_core::graph::NodeRef {
    cutover_core::direct::sentence_ref(file(LINES).interview, 0)
}

pub(crate) fn words(alerts: &[Alert]) -> Vec<String> {
    alerts.iter().map(ToString::to_string).collect()
}
