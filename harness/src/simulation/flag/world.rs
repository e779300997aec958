//! A schedule: people write, a projection follows, and the flag is thrown there and back. Everything is what runs in production; what
//! lies between is not, and time passes only when nobody has anything to do.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cutover_core::ids::StreamName;
use cutover_core::limits::LimitsTable;
use cutover_core::projector;
use cutover_core::switch::CategoryPositions;
use cutover_engines::event_log::{EventLog, LogError};
use cutover_engines::graph::{Graph, MemoryGraph, Schema};
use cutover_service::projection::{self, Groups, ProjectionService, Until};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::audit::Audit;
use super::network::{Actor, DistantGraph, DistantLog, LATE_MAX_MS, Network, Which};
use super::operators::Operators;
use super::people::{Person, lock};
use super::plan::Plan;
use crate::error::chain;
use crate::model::Model;
use crate::provision::hooks::Hooks;
use crate::provision::wrapped::{hooked_graph, hooked_log};
use crate::provision::{Engines, InProcess, Provision};
use crate::scenario::steps::DIRECT;
use crate::simulation::fault::Fault;
use crate::simulation::violation::Violation;
use crate::switch::{ProjectedPath as _, Service};
use crate::workload::clock::SteppingClock;

/// The name of the flag.
pub(super) const FLAG: &str = "simulated";

/// The graph that the projection writes, for its hooks.
const PROJECTED: &str = "projected";

/// How long a schedule may take at most, of its own time.
const PATIENCE: Duration = Duration::from_secs(6 * 60 * 60);

/// How long nobody projects when a process has died, at most, in milliseconds.
const DEAD_MAX_MS: u64 = 3_000;

/// What all who take part have.
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) limits: LimitsTable,
    pub(super) clock: Arc<SteppingClock>,
    pub(super) audit: Arc<Audit>,
    pub(super) network: Arc<Network>,
    /// How many people are at something just now over which two sentences may share a place.
    pub(super) moving: AtomicUsize,
    log: Arc<dyn EventLog>,
    direct: Arc<MemoryGraph>,
    projected: Arc<MemoryGraph>,
}

/// What one who takes part reaches the others by.
pub(super) struct Ports {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) direct: Arc<dyn Graph>,
    pub(super) projected: Arc<dyn Graph>,
}

impl Shared {
    /// Returns the ports of one who takes part; `life` is told when he dies.
    pub(super) fn ports(&self, actor: Actor, life: &Arc<Notify>, hooks: &Hooks) -> Ports {
        let graph = |which, inner: &Arc<MemoryGraph>, name| {
            let (network, life, inner) = (self.network.clone(), life.clone(), inner.clone());
            hooked_graph(Arc::new(DistantGraph { network, actor, life, which, inner }), name, hooks)
        };
        let (network, inner) = (self.network.clone(), self.log.clone());
        let log = hooked_log(Arc::new(DistantLog { network, actor, life: life.clone(), inner }), hooks);
        Ports {
            log,
            direct: graph(Which::Direct, &self.direct, DIRECT),
            projected: graph(Which::Projected, &self.projected, PROJECTED),
        }
    }

    /// Returns when nothing is on its way any more: neither a late write nor an event to the projected graph.
    async fn comes_to_rest(&self) -> Result<(), Violation> {
        let end = async |category| self.log.last_revision(&StreamName::new(category)).await;
        // By then the category streams have everything, too: they follow the streams that they are of.
        sleep(Duration::from_millis(LATE_MAX_MS)).await;
        let ends = async { Ok((end("$ce-Interview").await?, end("$ce-Sentence").await?)) }.await;
        let (interview, sentence) = ends.map_err(|error: LogError| Violation::refused(&error))?;
        let path = Service::new(self.log.clone(), Groups::in_production());
        let applied = path.has_applied(CategoryPositions { interview, sentence }).await;
        applied.map_err(|error| Violation::ThrowRefused { said: chain(&error) })
    }
}

/// What is left when a schedule has ended.
pub(super) struct Ended {
    pub(super) model: Model,
    pub(super) direct: Arc<MemoryGraph>,
    pub(super) projected: Arc<MemoryGraph>,
}

/// Makes what all who take part have, with engines that run.
///
/// # Errors
///
/// [`Violation::PipelineRefused`] when they do not start.
pub(super) async fn prepare(
    plan: &Plan,
    audit: Arc<Audit>,
) -> Result<(Box<dyn Engines>, Arc<Shared>), Violation> {
    let engines = InProcess.start().await.map_err(|error| Violation::refused(&error))?;
    let shared = Shared {
        limits: plan.limits_table(),
        clock: Arc::default(),
        network: Arc::new(Network::new(plan, audit.clone())),
        audit,
        moving: AtomicUsize::new(0),
        log: engines.log(),
        direct: Arc::new(MemoryGraph::new(Schema::Direct)),
        projected: Arc::new(MemoryGraph::new(Schema::Projected)),
        plan: plan.clone(),
    };
    shared.direct.prepare(Schema::Direct).await.map_err(|error| Violation::refused(&error))?;
    Ok((engines, Arc::new(shared)))
}

/// Runs a schedule to its end.
///
/// # Errors
///
/// The first [`Violation`].
pub(super) async fn run(shared: &Arc<Shared>, hooks: &Hooks) -> Result<Ended, Violation> {
    let audit = shared.audit.clone();
    let all = timeout(PATIENCE, all(shared, hooks));
    tokio::select! {
        biased;
        violation = audit.violated() => Err(violation),
        ended = all => ended.unwrap_or_else(|_| Err(Violation::Stuck { owed: 0, parked: 0 })),
    }
}

async fn all(shared: &Arc<Shared>, hooks: &Hooks) -> Result<Ended, Violation> {
    let model = Arc::new(Mutex::new(Model::new(shared.limits.clone())));
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(project(shared.clone(), hooks.clone()));
    let mut writing = JoinSet::new();
    for number in 0..shared.plan.people + shared.plan.guests {
        let person = Person::new(number, shared.clone(), hooks, model.clone());
        writing.spawn(person.write(stopped.clone()));
    }
    let mut operators = Operators::new(shared.clone(), hooks.clone());
    let flips = async {
        operators.throw_there_and_back().await?;
        shared.network.calm_down();
        stop.send_replace(true);
        Ok(())
    };
    let people = async {
        while let Some(ended) = writing.join_next().await {
            ended.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))?;
        }
        Ok(())
    };
    let projection = async {
        match tasks.join_next().await {
            Some(Ok(violation)) => violation,
            Some(Err(ended)) => std::panic::resume_unwind(ended.into_panic()),
            None => unreachable!("it was started"),
        }
    };
    let to_the_end = async {
        tokio::try_join!(biased; flips, people)?;
        shared.comes_to_rest().await
    };
    tokio::select! {
        biased;
        violation = projection => return Err(violation),
        ended = to_the_end => ended?,
    }
    Ok(Ended {
        model: std::mem::take(&mut *lock(&model)),
        direct: shared.direct.clone(),
        projected: shared.projected.clone(),
    })
}

/// Runs the projection, as a process that may die and starts again. It ends with what it cannot go on after.
async fn project(shared: Arc<Shared>, hooks: Hooks) -> Violation {
    loop {
        let life = Arc::new(Notify::new());
        let ports = shared.ports(Actor::Projection, &life, &hooks);
        let settings = projection::Settings {
            projector: projector::Settings {
                lanes: shared.plan.lanes,
                limits: shared.limits.clone(),
                ..projector::Settings::default()
            },
            ..projection::Settings::default()
        };
        let service = ProjectionService::new(ports.log, ports.projected, settings);
        tokio::select! {
            biased;
            ended = service.run(Until::Stopped, std::future::pending()) => {
                let said = match ended {
                    Ok(_) => "it ended by itself".to_owned(),
                    Err(error) => chain(&error),
                };
                return Violation::ProjectionEnded { said };
            }
            () = life.notified() => {}
        }
        sleep(shared.network.below(Fault::Crash, DEAD_MAX_MS)).await;
    }
}
