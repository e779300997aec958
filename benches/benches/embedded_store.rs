//! What the embedded EventStoreDB does per second: appends, and deliveries of a persistent subscription.
//!
//! Each is measured through the official client over the real wire, and beside it on the state machine alone: the
//! difference is what the wire costs.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::event_log::eventstoredb::log::NewEvent;
use cutover_engines::event_log::eventstoredb::persistent::{
    ClientIdentity, GroupKey, Settings as GroupSettings, StartFrom, Subscriptions, ToClient,
};
use cutover_engines::event_log::eventstoredb::streams::ExpectedRevision as Expected;
use cutover_engines::event_log::eventstoredb::{Settings, Store, Timestamp};
use eventstore::{
    AppendToStreamOptions, Client, EventData, ExpectedRevision, PersistentSubscriptionOptions,
    StreamPosition, SubscribeToPersistentSubscriptionOptions,
};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Events per measured round.
const EVENTS: usize = 20_000;

/// Unacknowledged events that a client may hold, and events that one acknowledgement names.
const SLOTS: usize = 5_000;
const ACKS: usize = 500;

const STREAM: &str = "interview-1";
const PAYLOAD: &[u8] = br#"{"text":"Houston, we have had a problem here.","speaker":"CDR","index":1}"#;
const NOW: Timestamp = Timestamp::from_unix_ticks(1);

fn id(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 1)
}

/// The state machine, filled with events.
fn filled_store() -> Store {
    let mut given = 0;
    let ids = move || {
        given += 1;
        id(1_000_000_000 + given)
    };
    let mut store = Store::new(Settings::default(), ids, NOW);
    for chunk in (0..EVENTS).collect::<Vec<_>>().chunks(1000) {
        let events = chunk.iter().map(|number| new_event(*number)).collect();
        store.append(STREAM, Expected::Any, events, NOW).expect("the append is accepted");
    }
    store
}

fn new_event(number: usize) -> NewEvent {
    NewEvent {
        id: id(number),
        event_type: "SentenceCreated".into(),
        data: PAYLOAD.into(),
        metadata: PAYLOAD.into(),
        is_json: true,
    }
}

fn event_data(number: usize) -> EventData {
    EventData::binary("SentenceCreated", PAYLOAD.into()).id(id(number)).metadata(PAYLOAD.into())
}

/// A running server with a client of it.
async fn server() -> (EmbeddedEventStore, Client) {
    let server = EmbeddedEventStore::start(([127, 0, 0, 1], 0).into()).await.expect("a port is free");
    let settings = server.connection_string().parse().expect("the connection string is well-formed");
    let client = Client::new(settings).expect("the settings are complete");
    (server, client)
}

/// Delivers all events to one consumer of a category stream through the state machine alone.
fn deliver_in_process(store: &mut Store, round: usize) -> Duration {
    let mut subscriptions = Subscriptions::load(store, NOW).expect("the store's configuration is readable");
    let key = GroupKey { stream: "$ce-interview".into(), group: format!("in-process-{round}").into() };
    let settings = GroupSettings {
        start_from: StartFrom::Beginning,
        resolve_links: true,
        read_batch_size: 100,
        history_buffer_size: 2 * SLOTS,
        ..GroupSettings::default()
    };
    subscriptions.create(key.clone(), settings, None, store, NOW).expect("the group is new");
    let began = Instant::now();
    let client = subscriptions
        .connect(&key, SLOTS, ClientIdentity::default(), store, NOW)
        .expect("the group is there");
    let (mut received, mut held) = (0, Vec::with_capacity(ACKS));
    while received < EVENTS {
        for (_, message) in subscriptions.take_outbox() {
            let ToClient::Event { event, .. } = message else { panic!("nobody drops the client") };
            received += 1;
            held.push(event.original().id);
        }
        for ids in held.chunks(ACKS) {
            subscriptions.acknowledge(client, ids.to_vec(), store, NOW);
        }
        held.clear();
    }
    began.elapsed()
}

/// Delivers all events to one consumer of a category stream through the official client.
async fn deliver_over_the_wire(client: &Client, round: usize) -> Duration {
    let group = format!("wire-{round}");
    let options = PersistentSubscriptionOptions::default()
        .start_from(StreamPosition::Start)
        .resolve_link_tos(true)
        .read_batch_size(100)
        .history_buffer_size(2 * SLOTS as i32);
    let created = client.create_persistent_subscription("$ce-interview", &group, &options).await;
    created.expect("the group is new");
    let read = SubscribeToPersistentSubscriptionOptions::default().buffer_size(SLOTS);
    let began = Instant::now();
    let subscription = client.subscribe_to_persistent_subscription("$ce-interview", &group, &read).await;
    let mut subscription = subscription.expect("the group is there");
    let mut held = Vec::with_capacity(ACKS);
    for received in 1..=EVENTS {
        let event = subscription.next().await.expect("an event comes");
        held.push(event.get_original_event().id);
        if held.len() == ACKS || received == EVENTS {
            subscription.ack_ids(held.drain(..)).await.expect("the answer is sent");
        }
    }
    began.elapsed()
}

fn deliveries(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let mut group = criterion.benchmark_group("persistent subscription deliveries");
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(10);

    let mut store = filled_store();
    let mut round = 0;
    group.bench_function("state machine alone", |bencher| {
        bencher.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| {
                    round += 1;
                    deliver_in_process(&mut store, round)
                })
                .sum()
        });
    });

    let (_server, client) = runtime.block_on(async {
        let (server, client) = server().await;
        for chunk in (0..EVENTS).collect::<Vec<_>>().chunks(1000) {
            let events: Vec<EventData> = chunk.iter().map(|number| event_data(*number)).collect();
            let appended = client.append_to_stream(STREAM, &AppendToStreamOptions::default(), events).await;
            appended.expect("the append is accepted");
        }
        (server, client)
    });
    group.bench_function("official client", |bencher| {
        bencher.iter_custom(|rounds| {
            runtime.block_on(async {
                let mut elapsed = Duration::ZERO;
                for _ in 0..rounds {
                    round += 1;
                    elapsed += deliver_over_the_wire(&client, round).await;
                }
                elapsed
            })
        });
    });
    group.finish();
}

fn appends(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let mut group = criterion.benchmark_group("appends of one event");
    group.throughput(Throughput::Elements(1)).sample_size(10);

    let mut store = filled_store();
    let mut number = EVENTS;
    group.bench_function("state machine alone", |bencher| {
        bencher.iter(|| {
            number += 1;
            store.append(STREAM, Expected::Any, vec![new_event(number)], NOW)
        });
    });

    let (_server, client) = runtime.block_on(server());
    group.bench_function("official client", |bencher| {
        bencher.iter(|| {
            number += 1;
            let options = AppendToStreamOptions::default().expected_revision(ExpectedRevision::Any);
            let appended = runtime.block_on(client.append_to_stream(STREAM, &options, event_data(number)));
            appended.expect("the append is accepted")
        });
    });
    group.finish();
}

criterion_group!(benches, deliveries, appends);
criterion_main!(benches);
