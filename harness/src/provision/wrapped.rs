//! Wrappers round the ports of whatever engines there are. A fault of the world or a defect of the code is made of hooks,
//! and production code knows nothing of them.
//!
//! The main types are [`Wrapped`], which is a [`Provision`] again, and the two hooks. A hook sees a call on its way to the
//! engine, or the answer on its way back; it changes it, or makes it an error.

use std::sync::Arc;

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::graph::ChangeSet;
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{
    Appended, Delivered, EventLog, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError, NewEvent,
    ParkedEvent, Receiver, Subscription,
};
use cutover_engines::graph::{ApplyError, Graph, GraphError, Interposed, Schema};

use super::{Engines, Provision, ProvisionError};

/// Sees what goes to and comes from an event store. By default everything passes.
pub trait LogHook: Send + Sync {
    /// Sees events on their way into a stream.
    ///
    /// # Errors
    ///
    /// What the caller is to get instead of an answer; nothing is appended then.
    fn append(&self, stream: &StreamName, events: Vec<NewEvent>) -> Result<Vec<NewEvent>, LogError> {
        let _ = stream;
        Ok(events)
    }

    /// Sees what a group delivers. An empty answer makes the receiver wait for more.
    ///
    /// # Errors
    ///
    /// What the consumer is to get instead.
    fn deliver(&self, group: &GroupId, delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        let _ = group;
        Ok(delivered)
    }
}

/// Sees what goes to and comes from a graph. By default everything passes.
pub trait GraphHook: Send + Sync {
    /// Sees changes on their way into the graph.
    ///
    /// # Errors
    ///
    /// What the caller is to get instead; nothing is applied then.
    fn apply(&self, batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        Ok(batch)
    }

    /// Sees every question, before it is asked.
    ///
    /// # Errors
    ///
    /// What the caller is to get instead of an answer.
    fn read(&self) -> Result<(), GraphError> {
        Ok(())
    }
}

/// Lets everything pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pass;

impl LogHook for Pass {}
impl GraphHook for Pass {}

/// Returns the hook for the graph of a name.
pub type GraphHooks = dyn Fn(&str) -> Arc<dyn GraphHook> + Send + Sync;

/// Engines with hooks.
pub struct Wrapped<P> {
    inner: P,
    log: Arc<dyn LogHook>,
    graphs: Arc<GraphHooks>,
}

impl<P: Provision> Wrapped<P> {
    /// Wraps engines; everything passes until hooks are set.
    pub fn new(inner: P) -> Self {
        Self { inner, log: Arc::new(Pass), graphs: Arc::new(|_| Arc::new(Pass)) }
    }

    /// Sets the hook of the event store.
    #[must_use]
    pub fn with_log(mut self, hook: impl LogHook + 'static) -> Self {
        self.log = Arc::new(hook);
        self
    }

    /// Sets the hook of the graph of that name; the others pass.
    #[must_use]
    pub fn with_graph(mut self, name: &'static str, hook: impl GraphHook + 'static) -> Self {
        let hook: Arc<dyn GraphHook> = Arc::new(hook);
        let others = self.graphs;
        self.graphs = Arc::new(move |asked: &str| if asked == name { hook.clone() } else { others(asked) });
        self
    }
}

#[async_trait]
impl<P: Provision> Provision for Wrapped<P> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn start(&self) -> Result<Box<dyn Engines>, ProvisionError> {
        let inner = self.inner.start().await?;
        let log = Arc::new(HookedLog { inner: inner.log(), hook: self.log.clone() });
        Ok(Box::new(HookedEngines { inner, log, graphs: self.graphs.clone() }))
    }

    async fn finish(&self) {
        self.inner.finish().await;
    }
}

struct HookedEngines {
    inner: Box<dyn Engines>,
    log: Arc<HookedLog>,
    graphs: Arc<GraphHooks>,
}

#[async_trait]
impl Engines for HookedEngines {
    fn log(&self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    async fn graph(&self, name: &str, schema: Schema) -> Result<Arc<dyn Graph>, ProvisionError> {
        let inner = self.inner.graph(name, schema).await?;
        Ok(Arc::new(HookedGraph { inner, hook: (self.graphs)(name) }))
    }

    fn namespace(&self) -> Option<&str> {
        self.inner.namespace()
    }

    async fn stop(self: Box<Self>) {
        let Self { inner, log, graphs: _ } = *self;
        drop(log);
        inner.stop().await;
    }
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
        self.inner.append(stream, expected, events).await
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.inner.read(stream, from, limit).await
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
        let receiver = HookedReceiver { inner: receiver, group: group.clone(), hook: self.hook.clone() };
        Ok(Subscription { receiver: Box::new(receiver), answers })
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
    group: GroupId,
    hook: Arc<dyn LogHook>,
}

#[async_trait]
impl Receiver for HookedReceiver {
    async fn next(&mut self, limit: usize) -> Result<Vec<Delivered>, LogError> {
        loop {
            let delivered = self.hook.deliver(&self.group, self.inner.next(limit).await?)?;
            if !delivered.is_empty() {
                return Ok(delivered);
            }
        }
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
        let batch = self.hook.apply(batch.to_vec())?;
        self.inner.apply(&batch).await
    }
}
