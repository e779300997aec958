//! A turnstile in the direct graph: a counter that every direct write advances in its own transaction, from the count that the
//! writer knows. Whoever advances it in between ([`close`]) makes that write fail, whenever it comes.
//!
//! So a writer that has slept through the whole switch cannot write a word afterwards: it has to look at the counter again, and
//! looks at the flag after that.

use cutover_core::graph::{ChangeSet, Guard};
use cutover_core::ids::{AggregateId, InterviewId};
use cutover_engines::graph::{ApplyError, Graph, GraphError};
use uuid::Uuid;

/// How often the turnstile is closed anew when a writer got through in the meantime.
const ATTEMPTS_MAX: u32 = 1_000;

/// Returns what the counter is kept under, among the versions of aggregates: no interview bears that id.
pub fn turnstile() -> AggregateId {
    AggregateId::Interview(InterviewId::new(Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"cutover:direct-writers")))
}

/// Asks for the count.
///
/// # Errors
///
/// When the graph does not answer.
pub async fn count(graph: &dyn Graph) -> Result<Option<u64>, GraphError> {
    Ok(graph.versions(&[turnstile()]).await?.into_iter().next().flatten())
}

/// Returns the count after one more.
pub fn after(count: Option<u64>) -> u64 {
    count.map_or(0, |count| count + 1)
}

/// Returns the change set with which a write goes through: it fails, and the write with it, unless the count is still this one.
pub fn pass(count: Option<u64>) -> ChangeSet {
    ChangeSet { guard: Some(Guard { aggregate: turnstile(), version: after(count) }), changes: Vec::new() }
}

/// Returns whether a write failed because the count was another one.
pub fn was_closed(error: &ApplyError) -> bool {
    matches!(error, ApplyError::Conflict(conflicts) if conflicts.iter().any(|conflict| conflict.aggregate == turnstile()))
}

/// Advances the counter: every write that was begun before, and is not in the graph yet, will fail.
///
/// # Errors
///
/// When the graph does not answer, or so many writers get through that this never does.
pub async fn close(graph: &dyn Graph) -> Result<(), ApplyError> {
    for _ in 1..ATTEMPTS_MAX {
        match graph.apply(&[pass(count(graph).await?)]).await {
            Err(error) if was_closed(&error) => {}
            closed => return closed,
        }
    }
    graph.apply(&[pass(count(graph).await?)]).await
}
