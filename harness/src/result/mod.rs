//! The result of a run: one serialisable value, from which the verdict is read and every report is rendered.
//!
//! The main type is [`RunResult`]. Every outcome has three values ([`Outcome`]): what did not run, timed out or compared
//! nothing is unknown, never green. Judging is left to [`crate::gate`], formatting to the reports.

mod check;
mod compared;
mod differences;
mod figures;
mod outcome;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cutover_core::timestamp::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::crash::Crashes;

use crate::gate::Judgement;

pub use check::{Accepted, CheckResult, RuleUse};
pub use compared::{Compared, Tally};
pub use differences::{DIFFERENCES_KEPT, Differences};
pub use figures::{FaultCount, LaneSample, ProjectorMetrics, Sample, StepDuration};
pub use outcome::{Cause, Outcome};

/// The version of the JSON form of [`RunResult`]. Raised when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// What a scenario came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioResult {
    /// The scenario's name: that of its file.
    pub name: SmolStr,
    /// How it ended.
    pub outcome: Outcome,
    /// Why that is unknown, if it is.
    pub cause: Option<Cause>,
    /// What made it fail or unknown, in one line.
    pub reason: Option<String>,
    /// What was compared.
    pub checks: Vec<CheckResult>,
    /// What the projector counted; one entry for each projection that the scenario ran, by name.
    pub projections: BTreeMap<SmolStr, ProjectorMetrics>,
    /// How often each fault struck.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultCount>,
    /// What was done to a projection process, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crashes: Option<Crashes>,
    /// How many events were appended to the store.
    pub events_appended: u64,
    /// How many sentences the transcripts of the scenario came to.
    pub sentences: u64,
    /// How long each step took.
    pub steps: Vec<StepDuration>,
    /// How long all of it took.
    pub duration_ms: u64,
}

impl ScenarioResult {
    /// Concludes a scenario from its checks. Without any it is unknown.
    pub fn concluded(name: impl Into<SmolStr>, checks: Vec<CheckResult>) -> Self {
        let outcome = Outcome::of_all(checks.iter().map(|check| check.outcome));
        let decisive = checks.iter().find(|check| check.outcome == outcome);
        let (cause, reason) = match (outcome, decisive) {
            (Outcome::Pass, _) => (None, None),
            (Outcome::Fail, Some(check)) => {
                (None, Some(format!("{}: {}", check.id, counted(check.differences.total, "difference"))))
            }
            (_, Some(check)) => (check.cause, Some(unknown_reason(check))),
            (_, None) => (Some(Cause::NothingCompared), Some("the scenario has no check".to_owned())),
        };
        Self { cause, reason, checks, ..Self::empty(name, outcome) }
    }

    /// Records a scenario that did not come to its end, with the checks that it had finished. A check that failed makes it
    /// fail, whatever stopped it later.
    pub fn stopped(
        name: impl Into<SmolStr>,
        cause: Cause,
        reason: impl Into<String>,
        checks: Vec<CheckResult>,
    ) -> Self {
        let failed = checks.iter().any(|check| check.outcome == Outcome::Fail);
        let outcome = if failed { Outcome::Fail } else { Outcome::Unknown };
        Self { cause: Some(cause), reason: Some(reason.into()), checks, ..Self::empty(name, outcome) }
    }

    fn empty(name: impl Into<SmolStr>, outcome: Outcome) -> Self {
        Self {
            name: name.into(),
            outcome,
            cause: None,
            reason: None,
            checks: Vec::new(),
            projections: BTreeMap::new(),
            faults: Vec::new(),
            crashes: None,
            events_appended: 0,
            sentences: 0,
            steps: Vec::new(),
            duration_ms: 0,
        }
    }
}

/// Returns a number with what it counts, in the plural unless it is one.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn unknown_reason(check: &CheckResult) -> String {
    let cause = check.cause.map_or("the outcome is unknown", Cause::as_str);
    match &check.error {
        Some(error) => format!("{}: {cause}: {error}", check.id),
        None => format!("{}: {cause}", check.id),
    }
}

/// A transcript that was read, with what names its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transcript {
    /// The file's name.
    pub file: SmolStr,
    /// The BLAKE3 digest of its bytes, in hexadecimal.
    pub digest: SmolStr,
    /// How many utterances it has.
    pub utterances: u64,
    /// How many sentences it was cut into.
    pub sentences: u64,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunResult {
    /// The version of this form: [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of the program.
    pub program_version: SmolStr,
    /// What decided every random choice of the run.
    pub seed: u64,
    /// When the run began.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// The command that repeats it.
    pub command: String,
    /// The engines that it ran on: `embedded`, for instance.
    pub engines: SmolStr,
    /// What was fed in.
    pub transcripts: Vec<Transcript>,
    /// What each scenario came to, in the order in which they ran.
    pub scenarios: Vec<ScenarioResult>,
    /// What it all comes to.
    pub verdict: Judgement,
}
