//! What checks and scenarios come to.

use super::*;
use crate::diff::{Difference, Orientation, Subject};

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
