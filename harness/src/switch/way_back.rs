//! What has to be right on the way back: the direct graph, which is the truth again. Where the two graphs differ, it is held against
//! what the events say; a projected graph that is wrong keeps nobody from leaving it. One that is lost, or that nobody writes any
//! more, is not asked at all where the proof is to be by the events ([`Proof::Events`]).

use std::collections::BTreeSet;

use cutover_core::graph::Label;
use cutover_core::ids::InterviewId;
use cutover_core::switch::{Mode, SwitchState};
use cutover_engines::graph::{Graph, GraphError};
use cutover_service::reverse::touched_since;
use tokio::time::Instant;

use super::approach::Left;
use super::conduct::{Conductor, Proof, StepDone};
use super::error::SwitchError;
use crate::explain::{ExplainError, direct_against_events};
use crate::result::CheckResult;

/// How many interviews are read at once.
const PAGE: usize = 1_000;

impl Conductor<'_> {
    /// Returns whether the projected graph has no say in a throw from this mode.
    pub(super) fn is_proven_by_events(&self, from: Mode) -> bool {
        self.settings.proof == Proof::Events && from == Mode::Projected
    }

    /// Holds every interview of the direct graph against its events, and those that events alone tell of. What is not right may be on
    /// its way, and is looked at again behind the fence.
    pub(super) async fn approach_by_events(&self, flag: &SwitchState) -> Result<Left, SwitchError> {
        let begun = Instant::now();
        let since = flag.thrown.map(|thrown| thrown.positions).unwrap_or_default();
        let (mut interviews, now) = touched_since(&self.system.log, since).await?;
        interviews.extend(interviews_of(&*self.system.direct).await.map_err(ExplainError::from)?);
        let (mut elements, mut suspects) = (0, BTreeSet::new());
        for interview in interviews {
            let told = self.told_by_events(interview).await?;
            elements += told.compared.total();
            if !told.differences.is_empty() {
                suspects.insert(interview);
            }
        }
        self.witness.done(StepDone::Compared { elements, took: begun.elapsed() });
        Ok(Left::Interviews(suspects, now))
    }

    /// Returns how many interviews of the direct graph are what the events say: all of these.
    ///
    /// # Errors
    ///
    /// [`SwitchError::Differ`] when one is not.
    pub(super) async fn prove_by_events(
        &self,
        interviews: &BTreeSet<InterviewId>,
    ) -> Result<u64, SwitchError> {
        for interview in interviews {
            let told = self.told_by_events(*interview).await?;
            if !told.differences.is_empty() {
                return Err(SwitchError::Differ(Box::new(told)));
            }
        }
        Ok(interviews.len() as u64)
    }

    async fn told_by_events(&self, interview: InterviewId) -> Result<CheckResult, SwitchError> {
        let (log, direct) = (&self.system.log, &*self.system.direct);
        let (policy, limits) = (&self.system.policy, &self.system.reverse.limits);
        Ok(direct_against_events(log, direct, policy, limits, interview).await?)
    }

    /// Returns in how many interviews the projected graph is wrong, if the direct graph is what the events say in each of them.
    ///
    /// # Errors
    ///
    /// [`SwitchError::Differ`] when it is not, or when not every difference belongs to an interview that is known by name.
    pub(super) async fn judge_by_events(&self, check: CheckResult) -> Result<u64, SwitchError> {
        let first = &check.differences.first;
        let named = first.iter().map(|difference| difference.interview.as_ref()?.parse::<InterviewId>().ok());
        let Some(interviews) = named.collect::<Option<BTreeSet<_>>>() else {
            return Err(SwitchError::Differ(Box::new(check)));
        };
        if check.differences.total > first.len() as u64 {
            return Err(SwitchError::Differ(Box::new(check)));
        }
        for interview in &interviews {
            if !self.told_by_events(*interview).await?.differences.is_empty() {
                return Err(SwitchError::Differ(Box::new(check)));
            }
        }
        let interviews = interviews.len() as u64;
        self.witness.done(StepDone::FoundWrong { interviews });
        Ok(interviews)
    }
}

/// Reads which interviews a graph has.
async fn interviews_of(graph: &dyn Graph) -> Result<BTreeSet<InterviewId>, GraphError> {
    let (mut interviews, mut after) = (BTreeSet::new(), None);
    loop {
        let page = graph.nodes(Label::Interview.as_str(), after.as_ref(), PAGE).await?;
        let keys = page.rows.iter().filter_map(|row| row.properties.get(Label::Interview.key_property()));
        interviews.extend(keys.filter_map(|key| key.as_text()?.parse::<InterviewId>().ok()));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(interviews),
        }
    }
}
