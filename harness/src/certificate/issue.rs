//! How a certificate follows from the result of a run. Judges nothing: the verdict and every outcome were decided before.

use std::time::Duration;

use cutover_core::timestamp::Timestamp;

use super::statement::{
    Certificate, Figure, PolicyUsed, SCHEMA_VERSION, ScenarioSet, ScenarioSummary, policy_digest,
};
use super::system::LiveSystemState;
use crate::diff::Policy;
use crate::gate::Reason;
use crate::result::{Outcome, RunResult, ScenarioResult};

/// What a result does not say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// When it is issued.
    pub issued_at: Timestamp,
    /// How long it counts from then on.
    pub valid_for: Duration,
    /// Where the scenarios came from.
    pub scenario_set: ScenarioSet,
}

/// Makes the certificate of a run, whatever its verdict. `live` is the system that it looked at, with the figures that were taken of it.
pub fn issue(
    result: &RunResult,
    policy: &Policy,
    live: Option<(LiveSystemState, Vec<Figure>)>,
    terms: Terms,
) -> Certificate {
    let (live, of_live) = live.map_or((None, Vec::new()), |(live, figures)| (Some(live), figures));
    let is_told_of = |scenario: &str, check: &str| {
        of_live.iter().any(|figure| figure.scenario == scenario && check == crate::live::STANDING)
    };
    let mut figures: Vec<Figure> = Vec::new();
    for scenario in &result.scenarios {
        for check in &scenario.checks {
            // The check that sums up single figures says less than they do.
            if !is_told_of(&scenario.name, &check.id) {
                figures.push(Figure {
                    scenario: scenario.name.clone(),
                    name: smol_str::format_smolstr!("{}: differences", check.id),
                    value: (check.outcome != Outcome::Unknown).then_some(check.differences.total),
                    of: check.compared.total(),
                    threshold: 0,
                    passed: check.outcome == Outcome::Pass,
                });
            }
        }
    }
    figures.extend(of_live);
    let issued_at = terms.issued_at;
    Certificate {
        schema_version: SCHEMA_VERSION,
        program_version: result.program_version.clone(),
        verdict: result.verdict.verdict,
        reasons: result.verdict.reasons.iter().map(Reason::to_string).collect(),
        issued_at,
        expires_at: Timestamp::new(issued_at.as_offset_date_time() + terms.valid_for),
        seed: result.seed,
        command: result.command.clone(),
        engines: result.engines.clone(),
        policy: PolicyUsed { name: policy.name.clone(), digest: policy_digest(policy) },
        scenario_set: terms.scenario_set,
        scenarios: result.scenarios.iter().map(summary).collect(),
        figures,
        live,
    }
}

fn summary(scenario: &ScenarioResult) -> ScenarioSummary {
    ScenarioSummary {
        name: scenario.name.clone(),
        outcome: scenario.outcome,
        checks: scenario.checks.len() as u64,
        compared: scenario.checks.iter().map(|check| check.compared.total()).sum(),
    }
}
