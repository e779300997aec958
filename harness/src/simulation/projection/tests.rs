//! The simulation itself: it repeats, it is quiet about healthy code, and it goes red for code that is not.

use cutover_core::graph::ChangeSet;
use cutover_core::limits::Limits;
use cutover_engines::event_log::{Delivered, GroupId};
use cutover_engines::graph::ApplyError;
use uuid::Uuid;

use super::*;
use crate::provision::hooks::{Answer, GraphHook, LogHook};
use crate::seed::Seed;
use crate::simulation::testing::{
    campaign, leaves_one_trace, none_has_failed, repeats_on_any_number_of_threads,
};
use crate::simulation::{Schedule as _, shrink};

#[test]
fn healthy_code_comes_through_whatever_happens() {
    let outcome = campaign::<Plan>(40, 2, &Hooks::default);
    none_has_failed(&outcome, 40);
    assert!(outcome.events >= 40 * EVENTS_MIN as u64, "{} events", outcome.events);
    assert!(outcome.compared > 40 * 100, "{} elements compared", outcome.compared);
}

#[test]
fn a_campaign_repeats_whatever_the_number_of_threads() {
    repeats_on_any_number_of_threads::<Plan>(12);
}

#[test]
fn the_same_seed_leaves_the_same_trace_with_lines_and_without() {
    let with = leaves_one_trace(&Plan::draw(Seed::new(3)));
    assert!(with.lines.len() > 200, "{} lines", with.lines.len());
    let other = Plan::draw(Seed::new(4)).run(&Hooks::default(), false).expect("a runtime");
    assert_ne!(with.hash, other.hash);
}

/// Acknowledges everything before anybody has seen it.
struct AcknowledgedOnArrival;

impl LogHook for AcknowledgedOnArrival {
    fn answer_at_once(&self, _group: &GroupId, delivered: &[Delivered]) -> Vec<(Uuid, Answer)> {
        delivered.iter().map(|delivery| (delivery.ack_id, Answer::Acknowledge)).collect()
    }
}

#[test]
fn an_acknowledgement_before_the_commit_is_seen_at_once() {
    let outcome = campaign::<Plan>(3, 1, &|| Hooks::default().with_log(AcknowledgedOnArrival));
    assert_eq!(outcome.failed, 3);
    assert!(outcome.failures.iter().all(|failure| failure.violation.name() == "acknowledged-too-early"));
}

/// Writes without guards.
struct Unguarded;

impl GraphHook for Unguarded {
    fn apply(&self, mut batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        batch.iter_mut().for_each(|set| set.guard = None);
        Ok(batch)
    }
}

#[test]
fn without_guards_something_is_applied_twice() {
    let outcome = campaign::<Plan>(8, 2, &|| Hooks::default().with_graph("projected", Unguarded));
    let names: Vec<&str> = outcome.failures.iter().map(|failure| failure.violation.name()).collect();
    assert!(names.contains(&"applied-out-of-turn"), "{} of 8 failed: {names:?}", outcome.failed);
}

#[test]
fn a_failure_shrinks_to_less_and_still_fails_in_the_same_way() {
    let hooks = || Hooks::default().with_log(AcknowledgedOnArrival);
    let plan = Plan { limits: vec![Limits::default(); 3], ..Plan::draw(Seed::new(7_301)) };
    let shrunk = shrink(&plan, &hooks).expect("a runtime").expect("it fails");
    let again = shrink(&plan, &hooks).expect("a runtime").expect("it fails again");
    assert_eq!(shrunk.report.violation.as_ref().map(Violation::name), Some("acknowledged-too-early"));
    assert_eq!(shrunk.plan.faults, [], "no fault is needed");
    assert_eq!(shrunk.plan.limits.len(), 1, "and one project is enough");
    assert!(shrunk.report.events < 20, "{} events", shrunk.report.events);
    assert_eq!((shrunk.plan, shrunk.report.hash), (again.plan, again.report.hash));
}

#[test]
fn what_does_not_fail_does_not_shrink() {
    assert!(shrink(&Plan::draw(Seed::new(7_301)), &Hooks::default).expect("a runtime").is_none());
}
