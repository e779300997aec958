//! What is written in a schedule: files that the pipeline processes, and what people do to them, drawn from the seed. All of it goes
//! through the real pipeline on both paths, and the model is told.

use std::sync::Arc;

use cutover_engines::event_log::EventLog;
use cutover_engines::graph::{Graph, MemoryGraph, Schema};
use cutover_service::pipeline::{self, Pipeline, PipelineError, SeededIds};
use uuid::Uuid;

use super::plan::Plan;
use super::recorder::{Append, Recorder};
use crate::model::{Action, Model};
use crate::provision::hooks::Hooks;
use crate::provision::wrapped;
use crate::scenario::steps::DIRECT;
use crate::seed::Seed;
use crate::simulation::author::{Author, carry_out, pipeline_settings};
use crate::simulation::fault::{Dice, Fired};
use crate::simulation::violation::Violation;
use crate::simulation::vocabulary::Vocabulary;
use crate::workload::clock::SteppingClock;

/// How often something is tried whose store is out of reach. Faults are rarer than that by far.
const TRIES_MAX: usize = 200;

/// Everything that was written, and what should have come of it.
pub(super) struct Workload {
    /// The appends, in the order of commit.
    pub(super) appends: Vec<Append>,
    pub(super) events: usize,
    pub(super) model: Model,
    /// What the direct path made of it.
    pub(super) direct: Arc<MemoryGraph>,
    pub(super) fired: Fired,
}

/// Writes what a plan asks for, on both paths.
///
/// # Errors
///
/// [`Violation::PipelineRefused`] when the pipeline will not do what can be done.
pub(super) async fn write(plan: &Plan, hooks: &Hooks) -> Result<Workload, Violation> {
    let mut writer = Writer::begin(plan, hooks).await?;
    for file in 0..plan.interviews {
        let file = writer.author.read_file(plan.seed, file);
        writer.perform(Action::Ingest(file)).await?;
    }
    while writer.recorder.events() < plan.events_min {
        for action in writer.author.act(&writer.model) {
            writer.perform(action).await?;
        }
        writer.drain().await?;
    }
    writer.recorder.calm_down();
    writer.drain().await?;
    let (appends, fired) = writer.recorder.take();
    let events = appends.iter().map(|append| append.events.len()).sum();
    Ok(Workload { appends, events, model: writer.model, direct: writer.direct, fired })
}

struct Writer {
    seed: Seed,
    settings: pipeline::Settings,
    recorder: Arc<Recorder>,
    log: Arc<dyn EventLog>,
    direct: Arc<MemoryGraph>,
    hooked: Arc<dyn Graph>,
    clock: Arc<SteppingClock>,
    pipeline: Pipeline,
    pipelines: u64,
    model: Model,
    author: Author,
}

impl Writer {
    async fn begin(plan: &Plan, hooks: &Hooks) -> Result<Self, Violation> {
        let recorder = Arc::new(Recorder::new(Dice::new(plan.seed, &plan.faults, plan.firings_max)));
        let log = wrapped::hooked_log(recorder.clone(), hooks);
        let direct = Arc::new(MemoryGraph::new(Schema::Direct));
        let hooked = wrapped::hooked_graph(direct.clone(), DIRECT, hooks);
        hooked.prepare(Schema::Direct).await.map_err(|error| Violation::refused(&error))?;
        let limits = plan.limits_table();
        let settings = pipeline_settings(limits.clone());
        let clock = Arc::new(SteppingClock::default());
        let pipeline = start(plan.seed, 0, &settings, &hooked, &log, &clock);
        let sentences = plan.sentences.div_ceil(plan.interviews.max(1));
        Ok(Self {
            seed: plan.seed,
            settings,
            recorder,
            log,
            direct,
            hooked,
            clock,
            pipeline,
            pipelines: 1,
            model: Model::new(limits),
            author: Author::new(
                plan.seed.stream("workload"),
                Vocabulary::new(plan.seed),
                plan.limits.len(),
                sentences,
            ),
        })
    }

    /// Carries out what the author has drawn, and tells the model.
    async fn perform(&mut self, action: Action) -> Result<(), Violation> {
        for _ in 0..TRIES_MAX {
            match carry_out(&self.pipeline, &action).await {
                Ok(()) => {
                    self.model.apply(&action);
                    return Ok(());
                }
                Err(error) => self.go_on_after(&error)?,
            }
        }
        Err(Violation::PipelineStuck)
    }

    async fn drain(&mut self) -> Result<(), Violation> {
        for _ in 0..TRIES_MAX {
            match self.pipeline.drain().await {
                Ok(report) => {
                    return match report.rejected.first() {
                        None => Ok(()),
                        Some(rejected) => Err(Violation::refused(&rejected.reason)),
                    };
                }
                Err(error) => self.go_on_after(&error.source)?,
            }
        }
        Err(Violation::PipelineStuck)
    }

    /// What failed because the store was out of reach may be tried again, by another process if this one has died.
    fn go_on_after(&mut self, error: &PipelineError) -> Result<(), Violation> {
        if self.recorder.take_crash() {
            self.pipeline =
                start(self.seed, self.pipelines, &self.settings, &self.hooked, &self.log, &self.clock);
            self.pipelines += 1;
        }
        if error.is_transient() { Ok(()) } else { Err(Violation::refused(error)) }
    }
}

/// Starts a pipeline: the first one, or one that goes on where another has died.
fn start(
    seed: Seed,
    number: u64,
    settings: &pipeline::Settings,
    direct: &Arc<dyn Graph>,
    log: &Arc<dyn EventLog>,
    clock: &Arc<SteppingClock>,
) -> Pipeline {
    let ids = Uuid::from_u64_pair(seed.number(), number);
    Pipeline::new(direct.clone(), log.clone(), clock.clone(), Arc::new(SeededIds::new(ids)), settings.clone())
}
