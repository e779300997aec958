//! What all views of a result count alike: outcomes, how much was compared, and what was not checked. The main type is
//! [`Summary`].
//!
//! A view is never greener than the verdict: where the judgement has a reason against a check, that is the check's outcome here,
//! whatever the check says of itself.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::gate::Reason;
use crate::result::{Accepted, CheckResult, Compared, Outcome, RunResult, ScenarioResult};

/// How many of something came to which outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    /// Those that passed.
    pub(super) pass: u64,
    /// Those that could not be told.
    pub(super) unknown: u64,
    /// Those that failed.
    pub(super) fail: u64,
}

impl Outcomes {
    /// Counts outcomes.
    pub(super) fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut counts = Self::default();
        for outcome in outcomes {
            *match outcome {
                Outcome::Pass => &mut counts.pass,
                Outcome::Unknown => &mut counts.unknown,
                Outcome::Fail => &mut counts.fail,
            } += 1;
        }
        counts
    }

    /// Returns how many there are.
    pub(super) const fn total(self) -> u64 {
        self.pass + self.unknown + self.fail
    }
}

/// Something that was not checked, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unchecked<'a> {
    /// The scenario, if it is about one.
    pub(super) scenario: Option<&'a str>,
    /// The check, if it is about one.
    pub(super) check: Option<&'a str>,
    /// Why.
    pub(super) why: &'a str,
}

/// A rule of a policy that was used, over all checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UsedRule<'a> {
    /// The rule.
    pub(super) rule: &'a str,
    /// Why there is such a rule.
    pub(super) reason: &'a str,
    /// How often it was used.
    pub(super) count: u64,
}

/// A difference that a policy accepts, and where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AcceptedIn<'a> {
    /// The scenario.
    pub(super) scenario: &'a str,
    /// The check.
    pub(super) check: &'a str,
    /// What is accepted.
    pub(super) accepted: &'a Accepted,
}

impl AcceptedIn<'_> {
    /// Returns until when it is accepted, in words.
    pub(super) fn until(&self) -> String {
        let Accepted { expires, has_expired, .. } = self.accepted;
        match has_expired {
            true => format!("EXPIRED on {expires}, so that they count again"),
            false => format!("until {expires}"),
        }
    }
}

/// What a result comes to.
#[derive(Debug)]
pub(super) struct Summary<'a> {
    /// How the scenarios ended.
    pub(super) scenarios: Outcomes,
    /// How the checks ended.
    pub(super) checks: Outcomes,
    /// How much was compared in all checks.
    pub(super) compared: Compared,
    /// How many differences were found.
    pub(super) differences: u64,
    /// How many of them by label, relationship type or figure.
    pub(super) by_subject: BTreeMap<&'a str, u64>,
    /// The labels, then the relationship types, then whatever else differed.
    pub(super) subjects: Vec<&'a str>,
    /// What was not checked.
    pub(super) unchecked: Vec<Unchecked<'a>>,
    /// The rules that were used.
    pub(super) rules: Vec<UsedRule<'a>>,
    /// The differences that somebody answers for: they are not counted above unless their day is past.
    pub(super) accepted: Vec<AcceptedIn<'a>>,
}

impl<'a> Summary<'a> {
    /// Sums a result up.
    pub(super) fn of(result: &'a RunResult) -> Self {
        let checks = || {
            let of =
                |scenario: &'a ScenarioResult| scenario.checks.iter().map(move |check| (scenario, check));
            result.scenarios.iter().flat_map(of)
        };
        let mut compared = Compared::default();
        let mut by_subject: BTreeMap<&str, u64> = BTreeMap::new();
        let mut rules: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (_, check) in checks() {
            compared.add(&check.compared);
            for (subject, count) in &check.differences.by_subject {
                *by_subject.entry(subject).or_default() += count;
            }
            for rule in &check.rules {
                *rules.entry((&rule.rule, &rule.reason)).or_default() += rule.count;
            }
        }
        let labels = checks().flat_map(|(_, check)| check.compared.nodes.keys());
        let rels = checks().flat_map(|(_, check)| check.compared.relationships.keys());
        let (labels, rels): (BTreeSet<&str>, BTreeSet<&str>) =
            (labels.map(SmolStr::as_str).collect(), rels.map(SmolStr::as_str).collect());
        let others = by_subject.keys().copied().filter(|name| !labels.contains(name) && !rels.contains(name));
        let subjects = labels.iter().chain(&rels).copied().chain(others).collect();
        let unknown = result.verdict.reasons.iter().filter(|reason| reason.outcome == Outcome::Unknown);
        Self {
            scenarios: Outcomes::of(result.scenarios.iter().map(|scenario| of_scenario(result, scenario))),
            checks: Outcomes::of(checks().map(|(scenario, check)| of_check(result, scenario, check))),
            compared,
            differences: by_subject.values().sum(),
            by_subject,
            subjects,
            unchecked: unknown
                .map(|Reason { scenario, check, detail, .. }| Unchecked {
                    scenario: scenario.as_deref(),
                    check: check.as_deref(),
                    why: detail,
                })
                .collect(),
            rules: rules
                .into_iter()
                .map(|((rule, reason), count)| UsedRule { rule, reason, count })
                .collect(),
            accepted: checks().flat_map(|(scenario, check)| accepted_in(scenario, check)).collect(),
        }
    }
}

/// Returns the differences of a check that its policy accepts.
pub(super) fn accepted_in<'a>(
    scenario: &'a ScenarioResult,
    check: &'a CheckResult,
) -> impl Iterator<Item = AcceptedIn<'a>> {
    let of = |accepted| AcceptedIn { scenario: &scenario.name, check: &check.id, accepted };
    check.accepted.iter().map(of)
}

/// Returns how a check ended, as the verdict has it.
pub(super) fn of_check(result: &RunResult, scenario: &ScenarioResult, check: &CheckResult) -> Outcome {
    let reasons = reasons(result, scenario).filter(|reason| reason.check.as_ref() == Some(&check.id));
    reasons.map(|reason| reason.outcome).fold(check.outcome, Outcome::max)
}

/// Returns how a scenario ended, as the verdict has it.
pub(super) fn of_scenario(result: &RunResult, scenario: &ScenarioResult) -> Outcome {
    reasons(result, scenario).map(|reason| reason.outcome).fold(scenario.outcome, Outcome::max)
}

/// Returns what stands against a scenario.
pub(super) fn reasons<'a>(
    result: &'a RunResult,
    scenario: &'a ScenarioResult,
) -> impl Iterator<Item = &'a Reason> {
    result.verdict.reasons.iter().filter(|reason| reason.scenario.as_ref() == Some(&scenario.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Judgement;
    use crate::testing;

    #[test]
    fn everything_is_counted_with_its_denominator() {
        let result = testing::run_result();
        let summary = Summary::of(&result);
        assert_eq!(summary.scenarios, Outcomes { pass: 1, unknown: 1, fail: 1 });
        assert_eq!(summary.checks, Outcomes { pass: 1, unknown: 1, fail: 1 });
        assert_eq!(summary.compared.nodes["Sentence"].both, 2 * 1203);
        assert_eq!(summary.differences, 14);
        assert_eq!(summary.by_subject["Sentence"], 12);
        let unchecked: Vec<_> = summary.unchecked.iter().map(|what| (what.scenario, what.check)).collect();
        assert_eq!(unchecked, [(Some("dual-write"), Some("model-vs-projected")), (Some("long-run"), None)]);
    }

    #[test]
    fn no_view_is_greener_than_the_verdict() {
        let mut result = testing::run_result();
        let check = &mut result.scenarios[1].checks[0];
        check.compared = Compared::default();
        assert_eq!(check.outcome, Outcome::Pass);
        result.verdict = Judgement::of(&result.scenarios);
        let scenario = &result.scenarios[1];
        assert_eq!(of_check(&result, scenario, &scenario.checks[0]), Outcome::Unknown);
        assert_eq!(of_scenario(&result, scenario), Outcome::Unknown);
    }
}
