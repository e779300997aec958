//! Events that cannot be read: no retry can help, so none is made, and the order is kept in the lot all the same.

use super::*;

/// What it takes to ask the graph whether another service has applied what cannot be applied here.
const ASKED_MS: u64 = 2_000;

fn behind(aggregate: AggregateId, version: u64) -> String {
    format!("behind version {version} of {aggregate}, which is parked")
}

#[track_caller]
fn check_lot(rig: &Rig, hopeless: Key, behind_it: &[Key]) {
    let (first, rest) = rig.parked.split_first().expect("something is parked");
    assert_eq!(first.0, hopeless);
    let place = format!("of event {} of stream `{}`", hopeless.1, hopeless.0.stream_name());
    assert!(first.1.starts_with("no retry can help: failed to decode the payload"), "{first:?}");
    assert!(first.1.contains(&place), "{first:?}");
    let expected: Vec<(Key, String)> =
        behind_it.iter().map(|&key| (key, behind(hopeless.0, hopeless.1))).collect();
    assert_eq!(rest, expected);
}

#[test]
fn an_event_that_cannot_be_decoded_is_parked_at_once_with_its_place() {
    let mut rig = started();
    rig.hand_in(undecodable((s(0, 0), 1)), false);
    rig.run();
    check_lot(&rig, (s(0, 0), 1), &[]);
    assert_eq!(rig.now, 0, "no time has passed");
    let counters = rig.counters();
    assert_eq!((counters.failed, counters.retries, counters.parked), (1, 0, 1));
}

#[test]
fn what_came_before_an_undecodable_event_waits_behind_it_and_what_comes_later_follows_it() {
    let mut rig = started();
    rig.deliver(s(0, 0), 3);
    rig.deliver(s(0, 0), 2);
    rig.hand_in(undecodable((s(0, 0), 1)), false);
    rig.deliver(s(0, 0), 4);
    check_lot(&rig, (s(0, 0), 1), &[(s(0, 0), 2), (s(0, 0), 3), (s(0, 0), 4)]);
    rig.check_applied(&[]);
    assert_eq!(rig.counters().failed, 1, "those behind it have not failed themselves");
    rig.deliver(s(0, 1), 0);
    rig.check_applied(&[(s(0, 1), 0)]);
}

#[test]
fn an_undecodable_event_does_not_overtake_what_is_tried_again_and_parked_in_the_end() {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 0), 1));
    rig.deliver(s(0, 0), 1);
    rig.hand_in(undecodable((s(0, 0), 2)), false);
    rig.pass(60_000);
    let expected = [((s(0, 0), 1), "failed 6 times: poison".to_owned()), ((s(0, 0), 2), behind(s(0, 0), 1))];
    assert_eq!(rig.parked, expected);
}

#[test]
fn an_undecodable_event_that_another_service_has_applied_is_a_duplicate() {
    let mut rig = restarted(started());
    rig.graph.current.insert(s(0, 0), 2);
    rig.hand_in(undecodable((s(0, 0), 1)), false);
    rig.run();
    rig.check_parked(&[]);
    assert_eq!(rig.acked, [(s(0, 0), 1)]);
}

#[test]
fn an_undecodable_event_is_looked_at_again_when_what_was_before_it_could_not_be_parked() {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 0), 1));
    rig.deliver(s(0, 0), 1);
    // Nobody waits for the first one's answer any more, so that it cannot be parked once it has failed for good.
    rig.projector.handle(rig.now, Input::SubscriptionLost(Subscription::Sentence));
    rig.hand_in(undecodable((s(0, 0), 2)), false);
    rig.pass(31_000);
    // Another service gets it through, and the store delivers it to that one.
    rig.graph.current.insert(s(0, 0), 1);
    rig.pass(10_000);
    check_lot(&rig, (s(0, 0), 2), &[]);
}

#[test]
fn an_undecodable_event_fails_only_when_its_turn_comes() {
    let mut rig = started();
    rig.hand_in(undecodable((s(0, 0), 2)), false);
    rig.run();
    rig.check_parked(&[]);
    rig.deliver(s(0, 0), 1);
    rig.check_applied(&[(s(0, 0), 1)]);
    check_lot(&rig, (s(0, 0), 2), &[]);
}

#[test]
fn an_undecodable_event_of_a_sentence_without_its_interview_is_parked_at_once() {
    let mut rig = Rig::new();
    rig.hand_in(undecodable((s(0, 0), 0)), false);
    rig.run();
    check_lot(&rig, (s(0, 0), 0), &[]);
}

#[test]
fn after_a_restart_an_earlier_event_still_goes_before_the_undecodable_one() {
    let mut rig = restarted(started());
    rig.hand_in(undecodable((s(0, 0), 2)), false);
    rig.run();
    rig.deliver(s(0, 0), 1);
    rig.deliver(s(0, 0), 3);
    rig.check_applied(&[(s(0, 0), 1)]);
    check_lot(&rig, (s(0, 0), 2), &[(s(0, 0), 3)]);
}

#[test]
fn an_undecodable_event_that_is_delivered_twice_is_parked_by_both_deliveries_and_counts_once() {
    let mut rig = started();
    rig.hand_in(undecodable((s(0, 0), 2)), false);
    rig.hand_in(undecodable((s(0, 0), 2)), false);
    rig.deliver(s(0, 0), 1);
    let parked: Vec<Key> = rig.parked.iter().map(|(key, _)| *key).collect();
    assert_eq!((parked, rig.counters().parked), (vec![(s(0, 0), 2); 2], 1));
}

#[test]
fn an_undecodable_event_whose_subscription_was_lost_is_parked_when_it_comes_again() {
    let mut rig = started();
    rig.hand_in(undecodable((s(0, 0), 2)), false);
    rig.projector.handle(rig.now, Input::SubscriptionLost(Subscription::Sentence));
    rig.deliver(s(0, 0), 1);
    rig.check_parked(&[]);
    rig.hand_in(undecodable((s(0, 0), 2)), false);
    rig.run();
    check_lot(&rig, (s(0, 0), 2), &[]);
    assert_eq!(rig.counters().failed, 1);
}

#[test]
fn what_is_replayed_goes_back_behind_what_still_cannot_be_decoded_once_the_graph_was_asked() {
    let mut rig = started();
    rig.hand_in(undecodable((s(0, 0), 1)), false);
    rig.deliver(s(0, 0), 2);
    rig.parked.clear();
    rig.hand_in(undecodable((s(0, 0), 1)), true);
    rig.replay(s(0, 0), 2);
    rig.pass(ASKED_MS - 1);
    check_lot(&rig, (s(0, 0), 1), &[]);
    rig.pass(1);
    check_lot(&rig, (s(0, 0), 1), &[(s(0, 0), 2)]);
    assert_eq!(rig.counters().failed, 2, "the undecodable one, each time it was delivered");
}

#[test]
fn what_is_replayed_goes_on_if_a_newer_service_could_read_what_this_one_cannot() {
    let mut rig = started();
    rig.hand_in(undecodable((s(0, 0), 1)), false);
    rig.deliver(s(0, 0), 2);
    rig.parked.clear();
    rig.graph.current.insert(s(0, 0), 1);
    rig.replay(s(0, 0), 2);
    rig.pass(ASKED_MS);
    rig.check_applied(&[(s(0, 0), 2)]);
    rig.check_parked(&[]);
}

#[test]
fn sentences_do_not_wait_for_a_creation_that_cannot_be_decoded_longer_than_for_the_graph_to_be_asked() {
    let mut rig = Rig::new();
    rig.hand_in(undecodable((i(0), 0)), false);
    rig.deliver(s(0, 0), 0);
    check_lot(&rig, (i(0), 0), &[]);
    rig.pass(ASKED_MS);
    let waited = format!("waited {ASKED_MS} ms for the creation of {}", i(0));
    assert_eq!(rig.parked[1..], [((s(0, 0), 0), waited)]);
}
