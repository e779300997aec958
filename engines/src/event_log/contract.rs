//! The promises of the port, each a function that panics when it is broken. Whoever brings an event store runs them all.
//!
//! Every promise makes streams and groups of its own, named after a fresh UUID, so that they can share one store.

use std::collections::BTreeSet;
use std::sync::Arc;

use cutover_core::ids::StreamName;
use uuid::Uuid;

use super::port::{
    Delivered, EventLog, ExpectedRevision, GroupId, GroupSettings, LogError, NewEvent, Subscription,
};

/// A category that no other promise uses, and a stream in it.
fn fresh_stream() -> (String, StreamName) {
    let category = format!("Contract{}", Uuid::new_v4().simple());
    let stream = StreamName::new(format!("{category}-{}", Uuid::new_v4()));
    (category, stream)
}

fn event(number: u32) -> NewEvent {
    NewEvent {
        id: Uuid::new_v4(),
        event_type: "Counted".into(),
        data: format!(r#"{{"number":{number}}}"#).into_bytes(),
        metadata: br#"{"source":"contract"}"#.to_vec(),
    }
}

fn events(count: u32) -> Vec<NewEvent> {
    (0..count).map(event).collect()
}

/// The group of a category stream: what the projection service uses.
async fn group_of_category(log: &dyn EventLog, category: &str) -> GroupId {
    let group = GroupId { stream: StreamName::new(format!("$ce-{category}")), group: "contract".into() };
    log.ensure_group(&group, &GroupSettings::default()).await.unwrap();
    group
}

async fn receive(subscription: &mut Subscription, count: usize) -> Vec<Delivered> {
    let mut received = Vec::new();
    while received.len() < count {
        received.extend(subscription.receiver.next(count - received.len()).await.unwrap());
    }
    received
}

fn revisions(deliveries: &[Delivered]) -> Vec<u64> {
    deliveries.iter().map(|delivered| delivered.event.as_ref().expect("a resolved link").revision).collect()
}

/// What was appended is read back as it was, in order, in pages.
pub async fn appended_events_are_read_back_in_order(log: Arc<dyn EventLog>) {
    let (_, stream) = fresh_stream();
    let written = events(5);
    let appended = log.append(&stream, ExpectedRevision::NoStream, written.clone()).await.unwrap();
    assert_eq!(appended.revision, 4);
    let mut read = log.read(&stream, 0, 3).await.unwrap();
    read.extend(log.read(&stream, 3, 3).await.unwrap());
    assert_eq!(read.len(), 5);
    for (revision, (read, written)) in read.iter().zip(&written).enumerate() {
        assert_eq!(read.stream, stream);
        assert_eq!(read.revision, revision as u64);
        assert_eq!(read.id, written.id);
        assert_eq!(read.event_type, written.event_type);
        assert_eq!(&read.data[..], &written.data[..]);
        assert_eq!(&read.metadata[..], &written.metadata[..]);
    }
}

/// A stream that nobody wrote to reads as an empty one.
pub async fn a_missing_stream_reads_as_empty(log: Arc<dyn EventLog>) {
    let (_, stream) = fresh_stream();
    assert_eq!(log.read(&stream, 0, 10).await.unwrap(), []);
    assert_eq!(log.last_revision(&stream).await.unwrap(), None);
    log.append(&stream, ExpectedRevision::Any, events(3)).await.unwrap();
    assert_eq!(log.last_revision(&stream).await.unwrap(), Some(2));
}

/// A writer that is late is told so, with where the stream stands, and nothing is written.
pub async fn an_append_at_the_wrong_revision_is_a_conflict(log: Arc<dyn EventLog>) {
    let (_, stream) = fresh_stream();
    log.append(&stream, ExpectedRevision::NoStream, events(2)).await.unwrap();
    let error = log.append(&stream, ExpectedRevision::Exact(0), events(1)).await.unwrap_err();
    assert!(matches!(error, LogError::Conflict { current: Some(1), .. }), "{error:?}");
    let error = log.append(&stream, ExpectedRevision::NoStream, events(1)).await.unwrap_err();
    assert!(matches!(error, LogError::Conflict { current: Some(1), .. }), "{error:?}");
    assert_eq!(log.read(&stream, 0, 10).await.unwrap().len(), 2);
}

/// The same ids at the same revision are the same append: a retry after a lost reply writes nothing twice.
pub async fn a_repeated_append_is_written_once(log: Arc<dyn EventLog>) {
    let (_, stream) = fresh_stream();
    let first = events(2);
    log.append(&stream, ExpectedRevision::NoStream, first.clone()).await.unwrap();
    let second = events(1);
    log.append(&stream, ExpectedRevision::Exact(1), second.clone()).await.unwrap();
    let again = log.append(&stream, ExpectedRevision::Exact(1), second).await.unwrap();
    assert_eq!(again.revision, 2);
    let again = log.append(&stream, ExpectedRevision::NoStream, first).await.unwrap();
    assert_eq!(again.revision, 1);
    assert_eq!(log.read(&stream, 0, 10).await.unwrap().len(), 3);
}

/// Of writers that race for one revision, one wins; the others are told.
pub async fn of_racing_writers_one_wins(log: Arc<dyn EventLog>) {
    let (_, stream) = fresh_stream();
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (log, stream) = (log.clone(), stream.clone());
        writers
            .spawn(async move { log.append(&stream, ExpectedRevision::NoStream, vec![event(number)]).await });
    }
    let outcomes = writers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter_map(Result::err) {
        assert!(matches!(outcome, LogError::Conflict { .. }), "{outcome:?}");
    }
    assert_eq!(log.read(&stream, 0, 10).await.unwrap().len(), 1);
}

/// An event that the store does not take names its size; the rest of the append is not written either.
pub async fn an_append_over_the_limit_is_refused_whole(log: Arc<dyn EventLog>) {
    let (_, stream) = fresh_stream();
    let mut large = event(1);
    large.data = format!(r#"{{"text":"{}"}}"#, "x".repeat(2_000_000)).into_bytes();
    let events = vec![event(0), large];
    let bytes: usize = events.iter().map(|event| event.data.len() + event.metadata.len()).sum();
    let error = log.append(&stream, ExpectedRevision::NoStream, events).await.unwrap_err();
    assert!(
        matches!(error, LogError::TooLarge { size, .. } if size == bytes),
        "{error:?} is of {bytes} bytes"
    );
    assert!(!error.is_transient());
    assert_eq!(log.read(&stream, 0, 10).await.unwrap(), []);
}

/// A group on a category stream gets the events themselves, whichever stream they are in, with the link's id to answer by.
pub async fn a_category_group_delivers_resolved_events(log: Arc<dyn EventLog>) {
    let (category, stream) = fresh_stream();
    let group = group_of_category(&*log, &category).await;
    let written = events(3);
    log.append(&stream, ExpectedRevision::NoStream, written.clone()).await.unwrap();
    let mut subscription = log.subscribe(&group, 10).await.unwrap();
    let received = receive(&mut subscription, 3).await;
    for (position, (delivered, written)) in received.iter().zip(&written).enumerate() {
        let event = delivered.event.as_ref().unwrap();
        assert_eq!(event.stream, stream);
        assert_eq!(event.id, written.id);
        assert_eq!(event.event_type, "Counted");
        assert_eq!(delivered.position, position as u64);
        assert_ne!(delivered.ack_id, written.id);
        assert_eq!((delivered.retry_count, delivered.replayed), (0, false));
    }
}

/// Creating a group that is there changes nothing, and deleting one that is not there is no error.
pub async fn groups_are_created_and_deleted_once(log: Arc<dyn EventLog>) {
    let (category, _) = fresh_stream();
    let group = group_of_category(&*log, &category).await;
    log.ensure_group(&group, &GroupSettings::default()).await.unwrap();
    log.delete_group(&group).await.unwrap();
    log.delete_group(&group).await.unwrap();
    let error = log.group_info(&group).await.unwrap_err();
    assert!(matches!(error, LogError::NoSuchGroup { .. }), "{error:?}");
    let Err(error) = log.subscribe(&group, 1).await else { panic!("joined a group that is not there") };
    assert!(matches!(error, LogError::NoSuchGroup { .. }), "{error:?}");
}

/// A consumer that goes away without answering leaves its events to the next one.
pub async fn unanswered_events_go_to_the_next_consumer(log: Arc<dyn EventLog>) {
    let (category, stream) = fresh_stream();
    let group = group_of_category(&*log, &category).await;
    log.append(&stream, ExpectedRevision::NoStream, events(3)).await.unwrap();
    let mut first = log.subscribe(&group, 10).await.unwrap();
    let received = receive(&mut first, 3).await;
    first.answers.acknowledge(vec![received[0].ack_id]).await.unwrap();
    drop(first);
    let mut second = log.subscribe(&group, 10).await.unwrap();
    let mut seen = BTreeSet::new();
    while !seen.is_superset(&BTreeSet::from([1, 2])) {
        let received = receive(&mut second, 1).await;
        seen.extend(revisions(&received));
        second.answers.acknowledge(vec![received[0].ack_id]).await.unwrap();
    }
    let last = log.last_revision(&group.stream).await.unwrap();
    while !log.group_info(&group).await.unwrap().is_caught_up_with(last) {
        tokio::task::yield_now().await;
    }
    // However often it was delivered, an event is acknowledged once.
    assert_eq!(log.group_info(&group).await.unwrap().acknowledged, 3);
}

/// No more events are under way than the consumer has room for.
pub async fn a_consumer_gets_no_more_than_its_buffer(log: Arc<dyn EventLog>) {
    let (category, stream) = fresh_stream();
    let group = group_of_category(&*log, &category).await;
    log.append(&stream, ExpectedRevision::NoStream, events(5)).await.unwrap();
    let mut subscription = log.subscribe(&group, 2).await.unwrap();
    let received = receive(&mut subscription, 2).await;
    assert_eq!(revisions(&received), [0, 1]);
    assert_eq!(log.group_info(&group).await.unwrap().in_flight, 2);
    subscription
        .answers
        .acknowledge(received.iter().map(|delivered| delivered.ack_id).collect())
        .await
        .unwrap();
    assert_eq!(revisions(&receive(&mut subscription, 2).await), [2, 3]);
}

/// A group has caught up when everything is delivered and answered, and not before.
pub async fn a_group_has_caught_up_once_all_is_answered(log: Arc<dyn EventLog>) {
    let (category, stream) = fresh_stream();
    let group = group_of_category(&*log, &category).await;
    log.append(&stream, ExpectedRevision::NoStream, events(5)).await.unwrap();
    let last = log.last_revision(&group.stream).await.unwrap();
    assert_eq!(last, Some(4));
    assert!(!log.group_info(&group).await.unwrap().is_caught_up_with(last));
    let mut subscription = log.subscribe(&group, 3).await.unwrap();
    for count in [3, 2] {
        let received = receive(&mut subscription, count).await;
        assert!(!log.group_info(&group).await.unwrap().is_caught_up_with(last));
        subscription
            .answers
            .acknowledge(received.iter().map(|delivered| delivered.ack_id).collect())
            .await
            .unwrap();
    }
    while !log.group_info(&group).await.unwrap().is_caught_up_with(last) {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.group_info(&group).await.unwrap().acknowledged, 5);
}

/// An event that is to be delivered again is, and counts how often.
pub async fn a_retried_event_comes_again(log: Arc<dyn EventLog>) {
    let (category, stream) = fresh_stream();
    let group = group_of_category(&*log, &category).await;
    log.append(&stream, ExpectedRevision::NoStream, events(1)).await.unwrap();
    let mut subscription = log.subscribe(&group, 10).await.unwrap();
    let first = receive(&mut subscription, 1).await;
    subscription.answers.retry(first[0].ack_id, "try again").await.unwrap();
    let second = receive(&mut subscription, 1).await;
    assert_eq!(second[0].event, first[0].event);
    assert_eq!(second[0].retry_count, 1);
}

/// Parked events lie in the lot with their reasons, in the order of parking; a replay delivers them in that order.
pub async fn parked_events_keep_their_order_and_their_reasons(log: Arc<dyn EventLog>) {
    let (category, stream) = fresh_stream();
    let group = group_of_category(&*log, &category).await;
    log.append(&stream, ExpectedRevision::NoStream, events(3)).await.unwrap();
    let mut subscription = log.subscribe(&group, 10).await.unwrap();
    for delivered in receive(&mut subscription, 3).await {
        let reason = format!("reason {}", delivered.position);
        subscription.answers.park(delivered.ack_id, &reason).await.unwrap();
    }
    while log.group_info(&group).await.unwrap().parked < 3 {
        tokio::task::yield_now().await;
    }
    let parked = log.parked(&group).await.unwrap();
    assert_eq!(
        parked.iter().map(|parked| parked.reason.as_str()).collect::<Vec<_>>(),
        ["reason 0", "reason 1", "reason 2"]
    );
    let parked_revisions = parked.iter().map(|parked| parked.event.as_ref().unwrap().revision);
    assert_eq!(parked_revisions.collect::<Vec<_>>(), [0, 1, 2]);

    log.replay_parked(&group).await.unwrap();
    let replayed = receive(&mut subscription, 3).await;
    assert_eq!(revisions(&replayed), [0, 1, 2]);
    assert!(replayed.iter().all(|delivered| delivered.replayed && delivered.retry_count == 0));
    subscription
        .answers
        .acknowledge(replayed.iter().map(|delivered| delivered.ack_id).collect())
        .await
        .unwrap();
    while log.group_info(&group).await.unwrap().in_flight > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.group_info(&group).await.unwrap().parked, 0);
    assert_eq!(log.parked(&group).await.unwrap(), []);
}

/// Waiting for a delivery can be broken off without losing what comes next.
pub async fn waiting_for_a_delivery_is_safe_to_cancel(log: Arc<dyn EventLog>) {
    let (category, stream) = fresh_stream();
    let group = group_of_category(&*log, &category).await;
    let mut subscription = log.subscribe(&group, 10).await.unwrap();
    for number in 0..5 {
        // Begins to wait, is told of the append, and gives up in the same breath.
        tokio::select! {
            biased;
            _ = subscription.receiver.next(1) => panic!("an event before the append"),
            () = std::future::ready(()) => {}
        }
        let expected =
            if number == 0 { ExpectedRevision::NoStream } else { ExpectedRevision::Exact(number - 1) };
        log.append(&stream, expected, vec![event(0)]).await.unwrap();
        assert_eq!(revisions(&receive(&mut subscription, 1).await), [number]);
    }
}

/// A consumer whose group is deleted gets what was under way, and is then told, as often as it asks.
pub async fn a_consumer_is_told_that_its_group_was_deleted(log: Arc<dyn EventLog>) {
    let (category, stream) = fresh_stream();
    let group = group_of_category(&*log, &category).await;
    log.append(&stream, ExpectedRevision::NoStream, events(1)).await.unwrap();
    let mut subscription = log.subscribe(&group, 10).await.unwrap();
    receive(&mut subscription, 1).await;
    log.delete_group(&group).await.unwrap();
    for _ in 0..2 {
        let error = subscription.receiver.next(10).await.unwrap_err();
        assert!(matches!(error, LogError::Dropped { .. }), "{error:?}");
        assert!(error.is_transient());
    }
}

/// Makes a test of every promise, for a store that `$connect` (an async block) answers with as an `Arc<dyn EventLog>`.
#[macro_export]
macro_rules! event_log_contract {
    ($connect:expr) => {
        $crate::event_log_contract!(@ $connect;
            appended_events_are_read_back_in_order
            a_missing_stream_reads_as_empty
            an_append_at_the_wrong_revision_is_a_conflict
            a_repeated_append_is_written_once
            of_racing_writers_one_wins
            an_append_over_the_limit_is_refused_whole
            a_category_group_delivers_resolved_events
            groups_are_created_and_deleted_once
            unanswered_events_go_to_the_next_consumer
            a_consumer_gets_no_more_than_its_buffer
            a_group_has_caught_up_once_all_is_answered
            a_retried_event_comes_again
            parked_events_keep_their_order_and_their_reasons
            waiting_for_a_delivery_is_safe_to_cancel
            a_consumer_is_told_that_its_group_was_deleted
        );
    };
    (@ $connect:expr; $($promise:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let (log, _keep) = $connect.await;
                $crate::event_log::contract::$promise(log).await;
            }
        )*
    };
}
