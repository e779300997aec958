//! The judgement: reads results, never text, and says whether the switch may be thrown. The main type is [`Judgement`].
//!
//! It does not believe an outcome that its own figures deny: a pass that compared nothing is unknown here, whoever wrote it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::exit_code;
use crate::result::{Cause, CheckResult, Outcome, ScenarioResult, counted};

/// Whether the switch may be thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was checked and nothing differed.
    Go,
    /// It cannot be told.
    Unknown,
    /// Something differed.
    NoGo,
}

impl Verdict {
    /// Returns the word that people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Go => "GO",
            Self::Unknown => "UNKNOWN",
            Self::NoGo => "NO GO",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Go,
            Outcome::Unknown => Self::Unknown,
            Outcome::Fail => Self::NoGo,
        }
    }
}

/// One thing that keeps a verdict from being [`Verdict::Go`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The scenario; `None` when it is about the run as a whole.
    pub scenario: Option<SmolStr>,
    /// The check, when it is about one.
    pub check: Option<SmolStr>,
    /// Whether it fails the run or leaves it unknown.
    pub outcome: Outcome,
    /// Why it is unknown, if it is.
    pub cause: Option<Cause>,
    /// What it is, in one line.
    pub detail: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.scenario, &self.check) {
            (Some(scenario), Some(check)) => write!(f, "{scenario}, {check}: {}", self.detail),
            (Some(scenario), None) => write!(f, "{scenario}: {}", self.detail),
            (None, _) => f.write_str(&self.detail),
        }
    }
}

/// A verdict with everything that stands against [`Verdict::Go`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// Whether the switch may be thrown.
    pub verdict: Verdict,
    /// What stands against it, in the order of the results. Empty exactly when the verdict is [`Verdict::Go`].
    pub reasons: Vec<Reason>,
}

impl Judgement {
    /// Judges what was run.
    pub fn of(scenarios: &[ScenarioResult]) -> Self {
        let mut reasons: Vec<Reason> = scenarios.iter().flat_map(reasons_of_scenario).collect();
        if scenarios.is_empty() {
            reasons.push(Reason {
                scenario: None,
                check: None,
                outcome: Outcome::Unknown,
                cause: Some(Cause::NotRun),
                detail: "no scenario was run".to_owned(),
            });
        }
        let worst = reasons.iter().map(|reason| reason.outcome).max().unwrap_or(Outcome::Pass);
        Self { verdict: worst.into(), reasons }
    }

    /// Returns the exit code of a run that came to this verdict ([`exit_code`]).
    pub fn exit_code(&self) -> u8 {
        let any = |cause| self.reasons.iter().any(|reason| reason.cause == Some(cause));
        match self.verdict {
            Verdict::Go => exit_code::PASS,
            Verdict::NoGo => exit_code::DIFFERENCES,
            Verdict::Unknown if any(Cause::EnvironmentNotReady) => exit_code::ENVIRONMENT,
            Verdict::Unknown if any(Cause::TimedOut) => exit_code::TIMED_OUT,
            Verdict::Unknown => exit_code::INCONCLUSIVE,
        }
    }
}

fn reasons_of_scenario(scenario: &ScenarioResult) -> Vec<Reason> {
    let of = |check: Option<&CheckResult>, outcome, cause, detail| Reason {
        scenario: Some(scenario.name.clone()),
        check: check.map(|check| check.id.clone()),
        outcome,
        cause,
        detail,
    };
    let mut reasons: Vec<Reason> = Vec::new();
    for check in &scenario.checks {
        match outcome_by_figures(check) {
            Outcome::Pass => {}
            Outcome::Fail => {
                let differences = counted(check.differences.total, "difference");
                let compared = counted(check.compared.total(), check.compared.noun());
                let detail = format!("{differences}, {compared} compared");
                reasons.push(of(Some(check), Outcome::Fail, None, detail));
            }
            Outcome::Unknown => {
                let cause = check.cause.unwrap_or(Cause::NothingCompared);
                let detail = match &check.error {
                    Some(error) => format!("{cause}: {error}"),
                    None => cause.to_string(),
                };
                reasons.push(of(Some(check), Outcome::Unknown, Some(cause), detail));
            }
        }
    }
    let explained = reasons.iter().map(|reason| reason.outcome).max().unwrap_or(Outcome::Pass);
    if scenario.outcome > explained || (scenario.cause.is_some() && reasons.is_empty()) {
        let detail =
            scenario.reason.clone().unwrap_or_else(|| format!("the outcome is {}", scenario.outcome));
        let outcome = scenario.outcome.max(Outcome::Unknown);
        reasons.push(of(None, outcome, scenario.cause, detail));
    } else if scenario.checks.is_empty() {
        let detail = "the scenario has no check".to_owned();
        reasons.push(of(None, Outcome::Unknown, Some(Cause::NothingCompared), detail));
    }
    reasons
}

/// Returns the outcome that the figures of a check allow, which is never better than the one that it claims.
fn outcome_by_figures(check: &CheckResult) -> Outcome {
    let allowed = match (check.differences.is_empty(), check.compared.total()) {
        (false, _) => Outcome::Fail,
        (true, 0) => Outcome::Unknown,
        (true, _) if check.error.is_some() => Outcome::Unknown,
        (true, _) => Outcome::Pass,
    };
    allowed.max(check.outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Orientation;
    use crate::result::{Compared, Differences};

    fn check(figures: u64, differences: u64) -> CheckResult {
        let compared = Compared { figures, ..Compared::default() };
        let differences = Differences { total: differences, ..Differences::default() };
        CheckResult::concluded("c", Orientation::new("a", "b"), compared, differences)
    }

    fn judge(checks: Vec<CheckResult>) -> Judgement {
        Judgement::of(&[ScenarioResult::concluded("s", checks)])
    }

    #[test]
    fn a_verdict_is_read_as_words() {
        let words = [Verdict::Go, Verdict::Unknown, Verdict::NoGo].map(|verdict| verdict.to_string());
        assert_eq!(words, ["GO", "UNKNOWN", "NO GO"]);
    }

    #[test]
    fn nothing_run_is_unknown() {
        let judgement = Judgement::of(&[]);
        assert_eq!((judgement.verdict, judgement.exit_code()), (Verdict::Unknown, exit_code::INCONCLUSIVE));
    }

    #[test]
    fn everything_equal_is_go_without_a_reason() {
        let judgement = judge(vec![check(3, 0), check(1, 0)]);
        assert_eq!((judgement.verdict, judgement.exit_code()), (Verdict::Go, exit_code::PASS));
        assert_eq!(judgement.reasons, []);
    }

    #[test]
    fn a_difference_outweighs_what_is_unknown() {
        let judgement = judge(vec![check(0, 0), check(5, 2)]);
        assert_eq!((judgement.verdict, judgement.exit_code()), (Verdict::NoGo, exit_code::DIFFERENCES));
        assert_eq!(judgement.reasons.len(), 2);
        assert_eq!(judgement.reasons[1].to_string(), "s, c: 2 differences, 5 elements compared");
    }

    #[test]
    fn one_difference_is_not_many() {
        assert_eq!(judge(vec![check(1, 1)]).reasons[0].detail, "1 difference, 1 element compared");
    }

    #[test]
    fn a_pass_that_compared_nothing_is_not_believed() {
        let mut lie = check(0, 0);
        lie.outcome = Outcome::Pass;
        lie.cause = None;
        let mut scenario = ScenarioResult::concluded("s", vec![lie]);
        scenario.outcome = Outcome::Pass;
        assert_eq!(Judgement::of(&[scenario]).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_pass_that_found_differences_or_met_an_error_is_not_believed() {
        let claims_to_pass = |mut check: CheckResult| {
            check.outcome = Outcome::Pass;
            check.cause = None;
            let mut scenario = ScenarioResult::concluded("s", vec![check]);
            scenario.outcome = Outcome::Pass;
            Judgement::of(&[scenario])
        };
        assert_eq!(claims_to_pass(check(3, 0)).verdict, Verdict::Go);
        assert_eq!(claims_to_pass(check(3, 1)).verdict, Verdict::NoGo);
        let broken_off = CheckResult { error: Some("the store went away".into()), ..check(3, 0) };
        let judgement = claims_to_pass(broken_off);
        assert_eq!(judgement.verdict, Verdict::Unknown);
        assert!(judgement.reasons[0].to_string().ends_with(": the store went away"));
    }

    #[test]
    fn a_scenario_that_failed_though_its_checks_passed_is_no_go() {
        let mut scenario = ScenarioResult::concluded("s", vec![check(3, 0)]);
        scenario.outcome = Outcome::Fail;
        let judgement = Judgement::of(&[scenario]);
        assert_eq!(judgement.verdict, Verdict::NoGo);
        assert_eq!(judgement.reasons[0].to_string(), "s: the outcome is fail");
    }

    #[test]
    fn a_scenario_that_failed_while_a_check_is_unknown_has_a_reason_for_each() {
        let mut scenario = ScenarioResult::concluded("s", vec![check(0, 0)]);
        scenario.outcome = Outcome::Fail;
        scenario.reason = Some("an event was lost".into());
        let judgement = Judgement::of(&[scenario]);
        let outcomes: Vec<Outcome> = judgement.reasons.iter().map(|reason| reason.outcome).collect();
        assert_eq!((judgement.verdict, outcomes), (Verdict::NoGo, vec![Outcome::Unknown, Outcome::Fail]));
        assert_eq!(judgement.reasons[1].to_string(), "s: an event was lost");
    }

    #[test]
    fn a_scenario_that_names_a_cause_is_not_go_whatever_it_claims() {
        let mut scenario = ScenarioResult::concluded("s", vec![check(3, 0)]);
        scenario.cause = Some(Cause::TimedOut);
        let judgement = Judgement::of(&[scenario]);
        assert_eq!((judgement.verdict, judgement.exit_code()), (Verdict::Unknown, exit_code::TIMED_OUT));
    }

    #[test]
    fn a_scenario_without_a_check_is_not_go_whatever_it_claims() {
        let mut scenario = ScenarioResult::concluded("s", vec![]);
        (scenario.outcome, scenario.cause) = (Outcome::Pass, None);
        let judgement = Judgement::of(&[scenario]);
        assert_eq!(judgement.verdict, Verdict::Unknown);
        assert_eq!(judgement.reasons[0].to_string(), "s: the scenario has no check");
    }

    #[test]
    fn a_difference_is_the_only_reason_when_the_scenario_was_stopped_later() {
        let stopped = ScenarioResult::stopped("s", Cause::TimedOut, "no end in 60 s", vec![check(3, 1)]);
        let judgement = Judgement::of(&[stopped]);
        assert_eq!((judgement.verdict, judgement.exit_code()), (Verdict::NoGo, exit_code::DIFFERENCES));
        assert_eq!(judgement.reasons.len(), 1);
    }

    #[test]
    fn a_time_out_has_an_exit_code_of_its_own() {
        let stopped = ScenarioResult::stopped("s", Cause::TimedOut, "no end in 60 s", vec![check(3, 0)]);
        let judgement = Judgement::of(&[stopped]);
        assert_eq!((judgement.verdict, judgement.exit_code()), (Verdict::Unknown, exit_code::TIMED_OUT));
        assert_eq!(judgement.reasons[0].to_string(), "s: no end in 60 s");
    }

    #[test]
    fn an_environment_that_is_not_ready_is_told_from_a_difference() {
        let stopped = ScenarioResult::stopped("s", Cause::EnvironmentNotReady, "no store", vec![]);
        assert_eq!(Judgement::of(&[stopped]).exit_code(), exit_code::ENVIRONMENT);
    }
}
