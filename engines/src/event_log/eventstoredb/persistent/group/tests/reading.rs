//! History and live, and the way between them; updates and deletion.

use super::*;

fn small_buffers() -> Settings {
    Settings { read_batch_size: 10, history_buffer_size: 20, live_buffer_size: 5, ..from_start() }
}

#[test]
fn a_start_is_inclusive() {
    let start_from = StartFrom::Position(GroupPosition::Stream(2));
    let mut scene = Scene::new(Settings { start_from, ..Settings::default() }, 4);
    assert_eq!(scene.connect(1, 10).deliveries(), [(2, 0), (3, 0)]);
}

#[test]
fn a_start_beyond_the_end_waits_for_its_event() {
    let start_from = StartFrom::Position(GroupPosition::Stream(11));
    let mut scene = Scene::new(Settings { start_from, ..Settings::default() }, 10);
    scene.connect(1, 10).append(3);
    assert_eq!(scene.deliveries(), [(11, 0), (12, 0)]);
}

#[test]
fn a_start_at_the_end_takes_only_what_comes_later() {
    let mut scene = Scene::new(Settings::default(), 5);
    scene.connect(1, 10).append(1);
    assert_eq!(scene.deliveries(), [(5, 0)]);
}

#[test]
fn a_group_resumes_right_after_its_checkpoint() {
    let mut scene = Scene::resumed(from_start(), 5, Some(2));
    assert_eq!(scene.connect(1, 10).deliveries(), [(3, 0), (4, 0)]);
}

#[test]
fn a_stream_that_does_not_exist_yet_is_waited_for() {
    let mut scene = Scene::new(from_start(), 0);
    assert_eq!(scene.group.info(scene.now).status, "Live");
    assert_eq!(scene.connect(1, 1).append(1).deliveries(), [(0, 0)]);
}

#[test]
fn history_is_read_only_as_far_as_the_buffer_holds() {
    let mut scene = Scene::new(small_buffers(), 100);
    let info = scene.group.info(scene.now);
    assert_eq!((info.read_buffer_count, info.status.as_str()), (10, "Behind"));
    scene.connect(1, 1).ack([0]);
    assert_eq!(scene.group.info(scene.now).read_buffer_count, 18);
}

#[test]
fn a_page_is_never_larger_than_a_hundred() {
    let settings = Settings { read_batch_size: 400, ..from_start() };
    let mut group: Group<TestMessage> = Group::new(settings, None, Timestamp::default());
    let Some(Output::ReadPage { max_count, .. }) = group.poll_output() else { panic!("history is read") };
    assert_eq!(max_count, 100);
}

#[test]
fn nothing_is_lost_or_repeated_between_behind_and_live() {
    let mut scene = Scene::new(small_buffers(), 250);
    scene.connect(1, 10);
    let mut acked = 0;
    // Live events come faster than they are acknowledged, so the group falls behind again and again.
    while scene.stream.len() < 500 {
        scene.append(3).ack([acked, acked + 1]);
        acked += 2;
    }
    let events = scene.stream.len() as u64;
    while acked < events {
        scene.ack([acked]);
        acked += 1;
    }
    let expected: Vec<(u64, u32)> = (0..events).map(|revision| (revision, 0)).collect();
    assert_eq!(scene.deliveries(), expected);
    assert_eq!(scene.group.info(scene.now).status, "Live");
}

#[test]
fn what_is_committed_while_a_page_is_on_its_way_comes_once() {
    let mut scene = Scene::new(from_start(), 0);
    scene.stream = (0..3).map(event).collect();
    let mut group: Group<TestMessage> = Group::new(from_start(), None, scene.now);
    let Some(Output::ReadPage { request, from, max_count }) = group.poll_output() else {
        panic!("history is read")
    };
    let page = scene.page(from, max_count);
    group.event_committed(event(3), scene.now);
    group.page_arrived(request, page, scene.now);
    scene.group = group;
    assert_eq!(scene.connect(1, 10).deliveries(), [(0, 0), (1, 0), (2, 0), (3, 0)]);
}

#[test]
fn a_page_that_failed_is_asked_for_again_on_the_tick() {
    let mut group: Group<TestMessage> = Group::new(from_start(), None, Timestamp::default());
    let Some(Output::ReadPage { request, .. }) = group.poll_output() else { panic!("history is read") };
    group.page_failed(request);
    group.tick(Timestamp::default());
    assert!(matches!(group.poll_output(), Some(Output::ReadPage { .. })));
}

#[test]
fn clients_of_a_source_that_cannot_be_read_are_let_in_and_dropped() {
    let mut scene = Scene::new(Settings::default(), 0);
    scene.hold_pages = true;
    scene.update(from_start()).connect(1, 1);
    let request = super::super::RequestId(1);
    scene.group.source_failed(request);
    scene.run().connect(2, 1);
    assert_eq!(scene.dropped, [1, 2]);
}

#[test]
fn an_old_answer_to_a_read_is_ignored_after_an_update() {
    let mut group: Group<TestMessage> = Group::new(from_start(), None, Timestamp::default());
    let Some(Output::ReadPage { request: old, .. }) = group.poll_output() else { panic!("history is read") };
    group.update(from_start(), Timestamp::default());
    let page = ReadPage { items: vec![PageItem::Event(event(9))], next: ReadFrom::Beginning, is_end: true };
    group.page_arrived(old, page, Timestamp::default());
    assert_eq!(group.info(Timestamp::default()).read_buffer_count, 0);
}

#[test]
fn an_update_drops_the_clients_and_resumes_from_the_stored_checkpoint() {
    let mut scene = Scene::new(Settings { max_checkpoint_count: 1, ..from_start() }, 5);
    scene.connect(1, 10).ack([0, 1]).deliveries();
    // The default of the Rust client starts at the end, but a checkpoint comes first.
    scene.update(Settings::default());
    assert_eq!(scene.dropped, [1]);
    assert_eq!(scene.connect(2, 10).deliveries(), [(2, 0), (3, 0), (4, 0)]);
}

#[test]
fn an_update_without_a_checkpoint_resumes_from_the_new_start() {
    let mut scene = Scene::new(from_start(), 5);
    scene.connect(1, 10).update(Settings::default()).deliveries();
    assert_eq!(scene.connect(2, 10).append(1).deliveries(), [(5, 0)]);
}

#[test]
fn a_deletion_drops_the_clients_and_removes_the_streams() {
    let mut scene = Scene::new(from_start(), 1);
    scene.connect(1, 1).connect(2, 1);
    scene.group.delete();
    scene.run();
    assert_eq!(scene.dropped, [1, 2]);
    assert!(scene.deleted);
}

#[test]
fn the_status_names_every_flag_that_is_set() {
    let mut scene = Scene::new(Settings::default(), 0);
    assert_eq!(scene.group.info(scene.now).status, "Live");
    scene.hold_pages = true;
    scene.update(from_start());
    assert_eq!(scene.group.info(scene.now).status, "Behind, OutstandingPageRequest");
}

#[test]
fn a_skipped_event_before_the_start_does_not_move_it_back() {
    let start_from = StartFrom::Position(GroupPosition::Stream(5));
    let mut scene = Scene::new(Settings { start_from, ..from_start() }, 0);
    scene.hidden.insert(2);
    assert_eq!(scene.append(7).connect(1, 10).deliveries(), [(5, 0), (6, 0)]);
}
