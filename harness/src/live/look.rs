//! One look at a live system: its servers, how far the log is, how the projection stands, and the two graphs against each other.

use std::time::Instant;

use cutover_engines::graph::Schema;

use super::{LiveFigures, LiveSystem, SCENARIO};
use crate::certificate::{Figure, GraphDigests, LiveSystemState};
use crate::diff::{self, GraphSource, Limits, Orientation, Policy};
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

impl LiveSystem {
    /// Looks at the system, and changes nothing in it.
    pub async fn look(&self, policy: &Policy) -> Looked {
        let begin = Instant::now();
        let mut looked = self.look_once(policy).await;
        looked.result.duration_ms = milliseconds(begin);
        looked
    }

    async fn look_once(&self, policy: &Policy) -> Looked {
        let stopped = |cause, error: &ExternalError| Looked::stopped(cause, chain(error));
        let (system, position) = match tokio::try_join!(self.identities(), self.position()) {
            Ok(answers) => answers,
            Err(error) => return stopped(Cause::EnvironmentNotReady, &error),
        };
        let mut steps = Vec::new();
        let begin = Instant::now();
        let standing: LiveFigures = match self.figures().await {
            Ok(figures) => figures,
            Err(error) => return stopped(Cause::EngineFailed, &error),
        };
        steps.push(StepDuration {
            step: "ask how the projection stands".to_owned(),
            duration_ms: milliseconds(begin),
            ..StepDuration::default()
        });
        let begin = Instant::now();
        let compared = self.compare(policy).await;
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
    pub async fn compare(&self, policy: &Policy) -> CheckResult {
        diff::diff(
            "direct-vs-projected",
            Orientation::new("direct", "projected"),
            &GraphSource::new(&*self.direct.graph, Schema::Direct),
            &GraphSource::new(&*self.projected.graph, Schema::Projected),
            policy,
            Limits { digests: true, ..Limits::default() },
        )
        .await
    }
}

fn milliseconds(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}
