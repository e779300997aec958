//! One look at a live system: its servers, how far the log is, how the projection stands, and the two graphs against each other.

use std::time::{Duration, Instant};

use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::Schema;

use super::{CaughtUp, LiveFigures, LiveSystem, SCENARIO};
use crate::certificate::{Figure, GraphDigests, LiveSystemState};
use crate::diff::{self, GraphSource, Limits, Options, Orientation, Policy, Settle};
use crate::error::chain;
use crate::provision::external::ExternalError;
use crate::result::{Cause, CheckResult, ScenarioResult, StepDuration};

/// What a look came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// Its result, one scenario among the others of a run.
    pub result: ScenarioResult,
    /// What the system was; `None` where its servers did not all answer.
    pub state: Option<LiveSystemState>,
    /// Each figure of how it stood; none where it could not be told.
    pub figures: Vec<Figure>,
}

impl Looked {
    /// Returns a look that came to no end.
    pub fn stopped(cause: Cause, reason: impl Into<String>) -> Self {
        let result = ScenarioResult::stopped(SCENARIO, cause, reason, Vec::new());
        Self { result, state: None, figures: Vec::new() }
    }
}

/// How a look deals with a system that is being written to: what goes up and down must be as it should be once, and what differs
/// must stay so to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long each figure has to be zero once.
    pub settles_within: Duration,
    /// How long both graphs have to take in what was written, each time before what differs is looked at again.
    pub caught_up_within: Duration,
    /// How often it is looked at again at most; 0 where nobody writes.
    pub rounds: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { settles_within: Duration::from_secs(10), caught_up_within: Duration::from_secs(60), rounds: 3 }
    }
}

impl LiveSystem {
    /// Looks at the system, and changes nothing in it. `now` decides which differences the policy still accepts.
    pub async fn look(&self, policy: &Policy, now: Timestamp, patience: Patience) -> Looked {
        let begin = Instant::now();
        let mut looked = self.look_at(policy, now, patience).await;
        looked.result.duration_ms = milliseconds(begin);
        looked
    }

    async fn look_at(&self, policy: &Policy, now: Timestamp, patience: Patience) -> Looked {
        let stopped = |cause, error: &ExternalError| Looked::stopped(cause, chain(error));
        let (system, position) = match tokio::try_join!(self.identities(), self.position()) {
            Ok(answers) => answers,
            Err(error) => return stopped(Cause::EnvironmentNotReady, &error),
        };
        let mut steps = Vec::new();
        let begin = Instant::now();
        let standing: LiveFigures = match self.settled(patience.settles_within).await {
            Ok(figures) => figures,
            Err(error) => return stopped(Cause::EngineFailed, &error),
        };
        steps.push(StepDuration {
            step: "ask how the projection stands".to_owned(),
            duration_ms: milliseconds(begin),
            ..StepDuration::default()
        });
        let begin = Instant::now();
        // Where the projection stands still, there is nothing to wait for: what differs, differs.
        let rounds = if standing.have_caught_up() { patience.rounds } else { 0 };
        let compared = self.compare(policy, now, Patience { rounds, ..patience }).await;
        steps.push(StepDuration {
            step: "compare direct and projected".to_owned(),
            duration_ms: milliseconds(begin),
            ..StepDuration::default()
        });
        let graphs =
            compared.digests.map(|digests| GraphDigests { direct: digests.left, projected: digests.right });
        let mut result = ScenarioResult::concluded(SCENARIO, vec![compared, standing.check()]);
        result.steps = steps;
        let state = LiveSystemState { system, groups: self.groups.clone(), position, graphs };
        Looked { result, state: Some(state), figures: standing.figures() }
    }

    /// Compares the two graphs. The only place where this is done for a live system.
    pub async fn compare(&self, policy: &Policy, now: Timestamp, patience: Patience) -> CheckResult {
        let watermark = CaughtUp::new(self.clone(), patience.caught_up_within);
        let settle =
            (patience.rounds > 0).then_some(Settle { rounds: patience.rounds, watermark: &watermark });
        let limits = Limits { digests: true, ..Limits::default() };
        let options = Options { limits, now: Some(now), settle, ..Options::default() };
        let direct = GraphSource::new(&*self.direct.graph, Schema::Direct);
        let projected = GraphSource::new(&*self.projected.graph, Schema::Projected);
        let sides = Orientation::new("direct", "projected");
        diff::diff_with("direct-vs-projected", sides, [&direct, &projected], policy, options).await.check
    }
}

fn milliseconds(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}
