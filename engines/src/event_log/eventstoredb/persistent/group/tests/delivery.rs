//! Slots, retries, timeouts, disconnects and strategies.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn retries(max_retry_count: u32, message_timeout: Duration) -> Settings {
    Settings { max_retry_count, message_timeout, ..from_start() }
}

#[test]
fn a_client_holds_no_more_than_its_slots_until_it_answers() {
    let mut scene = Scene::new(from_start(), 5);
    assert_eq!(scene.connect(1, 2).deliveries(), [(0, 0), (1, 0)]);
    assert_eq!(scene.ack([0]).deliveries(), [(2, 0)]);
    assert_eq!(scene.nack([1], NackAction::Skip).deliveries(), [(3, 0)]);
}

#[test]
fn what_was_done_is_counted_in_all_and_since_somebody_asked() {
    let mut scene = Scene::new(from_start(), 6);
    scene.connect(1, 6);
    let mut counts_after = |acknowledged: std::ops::Range<u64>| {
        let info = scene.ack(acknowledged).group.info(Timestamp::default());
        let client = &info.connections[0];
        [
            info.total_items,
            info.count_since_last_measurement,
            client.total_items,
            client.count_since_last_measurement,
        ]
    };
    assert_eq!(counts_after(0..2), [2, 2, 2, 2]);
    assert_eq!(counts_after(2..5), [5, 3, 5, 3]);
}

#[test]
fn one_answer_may_name_many_events() {
    let mut scene = Scene::new(from_start(), 6);
    scene.connect(1, 3).deliveries();
    assert_eq!(scene.ack([0, 1, 2]).deliveries(), [(3, 0), (4, 0), (5, 0)]);
}

#[test]
fn any_client_of_the_group_may_acknowledge() {
    let mut scene = Scene::new(from_start(), 3);
    scene.connect(1, 1).connect(2, 1);
    assert_eq!(scene.recipients(), [(1, 0), (2, 1)]);
    // The group does not ask who acknowledges: the slot of the one that held the event is freed.
    assert_eq!(scene.ack([0]).recipients(), [(1, 2)]);
}

#[test]
fn unknown_ids_are_ignored() {
    let mut scene = Scene::new(from_start(), 2);
    scene.connect(1, 1).deliveries();
    assert_eq!(scene.ack([7, 8]).nack([9], NackAction::Park).deliveries(), []);
    assert_eq!(scene.parked, []);
}

#[test]
fn a_refused_event_is_sent_again_at_once_with_its_retry_count_raised() {
    let mut scene = Scene::new(from_start(), 1);
    scene.connect(1, 1).deliveries();
    assert_eq!(scene.nack([0], NackAction::Retry).deliveries(), [(0, 1)]);
    assert_eq!(scene.nack([0], NackAction::Unknown).deliveries(), [(0, 2)]);
}

#[test]
fn the_sixth_delivery_has_retry_count_five() {
    let mut scene = Scene::new(from_start(), 1);
    scene.connect(1, 1);
    for _ in 0..5 {
        scene.nack([0], NackAction::Retry);
    }
    assert_eq!(scene.deliveries(), [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (0, 5)]);
}

#[test]
fn an_event_is_sent_once_more_than_its_retries_and_then_parked() {
    let mut scene = Scene::new(retries(3, SECOND), 1);
    scene.connect(1, 1);
    for _ in 0..4 {
        scene.nack([0], NackAction::Retry);
    }
    assert_eq!(scene.deliveries(), [(0, 0), (0, 1), (0, 2), (0, 3)]);
    assert_eq!(scene.parked_targets(), ["0@orders-1"]);
    assert!(scene.parked[0].1.contains("Reached retry count of 3"), "{}", scene.parked[0].1);
}

#[test]
fn no_retries_allowed_parks_at_the_first_refusal_or_timeout() {
    let mut scene = Scene::new(retries(0, SECOND), 2);
    scene.connect(1, 2);
    scene.nack([0], NackAction::Retry).pass(SECOND);
    assert_eq!(scene.parked_targets(), ["0@orders-1", "1@orders-1"]);
}

#[test]
fn stop_is_the_same_as_skip() {
    let mut scene = Scene::new(Settings { max_checkpoint_count: 1, ..from_start() }, 2);
    scene.connect(1, 1).deliveries();
    assert_eq!(scene.nack([0], NackAction::Stop).deliveries(), [(1, 0)]);
    assert_eq!(scene.checkpoints, [0]);
    assert_eq!(scene.dropped, [0; 0]);
}

#[test]
fn with_one_slot_a_timed_out_event_comes_before_the_next_ones() {
    let mut scene = Scene::new(retries(10, SECOND), 3);
    scene.connect(1, 1).pass(SECOND);
    scene.ack([0]).ack([1]).ack([2]);
    assert_eq!(scene.deliveries(), [(0, 0), (0, 1), (1, 0), (2, 0)]);
}

#[test]
fn with_ten_slots_a_timed_out_event_comes_after_those_in_flight() {
    let mut scene = Scene::new(retries(10, SECOND), 3);
    scene.connect(1, 10).ack([1, 2]).pass(SECOND);
    assert_eq!(scene.deliveries(), [(0, 0), (1, 0), (2, 0), (0, 1)]);
}

#[test]
fn timeouts_are_seen_on_the_tick_only_and_not_early() {
    let mut scene = Scene::new(retries(10, SECOND), 1);
    scene.connect(1, 1).deliveries();
    assert_eq!(scene.pass(Duration::from_millis(999)).deliveries(), []);
    assert_eq!(scene.pass(Duration::from_millis(1)).deliveries(), [(0, 1)]);
}

#[test]
fn a_timeout_of_zero_runs_out_at_the_next_tick() {
    let mut scene = Scene::new(retries(10, Duration::ZERO), 1);
    scene.connect(1, 1).deliveries();
    assert_eq!(scene.pass(Duration::ZERO).deliveries(), [(0, 1)]);
}

#[test]
fn an_acknowledgement_after_the_timeout_does_nothing_while_the_event_waits() {
    let mut scene = Scene::new(retries(10, SECOND), 1);
    scene.connect(1, 1).disconnect(1).deliveries();
    assert_eq!(scene.ack([0]).connect(2, 1).deliveries(), [(0, 1)]);
}

#[test]
fn an_unacknowledged_event_is_parked_and_the_next_ones_follow() {
    let mut scene = Scene::new(retries(3, Duration::from_millis(100)), 3);
    scene.connect(1, 1);
    for _ in 0..4 {
        scene.pass(SECOND);
    }
    scene.ack([1]).ack([2]);
    assert_eq!(scene.deliveries(), [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (2, 0)]);
    assert_eq!(scene.parked_targets(), ["0@orders-1"]);
}

#[test]
fn what_a_client_held_goes_to_the_others_at_once_when_it_leaves() {
    let mut scene = Scene::new(from_start(), 2);
    scene.connect(1, 1).connect(2, 2);
    assert_eq!(scene.recipients(), [(1, 0), (2, 1)]);
    scene.disconnect(1);
    assert_eq!(scene.sent, [Sent { client: 2, revision: 0, retry_count: 1 }]);
}

#[test]
fn what_a_leaving_client_held_keeps_its_order_and_comes_before_new_events() {
    let mut scene = Scene::new(from_start(), 6);
    scene.connect(1, 3).disconnect(1).deliveries();
    assert_eq!(scene.connect(2, 4).deliveries(), [(0, 1), (1, 1), (2, 1), (3, 0)]);
}

#[test]
fn disconnects_alone_never_park() {
    let mut scene = Scene::new(retries(2, SECOND), 1);
    for _ in 0..5 {
        scene.connect(1, 1).disconnect(1);
    }
    assert_eq!(scene.connect(1, 1).deliveries().last(), Some(&(0, 5)));
    assert_eq!(scene.parked, []);
    scene.nack([0], NackAction::Retry);
    assert_eq!(scene.parked_targets(), ["0@orders-1"]);
}

#[test]
fn a_disconnect_of_nobody_changes_nothing() {
    let mut scene = Scene::new(from_start(), 1);
    scene.connect(1, 1).deliveries();
    assert_eq!(scene.disconnect(9).deliveries(), []);
}

#[test]
fn a_full_group_lets_nobody_in() {
    let mut scene = Scene::new(Settings { max_subscriber_count: 2, ..from_start() }, 0);
    scene.connect(1, 1).connect(2, 1);
    let refused = scene.group.connect(ClientId(3), 1, ClientIdentity::default(), scene.now);
    assert_eq!(refused, Err(super::super::ConnectError::Full { max_subscriber_count: 2 }));
    scene.disconnect(1).connect(3, 1);
}

#[test]
fn round_robin_alternates() {
    let mut scene = Scene::new(from_start(), 0);
    scene.connect(1, 10).connect(2, 10).append(4);
    assert_eq!(scene.recipients(), [(1, 0), (2, 1), (1, 2), (2, 3)]);
}

#[test]
fn dispatch_to_single_sends_to_one_until_it_is_full() {
    let settings = Settings { strategy: ConsumerStrategy::DispatchToSingle, ..from_start() };
    let mut scene = Scene::new(settings, 0);
    scene.connect(1, 2).connect(2, 10).append(4);
    assert_eq!(scene.recipients(), [(1, 0), (1, 1), (2, 2), (2, 3)]);
}

#[test]
fn a_full_pinned_client_keeps_its_events_waiting_while_others_proceed() {
    let settings = Settings { strategy: ConsumerStrategy::Pinned, ..from_start() };
    let mut scene = Scene::new(settings, 0);
    scene.connect(1, 1).connect(2, 10);
    // Unowned buckets go to the client with the fewest: the first stream to 1, the second to 2.
    scene.append_message(event(0).of("first")).append_message(event(1).of("second"));
    scene.append_message(event(2).of("first")).append_message(event(3).of("second"));
    assert_eq!(scene.recipients(), [(1, 0), (2, 1), (2, 3)]);
    assert_eq!(scene.ack([0]).recipients(), [(1, 2)]);
}

#[test]
fn a_second_event_with_the_id_of_one_in_flight_is_sent_and_counts_as_done() {
    let mut scene = Scene::new(Settings { max_checkpoint_count: 1, ..from_start() }, 0);
    scene.connect(1, 10).append(1).append_message(TestMessage { id: event(0).id, ..event(1) });
    assert_eq!(scene.deliveries(), [(0, 0), (1, 0)]);
    assert_eq!(scene.ack([0]).checkpoints, [1]);
}

#[test]
fn group_information_counts_slots_and_what_is_in_flight() {
    let mut scene = Scene::new(Settings { extra_statistics: true, ..from_start() }, 3);
    scene.connect(1, 10).pass(Duration::from_millis(30)).ack([0]);
    let info = scene.group.info(scene.now);
    assert_eq!(info.status, "Live");
    assert_eq!((info.total_items, info.total_in_flight, info.outstanding_count), (1, 2, 2));
    assert_eq!(info.last_known, Some(GroupPosition::Stream(2)));
    let client = &info.connections[0];
    assert_eq!((client.available_slots, client.in_flight, client.total_items), (8, 2, 1));
    assert_eq!(client.connection_name, "<unknown>");
    assert!(client.measurements.iter().all(|measurement| measurement.value_ms == 30));
    assert_eq!((client.count_since_last_measurement, info.count_since_last_measurement), (1, 1));
    assert_eq!(scene.group.info(scene.now).count_since_last_measurement, 0);
}

#[test]
fn latencies_are_not_measured_without_extra_statistics() {
    let mut scene = Scene::new(from_start(), 1);
    scene.connect(1, 1).ack([0]);
    assert_eq!(scene.group.info(scene.now).connections[0].measurements, []);
}
