//! A turnstile in the direct graph: a [`Counter`] that every direct write advances. Whoever advances it in between ([`close`]) makes
//! that write fail, whenever it comes.
//!
//! So a writer that has slept through the whole switch cannot write a word afterwards: it has to look at the counter again, and
//! looks at the flag after that.

use cutover_engines::graph::{ApplyError, Graph};
use uuid::Uuid;

use crate::counter::Counter;

/// How often the turnstile is closed anew when a writer got through in the meantime.
const ATTEMPTS_MAX: u32 = 1_000;

/// Returns the counter of all direct writes.
pub fn turnstile() -> Counter {
    Counter::named(Uuid::NAMESPACE_DNS, "cutover:direct-writers")
}

/// Advances the counter: every write that was begun before, and is not in the graph yet, will fail.
///
/// # Errors
///
/// When the graph does not answer, or so many writers get through that this never does.
pub async fn close(graph: &dyn Graph) -> Result<(), ApplyError> {
    let turnstile = turnstile();
    for _ in 1..ATTEMPTS_MAX {
        match graph.apply(&[turnstile.pass(turnstile.count(graph).await?)]).await {
            Err(error) if turnstile.has_refused(&error) => {}
            closed => return closed,
        }
    }
    graph.apply(&[turnstile.pass(turnstile.count(graph).await?)]).await
}
