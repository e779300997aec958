//! Creating, changing, deleting and describing groups, and the errors of each.

use cutover_engines::event_log::eventstoredb::grpc::wire::Empty;
use cutover_engines::event_log::eventstoredb::grpc::wire::persistent_subscriptions::CreateReq;
use cutover_engines::event_log::eventstoredb::grpc::wire::persistent_subscriptions::create_req::{
    self, StreamOptions, options::StreamOption, settings, stream_options,
};
use eventstore::{
    Error, EventData, ExpectedRevision, PersistentSubscriptionOptions, PersistentSubscriptionToAllOptions,
    Position, RevisionOrPosition, StreamPosition, SubscribeToPersistentSubscriptionOptions,
    SubscriptionFilter,
};
use tonic::{Code, Status};

use super::{Consumer, GROUP, STREAM, consumers, from_start, group, revision};
use crate::support::{stream_identifier, trailer};

#[tokio::test]
async fn c33_group_cannot_be_created_or_deleted_twice() {
    let consumers = group(0, &PersistentSubscriptionOptions::default()).await;

    let again = consumers.create(&PersistentSubscriptionOptions::default()).await;
    assert!(matches!(again, Err(Error::ResourceAlreadyExists)), "{again:?}");

    let client = &consumers.server.client;
    client.delete_persistent_subscription(STREAM, GROUP, &Default::default()).await.unwrap();
    let again = client.delete_persistent_subscription(STREAM, GROUP, &Default::default()).await;
    assert!(matches!(again, Err(Error::ResourceNotFound)), "{again:?}");
}

/// Asks for a group with the generated client.
async fn refusal(strategy: &str, read_batch_size: i32) -> Status {
    let settings = create_req::Settings {
        read_batch_size,
        history_buffer_size: 500,
        live_buffer_size: 500,
        message_timeout: Some(settings::MessageTimeout::MessageTimeoutMs(1000)),
        checkpoint_after: Some(settings::CheckpointAfter::CheckpointAfterMs(1000)),
        consumer_strategy: strategy.into(),
        ..create_req::Settings::default()
    };
    let stream = StreamOptions {
        stream_identifier: Some(stream_identifier(STREAM)),
        revision_option: Some(stream_options::RevisionOption::Start(Empty {})),
    };
    let options = create_req::Options {
        stream_option: Some(StreamOption::Stream(stream)),
        group_name: GROUP.into(),
        settings: Some(settings),
        ..create_req::Options::default()
    };
    let mut raw = consumers().await.raw().await;
    raw.create(CreateReq { options: Some(options) }).await.expect_err("the group is refused")
}

#[tokio::test]
async fn c34_read_batch_as_large_as_the_history_buffer_is_refused() {
    let status = refusal("RoundRobin", 500).await;
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(trailer(&status, "exception"), "persistent-subscription-failed");
    assert_eq!(trailer(&status, "stream-name"), STREAM);
    assert_eq!(trailer(&status, "group-name"), GROUP);
    assert!(trailer(&status, "reason").contains("500"), "{status:?}");
}

#[tokio::test]
async fn c34_unknown_strategy_is_refused() {
    let status = refusal("InvalidStrategy", 20).await;
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(trailer(&status, "reason"), "Consumer strategy InvalidStrategy does not exist.");
}

#[tokio::test]
async fn c35_third_client_of_a_group_for_two_is_refused() {
    let consumers = group(0, &from_start().max_subscriber_count(2)).await;
    let _held = (consumers.connect(1).await, consumers.connect(1).await);

    match consumers.try_connect(1).await.map(|_| ()) {
        Err(Error::Grpc { code, message }) => {
            assert_eq!(code, Code::FailedPrecondition);
            assert!(message.starts_with("Maximum subscriptions reached"), "{message}");
        }
        other => panic!("{other:?} is no refusal"),
    }
}

#[tokio::test]
async fn c45_clients_are_dropped_by_an_update_and_by_a_deletion() {
    let consumers = group(0, &from_start()).await;
    let client = &consumers.server.client;

    let mut consumer = consumers.connect(1).await;
    client.update_persistent_subscription(STREAM, GROUP, &from_start()).await.unwrap();
    let dropped = consumer.next_event().await;
    assert!(matches!(dropped, Err(Error::IllegalStateError(_))), "{dropped:?}");

    let mut consumer = consumers.connect(1).await;
    client.delete_persistent_subscription(STREAM, GROUP, &Default::default()).await.unwrap();
    let dropped = consumer.next_event().await;
    assert!(matches!(dropped, Err(Error::IllegalStateError(_))), "{dropped:?}");

    let missing = consumers.try_connect(1).await.map(|_| ());
    assert!(matches!(missing, Err(Error::ResourceNotFound)), "{missing:?}");
}

#[tokio::test]
async fn c46_update_of_a_group_on_all_keeps_its_filter() {
    let consumers = consumers().await;
    let client = &consumers.server.client;
    let start = PersistentSubscriptionToAllOptions::default().start_from(StreamPosition::Start);
    let filtered = start.clone().filter(SubscriptionFilter::on_stream_name().add_prefix("wanted-"));
    client.create_persistent_subscription_to_all(GROUP, &filtered).await.unwrap();

    client.update_persistent_subscription_to_all(GROUP, &start).await.unwrap();
    for stream in ["other-1", "wanted-1", "other-2", "wanted-2"] {
        consumers.server.fill(stream, 1).await;
    }

    let read = SubscribeToPersistentSubscriptionOptions::default();
    let subscription = client.subscribe_to_persistent_subscription_to_all(GROUP, &read).await.unwrap();
    let events = Consumer { subscription }.take(2).await;
    let streams: Vec<_> = events.iter().map(|(event, _)| event.get_original_stream_id()).collect();
    assert_eq!(streams, ["wanted-1", "wanted-2"]);
}

#[tokio::test]
async fn c29_group_on_all_starts_with_the_event_at_its_position() {
    let consumers = consumers().await;
    consumers.server.fill(STREAM, 1).await;
    let written = consumers.server.fill("orders-2", 1).await;
    let client = &consumers.server.client;
    let options =
        PersistentSubscriptionToAllOptions::default().start_from(StreamPosition::Position(written.position));
    client.create_persistent_subscription_to_all(GROUP, &options).await.unwrap();

    let read = SubscribeToPersistentSubscriptionOptions::default();
    let subscription = client.subscribe_to_persistent_subscription_to_all(GROUP, &read).await.unwrap();
    let event = Consumer { subscription }.one().await;

    assert_eq!(event.get_original_stream_id(), "orders-2");
}

#[tokio::test]
async fn group_on_all_keeps_its_filter_and_its_place_over_a_restart() {
    let consumers = consumers().await;
    let client = &consumers.server.client;
    let options = PersistentSubscriptionToAllOptions::default()
        .start_from(StreamPosition::Start)
        .filter(SubscriptionFilter::on_stream_name().add_prefix("wanted-"))
        .checkpoint_lower_bound(1)
        .checkpoint_upper_bound(1);
    client.create_persistent_subscription_to_all(GROUP, &options).await.unwrap();
    for stream in ["wanted-1", "other-1", "wanted-2", "other-2", "wanted-3"] {
        consumers.server.fill(stream, 1).await;
    }
    let mut consumer = consumers.connect_to_all().await;
    let first = consumer.one().await;
    consumer.ack(&[&first]).await;
    consumers.until_checkpoint_in_all().await;

    client.restart_persistent_subscription_subsystem(&Default::default()).await.unwrap();

    let events = consumers.connect_to_all().await.take(2).await;
    let streams: Vec<_> = events.iter().map(|(event, _)| event.get_original_stream_id()).collect();
    assert_eq!(streams, ["wanted-2", "wanted-3"]);
}

#[tokio::test]
async fn group_on_all_from_a_place_that_is_no_record_serves_nobody() {
    let consumers = consumers().await;
    let written = consumers.server.fill(STREAM, 1).await.position.commit;
    let between = Position { commit: written + 1, prepare: written + 1 };
    let options = PersistentSubscriptionToAllOptions::default().start_from(StreamPosition::Position(between));
    consumers.server.client.create_persistent_subscription_to_all(GROUP, &options).await.unwrap();

    let dropped = consumers.connect_to_all().await.next_event().await;

    assert!(matches!(dropped, Err(Error::IllegalStateError(_))), "{dropped:?}");
}

#[tokio::test]
async fn updated_group_follows_links_from_then_on() {
    let consumers = consumers().await;
    consumers.server.fill("target", 1).await;
    let link = EventData::binary("$>", b"0@target".as_slice().into());
    consumers.server.append(STREAM, ExpectedRevision::Any, vec![link]).await.unwrap();
    consumers.create(&from_start()).await.unwrap();
    assert!(consumers.connect(1).await.one().await.link.is_none());

    let following = from_start().resolve_link_tos(true);
    consumers.server.client.update_persistent_subscription(STREAM, GROUP, &following).await.unwrap();

    let event = consumers.connect(1).await.one().await;
    assert_eq!(event.event.unwrap().stream_id, "target");
}

#[tokio::test]
async fn c29_group_on_all_starts_at_the_last_record_but_not_beyond_it() {
    let consumers = consumers().await;
    let store = consumers.server.handle.store();
    let last = store.read(|store, _| store.log().last().map(|record| record.position)).unwrap();
    let starting_at = |place| {
        let position = Position { commit: place, prepare: place };
        PersistentSubscriptionToAllOptions::default().start_from(StreamPosition::Position(position))
    };
    let client = &consumers.server.client;

    let beyond = client.create_persistent_subscription_to_all(GROUP, &starting_at(last + 1)).await;
    let there = client.create_persistent_subscription_to_all(GROUP, &starting_at(last)).await;

    let words = format!("lies beyond the last indexed position C:{last}");
    assert!(matches!(&beyond, Err(Error::ServerError(said)) if said.contains(&words)), "{beyond:?}");
    there.unwrap();
}

#[tokio::test]
async fn c48_group_information_tells_settings_and_clients() {
    let consumers = group(1, &from_start()).await;
    let mut consumer = consumers.connect(10).await;
    let event = consumer.one().await;

    let info = consumers.until_outstanding(1).await;

    assert_eq!(revision(&event), 0);
    assert_eq!((info.event_source.as_str(), info.group_name.as_str()), (STREAM, GROUP));
    assert_eq!(info.status, "Live");
    let settings = info.settings.unwrap();
    assert!(matches!(settings.start_from, StreamPosition::Start), "{:?}", settings.start_from);
    assert_eq!((settings.read_batch_size, settings.history_buffer_size), (20, 500));
    let client = &info.connections[0];
    assert_eq!((client.available_slots, client.in_flight_messages), (9, 1));
    assert_eq!(client.connection_name, "<unknown>");
    assert_eq!(client.username, "anonymous");
}

#[tokio::test]
async fn c48_group_of_the_clients_defaults_starts_at_the_end() {
    let consumers = group(0, &PersistentSubscriptionOptions::default()).await;
    let settings = consumers.info().await.unwrap().settings.unwrap();
    assert!(matches!(settings.start_from, StreamPosition::End), "{:?}", settings.start_from);
}

#[tokio::test]
async fn c48_group_on_all_tells_positions() {
    let consumers = consumers().await;
    let client = &consumers.server.client;
    client.create_persistent_subscription_to_all(GROUP, &Default::default()).await.unwrap();
    let info = client.get_persistent_subscription_info_to_all(GROUP, &Default::default()).await.unwrap();
    assert_eq!((info.event_source.as_str(), info.status.as_str()), ("$all", "Live"));
    assert!(matches!(info.settings.unwrap().start_from, StreamPosition::End));
}

#[tokio::test]
async fn c49_names_with_slashes_stay_as_they_are() {
    let consumers = consumers().await;
    let client = &consumers.server.client;
    client.create_persistent_subscription("/a/foo", "/b/foo", &from_start()).await.unwrap();
    let info =
        client.get_persistent_subscription_info("/a/foo", "/b/foo", &Default::default()).await.unwrap();
    assert_eq!((info.event_source.as_str(), info.group_name.as_str()), ("/a/foo", "/b/foo"));
}

#[tokio::test]
async fn groups_are_listed_by_stream_and_a_stream_that_never_had_one_is_not_found() {
    let consumers = consumers().await;
    let client = &consumers.server.client;
    assert!(client.list_all_persistent_subscriptions(&Default::default()).await.unwrap().is_empty());
    for stream in ["b-1", "a-1"] {
        client.create_persistent_subscription(stream, GROUP, &from_start()).await.unwrap();
    }

    let all = client.list_all_persistent_subscriptions(&Default::default()).await.unwrap();
    let sources: Vec<_> = all.iter().map(|info| info.event_source.as_str()).collect();
    assert_eq!(sources, ["a-1", "b-1"]);
    let start = &all[0].settings.as_ref().unwrap().start_from;
    assert!(!matches!(start, StreamPosition::Position(RevisionOrPosition::Position(_))), "{start:?}");

    let missing = client.list_persistent_subscriptions_for_stream("c-1", &Default::default()).await;
    assert!(matches!(missing, Err(Error::ResourceNotFound)), "{:?}", missing.map(|list| list.len()));
    client.delete_persistent_subscription("a-1", GROUP, &Default::default()).await.unwrap();
    let emptied = client.list_persistent_subscriptions_for_stream("a-1", &Default::default()).await.unwrap();
    assert!(emptied.is_empty());
}

#[tokio::test]
async fn groups_are_there_after_a_restart_but_for_the_deleted_ones() {
    let consumers = consumers().await;
    let client = &consumers.server.client;
    for name in ["one", "two", "deleted"] {
        client.create_persistent_subscription(STREAM, name, &from_start()).await.unwrap();
    }
    client.delete_persistent_subscription(STREAM, "deleted", &Default::default()).await.unwrap();
    client.update_persistent_subscription(STREAM, "one", &from_start()).await.unwrap();

    client.restart_persistent_subscription_subsystem(&Default::default()).await.unwrap();

    let all = client.list_all_persistent_subscriptions(&Default::default()).await.unwrap();
    assert_eq!(all.iter().map(|info| info.group_name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
}

#[tokio::test]
async fn group_goes_on_when_another_of_its_stream_is_deleted() {
    let consumers = group(0, &from_start()).await;
    let client = &consumers.server.client;
    client.create_persistent_subscription(STREAM, "another", &from_start()).await.unwrap();
    let mut consumer = consumers.connect(1).await;

    client.delete_persistent_subscription(STREAM, "another", &Default::default()).await.unwrap();
    consumers.server.fill(STREAM, 1).await;

    assert_eq!(revision(&consumer.one().await), 0);
}

#[tokio::test]
async fn group_that_was_deleted_starts_afresh_when_it_is_created_again() {
    let options = from_start().checkpoint_lower_bound(1).checkpoint_upper_bound(1);
    let consumers = group(3, &options).await;
    let mut consumer = consumers.connect(10).await;
    let events = consumer.take(3).await;
    consumer.ack(&[&events[0].0]).await;
    consumers.checkpoint_after(1).await;

    let client = &consumers.server.client;
    client.delete_persistent_subscription(STREAM, GROUP, &Default::default()).await.unwrap();
    consumers.create(&options).await.unwrap();

    assert_eq!(revision(&consumers.connect(10).await.one().await), 0);
}
