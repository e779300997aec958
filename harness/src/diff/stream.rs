//! A whole comparison of two sources that may be larger than memory. The entries are [`diff`] and [`diff_with`]; what is done is
//! in [`super::run`].

use std::time::{Duration, Instant};

use cutover_core::graph::Value;
use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::GraphError;
use smol_str::SmolStr;

use super::compiled::CompiledPolicy;
use super::difference::{Orientation, Side};
use super::policy::Policy;
use super::progress::{Keep, Progress};
use super::run::{Ended, Run};
use super::settle::Settle;
use super::shard::{Rest, Shard};
use super::source::Source;
use crate::result::{Cause, CheckResult, Outcome};

/// How much is held in memory at once, and what is worked out besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many interviews are compared at once, at least 1.
    pub interviews: usize,
    /// How many nodes are read at once, at least 1.
    pub page_rows: usize,
    /// Whether the result also says what each side is, in a digest.
    pub digests: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { interviews: 16, page_rows: 5000, digests: false }
    }
}

/// What a comparison is to do besides.
#[derive(Clone, Default)]
pub struct Options<'o> {
    /// How much is held in memory at once.
    pub limits: Limits,
    /// What time it is; who does not say accepts no difference.
    pub now: Option<Timestamp>,
    /// The part that is compared; everything when left out.
    pub shard: Option<Shard>,
    /// How graphs are dealt with that are being written to. When left out, every difference counts at once.
    pub settle: Option<Settle<'o>>,
    /// Who keeps how far it has come.
    pub keep: Option<&'o dyn Keep>,
    /// How far it had come before.
    pub resume: Option<Progress>,
}

/// Why a comparison did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// A graph could not be read.
    #[error("failed to read the {side} graph")]
    Graph {
        /// Which.
        side: Side,
        /// Why.
        source: GraphError,
    },
    /// A graph does not read its nodes in the order of their keys, so that nothing can be said to be missing.
    #[error("the {side} graph reads nodes of label {label} out of order, at key {key}")]
    Unordered {
        /// Which.
        side: Side,
        /// The label.
        label: SmolStr,
        /// The key that should have come earlier.
        key: Value,
    },
    /// It is not known when both sides have taken in what was written.
    #[error("failed to wait until both sides have taken in what was written")]
    Watermark {
        /// Why.
        source: GraphError,
    },
}

impl DiffError {
    /// Returns the side that did it; `None` when it was neither.
    pub const fn side(&self) -> Option<Side> {
        match self {
            Self::Graph { side, .. } | Self::Unordered { side, .. } => Some(*side),
            Self::Watermark { .. } => None,
        }
    }
}

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What was compared, and what differed.
    pub check: CheckResult,
    /// What is left to be checked when all shards are together; of a whole comparison it was.
    pub rest: Rest,
}

/// Compares two sources under a policy, at rest, from the beginning to the end. See [`diff_with`].
pub async fn diff(
    id: impl Into<SmolStr>,
    sides: Orientation,
    left: &dyn Source,
    right: &dyn Source,
    policy: &Policy,
    limits: Limits,
) -> CheckResult {
    let options = Options { limits, ..Options::default() };
    diff_with(id, sides, [left, right], policy, options).await.check
}

/// Compares two sources under a policy. Never green when nothing was compared: a side that is empty makes it unknown, and so
/// does a side that cannot be read to its end or does not come to rest, unless something differed before.
pub async fn diff_with(
    id: impl Into<SmolStr>,
    sides: Orientation,
    sources: [&dyn Source; 2],
    policy: &Policy,
    options: Options<'_>,
) -> Done {
    let begin = Instant::now();
    let is_whole = options.shard.is_none();
    let compiled = CompiledPolicy::at(policy, options.now);
    let mut run = Run::new(sources, policy, &compiled, options);
    let ended = run.run().await;
    let (mut comparison, rest) = run.into_parts();
    let (rules, accepted) = (comparison.rules_used(), comparison.accepted());
    let neighbourhoods = comparison.take_neighbourhoods();
    let digests = comparison.digests();
    let mut check = CheckResult::concluded(id, sides, comparison.compared, comparison.differences);
    (check.rules, check.neighbourhoods, check.accepted) = (rules, neighbourhoods, accepted);
    match ended {
        // A side that was not read to its end has none.
        Ok(Ended::Compared) => check.digests = digests.filter(|_| is_whole),
        Ok(Ended::Empty(empty)) => {
            check.outcome = Outcome::Unknown;
            check.cause = Some(Cause::NothingCompared);
            check.error = Some(nothing_in(&check.sides, &empty));
        }
        Ok(Ended::KeptChanging(told)) => unless_failed(&mut check, Cause::KeptChanging, told),
        Err(error) => {
            let told = match error.side() {
                Some(side) => format!("{}: {}", check.sides.name(side), with_causes(&error)),
                None => with_causes(&error),
            };
            unless_failed(&mut check, Cause::EngineFailed, told);
        }
    }
    check.duration_ms = milliseconds(begin.elapsed());
    Done { check, rest }
}

/// Leaves a check unknown, unless something differed.
fn unless_failed(check: &mut CheckResult, cause: Cause, told: String) {
    if check.outcome != Outcome::Fail {
        check.outcome = Outcome::Unknown;
        check.cause = Some(cause);
    }
    check.error = Some(told);
}

/// Does not take a check for passed in which more was accepted than compared: that policy hides everything.
pub(super) fn doubt_acceptance(check: &mut CheckResult) {
    let accepted: u64 = check.accepted.iter().filter(|one| !one.has_expired).map(|one| one.count).sum();
    if check.outcome == Outcome::Pass && accepted > check.compared.total() {
        check.outcome = Outcome::Unknown;
        check.cause = Some(Cause::NothingCompared);
        let compared = check.compared.total();
        check.error =
            Some(format!("the policy accepts {accepted} differences, and {compared} elements were compared"));
    }
}

pub(super) fn nothing_in(sides: &Orientation, empty: &[Side]) -> String {
    let names: Vec<&str> = empty.iter().map(|side| sides.name(*side)).collect();
    format!("no node in {}", names.join(", none in "))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
