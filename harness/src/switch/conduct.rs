//! A throw, step by step. Every step is an event of the flag before it counts as done, so that whoever comes next knows it.

use std::collections::BTreeSet;
use std::time::Duration;

use cutover_core::ids::InterviewId;
use cutover_core::switch::{
    self, CategoryPositions, Mode, Rejection, Start, Step, SwitchEvent, SwitchState, abandon, change_mode,
    confirm_drained, confirm_fence, confirm_verified,
};
use cutover_engines::graph::Schema;
use cutover_service::pipeline::{Clock, drain_outbox};
use cutover_service::reverse::touched_since;
use cutover_service::switch::{Flag, FlagError, LEASE, Seen, fence};
use smol_str::SmolStr;
use tokio::time::Instant;
use uuid::Uuid;

use super::System;
use super::approach::{Left, sides};
use super::barrier::{self, Barrier};
use super::error::SwitchError;
use super::path::ProjectedPath;
use crate::diff::{GraphSource, Limits, diff_interviews};
use crate::result::{CheckResult, Outcome};

/// By what it is proven that nothing is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Proof {
    /// Both graphs are the same.
    #[default]
    Graphs,
    /// On the way back from `projected`: the direct graph is what the events say. Neither the projected graph nor whoever writes it is
    /// asked, so that one that is lost or dead keeps nobody from leaving it. On any other way as [`Proof::Graphs`].
    Events,
}

/// How a flag is thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long writers may be held up; after that the throw is given up.
    pub fence_max: Duration,
    /// By what it is proven that nothing is lost.
    pub proof: Proof,
}

impl Default for Settings {
    fn default() -> Self {
        Self { fence_max: Duration::from_secs(10), proof: Proof::Graphs }
    }
}

/// Who wants what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Names the operation.
    pub operation: Uuid,
    /// The mode to go to.
    pub to: Mode,
    /// Who.
    pub actor: SmolStr,
    /// Why.
    pub reason: SmolStr,
    /// The digest of the certificate that it relies on.
    pub certificate: Option<SmolStr>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepDone {
    /// The direct graph was brought up to date while everybody wrote.
    CaughtUp {
        /// With how many events.
        events: u64,
        /// How long it took.
        took: Duration,
    },
    /// Both graphs were compared while everybody wrote.
    Compared {
        /// How many elements.
        elements: u64,
        /// How long it took.
        took: Duration,
    },
    /// Writers are held up.
    Fenced,
    /// What had been written is in the event store, and on the way to both graphs.
    Drained {
        /// How many outbox entries were drained, or events brought into the direct graph.
        entries: u64,
        /// How long after the fence was raised.
        after: Duration,
    },
    /// The projected graph has everything.
    Applied {
        /// How long after the fence was raised.
        after: Duration,
    },
    /// The projected graph is not what the events say, and the direct graph, which is gone back to, is.
    FoundWrong {
        /// In how many interviews.
        interviews: u64,
    },
    /// What had changed was compared, and is the same.
    Verified {
        /// How many interviews.
        interviews: u64,
        /// How long after the fence was raised.
        after: Duration,
    },
    /// The flag is thrown.
    Thrown {
        /// How long writers were held up.
        fenced: Duration,
    },
    /// It was given up.
    GivenUp {
        /// Why.
        reason: String,
    },
}

/// Is told of each step when it is done.
pub trait Witness: Send + Sync {
    /// Takes notice.
    fn done(&self, step: StepDone);
}

/// Takes no notice.
impl Witness for () {
    fn done(&self, _: StepDone) {}
}

/// What a throw came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The mode that was left.
    pub from: Mode,
    /// The mode that the flag is in.
    pub to: Mode,
    /// The operation.
    pub operation: Uuid,
    /// How many interviews were compared behind the fence.
    pub interviews: u64,
    /// How long writers were held up.
    pub fenced: Duration,
}

/// Throws a flag.
pub struct Conductor<'a> {
    /// The flag.
    pub flag: &'a Flag,
    /// What it is thrown for.
    pub system: &'a System,
    /// The way to the projected graph.
    pub path: &'a dyn ProjectedPath,
    /// Tells the time that events bear.
    pub clock: &'a dyn Clock,
    /// Is told of each step.
    pub witness: &'a dyn Witness,
    /// How it is thrown.
    pub settings: Settings,
}

/// A throw that has begun.
struct Operation {
    id: Uuid,
    from: Mode,
    /// The flag as it was before.
    before: SwitchState,
    seen: Seen,
    begun: Instant,
    barrier: Barrier,
    /// The interviews of entries that a rule forbade in the end: there the direct graph is ahead of the events.
    rejected: BTreeSet<InterviewId>,
}

impl Conductor<'_> {
    /// Throws the flag, or leaves everything as it is.
    ///
    /// # Errors
    ///
    /// A [`SwitchError`]. The mode is the old one then, and writers go on, unless it is [`SwitchError::NotGivenUp`].
    pub async fn throw(&self, order: Order) -> Result<Report, SwitchError> {
        let seen = self.flag.look(Seen::default()).await?;
        // What a rule forbids is told before anything that takes long.
        self.start(&seen.state, &order)?;
        let left = self.approach(&seen.state).await?;
        let barrier = Barrier::here(&*self.system.log).await?;
        let seen = self.flag.look(seen).await?;
        let (before, started) = (seen.state.clone(), self.start(&seen.state, &order)?);
        let seen = self.flag.append(seen, &started).await?;
        let (id, from) = (order.operation, before.mode);
        let mut operation =
            Operation { id, from, before, seen, begun: Instant::now(), barrier, rejected: BTreeSet::new() };
        let limit = self.settings.fence_max;
        let fenced = tokio::time::timeout(limit, self.behind_the_fence(&mut operation, left)).await;
        let failed = match fenced {
            Ok(Ok(report)) => return Ok(report),
            Ok(Err(error)) => error,
            Err(_) => SwitchError::TooLong { after: limit },
        };
        match self.give_up(order.operation, &failed.to_string()).await {
            Ok(()) => Err(failed),
            // Its last step was taken, and only the answer was lost.
            Err(FlagError::Rejected(Rejection::NotUnderWay(_)))
                if self.is_thrown_by(order.operation).await? =>
            {
                let (to, operation) = (order.to, order.operation);
                Ok(Report { from, to, operation, interviews: 0, fenced: limit })
            }
            Err(source) => {
                let (operation, failed) = (order.operation, Box::new(failed));
                Err(SwitchError::NotGivenUp { operation, failed, source })
            }
        }
    }

    /// Throws the flag, and gives it up as soon as somebody stops it. What is on its way then is not waited for: the flag takes
    /// one event after the other, and a step that comes after it was given up is refused.
    ///
    /// # Errors
    ///
    /// As [`Conductor::throw`], and [`SwitchError::Interrupted`] with the mode that it was left in.
    pub async fn throw_until(
        &self,
        order: Order,
        stopped: impl Future<Output = ()>,
    ) -> Result<Report, SwitchError> {
        let operation = order.operation;
        tokio::select! {
            biased;
            thrown = self.throw(order) => return thrown,
            () = stopped => {}
        }
        match self.give_up(operation, "it was interrupted").await {
            // It had not begun, or was thrown already.
            Ok(()) | Err(FlagError::Rejected(_)) => {}
            Err(source) => {
                return Err(SwitchError::NotGivenUp {
                    operation,
                    failed: Box::new(SwitchError::Stopped),
                    source,
                });
            }
        }
        let mode = self.flag.look(Seen::default()).await?.state.mode;
        Err(SwitchError::Interrupted { mode })
    }

    /// Brings a throw that was cut off to an end: one that had only the last step before it is carried through, any other is given
    /// up. Returns the mode that the flag is in then.
    ///
    /// # Errors
    ///
    /// [`FlagError`] when the flag cannot be read, or somebody else does the same.
    pub async fn resume(&self) -> Result<Mode, FlagError> {
        let seen = self.flag.look(Seen::default()).await?;
        let Some(under_way) = seen.state.under_way.clone() else { return Ok(seen.state.mode) };
        let operation = under_way.started.operation;
        if under_way.step == Step::Verified {
            // Nobody has written since it was verified: the fence is up.
            let changed = change_mode(&seen.state, operation, self.clock.now())?;
            let seen = self.flag.append(seen, &changed).await?;
            return Ok(seen.state.mode);
        }
        self.give_up(operation, "it was cut off").await?;
        Ok(seen.state.mode)
    }

    /// Gives a throw up, and lets writers go on as before.
    ///
    /// # Errors
    ///
    /// [`FlagError`] when there is nothing to give up, or the flag cannot be written.
    pub async fn give_up(&self, operation: Uuid, reason: &str) -> Result<(), FlagError> {
        loop {
            let seen = self.flag.look(Seen::default()).await?;
            let event = abandon(&seen.state, operation, reason, self.clock.now())?;
            match self.flag.append(seen, &event).await {
                // An append of its own, whose answer was lost.
                Err(FlagError::Overtaken) => {}
                appended => {
                    appended?;
                    self.witness.done(StepDone::GivenUp { reason: reason.to_owned() });
                    return Ok(());
                }
            }
        }
    }

    fn start(&self, state: &SwitchState, order: &Order) -> Result<SwitchEvent, Rejection> {
        let Order { operation, to, actor, reason, certificate } = order.clone();
        switch::start(state, Start { operation, to, actor, reason, certificate, at: self.clock.now() })
    }

    async fn is_thrown_by(&self, operation: Uuid) -> Result<bool, FlagError> {
        let seen = self.flag.look(Seen::default()).await?;
        Ok(seen.state.thrown.is_some_and(|thrown| thrown.operation == operation))
    }

    async fn behind_the_fence(&self, operation: &mut Operation, left: Left) -> Result<Report, SwitchError> {
        self.fence(operation).await?;
        self.drain(operation).await?;
        let positions = self.apply(operation).await?;
        let interviews = self.verify(operation, left).await?;
        let verified =
            confirm_verified(&operation.seen.state, operation.id, positions, interviews, self.clock.now())?;
        self.append(operation, verified).await?;
        self.witness.done(StepDone::Verified { interviews, after: operation.begun.elapsed() });
        let changed = change_mode(&operation.seen.state, operation.id, self.clock.now())?;
        self.append(operation, changed).await?;
        let fenced = operation.begun.elapsed();
        self.witness.done(StepDone::Thrown { fenced });
        let (from, to) = (operation.from, operation.seen.state.mode);
        Ok(Report { from, to, operation: operation.id, interviews, fenced })
    }

    /// Holds writers up: first the flag, which they read last, then whatever is on its way.
    async fn fence(&self, operation: &mut Operation) -> Result<(), SwitchError> {
        let fenced = confirm_fence(&operation.seen.state, operation.id, self.clock.now())?;
        operation.begun = Instant::now();
        self.append(operation, fenced).await?;
        if operation.from.writes_direct() {
            fence::close(&*self.system.direct).await.map_err(SwitchError::Fence)?;
        } else {
            // Whoever has read the flag before gives up what he appends by then.
            tokio::time::sleep(2 * LEASE).await;
        }
        self.witness.done(StepDone::Fenced);
        Ok(())
    }

    /// Brings what had been written into the event store, and waits until its category streams have all of it.
    async fn drain(&self, operation: &mut Operation) -> Result<(), SwitchError> {
        let entries = match operation.from {
            Mode::Dual => {
                let System { direct, log, pipeline, .. } = self.system;
                let report = drain_outbox(direct, log, pipeline).await?;
                operation.rejected.extend(report.rejected.iter().map(|entry| entry.interview));
                report.entries as u64
            }
            Mode::Direct | Mode::Projected => 0,
        };
        let drained = confirm_drained(&operation.seen.state, operation.id, self.clock.now())?;
        self.append(operation, drained).await?;
        let marker = operation.seen.events - 1;
        operation.barrier.reached(&*self.system.log, self.flag.stream(), marker).await?;
        let caught_up = match operation.from {
            Mode::Projected => self.catch_up(&operation.before).await?.events,
            Mode::Direct | Mode::Dual => 0,
        };
        let after = operation.begun.elapsed();
        self.witness.done(StepDone::Drained { entries: entries + caught_up, after });
        Ok(())
    }

    /// Waits until the projected graph has everything, if it is asked.
    async fn apply(&self, operation: &Operation) -> Result<CategoryPositions, SwitchError> {
        let positions = barrier::ends(&*self.system.log).await?;
        if self.is_proven_by_events(operation.from) {
            return Ok(positions);
        }
        self.path.has_applied(positions).await?;
        self.witness.done(StepDone::Applied { after: operation.begun.elapsed() });
        Ok(positions)
    }

    /// Compares what has changed since everything was compared. Returns how many interviews are the same.
    async fn verify(&self, operation: &Operation, left: Left) -> Result<u64, SwitchError> {
        let (check, interviews) = match left {
            Left::Everything => {
                let check = self.compare_everything("behind-the-fence").await;
                let interviews = check.compared.nodes.get("Interview").map_or(0, |tally| tally.both);
                (check, interviews)
            }
            Left::Interviews(mut interviews, since) => {
                interviews.extend(touched_since(&self.system.log, since).await?.0);
                interviews.extend(&operation.rejected);
                if interviews.is_empty() {
                    return Ok(0);
                }
                if self.is_proven_by_events(operation.from) {
                    return self.prove_by_events(&interviews).await;
                }
                let direct = GraphSource::new(&*self.system.direct, Schema::Direct);
                let projected = GraphSource::new(&*self.system.projected, Schema::Projected);
                let (policy, limits) = (&self.system.policy, Limits::default());
                let id = "behind-the-fence";
                let check =
                    diff_interviews(id, sides(), &direct, &projected, policy, &interviews, limits).await?;
                (check, interviews.len() as u64)
            }
        };
        tracing::debug!(operation = %operation.id, compared = check.compared.total(), "compared behind the fence");
        if operation.from == Mode::Projected && check.outcome == Outcome::Fail {
            return Ok(interviews.saturating_sub(self.judge_by_events(check).await?));
        }
        judged(check)?;
        Ok(interviews)
    }

    async fn append(&self, operation: &mut Operation, event: SwitchEvent) -> Result<(), SwitchError> {
        operation.seen = self.flag.append(operation.seen.clone(), &event).await?;
        Ok(())
    }
}

/// Lets a comparison pass that found nothing. One that compared nothing passes where interviews were looked at that are gone on both
/// sides.
fn judged(check: CheckResult) -> Result<(), SwitchError> {
    match check.outcome {
        Outcome::Pass => Ok(()),
        Outcome::Unknown if check.error.is_none() && check.compared.node_totals() == (0, 0) => Ok(()),
        Outcome::Unknown => Err(SwitchError::NotCompared(Box::new(check))),
        Outcome::Fail => Err(SwitchError::Differ(Box::new(check))),
    }
}
