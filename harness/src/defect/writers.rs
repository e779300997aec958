//! Several processes write one interview at the same time, and do not know of each other.

use cutover_core::graph::ChangeSet;
use cutover_engines::graph::ApplyError;
use cutover_service::switch::fence;

use super::{Class, Defect, Finding};
use crate::provision::hooks::{GraphHook, Hooks};
use crate::scenario::steps::DIRECT;

pub(super) const ALL: &[Defect] = &[Defect {
    id: "second-writer-not-refused",
    class: Class::Writers,
    what: "Of two processes that write one sentence at the same time, both go ahead with what they decided before: the direct graph keeps \
           what was committed last, the events what was given its place in the outbox last.",
    why: "The classic race of writing to two systems; each write and its outbox entry are one transaction, which looks like enough.",
    has_shipped: false,
    scenario: "two-writers",
    finding: Finding::property("direct-vs-projected", "Sentence", "text"),
    hooks: || Hooks::default().with_graph(DIRECT, NobodyCounts),
}];

/// Lets every direct write through, however many there were since it was decided.
struct NobodyCounts;

impl GraphHook for NobodyCounts {
    fn apply(&self, mut batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        let turnstile = fence::turnstile();
        batch.retain(|set| {
            let counts = set.guard.is_some() && set.changes.is_empty();
            !counts || turnstile.is_passed_by(set)
        });
        Ok(batch)
    }
}
