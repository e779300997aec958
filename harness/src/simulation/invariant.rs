//! What must hold: after every step, and at the end. What does not is a [`Violation`].

use cutover_core::ids::AggregateId;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::error::chain;
use crate::result::CheckResult;

/// Names an event: its aggregate and its version there.
pub(super) type Key = (AggregateId, u64);

/// Something that must hold and does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// An event was acknowledged that is neither committed nor in the parking lot.
    #[error("version {version} of {aggregate} is acknowledged, and neither committed nor parked")]
    AcknowledgedTooEarly {
        /// Its aggregate.
        aggregate: AggregateId,
        /// Its version.
        version: u64,
    },
    /// An event was applied that is not the next one of its aggregate: one was doubled, or skipped.
    #[error("version {version} of {aggregate} is applied where version {expected} is the next one")]
    AppliedOutOfTurn {
        /// Its aggregate.
        aggregate: AggregateId,
        /// Its version.
        version: u64,
        /// The version that was to come.
        expected: u64,
    },
    /// An event was parked by a projector that held an earlier one of its aggregate.
    #[error("version {version} of {aggregate} is parked while version {held} is held")]
    LotOutOfOrder {
        /// Its aggregate.
        aggregate: AggregateId,
        /// Its version.
        version: u64,
        /// The version that should have gone before it.
        held: u64,
    },
    /// An event was parked although nothing is wrong with it, nor with what it needs.
    #[error("version {version} of {aggregate} is parked, and nothing is wrong with it: {reason}")]
    HealthyParked {
        /// Its aggregate.
        aggregate: AggregateId,
        /// Its version.
        version: u64,
        /// Why it was parked.
        reason: String,
    },
    /// A projector holds more events than it was given.
    #[error("a projector holds {held} events, and was given {limit}")]
    QueueOverflow {
        /// How many it holds.
        held: u64,
        /// How many it may hold.
        limit: u64,
    },
    /// The graph is there again, and the projection is still paused.
    #[error("the projection is still paused at the end, though the graph is there")]
    BreakerStaysOpen,
    /// Nothing moves any more, and not everything is done.
    #[error("nothing moves any more: {owed} deliveries are unanswered, {parked} events parked")]
    Stuck {
        /// How many deliveries have no answer.
        owed: u64,
        /// How many events lie in the parking lots.
        parked: u64,
    },
    /// At the end an aggregate lacks events.
    #[error("{aggregate} ends before version {next}, and has {events} events")]
    EventLost {
        /// The aggregate.
        aggregate: AggregateId,
        /// The first version that was not applied.
        next: u64,
        /// How many events it has.
        events: u64,
    },
    /// At the end a graph is not what it should be.
    #[error("{check}: {total} differences, such as {first}")]
    GraphDiffers {
        /// The check that found it.
        check: SmolStr,
        /// How many differences there are.
        total: u64,
        /// How many there are by kind and subject, such as `missing-right Sentence`.
        findings: Vec<(SmolStr, u64)>,
        /// The first one.
        first: String,
    },
    /// Nothing was compared at the end.
    #[error("{check}: nothing was compared")]
    NothingCompared {
        /// The check that had nothing to compare.
        check: SmolStr,
    },
    /// The pipeline does not do what the model allows.
    #[error("the pipeline refused: {said}")]
    PipelineRefused {
        /// What it said.
        said: String,
    },
    /// The pipeline does not come through, though the store is there again.
    #[error("the pipeline does not come through")]
    PipelineStuck,
    /// Code panicked.
    #[error("a panic: {said}")]
    Panicked {
        /// What it said.
        said: String,
    },
}

impl Violation {
    /// Returns the name of what was violated.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AcknowledgedTooEarly { .. } => "acknowledged-too-early",
            Self::AppliedOutOfTurn { .. } => "applied-out-of-turn",
            Self::LotOutOfOrder { .. } => "lot-out-of-order",
            Self::HealthyParked { .. } => "healthy-parked",
            Self::QueueOverflow { .. } => "queue-overflow",
            Self::BreakerStaysOpen => "breaker-stays-open",
            Self::Stuck { .. } => "stuck",
            Self::EventLost { .. } => "event-lost",
            Self::GraphDiffers { .. } => "graph-differs",
            Self::NothingCompared { .. } => "nothing-compared",
            Self::PipelineRefused { .. } => "pipeline-refused",
            Self::PipelineStuck => "pipeline-stuck",
            Self::Panicked { .. } => "panicked",
        }
    }

    /// Returns the aggregate that it is about, if it is about one.
    pub const fn aggregate(&self) -> Option<AggregateId> {
        match self {
            Self::AcknowledgedTooEarly { aggregate, .. }
            | Self::AppliedOutOfTurn { aggregate, .. }
            | Self::LotOutOfOrder { aggregate, .. }
            | Self::HealthyParked { aggregate, .. }
            | Self::EventLost { aggregate, .. } => Some(*aggregate),
            _ => None,
        }
    }

    pub(super) fn refused(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::PipelineRefused { said: chain(error) }
    }

    /// Returns what a comparison found, if it did not find two equal graphs.
    pub(super) fn of_check(check: &CheckResult) -> Option<Self> {
        let differences = &check.differences;
        if let Some(first) = differences.first.first() {
            let by_kind = differences.by_subject_and_kind.iter().flat_map(|(subject, kinds)| {
                kinds.iter().map(move |(kind, &count)| (smol_str::format_smolstr!("{kind} {subject}"), count))
            });
            return Some(Self::GraphDiffers {
                check: check.id.clone(),
                total: differences.total,
                findings: by_kind.collect(),
                first: format!("{} {} {:?}", first.subject, first.key, first.kind),
            });
        }
        (check.compared.total() == 0).then(|| Self::NothingCompared { check: check.id.clone() })
    }
}

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
