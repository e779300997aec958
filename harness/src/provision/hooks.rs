//! Hooks: what sees a call on its way to an engine, or the answer on its way back, and changes it or makes it an error.
//!
//! A fault of the world or a defect of the code is made of them, and production code knows nothing of it. A hook is no task and
//! waits for nothing, so the same one works round real engines ([`Wrapped`](super::wrapped::Wrapped)) and in a simulation. How a flag
//! is thrown and followed is another matter ([`SwitchHook`]): there is one in a scenario alone. The main type is [`Hooks`]; a hook has
//! a state of its own, and is made anew for each run.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover_core::event::RecordedEvent;
use cutover_core::graph::ChangeSet;
use cutover_core::ids::{AggregateId, StreamName};
use cutover_engines::event_log::{Appended, Delivered, EventLog, GroupId, LogError, NewEvent};
use cutover_engines::graph::{ApplyError, GraphError};
use uuid::Uuid;

use crate::switch::{ProjectedPath, SwitchError, System};

/// How a delivery is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The event is done.
    Acknowledge,
    /// The event goes into the parking lot, for this reason.
    Park(String),
    /// The event is to be delivered again, for this reason.
    Retry(String),
    /// There is no answer; the caller believes that there was one.
    Nothing,
}

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

    /// Sees the answer to an append.
    ///
    /// # Errors
    ///
    /// What the caller is to get instead, though the events are in the stream.
    fn appended(&self, stream: &StreamName, answer: Appended) -> Result<Appended, LogError> {
        let _ = stream;
        Ok(answer)
    }

    /// Sees an append that failed.
    ///
    /// # Errors
    ///
    /// What the caller is to get, whatever became of the events.
    fn append_failed(&self, stream: &StreamName, error: LogError) -> Result<Appended, LogError> {
        let _ = stream;
        Err(error)
    }

    /// Sees what was read of a stream.
    ///
    /// # Errors
    ///
    /// What the caller is to get instead.
    fn read(&self, stream: &StreamName, events: Vec<RecordedEvent>) -> Result<Vec<RecordedEvent>, LogError> {
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

    /// Answers deliveries before anybody has seen them, whatever [`LogHook::deliver`] passes on: it is asked first.
    fn answer_at_once(&self, group: &GroupId, delivered: &[Delivered]) -> Vec<(Uuid, Answer)> {
        let _ = (group, delivered);
        Vec::new()
    }

    /// Sees an answer on its way to the group.
    ///
    /// # Errors
    ///
    /// What the consumer is to get; the group gets nothing then.
    fn answer(&self, group: &GroupId, ack_id: Uuid, answer: Answer) -> Result<Answer, LogError> {
        let _ = (group, ack_id);
        Ok(answer)
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

    /// Sees the answer of the graph. `asked` is what the caller wanted to be applied.
    ///
    /// # Errors
    ///
    /// What the caller is to get, whatever became of the changes.
    fn applied(&self, asked: &[ChangeSet], answer: Result<(), ApplyError>) -> Result<(), ApplyError> {
        let _ = asked;
        answer
    }

    /// Sees the versions that the graph tells, in the order of the question.
    ///
    /// # Errors
    ///
    /// What the caller is to get instead.
    fn versions(
        &self,
        aggregates: &[AggregateId],
        versions: Vec<Option<u64>>,
    ) -> Result<Vec<Option<u64>>, GraphError> {
        let _ = aggregates;
        Ok(versions)
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

/// Stands between those who throw or follow a flag and what they do it with. By default everything is as it is.
pub trait SwitchHook: Send + Sync {
    /// Returns the event store in which a writer looks at the flag. Each writer asks once, when he starts.
    fn followed(&self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        log
    }

    /// Returns what the flag is thrown for, as whoever throws it sees it. It is asked for each throw.
    fn system(&self, system: System) -> System {
        system
    }

    /// Returns the way to the projected graph, as whoever throws the flag sees it.
    fn path(&self, path: Arc<dyn ProjectedPath>, system: &System) -> Arc<dyn ProjectedPath> {
        let _ = system;
        path
    }

    /// Returns whether whoever throws the flag goes on after this refusal as if there had been none.
    fn goes_on_after(&self, refusal: &SwitchError) -> bool {
        let _ = refusal;
        false
    }
}

/// Lets everything pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pass;

impl LogHook for Pass {}
impl GraphHook for Pass {}
impl SwitchHook for Pass {}

/// The hooks of one run: one for the event store, one for each graph that has any, and one for the flag.
#[derive(Clone)]
pub struct Hooks {
    log: Arc<dyn LogHook>,
    graphs: BTreeMap<&'static str, Arc<dyn GraphHook>>,
    others: Option<Arc<dyn GraphHook>>,
    switch: Arc<dyn SwitchHook>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { log: Arc::new(Pass), graphs: BTreeMap::new(), others: None, switch: Arc::new(Pass) }
    }
}

impl Hooks {
    /// Sets the hook of the event store.
    #[must_use]
    pub fn with_log(self, hook: impl LogHook + 'static) -> Self {
        Self { log: Arc::new(hook), ..self }
    }

    /// Sets the hook of the graph of that name, such as `direct`.
    #[must_use]
    pub fn with_graph(mut self, name: &'static str, hook: impl GraphHook + 'static) -> Self {
        self.graphs.insert(name, Arc::new(hook));
        self
    }

    /// Sets the hook of all graphs that have none of their own but the direct one: those that a projection writes.
    #[must_use]
    pub fn with_projected(self, hook: impl GraphHook + 'static) -> Self {
        Self { others: Some(Arc::new(hook)), ..self }
    }

    /// Sets the hook of the flag.
    #[must_use]
    pub fn with_switch(self, hook: impl SwitchHook + 'static) -> Self {
        Self { switch: Arc::new(hook), ..self }
    }

    /// Returns the hook of the flag.
    pub fn switch(&self) -> Arc<dyn SwitchHook> {
        self.switch.clone()
    }

    /// Returns the hook of the event store.
    pub fn log(&self) -> Arc<dyn LogHook> {
        self.log.clone()
    }

    /// Returns the hook of the graph of that name.
    pub fn graph(&self, name: &str) -> Arc<dyn GraphHook> {
        let others = || self.others.clone().filter(|_| name != crate::scenario::steps::DIRECT);
        self.graphs.get(name).cloned().or_else(others).unwrap_or_else(|| Arc::new(Pass))
    }
}
