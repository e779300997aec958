//! What is parked, by which delivery, what follows it into the lot, and how it comes out again.

use super::*;

/// A rig in which version 1 of the first sentence was parked for good, and 2 behind it.
fn parked() -> Rig {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 0), 1));
    rig.deliver(s(0, 0), 1);
    rig.deliver(s(0, 0), 2);
    rig.pass(RETRIES_MS);
    assert_eq!(rig.parked.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [(s(0, 0), 1), (s(0, 0), 2)]);
    rig.parked.clear();
    rig
}

/// An older delivery the store may have taken back, or parked for another service: it takes no notice of an answer to that. And what it
/// has taken back, it may send again between two answers: an acknowledgement would then be one to the newest.
#[test]
fn of_several_deliveries_of_one_event_every_one_is_parked_the_newest_first_and_none_is_acknowledged() {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 0), 1));
    rig.deliver(s(0, 0), 1);
    rig.deliver(s(0, 0), 1);
    rig.replay(s(0, 0), 1);
    let newest = rig.next_delivery;
    rig.pass(60_000);
    assert_eq!(rig.parked_by[0], DeliveryId(newest));
    assert_eq!(rig.parked_by.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!((rig.counters().parked, rig.acked.len()), (1, 0));
}

#[test]
fn what_comes_out_of_its_stream_once_more_is_in_no_lot_and_nothing_follows_it_there() {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 0), 1));
    rig.deliver(s(0, 0), 1);
    rig.deliver(s(0, 0), 2);
    rig.pass(RETRIES_MS);
    assert_eq!(rig.parked.len(), 2, "the store hears of neither");
    rig.projector.handle(rig.now, Input::SubscriptionLost(Subscription::Sentence));
    rig.graph.poison.clear();
    rig.parked.clear();
    rig.deliver(s(0, 0), 1);
    rig.deliver(s(0, 0), 3);
    rig.check_parked(&[]);
    rig.deliver(s(0, 0), 2);
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
}

#[test]
fn poison_is_retried_after_1_2_4_8_and_16_seconds_and_then_parked_with_its_error() {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 0), 1));
    rig.deliver(s(0, 0), 1);
    let mut tries = vec![rig.now];
    to_the_end("retrying", || {
        let retries = rig.counters().retries;
        rig.wake();
        rig.run();
        tries.extend((rig.counters().retries > retries).then_some(rig.now));
        rig.parked.is_empty()
    });
    assert_eq!(tries, [0, 1_000, 3_000, 7_000, 15_000, 31_000]);
    rig.check_parked(&[((s(0, 0), 1), "failed 6 times: poison")]);
    assert_eq!(rig.counters().retries, 5);
}

#[test]
fn what_comes_after_a_parked_event_follows_it_in_order() {
    let mut rig = parked();
    rig.deliver(s(0, 0), 3);
    rig.deliver(s(0, 0), 4);
    let behind = format!("behind version 1 of {}, which is parked", s(0, 0));
    rig.check_parked(&[((s(0, 0), 3), &behind), ((s(0, 0), 4), &behind)]);
    rig.deliver(s(0, 1), 0);
    rig.check_applied(&[(s(0, 1), 0)]);
}

#[test]
fn what_comes_after_a_parked_event_is_applied_when_another_service_has_replayed_that() {
    let mut rig = parked();
    rig.graph.current.insert(s(0, 0), 2);
    rig.deliver(s(0, 0), 3);
    rig.check_parked(&[]);
    rig.check_applied(&[(s(0, 0), 3)]);
}

#[test]
fn what_is_replayed_is_tried_again_in_order_and_then_the_aggregate_flows() {
    let mut rig = parked();
    rig.graph.poison.clear();
    rig.replay(s(0, 0), 1);
    rig.replay(s(0, 0), 2);
    rig.deliver(s(0, 0), 3);
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
    rig.check_parked(&[]);
}

#[test]
fn what_comes_during_a_replay_stays_behind_what_is_still_parked() {
    let mut rig = parked();
    rig.graph.poison.clear();
    rig.replay(s(0, 0), 1);
    rig.deliver(s(0, 0), 3);
    let behind = format!("behind version 2 of {}, which is parked", s(0, 0));
    rig.check_parked(&[((s(0, 0), 3), &behind)]);
    rig.replay(s(0, 0), 2);
    rig.replay(s(0, 0), 3);
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
}

#[test]
fn what_is_replayed_and_fails_again_is_parked_once_with_what_is_behind_it() {
    let mut rig = parked();
    rig.replay(s(0, 0), 1);
    rig.replay(s(0, 0), 2);
    rig.pass(RETRIES_MS);
    let behind = format!("behind version 1 of {}, which is parked", s(0, 0));
    rig.check_parked(&[((s(0, 0), 1), "failed 6 times: poison"), ((s(0, 0), 2), &behind)]);
}

#[test]
fn what_is_delivered_twice_and_fails_counts_as_parked_once() {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 0), 1));
    rig.deliver(s(0, 0), 1);
    rig.deliver(s(0, 0), 1);
    rig.pass(RETRIES_MS);
    rig.check_parked(&[((s(0, 0), 1), "failed 6 times: poison"); 2]);
    assert_eq!(rig.counters().parked, 1, "to the store, it is one event");
}

#[test]
fn poison_whose_subscription_was_lost_is_parked_when_it_comes_again() {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 0), 1));
    rig.deliver(s(0, 0), 1);
    rig.projector.handle(rig.now, Input::SubscriptionLost(Subscription::Sentence));
    rig.pass(RETRIES_MS);
    rig.check_parked(&[]);
    rig.deliver(s(0, 0), 1);
    rig.check_parked(&[((s(0, 0), 1), "failed 6 times: poison")]);
}

#[test]
fn a_link_that_was_not_resolved_is_parked_and_never_skipped() {
    let mut rig = Rig::new();
    let mut event = recorded((i(0), 0), interview(0));
    event.stream = crate::ids::StreamName::new("$ce-Interview");
    event.event_type = "$>".into();
    rig.hand_in(event, false);
    rig.run();
    let why = "event 0 of type $> in stream $ce-Interview, which is none of an interview or a sentence";
    rig.check_parked(&[((i(0), 0), why)]);
    assert_eq!((rig.counters().failed, rig.counters().parked, rig.counters().skipped), (1, 1, 0));
}
