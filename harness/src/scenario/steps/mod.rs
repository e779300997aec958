//! What each step of a scenario does. The main type is [`World`]: the pipeline, the graphs and the model of one scenario.
//!
//! | module | what lives there |
//! |---|---|
//! | `write` | what the pipeline and people write, on both paths, tried again where the world stood in the way |
//! | `project` | the projection service, as it is run and as it dies |
//! | `disturb` | faults and poison |
//! | `switch`, `late` | the flag that says which path is written, and writers who are on their way when it is thrown |
//! | `compare`, `expect` | what is checked, and how much of it |
//!
//! Steps do; they do not judge. What they find goes into [`Findings`].
//!
//! Faults stand between the program under test and the engines. What checks asks the engines themselves: a check that a fault
//! could spoil would say nothing.

mod compare;
mod contend;
mod disturb;
mod error;
mod expect;
mod late;
mod project;
mod switch;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::analysed::AnalysedFile;
use cutover_core::limits::LimitsTable;
use cutover_engines::event_log::EventLog;
use cutover_engines::graph::{Graph, Schema};
use cutover_service::pipeline::analyse::Analyser;
use cutover_service::pipeline::{self, Pipeline, SeededIds};
use cutover_service::projection;
use cutover_service::switch::Flag;
use smol_str::SmolStr;
use uuid::Uuid;

pub use self::error::StepError;
use self::project::Projected;
use crate::fault::{FaultyGraph, FaultyLog, Injector};
use crate::model::Model;
use crate::provision::Engines;
use crate::provision::hooks::Hooks;
use crate::provision::wrapped::{hooked_graph, hooked_log};
use crate::scenario::event::Observer;
use crate::scenario::file::Scenario;
use crate::scenario::run::{Findings, PATIENCE, Runner};
use crate::scenario::step::Step;
use crate::scenario::timeline::Timeline;
use crate::seed::{Seed, Stream};
use crate::transcripts::{self, Transcript};
use crate::workload::clock::SteppingClock;
use crate::workload::generated;
use crate::workload::people::People;
use crate::workload::streams::Streams;

/// The name of the graph that the direct path writes.
pub const DIRECT: &str = "direct";

/// The name of the account of the graph that shares no code with either path.
pub const MODEL: &str = "model";

/// Everything that the steps of one scenario work on.
pub struct World<'a> {
    engines: &'a dyn Engines,
    observer: &'a dyn Observer,
    analyser: &'a dyn Analyser,
    scenario: &'a Scenario,
    seed: Seed,
    injector: Arc<Injector>,
    /// The defect that the program under test has, if it has one.
    defect: Option<Hooks>,
    /// How long something is tried again that the world stands in the way of.
    patience: Duration,
    projection: projection::Settings,
    limits: LimitsTable,
    streams: Arc<Streams>,
    /// The event log as the program under test has it.
    log: Arc<dyn EventLog>,
    /// The direct graph as it is.
    direct: Arc<dyn Graph>,
    projected: BTreeMap<SmolStr, Projected>,
    clock: Arc<SteppingClock>,
    ids: Arc<SeededIds>,
    /// The flag that the pipeline follows; none in a scenario that never throws it.
    flag: Option<Flag>,
    /// How many direct writes there had been when events alone were to be written; `None` while both paths are.
    direct_writes: Option<u64>,
    pipeline: Pipeline,
    /// How many commands were refused that should not have been, by pipelines that are gone.
    rejected: u64,
    model: Model,
    /// The transcripts as they stand: re-processing varies them.
    transcripts: Vec<Transcript>,
    files: Vec<AnalysedFile>,
    people: People,
    variations: Stream,
    poisonings: Stream,
    /// Which failures of the analyser these are, and for one in how many sentences it fails.
    failing: (u64, u32),
    /// The number of the step, 1-based.
    number: usize,
    timeline: Arc<Timeline>,
}

impl<'a> World<'a> {
    /// Makes the world before the first step: engines that are empty, and a pipeline.
    ///
    /// # Errors
    ///
    /// [`StepError`] when the direct graph cannot be had.
    pub async fn new(
        runner: &Runner<'a>,
        scenario: &'a Scenario,
        engines: &'a dyn Engines,
        injector: Arc<Injector>,
    ) -> Result<Self, StepError> {
        let seed = runner.seed;
        let direct = engines.graph(DIRECT, Schema::Direct).await?;
        direct.prepare(Schema::Direct).await?;
        let streams = Arc::new(Streams::new(engines.log()));
        let timeline = Arc::new(Timeline::new(injector.began()));
        let defect = runner.defect.map(|make| make());
        let mut log: Arc<dyn EventLog> = Arc::new(FaultyLog::new(streams.clone(), injector.clone()));
        if let Some(hooks) = &defect {
            log = hooked_log(log, hooks);
        }
        let mut ids = Uuid::from_u128(u128::from(seed.number()));
        if let Some(namespace) = engines.namespace() {
            ids = Uuid::new_v5(&ids, namespace.as_bytes());
        }
        let (clock, ids) = (Arc::new(SteppingClock::default()), Arc::new(SeededIds::new(ids)));
        let limits = scenario.limits();
        let disturbed = disturbed(&direct, DIRECT, &injector, defect.as_ref());
        let flag = switch::flag_of(scenario, &log, engines.namespace());
        let followed = switch::followed(scenario, &log, engines.namespace(), defect.as_ref());
        let pipeline = pipeline_over(disturbed, &log, &clock, &ids, &limits, followed);
        let mut projection = scenario.projection.over(runner.projection.clone());
        projection.projector.limits = limits.clone();
        Ok(Self {
            engines,
            observer: runner.observer,
            analyser: runner.analyser,
            scenario,
            seed,
            injector,
            defect,
            patience: projection.patience.unwrap_or(PATIENCE),
            projection,
            streams,
            log,
            direct,
            projected: BTreeMap::new(),
            clock,
            ids,
            flag,
            direct_writes: None,
            pipeline,
            rejected: 0,
            model: Model::new(limits.clone()),
            limits,
            transcripts: transcripts_of(scenario, runner.transcripts, seed),
            files: Vec::new(),
            people: People::new(seed.stream("people")),
            variations: seed.stream("files"),
            poisonings: seed.stream("poison"),
            failing: (0, 0),
            number: 0,
            timeline,
        })
    }

    /// Returns how many events were appended so far.
    pub fn events_appended(&self) -> u64 {
        self.streams.events()
    }

    /// Writes down when the events of each projection were committed, and how many waited in its lanes.
    pub fn note_commits(&self, findings: &mut Findings) {
        for name in self.projected.keys() {
            let committed = self.timeline.committed(name);
            // A projection that failed has no figures, and yet it may have come far.
            if !committed.is_empty() {
                let metrics = findings.projections.entry(name.clone()).or_default();
                (metrics.committed, metrics.lanes) = (committed, self.timeline.waiting(name));
            }
        }
    }

    /// Takes the step of that number.
    ///
    /// # Errors
    ///
    /// [`StepError`] when an engine refuses or a rule forbids it. What was found until then is in `findings`.
    pub async fn take(
        &mut self,
        number: usize,
        step: &Step,
        findings: &mut Findings,
    ) -> Result<(), StepError> {
        self.number = number;
        self.step(step, findings).await
    }

    async fn step(&mut self, step: &Step, findings: &mut Findings) -> Result<(), StepError> {
        let (files, model, people) = (&self.files, &self.model, &mut self.people);
        let done = match step {
            Step::Edit { sentences } => people.edits(files, model, *sentences),
            Step::Override { sentences } => people.overrides(files, model, *sentences),
            Step::Tag { sentences } => people.tags(files, model, *sentences),
            Step::Relocate { sentences } => people.moves(files, model, *sentences),
            Step::Clear { sentences } => people.clears(files, model, *sentences),
            Step::Delete { sentences } => people.deletions(files, model, *sentences),
            Step::Describe { interviews } => people.descriptions(files, model, *interviews),
            Step::Archive { interviews } => people.archivals(files, model, *interviews),
            Step::DeleteInterviews { interviews } => people.interview_deletions(files, model, *interviews),
            Step::Contend { .. }
            | Step::Ingest
            | Step::Reprocess { .. }
            | Step::Analyser { .. }
            | Step::Streams { .. }
            | Step::Restart
            | Step::Project(_)
            | Step::ReplayParked { .. }
            | Step::Poison { .. }
            | Step::Fault(_)
            | Step::Heal
            | Step::Switch { .. }
            | Step::AwaitFaults { .. }
            | Step::Compare { .. }
            | Step::Expect(_) => return self.other_step(step, findings).await,
        };
        self.act(done, findings).await
    }

    /// Takes a step that is nothing which a person does.
    async fn other_step(&mut self, step: &Step, findings: &mut Findings) -> Result<(), StepError> {
        match step {
            Step::Ingest => self.process(crate::scenario::step::Variant::Same, findings).await?,
            Step::Contend { sentences, over } => self.contend(*sentences, *over, findings).await?,
            Step::Reprocess { file } => self.process(*file, findings).await?,
            Step::Analyser { fails_one_in } => self.failing = (self.failing.0 + 1, *fails_one_in),
            Step::Streams { form } => self.streams.write_in(*form),
            Step::Restart => self.restart().await,
            Step::Project(project) => self.project(project, findings).await?,
            Step::ReplayParked { into } => self.replay_parked(into).await?,
            Step::Poison { into, sentences } => self.poison(into, *sentences).await?,
            Step::Fault(fault) => self.injector.ask_for(fault.rule()),
            Step::Heal => self.heal(),
            Step::Switch { to, late_writers } => self.switch((*to).into(), *late_writers, findings).await?,
            Step::AwaitFaults { times } => self.await_faults(*times).await?,
            Step::Compare { left, right } => {
                let check = self.compare(left, right).await;
                findings.push(check);
            }
            Step::Expect(expected) => {
                let id = smol_str::format_smolstr!("expectations-at-{}", self.number);
                self.check_expectations(id, expected, findings).await?;
            }
            _ => unreachable!("what people do is told apart before"),
        }
        Ok(())
    }

    /// Starts the process of the pipeline again: what it had in memory is gone.
    async fn restart(&mut self) {
        self.rejected += self.pipeline.drained_in_all().await.rejected.len() as u64;
        let disturbed = disturbed(&self.direct, DIRECT, &self.injector, self.defect.as_ref());
        self.pipeline = self.another_pipeline(disturbed, self.log.clone());
        self.injector.started_again();
    }

    /// Starts a pipeline over a direct graph and an event store.
    fn another_pipeline(&self, direct: Arc<dyn Graph>, log: Arc<dyn EventLog>) -> Pipeline {
        let followed =
            switch::followed(self.scenario, &self.log, self.engines.namespace(), self.defect.as_ref());
        pipeline_over(direct, &log, &self.clock, &self.ids, &self.limits, followed)
    }
}

/// Puts what disturbs a graph in front of it: the faults of the world, and before them the defect of the program.
fn disturbed(
    graph: &Arc<dyn Graph>,
    name: &str,
    injector: &Arc<Injector>,
    defect: Option<&Hooks>,
) -> Arc<dyn Graph> {
    let faulty = Arc::new(FaultyGraph::new(graph.clone(), name, injector.clone()));
    match defect {
        Some(hooks) => hooked_graph(faulty, name, hooks),
        None => faulty,
    }
}

fn pipeline_over(
    direct: Arc<dyn Graph>,
    log: &Arc<dyn EventLog>,
    clock: &Arc<SteppingClock>,
    ids: &Arc<SeededIds>,
    limits: &LimitsTable,
    flag: Option<Flag>,
) -> Pipeline {
    let pipeline = Pipeline::new(
        direct,
        log.clone(),
        clock.clone(),
        ids.clone(),
        pipeline::Settings { limits: limits.clone(), ..pipeline::Settings::default() },
    );
    match flag {
        Some(flag) => pipeline.following(flag),
        None => pipeline,
    }
}

/// Returns the transcripts that a scenario works on.
fn transcripts_of(scenario: &Scenario, all: &[Transcript], seed: Seed) -> Vec<Transcript> {
    if let Some(generated) = scenario.generated {
        return generated::transcripts(generated, &mut seed.stream("transcripts"));
    }
    if scenario.transcripts.is_empty() {
        return all.to_vec();
    }
    let named = |name: &SmolStr| transcripts::named(name, all);
    scenario.transcripts.iter().filter_map(named).collect()
}
