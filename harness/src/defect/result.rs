//! What a drill came to: one serialisable value, from which the exit code follows and every report is rendered.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use smol_str::SmolStr;

use super::simulated::Simulated;
use super::{Class, Defect};
use crate::exit_code;
use crate::result::{Outcome, ScenarioResult};

/// The version of the JSON form of [`DrillResult`]. Raised when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// How many findings are named where a defect was caught by others than its own.
const FINDINGS_NAMED: usize = 5;

/// What became of a defect in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caught {
    /// The scenario went red by the finding that names the defect.
    ByName,
    /// The scenario went red by other findings: somebody would look in the wrong place.
    Otherwise,
    /// The scenario stayed green.
    Not,
    /// It cannot be told: the scenario did not come to its end, or is not green without the defect.
    Unknown,
}

impl Caught {
    /// Returns what to tell a person.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByName => "caught",
            Self::Otherwise => "other finding",
            Self::Not => "uncaught",
            Self::Unknown => "unknown",
        }
    }

    /// Returns what a scenario with a defect in the program came to. `without` is what it came to without the defect.
    pub fn of(defect: &Defect, without: Outcome, with: &ScenarioResult) -> Self {
        match (without, with.outcome) {
            (Outcome::Pass, Outcome::Fail) if defect.finding.is_in(with) => Self::ByName,
            (Outcome::Pass, Outcome::Fail) => Self::Otherwise,
            (Outcome::Pass, Outcome::Pass) => Self::Not,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A scenario without any defect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baseline {
    /// The scenario.
    pub scenario: SmolStr,
    /// What decided every random choice in it.
    pub seed: u64,
    /// How it ended: `pass`, or nothing can be said about a defect in it.
    pub outcome: Outcome,
    /// Why it did not pass.
    pub reason: Option<String>,
    /// How much was compared.
    pub compared: u64,
}

impl Baseline {
    /// Takes down what a scenario came to.
    pub fn of(seed: u64, result: &ScenarioResult) -> Self {
        let compared =
            result.checks.iter().map(|check| check.compared.total() + check.compared.properties).sum();
        let (scenario, reason) = (result.name.clone(), result.reason.clone());
        Self { scenario, seed, outcome: result.outcome, reason, compared }
    }
}

/// What became of one defect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DefectResult {
    /// Its id.
    pub id: &'static str,
    /// Its class.
    pub class: Class,
    /// What the code does.
    pub what: &'static str,
    /// Where such a thing was seen, or why somebody would write it.
    pub why: &'static str,
    /// Whether a system of this very design is known to have shipped it.
    pub has_shipped: bool,
    /// The scenario that must go red.
    pub scenario: SmolStr,
    /// What must be found there.
    pub finding: String,
    /// What became of it there.
    pub caught: Caught,
    /// With how many seeds it was tried.
    pub seeds: u64,
    /// What was found there, the most frequent first; or why it cannot be told.
    pub found: Vec<String>,
    /// What the simulation says of it, where that was asked for.
    pub simulation: Option<Simulated>,
    /// What became of it in every scenario, where that was asked for.
    pub scenarios: BTreeMap<SmolStr, Caught>,
}

impl DefectResult {
    /// Takes down what its own scenario came to with a defect.
    pub fn of(defect: &Defect, seeds: u64, without: &Baseline, with: &ScenarioResult) -> Self {
        let caught = Caught::of(defect, without.outcome, with);
        let found = match (without.outcome, caught) {
            (Outcome::Pass, Caught::Unknown) => with.reason.iter().cloned().collect(),
            (Outcome::Pass, _) => findings(with),
            _ => vec![format!(
                "without the defect, the scenario is {}: {}",
                without.outcome,
                without.reason.as_deref().unwrap_or_default()
            )],
        };
        Self {
            id: defect.id,
            class: defect.class,
            what: defect.what,
            why: defect.why,
            has_shipped: defect.has_shipped,
            scenario: defect.scenario.into(),
            finding: defect.finding.to_string(),
            caught,
            seeds,
            found,
            simulation: None,
            scenarios: BTreeMap::new(),
        }
    }

    /// Returns what two tries come to, this one with an earlier seed: the first one that says something, unless the later one has
    /// caught it by its name. What became of it in every scenario is known of the first.
    pub(super) fn or(self, later: Self) -> Self {
        let seeds = later.seeds;
        let is_told = later.caught == Caught::ByName || self.caught == Caught::Unknown;
        let scenarios = self.scenarios.clone();
        Self { seeds, scenarios, ..if is_told { later } else { self } }
    }
}

/// Returns what a scenario found, in words, the most frequent first.
fn findings(result: &ScenarioResult) -> Vec<String> {
    let mut found: Vec<(u64, String)> = Vec::new();
    for check in &result.checks {
        for (subject, kinds) in &check.differences.by_subject_and_kind {
            for (kind, count) in kinds {
                found.push((*count, format!("{}: {kind} {subject}, {count} times", check.id)));
            }
        }
    }
    found.sort_by(|(one, one_name), (other, other_name)| {
        other.cmp(one).then_with(|| one_name.cmp(other_name))
    });
    let mut named: Vec<String> = found.into_iter().map(|(_, name)| name).take(FINDINGS_NAMED).collect();
    if named.is_empty() {
        named.extend(result.reason.clone());
    }
    named
}

/// What became of a canary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CanaryResult {
    /// Its id.
    pub id: &'static str,
    /// What it is.
    pub what: &'static str,
    /// What the drill must say of it.
    pub expected: Caught,
    /// What the drill says of it.
    pub caught: Caught,
}

impl CanaryResult {
    /// Returns whether the alarm works, as far as this canary can tell.
    pub const fn outcome(&self) -> Outcome {
        match (self.expected, self.caught) {
            (_, Caught::Unknown) => Outcome::Unknown,
            (Caught::Not, Caught::Not) | (Caught::Otherwise, Caught::Otherwise) => Outcome::Pass,
            _ => Outcome::Fail,
        }
    }
}

/// How many defects came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many there are.
    pub defects: usize,
    /// How many were caught by the finding that names them.
    pub by_name: usize,
    /// How many were caught by other findings alone.
    pub otherwise: usize,
    /// How many were not caught.
    pub uncaught: usize,
    /// Of how many it cannot be told.
    pub unknown: usize,
    /// What the simulation says, where it was asked.
    pub simulation: Option<SimulationSummary>,
}

/// How many defects the simulation has caught, and how soon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SimulationSummary {
    /// How many it caught.
    pub caught: usize,
    /// How many it did not catch.
    pub uncaught: usize,
    /// Half of those that were caught took no more schedules than this.
    pub median_seeds: u64,
    /// None took more schedules than this.
    pub worst_seeds: u64,
}

impl SimulationSummary {
    /// Sums up; `None` where the simulation was not asked.
    fn of(defects: &[DefectResult]) -> Option<Self> {
        let all: Vec<&Simulated> = defects.iter().filter_map(|defect| defect.simulation.as_ref()).collect();
        if all.is_empty() {
            return None;
        }
        let mut seeds: Vec<u64> = all.iter().filter_map(|simulated| simulated.seeds()).collect();
        seeds.sort_unstable();
        Some(Self {
            caught: seeds.len(),
            uncaught: all.len() - seeds.len(),
            median_seeds: seeds.get(seeds.len().saturating_sub(1) / 2).copied().unwrap_or_default(),
            worst_seeds: seeds.last().copied().unwrap_or_default(),
        })
    }
}

/// What a drill came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrillResult {
    /// The version of this form.
    pub schema_version: u32,
    /// The version of the program.
    pub program_version: SmolStr,
    /// What decided every random choice.
    pub seed: u64,
    /// The command that repeats it.
    pub command: String,
    /// How it ended: `pass` when every defect was caught by the finding that names it, and the alarm works.
    pub outcome: Outcome,
    /// How many defects came to what.
    pub summary: Summary,
    /// The scenarios without any defect.
    pub baselines: Vec<Baseline>,
    /// The defects.
    pub defects: Vec<DefectResult>,
    /// The canaries.
    pub canaries: Vec<CanaryResult>,
}

impl DrillResult {
    /// Concludes a drill.
    pub fn concluded(
        seed: u64,
        command: String,
        baselines: Vec<Baseline>,
        defects: Vec<DefectResult>,
        canaries: Vec<CanaryResult>,
    ) -> Self {
        let count = |caught| defects.iter().filter(|defect| defect.caught == caught).count();
        let summary = Summary {
            defects: defects.len(),
            by_name: count(Caught::ByName),
            otherwise: count(Caught::Otherwise),
            uncaught: count(Caught::Not),
            unknown: count(Caught::Unknown),
            simulation: SimulationSummary::of(&defects),
        };
        // A scenario that fails without a defect has raised a false alarm, whatever it finds with one.
        let healthy = baselines.iter().filter(|baseline| baseline.outcome == Outcome::Fail);
        let of_defects = defects.iter().map(|defect| match defect.caught {
            Caught::ByName => Outcome::Pass,
            Caught::Otherwise | Caught::Not => Outcome::Fail,
            Caught::Unknown => Outcome::Unknown,
        });
        let simulated = defects.iter().filter_map(|defect| match &defect.simulation {
            Some(Simulated::Uncaught { .. }) => Some(Outcome::Fail),
            Some(Simulated::Unknown { .. }) => Some(Outcome::Unknown),
            Some(Simulated::Caught { .. }) | None => None,
        });
        let outcome = match (defects.is_empty(), canaries.is_empty()) {
            (false, false) => Outcome::of_all(
                of_defects
                    .chain(canaries.iter().map(CanaryResult::outcome))
                    .chain(healthy.map(|baseline| baseline.outcome))
                    .chain(simulated),
            ),
            // Without a canary nobody knows whether the alarm works.
            _ => Outcome::Unknown,
        };
        Self {
            schema_version: SCHEMA_VERSION,
            program_version: SmolStr::new_static(env!("CARGO_PKG_VERSION")),
            seed,
            command,
            outcome,
            summary,
            baselines,
            defects,
            canaries,
        }
    }

    /// Returns the exit code of a program that ends with this result.
    pub const fn exit_code(&self) -> u8 {
        match self.outcome {
            Outcome::Pass => exit_code::PASS,
            Outcome::Fail => exit_code::DIFFERENCES,
            Outcome::Unknown => exit_code::INCONCLUSIVE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defect::{Finding, canary};
    use crate::diff::{Difference, DifferenceKind, Orientation, Subject};
    use crate::provision::hooks::Hooks;
    use crate::result::{Cause, CheckResult, Compared, Differences};

    const DEFECT: Defect = Defect {
        id: "d",
        class: Class::Payload,
        what: "It is wrong.",
        why: "It happens.",
        has_shipped: false,
        scenario: "s",
        finding: Finding::property("model-vs-projected", "Sentence", "text"),
        hooks: Hooks::default,
    };

    /// A scenario with one check that found these.
    fn found(id: &str, kinds: Vec<DifferenceKind>) -> ScenarioResult {
        let mut differences = Differences::default();
        differences.extend(
            kinds.into_iter().map(|kind| Difference::new(Subject::Node("Sentence".into()), "#1", None, kind)),
        );
        let compared = Compared { figures: 1, ..Compared::default() };
        let check = CheckResult::concluded(id, Orientation::new("model", "projected"), compared, differences);
        ScenarioResult::concluded("s", vec![check])
    }

    fn differs(property: &str) -> DifferenceKind {
        DifferenceKind::PropertyDiffers { property: property.into(), left: None, right: None }
    }

    #[test]
    fn only_the_named_property_of_the_named_check_counts_as_caught() {
        let caught = |with: &ScenarioResult| Caught::of(&DEFECT, Outcome::Pass, with);
        assert_eq!(
            caught(&found("model-vs-projected", vec![differs("speaker"), differs("text")])),
            Caught::ByName
        );
        assert_eq!(caught(&found("model-vs-projected", vec![differs("speaker")])), Caught::Otherwise);
        assert_eq!(caught(&found("model-vs-direct", vec![differs("text")])), Caught::Otherwise);
        assert_eq!(
            caught(&found("model-vs-projected", vec![DifferenceKind::MissingRight])),
            Caught::Otherwise
        );
        assert_eq!(caught(&found("model-vs-projected", vec![])), Caught::Not);
    }

    #[test]
    fn where_the_scenario_is_not_green_without_the_defect_nothing_can_be_said() {
        let with = found("model-vs-projected", vec![differs("text")]);
        for without in [Outcome::Fail, Outcome::Unknown] {
            assert_eq!(Caught::of(&DEFECT, without, &with), Caught::Unknown);
        }
        let stopped = ScenarioResult::stopped("s", Cause::EngineFailed, "gone", vec![]);
        assert_eq!(Caught::of(&DEFECT, Outcome::Pass, &stopped), Caught::Unknown);
    }

    fn defect(caught: Caught) -> DefectResult {
        let green = found("model-vs-projected", vec![]);
        DefectResult { caught, ..DefectResult::of(&DEFECT, 1, &Baseline::of(1, &green), &green) }
    }

    fn canary(caught: Caught) -> CanaryResult {
        CanaryResult { id: "c", what: "Nothing.", expected: Caught::Not, caught }
    }

    fn outcome(defects: Vec<DefectResult>, canaries: Vec<CanaryResult>) -> (Outcome, u8) {
        let result = DrillResult::concluded(1, "cutover drill".to_owned(), vec![], defects, canaries);
        (result.outcome, result.exit_code())
    }

    #[test]
    fn one_defect_that_is_not_caught_by_its_name_fails_the_drill() {
        let with = |caught| outcome(vec![defect(Caught::ByName), defect(caught)], vec![canary(Caught::Not)]);
        assert_eq!(with(Caught::ByName), (Outcome::Pass, exit_code::PASS));
        assert_eq!(with(Caught::Otherwise), (Outcome::Fail, exit_code::DIFFERENCES));
        assert_eq!(with(Caught::Not), (Outcome::Fail, exit_code::DIFFERENCES));
        assert_eq!(with(Caught::Unknown), (Outcome::Unknown, exit_code::INCONCLUSIVE));
    }

    #[test]
    fn a_canary_that_is_reported_as_caught_fails_the_drill() {
        let with = |caught| outcome(vec![defect(Caught::ByName)], vec![canary(caught)]).0;
        assert_eq!(with(Caught::Not), Outcome::Pass);
        assert_eq!(with(Caught::ByName), Outcome::Fail);
        assert_eq!(with(Caught::Otherwise), Outcome::Fail);
        assert_eq!(with(Caught::Unknown), Outcome::Unknown);
    }

    #[test]
    fn a_scenario_that_fails_without_a_defect_fails_the_drill() {
        let red = Baseline::of(1, &found("model-vs-projected", vec![differs("text")]));
        let (defects, canaries) = (vec![defect(Caught::ByName)], vec![canary(Caught::Not)]);
        let result = DrillResult::concluded(1, String::new(), vec![red], defects, canaries);
        assert_eq!(result.outcome, Outcome::Fail);
    }

    #[test]
    fn the_first_try_that_says_something_counts_unless_a_later_one_caught_it_by_name() {
        let after = |first, later| defect(first).or(DefectResult { seeds: 2, ..defect(later) });
        assert_eq!(after(Caught::Not, Caught::ByName).caught, Caught::ByName);
        assert_eq!(after(Caught::Not, Caught::Otherwise).caught, Caught::Not);
        assert_eq!(after(Caught::Unknown, Caught::Not).caught, Caught::Not);
        assert_eq!(after(Caught::Unknown, Caught::Unknown).seeds, 2);
    }

    #[test]
    fn what_the_simulation_misses_fails_the_drill() {
        let with = |simulated| {
            let defect = DefectResult { simulation: Some(simulated), ..defect(Caught::ByName) };
            let canaries = vec![canary(Caught::Not)];
            DrillResult::concluded(1, String::new(), vec![], vec![defect], canaries)
        };
        let caught = |seeds| Simulated::Caught { seeds, by: String::new(), detail: String::new() };
        assert_eq!(with(caught(3)).outcome, Outcome::Pass);
        assert_eq!(with(Simulated::Uncaught { seeds: 200 }).outcome, Outcome::Fail);
        assert_eq!(with(caught(3)).summary.simulation.map(|sum| sum.worst_seeds), Some(3));
    }

    #[test]
    fn a_drill_of_nothing_or_without_a_canary_says_nothing() {
        assert_eq!(outcome(vec![], vec![canary(Caught::Not)]).0, Outcome::Unknown);
        assert_eq!(outcome(vec![defect(Caught::ByName)], vec![]).0, Outcome::Unknown);
    }

    #[test]
    fn every_canary_expects_something_that_is_not_caught_by_name() {
        assert!(canary::ALL.iter().all(|canary| canary.expected != Caught::ByName));
    }
}
