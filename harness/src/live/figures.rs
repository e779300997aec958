//! How the projection and the outbox of a live system stand, each figure with what it was taken from.

use std::time::Duration;

use cutover_core::graph::{Label, Value};
use cutover_engines::event_log::{GroupId, LogError};
use smol_str::{SmolStr, format_smolstr};
use tokio::time::Instant;

use super::{LiveSystem, SCENARIO, STANDING};
use crate::certificate::Figure;
use crate::provision::external::ExternalError;
use crate::result::CheckResult;

/// How many entries are read at once where they are only counted.
const PAGE: usize = 1_000;

/// How long it is between two questions.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// How a consumer group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many events of its stream are not yet answered.
    pub lag: u64,
    /// How many events lie in its parking lot.
    pub parked: u64,
}

/// A consumer group, and what it is to be measured by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFigures {
    /// The group.
    pub group: GroupId,
    /// How many events its stream has.
    pub events: u64,
    /// How it stands; `None` where there is no such group.
    pub standing: Option<Standing>,
}

/// What has to be zero before anybody may rely on the projected graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveFigures {
    /// The group that follows interviews.
    pub interview: GroupFigures,
    /// The group that follows sentences.
    pub sentence: GroupFigures,
    /// How many entries wait in the outbox of the direct graph.
    pub outbox: u64,
}

impl LiveFigures {
    /// Returns whether both groups are there and have caught up, nothing is parked and nothing waits.
    pub fn are_settled(&self) -> bool {
        let settled = Some(Standing { lag: 0, parked: 0 });
        self.outbox == 0 && [&self.interview, &self.sentence].iter().all(|group| group.standing == settled)
    }

    /// Returns whether both groups are there and have answered everything, and nothing waits to be appended.
    pub fn have_caught_up(&self) -> bool {
        let answered = |group: &GroupFigures| group.standing.is_some_and(|standing| standing.lag == 0);
        self.outbox == 0 && answered(&self.interview) && answered(&self.sentence)
    }

    /// Returns whether both groups are there.
    pub const fn are_there(&self) -> bool {
        self.interview.standing.is_some() && self.sentence.standing.is_some()
    }

    /// Takes in what was found later: of what goes up and down under load, the least counts. What is parked stays so until somebody has
    /// it replayed; that there was none a moment ago is no comfort.
    pub(super) fn take_in(&mut self, later: Self) {
        self.outbox = self.outbox.min(later.outbox);
        for (own, later) in [(&mut self.interview, later.interview), (&mut self.sentence, later.sentence)] {
            own.events = later.events;
            own.standing = match (own.standing, later.standing) {
                (Some(before), Some(now)) => {
                    Some(Standing { lag: before.lag.min(now.lag), parked: now.parked })
                }
                (_, now) => now,
            };
        }
    }

    /// Returns each figure with its denominator and its border.
    pub fn figures(&self) -> Vec<Figure> {
        let figure = |name: SmolStr, value: Option<u64>, of: u64| Figure {
            scenario: SCENARIO.into(),
            name,
            value,
            of,
            threshold: 0,
            passed: value == Some(0) && of > 0,
        };
        let mut figures = Vec::new();
        for GroupFigures { group, events, standing } in [&self.interview, &self.sentence] {
            figures.push(figure(lag_of(group), standing.map(|standing| standing.lag), *events));
            figures.push(figure(parked_by(group), standing.map(|standing| standing.parked), *events));
        }
        figures.push(figure(OUTBOX.into(), Some(self.outbox), self.interview.events + self.sentence.events));
        figures
    }

    /// Holds the figures against what they must be. A group that is not there is a finding: nothing projects.
    pub fn check(&self) -> CheckResult {
        let zero = |name: SmolStr, value: u64| {
            (name, Value::Int(0), Value::Int(i64::try_from(value).unwrap_or(i64::MAX)))
        };
        let mut checked = Vec::new();
        for GroupFigures { group, standing, .. } in [&self.interview, &self.sentence] {
            match standing {
                Some(Standing { lag, parked }) => {
                    checked.push(zero(lag_of(group), *lag));
                    checked.push(zero(parked_by(group), *parked));
                }
                None => checked.push((
                    format_smolstr!("consumer group {group}"),
                    "there".into(),
                    "no such group".into(),
                )),
            }
        }
        checked.push(zero(OUTBOX.into(), self.outbox));
        CheckResult::of_figures(STANDING, checked)
    }
}

const OUTBOX: &str = "entries in the outbox";

fn lag_of(group: &GroupId) -> SmolStr {
    format_smolstr!("lag of {group}")
}

fn parked_by(group: &GroupId) -> SmolStr {
    format_smolstr!("parked by {group}")
}

impl LiveSystem {
    /// Asks how the projection and the outbox stand.
    ///
    /// # Errors
    ///
    /// [`ExternalError`] when a server does not answer, or refuses. A group that is not there is no error.
    pub async fn figures(&self) -> Result<LiveFigures, ExternalError> {
        let groups = self.consumer_groups();
        // What waits in the outbox is not in the log yet: asked first, so that nothing slips through between the two.
        let outbox = self.outbox_len().await?;
        let interview = self.group_figures(groups.interview).await?;
        let sentence = self.group_figures(groups.sentence).await?;
        Ok(LiveFigures { interview, sentence, outbox })
    }

    /// Asks until each figure was zero once, so long at most: under load they go up and down.
    ///
    /// # Errors
    ///
    /// As [`LiveSystem::figures`].
    pub async fn settled(&self, within: Duration) -> Result<LiveFigures, ExternalError> {
        let begin = Instant::now();
        let mut least = self.figures().await?;
        while !least.have_caught_up() && least.are_there() && begin.elapsed() < within {
            tokio::time::sleep(ASKED_EVERY).await;
            least.take_in(self.figures().await?);
        }
        Ok(least)
    }

    async fn group_figures(&self, group: GroupId) -> Result<GroupFigures, ExternalError> {
        // The end of the stream first, so that what is appended meanwhile does not count as missing.
        let last = self.log.last_revision(&group.stream).await.map_err(|error| self.store_failed(error))?;
        let events = last.map_or(0, |last| last + 1);
        let standing = match self.log.group_info(&group).await {
            Ok(info) => Some(Standing { lag: info.lag(last), parked: info.parked }),
            Err(LogError::NoSuchGroup { .. }) => None,
            Err(error) => return Err(self.store_failed(error)),
        };
        Ok(GroupFigures { group, events, standing })
    }

    async fn outbox_len(&self) -> Result<u64, ExternalError> {
        let (mut len, mut after) = (0, None);
        loop {
            let page = self.direct.graph.nodes(Label::OutboxEntry.as_str(), after.as_ref(), PAGE).await;
            let page = page.map_err(|source| self.graph_failed("direct", source))?;
            len += page.rows.len() as u64;
            after = page.next;
            if after.is_none() {
                return Ok(len);
            }
        }
    }
}
