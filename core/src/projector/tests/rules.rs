//! What the projector does with events in order and out of order, one rule each.

use super::*;

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
        rig.wake();
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
    to_the_end("looking for the interview", || {
        rig.collect();
        if let Some(sentence) = rig.locates.pop_front() {
            asked += 1;
            rig.projector.handle(rig.now, Input::Located { sentence, interview: None });
        } else if rig.parked.is_empty() {
            rig.wake();
        }
        rig.parked.is_empty()
    });
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
    to_the_end("applying ten events", || {
        rig.collect();
        sizes.extend(rig.batches.front().map(|(_, _, sets)| sets.len()));
        rig.step()
    });
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
    assert_eq!(rig.counters().graph_write_errors, 4, "9 events, 5 of them, 2 of these, and the poison alone");
}

#[test]
fn what_is_tried_again_goes_alone_and_before_what_is_ready() {
    for (failing, others) in [(s(0, 0), s(0, 1)), (i(1), i(0))] {
        let mut rig =
            if failing == i(1) { Rig::with(Settings { lanes: 1, ..Settings::default() }) } else { started() };
        let first = u64::from(failing != i(1));
        rig.graph.poison.insert((failing, first));
        rig.deliver(failing, first);
        assert_eq!(rig.counters().failed, 1);
        rig.graph.poison.clear();
        for version in 0..3 {
            rig.hand_in(recorded((others, version), Rig::home(others)), false);
        }
        rig.now += 1_000;
        rig.projector.handle(rig.now, Input::Tick);
        rig.collect();
        let (.., sets) = rig.batches.front().expect("a batch");
        let guards: Vec<Key> =
            sets.iter().filter_map(|set| set.guard).map(|g| (g.aggregate, g.version)).collect();
        assert_eq!(guards, [(failing, first)]);
        rig.run();
        assert_eq!(rig.graph.applied.len(), 4);
    }
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

#[test]
fn what_the_store_keeps_about_a_stream_is_acknowledged_and_skipped() {
    let mut rig = started();
    let mut event = recorded((i(0), 0), interview(0));
    event.stream = crate::ids::StreamName::new(format!("$${}", i(0).stream_name()));
    event.event_type = "$metadata".into();
    rig.hand_in(event, false);
    rig.run();
    rig.check_parked(&[]);
    assert_eq!((rig.acked.len(), rig.counters().skipped, rig.counters().processed), (1, 1, 2));
}

#[test]
fn what_is_remembered_and_how_many_batches_were_committed_is_told() {
    let rig = started();
    let metrics = rig.projector.metrics();
    assert_eq!((metrics.aggregates, metrics.counters.batches), (2, 2));
}
