//! The places of an interview's sentences, and who makes way for whom: no two sentences of an interview share a place.
//! The main type is [`Places`].
//!
//! A sentence is created at the place that its index names, and a person may move it. Both paths put the sentences in the
//! order of their places, and know them by different keys: were a place taken twice, each path would break the tie in its
//! own way. So whoever moves onto a taken place pushes the others along, towards the place that becomes free; and a new
//! sentence whose place is taken (by one that a person put there, which stays) goes to the next place that is free.
//!
//! Who writes the moves down, on either path, is the caller's business.

use std::collections::BTreeMap;

/// A sentence that takes a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// The sentence, by its slot.
    pub slot: u32,
    /// The place that it takes.
    pub place: u32,
}

/// Which places of an interview are taken, and by whom.
///
/// What others wrote may have ties. They are neither mended nor made worse: who shares a place moves together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    slots: BTreeMap<u32, Vec<u32>>,
}

impl FromIterator<Move> for Places {
    fn from_iter<T: IntoIterator<Item = Move>>(sentences: T) -> Self {
        let mut places = Self::default();
        for Move { slot, place } in sentences {
            places.slots.entry(place).or_default().push(slot);
        }
        places
    }
}

impl Places {
    /// Returns what has to move for a sentence to get to a place: first the sentence itself, then those that make way, in the
    /// order in which they push each other.
    ///
    /// The run of taken places that begins at `to` moves one place towards where the sentence comes from, up to the first
    /// place that is free: from 5 to 2, those at 2, 3 and 4 go to 3, 4 and 5. A sentence that has no place yet pushes the
    /// others down.
    pub fn moves(&self, slot: u32, to: u32) -> Vec<Move> {
        let from = self.slots.iter().find(|(_, slots)| slots.contains(&slot)).map(|(&place, _)| place);
        let comes_from_before = from.is_some_and(|from| from < to);
        let mut moves = vec![Move { slot, place: to }];
        let mut place = to;
        // The place that the sentence leaves ends the run at the latest: it is free now.
        while Some(place) != from {
            let Some(in_the_way) = self.slots.get(&place) else { break };
            let next = if comes_from_before { place.checked_sub(1) } else { place.checked_add(1) };
            let Some(next) = next else { break };
            moves.extend(in_the_way.iter().map(|&slot| Move { slot, place: next }));
            place = next;
        }
        moves
    }

    /// Returns where new sentences go, given in ascending order of their slots: each to the place of its number, or else to
    /// the first one after it that is free, so that they keep their order among each other.
    pub fn of_new(&self, slots: impl IntoIterator<Item = u32>) -> Vec<Move> {
        let mut from = 0;
        let mut moves = Vec::new();
        for slot in slots {
            // Between its number and the place of the one before it, nothing is free.
            let mut free = (slot.max(from)..=u32::MAX).filter(|place| !self.slots.contains_key(place));
            let place = free.next().unwrap_or(u32::MAX);
            moves.push(Move { slot, place });
            from = place.saturating_add(1);
        }
        moves
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sentences by place: the slot that is there.
    fn places(sentences: &[(u32, u32)]) -> Places {
        sentences.iter().map(|&(place, slot)| Move { slot, place }).collect()
    }

    #[track_caller]
    fn check(sentences: &[(u32, u32)], (slot, to): (u32, u32), expected: &[(u32, u32)]) {
        let moves = places(sentences).moves(slot, to);
        assert_eq!(moves.iter().map(|moved| (moved.place, moved.slot)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_move_to_a_free_place_moves_nobody_else() {
        check(&[(0, 0), (1, 1)], (0, 7), &[(7, 0)]);
        check(&[(0, 0), (2, 2)], (2, 1), &[(1, 2)]);
    }

    #[test]
    fn a_move_to_a_taken_place_pushes_towards_the_place_that_it_leaves() {
        let row = [(0, 0), (1, 1), (2, 2), (3, 3)];
        check(&row, (3, 1), &[(1, 3), (2, 1), (3, 2)]);
        check(&row, (0, 2), &[(2, 0), (1, 2), (0, 1)]);
    }

    #[test]
    fn a_gap_ends_the_run_of_those_that_make_way() {
        check(&[(0, 0), (1, 1), (3, 3), (4, 4)], (4, 0), &[(0, 4), (1, 0), (2, 1)]);
        check(&[(0, 0), (2, 2), (3, 3), (4, 4)], (0, 3), &[(3, 0), (2, 3), (1, 2)]);
    }

    #[test]
    fn the_ends_of_the_numbers_are_places_like_others() {
        check(&[(0, 0), (u32::MAX, 9)], (0, u32::MAX), &[(u32::MAX, 0), (u32::MAX - 1, 9)]);
        check(&[(0, 0), (u32::MAX, 9)], (9, 0), &[(0, 9), (1, 0)]);
    }

    #[test]
    fn who_shares_a_place_moves_together() {
        check(&[(1, 1), (1, 7), (2, 2)], (2, 1), &[(1, 2), (2, 1), (2, 7)]);
        // The sentence that stays where the other leaves does not move: the tie is no worse than before.
        check(&[(0, 0), (0, 7), (1, 1)], (0, 1), &[(1, 0), (0, 1)]);
    }

    #[test]
    fn new_sentences_go_to_the_next_free_place_and_keep_their_order() {
        let moves = places(&[(0, 0), (3, 1), (4, 2), (6, 9)]).of_new([3, 4, 5, 8]);
        let moves: Vec<_> = moves.iter().map(|moved| (moved.slot, moved.place)).collect();
        assert_eq!(moves, [(3, 5), (4, 7), (5, 8), (8, 9)]);
    }

    proptest! {
        #[test]
        fn no_two_sentences_ever_share_a_place(
            steps in prop::collection::vec((0..8_u32, 0..12_u32), 1..40)
        ) {
            let mut by_slot: BTreeMap<u32, u32> = (0..8).map(|slot| (slot, slot)).collect();
            for (slot, to) in steps {
                let before = by_slot.clone();
                let places: Places = by_slot.iter().map(|(&slot, &place)| Move { slot, place }).collect();
                for Move { slot, place } in places.moves(slot, to) {
                    by_slot.insert(slot, place);
                }
                prop_assert_eq!(by_slot[&slot], to);
                let taken: std::collections::BTreeSet<u32> = by_slot.values().copied().collect();
                prop_assert_eq!(taken.len(), 8);
                // Those that do not move themselves keep their order.
                let order = |places: &BTreeMap<u32, u32>| {
                    let mut others: Vec<_> = places.iter().filter(|(other, _)| **other != slot).collect();
                    others.sort_by_key(|(_, place)| **place);
                    others.into_iter().map(|(slot, _)| *slot).collect::<Vec<_>>()
                };
                prop_assert_eq!(order(&before), order(&by_slot));
            }
        }
    }
}
