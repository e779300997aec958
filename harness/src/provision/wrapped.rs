//! Engines with [`Hooks`] round their ports. The main type is [`Wrapped`], which is a [`Provision`] again.

use std::sync::Arc;

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::graph::ChangeSet;
use cutover_core::ids::{AggregateId, StreamName};
use cutover_engines::event_log::{
    Answers, Appended, Delivered, EventLog, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError,
    NewEvent, ParkedEvent, Receiver, Subscription,
};
use cutover_engines::graph::{ApplyError, Graph, GraphError, Interposed, Schema};
use uuid::Uuid;

use super::hooks::{Answer, GraphHook, Hooks, LogHook};
use super::{Engines, Provision, ProvisionError};

/// Makes the hooks of one scenario.
type MakeHooks = dyn Fn() -> Hooks + Send + Sync;

/// Engines with hooks.
pub struct Wrapped<P> {
    inner: P,
    hooks: Arc<MakeHooks>,
}

impl<P: Provision> Wrapped<P> {
    /// Wraps engines; `hooks` is called for every scenario, because hooks remember what they have seen.
    pub fn new(inner: P, hooks: impl Fn() -> Hooks + Send + Sync + 'static) -> Self {
        Self { inner, hooks: Arc::new(hooks) }
    }
}

#[async_trait]
impl<P: Provision> Provision for Wrapped<P> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn start(&self) -> Result<Box<dyn Engines>, ProvisionError> {
        let inner = self.inner.start().await?;
        let hooks = (self.hooks)();
        let log = hooked_log(inner.log(), &hooks);
        Ok(Box::new(HookedEngines { inner, log, hooks }))
    }

    async fn finish(&self) {
        self.inner.finish().await;
    }
}

struct HookedEngines {
    inner: Box<dyn Engines>,
    log: Arc<dyn EventLog>,
    hooks: Hooks,
}

#[async_trait]
impl Engines for HookedEngines {
    fn log(&self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    async fn graph(&self, name: &str, schema: Schema) -> Result<Arc<dyn Graph>, ProvisionError> {
        let inner = self.inner.graph(name, schema).await?;
        Ok(hooked_graph(inner, name, &self.hooks))
    }

    fn namespace(&self) -> Option<&str> {
        self.inner.namespace()
    }

    async fn stop(self: Box<Self>) {
        let Self { inner, log, hooks: _ } = *self;
        drop(log);
        inner.stop().await;
    }
}

/// Returns an event store with the hook that there is for it.
pub fn hooked_log(inner: Arc<dyn EventLog>, hooks: &Hooks) -> Arc<dyn EventLog> {
    Arc::new(HookedLog { inner, hook: hooks.log() })
}

/// Returns the graph of that name with the hook that there is for it.
pub fn hooked_graph(inner: Arc<dyn Graph>, name: &str, hooks: &Hooks) -> Arc<dyn Graph> {
    Arc::new(HookedGraph { inner, hook: hooks.graph(name) })
}

struct HookedLog {
    inner: Arc<dyn EventLog>,
    hook: Arc<dyn LogHook>,
}

#[async_trait]
impl EventLog for HookedLog {
    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        let events = self.hook.append(stream, events)?;
        match self.inner.append(stream, expected, events).await {
            Ok(appended) => self.hook.appended(stream, appended),
            Err(error) => self.hook.append_failed(stream, error),
        }
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.hook.read(stream, self.inner.read(stream, from, limit).await?)
    }

    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        self.inner.last_revision(stream).await
    }

    async fn ensure_group(&self, group: &GroupId, settings: &GroupSettings) -> Result<(), LogError> {
        self.inner.ensure_group(group, settings).await
    }

    async fn delete_group(&self, group: &GroupId) -> Result<(), LogError> {
        self.inner.delete_group(group).await
    }

    async fn subscribe(&self, group: &GroupId, buffer: usize) -> Result<Subscription, LogError> {
        let Subscription { receiver, answers } = self.inner.subscribe(group, buffer).await?;
        let answers: Arc<dyn Answers> = Arc::from(answers);
        let (group, hook) = (group.clone(), self.hook.clone());
        let receiver = HookedReceiver {
            inner: receiver,
            answers: answers.clone(),
            group: group.clone(),
            hook: hook.clone(),
        };
        let answers = HookedAnswers { inner: answers, group, hook };
        Ok(Subscription { receiver: Box::new(receiver), answers: Box::new(answers) })
    }

    async fn replay_parked(&self, group: &GroupId) -> Result<(), LogError> {
        self.inner.replay_parked(group).await
    }

    async fn parked(&self, group: &GroupId) -> Result<Vec<ParkedEvent>, LogError> {
        self.inner.parked(group).await
    }

    async fn group_info(&self, group: &GroupId) -> Result<GroupInfo, LogError> {
        self.inner.group_info(group).await
    }
}

struct HookedReceiver {
    inner: Box<dyn Receiver>,
    answers: Arc<dyn Answers>,
    group: GroupId,
    hook: Arc<dyn LogHook>,
}

#[async_trait]
impl Receiver for HookedReceiver {
    async fn next(&mut self, limit: usize) -> Result<Vec<Delivered>, LogError> {
        loop {
            let delivered = self.inner.next(limit).await?;
            for (ack_id, answer) in self.hook.answer_at_once(&self.group, &delivered) {
                send(&*self.answers, vec![ack_id], answer).await?;
            }
            let delivered = self.hook.deliver(&self.group, delivered)?;
            if !delivered.is_empty() {
                return Ok(delivered);
            }
        }
    }
}

struct HookedAnswers {
    inner: Arc<dyn Answers>,
    group: GroupId,
    hook: Arc<dyn LogHook>,
}

impl HookedAnswers {
    async fn one(&self, ack_id: Uuid, answer: Answer) -> Result<(), LogError> {
        let answer = self.hook.answer(&self.group, ack_id, answer)?;
        send(&*self.inner, vec![ack_id], answer).await
    }
}

#[async_trait]
impl Answers for HookedAnswers {
    async fn acknowledge(&self, ack_ids: Vec<Uuid>) -> Result<(), LogError> {
        let mut acknowledged = Vec::with_capacity(ack_ids.len());
        for ack_id in ack_ids {
            match self.hook.answer(&self.group, ack_id, Answer::Acknowledge)? {
                Answer::Acknowledge => acknowledged.push(ack_id),
                other => send(&*self.inner, vec![ack_id], other).await?,
            }
        }
        send(&*self.inner, acknowledged, Answer::Acknowledge).await
    }

    async fn park(&self, ack_id: Uuid, reason: &str) -> Result<(), LogError> {
        self.one(ack_id, Answer::Park(reason.to_owned())).await
    }

    async fn retry(&self, ack_id: Uuid, reason: &str) -> Result<(), LogError> {
        self.one(ack_id, Answer::Retry(reason.to_owned())).await
    }
}

/// Gives deliveries an answer.
async fn send(answers: &dyn Answers, ack_ids: Vec<Uuid>, answer: Answer) -> Result<(), LogError> {
    match answer {
        Answer::Acknowledge if ack_ids.is_empty() => Ok(()),
        Answer::Acknowledge => answers.acknowledge(ack_ids).await,
        Answer::Park(reason) => {
            for ack_id in ack_ids {
                answers.park(ack_id, &reason).await?;
            }
            Ok(())
        }
        Answer::Retry(reason) => {
            for ack_id in ack_ids {
                answers.retry(ack_id, &reason).await?;
            }
            Ok(())
        }
        Answer::Nothing => Ok(()),
    }
}

struct HookedGraph {
    inner: Arc<dyn Graph>,
    hook: Arc<dyn GraphHook>,
}

#[async_trait]
impl Interposed for HookedGraph {
    fn inner(&self) -> &dyn Graph {
        &*self.inner
    }

    fn before_reading(&self) -> Result<(), GraphError> {
        self.hook.read()
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        let passed = self.hook.apply(batch.to_vec())?;
        let answer = self.inner.apply(&passed).await;
        self.hook.applied(batch, answer)
    }

    async fn versions(&self, aggregates: &[AggregateId]) -> Result<Vec<Option<u64>>, GraphError> {
        self.hook.versions(aggregates, self.inner.versions(aggregates).await?)
    }
}
