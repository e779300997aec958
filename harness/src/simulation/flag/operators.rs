//! Operators, who throw the flag: one of them or two at once, who may die over it or be stopped; then somebody else brings the throw to
//! an end, and tries again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cutover_core::switch::Mode;
use cutover_service::pipeline;
use cutover_service::projection::Groups;
use cutover_service::reverse;
use cutover_service::switch::{Flag, FlagError, Seen};
use rand::RngExt;
use smol_str::{SmolStr, format_smolstr};
use tokio::sync::Notify;
use tokio::time::sleep;
use uuid::Uuid;

use super::network::Actor;
use super::world::{FLAG, Shared};
use crate::diff::Policy;
use crate::error::chain;
use crate::provision::hooks::Hooks;
use crate::seed::Stream;
use crate::simulation::fault::Fault;
use crate::simulation::violation::Violation;
use crate::switch::{
    Conductor, Order, PathError, ProjectedPath, Proof, Service, Settings, SwitchError, System,
};

/// After how many attempts there are no more faults.
const ROUGH_TRIES: usize = 12;
/// How many attempts there are at most.
const TRIES_MAX: usize = 24;
/// How long nobody touches the flag before it is thrown, at most, in milliseconds.
const PAUSE_MAX_MS: u64 = 8_000;
/// How long it takes at most until it is tried again, in milliseconds.
const ROUGH_PAUSE_MAX_MS: u64 = 1_000;
/// The same when there are no more faults: a projection may need a minute to come back after one, and writes that are late a while to
/// arrive.
const CALM_PAUSE_MAX_MS: u64 = 60_000;
/// The longest time after which a throw is stopped, in milliseconds.
const STOPPED_MAX_MS: u64 = 4_000;

/// Those who throw the flag.
pub(super) struct Operators {
    shared: Arc<Shared>,
    hooks: Hooks,
    random: Stream,
    orders: u64,
}

/// One of them, at work.
struct Operator {
    life: Arc<Notify>,
    flag: Flag,
    system: System,
    path: Arc<dyn ProjectedPath>,
    settings: Settings,
    shared: Arc<Shared>,
}

impl Operators {
    pub(super) fn new(shared: Arc<Shared>, hooks: Hooks) -> Self {
        let random = shared.plan.seed.stream("operators");
        Self { shared, hooks, random, orders: 0 }
    }

    /// Throws the flag there and back, as often as was drawn.
    ///
    /// # Errors
    ///
    /// A [`Violation`] when a throw is refused for a reason that there is not, or cannot be brought to an end.
    pub(super) async fn throw_there_and_back(&mut self) -> Result<(), Violation> {
        for _ in 0..self.shared.plan.flips {
            for to in [Mode::Projected, Mode::Dual] {
                let pause = self.random.random_range(0..=PAUSE_MAX_MS);
                sleep(Duration::from_millis(pause)).await;
                self.throw(to).await?;
            }
        }
        Ok(())
    }

    /// Throws the flag, however often it takes.
    async fn throw(&mut self, to: Mode) -> Result<(), Violation> {
        let mut said = String::new();
        for number in 0..TRIES_MAX {
            if number == ROUGH_TRIES {
                self.shared.network.calm_down();
                sleep(Duration::from_millis(CALM_PAUSE_MAX_MS)).await;
            }
            match self.attempt(to).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => {
                    let note = || format!("the flag is not thrown to {to}: {}", chain(&error));
                    self.shared.audit.note("refused", &[number as u64], note);
                    said = chain(&error);
                    self.judge(&error)?;
                }
            }
            let pause_max =
                if self.shared.network.is_calm() { CALM_PAUSE_MAX_MS } else { ROUGH_PAUSE_MAX_MS };
            let pause = self.random.random_range(0..=pause_max);
            sleep(Duration::from_millis(pause)).await;
        }
        Err(Violation::FlagStuck { to: to.as_str(), said })
    }

    /// Tells whether there can be such a reason.
    fn judge(&self, error: &SwitchError) -> Result<(), Violation> {
        match error {
            _ if self.hooks.switch().goes_on_after(error) => Ok(()),
            // While the projection lags behind, more may differ than is worth another look.
            SwitchError::Differ(check)
                if check.id == "before-the-fence" && !self.shared.network.is_calm() =>
            {
                Ok(())
            }
            // Until a move or a file is done, two sentences may be at one place, and that looks different in each graph.
            SwitchError::Differ(_) if self.shared.moving.load(Ordering::Relaxed) > 0 => Ok(()),
            SwitchError::Differ(check) => match Violation::of_check(check) {
                Some(differs) => Err(differs),
                None => Err(Violation::refused(error)),
            },
            SwitchError::Path(PathError::Parked { .. } | PathError::Projection(_)) => {
                Err(Violation::ThrowRefused { said: chain(error) })
            }
            _ => Ok(()),
        }
    }

    /// Tries once. Returns whether the flag is where it should be.
    async fn attempt(&mut self, to: Mode) -> Result<bool, SwitchError> {
        let first = self.operator(0);
        let Some(seen) = first.lives(first.flag.look(Seen::default())).await.transpose()? else {
            return Ok(false);
        };
        if seen.state.under_way.is_some() {
            let resumed = first.lives(first.conductor().resume()).await;
            return match resumed.transpose() {
                Ok(mode) => Ok(mode == Some(to)),
                Err(FlagError::Overtaken) => Ok(false),
                Err(error) => Err(error.into()),
            };
        }
        if seen.state.mode == to {
            return Ok(true);
        }
        let order = self.order(to, "ada");
        let network = &self.shared.network;
        if network.fires(Fault::TwoOperators) {
            let (second, other) = (self.operator(1), self.order(to, "grace"));
            let (one, two) = tokio::join!(first.throw(order), second.throw(other));
            // One of them is refused, or both are; whoever was told that it is thrown is right.
            return match (one, two) {
                (Ok(Some(())), _) | (_, Ok(Some(()))) => Ok(false),
                (Err(error), _) | (_, Err(error)) => Err(error),
                _ => Ok(false),
            };
        }
        if network.fires(Fault::OperatorStopped) {
            let after = network.below(Fault::OperatorStopped, STOPPED_MAX_MS);
            let conductor = first.conductor();
            let thrown = conductor.throw_until(order, sleep(after));
            return match first.lives(thrown).await {
                Some(Err(SwitchError::Interrupted { .. })) | None => Ok(false),
                Some(thrown) => thrown.map(|_| false),
            };
        }
        first.throw(order).await.map(|_| false)
    }

    fn order(&mut self, to: Mode, actor: &'static str) -> Order {
        self.orders += 1;
        Order {
            operation: Uuid::from_u64_pair(self.shared.plan.seed.number(), self.orders),
            to,
            actor: SmolStr::new_static(actor),
            reason: format_smolstr!("attempt {}", self.orders),
            certificate: Some(SmolStr::new_static("simulated")),
        }
    }

    /// Has somebody ready who throws the flag.
    fn operator(&mut self, number: usize) -> Operator {
        let shared = self.shared.clone();
        let life = Arc::new(Notify::new());
        let ports = shared.ports(Actor::Operator(number), &life, &self.hooks);
        let mut system = System {
            log: ports.log.clone(),
            direct: ports.direct,
            projected: ports.projected,
            policy: Policy::direct_vs_projected(),
            pipeline: pipeline::Settings { limits: shared.limits.clone(), ..Default::default() },
            reverse: reverse::Settings {
                limits: shared.limits.clone(),
                batch: shared.plan.way_back_batch,
                ..Default::default()
            },
        };
        let hook = self.hooks.switch();
        system = hook.system(system);
        let path: Arc<dyn ProjectedPath> = Arc::new(Service::new(ports.log, Groups::in_production()));
        let path = hook.path(path, &system);
        let proof = if self.random.random_range(0..3) == 0 { Proof::Events } else { Proof::Graphs };
        let settings = Settings { fence_max: shared.plan.fence_max(), proof };
        Operator { life, flag: Flag::new(system.log.clone(), FLAG), system, path, settings, shared }
    }
}

impl Operator {
    fn conductor(&self) -> Conductor<'_> {
        Conductor {
            flag: &self.flag,
            system: &self.system,
            path: &*self.path,
            clock: &*self.shared.clock,
            witness: &(),
            settings: self.settings,
        }
    }

    /// Throws the flag; `None` when the operator dies over it.
    async fn throw(&self, order: Order) -> Result<Option<()>, SwitchError> {
        let thrown = self.lives(self.conductor().throw(order)).await;
        Ok(thrown.transpose()?.map(|_| ()))
    }

    /// Does something, unless the operator dies over it.
    async fn lives<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.life.notified() => None,
        }
    }
}
