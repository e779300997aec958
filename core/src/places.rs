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
/// What others wrote may have ties. A move neither mends them nor makes them worse: who shares a place moves together.
/// [`Places::parted`] mends them.
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

    /// Returns what has to move for no two sentences to share a place, the last place first: whoever stops in the middle has made no new
    /// tie.
    ///
    /// The order stays, and where a place is shared the lower slot comes first. Everybody goes down as far as they must, and no
    /// farther; past the last place there is none, so there everybody goes up. Whoever else parts the same sentences comes to the same.
    pub fn parted(&self) -> Vec<Move> {
        let mut sentences: Vec<(u32, u32)> = Vec::new();
        for (&place, slots) in &self.slots {
            let mut slots = slots.clone();
            slots.sort_unstable();
            sentences.extend(slots.into_iter().map(|slot| (slot, place)));
        }
        let mut free = 0;
        let settled = sentences.iter().map(|&(_, place)| {
            let place = u64::from(place).max(free);
            free = place + 1;
            place
        });
        let mut settled: Vec<u64> = settled.collect();
        let mut last = u64::from(u32::MAX);
        for place in settled.iter_mut().rev() {
            *place = last.min(*place);
            last = place.saturating_sub(1);
        }
        let moves = sentences.into_iter().zip(settled).rev();
        moves
            .filter(|&((_, from), to)| u64::from(from) != to)
            .map(|((slot, _), to)| Move { slot, place: u32::try_from(to).unwrap_or(u32::MAX) })
            .collect()
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

    #[track_caller]
    fn check_parted(sentences: &[(u32, u32)], expected: &[(u32, u32)]) {
        let moves = places(sentences).parted();
        assert_eq!(moves.iter().map(|moved| (moved.place, moved.slot)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn who_shares_a_place_is_parted_by_those_behind_making_way() {
        check_parted(&[(0, 0), (1, 1), (4, 2)], &[]);
        check_parted(&[(1, 7), (1, 1), (2, 2), (4, 4)], &[(3, 2), (2, 7)]);
        check_parted(&[(0, 2), (0, 1), (0, 0), (1, 3)], &[(3, 3), (2, 2), (1, 1)]);
    }

    #[test]
    fn at_the_last_place_of_all_who_shares_it_makes_way_to_the_front() {
        const LAST: u32 = u32::MAX;
        check_parted(&[(LAST - 1, 0), (LAST, 1), (LAST, 2)], &[(LAST - 1, 1), (LAST - 2, 0)]);
    }

    #[test]
    fn new_sentences_go_to_the_next_free_place_and_keep_their_order() {
        let moves = places(&[(0, 0), (3, 1), (4, 2), (6, 9)]).of_new([3, 4, 5, 8]);
        let moves: Vec<_> = moves.iter().map(|moved| (moved.slot, moved.place)).collect();
        assert_eq!(moves, [(3, 5), (4, 7), (5, 8), (8, 9)]);
    }

    proptest! {
        #[test]
        fn however_sentences_share_places_they_are_parted_in_their_order_and_at_no_moment_worse_off(
            at in prop::collection::vec(prop_oneof![0..6_u32, u32::MAX - 3..=u32::MAX], 0..12)
        ) {
            let mut by_slot: BTreeMap<u32, u32> = (0..).zip(at).collect();
            let order = |by_slot: &BTreeMap<u32, u32>| {
                let mut slots: Vec<u32> = by_slot.keys().copied().collect();
                slots.sort_by_key(|slot| (by_slot[slot], *slot));
                slots
            };
            let ties = |by_slot: &BTreeMap<u32, u32>| {
                by_slot.len() - by_slot.values().collect::<std::collections::BTreeSet<_>>().len()
            };
            let (before, has_room) = (order(&by_slot), by_slot.values().all(|&place| place < 6));
            let places: Places = by_slot.iter().map(|(&slot, &place)| Move { slot, place }).collect();
            prop_assert_eq!(places.parted().is_empty(), ties(&by_slot) == 0);
            for Move { slot, place } in places.parted() {
                let known = ties(&by_slot);
                by_slot.insert(slot, place);
                // Where the numbers end, those before make way first for those behind.
                prop_assert!(ties(&by_slot) <= known || !has_room);
            }
            prop_assert_eq!(ties(&by_slot), 0);
            prop_assert_eq!(order(&by_slot), before);
        }

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
