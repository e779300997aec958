//! The result for CI systems, as JUnit XML: a suite for each scenario, a case for each check, each difference that is accepted and
//! each fault, and one for the scenario's own end.
//!
//! Most CI systems take a skipped case for none at all, so what is unknown is an error: it shows as not passed, and is told from
//! a failure.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::summary::{self, AcceptedIn};
use crate::gate::Reason;
use crate::result::{Cause, CheckResult, FaultCount, Outcome, RunResult, ScenarioResult, counted};
use crate::run_folder::RESULT_FILE;

/// How many findings a case tells in words; the others are in the result.
const FINDINGS_MAX: usize = 30;

/// Renders a result as JUnit XML.
pub fn to_junit(result: &RunResult) -> String {
    let mut report = Report::new("cutover");
    report.set_time(Duration::from_millis(result.duration_ms));
    for scenario in &result.scenarios {
        report.add_test_suite(suite(result, scenario));
    }
    let of_all: Vec<&Reason> =
        result.verdict.reasons.iter().filter(|reason| reason.scenario.is_none()).collect();
    if !of_all.is_empty() {
        let mut suite = TestSuite::new("run");
        for reason in of_all {
            let status = status_of(reason.outcome, reason.cause, &reason.detail, String::new());
            suite.add_test_case(TestCase::new("verdict", status));
        }
        report.add_test_suite(suite);
    }
    report.to_string().expect("what has no control characters is XML")
}

fn suite(result: &RunResult, scenario: &ScenarioResult) -> TestSuite {
    let mut suite = TestSuite::new(scenario.name.as_str());
    suite.set_time(Duration::from_millis(scenario.duration_ms));
    suite.add_properties([
        ("seed", result.seed.to_string().as_str()),
        ("engines", &result.engines),
        ("version", &result.program_version),
        ("started-at", &result.started_at.to_string()),
        ("reproduce", &result.command),
    ]);
    for check in &scenario.checks {
        suite.add_test_case(named(
            scenario,
            &check.id,
            check_status(result, scenario, check),
            check.duration_ms,
        ));
    }
    for accepted in scenario.checks.iter().flat_map(|check| summary::accepted_in(scenario, check)) {
        suite.add_test_case(accepted_case(result, scenario, &accepted));
    }
    for (number, fault) in scenario.faults.iter().enumerate() {
        // The same may be asked for several times, and some CI systems keep one case of a name.
        let before = scenario.faults[..number].iter().filter(|other| other.fault == fault.fault).count();
        let name = match before {
            0 => format!("fault: {}", fault.fault),
            before => format!("fault: {} #{}", fault.fault, before + 1),
        };
        suite.add_test_case(named(scenario, &name, fault_status(fault), 0));
    }
    let of_checks: u64 = scenario.checks.iter().map(|check| check.duration_ms).sum();
    let rest = scenario.duration_ms.saturating_sub(of_checks);
    suite.add_test_case(named(scenario, "runs to its end", end_status(result, scenario), rest));
    suite
}

fn named(scenario: &ScenarioResult, name: &str, status: TestCaseStatus, duration_ms: u64) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("cutover.{}", scenario.name)).set_time(Duration::from_millis(duration_ms));
    case
}

fn check_status(result: &RunResult, scenario: &ScenarioResult, check: &CheckResult) -> TestCaseStatus {
    let outcome = summary::of_check(result, scenario, check);
    let mut reasons = summary::reasons(result, scenario);
    let message = reasons.find(|reason| reason.check.as_ref() == Some(&check.id)).map_or_else(
        || check.cause.map_or("the outcome is not known", Cause::as_str),
        |reason| reason.detail.as_str(),
    );
    status_of(outcome, check.cause, message, findings(result, check))
}

/// What is accepted passes, and says who answers for it. When its day is past it is a failure, as its findings are again.
fn accepted_case(result: &RunResult, scenario: &ScenarioResult, one: &AcceptedIn<'_>) -> TestCase {
    let accepted = one.accepted;
    let (owner, reason) = (&accepted.owner, &accepted.reason);
    let told =
        format!("{}, {}: {reason}; {owner} answers for it", counted(accepted.count, "finding"), one.until(),);
    let status = match accepted.has_expired {
        true => status_of(Outcome::Fail, None, &told, reproduce(result)),
        false => TestCaseStatus::success(),
    };
    let mut case = named(scenario, &format!("{}, accepted: {}", one.check, accepted.id), status, 0);
    case.set_system_out(format!("{told}\n"));
    case
}

/// A fault that never struck has shown nothing.
fn fault_status(fault: &FaultCount) -> TestCaseStatus {
    if fault.times > 0 {
        TestCaseStatus::success()
    } else {
        let cause = Cause::FaultNeverStruck;
        status_of(Outcome::Unknown, Some(cause), cause.as_str(), String::new())
    }
}

/// What stopped a scenario, or was left over of it when its checks had been told.
fn end_status(result: &RunResult, scenario: &ScenarioResult) -> TestCaseStatus {
    match summary::reasons(result, scenario).find(|reason| reason.check.is_none()) {
        Some(reason) => status_of(reason.outcome, reason.cause, &reason.detail, reproduce(result)),
        // Its cause is that of a check unless it was stopped.
        None if scenario.cause.is_some() && scenario.checks.iter().all(|check| check.cause.is_none()) => {
            let message = scenario.reason.clone().unwrap_or_default();
            status_of(Outcome::Unknown, scenario.cause, &message, reproduce(result))
        }
        None => TestCaseStatus::success(),
    }
}

fn status_of(outcome: Outcome, cause: Option<Cause>, message: &str, description: String) -> TestCaseStatus {
    let kind = match outcome {
        Outcome::Pass => return TestCaseStatus::success(),
        Outcome::Unknown => NonSuccessKind::Error,
        Outcome::Fail => NonSuccessKind::Failure,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message).set_type(match (outcome, cause) {
        (Outcome::Unknown, Some(cause)) => format!("unknown: {cause}"),
        (Outcome::Unknown, None) => "unknown".to_owned(),
        _ => "differences".to_owned(),
    });
    if !description.is_empty() {
        status.set_description(description);
    }
    status
}

fn findings(result: &RunResult, check: &CheckResult) -> String {
    let shown = check.differences.first.iter().take(FINDINGS_MAX);
    let mut text: String = shown.map(|found| format!("{}\n", found.in_words_of(&check.sides))).collect();
    let more = check.differences.total.saturating_sub(FINDINGS_MAX as u64);
    if more > 0 {
        text += &format!("… and {more} more, see {RESULT_FILE}\n");
    }
    if let Some(error) = &check.error {
        text += &format!("{error}\n");
    }
    text += &format!("{} compared\n", counted(check.compared.total(), check.compared.noun()));
    text + &reproduce(result)
}

fn reproduce(result: &RunResult) -> String {
    format!("reproduce: {}\n", result.command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Judgement;
    use crate::testing;

    #[test]
    fn a_result_reads_like_this_as_junit() {
        testing::check("report", "junit", &to_junit(&testing::run_result()));
    }

    /// Returns how many cases there are, and how many of them did not pass.
    fn cases(xml: &str) -> (usize, usize) {
        let report = Report::deserialize_from_str(xml).expect("JUnit XML");
        (report.tests, report.failures + report.errors)
    }

    #[test]
    fn what_is_unknown_does_not_pass() {
        let mut result = testing::run_result();
        result.scenarios.drain(..1);
        result.scenarios[0].faults[0].times = 0;
        result.verdict = Judgement::of(&result.scenarios);
        let (total, bad) = cases(&to_junit(&result));
        assert_eq!(
            (total, bad),
            (4, 2),
            "a fault that never struck, and the end of a scenario that was stopped"
        );
    }

    #[test]
    fn a_run_of_nothing_does_not_pass() {
        let mut result = testing::run_result();
        result.scenarios.clear();
        result.verdict = Judgement::of(&result.scenarios);
        assert_eq!(cases(&to_junit(&result)), (1, 1));
    }

    #[test]
    fn text_from_data_can_neither_break_the_file_nor_add_to_it() {
        let mut result = testing::run_result();
        result.scenarios[0].checks[1].error =
            Some("]]></error><testcase/>\u{0}\u{1b}[31m & \u{fffe}".to_owned());
        result.command = "cutover run \"a\" <b>".to_owned();
        result.verdict = Judgement::of(&result.scenarios);
        let plain = cases(&to_junit(&testing::run_result()));
        assert_eq!(cases(&to_junit(&result)), plain);
    }
}
