//! Parking and replay.

use super::*;

#[test]
fn a_parked_event_is_a_link_with_the_reason() {
    let mut scene = Scene::new(from_start(), 2);
    scene.connect(1, 10).nack([1], NackAction::Park);
    assert_eq!(scene.parked_targets(), ["1@orders-1"]);
    let metadata: serde_json::Value = serde_json::from_str(&scene.parked[0].1).unwrap();
    assert_eq!(metadata["reason"], "Client explicitly NAK'ed message.\nbecause");
    assert_eq!(metadata["subscriptionEventNumber"], 1);
    assert_eq!(metadata["added"], "1970-01-12T13:46:40Z");
}

#[test]
fn parked_events_are_replayed_in_parked_order_ahead_of_new_ones() {
    let mut scene = Scene::new(from_start(), 10);
    scene.connect(1, 10).nack([3, 1, 2], NackAction::Park).disconnect(1).deliveries();
    scene.append(1).replay(None).connect(2, 100);
    let retried_first: Vec<(u64, u32)> = [0, 4, 5, 6, 7, 8, 9].map(|revision| (revision, 1)).into();
    let then_replayed = vec![(3, 0), (1, 0), (2, 0)];
    let then_new = vec![(10, 0)];
    assert_eq!(scene.deliveries(), [retried_first, then_replayed, then_new].concat());
}

#[test]
fn a_replay_cuts_off_what_it_has_read() {
    let mut scene = Scene::new(from_start(), 3);
    scene.connect(1, 10).nack([0, 1, 2], NackAction::Park).replay(None);
    assert_eq!(scene.parked_before, 3);
    assert_eq!(scene.parked_targets(), [""; 0]);
}

#[test]
fn a_replay_stops_before_the_revision_it_was_given() {
    let mut scene = Scene::new(from_start(), 3);
    scene.connect(1, 10).nack([0, 1, 2], NackAction::Park).deliveries();
    assert_eq!(scene.replay(Some(1)).deliveries(), [(0, 0)]);
    assert_eq!(scene.parked_targets(), ["1@orders-1", "2@orders-1"]);
    // The stop is a revision of the parked stream and not a count.
    assert_eq!(scene.replay(Some(1)).deliveries(), []);
    assert_eq!(scene.replay(Some(2)).deliveries(), [(1, 0)]);
}

#[test]
fn a_long_replay_goes_page_by_page() {
    let mut scene = Scene::new(Settings { read_batch_size: 3, ..from_start() }, 10);
    scene.connect(1, 10).nack(0..10, NackAction::Park).deliveries();
    let expected: Vec<(u64, u32)> = (0..10).map(|revision| (revision, 0)).collect();
    assert_eq!(scene.replay(None).deliveries(), expected);
    assert_eq!(scene.parked_before, 10);
}

#[test]
fn a_replay_of_nothing_does_nothing() {
    let mut scene = Scene::new(from_start(), 1);
    assert_eq!(scene.connect(1, 10).replay(None).replay(Some(0)).deliveries(), times(1, (0, 0)));
    assert_eq!(scene.parked_before, 0);

    let mut group: Group<TestMessage> = Group::new(Settings::default(), None, Timestamp::default());
    group.replay_parked(ParkedRange { first: 3, end: 3 }, None);
    group.replay_parked(ParkedRange { first: 3, end: 5 }, Some(2));
    assert_eq!(group.poll_output(), None, "not even the parked stream is read");
}

#[test]
fn a_second_replay_during_the_first_does_nothing() {
    let mut group: Group<TestMessage> = Group::new(Settings::default(), None, Timestamp::default());
    group.replay_parked(ParkedRange { first: 0, end: 2 }, None);
    group.replay_parked(ParkedRange { first: 0, end: 2 }, None);
    assert!(matches!(group.poll_output(), Some(Output::ReadParked { .. })));
    assert_eq!(group.poll_output(), None);
    assert_eq!(group.info(Timestamp::default()).status, "ReplayingParkedMessages, Live");
}

#[test]
fn a_replay_that_cannot_read_on_cuts_off_only_what_it_has_read() {
    let settings = Settings { read_batch_size: 2, ..Settings::default() };
    let mut group: Group<TestMessage> = Group::new(settings, None, Timestamp::default());
    group.replay_parked(ParkedRange { first: 0, end: 6 }, None);
    let Some(Output::ReadParked { request, .. }) = group.poll_output() else { panic!("the lot is read") };
    group.parked_page_arrived(request, vec![event(0), event(1)], 2, false, Timestamp::default());
    let Some(Output::ReadParked { request, from: 2, .. }) = group.poll_output() else {
        panic!("the lot is read on")
    };
    group.parked_page_failed(request);
    assert_eq!(group.poll_output(), Some(Output::TruncateParked { before: 2 }));
}

#[test]
fn a_replayed_event_is_answered_by_the_id_of_the_parked_link() {
    let mut scene = Scene::new(from_start(), 2);
    scene.connect(1, 1).nack([0], NackAction::Park).ack([1]).deliveries();
    scene.replay(None).deliveries();
    scene.ack([0]);
    assert_eq!(scene.group.info(scene.now).outstanding_count, 1);
    scene.group.acknowledge([parked_id(0)], scene.now);
    assert_eq!(scene.group.info(scene.now).outstanding_count, 0);
}

#[test]
fn a_replayed_event_that_fails_again_is_parked_as_a_new_link_to_the_event_itself() {
    let mut scene = Scene::new(Settings { max_retry_count: 1, ..from_start() }, 1);
    scene.connect(1, 1).nack([0], NackAction::Park).replay(None);
    let id = vec![parked_id(0)];
    scene.nack_ids(id.clone(), NackAction::Retry).nack_ids(id, NackAction::Retry);
    assert_eq!(scene.deliveries(), [(0, 0), (0, 0), (0, 1)]);
    assert_eq!(scene.parked_targets(), ["0@orders-1"]);
    assert_eq!(scene.parked.len(), 2);
}

#[test]
fn a_parked_write_that_fails_for_a_while_is_tried_again() {
    let mut scene = Scene::new(from_start(), 1);
    scene.park_faults = 5;
    scene.connect(1, 1).nack([0], NackAction::Park);
    assert_eq!(scene.parked_targets(), ["0@orders-1"]);
    assert_eq!(scene.deliveries(), times(1, (0, 0)));
}

#[test]
fn an_event_that_the_store_will_not_park_goes_back_to_the_clients() {
    let mut scene = Scene::new(Settings { max_checkpoint_count: 1, ..from_start() }, 1);
    scene.park_faults = 6;
    scene.connect(1, 1).nack([0], NackAction::Park);
    assert_eq!(scene.parked_targets(), [""; 0]);
    assert_eq!(scene.deliveries(), times(2, (0, 0)));
    assert_eq!(scene.checkpoints, [0; 0]);
    assert_eq!(scene.nack([0], NackAction::Park).parked_targets(), ["0@orders-1"]);
    assert_eq!(scene.checkpoints, [0]);
}

#[test]
fn a_failed_write_keeps_the_order_of_the_parked_stream() {
    let mut scene = Scene::new(from_start(), 3);
    scene.park_faults = 2;
    scene.connect(1, 3).nack([0, 1, 2], NackAction::Park);
    assert_eq!(scene.parked_targets(), ["0@orders-1", "1@orders-1", "2@orders-1"]);
}

#[test]
fn the_slot_of_an_event_is_taken_until_its_parking_is_stored() {
    let mut group: Group<TestMessage> = Group::new(Settings::default(), None, Timestamp::default());
    group.connect(ClientId(1), 1, ClientIdentity::default(), Timestamp::default()).unwrap();
    group.event_committed(event(0), Timestamp::default());
    group.event_committed(event(1), Timestamp::default());
    assert!(matches!(group.poll_output(), Some(Output::Push { .. })));
    group.refuse([event(0).id], NackAction::Park, "", Timestamp::default());
    let Some(Output::Park { ticket, .. }) = group.poll_output() else { panic!("the event is parked") };
    assert_eq!(group.poll_output(), None);
    assert_eq!(group.info(Timestamp::default()).outstanding_count, 1);
    group.park_stored(ticket, Timestamp::default());
    assert!(matches!(group.poll_output(), Some(Output::Push { .. })));
}
