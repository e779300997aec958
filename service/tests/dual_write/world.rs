//! What the tests of the dual-write run in: a direct graph in memory that can refuse, an event store in memory that can
//! die, and the graph that a projection would make of its events.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cutover_core::analysed::AnalysedFile;
use cutover_core::event::RecordedEvent;
use cutover_core::graph::{Change, ChangeSet, Guard, Label, Properties, Rel, Value};
use cutover_core::ids::{AggregateId, InterviewId, ProjectId, StreamName};
use cutover_core::limits::LimitsTable;
use cutover_core::projection::project;
use cutover_core::switch::{CategoryPositions, Mode, SwitchEvent, is_of_a_flag};
use cutover_core::timestamp::Timestamp;
use cutover_core::wire;
use cutover_engines::event_log::{
    Appended, EventLog, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError, NewEvent, ParkedEvent,
    Subscription,
};
use cutover_engines::graph::{
    ApplyError, Endpoint, Graph, GraphError, Interposed, MemoryGraph, Schema, Tree,
};
use cutover_service::pipeline::analyse::Analyser;
use cutover_service::pipeline::{Clock, Pipeline, SeededIds, Settings, analyse_file};
use cutover_service::switch::{Flag, Seen};
use uuid::Uuid;

/// The name of the flag.
const FLAG: &str = "test";

/// The file that the tests write.
pub(crate) const FILE: &str = "a.txt";

/// The interview of that file.
pub(crate) fn interview() -> InterviewId {
    InterviewId::for_file(FILE)
}

/// Analyses a file, one utterance a line.
pub(crate) fn analysed(lines: &[&str], analyser: &dyn Analyser) -> AnalysedFile {
    let content = lines.join("\n");
    analyse_file(FILE, content.as_bytes(), &ProjectId::new("apollo"), None, analyser).unwrap()
}

/// An event store in memory that keeps the order of all appends, and fails when told to.
#[derive(Default)]
pub(crate) struct FakeLog {
    stored: Mutex<Stored>,
    /// How many more appends go through; negative for all.
    alive: AtomicI64,
    /// How many appends are stored without an answer.
    lost_replies: AtomicU64,
    /// What somebody else appends just before the next append to that stream.
    intruder: Mutex<Option<(StreamName, Vec<NewEvent>)>>,
    /// Of which streams the events before which revision are gone.
    forgotten: Mutex<BTreeMap<StreamName, u64>>,
}

#[derive(Default)]
struct Stored {
    all: Vec<RecordedEvent>,
    streams: BTreeMap<StreamName, Vec<usize>>,
}

impl Stored {
    fn append(&mut self, stream: &StreamName, events: Vec<NewEvent>) {
        for event in events {
            let places = self.streams.entry(stream.clone()).or_default();
            let revision = places.len() as u64;
            places.push(self.all.len());
            self.all.push(RecordedEvent {
                stream: stream.clone(),
                revision,
                id: event.id,
                event_type: event.event_type,
                data: event.data.into(),
                metadata: event.metadata.into(),
            });
        }
    }
}

impl FakeLog {
    fn new() -> Self {
        Self { alive: AtomicI64::new(-1), ..Self::default() }
    }

    /// Lets so many more appends through, and then no other call.
    pub(crate) fn dies_after(&self, appends: i64) {
        self.alive.store(appends, Ordering::SeqCst);
    }

    /// Is well again.
    pub(crate) fn recovers(&self) {
        self.alive.store(-1, Ordering::SeqCst);
    }

    /// Stores so many appends without answering.
    pub(crate) fn loses_replies(&self, appends: u64) {
        self.lost_replies.store(appends, Ordering::SeqCst);
    }

    /// Lets somebody else append first, once.
    pub(crate) fn somebody_appends_first(&self, stream: StreamName, events: Vec<NewEvent>) {
        *self.intruder.lock().unwrap() = Some((stream, events));
    }

    /// Forgets the events of a stream before that revision, as `$maxCount` or `$tb` would have it.
    pub(crate) fn forgets(&self, aggregate: AggregateId, before: u64) {
        self.forgotten.lock().unwrap().insert(aggregate.stream_name(), before);
    }

    /// Returns the types of all events of a stream.
    pub(crate) fn types(&self, aggregate: AggregateId) -> Vec<String> {
        let stored = self.stored.lock().unwrap();
        let places = stored.streams.get(&aggregate.stream_name()).cloned().unwrap_or_default();
        places.into_iter().map(|place| stored.all[place].event_type.to_string()).collect()
    }

    /// Returns all events in the order of their commits.
    pub(crate) fn all(&self) -> Vec<RecordedEvent> {
        self.stored.lock().unwrap().all.clone()
    }

    fn dead(during: &'static str) -> LogError {
        LogError::Unavailable { during, source: "the store was made to die".into() }
    }
}

#[async_trait]
impl EventLog for FakeLog {
    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        match self.alive.load(Ordering::SeqCst) {
            0 => return Err(Self::dead("append")),
            alive if alive > 0 => drop(self.alive.fetch_sub(1, Ordering::SeqCst)),
            _ => {}
        }
        let mut stored = self.stored.lock().unwrap();
        if let Some((_, first)) = self.intruder.lock().unwrap().take_if(|(target, _)| target == stream) {
            stored.append(stream, first);
        }
        let places = stored.streams.get(stream).cloned().unwrap_or_default();
        let current = places.len().checked_sub(1).map(|last| last as u64);
        let wanted = match expected {
            ExpectedRevision::NoStream => None,
            ExpectedRevision::Exact(revision) => Some(revision),
            ExpectedRevision::Any => current,
        };
        if wanted != current {
            // As a real store does: the same events at the same place are an append that was retried.
            let from = wanted.map_or(0, |revision| revision as usize + 1);
            let same = events.iter().enumerate().all(|(at, event)| {
                places.get(from + at).is_some_and(|&place| stored.all[place].id == event.id)
            });
            if same {
                return Ok(Appended { revision: (from + events.len()) as u64 - 1 });
            }
            return Err(LogError::Conflict { stream: stream.clone(), expected, current });
        }
        stored.append(stream, events);
        if self.lost_replies.load(Ordering::SeqCst) > 0 {
            self.lost_replies.fetch_sub(1, Ordering::SeqCst);
            return Err(Self::dead("append"));
        }
        Ok(Appended { revision: stored.streams[stream].len() as u64 - 1 })
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        if self.alive.load(Ordering::SeqCst) == 0 {
            return Err(Self::dead("read"));
        }
        let stored = self.stored.lock().unwrap();
        let places = stored.streams.get(stream).cloned().unwrap_or_default();
        let first = self.forgotten.lock().unwrap().get(stream).copied().unwrap_or(0);
        Ok(places
            .iter()
            .skip(from.max(first) as usize)
            .take(limit)
            .map(|&place| stored.all[place].clone())
            .collect())
    }

    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        let stored = self.stored.lock().unwrap();
        Ok(stored.streams.get(stream).map(|places| places.len() as u64 - 1))
    }

    async fn ensure_group(&self, group: &GroupId, _: &GroupSettings) -> Result<(), LogError> {
        Err(LogError::NoSuchGroup { group: group.clone() })
    }

    async fn delete_group(&self, group: &GroupId) -> Result<(), LogError> {
        Err(LogError::NoSuchGroup { group: group.clone() })
    }

    async fn subscribe(&self, group: &GroupId, _: usize) -> Result<Subscription, LogError> {
        Err(LogError::NoSuchGroup { group: group.clone() })
    }

    async fn replay_parked(&self, group: &GroupId) -> Result<(), LogError> {
        Err(LogError::NoSuchGroup { group: group.clone() })
    }

    async fn parked(&self, group: &GroupId) -> Result<Vec<ParkedEvent>, LogError> {
        Err(LogError::NoSuchGroup { group: group.clone() })
    }

    async fn group_info(&self, group: &GroupId) -> Result<GroupInfo, LogError> {
        Err(LogError::NoSuchGroup { group: group.clone() })
    }
}

/// The direct graph, which can refuse to forget outbox entries: as if the process died before it could.
pub(crate) struct DirectGraph {
    graph: MemoryGraph,
    refused_removals: AtomicU64,
}

impl DirectGraph {
    /// Refuses that many times to remove outbox entries.
    pub(crate) fn refuses_removals(&self, times: u64) {
        self.refused_removals.store(times, Ordering::SeqCst);
    }
}

fn removes_entries(batch: &[ChangeSet]) -> bool {
    let mut changes = batch.iter().flat_map(|set| &set.changes);
    changes.any(|change| matches!(change, Change::Remove { node } if node.label() == Label::OutboxEntry))
}

#[async_trait]
impl Interposed for DirectGraph {
    fn inner(&self) -> &dyn Graph {
        &self.graph
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        if self.refused_removals.load(Ordering::SeqCst) > 0 && removes_entries(batch) {
            self.refused_removals.fetch_sub(1, Ordering::SeqCst);
            let source = "the graph was made to fail".into();
            return Err(GraphError::Unavailable { during: "apply", source }.into());
        }
        self.graph.apply(batch).await
    }
}

/// A clock that moves on a second with every question.
#[derive(Default)]
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(1_700_000_000_000 + 1000 * self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// The clock of a machine whose time is an hour behind that of all others.
pub(crate) struct Behind(Arc<Ticking>);

impl Clock for Behind {
    fn now(&self) -> Timestamp {
        let ahead = u64::try_from(self.0.now().unix_ms()).unwrap();
        Timestamp::from_unix_ms(ahead - 3_600_000)
    }
}

/// Both engines, and what outlives a process.
pub(crate) struct World {
    pub(crate) direct: Arc<DirectGraph>,
    pub(crate) log: Arc<FakeLog>,
    clock: Arc<Ticking>,
    processes: AtomicU64,
}

impl World {
    pub(crate) fn new() -> Self {
        let graph = MemoryGraph::new(Schema::Direct);
        Self {
            direct: Arc::new(DirectGraph { graph, refused_removals: AtomicU64::new(0) }),
            log: Arc::new(FakeLog::new()),
            clock: Arc::default(),
            processes: AtomicU64::new(0),
        }
    }

    /// Starts a process: what an earlier one held in memory is gone.
    pub(crate) fn pipeline(&self) -> Pipeline {
        self.pipeline_with(Settings { sentences_per_write: 2, drain_page: 3, ..Settings::default() })
    }

    pub(crate) fn pipeline_with(&self, settings: Settings) -> Pipeline {
        self.pipeline_on(self.direct.clone(), self.log.clone(), self.clock.clone(), settings)
    }

    /// Starts a process that reaches both engines in a way of its own, and has a clock of its own.
    pub(crate) fn pipeline_on(
        &self,
        direct: Arc<dyn Graph>,
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Pipeline {
        let seed = Uuid::from_u128(1 + u128::from(self.processes.fetch_add(1, Ordering::SeqCst)));
        let ids = Arc::new(SeededIds::new(seed));
        Pipeline::new(direct, log, clock, ids, settings)
    }

    /// Starts a process that follows the flag, and reaches the event store in a way of its own.
    pub(crate) fn pipeline_that_follows(&self, log: Arc<dyn EventLog>, settings: Settings) -> Pipeline {
        let flag = Flag::new(log.clone(), FLAG);
        self.pipeline_on(self.direct.clone(), log, self.clock.clone(), settings).following(flag)
    }

    /// Throws the flag, so that events alone are the truth.
    pub(crate) async fn throw(&self) {
        let (operation, positions) = (Uuid::from_u128(1), CategoryPositions::default());
        let thrown =
            SwitchEvent::ModeChanged { operation, mode: Mode::Projected, positions, at: Timestamp::EPOCH };
        Flag::new(self.log.clone(), FLAG).append(Seen::default(), &thrown).await.unwrap();
    }

    /// Returns the clock of all processes, and one that is behind.
    pub(crate) fn clocks(&self) -> [Arc<dyn Clock>; 2] {
        [self.clock.clone(), Arc::new(Behind(self.clock.clone()))]
    }

    /// Draws the direct graph, and what a projection makes of the events; both must be the same picture.
    #[track_caller]
    pub(crate) fn agreed_picture(&self) -> impl Future<Output = Vec<String>> {
        let caller = std::panic::Location::caller();
        async move {
            let (direct, projected) = self.pictures().await;
            assert_eq!(direct, projected, "direct on the left, projected on the right, at {caller}");
            direct
        }
    }

    /// Draws the direct graph, and what a projection makes of the events.
    pub(crate) async fn pictures(&self) -> (Vec<String>, Vec<String>) {
        (picture(&self.direct.graph).await, picture(&projection(&self.log.all()).await).await)
    }

    /// Draws what a projection makes of the events when it takes one stream after the other: the interview's, and then those of
    /// the sentences in the order that `arrange` brings their names into.
    pub(crate) async fn picture_stream_by_stream(
        &self,
        arrange: impl FnOnce(&mut Vec<StreamName>),
    ) -> Vec<String> {
        let of_interview = AggregateId::Interview(interview()).stream_name();
        let all = self.log.all();
        let mut streams: Vec<StreamName> = all.iter().map(|event| event.stream.clone()).collect();
        streams.sort();
        streams.dedup();
        streams.retain(|stream| *stream != of_interview);
        arrange(&mut streams);
        streams.insert(0, of_interview);
        let in_order =
            streams.iter().flat_map(|stream| all.iter().filter(move |event| event.stream == *stream));
        picture(&projection(in_order).await).await
    }
}

/// Projects events in this order.
async fn projection(events: impl IntoIterator<Item = &RecordedEvent>) -> MemoryGraph {
    let projected = MemoryGraph::new(Schema::Projected);
    for recorded in events.into_iter().filter(|recorded| !is_of_a_flag(&recorded.stream)) {
        let event = wire::decode(recorded).unwrap();
        let guard = Guard { aggregate: event.metadata.aggregate, version: event.metadata.version };
        assert_eq!(event.metadata.version, recorded.revision, "the version is the revision");
        let changes = project(&event, &LimitsTable::default());
        projected.apply(&[ChangeSet { guard: Some(guard), changes }]).await.unwrap();
    }
    projected
}

/// Draws an interview: its sentences in the order of the chain, each with place, text, speaker, times and links. What only
/// one of the schemas has (keys, stamps, failed analyses) is left out.
async fn picture(graph: &MemoryGraph) -> Vec<String> {
    let trees = graph.trees(&[Value::Text(interview().to_string().into())]).await.unwrap();
    let Some(tree) = trees.first() else { return vec!["no interview".to_owned()] };
    let nodes: BTreeMap<u64, &Properties> =
        tree.nodes.iter().map(|node| (node.id, &node.properties)).collect();
    let inside = |rel: Rel, from: u64| {
        tree.relationships.iter().filter(move |row| row.rel == rel.as_str()).find_map(move |row| match row {
            row if row.from != Endpoint::Inside(from) => None,
            row => match row.to {
                Endpoint::Inside(to) => Some(to),
                Endpoint::Outside { .. } => None,
            },
        })
    };
    let mut lines = Vec::new();
    let mut next = inside(Rel::FirstSentence, tree.root);
    let mut places = Vec::new();
    while let Some(sentence) = next {
        places.push(nodes[&sentence].get("sequence_order").and_then(Value::as_int));
        lines.push(draw_sentence(
            tree,
            sentence,
            nodes[&sentence],
            inside(Rel::HasAnalysis, sentence),
            &nodes,
        ));
        next = inside(Rel::NextSentence, sentence);
        assert_eq!(inside(Rel::Follows, sentence), next, "both names of the chain lead the same way");
    }
    let owned = tree.relationships.iter().filter(|row| row.rel == Rel::HasSentence.as_str()).count();
    assert_eq!(lines.len(), owned, "the chain passes every sentence once");
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "no two sentences share a place: {places:?}");
    lines
}

fn draw_sentence(
    tree: &Tree,
    id: u64,
    sentence: &Properties,
    analysis: Option<u64>,
    nodes: &BTreeMap<u64, &Properties>,
) -> String {
    let show = |names: &[&str]| {
        names.iter().find_map(|name| sentence.get(name)).map_or("-".to_owned(), ToString::to_string)
    };
    let analysis = analysis.filter(|analysis| nodes[analysis].get("error_data").is_none());
    let mut links: Vec<String> = tree
        .relationships
        .iter()
        .filter(|row| {
            row.from == Endpoint::Inside(id) || analysis.is_some_and(|id| row.from == Endpoint::Inside(id))
        })
        .filter_map(|row| match &row.to {
            Endpoint::Outside { key: Some(key), .. } => {
                let protected = row.properties.get("is_edited").is_some_and(Value::is_true);
                Some(format!("{}{}{key}", row.rel, if protected { "!" } else { ":" }))
            }
            _ => None,
        })
        .collect();
    links.sort();
    format!(
        "{} {} {} {}..{} {} {} {}",
        show(&["sequence_order"]),
        show(&["text"]),
        show(&["speaker"]),
        show(&["start_time", "start_ms"]),
        show(&["end_time", "end_ms"]),
        if sentence.get("is_edited").is_some_and(Value::is_true) { "edited" } else { "as read" },
        if analysis.is_some() { "analysed" } else { "not analysed" },
        links.join(" ")
    )
}
