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
    use super::*;
    use crate::ids::InterviewId;

    #[test]
    fn a_lane_never_changes() {
        let id = InterviewId::for_file("a.txt").as_uuid();
        assert_eq!(lane_of(id, 12), lane_of(id, 12));
        assert_eq!(lane_of(id, 1), 0);
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
