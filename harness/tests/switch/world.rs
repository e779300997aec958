//! What the tests of the switch run in: an event store and two graphs in memory, a projection service that runs all the time, and
//! time that goes on when nobody has anything to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cutover_core::analysed::AnalysedFile;
use cutover_core::direct::Edit;
use cutover_core::ids::{AggregateId, ProjectId, SentenceId, StreamName};
use cutover_core::switch::{Mode, SwitchEvent};
use cutover_engines::event_log::{EventLog, LogError, NewEvent};
use cutover_engines::graph::{Graph, Schema};
use cutover_harness::diff::{self, GraphSource, Limits, Orientation, Policy};
use cutover_harness::provision::hooks::{Hooks, LogHook};
use cutover_harness::provision::wrapped::hooked_log;
use cutover_harness::provision::{Engines, InProcess, Provision};
use cutover_harness::result::CheckResult;
use cutover_harness::switch::{Conductor, Order, Proof, Report, Service, Settings, SwitchError, System};
use cutover_harness::workload::clock::SteppingClock;
use cutover_service::pipeline::analyse::Lexical;
use cutover_service::pipeline::{Pipeline, RequestContext, SeededIds, analyse_file};
use cutover_service::projection::{self, Groups, ProjectionService};
use cutover_service::switch::{Flag, Seen};
use tokio::task::JoinHandle;
use uuid::Uuid;

const FILE: &str = "a.txt";

/// The engines, and what runs on them.
pub(crate) struct World {
    engines: Box<dyn Engines>,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) direct: Arc<dyn Graph>,
    pub(crate) projected: Arc<dyn Graph>,
    pub(crate) clock: Arc<SteppingClock>,
    projection: Option<JoinHandle<()>>,
}

impl World {
    /// Engines with one interview on both paths, and a projection that runs.
    pub(crate) async fn with_an_interview() -> Self {
        let mut world = Self::without_projection().await;
        world.project();
        world.pipeline(1).ingest(&file(LINES), &RequestContext::system()).await.expect("a file");
        world.pipeline(2).drain().await.expect("a drained outbox");
        world
    }

    pub(crate) async fn without_projection() -> Self {
        let engines = InProcess.start().await.expect("engines");
        let log = engines.log();
        let direct = engines.graph("direct", Schema::Direct).await.expect("a graph");
        let projected = engines.graph("projected", Schema::Projected).await.expect("a graph");
        Self { engines, log, direct, projected, clock: Arc::default(), projection: None }
    }

    /// Starts the projection service.
    pub(crate) fn project(&mut self) {
        let settings = projection::Settings::default();
        let service = ProjectionService::new(self.log.clone(), self.projected.clone(), settings);
        self.projection = Some(tokio::spawn(async move {
            let ended = service.run(projection::Until::Stopped, std::future::pending()).await;
            panic!("the projection ended: {ended:?}");
        }));
    }

    /// Stops the projection service as a power failure would.
    pub(crate) fn stop_projecting(&mut self) {
        if let Some(projection) = self.projection.take() {
            projection.abort();
        }
    }

    pub(crate) fn flag(&self) -> Flag {
        Flag::new(self.log.clone(), "test")
    }

    /// A pipeline that follows the flag; its number is what its ids derive from.
    pub(crate) fn pipeline(&self, number: u128) -> Pipeline {
        self.pipeline_over(self.direct.clone(), number)
    }

    pub(crate) fn pipeline_over(&self, direct: Arc<dyn Graph>, number: u128) -> Pipeline {
        self.pipeline_between(self.log.clone(), direct, number)
    }

    pub(crate) fn pipeline_between(
        &self,
        log: Arc<dyn EventLog>,
        direct: Arc<dyn Graph>,
        number: u128,
    ) -> Pipeline {
        let ids = Arc::new(SeededIds::new(Uuid::from_u128(number)));
        let flag = Flag::new(log.clone(), "test");
        Pipeline::new(direct, log, self.clock.clone(), ids, Default::default()).following(flag)
    }

    pub(crate) fn system(&self, log: Arc<dyn EventLog>) -> System {
        System {
            log,
            direct: self.direct.clone(),
            projected: self.projected.clone(),
            policy: Policy::direct_vs_projected(),
            pipeline: Default::default(),
            reverse: Default::default(),
        }
    }

    /// Throws the flag.
    pub(crate) async fn throw(&self, to: Mode) -> Result<Report, SwitchError> {
        self.throw_with(&Hooks::default(), to, "ada").await
    }

    /// Throws the flag as somebody whose event store has hooks.
    pub(crate) async fn throw_with(
        &self,
        hooks: &Hooks,
        to: Mode,
        actor: &str,
    ) -> Result<Report, SwitchError> {
        let system = self.system(hooked_log(self.log.clone(), hooks));
        self.throw_in(system, to, actor).await
    }

    /// Throws the flag of these engines.
    pub(crate) async fn throw_in(
        &self,
        system: System,
        to: Mode,
        actor: &str,
    ) -> Result<Report, SwitchError> {
        self.throw_by(Proof::Graphs, system, to, actor).await
    }

    /// Throws the flag of these engines, with a proof.
    pub(crate) async fn throw_by(
        &self,
        proof: Proof,
        system: System,
        to: Mode,
        actor: &str,
    ) -> Result<Report, SwitchError> {
        let log = system.log.clone();
        let flag = Flag::new(log.clone(), "test");
        let path = Service::new(log, Groups::in_production());
        let conductor = Conductor {
            flag: &flag,
            system: &system,
            path: &path,
            clock: &*self.clock,
            witness: &(),
            settings: Settings { fence_max: Duration::from_secs(10), proof },
        };
        conductor.throw(order(to, actor)).await
    }

    /// Throws the flag until it is stopped, over an event store of one's own.
    pub(crate) async fn throw_until(
        &self,
        log: Arc<dyn EventLog>,
        to: Mode,
        actor: &str,
        stopped: impl Future<Output = ()>,
    ) -> Result<Report, SwitchError> {
        let (flag, system) = (Flag::new(log.clone(), "test"), self.system(log.clone()));
        let path = Service::new(log, Groups::in_production());
        let conductor = Conductor {
            flag: &flag,
            system: &system,
            path: &path,
            clock: &*self.clock,
            witness: &(),
            settings: Settings { fence_max: Duration::from_secs(10), ..Settings::default() },
        };
        conductor.throw_until(order(to, actor), stopped).await
    }

    /// Brings a throw to an end that was cut off.
    pub(crate) async fn resume(&self) -> Mode {
        let (flag, system) = (self.flag(), self.system(self.log.clone()));
        let path = Service::new(self.log.clone(), Groups::in_production());
        let conductor = Conductor {
            flag: &flag,
            system: &system,
            path: &path,
            clock: &*self.clock,
            witness: &(),
            settings: Settings::default(),
        };
        conductor.resume().await.expect("a flag that can be read")
    }

    pub(crate) async fn seen(&self) -> Seen {
        self.flag().look(Seen::default()).await.expect("a flag that can be read")
    }

    pub(crate) async fn history(&self) -> Vec<SwitchEvent> {
        self.flag().history().await.expect("a flag that can be read")
    }

    /// Waits until the projection has everything, and compares the two graphs.
    pub(crate) async fn compare(&self) -> CheckResult {
        use cutover_harness::switch::ProjectedPath as _;
        let ends = cutover_core::switch::CategoryPositions {
            interview: self.end_of("$ce-Interview").await,
            sentence: self.end_of("$ce-Sentence").await,
        };
        let path = Service::new(self.log.clone(), Groups::in_production());
        path.has_applied(ends).await.expect("a projection that runs");
        let direct = GraphSource::new(&*self.direct, Schema::Direct);
        let projected = GraphSource::new(&*self.projected, Schema::Projected);
        let sides = Orientation::new("direct", "projected");
        let policy = Policy::direct_vs_projected();
        diff::diff("graphs", sides, &direct, &projected, &policy, Limits::default()).await
    }

    async fn end_of(&self, category: &str) -> Option<u64> {
        let category = cutover_core::ids::StreamName::new(category);
        self.log.last_revision(&category).await.expect("a store that answers")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop_projecting();
        let _ = &self.engines;
    }
}

pub(crate) const LINES: &[&str] = &[
    "[00:00:01] CC: What is the oxygen pressure?",
    "[00:00:03] CDR: It reads 2.0 and the tank is fine.",
    "[00:00:07] CC: Roger.",
    "[00:00:09] CC: Verify the hatch.",
];

pub(crate) fn file(lines: &[&str]) -> AnalysedFile {
    let text = lines.join("\n");
    analyse_file(FILE, text.as_bytes(), &ProjectId::new("p"), None, &Lexical).expect("a transcript")
}

pub(crate) fn order(to: Mode, actor: &str) -> Order {
    Order {
        operation: Uuid::new_v5(&Uuid::NAMESPACE_DNS, format!("{actor}-{to}").as_bytes()),
        to,
        actor: actor.into(),
        reason: "a test".into(),
        certificate: Some("a certificate".into()),
    }
}

/// Changes the text of a sentence.
pub(crate) async fn edit(pipeline: &Pipeline, slot: u32, text: &str) {
    let edit = Edit::Text { slot, text: text.into() };
    let interview = file(LINES).interview;
    pipeline.execute(interview, edit, &RequestContext::human("ada")).await.expect("an edit");
    pipeline.drain().await.expect("a drained outbox");
}

/// An event store that takes so many appends and no more.
pub(crate) struct Takes(pub(crate) AtomicU64);

impl LogHook for Takes {
    fn append(&self, _: &StreamName, events: Vec<NewEvent>) -> Result<Vec<NewEvent>, LogError> {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(|_| events).map_err(|_| unavailable("append"))
    }
}

pub(crate) fn unavailable(during: &'static str) -> LogError {
    LogError::Unavailable { during, source: "nobody is there".into() }
}

/// Returns the stream of the sentence in a slot.
pub(crate) fn sentence(slot: u32) -> StreamName {
    AggregateId::Sentence(SentenceId::in_generation(file(LINES).interview, slot, 0)).stream_name()
}
