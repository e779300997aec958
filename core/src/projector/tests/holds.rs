//! What comes too early: it waits within bounds, and the graph is asked meanwhile.

use super::*;

#[test]
fn what_another_service_has_applied_meanwhile_closes_the_gap() {
    let mut rig = started();
    rig.deliver(s(0, 0), 2);
    rig.graph.current.insert(s(0, 0), 1);
    rig.pass(HOLD_MS / 2);
    rig.check_applied(&[(s(0, 0), 2)]);
    rig.check_parked(&[]);
}

#[test]
fn an_interview_that_another_service_has_created_meanwhile_is_noticed() {
    let mut rig = Rig::new();
    rig.deliver(s(0, 0), 0);
    rig.graph.current.insert(i(0), 0);
    rig.pass(HOLD_MS / 2);
    rig.check_applied(&[(s(0, 0), 0)]);
}

#[test]
fn a_hold_ends_after_its_time_and_says_what_was_missing() {
    let mut rig = started();
    rig.deliver(s(0, 0), 3);
    rig.deliver(s(0, 0), 4);
    rig.pass(HOLD_MS - 1);
    rig.check_parked(&[]);
    rig.pass(1);
    let waited = format!("waited 45000 ms for version 1 of {}", s(0, 0));
    let behind = format!("behind version 1 of {}, which is parked", s(0, 0));
    rig.check_parked(&[((s(0, 0), 3), &waited), ((s(0, 0), 4), &behind)]);
}

#[test]
fn a_sentence_whose_interview_never_comes_is_parked_and_says_so() {
    let mut rig = Rig::new();
    rig.deliver(s(0, 0), 0);
    rig.pass(HOLD_MS);
    let waited = format!("waited 45000 ms for the creation of {}", i(0));
    rig.check_parked(&[((s(0, 0), 0), &waited)]);
}

#[test]
fn the_time_in_which_the_process_stands_still_counts_against_nobody() {
    let mut rig = started();
    rig.deliver(s(0, 0), 2);
    rig.now += 10 * rig.projector.settings().hold_ms_max;
    rig.projector.handle(rig.now, Input::Tick);
    rig.run();
    rig.check_parked(&[]);
    rig.deliver(s(0, 0), 1);
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2)]);
}

#[test]
fn a_timer_that_rings_up_to_ten_seconds_late_was_only_late() {
    // The graph was to be asked again after a second.
    for (late_ms, parked) in [(10_000, 1), (10_001, 0)] {
        let mut rig = started();
        rig.deliver(s(0, 0), 2);
        assert_eq!(rig.wake_at, Some(1_000));
        rig.now += 1_000 + late_ms;
        rig.projector.handle(rig.now, Input::Tick);
        rig.pass(HOLD_MS - rig.now);
        assert_eq!(rig.parked.len(), parked, "{late_ms} ms late");
    }
}

#[test]
fn what_closes_a_gap_is_applied_together_with_what_waited_behind_it() {
    let mut rig = started();
    let before = rig.counters().batches;
    for version in [3, 2, 1] {
        rig.hand_in(recorded((s(0, 0), version), interview(0)), false);
    }
    rig.run();
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
    assert_eq!(rig.counters().batches - before, 1);
}

#[test]
fn what_comes_while_a_parked_event_is_replayed_waits_for_what_is_still_missing() {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 0), 1));
    rig.deliver(s(0, 0), 1);
    rig.pass(RETRIES_MS);
    assert_eq!(rig.parked.len(), 1);
    rig.graph.poison.clear();
    rig.hand_in(recorded((s(0, 0), 1), interview(0)), true);
    rig.hand_in(recorded((s(0, 0), 3), interview(0)), false);
    rig.collect();
    // The graph may answer before it has committed.
    for aggregates in std::mem::take(&mut rig.checks) {
        let versions = aggregates.into_iter().map(|id| (id, rig.graph.of(id))).collect();
        rig.projector.handle(rig.now, Input::Versions(versions));
    }
    assert_eq!(rig.batches.len(), 1);
    rig.parked.clear();
    rig.run();
    rig.check_parked(&[]);
    rig.deliver(s(0, 0), 2);
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
}

#[test]
fn an_event_that_waits_and_is_delivered_again_counts_as_a_duplicate() {
    let mut rig = started();
    rig.deliver(s(0, 0), 2);
    rig.deliver(s(0, 0), 2);
    assert_eq!(rig.counters().duplicates, 1);
    rig.deliver(s(0, 0), 1);
    assert_eq!(rig.acked, [(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 2)]);
}

#[test]
fn a_hold_is_bounded_in_number_too() {
    let mut rig = Rig::with(Settings { hold_events_max: 3, ..Settings::default() });
    rig.deliver(i(0), 0);
    for version in [2, 3, 4] {
        rig.deliver(s(0, 0), version);
    }
    rig.check_parked(&[]);
    rig.deliver(s(0, 0), 5);
    assert_eq!(rig.parked.len(), 4, "the aggregate's events leave the hold together, in order");
    assert!(rig.parked[0].1.contains("in a lane that holds back its 3 events already"), "{:?}", rig.parked);
    assert_eq!(rig.projector.metrics().held.iter().sum::<usize>(), 0);
}

#[test]
fn what_is_missing_may_come_from_another_service_up_to_the_last_moment() {
    let mut rig = started();
    rig.deliver(s(0, 0), 2);
    rig.pass(HOLD_MS - 1);
    rig.graph.current.insert(s(0, 0), 1);
    rig.pass(1);
    rig.check_parked(&[]);
    rig.check_applied(&[(s(0, 0), 2)]);
}
