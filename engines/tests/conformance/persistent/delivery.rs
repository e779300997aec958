//! Retries, timeouts, disconnects, parking and replay.

use std::time::Duration;

use cutover_engines::event_log::eventstoredb::grpc::wire::persistent_subscriptions::read_req::{
    self, options,
};
use cutover_engines::event_log::eventstoredb::grpc::wire::persistent_subscriptions::{ReadReq, read_resp};
use cutover_engines::event_log::eventstoredb::grpc::wire::{self, Empty};
use eventstore::{
    Error, EventData, ExpectedRevision, NakAction, ReplayParkedMessagesOptions,
    SubscribeToPersistentSubscriptionOptions,
};

use super::{Consumer, GROUP, STREAM, consumers, deliveries, first, from_start, group, revision};
use crate::support::stream_identifier;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn c36_event_that_the_start_waits_for_is_the_first_delivered() {
    let start = from_start().start_from(eventstore::StreamPosition::Position(11));
    let consumers = group(11, &start).await;
    let mut consumer = consumers.connect(10).await;

    consumers.server.fill(STREAM, 1).await;

    assert_eq!(revision(&consumer.one().await), 11);
}

#[tokio::test]
async fn c37_sixth_delivery_has_retry_count_five() {
    let consumers = group(1, &from_start()).await;
    let mut consumer = consumers.connect(10).await;

    let mut counts = Vec::new();
    loop {
        let (event, retry_count) = consumer.next_event().await.unwrap();
        counts.push(retry_count);
        if retry_count > 4 {
            break;
        }
        consumer.nack(&[&event], NakAction::Retry).await;
    }

    assert_eq!(counts, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn c38_with_one_slot_a_timed_out_event_comes_before_the_next() {
    let consumers = group(3, &from_start().message_timeout(SECOND)).await;
    let mut consumer = consumers.connect(1).await;

    let unanswered = consumer.take(1).await;
    consumers.pass(SECOND);
    let rest = consumer.take_and_ack(3).await;

    assert_eq!(deliveries(&unanswered), [(0, 0)]);
    assert_eq!(rest, [(0, 1), (1, 0), (2, 0)]);
}

#[tokio::test]
async fn c38_with_ten_slots_a_timed_out_event_comes_after_those_in_flight() {
    let consumers = group(3, &from_start().message_timeout(SECOND)).await;
    let mut consumer = consumers.connect(10).await;

    let events = consumer.take(3).await;
    consumer.ack(&[&events[1].0, &events[2].0]).await;
    consumers.until_outstanding(1).await;
    consumers.pass(SECOND);

    assert_eq!(deliveries(&events), first(0..3));
    assert_eq!(deliveries(&consumer.take(1).await), [(0, 1)]);
}

#[tokio::test]
async fn c39_event_that_is_never_acknowledged_is_parked_after_its_retries_and_the_next_follow() {
    let options = from_start().message_timeout(Duration::from_millis(100)).max_retry_count(3);
    let consumers = group(3, &options).await;
    let mut consumer = consumers.connect(1).await;

    let mut unanswered = Vec::new();
    for _ in 0..4 {
        unanswered.extend(deliveries(&consumer.take(1).await));
        consumers.pass(SECOND);
    }
    let rest = consumer.take_and_ack(2).await;

    assert_eq!(unanswered, [(0, 0), (0, 1), (0, 2), (0, 3)]);
    assert_eq!(rest, first(1..3));
    consumers.until_parked(1).await;
}

#[tokio::test]
async fn c40_what_a_client_held_goes_to_the_other_when_it_leaves() {
    let consumers = group(0, &from_start()).await;
    let mut stays = consumers.connect(2).await;
    let mut leaves = consumers.connect(1).await;
    consumers.server.fill(STREAM, 2).await;
    assert_eq!(deliveries(&stays.take(1).await), [(0, 0)]);
    assert_eq!(deliveries(&leaves.take(1).await), [(1, 0)]);

    drop(leaves);

    assert_eq!(deliveries(&stays.take(1).await), [(1, 1)]);
}

/// Parks all events that the consumer gets, `count` of them.
async fn park(consumers: &super::Consumers, consumer: &mut Consumer, count: usize) {
    let events = consumer.take(count).await;
    let events: Vec<_> = events.iter().map(|(event, _)| event).collect();
    consumer.nack(&events, NakAction::Park).await;
    consumers.until_parked(count).await;
}

#[tokio::test]
async fn c41_parked_events_are_replayed_in_order_before_new_ones() {
    let consumers = group(10, &from_start()).await;
    let mut consumer = consumers.connect(10).await;
    park(&consumers, &mut consumer, 10).await;
    drop(consumer);
    consumers.until(|info| info.connections.is_empty()).await;
    consumers.server.fill(STREAM, 1).await;

    let client = &consumers.server.client;
    client.replay_parked_messages(STREAM, GROUP, &ReplayParkedMessagesOptions::default()).await.unwrap();

    let mut consumer = consumers.connect(20).await;
    let replayed = consumer.take(10).await;
    assert_eq!(deliveries(&replayed), first(0..10));
    assert_eq!(deliveries(&consumer.take(1).await), [(10, 0)]);
    consumers.until_parked(0).await;

    // Although the group does not resolve links, the parked link comes along, and its id is what is acknowledged.
    assert!(replayed.iter().all(|(event, _)| event.link.is_some()));
    let replayed: Vec<_> = replayed.iter().map(|(event, _)| event).collect();
    consumer.ack(&replayed).await;
    consumers.until_outstanding(1).await;
}

#[tokio::test]
async fn c41_replay_stops_at_a_revision_of_the_parked_stream() {
    let consumers = group(10, &from_start()).await;
    let mut consumer = consumers.connect(20).await;
    park(&consumers, &mut consumer, 10).await;

    let stop = ReplayParkedMessagesOptions::default().stop_at(1);
    consumers.server.client.replay_parked_messages(STREAM, GROUP, &stop).await.unwrap();
    consumers.server.fill(STREAM, 1).await;

    assert_eq!(deliveries(&consumer.take(2).await), [(0, 0), (10, 0)]);
    consumers.until_parked(9).await;
}

#[tokio::test]
async fn c41_replay_of_an_unknown_group_is_not_found() {
    let consumers = consumers().await;
    let options = ReplayParkedMessagesOptions::default();
    let refused = consumers.server.client.replay_parked_messages(STREAM, GROUP, &options).await;
    assert!(matches!(refused, Err(Error::ResourceNotFound)), "{refused:?}");
}

#[tokio::test]
async fn c25_link_to_a_stream_with_at_signs_is_resolved_by_a_group() {
    let consumers = consumers().await;
    consumers.server.fill("target@me@com", 1).await;
    let link = EventData::binary("$>", "0@target@me@com".into());
    consumers.server.append(STREAM, ExpectedRevision::Any, vec![link]).await.unwrap();
    consumers.create(&from_start().resolve_link_tos(true)).await.unwrap();

    let event = consumers.connect(10).await.one().await;

    assert_eq!(event.event.as_ref().unwrap().stream_id, "target@me@com");
    assert_eq!(event.link.as_ref().unwrap().stream_id, STREAM);
}

#[tokio::test]
async fn parked_event_is_a_link_with_the_reason_in_the_groups_own_stream() {
    let consumers = group(2, &from_start()).await;
    let mut consumer = consumers.connect(10).await;
    let events = consumer.take(2).await;
    consumer.nack(&[&events[1].0], NakAction::Park).await;
    consumers.until_parked(1).await;

    let parked = consumers.server.resolved("$persistentsubscription-orders-1::consumers-parked").await;

    let link = parked[0].link.as_ref().unwrap();
    assert_eq!((link.event_type.as_str(), &link.data[..]), ("$>", &b"1@orders-1"[..]));
    let metadata: serde_json::Value = serde_json::from_slice(&link.custom_metadata).unwrap();
    assert_eq!(metadata["reason"], "Client explicitly NAK'ed message.\nbecause");
    assert_eq!(metadata["subscriptionEventNumber"], 1);
    assert_eq!(revision(&parked[0]), 1);
}

#[tokio::test]
async fn event_of_a_category_is_acknowledged_by_the_id_of_its_link() {
    let consumers = consumers().await;
    consumers.server.fill(STREAM, 3).await;
    let client = &consumers.server.client;
    let options = from_start().resolve_link_tos(true);
    client.create_persistent_subscription("$ce-orders", GROUP, &options).await.unwrap();
    let read = SubscribeToPersistentSubscriptionOptions::default().buffer_size(1);
    let subscription = client.subscribe_to_persistent_subscription("$ce-orders", GROUP, &read).await.unwrap();
    let mut consumer = Consumer { subscription };

    // With one slot, the next event comes only when the one before was acknowledged.
    assert_eq!(consumer.take_and_ack(3).await, first(0..3));
}

/// Asks to consume with the generated client.
fn to_consume(buffer_size: i32) -> ReadReq {
    let options = read_req::Options {
        stream_option: Some(options::StreamOption::StreamIdentifier(stream_identifier(STREAM))),
        group_name: GROUP.into(),
        buffer_size,
        uuid_option: Some(options::UuidOption {
            content: Some(options::uuid_option::Content::Structured(Empty {})),
        }),
    };
    ReadReq { content: Some(read_req::Content::Options(options)) }
}

#[tokio::test]
async fn consumer_without_room_for_an_event_is_refused() {
    let consumers = group(1, &from_start()).await;
    let mut raw = consumers.raw().await;
    for buffer_size in [0, -1] {
        let refused = raw.read(tokio_stream::iter([to_consume(buffer_size)])).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unknown, "{refused:?}");
    }
}

#[tokio::test]
async fn half_closed_call_goes_on_to_deliver() {
    let consumers = group(1, &from_start()).await;

    let mut raw = consumers.raw().await;
    let mut answers = raw.read(tokio_stream::iter([to_consume(10)])).await.unwrap().into_inner();

    let confirmation = answers.message().await.unwrap().unwrap().content.unwrap();
    let read_resp::Content::SubscriptionConfirmation(confirmation) = confirmation else {
        panic!("{confirmation:?} comes first")
    };
    assert_eq!(confirmation.subscription_id, "orders-1::consumers");
    let event = answers.message().await.unwrap().unwrap().content.unwrap();
    let read_resp::Content::Event(event) = event else { panic!("{event:?} is an event") };
    assert_eq!(event.count, Some(read_resp::read_event::Count::RetryCount(0)));
    let id = event.event.unwrap().id.unwrap().value.unwrap();
    assert!(matches!(id, wire::uuid::Value::Structured(_)), "{id:?} has the form that was asked for");
    consumers.server.fill(STREAM, 1).await;
    assert!(answers.message().await.unwrap().is_some());
}
