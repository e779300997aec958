//! Which checkpoint is written, and when.

use super::*;

fn every(count: u64) -> Settings {
    Settings { max_checkpoint_count: count, min_checkpoint_count: count, ..from_start() }
}

#[test]
fn acknowledging_the_first_two_of_four_writes_the_second() {
    let mut scene = Scene::new(every(1), 4);
    assert_eq!(scene.connect(1, 10).ack([0, 1]).checkpoints, [1]);
}

#[test]
fn event_zero_alone_is_written() {
    let mut scene = Scene::new(every(1), 4);
    assert_eq!(scene.connect(1, 10).ack([0]).checkpoints, [0]);
}

#[test]
fn an_outstanding_event_holds_the_checkpoint_back() {
    let mut scene = Scene::new(every(1), 4);
    scene.connect(1, 10).ack([1, 2, 3]);
    assert_eq!(scene.checkpoints, [0; 0]);
    assert_eq!(scene.ack([0]).checkpoints, [3]);
}

#[test]
fn an_event_that_waits_to_be_sent_again_holds_the_checkpoint_back() {
    let mut scene = Scene::new(every(1), 4);
    scene.connect(1, 4).ack([0]).disconnect(1);
    assert_eq!(scene.connect(2, 4).ack([2, 3]).checkpoints, [0]);
    assert_eq!(scene.ack([1]).checkpoints, [0, 3]);
}

#[test]
fn a_parked_event_counts_as_complete() {
    let mut scene = Scene::new(every(1), 2);
    assert_eq!(scene.connect(1, 10).nack([0], NackAction::Park).checkpoints, [0]);
}

#[test]
fn enough_acknowledgements_wait_for_the_tick_below_the_maximum() {
    let settings = Settings { max_checkpoint_count: 1000, min_checkpoint_count: 5, ..from_start() };
    let mut scene = Scene::new(settings, 10);
    assert_eq!(scene.connect(1, 10).ack(0..5).checkpoints, [0; 0]);
    assert_eq!(scene.pass(Duration::ZERO).checkpoints, [4]);
}

#[test]
fn too_few_acknowledgements_write_nothing_on_the_tick() {
    let settings = Settings { max_checkpoint_count: 1000, min_checkpoint_count: 5, ..from_start() };
    let mut scene = Scene::new(settings, 10);
    scene.connect(1, 10).ack(0..4).pass(Duration::from_secs(100));
    assert_eq!(scene.checkpoints, [0; 0]);
}

#[test]
fn a_checkpoint_that_the_store_refused_is_written_later() {
    let mut scene = Scene::new(every(1), 2);
    scene.checkpoint_faults = 1;
    scene.connect(1, 10).ack([0]);
    scene.pass(Duration::from_secs(10));
    assert_eq!(scene.checkpoints, [0]);
}

#[test]
fn replayed_events_never_count() {
    let mut scene = Scene::new(every(1), 2);
    scene.connect(1, 10).nack([0], NackAction::Park).ack([1]);
    scene.replay(None).nack_ids(vec![parked_id(0)], NackAction::Skip);
    assert_eq!(scene.checkpoints, [0, 1]);
}

#[test]
fn events_that_the_filter_skips_advance_the_checkpoint() {
    let mut scene = Scene::new(Settings::default(), 0);
    scene.stream = (0..6).map(event).collect();
    scene.hidden = [1, 2, 4, 5].into();
    scene.update(every(1)).connect(1, 10);
    assert_eq!(scene.deliveries(), [(0, 0), (3, 0)]);
    assert_eq!(scene.ack([3]).checkpoints, [0; 0]);
    assert_eq!(scene.ack([0]).checkpoints, [5]);
}

#[test]
fn live_events_that_the_filter_skips_advance_it_without_any_client() {
    let mut scene = Scene::new(every(2), 0);
    scene.hidden = [0, 1].into();
    assert_eq!(scene.append(2).checkpoints, [1]);
}

#[test]
fn group_information_shows_the_last_checkpoint_that_is_stored() {
    let mut scene = Scene::new(every(1), 2);
    assert_eq!(scene.group.info(scene.now).last_checkpointed, None);
    scene.connect(1, 1).ack([0]);
    assert_eq!(scene.group.info(scene.now).last_checkpointed, Some(GroupPosition::Stream(0)));
}
