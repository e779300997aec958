//! Checkpoints, and what resumes from them; history and live.

use std::time::Duration;

use cutover_engines::event_log::eventstoredb::grpc::wire::Empty;
use cutover_engines::event_log::eventstoredb::grpc::wire::operations::operations_client::OperationsClient;
use eventstore::{NakAction, PersistentSubscriptionOptions};

use super::{STREAM, deliveries, first, from_start, group};

/// Returns options under which every completed event is a checkpoint.
fn every_event() -> PersistentSubscriptionOptions {
    from_start().checkpoint_lower_bound(1).checkpoint_upper_bound(1)
}

#[tokio::test]
async fn c42_checkpoint_is_the_last_contiguous_event() {
    let consumers = group(4, &every_event()).await;
    let mut consumer = consumers.connect(10).await;
    let events = consumer.take(4).await;

    consumer.ack(&[&events[0].0, &events[1].0]).await;
    assert_eq!(consumers.checkpoint_after(2).await, Some(1));

    let stored = consumers.server.resolved("$persistentsubscription-orders-1::consumers-checkpoint").await;
    let newest = stored.last().unwrap().get_original_event();
    assert_eq!((newest.event_type.as_str(), &newest.data[..]), ("$SubscriptionCheckpoint", &b"\"1\""[..]));
}

#[tokio::test]
async fn c42_event_zero_alone_is_a_checkpoint() {
    let consumers = group(4, &every_event()).await;
    let mut consumer = consumers.connect(10).await;
    let events = consumer.take(4).await;

    consumer.ack(&[&events[0].0]).await;

    assert_eq!(consumers.checkpoint_after(1).await, Some(0));
}

#[tokio::test]
async fn c42_checkpoint_does_not_pass_an_event_that_is_outstanding_or_to_be_retried() {
    let consumers = group(4, &every_event()).await;
    let mut consumer = consumers.connect(4).await;
    let events = consumer.take(4).await;

    consumer.ack(&[&events[1].0, &events[2].0]).await;
    assert_eq!(consumers.checkpoint_after(2).await, None);
    drop(consumer);
    consumers.until(|info| info.stats.retry_buffer_count == 2).await;
    assert_eq!(consumers.checkpoint_after(2).await, None);

    let mut consumer = consumers.connect(4).await;
    assert_eq!(consumer.take_and_ack(2).await, [(0, 1), (3, 1)]);
    assert_eq!(consumers.checkpoint_after(4).await, Some(3));
}

#[tokio::test]
async fn c42_parked_event_counts_as_complete() {
    let consumers = group(1, &every_event()).await;
    let mut consumer = consumers.connect(10).await;
    let event = consumer.one().await;

    consumer.nack(&[&event], NakAction::Park).await;

    let info = consumers.until_parked(1).await;
    assert_eq!(info.stats.last_checkpointed_event_revision, Some(0));
}

#[tokio::test]
async fn c43_enough_acknowledgements_are_a_checkpoint_on_the_tick() {
    let consumers = group(10, &from_start().checkpoint_lower_bound(5)).await;
    let mut consumer = consumers.connect(10).await;
    let events = consumer.take(10).await;

    for (event, _) in &events[..5] {
        consumer.ack(&[event]).await;
    }
    assert_eq!(consumers.checkpoint_after(5).await, None);
    consumers.pass(Duration::from_secs(1));
    assert_eq!(consumers.checkpoint_after(5).await, Some(4));

    for (event, _) in &events[5..9] {
        consumer.ack(&[event]).await;
    }
    consumers.checkpoint_after(9).await;
    consumers.pass(Duration::from_secs(60));
    assert_eq!(consumers.checkpoint_after(9).await, Some(4));
}

#[tokio::test]
async fn c44_updated_group_resumes_right_after_its_checkpoint() {
    let consumers = group(5, &every_event()).await;
    let mut consumer = consumers.connect(10).await;
    let events = consumer.take(5).await;
    consumer.ack(&[&events[0].0, &events[1].0]).await;
    assert_eq!(consumers.checkpoint_after(2).await, Some(1));

    let client = &consumers.server.client;
    client.update_persistent_subscription(STREAM, "consumers", &Default::default()).await.unwrap();

    let mut consumer = consumers.connect(10).await;
    consumers.server.fill(STREAM, 1).await;
    assert_eq!(deliveries(&consumer.take(4).await), first(2..6));
}

#[tokio::test]
async fn checkpoint_survives_a_restart_of_the_subsystem() {
    let consumers = group(5, &every_event()).await;
    let mut consumer = consumers.connect(10).await;
    let events = consumer.take(5).await;
    consumer.ack(&[&events[0].0]).await;
    consumers.checkpoint_after(1).await;

    let client = &consumers.server.client;
    client.restart_persistent_subscription_subsystem(&Default::default()).await.unwrap();

    let dropped = consumer.next_event().await;
    assert!(matches!(dropped, Err(eventstore::Error::IllegalStateError(_))), "{dropped:?}");
    assert_eq!(deliveries(&consumers.connect(10).await.take(4).await), first(1..5));
}

#[tokio::test]
async fn restart_that_an_administrator_asks_for_is_the_same() {
    let consumers = group(1, &every_event()).await;
    let mut consumer = consumers.connect(10).await;
    consumer.one().await;

    let address = format!("http://{}", consumers.server.handle.address());
    let mut operations = OperationsClient::connect(address).await.unwrap();
    operations.restart_persistent_subscriptions(Empty {}).await.unwrap();

    let dropped = consumer.next_event().await;
    assert!(matches!(dropped, Err(eventstore::Error::IllegalStateError(_))), "{dropped:?}");
    assert_eq!(deliveries(&consumers.connect(10).await.take(1).await), first(0..1));
}

#[tokio::test]
async fn c50_nothing_is_lost_or_repeated_between_history_and_live() {
    let options = from_start().read_batch_size(10).history_buffer_size(20).live_buffer_size(10);
    let options = options.resolve_link_tos(true).checkpoint_upper_bound(10);
    let consumers = group(250, &options).await;
    let mut consumer = consumers.connect(10).await;

    let appending = async {
        for _ in 0..25 {
            consumers.server.fill(STREAM, 10).await;
        }
    };
    let (delivered, ()) = tokio::join!(consumer.take_and_ack(500), appending);

    assert_eq!(delivered, first(0..500));
    let info = consumers.until_outstanding(0).await;
    assert_eq!(info.status, "Live");
}
