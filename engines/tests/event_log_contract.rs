//! Every promise of the event log port, kept over the wire by the official client, and in process without it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cutover_core::ids::StreamName;
use cutover_engines::event_log::eventstoredb::grpc::{
    Call, EmbeddedEventStore, Gate, Options, Refusal, Ticks,
};
use cutover_engines::event_log::{
    Delivered, EventLog, EventStoreDb, ExpectedRevision, GroupId, GroupSettings, LogError, NewEvent,
    Subscription,
};

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

mod over_the_wire {
    use super::*;

    async fn connect() -> (Arc<dyn EventLog>, EmbeddedEventStore) {
        let server = EmbeddedEventStore::start(any_port()).await.unwrap();
        let log = EventStoreDb::new(&server.connection_string()).unwrap();
        (Arc::new(log), server)
    }

    cutover_engines::event_log_contract!(connect());
}

mod in_process {
    use super::*;

    async fn connect() -> (Arc<dyn EventLog>, EmbeddedEventStore) {
        let server = EmbeddedEventStore::start(any_port()).await.unwrap();
        (Arc::new(server.in_process()), server)
    }

    cutover_engines::event_log_contract!(connect());
}

fn event(number: u128) -> NewEvent {
    NewEvent {
        id: uuid::Uuid::from_u128(number),
        event_type: "Counted".into(),
        data: format!(r#"{{"number":{number}}}"#).into_bytes(),
        metadata: b"{}".to_vec(),
    }
}

fn stream() -> StreamName {
    StreamName::new("Counter-1")
}

fn group() -> GroupId {
    GroupId { stream: StreamName::new("$ce-Counter"), group: "counted".into() }
}

#[tokio::test]
async fn both_ways_lead_to_one_store() {
    let server = EmbeddedEventStore::start(any_port()).await.unwrap();
    let (direct, wire) = (server.in_process(), EventStoreDb::new(&server.connection_string()).unwrap());
    direct.ensure_group(&group(), &GroupSettings::default()).await.unwrap();
    let mut of_wire = wire.subscribe(&group(), 10).await.unwrap();
    direct.append(&stream(), ExpectedRevision::NoStream, vec![event(1)]).await.unwrap();
    let delivered = of_wire.receiver.next(1).await.unwrap();
    assert_eq!(delivered[0].event.as_ref().unwrap().id, event(1).id);
    // A group hands each event to one of its consumers: the other one must be gone first.
    of_wire.answers.acknowledge(vec![delivered[0].ack_id]).await.unwrap();
    while direct.group_info(&group()).await.unwrap().in_flight > 0 {
        tokio::task::yield_now().await;
    }
    drop(of_wire);

    let mut of_process = direct.subscribe(&group(), 10).await.unwrap();
    wire.append(&stream(), ExpectedRevision::Exact(0), vec![event(2)]).await.unwrap();
    let delivered = of_process.receiver.next(1).await.unwrap();
    assert_eq!(delivered[0].event.as_ref().unwrap().id, event(2).id);
    assert_eq!(direct.read(&stream(), 0, 9).await.unwrap(), wire.read(&stream(), 0, 9).await.unwrap());
    assert_eq!(direct.group_info(&group()).await.unwrap(), wire.group_info(&group()).await.unwrap());
}

#[tokio::test]
async fn a_stream_that_was_truncated_is_read_no_further_than_asked() {
    let server = EmbeddedEventStore::start(any_port()).await.unwrap();
    let (direct, wire) = (server.in_process(), EventStoreDb::new(&server.connection_string()).unwrap());
    direct.append(&stream(), ExpectedRevision::NoStream, (1..10).map(event).collect()).await.unwrap();
    server.store().write(|store, now| store.set_truncate_before(stream().as_str(), 2, now));

    let read = direct.read(&stream(), 0, 3).await.unwrap();

    assert_eq!(read.iter().map(|event| event.revision).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(read, wire.read(&stream(), 0, 3).await.unwrap());
}

#[tokio::test]
async fn what_a_consumer_left_behind_is_buffered_beside_what_is_new() {
    let server = EmbeddedEventStore::start(any_port()).await.unwrap();
    let (direct, wire) = (server.in_process(), EventStoreDb::new(&server.connection_string()).unwrap());
    direct.ensure_group(&group(), &GroupSettings::default()).await.unwrap();
    let mut leaves = direct.subscribe(&group(), 2).await.unwrap();
    direct.append(&stream(), ExpectedRevision::NoStream, (1..6).map(event).collect()).await.unwrap();
    assert_eq!(leaves.receiver.next(2).await.unwrap().len(), 2);

    drop(leaves);

    let info = direct.group_info(&group()).await.unwrap();
    assert_eq!((info.in_flight, info.buffered), (0, 5));
    assert_eq!(info, wire.group_info(&group()).await.unwrap());
}

/// Waits for one delivery of a server whose seconds nobody counts, and which so has no second chance to send it.
async fn one(subscription: &mut Subscription) -> Delivered {
    let next = tokio::time::timeout(Duration::from_secs(10), subscription.receiver.next(1)).await;
    next.expect("it comes at once").unwrap().remove(0)
}

#[tokio::test]
async fn what_is_to_be_tried_again_comes_at_once_and_not_when_its_time_is_over() {
    let options = Options { ticks: Ticks::ByHand, ..Options::default() };
    let server = EmbeddedEventStore::start_with(any_port(), options).await.unwrap();
    let log = server.in_process();
    log.ensure_group(&group(), &GroupSettings::default()).await.unwrap();
    let mut subscription = log.subscribe(&group(), 1).await.unwrap();
    log.append(&stream(), ExpectedRevision::NoStream, vec![event(1)]).await.unwrap();
    let delivered = one(&mut subscription).await;

    subscription.answers.retry(delivered.ack_id, "because").await.unwrap();

    let again = one(&mut subscription).await;
    assert_eq!((again.ack_id, again.retry_count), (delivered.ack_id, 1));
}

#[derive(Debug)]
struct TooBusy;

impl Gate for TooBusy {
    fn before(&self, _call: Call<'_>) -> Result<(), Refusal> {
        Err(Refusal::TooBusy)
    }
}

#[tokio::test]
async fn a_gate_that_refuses_calls_refuses_them_in_process_too() {
    let options = Options { gate: Arc::new(TooBusy), ..Options::default() };
    let server = EmbeddedEventStore::start_with(any_port(), options).await.unwrap();
    let log = server.in_process();
    log.ensure_group(&group(), &GroupSettings::default()).await.unwrap();
    let errors = [
        log.append(&stream(), ExpectedRevision::Any, vec![event(1)]).await.err(),
        log.read(&stream(), 0, 1).await.err(),
        log.last_revision(&stream()).await.err(),
        log.subscribe(&group(), 1).await.err(),
    ];
    for error in errors {
        assert!(error.as_ref().is_some_and(LogError::is_transient), "{error:?}");
    }
}

#[tokio::test]
async fn a_store_that_shuts_down_ends_what_runs_in_process() {
    let server = EmbeddedEventStore::start(any_port()).await.unwrap();
    let log = server.in_process();
    log.ensure_group(&group(), &GroupSettings::default()).await.unwrap();
    let mut subscription = log.subscribe(&group(), 1).await.unwrap();
    server.shutdown().await;
    let error = subscription.receiver.next(1).await.unwrap_err();
    assert!(matches!(error, LogError::Unavailable { .. }), "{error:?}");
    assert!(subscription.answers.acknowledge(vec![event(1).id]).await.is_err());
    assert!(matches!(log.read(&stream(), 0, 1).await, Err(LogError::Unavailable { .. })));
}

#[tokio::test]
async fn the_whole_log_is_no_stream_for_a_group() {
    let server = EmbeddedEventStore::start(any_port()).await.unwrap();
    let all = GroupId { stream: StreamName::new("$all"), ..group() };
    let error = server.in_process().ensure_group(&all, &GroupSettings::default()).await.unwrap_err();
    assert!(matches!(error, LogError::Refused { .. }), "{error:?}");
}
