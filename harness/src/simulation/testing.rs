//! What the tests of both subjects hold alike: a campaign, and that it repeats.

use std::num::NonZeroUsize;

use super::campaign::{Campaign, Outcome};
use super::{Report, Schedule};
use crate::provision::hooks::Hooks;
use crate::seed::Seed;

/// Runs so many schedules on so many threads.
pub(super) fn campaign<P: Schedule>(
    schedules: u64,
    threads: usize,
    hooks: &(dyn Fn() -> Hooks + Sync),
) -> Outcome {
    let threads = NonZeroUsize::new(threads).expect("at least one");
    let campaign = Campaign { first: Seed::new(7_301), schedules, threads, hooks, progress: &|_| false };
    campaign.run::<P>().expect("a runtime")
}

/// Holds that no schedule of a campaign has failed, and that all were run.
#[track_caller]
pub(super) fn none_has_failed(outcome: &Outcome, schedules: u64) {
    assert_eq!(outcome.failures.first().map(|failure| (failure.seed, failure.violation.clone())), None);
    assert_eq!(outcome.schedules, schedules);
}

/// Holds that a campaign comes to the same on one thread and on two.
#[track_caller]
pub(super) fn repeats_on_any_number_of_threads<P: Schedule>(schedules: u64) {
    let [one, two] = [1, 2].map(|threads| campaign::<P>(schedules, threads, &Hooks::default));
    assert_eq!((one.hash, one.work, one.fired), (two.hash, two.work, two.fired));
}

/// Holds that a plan leaves the same trace with lines and without. Returns the run with lines.
#[track_caller]
pub(super) fn leaves_one_trace(plan: &impl Schedule) -> Report {
    let [with, without] = [true, false].map(|lines| plan.run(&Hooks::default(), lines).expect("a runtime"));
    assert_eq!(with.hash, without.hash);
    assert!(without.lines.is_empty());
    with
}
