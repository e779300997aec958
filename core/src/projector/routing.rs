//! Which lane an interview's events are applied in.

use uuid::Uuid;

/// Returns the lane of an id: xxHash64 of its 16 bytes with seed 0, modulo the number of lanes. It is the same in every
/// process and every version, so that workers can share the lanes out among them.
pub fn lane_of(id: Uuid, lanes: usize) -> usize {
    debug_assert!(lanes > 0, "there is at least one lane");
    (xxhash_rust::xxh64::xxh64(id.as_bytes(), 0) % lanes.max(1) as u64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::InterviewId;

    #[test]
    fn a_lane_never_changes() {
        // Workers of two versions that share the lanes out among them must agree on them.
        let id = InterviewId::for_file("a.txt").as_uuid();
        assert_eq!([1, 2, 12, 64].map(|lanes| lane_of(id, lanes)), [0, 0, 6, 10]);
    }

    proptest! {
        #[test]
        fn every_id_has_one_of_the_lanes(id: u128, lanes in 1_usize..=1_024) {
            prop_assert!(lane_of(Uuid::from_u128(id), lanes) < lanes);
        }
    }

    #[test]
    fn interviews_spread_over_all_lanes() {
        let mut counts = [0_u32; 12];
        for n in 0..1_200 {
            counts[lane_of(InterviewId::for_file(&format!("{n}.txt")).as_uuid(), 12)] += 1;
        }
        assert!(counts.iter().all(|&count| (60..=140).contains(&count)), "{counts:?}");
    }
}
