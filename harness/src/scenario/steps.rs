//! What each step of a scenario does. The main type is [`World`]: the pipeline, the graphs and the model of one scenario.
//!
//! Steps do; they do not judge. What they find goes into [`Findings`].

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover_core::analysed::AnalysedFile;
use cutover_core::ids::{InterviewId, ProjectId};
use cutover_core::limits::LimitsTable;
use cutover_engines::event_log::{EventLog, LogError};
use cutover_engines::graph::{Graph, GraphError, Schema};
use cutover_service::pipeline::analyse::Analyser;
use cutover_service::pipeline::transcript::TranscriptError;
use cutover_service::pipeline::{
    self, DrainError, Pipeline, PipelineError, RequestContext, SeededIds, analyse_file,
};
use cutover_service::projection::{self, Groups, ProjectionError, ProjectionService};
use smol_str::SmolStr;
use uuid::Uuid;

use crate::diff::{self, GraphSource, Orientation, Policy, Source};
use crate::model::{Action, Expected, Model};
use crate::provision::{Engines, ProvisionError};
use crate::result::{Cause, CheckResult, ProjectorMetrics};
use crate::scenario::event::{Observer, RunEvent};
use crate::scenario::file::{Expectations, Scenario, Step, Variant};
use crate::scenario::run::{Findings, Runner};
use crate::seed::Stream;
use crate::transcripts::Transcript;
use crate::workload::clock::SteppingClock;
use crate::workload::files;
use crate::workload::people::{People, Personal};

/// The name of the graph that the direct path writes.
pub const DIRECT: &str = "direct";

/// The name of the account of the graph that shares no code with either path.
pub const MODEL: &str = "model";

/// The account of the person who edits.
const PERSON: &str = "listener";

/// Why a step did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A graph that the scenario asks for is not to be had.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// A transcript that was varied is none any more.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// The pipeline could not write.
    #[error("the pipeline stopped")]
    Pipeline(#[from] PipelineError),
    /// The outbox could not be drained.
    #[error("the outbox was not drained")]
    Drain(#[from] DrainError),
    /// The projection stopped.
    #[error("the projection stopped")]
    Projection(#[from] ProjectionError),
    /// The event store did not answer.
    #[error("the event store did not answer")]
    Log(#[from] LogError),
    /// A graph did not answer.
    #[error("the graph did not answer")]
    Graph(#[from] GraphError),
}

impl StepError {
    /// Returns why what was not checked is unknown.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Provision(_) => Cause::EnvironmentNotReady,
            _ => Cause::EngineFailed,
        }
    }

    /// Returns whether it is the code under test that is at fault, and not an engine: then the scenario has failed.
    pub const fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Transcript(_)
                | Self::Pipeline(PipelineError::Rejected(_) | PipelineError::InvalidSentence { .. })
        )
    }
}

/// A graph that a projection writes.
struct Projected {
    graph: Arc<dyn Graph>,
    groups: Groups,
}

/// Everything that the steps of one scenario work on.
pub struct World<'a> {
    engines: &'a dyn Engines,
    observer: &'a dyn Observer,
    analyser: &'a dyn Analyser,
    projection: projection::Settings,
    log: Arc<dyn EventLog>,
    direct: Arc<dyn Graph>,
    projected: BTreeMap<SmolStr, Projected>,
    pipeline: Pipeline,
    model: Model,
    project: ProjectId,
    /// The transcripts as they stand: re-processing varies them.
    transcripts: Vec<Transcript>,
    files: Vec<AnalysedFile>,
    people: People,
    variations: Stream,
    rejected: u64,
}

impl<'a> World<'a> {
    /// Makes the world before the first step: engines that are empty, and a pipeline.
    ///
    /// # Errors
    ///
    /// [`StepError`] when the direct graph cannot be had.
    pub async fn new(
        runner: &Runner<'a>,
        scenario: &Scenario,
        engines: &'a dyn Engines,
    ) -> Result<Self, StepError> {
        let seed = runner.seed;
        let direct = engines.graph(DIRECT, Schema::Direct).await?;
        let log = engines.log();
        direct.prepare(Schema::Direct).await?;
        let wanted = &scenario.transcripts;
        let mut ids = Uuid::from_u128(u128::from(seed.number()));
        if let Some(namespace) = engines.namespace() {
            ids = Uuid::new_v5(&ids, namespace.as_bytes());
        }
        let pipeline = Pipeline::new(
            direct.clone(),
            log.clone(),
            Arc::new(SteppingClock::default()),
            Arc::new(SeededIds::new(ids)),
            pipeline::Settings::default(),
        );
        Ok(Self {
            engines,
            observer: runner.observer,
            analyser: runner.analyser,
            projection: runner.projection.clone(),
            log,
            direct,
            projected: BTreeMap::new(),
            pipeline,
            model: Model::new(LimitsTable::default()),
            project: ProjectId::new(scenario.project.clone()),
            transcripts: runner
                .transcripts
                .iter()
                .filter(|transcript| wanted.is_empty() || wanted.contains(&transcript.name))
                .cloned()
                .collect(),
            files: Vec::new(),
            people: People::new(seed.stream("people")),
            variations: seed.stream("files"),
            rejected: 0,
        })
    }

    /// Takes one step.
    ///
    /// # Errors
    ///
    /// [`StepError`] when an engine refuses or a rule forbids it. What was found until then is in `findings`.
    pub async fn take(&mut self, step: &Step, findings: &mut Findings) -> Result<(), StepError> {
        match step {
            Step::Ingest => self.process(Variant::Same, findings).await,
            Step::Reprocess { file } => self.process(*file, findings).await,
            Step::Edit { sentences } => {
                let done = self.people.edits(&self.files, *sentences);
                self.act(done, findings).await
            }
            Step::Override { sentences } => {
                let done = self.people.overrides(&self.files, *sentences);
                self.act(done, findings).await
            }
            Step::Tag { sentences } => {
                let done = self.people.tags(&self.files, *sentences);
                self.act(done, findings).await
            }
            Step::Relocate { sentences } => {
                let done = self.people.moves(&self.files, &self.model, *sentences);
                self.act(done, findings).await
            }
            Step::Project { into } => self.project(into, findings).await,
            Step::Compare { left, right } => {
                findings.checks.push(self.compare(left, right).await);
                Ok(())
            }
        }
    }

    /// Sends every transcript through the pipeline, as it stands after `variant`.
    async fn process(&mut self, variant: Variant, findings: &mut Findings) -> Result<(), StepError> {
        let total = self.transcripts.len() as u64;
        let mut files = Vec::with_capacity(self.transcripts.len());
        for (done, transcript) in (1..).zip(&mut self.transcripts) {
            transcript.text = files::vary(&transcript.text, variant, &mut self.variations);
            let (name, bytes) = (&transcript.name, transcript.text.as_bytes());
            let mut file = analyse_file(name, bytes, &self.project, None, self.analyser)?;
            if let Some(namespace) = self.engines.namespace() {
                file.interview = InterviewId::for_file(&format!("{namespace}/{name}"));
            }
            self.pipeline.ingest(&file, &RequestContext::system()).await?;
            self.model.apply(&Action::Ingest(file.clone()));
            files.push(file);
            self.observer.notice(&RunEvent::StepProgressed { unit: "transcripts", done, total });
        }
        self.files = files;
        findings.sentences = self.files.iter().map(|file| file.sentences.len() as u64).sum();
        self.drain(findings).await
    }

    /// Lets people do things, on both paths.
    async fn act(&mut self, done: Vec<Personal>, findings: &mut Findings) -> Result<(), StepError> {
        let request = RequestContext::human(PERSON);
        for Personal { interview, edit } in done {
            self.pipeline.execute(interview, edit.clone(), &request).await?;
            self.model.apply(&Action::Edit { interview, edit, by: Some(PERSON.into()) });
        }
        self.drain(findings).await
    }

    async fn drain(&mut self, findings: &mut Findings) -> Result<(), StepError> {
        self.pipeline.drain().await?;
        // Every write drains what the one before it left, so the last drain alone says little.
        let drained = self.pipeline.drained_in_all().await;
        findings.events_appended = drained.events as u64;
        self.rejected = drained.rejected.len() as u64;
        Ok(())
    }

    /// Runs the projection service until it has caught up.
    async fn project(&mut self, into: &SmolStr, findings: &mut Findings) -> Result<(), StepError> {
        if !self.projected.contains_key(into) {
            let groups =
                if self.projected.is_empty() { Groups::in_production() } else { Groups::named(into) };
            let graph = self.engines.graph(into, Schema::Projected).await?;
            self.projected.insert(into.clone(), Projected { graph, groups });
        }
        let Projected { graph, groups } = &self.projected[into];
        let settings = projection::Settings { groups: groups.clone(), ..self.projection.clone() };
        let report = ProjectionService::new(self.log.clone(), graph.clone(), settings).catch_up().await?;
        add(findings.projections.entry(into.clone()).or_default(), &report);
        Ok(())
    }

    async fn compare(&self, left: &SmolStr, right: &SmolStr) -> CheckResult {
        let (left, right) = if rank(left) <= rank(right) { (left, right) } else { (right, left) };
        // The model of a long interview is large: it is there only while somebody compares with it.
        let is_needed = left == MODEL || right == MODEL;
        let expected = if is_needed { self.model.expected() } else { Expected::default() };
        let graph = |name: &SmolStr| match name.as_str() {
            MODEL => None,
            DIRECT => Some(GraphSource::new(&*self.direct, Schema::Direct)),
            _ => Some(GraphSource::new(&*self.projected[name].graph, Schema::Projected)),
        };
        let (left_graph, right_graph) = (graph(left), graph(right));
        diff::diff(
            smol_str::format_smolstr!("{left}-vs-{right}"),
            Orientation::new(left.clone(), right.clone()),
            left_graph.as_ref().map_or(&expected as &dyn Source, |graph| graph),
            right_graph.as_ref().map_or(&expected as &dyn Source, |graph| graph),
            &policy(left, right),
            diff::Limits::default(),
        )
        .await
    }

    /// Checks what the scenario expects at its end, besides equal graphs.
    ///
    /// # Errors
    ///
    /// [`StepError`] when an engine does not say.
    pub async fn check_expectations(
        &self,
        expected: &Expectations,
        findings: &mut Findings,
    ) -> Result<(), StepError> {
        let mut parked = 0;
        for Projected { groups, .. } in self.projected.values() {
            for group in [&groups.interview, &groups.sentence] {
                parked += self.log.group_info(group).await?.parked;
            }
        }
        let outbox = self.pipeline.outbox_len().await? as u64;
        let figures = [
            ("parked events", expected.parked, parked),
            ("outbox entries", expected.outbox, outbox),
            ("refused commands", 0, self.rejected),
        ];
        let figures = figures.map(|(name, expected, actual)| {
            (SmolStr::new_static(name), (expected as i64).into(), (actual as i64).into())
        });
        findings.checks.push(CheckResult::of_figures("expectations", figures));
        Ok(())
    }
}

/// Returns which of two graphs is named first in a comparison: what is closer to what should be.
fn rank(name: &str) -> u8 {
    match name {
        MODEL => 0,
        DIRECT => 1,
        _ => 2,
    }
}

/// Returns what counts as the same between two graphs, the one of lower rank first.
fn policy(left: &str, right: &str) -> Policy {
    match (left, right) {
        (MODEL, DIRECT) => Policy::model_vs_direct(),
        (MODEL, _) => Policy::model_vs_projected(),
        (DIRECT, _) => Policy::direct_vs_projected(),
        _ => Policy::same_schema(),
    }
}

/// Adds what a projection counted to what it had counted before; of latencies, the highest are kept.
fn add(sum: &mut ProjectorMetrics, report: &projection::Report) {
    let metrics = &report.metrics;
    let counters = &metrics.counters;
    sum.processed += counters.processed;
    sum.failed += counters.failed;
    sum.parked += counters.parked;
    sum.skipped += counters.skipped;
    sum.duplicates += counters.duplicates;
    sum.retries += counters.retries;
    sum.conflicts += counters.conflicts;
    sum.graph_write_errors += counters.graph_write_errors;
    sum.queue_depth = metrics.queue_depth.iter().map(|&depth| depth as u64).collect();
    let latency = &metrics.latency;
    sum.latency_p50_ms = sum.latency_p50_ms.max(latency.p50_ms as f64);
    sum.latency_p95_ms = sum.latency_p95_ms.max(latency.p95_ms as f64);
    sum.latency_p99_ms = sum.latency_p99_ms.max(latency.p99_ms as f64);
    sum.lag = metrics.lag_interview.unwrap_or(0) + metrics.lag_sentence.unwrap_or(0);
}
