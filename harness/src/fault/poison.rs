//! A graph that refuses single events, as one does that a constraint forbids: for a reason that has to do with the event, and does
//! not pass by itself. Such an event is tried again and is parked in the end, and what is behind it follows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cutover_core::graph::ChangeSet;
use cutover_core::ids::AggregateId;
use cutover_engines::graph::{ApplyError, Graph, GraphError, Interposed};

/// Which events are refused, and how often that was.
#[derive(Debug, Default)]
pub struct Poison(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// By aggregate, the version that is refused.
    victims: BTreeMap<AggregateId, u64>,
    is_asked_for: bool,
    refused: u64,
}

impl Poison {
    /// Refuses an event from now on.
    pub fn refuse(&self, aggregate: AggregateId, version: u64) {
        let mut state = self.state();
        state.is_asked_for = true;
        state.victims.insert(aggregate, version);
    }

    /// Refuses nothing any more.
    pub fn heal(&self) {
        self.state().victims.clear();
    }

    /// Returns what is refused: the version of each aggregate.
    pub fn victims(&self) -> BTreeMap<AggregateId, u64> {
        self.state().victims.clone()
    }

    /// Returns how often something was refused; `None` where nothing was ever to be.
    pub fn refused(&self) -> Option<u64> {
        let state = self.state();
        state.is_asked_for.then_some(state.refused)
    }

    fn look(&self, batch: &[ChangeSet]) -> Result<(), GraphError> {
        let mut state = self.state();
        let victim = batch
            .iter()
            .filter_map(|set| set.guard)
            .find(|guard| state.victims.get(&guard.aggregate) == Some(&guard.version));
        let Some(guard) = victim else { return Ok(()) };
        state.refused += 1;
        let source = Poisoned { aggregate: guard.aggregate, version: guard.version };
        Err(GraphError::Refused { during: "apply changes", source: source.into() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event that is refused because a scenario asks for it.
#[derive(Debug, thiserror::Error)]
#[error("event {version} of {aggregate} is poison, as was asked for")]
struct Poisoned {
    aggregate: AggregateId,
    version: u64,
}

/// A graph that refuses single events.
pub struct PoisonedGraph {
    inner: Arc<dyn Graph>,
    poison: Arc<Poison>,
}

impl PoisonedGraph {
    /// Puts poison in front of a graph.
    pub fn new(inner: Arc<dyn Graph>, poison: Arc<Poison>) -> Self {
        Self { inner, poison }
    }
}

#[async_trait]
impl Interposed for PoisonedGraph {
    fn inner(&self) -> &dyn Graph {
        &*self.inner
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        self.poison.look(batch)?;
        self.inner.apply(batch).await
    }
}
