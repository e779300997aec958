//! Ids that are the same in every run of a seed.
//!
//! [`SeededIds`] is for runs that must repeat; a server that nobody compares with another one takes random ids.

use uuid::{Builder, Uuid};
use xxhash_rust::xxh64::xxh64;

use super::store::IdSource;

/// Derives one id after the other from a seed.
#[derive(Debug, Clone)]
pub struct SeededIds {
    seed: u64,
    given: u64,
}

impl SeededIds {
    /// Returns the ids of `seed`, from the first.
    pub const fn new(seed: u64) -> Self {
        Self { seed, given: 0 }
    }
}

impl IdSource for SeededIds {
    fn next_id(&mut self) -> Uuid {
        let count = self.given.to_be_bytes();
        self.given += 1;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&xxh64(&count, self.seed).to_be_bytes());
        // The second half has a seed of its own, or it would repeat the first.
        bytes[8..].copy_from_slice(&xxh64(&count, !self.seed).to_be_bytes());
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn first(seed: u64, count: usize) -> Vec<Uuid> {
        let mut ids = SeededIds::new(seed);
        std::iter::repeat_with(|| ids.next_id()).take(count).collect()
    }

    #[test]
    fn one_seed_gives_the_same_ids_again_and_another_gives_others() {
        assert_eq!(first(7, 3), first(7, 3));
        assert_ne!(first(7, 3), first(8, 3));
    }

    #[test]
    fn ids_of_a_seed_do_not_repeat_and_look_random() {
        let ids = first(7, 1_000);
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 1_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
        let (first, second) = (1..6, 9..14);
        assert!(ids.iter().all(|id| id.as_bytes()[first.clone()] != id.as_bytes()[second.clone()]));
    }
}
