//! The simulation of the flag: it repeats, it is quiet about healthy code, and it goes red for code that is not.

use cutover_core::graph::ChangeSet;
use cutover_engines::graph::ApplyError;
use cutover_service::switch::fence;

use super::*;
use crate::provision::hooks::GraphHook;
use crate::seed::Seed;
use crate::simulation::testing::{
    campaign, leaves_one_trace, none_has_failed, repeats_on_any_number_of_threads,
};
use crate::simulation::{Schedule as _, shrink};

#[test]
fn healthy_code_throws_the_flag_there_and_back_whatever_happens() {
    let outcome = campaign::<Plan>(20, 2, &Hooks::default);
    none_has_failed(&outcome, 20);
    assert!(outcome.work.throws >= 2 * 20, "{} throws", outcome.work.throws);
    assert!(outcome.compared > 20 * 20, "{} elements compared", outcome.compared);
}

#[test]
fn people_who_write_one_interview_leave_both_paths_alike() {
    let shared = (7_301..).map(|seed| Plan::draw(Seed::new(seed))).filter(|plan| plan.guests > 0);
    for plan in shared.take(6) {
        let report = plan.run(&Hooks::default(), false).expect("a runtime");
        assert_eq!(report.violation, None, "{plan}, seed {}", plan.seed);
        assert!(report.compared > 0, "{plan}");
    }
}

#[test]
fn a_campaign_repeats_whatever_the_number_of_threads() {
    repeats_on_any_number_of_threads::<Plan>(6);
}

#[test]
fn the_same_seed_leaves_the_same_trace_with_lines_and_without() {
    let with = leaves_one_trace(&Plan::draw(Seed::new(3)));
    assert!(with.lines.len() > 50, "{} lines", with.lines.len());
}

#[test]
fn a_seed_decides_all_of_a_schedule_however_often_it_is_run() {
    for seed in 7_301..7_307 {
        let plan = Plan::draw(Seed::new(seed));
        let hash = || plan.run(&Hooks::default(), false).expect("a runtime").hash;
        let first = hash();
        (0..5).for_each(|_| assert_eq!(hash(), first, "seed {seed}"));
    }
}

/// Lets every direct write through, whoever has closed the turnstile meanwhile.
struct NoTurnstile;

impl GraphHook for NoTurnstile {
    fn apply(&self, mut batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        let turnstile = fence::turnstile();
        batch.retain(|set| !turnstile.is_passed_by(set));
        Ok(batch)
    }
}

#[test]
fn without_a_turnstile_somebody_writes_late_and_the_failure_shrinks() {
    let hooks = || Hooks::default().with_graph("direct", NoTurnstile);
    let outcome = campaign::<Plan>(40, 2, &hooks);
    let failure = outcome.failures.first().expect("one that fails");
    let shrunk = shrink(&Plan::draw(failure.seed), &hooks).expect("a runtime").expect("it fails again");
    assert_eq!(shrunk.report.violation.as_ref().map(Violation::name), Some(failure.violation.name()));
    assert_eq!(shrunk.plan.flips, 1, "{}", shrunk.plan);
    assert!(shrunk.plan.faults.len() <= 1, "{}", shrunk.plan);
}
