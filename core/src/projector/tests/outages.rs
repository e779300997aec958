//! A graph that cannot be reached: everything waits, and one attempt at a time finds out whether it is back.

use super::*;

#[test]
fn an_outage_stops_consumption_and_neither_counts_as_a_retry_nor_parks_anything() {
    let mut rig = started();
    rig.is_down = true;
    rig.deliver(s(0, 0), 1);
    rig.deliver(s(0, 0), 3);
    assert!(rig.is_paused && rig.projector.metrics().paused);
    rig.pass(10 * HOLD_MS);
    rig.check_applied(&[]);
    rig.check_parked(&[]);
    assert_eq!((rig.counters().retries, rig.counters().failed), (0, 0));
    rig.is_down = false;
    rig.pass(15_000);
    assert!(!rig.is_paused && !rig.projector.metrics().paused);
    rig.check_applied(&[(s(0, 0), 1)]);
    rig.deliver(s(0, 0), 2);
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
}

#[test]
fn a_graph_that_is_down_is_tried_after_1_2_4_seconds_with_one_batch() {
    let mut rig = started();
    rig.is_down = true;
    rig.deliver(s(0, 0), 1);
    let mut tries = Vec::new();
    to_the_end("trying the graph again", || {
        let errors = rig.counters().graph_write_errors;
        rig.wake();
        rig.run();
        tries.extend((rig.counters().graph_write_errors > errors).then_some(rig.now));
        tries.len() < 4
    });
    assert_eq!(tries, [1_000, 3_000, 7_000, 15_000]);
}

#[test]
fn a_commit_whose_answer_was_lost_is_recognised() {
    let mut rig = started();
    rig.hand_in(recorded((s(0, 0), 1), interview(0)), false);
    rig.collect();
    let (batch, _, sets) = rig.batches.pop_front().expect("a batch");
    rig.graph.apply(&sets, &rig.homes).expect("it is committed");
    let failure = Failure::Unavailable { reason: "the connection broke".into() };
    rig.projector.handle(rig.now, Input::Failed { batch, failure });
    rig.pass(1_000);
    rig.check_applied(&[(s(0, 0), 1)]);
    assert_eq!(rig.acked, [(s(0, 0), 1)]);
    assert!(!rig.is_paused);
}

#[test]
fn a_question_that_the_graph_does_not_answer_opens_the_breaker_and_is_asked_again() {
    let mut rig = restarted(started());
    rig.is_down = true;
    rig.deliver(s(0, 1), 0);
    assert!(rig.is_paused);
    assert_eq!(rig.counters().graph_write_errors, 1);
    rig.is_down = false;
    rig.pass(1_000);
    assert!(!rig.is_paused);
    rig.check_applied(&[(s(0, 1), 0)]);
}

/// Answers the next batch with that there is too little memory if it has more events than so many; returns how many it has.
fn answer_with_little_memory(rig: &mut Rig, events_max: usize) -> Option<usize> {
    rig.collect();
    let (batch, _, sets) = rig.batches.pop_front()?;
    let events = sets.len();
    let input = if events > events_max {
        Input::Failed { batch, failure: Failure::TooLarge { reason: "too little memory".into() } }
    } else {
        rig.graph.apply(&sets, &rig.homes).expect("every version fits");
        Input::Committed { batch }
    };
    rig.projector.handle(rig.now, input);
    Some(events)
}

#[test]
fn a_batch_that_is_too_large_is_halved_until_it_fits_and_nothing_counts_as_failed() {
    let mut rig = started();
    for version in 1..6 {
        rig.hand_in(recorded((s(0, 0), version), interview(0)), false);
    }
    let mut sizes = Vec::new();
    to_the_end("halving", || {
        let size = answer_with_little_memory(&mut rig, 1);
        sizes.extend(size);
        size.is_some()
    });
    assert_eq!(sizes, [5, 3, 2, 1, 1, 1, 2, 1, 1]);
    rig.check_applied(&(1..6).map(|version| (s(0, 0), version)).collect::<Vec<_>>());
    assert_eq!((rig.counters().graph_write_errors, rig.counters().failed), (4, 0));
    assert!(!rig.is_paused);
}

#[test]
fn an_event_that_is_too_large_by_itself_waits_for_a_graph_with_more_memory() {
    let mut rig = started();
    rig.hand_in(recorded((s(0, 0), 1), interview(0)), false);
    assert_eq!(answer_with_little_memory(&mut rig, 0), Some(1));
    rig.collect();
    assert!(rig.is_paused);
    assert_eq!((rig.counters().graph_write_errors, rig.counters().failed), (1, 0));
    rig.pass(1_000);
    assert!(!rig.is_paused);
    rig.check_applied(&[(s(0, 0), 1)]);
}
