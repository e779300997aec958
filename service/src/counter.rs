//! A counter in the direct graph that each write of some kind advances in its own transaction, from the count that it was decided on:
//! where somebody else has advanced it since, the write fails whole, whenever it comes.

use cutover_core::graph::{ChangeSet, Guard};
use cutover_core::ids::{AggregateId, InterviewId};
use cutover_engines::graph::{ApplyError, Graph, GraphError};
use uuid::Uuid;

/// A counter. It is kept among the versions of aggregates, under an id that no interview bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter(AggregateId);

impl Counter {
    /// Returns the counter of that name.
    pub fn named(namespace: Uuid, name: &str) -> Self {
        Self(AggregateId::Interview(InterviewId::new(Uuid::new_v5(&namespace, name.as_bytes()))))
    }

    /// Returns what it is kept under.
    pub const fn key(self) -> AggregateId {
        self.0
    }

    /// Asks for the count: `None` as long as nobody has advanced it.
    ///
    /// # Errors
    ///
    /// When the graph does not answer.
    pub async fn count(self, graph: &dyn Graph) -> Result<Option<u64>, GraphError> {
        Ok(graph.versions(&[self.0]).await?.into_iter().next().flatten())
    }

    /// Returns the change set with which a write goes through: it fails, and the write with it, unless the count is still this one.
    pub fn pass(self, count: Option<u64>) -> ChangeSet {
        ChangeSet { guard: Some(Guard { aggregate: self.0, version: after(count) }), changes: Vec::new() }
    }

    /// Returns whether a change set is one that [`Counter::pass`] has made of this counter, whatever the count.
    pub fn is_passed_by(self, set: &ChangeSet) -> bool {
        set.changes.is_empty() && set.guard.is_some_and(|guard| guard.aggregate == self.0)
    }

    /// Returns whether a write failed because the count was another one.
    pub fn has_refused(self, error: &ApplyError) -> bool {
        matches!(error, ApplyError::Conflict(conflicts) if conflicts.iter().any(|conflict| conflict.aggregate == self.0))
    }
}

/// Returns the count after one more.
pub const fn after(count: Option<u64>) -> u64 {
    match count {
        Some(count) => count + 1,
        None => 0,
    }
}
