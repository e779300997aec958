//! What is written in a schedule: files that the pipeline processes, and what people do to them, drawn from the seed. All of it goes
//! through the real pipeline on both paths, and the model is told.

use std::sync::Arc;

use cutover_core::analysed::{AnalysedFile, AnalysedSentence, AnalysisOutcome};
use cutover_core::direct::Edit;
use cutover_core::ids::{InterviewId, ProjectId};
use cutover_core::interview::InterviewStatus;
use cutover_core::sentence::{Classification, Findings, OverriddenFields, Tag, TagType};
use cutover_engines::event_log::EventLog;
use cutover_engines::graph::{Graph, MemoryGraph, Schema};
use cutover_service::pipeline::{self, Pipeline, PipelineError, RequestContext, SeededIds};
use rand::RngExt;
use rand::seq::IndexedRandom;
use smol_str::{SmolStr, format_smolstr};
use uuid::Uuid;

use super::fault::{Dice, Fired};
use super::invariant::Violation;
use super::plan::Plan;
use super::recorder::{Append, Recorder};
use crate::model::{Action, Model};
use crate::provision::hooks::Hooks;
use crate::provision::wrapped;
use crate::scenario::steps::DIRECT;
use crate::seed::{Seed, Stream};
use crate::workload::clock::SteppingClock;

const PERSON: &str = "listener";
const PROJECT: &str = "simulated";

/// How often something is tried whose store is out of reach. Faults are rarer than that by far.
const TRIES_MAX: usize = 200;

const TOPICS: [&str; 5] = ["oxygen", "power", "guidance", "recovery", "weather"];
const KEYWORDS: [&str; 8] = ["tank", "bus", "fuel cell", "antenna", "battery", "valve", "main", "relay"];
const TERMS: [&str; 3] = ["CSM", "LM", "CAPCOM"];
const FUNCTIONS: [&str; 3] = ["statement", "question", "directive"];
const STRUCTURES: [&str; 3] = ["simple", "compound", "fragment"];
const PURPOSES: [&str; 3] = ["inform", "ask", "confirm"];

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

/// Returns the project that everything belongs to.
pub(super) fn project() -> ProjectId {
    ProjectId::new(PROJECT)
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
    files: Vec<AnalysedFile>,
    statuses: Vec<InterviewStatus>,
    sentences_per_file: usize,
    written: u32,
}

impl Writer {
    async fn begin(plan: &Plan, hooks: &Hooks) -> Result<Self, Violation> {
        let recorder = Arc::new(Recorder::new(Dice::new(plan.seed, &plan.faults, plan.firings_max)));
        let log = wrapped::hooked_log(recorder.clone(), hooks);
        let direct = Arc::new(MemoryGraph::new(Schema::Direct));
        let hooked = wrapped::hooked_graph(direct.clone(), DIRECT, hooks);
        hooked.prepare(Schema::Direct).await.map_err(|error| Violation::refused(&error))?;
        let limits = plan.limits_table(project());
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
            files: Vec::new(),
            statuses: Vec::new(),
            sentences_per_file: plan.sentences.div_ceil(plan.interviews.max(1)),
            written: 0,
        })
    }

    /// Reads a file for the first time.
    async fn read_file(&mut self, number: usize) -> Result<(), Violation> {
        let file_name = format_smolstr!("{}-{number}.txt", self.seed);
        let sentences = (0..self.sentences_per_file).map(|_| self.sentence()).collect();
        let file = AnalysedFile {
            project: project(),
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
        for _ in 0..TRIES_MAX {
            match self.pipeline.execute(interview, edit.clone(), &RequestContext::human(PERSON)).await {
                Ok(_) => {
                    self.model.apply(&Action::Edit { interview, edit, by: Some(PERSON.into()) });
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
                let text = format_smolstr!("{} {}", self.word(), self.number());
                self.execute(interview, Edit::Text { slot, text }).await
            }
            22..44 if is_analysed => {
                let fields = self.fields();
                let note = self.coin().then(|| format_smolstr!("correction {}", self.number()));
                self.execute(interview, Edit::Override { slot, fields, note }).await
            }
            44..56 if is_analysed => self.tag(interview, slot).await,
            56..76 => self.relocate(interview, slot, slots.len()).await,
            76..80 if is_analysed => self.execute(interview, Edit::Clear { slot, reason: None }).await,
            80..86 => {
                let title = Some(format_smolstr!("title {}", self.number()));
                let key = if self.coin() { "room" } else { "tape" };
                let value = if self.coin() { self.number().into() } else { serde_json::Value::Null };
                let metadata_diff = std::iter::once((key.to_owned(), value)).collect();
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
        let tag_type = if self.coin() { TagType::Keyword } else { TagType::Topic };
        let tag = Tag { tag_type, value: format_smolstr!("tag {}", self.number()) };
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
                let more = self.sentence();
                file.sentences.push(more);
            }
            2 => {
                if let Some(changed) = (0..file.sentences.len()).collect::<Vec<_>>().choose(&mut self.random)
                {
                    file.sentences[*changed] = self.sentence();
                }
            }
            _ => {}
        }
        self.ingest(&file).await?;
        self.files[at] = file;
        Ok(())
    }

    fn sentence(&mut self) -> AnalysedSentence {
        let begin = self.coin().then(|| u64::from(self.number()) * 100);
        let analysis = if self.random.random_range(0..12) == 0 {
            AnalysisOutcome::Failed { error_data: SmolStr::new_static(r#"{"error":"no answer"}"#) }
        } else {
            AnalysisOutcome::Found { model: "lexical".into(), version: "1".into(), findings: self.findings() }
        };
        AnalysedSentence {
            text: format_smolstr!("{} {}.", self.word(), self.number()),
            speaker: self.coin().then(|| SmolStr::new_static("CC")),
            start_ms: begin,
            end_ms: begin.map(|begin| begin + 90),
            analysis,
        }
    }

    fn findings(&mut self) -> Findings {
        Findings {
            classification: Classification {
                function_type: self.one_of(&FUNCTIONS),
                structure_type: self.one_of(&STRUCTURES),
                purpose: self.one_of(&PURPOSES),
            },
            keywords: self.several(&KEYWORDS, 9),
            topics: self.several(&TOPICS, 4),
            domain_keywords: self.several(&TERMS, 3),
            confidence: self.coin().then_some(0.75),
        }
    }

    fn fields(&mut self) -> OverriddenFields {
        let mut fields = OverriddenFields {
            function_type: self.coin().then(|| self.one_of(&FUNCTIONS)),
            structure_type: self.coin().then(|| self.one_of(&STRUCTURES)),
            purpose: self.coin().then(|| self.one_of(&PURPOSES)),
            keywords: self.coin().then(|| self.several(&KEYWORDS, 9)),
            topics: self.coin().then(|| self.several(&TOPICS, 4)),
            domain_keywords: self.coin().then(|| self.several(&TERMS, 3)),
        };
        if fields == OverriddenFields::default() {
            fields.topics = Some(self.several(&TOPICS, 4));
        }
        fields
    }

    /// Draws up to `most` words, some of them twice.
    fn several(&mut self, words: &[&'static str], most: usize) -> Vec<SmolStr> {
        let count = self.random.random_range(0..=most);
        (0..count).map(|_| self.one_of(words)).collect()
    }

    fn one_of(&mut self, words: &[&'static str]) -> SmolStr {
        SmolStr::new_static(words.choose(&mut self.random).expect("there are some"))
    }

    fn word(&mut self) -> SmolStr {
        self.one_of(&KEYWORDS)
    }

    fn coin(&mut self) -> bool {
        self.random.random_bool(0.5)
    }

    const fn number(&mut self) -> u32 {
        self.written += 1;
        self.written
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
