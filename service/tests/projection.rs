//! The projection service end to end: events in an embedded EventStoreDB, through real persistent subscriptions, into a graph.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::event::Body;
use cutover_core::graph::{ChangeSet, Label, Value};
use cutover_core::ids::{AggregateId, EventId, InterviewId, ProjectId, SentenceId};
use cutover_core::interview::{InterviewCreated, InterviewEvent};
use cutover_core::metadata::{DEFAULT_SOURCE, Metadata, SCHEMA_VERSION};
use cutover_core::projector::{Backoff, Settings as ProjectorSettings};
use cutover_core::sentence::{EditorType, SentenceCreated, SentenceEdited, SentenceEvent};
use cutover_core::timestamp::Timestamp;
use cutover_core::wire;
use cutover_engines::event_log::eventstoredb::grpc::{Call, EmbeddedEventStore, Gate, Options, Refusal};
use cutover_engines::event_log::eventstoredb::grpc::wire::Empty;
use cutover_engines::event_log::eventstoredb::grpc::wire::persistent_subscriptions::persistent_subscriptions_client::PersistentSubscriptionsClient;
use cutover_engines::event_log::{EventLog, EventStoreDb, ExpectedRevision, NewEvent};
use cutover_engines::graph::{ApplyError, Graph, GraphError, Interposed, MemoryGraph, Schema, dump};
use cutover_service::projection::{Groups, ProjectionError, ProjectionService, Settings, Until};

async fn store() -> (EmbeddedEventStore, Arc<EventStoreDb>) {
    let server = EmbeddedEventStore::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let log = EventStoreDb::new(&server.connection_string()).unwrap();
    (server, Arc::new(log))
}

/// Waits that a test can afford.
fn settings() -> Settings {
    let quick = Backoff { first_ms: 1, factor: 2, max_ms: 10 };
    Settings {
        projector: ProjectorSettings { retry_backoff: quick, breaker_backoff: quick, ..Default::default() },
        ..Settings::default()
    }
}

fn interview() -> InterviewId {
    InterviewId::for_file("a.txt")
}

fn event(aggregate: AggregateId, version: u64, body: &Body) -> NewEvent {
    let metadata = Metadata {
        event_id: EventId::of_entry(aggregate.as_uuid(), version as u32),
        aggregate,
        version,
        occurred_at: Timestamp::from_unix_ms(1_700_000_000_000 + version),
        schema_version: SCHEMA_VERSION.into(),
        actor: None,
        correlation_id: None,
        causation_id: None,
        source: DEFAULT_SOURCE.into(),
        trace_id: None,
        project_id: Some(ProjectId::new("apollo")),
        tags: Vec::new(),
    };
    let encoded = wire::encode(&metadata, body);
    NewEvent {
        id: encoded.id.as_uuid(),
        event_type: encoded.event_type,
        data: encoded.data,
        metadata: encoded.metadata,
    }
}

async fn append_interview(log: &dyn EventLog) {
    let aggregate = AggregateId::Interview(interview());
    let created = InterviewEvent::Created(InterviewCreated {
        title: "a".into(),
        source: "a.txt".into(),
        language: None,
        started_at: None,
        metadata: Default::default(),
    });
    let event = event(aggregate, 0, &Body::Interview(created));
    log.append(&aggregate.stream_name(), ExpectedRevision::NoStream, vec![event]).await.unwrap();
}

async fn append_sentence(log: &dyn EventLog, index: u32, texts: &[&str]) {
    let aggregate = AggregateId::Sentence(SentenceId::at(interview(), index));
    let created = SentenceEvent::Created(SentenceCreated {
        interview_id: interview(),
        index,
        text: texts[0].into(),
        speaker: None,
        start_ms: None,
        end_ms: None,
    });
    let edits = texts.windows(2).map(|pair| {
        SentenceEvent::Edited(SentenceEdited {
            old_text: pair[0].into(),
            new_text: pair[1].into(),
            editor_type: EditorType::Ai,
        })
    });
    // Later events of a sentence do not name its interview, as in streams of the running service.
    let bodies = std::iter::once(Body::Sentence { interview: Some(interview()), event: created })
        .chain(edits.map(|event| Body::Sentence { interview: None, event }));
    let events = bodies.enumerate().map(|(version, body)| event(aggregate, version as u64, &body)).collect();
    log.append(&aggregate.stream_name(), ExpectedRevision::NoStream, events).await.unwrap();
}

async fn texts(graph: &dyn Graph) -> Vec<String> {
    let page = graph.nodes(Label::Sentence.as_str(), None, 100).await.unwrap();
    let mut rows = page.rows;
    rows.sort_by_key(|row| row.properties.get("sequence_order").cloned());
    rows.iter().map(|row| row.properties.get("text").and_then(Value::as_text).unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_in_the_log_is_projected_whatever_was_there_first() {
    let (_server, log) = store().await;
    append_sentence(&*log, 1, &["Two.", "Two!"]).await;
    append_sentence(&*log, 0, &["One.", "One!", "One?"]).await;
    append_interview(&*log).await;
    let graph = Arc::new(MemoryGraph::new(Schema::Projected));
    let report = ProjectionService::new(log, graph.clone(), settings()).catch_up().await.unwrap();
    assert_eq!(texts(&*graph).await, ["One?", "Two!"]);
    assert_eq!(report.metrics.counters.processed, 6);
    assert_eq!(report.metrics.counters.parked, 0);
    assert_eq!(report.metrics.latency.count, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_log_is_caught_up_with_at_once() {
    let (_server, log) = store().await;
    let graph = Arc::new(MemoryGraph::new(Schema::Projected));
    let report = ProjectionService::new(log, graph, settings()).catch_up().await.unwrap();
    assert_eq!(report.metrics.counters.delivered, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_goes_on_where_the_first_one_stopped() {
    let (_server, log) = store().await;
    append_interview(&*log).await;
    append_sentence(&*log, 0, &["One."]).await;
    let graph = Arc::new(MemoryGraph::new(Schema::Projected));
    let service = ProjectionService::new(log.clone(), graph.clone(), settings());
    assert_eq!(service.catch_up().await.unwrap().metrics.counters.processed, 2);
    append_sentence(&*log, 1, &["Two."]).await;
    let report = service.catch_up().await.unwrap();
    assert_eq!((report.metrics.counters.processed, report.metrics.counters.duplicates), (1, 0));
    assert_eq!(texts(&*graph).await, ["One.", "Two."]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_cut_off_joins_again_and_loses_nothing() {
    let (server, log) = store().await;
    append_interview(&*log).await;
    append_sentence(&*log, 0, &["One."]).await;
    let graph = Arc::new(MemoryGraph::new(Schema::Projected));
    let service = ProjectionService::new(log.clone(), graph.clone(), settings());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = tokio::spawn(async move {
        let stop = async { stopped.await.unwrap_or_default() };
        service.run(Until::Stopped, stop).await
    });
    while texts(&*graph).await != ["One."] {
        tokio::task::yield_now().await;
    }
    let address = format!("http://{}", server.address());
    let mut subsystem = PersistentSubscriptionsClient::connect(address).await.unwrap();
    subsystem.restart_subsystem(Empty {}).await.unwrap();
    append_sentence(&*log, 1, &["Two.", "Two!"]).await;
    while texts(&*graph).await != ["One.", "Two!"] {
        tokio::task::yield_now().await;
    }
    stop.send(()).unwrap();
    let report = run.await.unwrap().unwrap();
    assert_eq!(report.metrics.counters.processed, 4);
    assert_eq!(report.metrics.counters.parked, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_onto_a_populated_graph_changes_nothing() {
    let (_server, log) = store().await;
    append_interview(&*log).await;
    append_sentence(&*log, 0, &["One.", "One!"]).await;
    let graph = Arc::new(MemoryGraph::new(Schema::Projected));
    ProjectionService::new(log.clone(), graph.clone(), settings()).catch_up().await.unwrap();
    let before = dump(&*graph).await.unwrap();
    let again = Settings { groups: Groups::named("again"), ..settings() };
    let report = ProjectionService::new(log, graph.clone(), again).catch_up().await.unwrap();
    assert_eq!((report.metrics.counters.processed, report.metrics.counters.duplicates), (0, 3));
    assert_eq!(dump(&*graph).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_at_once_apply_every_event_once() {
    let (_server, log) = store().await;
    append_interview(&*log).await;
    for index in 0..50 {
        append_sentence(&*log, index, &["a", "b", "c"]).await;
    }
    let graph = Arc::new(MemoryGraph::new(Schema::Projected));
    let one = ProjectionService::new(log.clone(), graph.clone(), settings());
    let other = Settings { groups: Groups::named("other"), ..settings() };
    let other = ProjectionService::new(log, graph.clone(), other);
    let (one, other) = tokio::join!(one.catch_up(), other.catch_up());
    let (one, other) = (one.unwrap().metrics.counters, other.unwrap().metrics.counters);
    assert_eq!(one.processed + other.processed, 151);
    assert_eq!(one.parked + other.parked, 0);
    assert_eq!(texts(&*graph).await, ["c"; 50]);
}

/// A graph that is unavailable for its first calls, or as long as it is switched off.
struct Unreliable {
    inner: MemoryGraph,
    failures_left: AtomicU64,
    is_off: AtomicBool,
}

impl Unreliable {
    fn failing(times: u64) -> Self {
        Self {
            inner: MemoryGraph::new(Schema::Projected),
            failures_left: AtomicU64::new(times),
            is_off: AtomicBool::new(false),
        }
    }

    fn check(&self) -> Result<(), GraphError> {
        let fails = self.is_off.load(Ordering::SeqCst)
            || self
                .failures_left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        if fails {
            return Err(GraphError::Unavailable { during: "answer", source: "switched off".into() });
        }
        Ok(())
    }
}

#[async_trait]
impl Interposed for Unreliable {
    fn inner(&self) -> &dyn Graph {
        &self.inner
    }
    fn before_reading(&self) -> Result<(), GraphError> {
        self.check()
    }
    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        self.check()?;
        self.inner.apply(batch).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graph_that_comes_back_is_caught_up_with_and_nothing_is_parked() {
    let (_server, log) = store().await;
    append_interview(&*log).await;
    append_sentence(&*log, 0, &["One."]).await;
    // More often than an event is retried: an outage uses up no retries.
    let graph = Arc::new(Unreliable::failing(12));
    let report = ProjectionService::new(log, graph.clone(), settings()).catch_up().await.unwrap();
    assert_eq!(texts(&*graph).await, ["One."]);
    assert_eq!((report.metrics.counters.parked, report.metrics.counters.retries), (0, 0));
    assert!(report.metrics.counters.graph_write_errors >= 12, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graph_that_stays_away_ends_the_run_with_an_error_that_names_it() {
    let (_server, log) = store().await;
    append_interview(&*log).await;
    let graph = Arc::new(Unreliable::failing(0));
    graph.is_off.store(true, Ordering::SeqCst);
    let impatient = Settings { patience: Some(Duration::from_millis(100)), ..settings() };
    let error = ProjectionService::new(log, graph, impatient).catch_up().await.unwrap_err();
    let ProjectionError::OutOfPatience { what, .. } = &error else { panic!("{error}") };
    assert!(what.contains("the graph") && what.contains("switched off"), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_goes_away_ends_the_run_with_an_error_that_names_it() {
    let (server, log) = store().await;
    append_interview(&*log).await;
    let graph = Arc::new(MemoryGraph::new(Schema::Projected));
    let impatient = Settings { patience: Some(Duration::from_millis(100)), ..settings() };
    let service = ProjectionService::new(log, graph, impatient);
    service.catch_up().await.unwrap();
    let running = service.run(Until::Stopped, std::future::pending());
    let (outcome, ()) = tokio::join!(running, server.shutdown());
    let error = outcome.unwrap_err();
    let ProjectionError::OutOfPatience { what, .. } = &error else { panic!("{error}") };
    assert!(what.contains("the event store") || what.contains("the subscription"), "{what}");
}

/// Lets nobody join a group; everything else passes.
#[derive(Debug)]
struct NoConsumers;

impl Gate for NoConsumers {
    fn before(&self, call: Call<'_>) -> Result<(), Refusal> {
        if matches!(call, Call::Consume { .. }) { Err(Refusal::TooBusy) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_answers_and_lets_nobody_join_ends_the_run_with_an_error_that_says_so() {
    let options = Options { gate: Arc::new(NoConsumers), ..Options::default() };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = EmbeddedEventStore::start_with(address, options).await.unwrap();
    let graph = Arc::new(MemoryGraph::new(Schema::Projected));
    let impatient = Settings { patience: Some(Duration::from_millis(100)), ..settings() };
    let service = ProjectionService::new(Arc::new(server.in_process()), graph, impatient);
    let outcome =
        tokio::time::timeout(Duration::from_secs(20), service.catch_up()).await.expect("it gives up");
    let error = outcome.unwrap_err();
    let ProjectionError::OutOfPatience { what, .. } = &error else { panic!("{error}") };
    assert!(what.contains("the subscription to"), "{what}");
}

#[tokio::test]
async fn a_service_that_still_waits_for_its_store_stops_when_it_is_told_to() {
    // Port 1 on the loopback address has no listener.
    let log = Arc::new(EventStoreDb::new("esdb://127.0.0.1:1?tls=false&discoveryInterval=0").unwrap());
    let service = ProjectionService::new(log, Arc::new(MemoryGraph::new(Schema::Projected)), settings());
    let stopped = service.run(Until::Stopped, std::future::ready(()));
    let report = tokio::time::timeout(Duration::from_secs(20), stopped).await.expect("it stops").unwrap();
    assert_eq!(report.metrics.counters.delivered, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_event_is_parked_with_its_place_and_the_others_go_through() {
    let (_server, log) = store().await;
    append_interview(&*log).await;
    append_sentence(&*log, 0, &["One."]).await;
    let aggregate = AggregateId::Sentence(SentenceId::at(interview(), 1));
    let body = Body::Sentence {
        interview: Some(interview()),
        event: SentenceEvent::Created(SentenceCreated {
            interview_id: interview(),
            index: 1,
            text: "Two.".into(),
            speaker: None,
            start_ms: None,
            end_ms: None,
        }),
    };
    let mut malformed = event(aggregate, 0, &body);
    malformed.data = br#"{"interview_id": 7}"#.to_vec();
    log.append(&aggregate.stream_name(), ExpectedRevision::NoStream, vec![malformed]).await.unwrap();
    let graph = Arc::new(MemoryGraph::new(Schema::Projected));
    let report = ProjectionService::new(log.clone(), graph.clone(), settings()).catch_up().await.unwrap();
    assert_eq!(texts(&*graph).await, ["One."]);
    assert_eq!((report.metrics.counters.processed, report.metrics.counters.parked), (2, 1));
    assert_eq!(report.metrics.counters.retries, 0, "no retry can help it");
    let parked = log.parked(&settings().groups.sentence).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert!(parked[0].reason.contains(&aggregate.stream_name().to_string()), "{}", parked[0].reason);
    assert!(parked[0].reason.contains("interview_id"), "{}", parked[0].reason);
}
