//! What has to be right on the way back: the direct graph, which is the truth again. Where the two graphs differ, it is held against
//! what the events say; a projected graph that is wrong keeps nobody from leaving it.

use std::collections::BTreeSet;

use cutover_core::ids::InterviewId;

use super::conduct::{Conductor, StepDone};
use super::error::SwitchError;
use crate::explain::direct_against_events;
use crate::result::CheckResult;

impl Conductor<'_> {
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
        let (log, direct) = (&*self.system.log, &*self.system.direct);
        for interview in &interviews {
            let limits = &self.system.reverse.limits;
            let told = direct_against_events(log, direct, &self.system.policy, limits, *interview).await?;
            if !told.differences.is_empty() {
                return Err(SwitchError::Differ(Box::new(check)));
            }
        }
        let interviews = interviews.len() as u64;
        self.witness.done(StepDone::FoundWrong { interviews });
        Ok(interviews)
    }
}
