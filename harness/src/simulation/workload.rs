//! What is written in a schedule: files that the pipeline processes, and what people do to them, drawn from the seed. All of it goes
//! through the real pipeline on both paths, and the model is told.

use std::sync::Arc;

use cutover_core::analysed::AnalysedFile;
use cutover_core::direct::Edit;
use cutover_core::ids::{InterviewId, ProjectId};
use cutover_core::interview::InterviewStatus;
use cutover_engines::event_log::EventLog;
use cutover_engines::graph::{Graph, MemoryGraph, Schema};
use cutover_service::pipeline::{self, Pipeline, PipelineError, RequestContext, SeededIds};
use rand::RngExt;
use rand::seq::IndexedRandom;
use smol_str::SmolStr;
use uuid::Uuid;

use super::fault::{Dice, Fired};
use super::invariant::Violation;
use super::plan::Plan;
use super::recorder::{Append, Recorder};
use super::vocabulary::{PROJECTS, Vocabulary};
use crate::model::{Action, Model};
use crate::provision::hooks::Hooks;
use crate::provision::wrapped;
use crate::scenario::steps::DIRECT;
use crate::seed::{Seed, Stream};
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
        writer.read_file(file).await?;
    }
    while writer.recorder.events() < plan.events_min {
        writer.act().await?;
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
    random: Stream,
    words: Vocabulary,
    projects: usize,
    files: Vec<AnalysedFile>,
    statuses: Vec<InterviewStatus>,
    sentences_per_file: usize,
}

impl Writer {
    async fn begin(plan: &Plan, hooks: &Hooks) -> Result<Self, Violation> {
        let recorder = Arc::new(Recorder::new(Dice::new(plan.seed, &plan.faults, plan.firings_max)));
        let log = wrapped::hooked_log(recorder.clone(), hooks);
        let direct = Arc::new(MemoryGraph::new(Schema::Direct));
        let hooked = wrapped::hooked_graph(direct.clone(), DIRECT, hooks);
        hooked.prepare(Schema::Direct).await.map_err(|error| Violation::refused(&error))?;
        let limits = plan.limits_table();
        let settings = pipeline::Settings {
            limits: limits.clone(),
            sentences_per_write: 8,
            drain_page: 64,
            in_flight_max: 4,
            ..pipeline::Settings::default()
        };
        let clock = Arc::new(SteppingClock::default());
        let pipeline = start(plan.seed, 0, &settings, &hooked, &log, &clock);
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
            random: plan.seed.stream("workload"),
            words: Vocabulary::new(plan.seed),
            projects: plan.limits.len(),
            files: Vec::new(),
            statuses: Vec::new(),
            sentences_per_file: plan.sentences.div_ceil(plan.interviews.max(1)),
        })
    }

    /// Reads a file for the first time.
    async fn read_file(&mut self, number: usize) -> Result<(), Violation> {
        let file_name = self.words.file(self.seed, number);
        let sentences = (0..self.sentences_per_file).map(|_| self.words.sentence()).collect();
        let file = AnalysedFile {
            project: ProjectId::new(PROJECTS[number % self.projects]),
            interview: InterviewId::for_file(&file_name),
            file_name,
            language: self.coin().then(|| SmolStr::new_static("en")),
            sentences,
        };
        self.ingest(&file).await?;
        self.files.push(file);
        self.statuses.push(InterviewStatus::Created);
        Ok(())
    }

    async fn ingest(&mut self, file: &AnalysedFile) -> Result<(), Violation> {
        for _ in 0..TRIES_MAX {
            match self.pipeline.ingest(file, &RequestContext::system()).await {
                Ok(_) => {
                    self.model.apply(&Action::Ingest(file.clone()));
                    return Ok(());
                }
                Err(error) => self.go_on_after(&error)?,
            }
        }
        Err(Violation::PipelineStuck)
    }

    async fn execute(&mut self, interview: InterviewId, edit: Edit) -> Result<(), Violation> {
        let person = self.words.person();
        for _ in 0..TRIES_MAX {
            match self.pipeline.execute(interview, edit.clone(), &RequestContext::human(&person)).await {
                Ok(_) => {
                    self.model.apply(&Action::Edit { interview, edit, by: Some(person) });
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

    /// Does one thing that the model allows.
    async fn act(&mut self) -> Result<(), Violation> {
        let at = self.random.random_range(0..self.files.len());
        let interview = self.files[at].interview;
        let slots = self.model.slots(interview);
        let Some(&slot) = slots.choose(&mut self.random) else { return self.process_again(at).await };
        let is_analysed = self.model.is_analysed(interview, slot);
        match self.random.random_range(0..100) {
            0..22 => {
                let text = self.words.text();
                self.execute(interview, Edit::Text { slot, text }).await
            }
            22..44 if is_analysed => {
                let fields = self.words.fields();
                let note = self.coin().then(|| self.words.text());
                self.execute(interview, Edit::Override { slot, fields, note }).await
            }
            44..56 if is_analysed => self.tag(interview, slot).await,
            56..76 => self.relocate(interview, slot, slots.len()).await,
            76..80 if is_analysed => self.execute(interview, Edit::Clear { slot, reason: None }).await,
            80..86 => {
                let title = Some(self.words.text());
                let metadata_diff = std::iter::once(self.words.remark()).collect();
                let language = self.coin().then(|| SmolStr::new_static("de"));
                self.execute(interview, Edit::UpdateInterview { title, language, metadata_diff }).await
            }
            86..89 => self.move_on(at).await,
            89..92 => self.execute(interview, Edit::DeleteSentence { slot, reason: None }).await,
            92..99 => self.process_again(at).await,
            99 if self.files.len() > 1 => self.put_away(at).await,
            _ => Ok(()),
        }
    }

    async fn tag(&mut self, interview: InterviewId, slot: u32) -> Result<(), Violation> {
        let tag = self.words.tag();
        self.execute(interview, Edit::Tag { slot, tag: tag.clone() }).await?;
        if self.coin() { self.execute(interview, Edit::Untag { slot, tag }).await } else { Ok(()) }
    }

    async fn relocate(&mut self, interview: InterviewId, slot: u32, places: usize) -> Result<(), Violation> {
        let from = self.model.place(interview, slot).unwrap_or_default();
        let drawn = self.random.random_range(0..places as u32 + 2);
        let new_index = if drawn == from { from + 1 } else { drawn };
        self.execute(interview, Edit::Relocate { slot, new_index }).await
    }

    async fn move_on(&mut self, at: usize) -> Result<(), Violation> {
        let to_status = match self.statuses[at] {
            InterviewStatus::Created => InterviewStatus::Processing,
            InterviewStatus::Processing => InterviewStatus::Completed,
            _ => return Ok(()),
        };
        self.statuses[at] = to_status;
        let edit = Edit::ChangeInterviewStatus { to_status, reason: None };
        self.execute(self.files[at].interview, edit).await
    }

    /// Archives or deletes an interview: nothing more happens to it.
    async fn put_away(&mut self, at: usize) -> Result<(), Violation> {
        let interview = self.files.swap_remove(at).interview;
        self.statuses.swap_remove(at);
        let edit = if self.coin() {
            Edit::ArchiveInterview { reason: None }
        } else {
            Edit::DeleteInterview { reason: None }
        };
        self.execute(interview, edit).await
    }

    /// Processes a file again: as it was, corrected, shorter or longer.
    async fn process_again(&mut self, at: usize) -> Result<(), Violation> {
        let mut file = self.files[at].clone();
        match self.random.random_range(0..4) {
            0 => {
                let rest = file.sentences.len().div_ceil(2);
                file.sentences.truncate(rest);
            }
            1 => {
                let more = self.words.sentence();
                file.sentences.push(more);
            }
            2 => {
                if let Some(changed) = (0..file.sentences.len()).collect::<Vec<_>>().choose(&mut self.random)
                {
                    file.sentences[*changed] = self.words.sentence();
                }
            }
            _ => {}
        }
        self.ingest(&file).await?;
        self.files[at] = file;
        Ok(())
    }

    fn coin(&mut self) -> bool {
        self.random.random_bool(0.5)
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
