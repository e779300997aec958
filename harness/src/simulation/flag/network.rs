//! Between those who take part and what they write to: calls take their time, are lost on either way, arrive late, and whoever made
//! them may die meanwhile. What is on its way arrives, whatever becomes of who sent it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::graph::ChangeSet;
use cutover_core::ids::{AggregateId, StreamName};
use cutover_engines::event_log::{
    self, Appended, EventLog, ExpectedRevision, GroupId, GroupInfo, LogError, NewEvent,
};
use cutover_engines::graph::{self, ApplyError, Cursor, Graph, GraphError, NodeRow, Page};
use rand::RngExt;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::audit::Audit;
use super::plan::Plan;
use crate::seed::Stream;
use crate::simulation::fault::{Dice, Fault, Fired};

/// The longest that a write is on its way, in milliseconds.
pub(super) const LATE_MAX_MS: u64 = 20_000;
/// The longest that a graph is away, in milliseconds.
const OUTAGE_MAX_MS: u64 = 5_000;

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    Writer(usize),
    Operator(usize),
    Projection,
}

impl Actor {
    /// Returns a number that no other one has.
    pub(super) const fn number(self) -> u64 {
        match self {
            Self::Projection => 0,
            Self::Writer(number) => 1 + 2 * number as u64,
            Self::Operator(number) => 2 + 2 * number as u64,
        }
    }

    /// Returns the fault by which it dies.
    const fn death(self) -> Fault {
        match self {
            Self::Writer(_) => Fault::PipelineCrash,
            Self::Operator(_) => Fault::OperatorDies,
            Self::Projection => Fault::Crash,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Writer(number) => write!(f, "writer {number}"),
            Self::Operator(number) => write!(f, "operator {number}"),
            Self::Projection => f.write_str("the projection"),
        }
    }
}

/// Which of the two graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Direct,
    Projected,
}

/// What all calls go through.
pub(super) struct Network {
    pub(super) audit: Arc<Audit>,
    latency_ms: u64,
    chance: Mutex<Chance>,
}

struct Chance {
    random: Stream,
    dice: Dice,
    /// The projected graph is away until then.
    outage_until: Instant,
}

/// What is drawn for a write.
struct Fate {
    /// The caller dies, and the write is on its way, or is not.
    dies: Option<bool>,
    is_unreachable: bool,
    is_reply_lost: bool,
    there: Duration,
    back: Duration,
}

impl Network {
    pub(super) fn new(plan: &Plan, audit: Arc<Audit>) -> Self {
        let chance = Chance {
            random: plan.seed.stream("network"),
            dice: Dice::new(plan.seed, &plan.faults, plan.firings_max),
            outage_until: Instant::now(),
        };
        Self { audit, latency_ms: plan.latency_ms, chance: Mutex::new(chance) }
    }

    fn lock(&self) -> MutexGuard<'_, Chance> {
        self.chance.lock().expect("nobody panics while he draws")
    }

    /// Returns whether a fault fires, at one of its chances.
    pub(super) fn fires(&self, fault: Fault) -> bool {
        let fires = self.lock().dice.fires(fault);
        if fires {
            self.audit.note(fault.as_str(), &[], || format!("fault {fault}"));
        }
        fires
    }

    /// Returns a time below a limit from the stream of a fault.
    pub(super) fn below(&self, fault: Fault, limit_ms: u64) -> Duration {
        Duration::from_millis(self.lock().dice.below(fault, limit_ms))
    }

    /// Ends the time of faults.
    pub(super) fn calm_down(&self) {
        let mut chance = self.lock();
        if chance.dice.is_rough() {
            chance.dice.calm_down();
            drop(chance);
            self.audit.note("calm", &[], || "it calms down: no more faults".to_owned());
        }
    }

    pub(super) fn is_calm(&self) -> bool {
        !self.lock().dice.is_rough()
    }

    /// Returns which faults were met.
    pub(super) fn fired(&self) -> Fired {
        self.lock().dice.fired.clone()
    }

    fn latency(&self) -> Duration {
        Duration::from_millis(self.lock().random.random_range(0..=self.latency_ms))
    }

    /// Has a question travel, and its answer. Operators die over one now and then.
    async fn ask<T>(&self, actor: Actor, life: &Notify, answer: impl Future<Output = T>) -> T {
        self.audit.call();
        if matches!(actor, Actor::Operator(_)) && self.fires(actor.death()) {
            die(life).await;
        }
        let there = self.latency() + self.latency();
        sleep(there).await;
        let answer = answer.await;
        sleep(self.latency()).await;
        answer
    }

    fn fate(&self, actor: Actor, unreachable: Fault, reply_lost: Fault) -> Fate {
        self.audit.call();
        Fate {
            dies: self.fires(actor.death()).then(|| self.lock().random.random_bool(0.5)),
            is_unreachable: self.fires(unreachable),
            is_reply_lost: self.fires(reply_lost),
            there: self.latency(),
            back: self.latency(),
        }
    }

    /// Has a write travel, by what is drawn for it. `effect` takes place by itself.
    async fn travel<T: Send + 'static, E: Send + 'static>(
        &self,
        fate: Fate,
        life: &Notify,
        effect: impl Future<Output = Result<T, E>> + Send + 'static,
        lost: impl Fn() -> E,
    ) -> Result<T, E> {
        if fate.dies == Some(false) {
            die(life).await;
        }
        if fate.is_unreachable {
            sleep(fate.there).await;
            return Err(lost());
        }
        let there = fate.there;
        let under_way = tokio::spawn(async move {
            sleep(there).await;
            effect.await
        });
        if fate.dies == Some(true) {
            die(life).await;
        }
        let answer = under_way.await.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()));
        sleep(fate.back).await;
        if fate.is_reply_lost && answer.is_ok() { Err(lost()) } else { answer }
    }
}

/// Tells whoever looks after a process that it is dead; it does nothing more.
async fn die(life: &Notify) {
    life.notify_one();
    std::future::pending::<()>().await;
}

/// A call found nobody, or its answer was lost.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct NoAnswer;

/// The event store, as one who takes part reaches it.
pub(super) struct DistantLog {
    pub(super) network: Arc<Network>,
    pub(super) actor: Actor,
    pub(super) life: Arc<Notify>,
    pub(super) inner: Arc<dyn EventLog>,
}

#[async_trait]
impl event_log::Interposed for DistantLog {
    fn inner(&self) -> &dyn EventLog {
        &*self.inner
    }

    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        let fate = self.network.fate(self.actor, Fault::AppendUnreachable, Fault::AppendReplyLost);
        let (inner, audit, actor) = (self.inner.clone(), self.network.audit.clone(), self.actor);
        let stream = stream.clone();
        let effect = async move {
            // The store is asked in the same moment: what was there already is not appended by this call.
            let before = inner.last_revision(&stream).await?.map_or(0, |last| last + 1);
            let appended = inner.append(&stream, expected, events).await?;
            let new = inner.read(&stream, before, usize::MAX).await?;
            audit.appended(actor, &stream, &new);
            Ok(appended)
        };
        let lost = || LogError::Unavailable { during: "append events", source: NoAnswer.into() };
        self.network.travel(fate, &self.life, effect, lost).await
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.network.ask(self.actor, &self.life, self.inner.read(stream, from, limit)).await
    }

    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        self.network.ask(self.actor, &self.life, self.inner.last_revision(stream)).await
    }

    async fn group_info(&self, group: &GroupId) -> Result<GroupInfo, LogError> {
        self.network.ask(self.actor, &self.life, self.inner.group_info(group)).await
    }
}

/// A graph, as one who takes part reaches it.
pub(super) struct DistantGraph {
    pub(super) network: Arc<Network>,
    pub(super) actor: Actor,
    pub(super) life: Arc<Notify>,
    pub(super) which: Which,
    pub(super) inner: Arc<dyn Graph>,
}

impl DistantGraph {
    fn fate(&self) -> Fate {
        let mut fate = self.network.fate(self.actor, Fault::GraphUnreachable, Fault::CommitReplyLost);
        match self.which {
            Which::Direct if self.network.fires(Fault::WriteLate) => {
                fate.there += self.network.below(Fault::WriteLate, LATE_MAX_MS);
            }
            Which::Direct => {}
            Which::Projected => {
                let now = Instant::now();
                if self.network.fires(Fault::GraphOutage) {
                    let outage = self.network.below(Fault::GraphOutage, OUTAGE_MAX_MS);
                    self.network.lock().outage_until = now + outage;
                }
                fate.is_unreachable |= self.network.lock().outage_until > now;
            }
        }
        fate
    }
}

#[async_trait]
impl graph::Interposed for DistantGraph {
    fn inner(&self) -> &dyn Graph {
        &*self.inner
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        let fate = self.fate();
        let (inner, audit, actor, which) =
            (self.inner.clone(), self.network.audit.clone(), self.actor, self.which);
        let batch = batch.to_vec();
        let effect = async move {
            inner.apply(&batch).await?;
            match which {
                Which::Direct => audit.written(actor, &batch),
                Which::Projected => audit.projected(actor, &batch),
            }
            Ok(())
        };
        let lost = || GraphError::Unavailable { during: "apply changes", source: NoAnswer.into() }.into();
        self.network.travel(fate, &self.life, effect, lost).await
    }

    async fn versions(&self, aggregates: &[AggregateId]) -> Result<Vec<Option<u64>>, GraphError> {
        self.network.ask(self.actor, &self.life, self.inner.versions(aggregates)).await
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        self.network.ask(self.actor, &self.life, self.inner.nodes(label, after, limit)).await
    }
}
