//! What must hold: after every step, and at the end. What does not is a [`Violation`].

use cutover_core::ids::AggregateId;
use smol_str::SmolStr;

use crate::error::chain;
use crate::result::CheckResult;

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
    /// Somebody wrote where the flag says that nobody does.
    #[error("{what} while the flag says otherwise")]
    WrittenAgainstTheFlag {
        /// Who wrote what.
        what: String,
    },
    /// Somebody wrote while all writers were held up, and everything had been drained.
    #[error("{what} behind the fence, after everything was drained")]
    WrittenBehindTheFence {
        /// Who wrote what.
        what: String,
    },
    /// The flag was not thrown, for a reason that there should not be.
    #[error("the flag is not thrown: {said}")]
    ThrowRefused {
        /// The reason.
        said: String,
    },
    /// The flag is not thrown, however often that is tried.
    #[error("the flag does not come to {to}: {said}")]
    FlagStuck {
        /// Where it should be.
        to: &'static str,
        /// What was said last.
        said: String,
    },
    /// The projection service ended, though nobody told it to.
    #[error("the projection ended: {said}")]
    ProjectionEnded {
        /// What it said.
        said: String,
    },
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
            Self::WrittenAgainstTheFlag { .. } => "written-against-the-flag",
            Self::WrittenBehindTheFence { .. } => "written-behind-the-fence",
            Self::ThrowRefused { .. } => "throw-refused",
            Self::FlagStuck { .. } => "flag-stuck",
            Self::ProjectionEnded { .. } => "projection-ended",
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
