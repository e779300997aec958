//! The ids of events written lately: what makes a repeated append harmless without an expected revision.
//!
//! [`RecentIds`] remembers the first place that an id was seen at, and forgets the oldest ids when its budget is used
//! up. An exact expected revision does not need it: there the stored event is looked at.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use uuid::Uuid;

/// What an entry takes beside the stream's name: the id twice, the revision, the name's handle.
const ENTRY_OVERHEAD_BYTES: usize = 64;

/// Where each recently written event id was first seen.
#[derive(Debug)]
pub struct RecentIds {
    places: FxHashMap<Uuid, (SmolStr, u64)>,
    oldest_first: VecDeque<Uuid>,
    used_bytes: usize,
    budget_bytes: usize,
}

impl RecentIds {
    /// Returns an empty memory that takes at most `budget_bytes`.
    pub fn new(budget_bytes: usize) -> Self {
        Self { places: FxHashMap::default(), oldest_first: VecDeque::new(), used_bytes: 0, budget_bytes }
    }

    /// Returns the revision at which `id` was first seen, if that was in `stream`.
    pub fn revision_in(&self, stream: &str, id: Uuid) -> Option<u64> {
        self.places.get(&id).filter(|(seen_in, _)| seen_in == stream).map(|(_, revision)| *revision)
    }

    /// Remembers that `id` was written, unless it is known already: the first place wins.
    pub fn remember(&mut self, id: Uuid, stream: &SmolStr, revision: u64) {
        if self.places.contains_key(&id) {
            return;
        }
        self.places.insert(id, (stream.clone(), revision));
        self.oldest_first.push_back(id);
        self.used_bytes += ENTRY_OVERHEAD_BYTES + stream.len();
        while self.used_bytes > self.budget_bytes {
            let Some(oldest) = self.oldest_first.pop_front() else { break };
            if let Some((stream, _)) = self.places.remove(&oldest) {
                self.used_bytes -= ENTRY_OVERHEAD_BYTES + stream.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_place_of_an_id_wins() {
        let mut recent = RecentIds::new(1_000);
        recent.remember(Uuid::from_u128(1), &"a".into(), 3);
        recent.remember(Uuid::from_u128(1), &"a".into(), 4);
        recent.remember(Uuid::from_u128(1), &"b".into(), 0);
        assert_eq!(recent.revision_in("a", Uuid::from_u128(1)), Some(3));
        assert_eq!(recent.revision_in("b", Uuid::from_u128(1)), None);
    }

    #[test]
    fn oldest_ids_are_forgotten_when_the_budget_is_used_up() {
        let mut recent = RecentIds::new(2 * (ENTRY_OVERHEAD_BYTES + 1));
        for id in 1..=4 {
            recent.remember(Uuid::from_u128(id), &"a".into(), id as u64);
        }
        let remembered = [1, 2, 3, 4].map(|id| recent.revision_in("a", Uuid::from_u128(id)));
        assert_eq!(remembered, [None, None, Some(3), Some(4)]);
    }
}
