//! A live system of an embedded event store and two graphs in memory: what is found, and that nothing is changed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::graph::{Change, ChangeSet, Label, NodeRef, Properties};
use cutover_core::ids::{AggregateId, InterviewId, ProjectId, StreamName};
use cutover_core::timestamp::Timestamp;
use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::event_log::{
    Appended, EventLog, EventStoreDb, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError,
    NewEvent, ParkedEvent, Subscription,
};
use cutover_engines::graph::{ApplyError, Graph, GraphError, Interposed, MemoryGraph, Schema};
use cutover_service::pipeline::analyse::Lexical;
use cutover_service::pipeline::{self, Pipeline, RequestContext, SeededIds, analyse_file};
use cutover_service::projection::{Groups, ProjectionService, Settings};
use uuid::Uuid;

use super::*;
use crate::certificate::LogPosition;
use crate::diff::{GraphSource, Options, Orientation, Policy, Settle, Watermark, diff_with};
use crate::gate::{Judgement, Verdict};
use crate::result::{Cause, Outcome};
use crate::workload::clock::SteppingClock;

const NOW: Timestamp = Timestamp::EPOCH;

/// Nothing is waited for.
const IMPATIENT: Patience =
    Patience { settles_within: Duration::ZERO, caught_up_within: Duration::ZERO, rounds: 3 };

/// A server that says what it was told to say.
struct Named(&'static str);

#[async_trait]
impl Identify for Named {
    async fn identity(&self) -> Result<String, GraphError> {
        Ok(self.0.to_owned())
    }
}

/// A graph that lets nobody write.
struct ReadOnly(Arc<MemoryGraph>);

#[async_trait]
impl Interposed for ReadOnly {
    fn inner(&self) -> &dyn Graph {
        &*self.0
    }

    async fn prepare(&self, _: Schema) -> Result<(), GraphError> {
        panic!("a live graph is prepared");
    }

    async fn apply(&self, _: &[ChangeSet]) -> Result<(), ApplyError> {
        panic!("a live graph is written to");
    }

    async fn erase(&self) -> Result<(), GraphError> {
        panic!("a live graph is erased");
    }
}

/// A log that lets nobody write.
struct ReadOnlyLog(EventStoreDb);

#[async_trait]
impl EventLog for ReadOnlyLog {
    async fn append(
        &self,
        _: &StreamName,
        _: ExpectedRevision,
        _: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        panic!("a live log is appended to");
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.0.read(stream, from, limit).await
    }

    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        self.0.last_revision(stream).await
    }

    async fn ensure_group(&self, _: &GroupId, _: &GroupSettings) -> Result<(), LogError> {
        panic!("a live log gets a group");
    }

    async fn delete_group(&self, _: &GroupId) -> Result<(), LogError> {
        panic!("a live log loses a group");
    }

    async fn subscribe(&self, _: &GroupId, _: usize) -> Result<Subscription, LogError> {
        panic!("a live group is joined");
    }

    async fn replay_parked(&self, _: &GroupId) -> Result<(), LogError> {
        panic!("a live parking lot is replayed");
    }

    async fn parked(&self, group: &GroupId) -> Result<Vec<ParkedEvent>, LogError> {
        self.0.parked(group).await
    }

    async fn group_info(&self, group: &GroupId) -> Result<GroupInfo, LogError> {
        self.0.group_info(group).await
    }
}

/// An event store, two graphs, and whoever writes to them besides the one who looks.
struct World {
    server: EmbeddedEventStore,
    store: Arc<EventStoreDb>,
    direct: Arc<MemoryGraph>,
    projected: Arc<MemoryGraph>,
    live: LiveSystem,
}

impl World {
    /// Makes a system of which nothing was written yet.
    async fn new() -> Self {
        let server =
            EmbeddedEventStore::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a store");
        let client = || EventStoreDb::new(&server.connection_string()).expect("a connection string");
        let (direct, projected) =
            (Arc::new(MemoryGraph::new(Schema::Direct)), Arc::new(MemoryGraph::new(Schema::Projected)));
        let live_graph = |graph: &Arc<MemoryGraph>, name: &'static str| LiveGraph {
            address: Address::of_neo4j(&format!("bolt://{name}:7687")).expect("an address").0,
            graph: Arc::new(ReadOnly(graph.clone())),
            identify: Arc::new(Named(name)),
        };
        let live = LiveSystem {
            store: Address::of_eventstore("esdb://store:2113").expect("an address").0,
            log: Arc::new(ReadOnlyLog(client())),
            direct: live_graph(&direct, "direct"),
            projected: live_graph(&projected, "projected"),
            groups: "v1".into(),
        };
        Self { store: Arc::new(client()), direct, projected, live, server }
    }

    /// Makes a system whose two paths have written the same interviews, one for each name.
    async fn with_interviews(names: &[&str]) -> Self {
        let world = Self::new().await;
        for name in names {
            world.ingest(name).await;
        }
        world.project().await;
        world
    }

    /// Writes a file on both paths, as the pipeline does.
    async fn ingest(&self, name: &str) {
        let ids = Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes());
        let pipeline = Pipeline::new(
            self.direct.clone(),
            self.store.clone(),
            Arc::new(SteppingClock::default()),
            Arc::new(SeededIds::new(ids)),
            pipeline::Settings::default(),
        );
        let text = b"CC: Roger. We copy.\nCDR: Okay. What is the oxygen pressure?\n";
        let file = analyse_file(name, text, &ProjectId::new("apollo"), None, &Lexical).expect("a file");
        pipeline.ingest(&file, &RequestContext::system()).await.expect("a write");
        pipeline.drain().await.expect("an empty outbox");
    }

    async fn project(&self) {
        let settings = Settings { groups: Groups::named("v1"), ..Settings::default() };
        let service = ProjectionService::new(self.store.clone(), self.projected.clone(), settings);
        service.catch_up().await.expect("a projection");
    }

    async fn look(&self) -> Looked {
        self.live.look(&Policy::direct_vs_projected(), NOW, IMPATIENT).await
    }

    async fn end(self) {
        self.server.shutdown().await;
    }
}

fn checks(looked: &Looked) -> Vec<(&str, Outcome)> {
    looked.result.checks.iter().map(|check| (check.id.as_str(), check.outcome)).collect()
}

fn findings(looked: &Looked) -> Vec<String> {
    let differences = looked.result.checks.iter().flat_map(|check| &check.differences.first);
    differences.map(|difference| difference.subject.name().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_is_as_it_should_be_passes_and_is_not_touched() {
    let world = World::with_interviews(&["a.txt", "b.txt"]).await;
    let looked = world.look().await;
    assert_eq!(
        checks(&looked),
        [("direct-vs-projected", Outcome::Pass), (STANDING, Outcome::Pass)],
        "{looked:#?}"
    );
    assert_eq!(Judgement::of(std::slice::from_ref(&looked.result)).verdict, Verdict::Go);
    let state = looked.state.expect("the servers answer");
    let graphs = state.graphs.expect("both were read to their end");
    assert_eq!(graphs.direct, graphs.projected, "equal graphs have one digest");
    let LogPosition { interview: Some(interviews), sentence: Some(sentences) } = state.position else {
        panic!("{:?}", state.position);
    };
    let of: Vec<u64> = looked.figures.iter().map(|figure| figure.of).collect();
    let all = interviews + sentences + 2;
    assert_eq!(of, [interviews + 1, interviews + 1, sentences + 1, sentences + 1, all]);
    assert!(looked.figures.iter().all(|figure| figure.passed), "{:#?}", looked.figures);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_stays_the_same_one_while_it_grows_and_another_one_is_another() {
    let world = World::with_interviews(&["a.txt"]).await;
    let before = world.live.identities().await.expect("the servers answer");
    world.ingest("b.txt").await;
    assert_eq!(world.live.identities().await.expect("the servers answer"), before);
    let known = before.event_store.identity.clone().expect("it holds an interview");
    assert!(known.starts_with("first link of $ce-Interview: "), "{known}");
    world.end().await;

    // Another store is another one even if the same was written to it.
    let other = World::with_interviews(&["a.txt"]).await;
    let found = other.live.identities().await.expect("the servers answer");
    assert_ne!(found.event_store.identity, before.event_store.identity);
    other.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_projected_yet_is_lag_and_a_difference() {
    let world = World::with_interviews(&["a.txt"]).await;
    world.ingest("b.txt").await;
    let looked = world.look().await;
    assert_eq!(
        checks(&looked),
        [("direct-vs-projected", Outcome::Fail), (STANDING, Outcome::Fail)],
        "{looked:#?}"
    );
    let groups = Groups::named("v1");
    for group in [groups.interview, groups.sentence] {
        assert!(findings(&looked).contains(&format!("lag of {group}")), "{:?}", findings(&looked));
    }
    let figures = world.live.figures().await.expect("figures");
    assert!(figures.interview.standing.expect("a group").lag > 0 && !figures.are_settled());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_not_there_is_a_finding() {
    let mut world = World::with_interviews(&["a.txt"]).await;
    world.live.groups = "v2".into();
    let looked = world.look().await;
    assert_eq!(checks(&looked), [("direct-vs-projected", Outcome::Pass), (STANDING, Outcome::Fail)]);
    let groups = Groups::named("v2");
    assert_eq!(
        findings(&looked),
        [format!("consumer group {}", groups.interview), format!("consumer group {}", groups.sentence)]
    );
    let untold = looked.figures.iter().filter(|figure| figure.value.is_none()).count();
    assert_eq!(untold, 4, "{:#?}", looked.figures);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_outbox_is_a_finding() {
    let world = World::with_interviews(&["a.txt"]).await;
    let entry = Change::Upsert {
        node: NodeRef::value(Label::OutboxEntry, "00000000000000000001-x".into()),
        on_create: Properties::new().with("body", "{}"),
        set: Properties::new(),
        unless_edited: Properties::new(),
    };
    world.direct.apply(&[ChangeSet { guard: None, changes: vec![entry] }]).await.expect("a write");
    let looked = world.look().await;
    assert_eq!(checks(&looked), [("direct-vs-projected", Outcome::Pass), (STANDING, Outcome::Fail)]);
    assert_eq!(findings(&looked), ["entries in the outbox"]);
    assert_eq!(world.live.figures().await.expect("figures").outbox, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_a_finding() {
    let world = World::with_interviews(&["a.txt"]).await;
    let stream = AggregateId::Interview(InterviewId::for_file("poison.txt")).stream_name();
    let poison = NewEvent {
        id: Uuid::from_u128(1),
        event_type: "InterviewCreated".into(),
        data: b"{}".to_vec(),
        metadata: b"{}".to_vec(),
    };
    world.store.append(&stream, ExpectedRevision::NoStream, vec![poison]).await.expect("an append");
    world.project().await;
    let looked = world.look().await;
    assert_eq!(findings(&looked), [format!("parked by {}", Groups::named("v1").interview)]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_system_is_unknown_and_never_go() {
    let world = World::new().await;
    world.project().await;
    let looked = world.look().await;
    assert_eq!(looked.result.outcome, Outcome::Unknown, "{looked:#?}");
    assert_eq!(looked.result.cause, Some(Cause::NothingCompared));
    assert!(looked.figures.iter().all(|figure| !figure.passed), "nothing was taken from nothing");
    assert_eq!(looked.state.expect("the servers answer").system.event_store.identity, None);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_does_not_answer_is_an_environment_that_is_not_ready() {
    let world = World::with_interviews(&["a.txt"]).await;
    let live = world.live.clone();
    world.end().await;
    let looked = live.look(&Policy::direct_vs_projected(), NOW, IMPATIENT).await;
    assert_eq!(looked.result.cause, Some(Cause::EnvironmentNotReady), "{looked:#?}");
    assert_eq!(looked.result.outcome, Outcome::Unknown);
    assert_eq!((looked.state, looked.figures), (None, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_waits_until_the_projection_has_done_what_was_written() {
    let world = World::with_interviews(&["a.txt"]).await;
    world.ingest("b.txt").await;
    let late = CaughtUp::new(world.live.clone(), std::time::Duration::ZERO);
    let error = late.passed().await.expect_err("nothing is projecting");
    assert!(crate::error::chain(&error).contains("neo4j-projection-sentence-v1"), "{error:?}");

    let watermark = CaughtUp::new(world.live.clone(), std::time::Duration::from_secs(600));
    let left = GraphSource::new(&*world.direct, Schema::Direct);
    let right = GraphSource::new(&*world.projected, Schema::Projected);
    let settle = Some(Settle { rounds: 2, watermark: &watermark });
    let options = Options { settle, ..Options::default() };
    let sides = Orientation::new("direct", "projected");
    let policy = Policy::direct_vs_projected();
    let comparing = diff_with("c", sides, [&left, &right], &policy, options);
    let (done, ()) = tokio::join!(comparing, world.project());
    assert_eq!(done.check.outcome, Outcome::Pass, "{:#?}", done.check);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_its_way_when_the_look_begins_is_waited_for() {
    let world = World::with_interviews(&["a.txt"]).await;
    world.ingest("b.txt").await;
    assert!(!world.live.figures().await.expect("figures").have_caught_up());
    let policy = Policy::direct_vs_projected();
    let (looked, ()) = tokio::join!(world.live.look(&policy, NOW, Patience::default()), world.project());
    assert_eq!(
        checks(&looked),
        [("direct-vs-projected", Outcome::Pass), (STANDING, Outcome::Pass)],
        "{looked:#?}"
    );
    world.end().await;
}

#[test]
fn of_what_goes_up_and_down_the_least_counts_and_of_what_is_parked_the_last() {
    let figures = |outbox, lag, parked| {
        let Groups { interview, sentence } = Groups::named("v1");
        let group = |group| GroupFigures { group, events: 9, standing: Some(Standing { lag, parked }) };
        LiveFigures { interview: group(interview), sentence: group(sentence), outbox }
    };
    let mut seen = figures(3, 0, 0);
    seen.take_in(figures(0, 5, 2));
    assert_eq!(seen, figures(0, 0, 2));
    assert!(seen.have_caught_up() && !seen.are_settled());
}
