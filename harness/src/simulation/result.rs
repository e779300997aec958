//! The result of a campaign: one serialisable value, judged here, rendered elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::campaign::{Failure, Outcome as Sum};
use super::fault::Subject;
use super::shrink::Shrunk;
use crate::exit_code;
use crate::result::{Cause, Outcome};

/// The version of the JSON form. Raised when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// How many lines of a shortened trace are kept.
pub const TRACE_LINES_MAX: usize = 60;

/// What a campaign came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignResult {
    /// The version of this form.
    pub schema_version: u32,
    /// The version of the program.
    pub program_version: String,
    /// What was simulated.
    pub subject: Subject,
    /// The first seed.
    pub seed: u64,
    /// How many schedules were asked for.
    pub asked: u64,
    /// How many were run.
    pub schedules: u64,
    /// How many events were written.
    pub events: u64,
    /// How many deliveries were taken in.
    pub deliveries: u64,
    /// How many batches were committed.
    pub batches: u64,
    /// How many events were parked.
    pub parked: u64,
    /// How many steps were taken, or calls made.
    pub steps: u64,
    /// How often the flag was thrown.
    pub throws: u64,
    /// How often a throw of the flag was given up.
    pub given_up: u64,
    /// How many elements were compared at the end of the schedules.
    pub compared: u64,
    /// How often each kind of fault was met.
    pub faults: BTreeMap<String, u64>,
    /// How many schedules failed.
    pub failed: u64,
    /// The first of them.
    pub failures: Vec<FailedSchedule>,
    /// All traces as one hash: equal for two runs of the same seeds.
    pub hash: String,
    /// How it ended: unknown when a kind of fault was never met, or not everything was run.
    pub outcome: Outcome,
    /// Why it was cut off, if it was.
    pub cause: Option<Cause>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The command that repeats it.
    pub command: String,
}

/// A schedule that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedSchedule {
    /// Its seed.
    pub seed: u64,
    /// The name of what does not hold.
    pub invariant: String,
    /// What does not hold.
    pub detail: String,
    /// What the seed drew.
    pub plan: String,
    /// The hash of its trace.
    pub hash: String,
    /// The command that repeats it.
    pub command: String,
    /// The same failure, made small; for the first one only.
    pub shrunk: Option<ShrunkSchedule>,
}

/// A failure that was made small.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShrunkSchedule {
    /// What does not hold.
    pub detail: String,
    /// What is left of the plan.
    pub plan: String,
    /// How many events are left.
    pub events: u64,
    /// How many schedules were run to find it.
    pub tried: u32,
    /// How many lines the trace has.
    pub lines: usize,
    /// The last of those lines that are about the aggregate of the finding, or about all.
    pub trace: Vec<String>,
}

impl CampaignResult {
    /// Concludes a campaign that began at `seed` and was to have `asked` schedules.
    pub fn new(
        subject: Subject,
        seed: u64,
        asked: u64,
        sum: &Sum,
        cause: Option<Cause>,
        duration_ms: u64,
    ) -> Self {
        let met = subject.faults().iter().map(|&fault| (fault.to_string(), sum.fired.of(fault)));
        let faults: BTreeMap<String, u64> = met.collect();
        let outcome = match (sum.failed, faults.values().all(|&count| count > 0)) {
            (1.., _) => Outcome::Fail,
            (0, true) if sum.schedules == asked => Outcome::Pass,
            _ => Outcome::Unknown,
        };
        Self {
            schema_version: SCHEMA_VERSION,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            subject,
            seed,
            asked,
            schedules: sum.schedules,
            events: sum.events,
            deliveries: sum.work.deliveries,
            batches: sum.work.batches,
            parked: sum.work.parked,
            steps: sum.work.steps,
            throws: sum.work.throws,
            given_up: sum.work.given_up,
            compared: sum.compared,
            faults,
            failed: sum.failed,
            failures: sum.failures.iter().map(|failure| FailedSchedule::new(subject, failure)).collect(),
            hash: format!("{:016x}", sum.hash),
            outcome,
            cause,
            duration_ms,
            command: command(subject, seed, asked),
        }
    }

    /// Returns the kinds of faults that no schedule met.
    pub fn not_met(&self) -> Vec<&str> {
        self.faults.iter().filter(|(_, count)| **count == 0).map(|(fault, _)| fault.as_str()).collect()
    }

    /// Returns the exit code of a campaign that ended so.
    pub fn exit_code(&self) -> u8 {
        match (self.outcome, self.cause) {
            (Outcome::Pass, _) => exit_code::PASS,
            (Outcome::Fail, _) => exit_code::DIFFERENCES,
            (Outcome::Unknown, Some(Cause::TimedOut)) => exit_code::TIMED_OUT,
            (Outcome::Unknown, _) => exit_code::INCONCLUSIVE,
        }
    }
}

/// Returns the command that repeats schedules.
fn command(subject: Subject, seed: u64, schedules: u64) -> String {
    match subject {
        Subject::Projection => format!("cutover simulate --seed {seed} --schedules {schedules}"),
        subject => format!("cutover simulate {} --seed {seed} --schedules {schedules}", subject.as_str()),
    }
}

impl FailedSchedule {
    fn new(subject: Subject, failure: &Failure) -> Self {
        Self {
            seed: failure.seed.number(),
            invariant: failure.violation.name().to_owned(),
            detail: failure.violation.to_string(),
            plan: failure.plan.clone(),
            hash: failure.hash.to_string(),
            command: command(subject, failure.seed.number(), 1),
            shrunk: None,
        }
    }
}

impl ShrunkSchedule {
    /// Takes what a reader needs of a failure that was made small.
    pub fn new(shrunk: &Shrunk<impl std::fmt::Display>) -> Self {
        let report = &shrunk.report;
        let subject = report.violation.as_ref().and_then(|violation| violation.aggregate());
        let is_told =
            |about: &[_]| subject.is_none_or(|subject| about.is_empty() || about.contains(&subject));
        let told: Vec<String> = report
            .lines
            .iter()
            .filter(|line| line.text != "time passes" && is_told(&line.about))
            .map(ToString::to_string)
            .collect();
        Self {
            detail: report.violation.as_ref().map(ToString::to_string).unwrap_or_default(),
            plan: shrunk.plan.to_string(),
            events: report.events,
            tried: shrunk.tried,
            lines: report.lines.len(),
            trace: told[told.len().saturating_sub(TRACE_LINES_MAX)..].to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::simulation::{Fault, Violation};

    fn concluded(asked: u64, sum: &Sum) -> CampaignResult {
        CampaignResult::new(Subject::Projection, 1, asked, sum, None, 0)
    }

    fn sum_that_met(faults: &[Fault]) -> Sum {
        let mut sum = Sum { schedules: 2, ..Sum::default() };
        faults.iter().for_each(|&fault| sum.fired.count(fault));
        sum
    }

    #[test]
    fn a_campaign_that_met_every_fault_and_found_nothing_passes() {
        let result = concluded(2, &sum_that_met(Fault::ALL));
        assert_eq!((result.outcome, result.exit_code()), (Outcome::Pass, exit_code::PASS));
    }

    #[test]
    fn a_fault_that_was_never_met_leaves_it_unknown() {
        let result = concluded(2, &sum_that_met(&Fault::ALL[1..]));
        assert_eq!((result.outcome, result.exit_code()), (Outcome::Unknown, exit_code::INCONCLUSIVE));
        assert_eq!(result.not_met(), [Fault::ALL[0].as_str()]);
    }

    #[test]
    fn a_subject_has_faults_of_its_own() {
        let result = CampaignResult::new(Subject::Flag, 1, 2, &sum_that_met(Subject::Flag.faults()), None, 0);
        assert_eq!((result.outcome, result.not_met()), (Outcome::Pass, vec![]));
        assert_eq!(result.command, "cutover simulate flag --seed 1 --schedules 2");
        let of_the_other = sum_that_met(Subject::Projection.faults());
        let result = CampaignResult::new(Subject::Flag, 1, 2, &of_the_other, None, 0);
        assert_eq!(result.outcome, Outcome::Unknown);
    }

    #[test]
    fn a_campaign_that_was_cut_off_is_unknown() {
        let result = CampaignResult::new(
            Subject::Projection,
            1,
            3,
            &sum_that_met(Fault::ALL),
            Some(Cause::TimedOut),
            0,
        );
        assert_eq!((result.outcome, result.exit_code()), (Outcome::Unknown, exit_code::TIMED_OUT));
    }

    #[test]
    fn one_failure_fails_it_and_says_how_to_repeat_it() {
        let mut sum = sum_that_met(Fault::ALL);
        sum.failed = 1;
        let violation = Violation::BreakerStaysOpen;
        let plan = "drawn".to_owned();
        sum.failures.push(Failure { seed: Seed::new(9), plan, violation, hash: Default::default() });
        let result = concluded(2, &sum);
        assert_eq!((result.outcome, result.exit_code()), (Outcome::Fail, exit_code::DIFFERENCES));
        assert_eq!(result.failures[0].command, "cutover simulate --seed 9 --schedules 1");
    }
}
