//! Version guards: [`Versions`]. An aggregate keeps its version after its nodes are gone, so that no event is taken twice.

use std::collections::hash_map::Entry;

use cutover_core::graph::ChangeSet;
use cutover_core::ids::AggregateId;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::VersionConflict;

/// The version of every aggregate of which a change set was applied.
#[derive(Debug, Default)]
pub(super) struct Versions(FxHashMap<AggregateId, u64>);

impl Versions {
    /// Returns the version of an aggregate; `None` before version 0.
    pub(super) fn get(&self, aggregate: AggregateId) -> Option<u64> {
        self.0.get(&aggregate).copied()
    }

    /// Advances the aggregates of a batch, all of them or none. Several consecutive versions of one aggregate are one step
    /// each.
    ///
    /// # Errors
    ///
    /// Answers with every aggregate whose version did not fit, in the order of the batch, each with the version that it has.
    pub(super) fn advance(&mut self, batch: &[ChangeSet]) -> Result<(), Vec<VersionConflict>> {
        let mut misfits = Vec::new();
        // What fits is written at once, and taken back in the rare case: one look-up per change set.
        let mut before = Vec::with_capacity(batch.len());
        for guard in batch.iter().filter_map(|set| set.guard) {
            match self.0.entry(guard.aggregate) {
                Entry::Vacant(vacant) if guard.version == 0 => {
                    vacant.insert(0);
                    before.push((guard.aggregate, None));
                }
                Entry::Occupied(mut current) if guard.version == current.get() + 1 => {
                    let version = current.insert(guard.version);
                    before.push((guard.aggregate, Some(version)));
                }
                Entry::Vacant(_) | Entry::Occupied(_) => misfits.push(guard.aggregate),
            }
        }
        if misfits.is_empty() {
            return Ok(());
        }
        for (aggregate, version) in before.into_iter().rev() {
            match version {
                Some(version) => self.0.insert(aggregate, version),
                None => self.0.remove(&aggregate),
            };
        }
        let mut named = FxHashSet::default();
        misfits.retain(|aggregate| named.insert(*aggregate));
        Err(misfits
            .into_iter()
            .map(|aggregate| VersionConflict { aggregate, current: self.get(aggregate) })
            .collect())
    }
}
