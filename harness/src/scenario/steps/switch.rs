//! Throws the flag as `cutover switch` does. Nobody else runs the projection service in a scenario: the switch does, whenever it has
//! to wait for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::graph::Value;
use cutover_core::switch::{CategoryPositions, Mode};
use cutover_engines::event_log::EventLog;
use cutover_engines::graph::{Graph, GraphError};
use cutover_service::pipeline::{self, IdSource as _};
use cutover_service::projection::{Groups, ProjectionService};
use cutover_service::reverse;
use cutover_service::switch::{Flag, Seen, fence};
use smol_str::{SmolStr, format_smolstr};

use super::late::Late;
use super::{StepError, World, disturbed};
use crate::diff::Policy;
use crate::provision::hooks::Hooks;
use crate::result::CheckResult;
use crate::scenario::file::Scenario;
use crate::scenario::run::Findings;
use crate::scenario::step::{Project, Step};
use crate::switch::{Conductor, Order, PathError, ProjectedPath, Service, Settings, SwitchError, System};

/// The graph that the flag is thrown to.
const PROJECTED: SmolStr = SmolStr::new_static("projected");

/// A scenario may run on slow servers: what it shows is that nothing is lost, not how long it takes.
const FENCE_MAX: Duration = Duration::from_secs(60);

/// Returns the flag that a scenario throws, if it does.
pub(super) fn flag_of(scenario: &Scenario, log: &Arc<dyn EventLog>, namespace: Option<&str>) -> Option<Flag> {
    let throws = scenario.steps.iter().any(|step| matches!(step, Step::Switch { .. }));
    throws.then(|| Flag::new(log.clone(), namespace.unwrap_or("scenario")))
}

/// Returns the same flag as a writer follows it.
pub(super) fn followed(
    scenario: &Scenario,
    log: &Arc<dyn EventLog>,
    namespace: Option<&str>,
    defect: Option<&Hooks>,
) -> Option<Flag> {
    let log = defect.map_or_else(|| log.clone(), |hooks| hooks.switch().followed(log.clone()));
    flag_of(scenario, &log, namespace)
}

/// Runs the projection service until it has caught up, whenever somebody waits for it.
struct Running {
    service: Arc<ProjectionService>,
    log: Arc<dyn EventLog>,
    groups: Groups,
}

#[async_trait]
impl ProjectedPath for Running {
    async fn has_applied(&self, positions: CategoryPositions) -> Result<(), PathError> {
        self.service.catch_up().await?;
        Service::new(self.log.clone(), self.groups.clone()).has_applied(positions).await
    }
}

impl World<'_> {
    /// Throws the flag. The check is about what it says afterwards, to whoever reads it, and whether it was heeded before; what kept
    /// it from being thrown is a check, too.
    pub(super) async fn switch(
        &mut self,
        to: Mode,
        late_writers: u32,
        findings: &mut Findings,
    ) -> Result<(), StepError> {
        let Some(flag) = self.flag.clone() else { unreachable!("a scenario with this step has a flag") };
        self.make_ready(&PROJECTED).await?;
        let mut figures = Vec::new();
        if let Some(before) = self.direct_writes.take() {
            let since = self.count_direct_writes().await?.saturating_sub(before);
            let name = SmolStr::new_static("direct writes while events alone were to be written");
            figures.push((name, Value::Int(0), Value::from(i64::try_from(since).unwrap_or(i64::MAX))));
        }
        let wanted = self.people.edits(&self.files, &self.model, late_writers);
        let late = Late::on_their_way(self, wanted).await?;
        let thrown = self.throw(&flag, to, findings).await;
        if to == Mode::Projected && thrown.is_ok() {
            self.direct_writes = Some(self.count_direct_writes().await?);
        }
        let arrived = late.arrive(self, findings).await;
        if thrown.is_ok() {
            let seen = flag.look(Seen::default()).await.map_err(SwitchError::from)?;
            let (expected, mode) = (Value::from(to.as_str()), Value::from(seen.state.mode.as_str()));
            figures.push((SmolStr::new_static("mode"), expected, mode));
            let fenced = Value::Bool(seen.state.is_fenced());
            figures.push((SmolStr::new_static("writers held up"), Value::Bool(false), fenced));
        }
        if !figures.is_empty() {
            findings.push(CheckResult::of_figures(format_smolstr!("switch-at-{}", self.number), figures));
        }
        thrown.and(arrived)
    }

    async fn throw(&mut self, flag: &Flag, to: Mode, findings: &mut Findings) -> Result<(), StepError> {
        let services = self.services(&Project::once(PROJECTED)).await?;
        let service = services.into_iter().next().unwrap_or_else(|| unreachable!("one was asked for"));
        let projected = &self.projected[&PROJECTED];
        let direct: Arc<dyn Graph> =
            disturbed(&self.direct, super::DIRECT, &self.injector, self.defect.as_ref());
        let mut path: Arc<dyn ProjectedPath> =
            Arc::new(Running { service, log: self.log.clone(), groups: projected.groups_now().clone() });
        let mut system = System {
            log: self.log.clone(),
            direct,
            projected: projected.graph.clone(),
            policy: Policy::direct_vs_projected(),
            pipeline: pipeline::Settings { limits: self.limits.clone(), ..Default::default() },
            reverse: reverse::Settings { limits: self.limits.clone(), ..Default::default() },
        };
        let mut flag = flag.clone();
        let hook = self.defect.as_ref().map(Hooks::switch);
        if let Some(hook) = &hook {
            system = hook.system(system);
            path = hook.path(path, &system);
            flag = flag_of(self.scenario, &system.log, self.engines.namespace()).unwrap_or(flag);
        }
        let conductor = Conductor {
            flag: &flag,
            system: &system,
            path: &*path,
            clock: &*self.clock,
            witness: &(),
            settings: Settings { fence_max: FENCE_MAX, ..Settings::default() },
        };
        let order = Order {
            operation: self.ids.next_id(),
            to,
            actor: SmolStr::new_static("rehearsal"),
            reason: SmolStr::new_static("a rehearsal"),
            certificate: Some(SmolStr::new_static("rehearsal")),
        };
        match conductor.throw(order).await {
            Ok(_) => Ok(()),
            Err(error) if hook.is_some_and(|hook| hook.goes_on_after(&error)) => Ok(()),
            Err(error) => {
                if let SwitchError::Differ(check) = &error {
                    findings.push((**check).clone());
                }
                Err(error.into())
            }
        }
    }

    /// Tells how many direct writes there have been: each advances the turnstile, and so does whoever closes it.
    async fn count_direct_writes(&self) -> Result<u64, GraphError> {
        Ok(fence::turnstile().count(&*self.direct).await?.map_or(0, |last| last + 1))
    }
}
