//! What is seen of a schedule from outside of the projection: what was applied, acknowledged and parked.

use cutover_core::ids::AggregateId;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::simulation::violation::Violation;

/// Names an event: its aggregate and its version there.
pub(super) type Key = (AggregateId, u64);

/// What was applied, acknowledged and parked, as it is seen from outside of the projection.
#[derive(Default)]
pub(super) struct Audit {
    /// The next version of each aggregate.
    next: FxHashMap<AggregateId, u64>,
    parked: FxHashSet<Key>,
    /// Whether services share the deliveries: then none of them sees to the order in the lot, but to that in the graph alone.
    pub(super) are_shared: bool,
    /// Aggregates with an event that may be parked.
    pub(super) tainted: FxHashSet<AggregateId>,
}

impl Audit {
    pub(super) fn next(&self, aggregate: AggregateId) -> u64 {
        self.next.get(&aggregate).copied().unwrap_or(0)
    }

    pub(super) fn applied(&mut self, (aggregate, version): Key) -> Result<(), Violation> {
        let next = self.next.entry(aggregate).or_default();
        let expected = *next;
        if version != expected {
            return Err(Violation::AppliedOutOfTurn { aggregate, version, expected });
        }
        *next += 1;
        Ok(())
    }

    pub(super) fn acknowledged(&self, (aggregate, version): Key) -> Result<(), Violation> {
        if self.next(aggregate) > version || self.parked.contains(&(aggregate, version)) {
            return Ok(());
        }
        Err(Violation::AcknowledgedTooEarly { aggregate, version })
    }

    /// An event is in the lot.
    pub(super) fn parked(&mut self, (aggregate, version): Key, reason: &str) -> Result<(), Violation> {
        self.parked.insert((aggregate, version));
        // Of two services, one may be cut off from the graph for longer than the other one waits for its events.
        if self.tainted.contains(&aggregate) || self.are_shared {
            return Ok(());
        }
        Err(Violation::HealthyParked { aggregate, version, reason: reason.to_owned() })
    }

    /// A projector parks an event, and holds those as well. How what it parks mixes with what others park, or with what the store
    /// gives back in another order, is not its to say; but it must not let an event overtake another one that it has.
    pub(super) fn may_park(
        &self,
        (aggregate, version): Key,
        held: impl IntoIterator<Item = Key>,
    ) -> Result<(), Violation> {
        let is_before = |&(of, held): &Key| {
            let is_earlier = of == aggregate && held < version && held >= self.next(aggregate);
            is_earlier && !self.parked.contains(&(of, held))
        };
        match held.into_iter().filter(is_before).min() {
            Some((_, held)) => Err(Violation::LotOutOfOrder { aggregate, version, held }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use cutover_core::ids::InterviewId;

    use super::*;

    fn one() -> AggregateId {
        AggregateId::Interview(InterviewId::for_file("a.txt"))
    }

    #[test]
    fn a_version_is_applied_once_and_in_its_turn() {
        let mut audit = Audit::default();
        audit.applied((one(), 0)).expect("the first one");
        audit.applied((one(), 1)).expect("the next one");
        assert_eq!(
            audit.applied((one(), 1)).map_err(|violation| violation.name()),
            Err("applied-out-of-turn")
        );
        assert_eq!(
            audit.applied((one(), 3)).map_err(|violation| violation.name()),
            Err("applied-out-of-turn")
        );
    }

    #[test]
    fn what_is_neither_committed_nor_parked_is_not_to_be_acknowledged() {
        let mut audit = Audit::default();
        audit.tainted.insert(one());
        assert_eq!(audit.acknowledged((one(), 0)).map_err(|v| v.name()), Err("acknowledged-too-early"));
        audit.parked((one(), 0), "poison").expect("it is tainted");
        audit.acknowledged((one(), 0)).expect("it is parked");
    }

    #[test]
    fn nothing_is_parked_ahead_of_what_is_held() {
        let mut audit = Audit::default();
        audit.tainted.insert(one());
        audit.applied((one(), 0)).expect("the first one");
        let held = [(one(), 0), (one(), 1), (one(), 3)];
        assert_eq!(audit.may_park((one(), 2), held).map_err(|v| v.name()), Err("lot-out-of-order"));
        audit.parked((one(), 1), "poison").expect("it is tainted");
        audit.may_park((one(), 2), held).expect("what is committed or parked holds nothing up");
    }

    #[test]
    fn a_healthy_event_is_not_to_be_parked() {
        let parked = Audit::default().parked((one(), 0), "why?").map_err(|violation| violation.name());
        assert_eq!(parked, Err("healthy-parked"));
    }
}
