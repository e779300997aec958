//! Every operation of a scenario fails in turn, before its effect and after it: once, until the process is started again, or by the
//! death of the process. After each, both graphs and the model agree, nothing is parked, and the outbox is empty.

#![expect(clippy::print_stdout, reason = "how many points there were is what the test has to say")]

use std::path::Path;
use std::time::Duration;

use cutover_core::projector::Backoff;
use cutover_harness::defect::catalogue;
use cutover_harness::fault::points::{Enumerated, Enumeration, Mode};
use cutover_harness::provision::InProcess;
use cutover_harness::provision::hooks::Hooks;
use cutover_harness::scenario::event::Silent;
use cutover_harness::scenario::load::{self, Named};
use cutover_harness::scenario::run::Runner;
use cutover_harness::seed::Seed;

const SEED: Seed = Seed::new(7301);

/// Everything that a pipeline and a projection do, as little of each as there can be.
const SCENARIO: &str = r#"
description = "A little of everything."
generated = { files = 2, utterances = 1 }
steps = [
    "ingest",
    { edit = { sentences = 1 } },
    { override = { sentences = 1 } },
    { relocate = { sentences = 1 } },
    { project = {} },
    { reprocess = { file = "corrected" } },
    { reprocess = { file = "shorter" } },
    { delete = { sentences = 1 } },
    { describe = { interviews = 1 } },
    { project = {} },
    { tag = { sentences = 1 } },
    { delete-interviews = { interviews = 1 } },
    { project = {} },
    { compare = { left = "direct", right = "projected" } },
    { compare = { left = "model", right = "direct" } },
    { compare = { left = "model", right = "projected" } },
]
projection = { batch-events = 8 }
expect = { parked = 0, versions = "all", metrics = { projected = { failed = 0, retries = 0 } } }
"#;

/// One write of each path, a recovery of each, and no more: every pair of its operations can be tried.
const SMALL: &str = r#"
description = "One sentence, and an edit of it."
generated = { files = 1, utterances = 1 }
steps = [
    "ingest",
    { edit = { sentences = 1 } },
    { project = {} },
    { compare = { left = "direct", right = "projected" } },
    { compare = { left = "model", right = "direct" } },
    { compare = { left = "model", right = "projected" } },
]
expect = { parked = 0, versions = "all", metrics = { projected = { failed = 0, retries = 0 } } }
"#;

fn scenario(text: &str) -> Named {
    load::parse(Path::new("a-scenario.toml"), text).expect("a scenario without mistakes")
}

/// Enumerates on one thread and without waiting: time goes on when nobody has anything to do.
fn enumerate(
    text: &str,
    defect: Option<fn() -> Hooks>,
    lost_max: usize,
    enumerate: impl AsyncFnOnce(Enumeration<'_>) -> Enumerated,
) -> Enumerated {
    let mut runner = Runner::new(&InProcess, &[], SEED, &Silent);
    runner.defect = defect.as_ref().map(|defect| defect as &(dyn Fn() -> Hooks + Send + Sync));
    let soon = Backoff { first_ms: 1, factor: 2, max_ms: 50 };
    runner.projection.projector.breaker_backoff = soon;
    runner.projection.patience = Some(Duration::from_millis(500));
    let enumeration = Enumeration { runner, scenario: &scenario(text), lost_max };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(enumerate(enumeration))
}

/// Asserts that every point was survived, and that there were enough of them to say so.
#[track_caller]
fn assert_all_survived(mode: Mode) {
    let enumerated = enumerate(SCENARIO, None, 3, async |all| all.run(mode).await);
    assert_nothing_lost(mode, &enumerated);
    let Enumerated { operations, points, second_points, .. } = &enumerated;
    assert!(*operations > 100, "the scenario has {operations} operations only");
    // Each is disturbed before and after its effect.
    assert!(*points >= 2 * operations - 20, "{points} points for {operations} operations");
    assert!(2 * second_points > *points, "{second_points} second points for {points} points");
}

#[track_caller]
fn assert_nothing_lost(mode: Mode, enumerated: &Enumerated) {
    let Enumerated { operations, points, second_points, lost, .. } = enumerated;
    println!(
        "{mode:?}: {operations} operations, {points} points, {second_points} with a second one after them"
    );
    for lost in lost {
        let points: Vec<String> = lost.points.iter().map(ToString::to_string).collect();
        println!("seed {SEED}: {}: {:#?}", points.join("; then "), lost.result);
    }
    assert!(lost.is_empty(), "{} of {} runs were not survived", lost.len(), points + second_points);
}

/// In a debug build, one in so many pairs: a prime, so that each moment and each mode has its share of them. In an optimised one, all.
const ONE_IN: u64 = if cfg!(debug_assertions) { 41 } else { 1 };

/// Asserts that pairs of a small scenario were survived, and that these were as many as there should be.
#[track_caller]
fn assert_all_pairs_survived(mode: Mode) {
    let enumerated = enumerate(SMALL, None, 3, async |all| all.run_pairs(mode, ONE_IN).await);
    assert_nothing_lost(mode, &enumerated);
    let Enumerated { operations, points, pairs, second_points, .. } = &enumerated;
    assert!(*points >= 2 * operations - 2, "{points} points for {operations} operations");
    // What comes after the nth fails in turn, in three modes and at two moments, after both of its moments.
    assert!(*pairs >= 6 * (operations - 1) * operations, "{pairs} pairs of {operations} operations");
    assert_eq!(*second_points, pairs / ONE_IN, "each second point is reached");
}

#[test]
fn every_operation_may_fail_once() {
    assert_all_survived(Mode::Once);
}

#[test]
fn from_every_operation_on_all_may_fail_until_a_restart() {
    assert_all_survived(Mode::UntilRestart);
}

#[test]
fn the_process_may_die_at_every_operation() {
    assert_all_survived(Mode::Crash);
}

#[test]
fn pairs_of_a_small_scenario_may_fail_whose_first_fails_once() {
    assert_all_pairs_survived(Mode::Once);
}

#[test]
fn pairs_of_a_small_scenario_may_fail_whose_first_fails_until_a_restart() {
    assert_all_pairs_survived(Mode::UntilRestart);
}

#[test]
fn pairs_of_a_small_scenario_may_fail_whose_first_is_the_death_of_the_process() {
    assert_all_pairs_survived(Mode::Crash);
}

/// Asserts that a scenario which passes when nothing fails is lost at some point with a defect.
#[track_caller]
fn assert_lost_with(defect: &str, mode: Mode) {
    let defects = catalogue::select(&[defect.to_owned()]).expect("the defect");
    let enumerated = enumerate(SCENARIO, Some(defects[0].hooks), 1, async |all| all.run(mode).await);
    let first = enumerated.lost.first().unwrap_or_else(|| panic!("{defect} was survived everywhere"));
    assert!(!first.points.is_empty(), "{defect} shows without anything that fails: {:#?}", first.result);
    println!("{defect}: lost after {} points", enumerated.points);
}

#[test]
fn what_is_acknowledged_before_it_is_committed_is_lost_where_the_process_dies() {
    assert_lost_with("ack-on-enqueue", Mode::Crash);
}

#[test]
fn a_late_answer_that_is_taken_for_success_is_lost_where_nothing_took_effect() {
    assert_lost_with("time-out-taken-for-success", Mode::Once);
}
