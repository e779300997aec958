//! All that can be done while everybody still writes: the direct graph is brought up to date on the way back, and both graphs are
//! compared as a whole. What differs may be on its way; it is looked at again behind the fence.

use std::collections::BTreeSet;

use cutover_core::ids::InterviewId;
use cutover_core::switch::{CategoryPositions, Mode, SwitchState};
use cutover_engines::graph::Schema;
use cutover_service::reverse::ReverseProjection;

use super::barrier;
use super::conduct::{Conductor, StepDone};
use super::error::SwitchError;
use crate::diff::{self, GraphSource, Limits, Orientation};
use crate::result::{CheckResult, Outcome};

/// What is left to be compared behind the fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Left {
    /// Everything: what changed cannot be told from events, or what differed belongs to no interview.
    Everything,
    /// These interviews, and those that events after these positions are about.
    Interviews(BTreeSet<InterviewId>, CategoryPositions),
}

/// What the direct graph and the projected one are called in comparisons.
pub(super) fn sides() -> Orientation {
    Orientation::new("direct", "projected")
}

impl Conductor<'_> {
    /// Prepares a throw from the mode that the flag is in.
    pub(super) async fn approach(&self, flag: &SwitchState) -> Result<Left, SwitchError> {
        let begun = tokio::time::Instant::now();
        // What is written from here on is looked at again.
        let mut since = barrier::ends(&*self.system.log).await?;
        if flag.mode == Mode::Projected {
            let caught_up = self.catch_up(flag).await?;
            since = caught_up.positions;
            self.witness.done(StepDone::CaughtUp { events: caught_up.events, took: begun.elapsed() });
        }
        if self.is_proven_by_events(flag.mode) {
            return self.approach_by_events(flag).await;
        }
        if flag.mode == Mode::Direct {
            // Nobody appends events, so that nothing tells what is written.
            return Ok(Left::Everything);
        }
        let begun = tokio::time::Instant::now();
        let check = self.compare_everything("before-the-fence").await;
        self.witness.done(StepDone::Compared { elements: check.compared.total(), took: begun.elapsed() });
        match check.outcome {
            Outcome::Unknown => Err(SwitchError::NotCompared(Box::new(check))),
            Outcome::Pass => Ok(Left::Interviews(BTreeSet::new(), since)),
            Outcome::Fail => self.suspects(check, since),
        }
    }

    /// Brings the direct graph up to date with what was written as events alone.
    pub(super) async fn catch_up(
        &self,
        flag: &SwitchState,
    ) -> Result<cutover_service::reverse::Report, SwitchError> {
        let Some(thrown) = flag.thrown else { return Ok(Default::default()) };
        let (log, direct) = (self.system.log.clone(), self.system.direct.clone());
        let reverse = ReverseProjection::new(log, direct, self.system.reverse.clone());
        Ok(reverse.catch_up(thrown.operation, thrown.positions).await?)
    }

    /// Compares both graphs as a whole.
    pub(super) async fn compare_everything(&self, id: &str) -> CheckResult {
        let direct = GraphSource::new(&*self.system.direct, Schema::Direct);
        let projected = GraphSource::new(&*self.system.projected, Schema::Projected);
        let limits = Limits::default();
        diff::diff(id, sides(), &direct, &projected, &self.system.policy, limits).await
    }

    /// Returns the interviews that differ, if each difference belongs to one. More of them than are worth another look is a
    /// difference for good.
    fn suspects(&self, check: CheckResult, since: CategoryPositions) -> Result<Left, SwitchError> {
        if check.differences.total > check.differences.first.len() as u64 {
            return Err(SwitchError::Differ(Box::new(check)));
        }
        let interviews = check.differences.first.iter().map(|difference| {
            difference.interview.as_ref().and_then(|interview| interview.parse::<InterviewId>().ok())
        });
        Ok(match interviews.collect::<Option<BTreeSet<_>>>() {
            Some(interviews) => Left::Interviews(interviews, since),
            None => Left::Everything,
        })
    }
}
