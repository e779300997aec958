//! The result of a run: one serialisable value, from which the verdict is read and every report is rendered.
//!
//! The main type is [`RunResult`]. Every outcome has three values ([`Outcome`]): what did not run, timed out or compared
//! nothing is unknown, never green. Judging is left to [`crate::gate`], formatting to the reports.

use std::collections::BTreeMap;
use std::fmt;

use cutover_core::projector::Metrics;
use cutover_core::timestamp::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::crash::Crashes;
use crate::diff::{Difference, Digests, Neighbourhood, Orientation, Subject};
use crate::gate::Judgement;

/// The version of the JSON form of [`RunResult`]. Raised when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// How many differences of one kind and subject are kept in the result of a check; all of them are counted.
pub const DIFFERENCES_KEPT: u64 = 50;

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was checked, and it is as it should be.
    Pass,
    /// It could not be told.
    Unknown,
    /// It was checked, and it is not as it should be.
    Fail,
}

impl Outcome {
    /// Returns the name, as the JSON result has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }

    /// Returns what several outcomes come to: one failure fails all, one unknown leaves all unknown, and none at all are
    /// unknown too.
    pub fn of_all(outcomes: impl IntoIterator<Item = Self>) -> Self {
        outcomes.into_iter().max().unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// There was nothing to compare, or the policy hid it all.
    NothingCompared,
    /// It was not run.
    NotRun,
    /// It did not finish in its time.
    TimedOut,
    /// An engine could not be started or reached in the first place.
    EnvironmentNotReady,
    /// An engine refused, or went away in the middle.
    EngineFailed,
    /// A fault that it asks for never struck, so that it has not shown what it is to show.
    FaultNeverStruck,
    /// What differed did not come to rest, so that it may be a difference or not.
    KeptChanging,
    /// A part of it is missing, so that the whole cannot be told.
    Incomplete,
    /// Somebody stopped it.
    Interrupted,
}

impl Cause {
    /// Returns what to tell a person.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NothingCompared => "nothing was compared",
            Self::NotRun => "it was not run",
            Self::TimedOut => "it timed out",
            Self::EnvironmentNotReady => "the environment is not ready",
            Self::EngineFailed => "an engine failed",
            Self::FaultNeverStruck => "a fault never struck",
            Self::KeptChanging => "it kept changing",
            Self::Incomplete => "a part of it is missing",
            Self::Interrupted => "it was interrupted",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How often elements of one label or type were compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// How many the left side has, those that the policy hides left out.
    pub left: u64,
    /// How many the right side has, those that the policy hides left out.
    pub right: u64,
    /// How many were found on both sides and compared with each other.
    pub both: u64,
}

impl Tally {
    /// Adds another tally to this one.
    pub fn add(&mut self, other: Self) {
        self.left += other.left;
        self.right += other.right;
        self.both += other.both;
    }
}

/// The denominator: how much a check compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// Nodes by label.
    pub nodes: BTreeMap<SmolStr, Tally>,
    /// Relationships by type.
    pub relationships: BTreeMap<SmolStr, Tally>,
    /// Properties of elements that are on both sides.
    pub properties: u64,
    /// Single figures.
    pub figures: u64,
    /// How many of these elements were found to be the same by their digests.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub by_digest: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Compared {
    /// Returns the tally of a label or a relationship type; figures have none.
    pub fn tally_mut(&mut self, subject: &Subject) -> Option<&mut Tally> {
        match subject {
            Subject::Node(label) => Some(entry(&mut self.nodes, label)),
            Subject::Relationship(rel) => Some(entry(&mut self.relationships, rel)),
            Subject::Figure(_) => None,
        }
    }

    /// Returns how many nodes, relationships and figures were looked at on both sides and compared.
    pub fn total(&self) -> u64 {
        let elements = self.nodes.values().chain(self.relationships.values());
        elements.map(|tally| tally.both).sum::<u64>() + self.figures
    }

    /// Returns how many nodes there were, on the left and on the right.
    pub fn node_totals(&self) -> (u64, u64) {
        totals(&self.nodes)
    }

    /// Returns how many relationships there were, on the left and on the right.
    pub fn relationship_totals(&self) -> (u64, u64) {
        totals(&self.relationships)
    }

    /// Adds what another part of the same check compared.
    pub fn add(&mut self, other: &Self) {
        for (label, tally) in &other.nodes {
            entry(&mut self.nodes, label).add(*tally);
        }
        for (rel, tally) in &other.relationships {
            entry(&mut self.relationships, rel).add(*tally);
        }
        self.properties += other.properties;
        self.figures += other.figures;
        self.by_digest += other.by_digest;
    }
}

fn entry<'a>(tallies: &'a mut BTreeMap<SmolStr, Tally>, name: &SmolStr) -> &'a mut Tally {
    if !tallies.contains_key(name) {
        tallies.insert(name.clone(), Tally::default());
    }
    tallies.get_mut(name).expect("it was just put there")
}

fn totals(tallies: &BTreeMap<SmolStr, Tally>) -> (u64, u64) {
    tallies.values().fold((0, 0), |(left, right), tally| (left + tally.left, right + tally.right))
}

/// What differed: all of it counted, the first ones of each kind kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Differences {
    /// How many there are.
    pub total: u64,
    /// How many by label, relationship type or figure.
    pub by_subject: BTreeMap<SmolStr, u64>,
    /// How many by kind.
    pub by_kind: BTreeMap<SmolStr, u64>,
    /// How many of each kind, by label, relationship type or figure.
    pub by_subject_and_kind: BTreeMap<SmolStr, BTreeMap<SmolStr, u64>>,
    /// The first ones of each kind and subject, in the order of the comparison.
    pub first: Vec<Difference>,
}

impl Differences {
    /// Counts a difference, and keeps it if it is among the first [`DIFFERENCES_KEPT`] of its kind and subject.
    pub fn push(&mut self, difference: Difference) {
        let (subject, kind) = (difference.subject.name().clone(), difference.kind.name());
        self.total += 1;
        *self.by_subject.entry(subject.clone()).or_default() += 1;
        *self.by_kind.entry(SmolStr::new_static(kind)).or_default() += 1;
        let of_subject = self.by_subject_and_kind.entry(subject).or_default();
        let of_a_kind = of_subject.entry(SmolStr::new_static(kind)).or_default();
        *of_a_kind += 1;
        if *of_a_kind <= DIFFERENCES_KEPT {
            self.first.push(difference);
        }
    }

    /// Adds what was found elsewhere: all of it counted, the first ones of each kind kept.
    pub fn merge(&mut self, others: Self) {
        self.total += others.total;
        for (own, others) in [(&mut self.by_subject, others.by_subject), (&mut self.by_kind, others.by_kind)]
        {
            for (name, count) in others {
                *own.entry(name).or_default() += count;
            }
        }
        for (subject, kinds) in others.by_subject_and_kind {
            let of_subject = self.by_subject_and_kind.entry(subject).or_default();
            for (kind, count) in kinds {
                *of_subject.entry(kind).or_default() += count;
            }
        }
        for difference in others.first {
            let is_like = |kept: &&Difference| {
                (&kept.subject, kept.kind.name()) == (&difference.subject, difference.kind.name())
            };
            if (self.first.iter().filter(is_like).count() as u64) < DIFFERENCES_KEPT {
                self.first.push(difference);
            }
        }
    }

    /// Returns how many there are of one kind and subject.
    pub fn count(&self, subject: &str, kind: &str) -> u64 {
        self.by_subject_and_kind.get(subject).and_then(|kinds| kinds.get(kind)).copied().unwrap_or(0)
    }

    /// Returns whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl Extend<Difference> for Differences {
    fn extend<I: IntoIterator<Item = Difference>>(&mut self, differences: I) {
        differences.into_iter().for_each(|difference| self.push(difference));
    }
}

/// How often a rule of the policy was applied: to a property, to an element or to a pair of values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleUse {
    /// The rule.
    pub rule: SmolStr,
    /// Why there is such a rule.
    pub reason: String,
    /// How often it was used.
    pub count: u64,
}

/// A difference that the policy accepts for a while, because somebody answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// Its name in the policy.
    pub id: SmolStr,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it is accepted, as `2026-12-31`.
    pub expires: SmolStr,
    /// Whether that day is past: then its findings count as differences again.
    pub has_expired: bool,
    /// How many findings it is.
    pub count: u64,
}

/// One thing that was compared with another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// Which check: `direct-vs-projected`, for instance. Unique within its scenario.
    pub id: SmolStr,
    /// What was compared with what.
    pub sides: Orientation,
    /// How it ended.
    pub outcome: Outcome,
    /// Why that is unknown, if it is.
    pub cause: Option<Cause>,
    /// How much was compared.
    pub compared: Compared,
    /// What differed.
    pub differences: Differences,
    /// What stands around the first differences of each kind, at most [`NEIGHBOURHOODS_KEPT`](crate::diff::NEIGHBOURHOODS_KEPT).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbourhoods: Vec<Neighbourhood>,
    /// The rules of the policy that were used.
    pub rules: Vec<RuleUse>,
    /// What each side comes to in a digest, where somebody asked for it and both were read to their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<Digests>,
    /// The differences that were found and are accepted, or were until now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Accepted>,
    /// What went wrong while comparing, with its causes, in one line.
    pub error: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
}

impl CheckResult {
    /// Concludes a check that ran to its end: it fails on a difference, and is unknown if nothing was compared.
    pub fn concluded(
        id: impl Into<SmolStr>,
        sides: Orientation,
        compared: Compared,
        differences: Differences,
    ) -> Self {
        let (outcome, cause) = match (differences.is_empty(), compared.total()) {
            (false, _) => (Outcome::Fail, None),
            (true, 0) => (Outcome::Unknown, Some(Cause::NothingCompared)),
            (true, _) => (Outcome::Pass, None),
        };
        let id = id.into();
        Self {
            id,
            sides,
            outcome,
            cause,
            compared,
            differences,
            neighbourhoods: Vec::new(),
            rules: Vec::new(),
            digests: None,
            accepted: Vec::new(),
            error: None,
            duration_ms: 0,
        }
    }

    /// Records a check that did not come to its end, and had compared nothing by then.
    pub fn unknown(
        id: impl Into<SmolStr>,
        sides: Orientation,
        cause: Cause,
        error: impl Into<Option<String>>,
    ) -> Self {
        Self {
            id: id.into(),
            sides,
            outcome: Outcome::Unknown,
            cause: Some(cause),
            compared: Compared::default(),
            differences: Differences::default(),
            neighbourhoods: Vec::new(),
            rules: Vec::new(),
            digests: None,
            accepted: Vec::new(),
            error: error.into(),
            duration_ms: 0,
        }
    }

    /// Concludes a check of figures: `(name, expected, actual)` each.
    pub fn of_figures(
        id: impl Into<SmolStr>,
        figures: impl IntoIterator<Item = (SmolStr, cutover_core::graph::Value, cutover_core::graph::Value)>,
    ) -> Self {
        let mut compared = Compared::default();
        let mut differences = Differences::default();
        for (name, expected, actual) in figures {
            compared.figures += 1;
            if expected != actual {
                differences.push(Difference::figure(name, expected, actual));
            }
        }
        Self::concluded(id, Orientation::new("expected", "actual"), compared, differences)
    }
}

/// What the projector counted while it applied the events of a scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectorMetrics {
    /// Events whose changes were committed.
    pub processed: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Events that were parked.
    pub parked: u64,
    /// Events that the allowlist leaves out.
    pub skipped: u64,
    /// Deliveries of an event that had been applied before.
    pub duplicates: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Batches that a version guard refused.
    pub conflicts: u64,
    /// Writes that the graph refused or did not answer.
    pub graph_write_errors: u64,
    /// Half of the events were committed within this time from their delivery, in milliseconds.
    pub latency_p50_ms: f64,
    /// 95 of 100 events were committed within this time from their delivery, in milliseconds.
    pub latency_p95_ms: f64,
    /// 99 of 100 events were committed within this time from their delivery, in milliseconds.
    pub latency_p99_ms: f64,
    /// The events that wait, lane by lane, at the end.
    pub queue_depth: Vec<u64>,
    /// Events in the store that were not yet acknowledged at the end.
    pub lag: u64,
    /// How many events had been committed to the graph at which moment; thinned out evenly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub committed: Vec<Sample>,
}

/// How often a fault struck that a scenario asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultCount {
    /// The fault, in words.
    pub fault: SmolStr,
    /// How often.
    pub times: u64,
    /// When, in milliseconds from the beginning of the scenario; thinned out evenly where it struck very often.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_ms: Vec<u64>,
}

/// How much of something there was at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// The moment, in milliseconds from the beginning of the scenario.
    pub at_ms: u64,
    /// How many events by then.
    pub events: u64,
}

impl ProjectorMetrics {
    /// Adds what another projection counted; of latencies, the highest are kept, of what is left at the end, the last.
    pub fn add(&mut self, metrics: &Metrics) {
        let counters = &metrics.counters;
        self.processed += counters.processed;
        self.failed += counters.failed;
        self.parked += counters.parked;
        self.skipped += counters.skipped;
        self.duplicates += counters.duplicates;
        self.retries += counters.retries;
        self.conflicts += counters.conflicts;
        self.graph_write_errors += counters.graph_write_errors;
        self.queue_depth = metrics.queue_depth.iter().map(|&depth| depth as u64).collect();
        let latency = &metrics.latency;
        self.latency_p50_ms = self.latency_p50_ms.max(latency.p50_ms as f64);
        self.latency_p95_ms = self.latency_p95_ms.max(latency.p95_ms as f64);
        self.latency_p99_ms = self.latency_p99_ms.max(latency.p99_ms as f64);
        self.lag = metrics.lag_interview.unwrap_or(0) + metrics.lag_sentence.unwrap_or(0);
    }
}

impl From<&Metrics> for ProjectorMetrics {
    fn from(metrics: &Metrics) -> Self {
        let mut own = Self::default();
        own.add(metrics);
        own
    }
}

/// How long the parts of a scenario took, in milliseconds, in the order in which they ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepDuration {
    /// What was done.
    pub step: String,
    /// How long it took.
    pub duration_ms: u64,
    /// When it began, in milliseconds from the beginning of the scenario.
    #[serde(default)]
    pub began_ms: u64,
    /// How many events had been appended when it was over.
    #[serde(default)]
    pub events_appended: u64,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn sides() -> Orientation {
        Orientation::new("direct", "projected")
    }

    fn compared(figures: u64) -> Compared {
        Compared { figures, ..Compared::default() }
    }

    #[test]
    fn a_check_that_compared_nothing_is_unknown() {
        let check = CheckResult::concluded("c", sides(), compared(0), Differences::default());
        assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(Cause::NothingCompared)));
    }

    #[test]
    fn elements_of_one_side_alone_are_not_compared() {
        let mut compared = Compared::default();
        let subject = Subject::Node("Topic".into());
        compared.tally_mut(&subject).unwrap().add(Tally { left: 7, right: 0, both: 0 });
        let check = CheckResult::concluded("c", sides(), compared, Differences::default());
        assert_eq!(check.outcome, Outcome::Unknown);
    }

    #[test]
    fn a_difference_fails_a_check_even_if_nothing_else_was_compared() {
        let mut differences = Differences::default();
        differences.push(Difference::figure("parked", 0_i64, 1_i64));
        assert_eq!(CheckResult::concluded("c", sides(), compared(0), differences).outcome, Outcome::Fail);
    }

    #[test]
    fn a_scenario_without_checks_is_unknown() {
        assert_eq!(ScenarioResult::concluded("s", vec![]).outcome, Outcome::Unknown);
    }

    #[test]
    fn a_failed_check_fails_a_scenario_that_was_stopped_later() {
        let check = CheckResult::of_figures("c", [("parked".into(), 0_i64.into(), 1_i64.into())]);
        let scenario = ScenarioResult::stopped("s", Cause::TimedOut, "no end in 60 s", vec![check]);
        assert_eq!(scenario.outcome, Outcome::Fail);
    }

    #[test]
    fn one_unknown_check_leaves_a_scenario_unknown_however_many_pass() {
        let pass = CheckResult::concluded("a", sides(), compared(1), Differences::default());
        let unknown = CheckResult::unknown("b", sides(), Cause::EngineFailed, "refused".to_owned());
        let scenario = ScenarioResult::concluded("s", vec![pass, unknown]);
        assert_eq!(scenario.outcome, Outcome::Unknown);
        assert_eq!(scenario.reason.as_deref(), Some("b: an engine failed: refused"));
    }

    #[test]
    fn all_differences_are_counted_and_the_first_of_each_kind_are_kept() {
        let mut differences = Differences::default();
        differences.extend((0..250_i64).map(|n| Difference::figure("lag", 0_i64, n)));
        differences.push(Difference::figure("parked events", 0_i64, 1_i64));
        assert_eq!((differences.total, differences.first.len() as u64), (251, DIFFERENCES_KEPT + 1));
        assert_eq!((differences.by_subject["lag"], differences.count("lag", "figure")), (250, 250));
        assert_eq!(differences.count("lag", "orphan"), 0);
    }
}
