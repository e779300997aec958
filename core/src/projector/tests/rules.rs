//! Every rule of the projector by an example.

use super::*;

const HOLD_MS: u64 = 45_000;
/// What one event's retries take: 1, 2, 4, 8 and 16 s.
const RETRIES_MS: u64 = 31_000;

/// A rig in which interview 0 and its first sentence are created.
pub(super) fn started() -> Rig {
    let mut rig = Rig::new();
    rig.deliver(i(0), 0);
    rig.deliver(s(0, 0), 0);
    rig.check_applied(&[(i(0), 0), (s(0, 0), 0)]);
    rig.graph.applied.clear();
    rig.acked.clear();
    rig
}

/// A projector that was restarted over the graph of another one.
pub(super) fn restarted(rig: Rig) -> Rig {
    let graph = Versions { applied: Vec::new(), ..rig.graph };
    Rig { graph, now: rig.now, ..Rig::new() }
}

#[test]
fn versions_of_one_aggregate_are_applied_in_order_whatever_order_they_come_in() {
    let mut rig = started();
    for version in [3, 1, 2] {
        rig.deliver(s(0, 0), version);
    }
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
    assert_eq!(rig.acked, [(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
}

#[test]
fn a_sentence_waits_until_its_interview_is_created() {
    let mut rig = Rig::new();
    rig.deliver(s(0, 0), 0);
    rig.check_applied(&[]);
    assert!(rig.acked.is_empty());
    rig.deliver(i(0), 0);
    rig.check_applied(&[(i(0), 0), (s(0, 0), 0)]);
}

#[test]
fn after_a_restart_the_graph_is_asked_whether_the_interview_exists() {
    let mut rig = restarted(started());
    rig.deliver(s(0, 1), 0);
    rig.check_applied(&[(s(0, 1), 0)]);
    assert!(rig.parked.is_empty());
}

#[test]
fn a_deleted_interview_counts_as_created() {
    let mut rig = Rig::new();
    rig.graph.current.insert(i(0), 7);
    rig.deliver(s(0, 0), 0);
    rig.check_applied(&[(s(0, 0), 0)]);
}

#[test]
fn an_event_that_does_not_name_its_interview_is_routed_by_the_first_event_of_its_stream() {
    let mut rig = restarted(started());
    rig.hand_in(recorded((s(0, 0), 1), interview(0)), false);
    rig.collect();
    assert_eq!(rig.locates, [sentence(0, 0)]);
    assert!(rig.acked.is_empty());
    rig.run();
    rig.check_applied(&[(s(0, 0), 1)]);
}

#[test]
fn events_that_wait_for_their_interview_to_be_found_keep_their_order_and_ask_once() {
    let mut rig = restarted(started());
    for version in [2, 1, 3] {
        rig.hand_in(recorded((s(0, 0), version), interview(0)), false);
    }
    rig.collect();
    assert_eq!(rig.locates, [sentence(0, 0)]);
    rig.run();
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
}

#[test]
fn an_event_store_that_does_not_answer_is_asked_again_later_and_nothing_is_parked() {
    let mut rig = restarted(started());
    rig.hand_in(recorded((s(0, 0), 1), interview(0)), false);
    for _ in 0..10 {
        rig.collect();
        assert_eq!(rig.locates.pop_front(), Some(sentence(0, 0)));
        rig.projector.handle(rig.now, Input::LocateFailed { sentence: sentence(0, 0) });
        rig.collect();
        assert!(rig.locates.is_empty(), "it is not asked at once");
        rig.now = rig.wake_at.expect("a wake-up");
        rig.projector.handle(rig.now, Input::Tick);
    }
    rig.run();
    rig.check_applied(&[(s(0, 0), 1)]);
    rig.check_parked(&[]);
}

#[test]
fn an_event_whose_interview_cannot_be_found_fails_and_is_parked_after_its_retries() {
    let mut rig = restarted(started());
    rig.hand_in(recorded((s(0, 0), 1), interview(0)), false);
    let mut asked = 0;
    while rig.parked.is_empty() {
        rig.collect();
        if let Some(sentence) = rig.locates.pop_front() {
            asked += 1;
            rig.projector.handle(rig.now, Input::Located { sentence, interview: None });
        } else if rig.parked.is_empty() {
            rig.now = rig.wake_at.expect("a wake-up");
            rig.projector.handle(rig.now, Input::Tick);
        }
    }
    assert_eq!((asked, rig.now), (6, RETRIES_MS));
    assert!(rig.parked[0].1.starts_with("failed 6 times: the interview of Sentence-"), "{:?}", rig.parked);
}

#[test]
fn a_duplicate_of_what_is_committed_is_acknowledged_and_not_applied_again() {
    let mut rig = started();
    rig.deliver(s(0, 0), 0);
    rig.check_applied(&[]);
    assert_eq!(rig.acked, [(s(0, 0), 0)]);
    assert_eq!(rig.counters().duplicates, 1);
}

#[test]
fn a_duplicate_of_what_is_under_way_is_acknowledged_only_with_it() {
    let mut rig = started();
    for _ in 0..2 {
        rig.hand_in(recorded((s(0, 0), 1), interview(0)), false);
        rig.collect();
    }
    assert!(rig.acked.is_empty());
    assert_eq!(rig.batches.len(), 1);
    rig.run();
    rig.check_applied(&[(s(0, 0), 1)]);
    assert_eq!(rig.acked, [(s(0, 0), 1), (s(0, 0), 1)]);
    assert_eq!(rig.counters().duplicates, 1);
}

#[test]
fn a_projector_is_idle_only_when_nothing_is_left_to_do() {
    let mut rig = Rig::new();
    assert!(rig.projector.is_idle());
    rig.hand_in(recorded((i(0), 0), interview(0)), false);
    assert!(!rig.projector.is_idle(), "an event is queued");
    rig.collect();
    assert!(!rig.projector.is_idle(), "a batch is under way");
    let (batch, ..) = rig.batches.pop_front().expect("a batch");
    rig.graph.current.insert(i(0), 0);
    rig.projector.handle(0, Input::Committed { batch });
    assert!(!rig.projector.is_idle(), "an answer is not given yet");
    rig.collect();
    assert!(rig.projector.is_idle());
    rig.deliver(s(1, 0), 0);
    assert!(!rig.projector.is_idle(), "a sentence waits for its interview");
}

#[test]
fn after_a_restart_duplicates_are_recognised_by_the_graph() {
    let mut before = started();
    before.deliver(s(0, 0), 1);
    let mut rig = restarted(before);
    rig.deliver(s(0, 0), 1);
    rig.check_applied(&[]);
    assert_eq!(rig.acked, [(s(0, 0), 1)]);
    assert_eq!((rig.counters().conflicts, rig.counters().duplicates), (1, 1));
}

#[test]
fn after_a_restart_a_gap_is_recognised_by_the_graph_and_filled() {
    let mut rig = restarted(started());
    rig.deliver(s(0, 0), 2);
    rig.check_applied(&[]);
    rig.deliver(s(0, 0), 1);
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2)]);
}

#[test]
fn one_conflict_corrects_a_whole_batch() {
    let mut before = started();
    for index in 1..10 {
        before.deliver(s(0, index), 0);
    }
    let mut rig = restarted(before);
    rig.deliver(i(0), 0);
    for index in 0..10 {
        rig.hand_in(recorded((s(0, index), 0), interview(0)), false);
        rig.hand_in(recorded((s(0, index), 1), interview(0)), false);
    }
    rig.run();
    let expected: Vec<Key> = (0..10).map(|index| (s(0, index), 1)).collect();
    rig.check_applied(&expected);
    assert_eq!(rig.counters().conflicts, 2, "one for the interview, one for the sentences");
}

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
fn a_hold_is_bounded_in_number_too() {
    let mut rig = Rig::with(Settings { hold_events_max: 3, ..Settings::default() });
    rig.deliver(i(0), 0);
    for version in [2, 3, 4, 5] {
        rig.deliver(s(0, 0), version);
    }
    assert_eq!(rig.parked.len(), 4, "the aggregate's events leave the hold together, in order");
    assert!(rig.parked[0].1.contains("in a lane that holds back its 3 events already"), "{:?}", rig.parked);
    assert_eq!(rig.projector.metrics().held.iter().sum::<usize>(), 0);
}

#[test]
fn a_lane_has_one_batch_under_way_and_lanes_are_independent() {
    let mut rig = Rig::new();
    for n in 0..8 {
        for version in 0..3 {
            rig.hand_in(recorded((i(n), version), interview(n)), false);
            rig.collect();
        }
    }
    let lanes: BTreeSet<usize> = rig.batches.iter().map(|(_, lane, _)| *lane).collect();
    assert!(lanes.len() > 1, "interviews spread over lanes");
    assert_eq!(lanes.len(), rig.batches.len());
    rig.run();
    assert_eq!(rig.graph.applied.len(), 24);
}

#[test]
fn there_is_at_least_one_lane() {
    let mut rig = Rig::with(Settings { lanes: 0, ..Settings::default() });
    rig.deliver(i(0), 0);
    rig.check_applied(&[(i(0), 0)]);
    assert_eq!(rig.projector.settings().lanes, 1);
}

#[test]
fn a_batch_holds_no_more_than_its_maximum() {
    let mut rig = Rig::with(Settings { batch_events_max: 4, ..Settings::default() });
    for version in 0..10 {
        rig.hand_in(recorded((i(0), version), interview(0)), false);
    }
    let mut sizes = Vec::new();
    loop {
        rig.collect();
        let Some((_, _, sets)) = rig.batches.front() else { break };
        sizes.push(sets.len());
        rig.step();
    }
    assert_eq!(sizes, [4, 4, 2]);
}

#[test]
fn poison_is_found_by_halving_and_the_rest_goes_through_at_once() {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 5), 0));
    for index in 1..10 {
        rig.hand_in(recorded((s(0, index), 0), interview(0)), false);
    }
    rig.run();
    let expected: Vec<Key> = (1..10).filter(|&index| index != 5).map(|index| (s(0, index), 0)).collect();
    rig.check_applied(&expected);
    rig.check_parked(&[]);
    assert_eq!(rig.counters().failed, 1);
}

#[test]
fn poison_is_retried_after_1_2_4_8_and_16_seconds_and_then_parked_with_its_error() {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 0), 1));
    rig.deliver(s(0, 0), 1);
    let mut tries = vec![rig.now];
    while rig.parked.is_empty() {
        let retries = rig.counters().retries;
        rig.pass(1);
        tries.extend((rig.counters().retries > retries).then_some(rig.now));
    }
    assert_eq!(tries, [0, 1_000, 3_000, 7_000, 15_000, 31_000]);
    rig.check_parked(&[((s(0, 0), 1), "failed 6 times: poison")]);
    assert_eq!(rig.counters().retries, 5);
}

#[test]
fn later_events_of_the_same_aggregate_wait_behind_poison_and_others_go_on() {
    let mut rig = started();
    rig.graph.poison.insert((s(0, 0), 1));
    for version in 1..4 {
        rig.hand_in(recorded((s(0, 0), version), interview(0)), false);
    }
    rig.hand_in(recorded((s(0, 1), 0), interview(0)), false);
    rig.run();
    rig.check_applied(&[(s(0, 1), 0)]);
    rig.graph.poison.clear();
    rig.pass(1_000);
    rig.check_applied(&[(s(0, 1), 0), (s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
    rig.check_parked(&[]);
}

#[test]
fn sentences_wait_behind_the_creation_of_their_interview_that_fails() {
    let mut rig = Rig::new();
    rig.graph.poison.insert((i(0), 0));
    rig.hand_in(recorded((i(0), 0), interview(0)), false);
    rig.hand_in(recorded((s(0, 0), 0), interview(0)), false);
    rig.run();
    rig.check_applied(&[]);
    rig.graph.poison.clear();
    rig.pass(1_000);
    rig.check_applied(&[(i(0), 0), (s(0, 0), 0)]);
}

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
fn what_is_missing_may_come_from_another_service_up_to_the_last_moment() {
    let mut rig = started();
    rig.deliver(s(0, 0), 2);
    rig.pass(HOLD_MS - 1);
    rig.graph.current.insert(s(0, 0), 1);
    rig.pass(1);
    rig.check_parked(&[]);
    rig.check_applied(&[(s(0, 0), 2)]);
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
fn an_outage_stops_consumption_and_neither_counts_as_a_retry_nor_parks_anything() {
    let mut rig = started();
    rig.is_down = true;
    rig.deliver(s(0, 0), 1);
    rig.deliver(s(0, 0), 3);
    assert!(rig.is_paused);
    rig.pass(10 * HOLD_MS);
    rig.check_applied(&[]);
    rig.check_parked(&[]);
    assert_eq!((rig.counters().retries, rig.counters().failed), (0, 0));
    rig.is_down = false;
    rig.pass(15_000);
    assert!(!rig.is_paused);
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
    while tries.len() < 4 {
        let errors = rig.counters().graph_write_errors;
        rig.pass(1);
        tries.extend((rig.counters().graph_write_errors > errors).then_some(rig.now));
    }
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
    rig.is_down = false;
    rig.pass(1_000);
    assert!(!rig.is_paused);
    rig.check_applied(&[(s(0, 1), 0)]);
}

#[test]
fn a_lost_subscription_answers_nothing_and_doubles_nothing() {
    let mut rig = started();
    rig.hand_in(recorded((s(0, 0), 1), interview(0)), false);
    rig.hand_in(recorded((s(0, 0), 3), interview(0)), false);
    rig.collect();
    rig.projector.handle(rig.now, Input::SubscriptionLost(Subscription::Sentence));
    rig.run();
    assert!(rig.acked.is_empty(), "its deliveries cannot be answered");
    rig.check_applied(&[(s(0, 0), 1)]);
    for version in 1..4 {
        rig.deliver(s(0, 0), version);
    }
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
    assert_eq!(rig.acked, [(s(0, 0), 1), (s(0, 0), 2), (s(0, 0), 3)]);
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
fn an_unknown_type_advances_the_version_and_is_counted_as_skipped() {
    let mut rig = started();
    let mut event = recorded((s(0, 0), 1), interview(0));
    event.event_type = "SentenceTranslated".into();
    rig.hand_in(event, false);
    rig.deliver(s(0, 0), 2);
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 2)]);
    assert_eq!((rig.counters().skipped, rig.counters().processed), (1, 4));
}

#[test]
fn a_type_that_is_not_allowed_is_treated_like_an_unknown_one() {
    let types = ["InterviewCreated", "SentenceCreated"].map(smol_str::SmolStr::from);
    let allowed_types = AllowedTypes::Only(types.into_iter().collect());
    let mut rig = Rig::with(Settings { allowed_types, ..Settings::default() });
    rig.deliver(i(0), 0);
    rig.deliver(i(0), 1);
    rig.check_applied(&[(i(0), 0), (i(0), 1)]);
    assert_eq!(rig.counters().skipped, 1);
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

#[test]
fn memory_is_bounded_and_what_is_forgotten_is_found_again() {
    let mut rig = Rig::with(Settings { aggregates_max: 8, ..Settings::default() });
    rig.deliver(i(0), 0);
    for index in 0..64 {
        rig.deliver(s(0, index), 0);
    }
    assert!(rig.projector.aggregates.len() <= 16, "{} are remembered", rig.projector.aggregates.len());
    for index in 0..64 {
        rig.deliver(s(0, index), 0);
        rig.deliver(s(0, index), 1);
    }
    assert_eq!(rig.graph.applied.len(), 1 + 2 * 64);
    assert_eq!(rig.acked.len(), 1 + 3 * 64);
}

#[test]
fn deliveries_are_counted_by_what_the_store_says_of_them() {
    let mut rig = started();
    let before = rig.counters();
    rig.replay(s(0, 0), 1);
    for (id, retry_count) in [(900, 1), (901, 2)] {
        let event = recorded((s(0, 0), 1), interview(0));
        rig.deliveries.insert(DeliveryId(id), (s(0, 0), 1));
        let (id, subscription) = (DeliveryId(id), Subscription::Sentence);
        let delivery = Delivery { id, subscription, event, replayed: false, retry_count };
        rig.projector.handle(rig.now, Input::Delivered(delivery));
    }
    rig.run();
    let after = rig.counters();
    let counted = [
        after.delivered - before.delivered,
        after.redelivered - before.redelivered,
        after.replayed - before.replayed,
    ];
    assert_eq!(counted, [3, 2, 1]);
}

#[test]
fn of_an_event_that_went_through_at_last_nothing_is_remembered() {
    let mut rig = Rig::with(Settings { aggregates_max: 8, ..Settings::default() });
    rig.deliver(i(0), 0);
    for index in 0..32 {
        rig.graph.poison.insert((s(0, index), 0));
        rig.deliver(s(0, index), 0);
    }
    assert_eq!(rig.counters().failed, 32);
    rig.graph.poison.clear();
    rig.pass(1_000);
    assert_eq!(rig.acked.len(), 1 + 32);
    for index in 32..64 {
        rig.deliver(s(0, index), 0);
    }
    assert!(rig.projector.aggregates.len() <= 16, "{} are remembered", rig.projector.aggregates.len());
}

#[test]
fn latency_is_measured_from_delivery_to_acknowledgement() {
    let mut rig = Rig::new();
    rig.deliver(s(0, 0), 0);
    rig.now += 10;
    rig.deliver(i(0), 0);
    let latency = rig.projector.metrics().latency;
    assert_eq!((latency.count, latency.p50_ms, latency.max_ms), (2, 0, 10));
}
