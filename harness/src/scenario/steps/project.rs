//! The projection service, as it is run: alone or several at once, over and over until it has caught up, whatever dies.

use std::sync::Arc;

use cutover_core::ids::StreamName;
use cutover_engines::event_log::{GroupSettings, StartFrom};
use cutover_engines::graph::{Graph, Schema};
use cutover_service::projection::{self, Groups, ProjectionError, ProjectionService, Report, Until};
use smol_str::SmolStr;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::{StepError, World};
use crate::fault::{Injector, Poison, PoisonedGraph};
use crate::scenario::run::Findings;
use crate::scenario::step::{Again, Project};

/// A graph that a projection writes.
pub(super) struct Projected {
    /// The graph as it is.
    pub(super) graph: Arc<dyn Graph>,
    /// The graph as the service has it.
    pub(super) disturbed: Arc<dyn Graph>,
    pub(super) poison: Arc<Poison>,
    /// The groups that it is projected from, those before them too.
    pub(super) groups: Vec<Groups>,
    /// Where the latest of them begin: the interviews', and the sentences'.
    starts: [StartFrom; 2],
}

impl Projected {
    pub(super) fn groups_now(&self) -> &Groups {
        self.groups.last().expect("a graph is projected from some groups")
    }
}

/// What one or more services came to; `None` when the process died.
type Ran = Option<Result<Vec<Report>, ProjectionError>>;

impl World<'_> {
    /// Runs the projection service until it has caught up.
    pub(super) async fn project(&mut self, step: &Project, findings: &mut Findings) -> Result<(), StepError> {
        self.make_ready(&step.into).await?;
        if let Some(again) = step.again {
            self.begin_again(&step.into, again).await?;
        }
        let services = self.services(step).await?;
        if !step.meanwhile.is_empty() {
            let (stop, stopped) = watch::channel(false);
            let injector = self.injector.clone();
            let going_on = tokio::spawn(keep_running(services.clone(), injector, stopped));
            let mut taken = Ok(());
            for meanwhile in &step.meanwhile {
                taken = Box::pin(self.step(meanwhile, findings)).await;
                if taken.is_err() {
                    break;
                }
            }
            let _ = stop.send(true);
            let reports = going_on.await.unwrap_or_else(|error| resume(error));
            taken?;
            self.count(&step.into, &reports?, findings);
        }
        loop {
            let deaths = self.injector.deaths();
            match run(&services, Until::CaughtUp, &self.injector, deaths, None).await {
                Some(Ok(reports)) => {
                    self.count(&step.into, &reports, findings);
                    return Ok(());
                }
                Some(Err(error)) => {
                    let error = StepError::from(error);
                    if !(error.is_transient() && self.injector.is_down()) {
                        return Err(error);
                    }
                }
                None => {}
            }
            self.restart().await;
        }
    }

    /// Makes a graph and its groups, unless they are there.
    pub(super) async fn make_ready(&mut self, into: &SmolStr) -> Result<(), StepError> {
        if !self.projected.contains_key(into) {
            let groups =
                if self.projected.is_empty() { Groups::in_production() } else { Groups::named(into) };
            let graph = self.engines.graph(into, Schema::Projected).await?;
            let poison = Arc::new(Poison::default());
            let watched = self.timeline.watch(graph.clone(), into.clone());
            let poisoned: Arc<dyn Graph> = Arc::new(PoisonedGraph::new(watched, poison.clone()));
            let disturbed = super::disturbed(&poisoned, into, &self.injector, self.defect.as_ref());
            let (groups, starts) = (vec![groups], [StartFrom::Start; 2]);
            self.projected.insert(into.clone(), Projected { graph, disturbed, poison, groups, starts });
        }
        Ok(())
    }

    /// Gives a graph new groups, which deliver again what it has already.
    async fn begin_again(&mut self, into: &SmolStr, again: Again) -> Result<(), StepError> {
        let starts = match again {
            Again::All => [StartFrom::Start; 2],
            Again::Half => [self.middle_of("$ce-Interview").await?, self.middle_of("$ce-Sentence").await?],
        };
        let Some(projected) = self.projected.get_mut(into) else { return Ok(()) };
        let name = format!("{into}-again-{}", projected.groups.len());
        projected.groups.push(Groups::named(&name));
        projected.starts = starts;
        Ok(())
    }

    /// Returns where the second half of what this scenario has written to a category begins.
    async fn middle_of(&self, category: &str) -> Result<StartFrom, StepError> {
        let last = self.engines.log().last_revision(&StreamName::new(category)).await?;
        let written = self.streams.events_of(category);
        Ok(last.map_or(StartFrom::Start, |last| {
            StartFrom::Revision((last + 1).saturating_sub(written.div_ceil(2)))
        }))
    }

    /// Makes the services that a step asks for, which are not running yet.
    pub(super) async fn services(&self, step: &Project) -> Result<Vec<Arc<ProjectionService>>, StepError> {
        let projected = &self.projected[&step.into];
        let groups = projected.groups_now();
        let mut settings = projection::Settings { groups: groups.clone(), ..self.projection.clone() };
        if let Some(lanes) = step.lanes {
            settings.projector.lanes = usize::from(lanes);
        }
        if projected.starts != [StartFrom::Start; 2] {
            // The service makes its groups where they are missing; these begin where it would not let them begin.
            for (group, start_from) in [&groups.interview, &groups.sentence].into_iter().zip(projected.starts)
            {
                let settings = GroupSettings { start_from, ..settings.group_settings.clone() };
                self.engines.log().ensure_group(group, &settings).await?;
            }
        }
        let service = |watcher| {
            let graph = projected.disturbed.clone();
            Arc::new(ProjectionService::new(self.log.clone(), graph, settings.clone()).watched_by(watcher))
        };
        let watchers = self.timeline.watch_lanes(&step.into, usize::from(step.services.max(1)));
        Ok(watchers.into_iter().map(service).collect())
    }

    /// Asks for what is parked, again and again while the world stands in the way.
    pub(super) async fn replay_parked(&mut self, into: &SmolStr) -> Result<(), StepError> {
        let groups = self.projected[into].groups_now().clone();
        for group in [&groups.interview, &groups.sentence] {
            self.persistently(|log| {
                let group = group.clone();
                async move { log.replay_parked(&group).await }
            })
            .await?;
        }
        Ok(())
    }

    fn count(&self, into: &SmolStr, reports: &[Report], findings: &mut Findings) {
        let sum = findings.projections.entry(into.clone()).or_default();
        reports.iter().for_each(|report| sum.add(&report.metrics));
    }
}

/// Runs services, several at once, until all of them have come to their end, one has failed, or the process dies.
async fn run(
    services: &[Arc<ProjectionService>],
    until: Until,
    injector: &Arc<Injector>,
    deaths: u64,
    stopped: Option<watch::Receiver<bool>>,
) -> Ran {
    let mut running = JoinSet::new();
    for service in services {
        let (service, stopped) = (service.clone(), stopped.clone());
        running.spawn(async move {
            let stop = async {
                match stopped {
                    // Whoever is gone wants it to stop, too.
                    Some(mut stopped) => drop(stopped.wait_for(|stopped| *stopped).await),
                    None => std::future::pending().await,
                }
            };
            service.run(until, stop).await
        });
    }
    let mut reports = Vec::new();
    loop {
        tokio::select! {
            ended = running.join_next() => match ended {
                Some(Ok(Ok(report))) => reports.push(report),
                Some(Ok(Err(error))) => return Some(Err(error)),
                Some(Err(error)) => resume(error),
                None => return Some(Ok(reports)),
            },
            () = injector.died_since(deaths) => return None,
        }
    }
}

/// Runs services until they are told to stop; when the process dies, it is started again.
async fn keep_running(
    services: Vec<Arc<ProjectionService>>,
    injector: Arc<Injector>,
    stopped: watch::Receiver<bool>,
) -> Result<Vec<Report>, ProjectionError> {
    loop {
        let deaths = injector.deaths();
        match run(&services, Until::Stopped, &injector, deaths, Some(stopped.clone())).await {
            Some(Err(error)) if injector.is_down() && super::error::may_pass(&error) => {}
            Some(ended) => return ended,
            None => {}
        }
        injector.started_again();
    }
}

/// A service panics only on a mistake in our code, and then the scenario must not go on as if nothing had happened.
pub(super) fn resume(error: JoinError) -> ! {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => unreachable!("nobody cancels a service that is waited for: {error}"),
    }
}
