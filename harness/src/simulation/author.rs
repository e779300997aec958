//! Somebody who writes: files that are read first, and what people do to them afterwards, drawn from a stream. An author says what is to
//! be done, as the model takes it; who asks does it, and tells the model.

use cutover_core::analysed::AnalysedFile;
use cutover_core::direct::Edit;
use cutover_core::ids::{InterviewId, ProjectId};
use cutover_core::interview::InterviewStatus;
use cutover_core::limits::LimitsTable;
use cutover_service::pipeline::{Pipeline, PipelineError, RequestContext, Settings};
use rand::RngExt;
use rand::seq::IndexedRandom;
use smol_str::SmolStr;

use super::vocabulary::{PROJECTS, Vocabulary};
use crate::model::{Action, Model};
use crate::seed::{Seed, Stream};

/// Draws what is written.
pub(super) struct Author {
    random: Stream,
    words: Vocabulary,
    projects: usize,
    sentences_per_file: usize,
    files: Vec<AnalysedFile>,
    statuses: Vec<InterviewStatus>,
}

impl Author {
    /// An author of files of so many sentences, which belong to so many projects in turn; none of them is read yet.
    pub(super) const fn new(
        random: Stream,
        words: Vocabulary,
        projects: usize,
        sentences_per_file: usize,
    ) -> Self {
        Self { random, words, projects, sentences_per_file, files: Vec::new(), statuses: Vec::new() }
    }

    /// Reads the file of that number for the first time.
    pub(super) fn read_file(&mut self, seed: Seed, number: usize) -> AnalysedFile {
        let file_name = self.words.file(seed, number);
        let sentences = (0..self.sentences_per_file).map(|_| self.words.sentence()).collect();
        let file = AnalysedFile {
            project: ProjectId::new(PROJECTS[number % self.projects]),
            interview: InterviewId::for_file(&file_name),
            file_name,
            language: self.coin().then(|| SmolStr::new_static("en")),
            sentences,
        };
        self.files.push(file.clone());
        self.statuses.push(InterviewStatus::Created);
        file
    }

    /// A guest: somebody who works on what the author of that file writes at the same time.
    pub(super) fn guest(random: Stream, words: Vocabulary, file: AnalysedFile) -> Self {
        let (files, statuses) = (vec![file], vec![InterviewStatus::Created]);
        Self { random, words, projects: 1, sentences_per_file: 0, files, statuses }
    }

    /// Draws what a guest does next: nothing that is about the file as a whole.
    pub(super) fn act_as_guest(&mut self, model: &Model) -> Vec<Action> {
        let interview = self.files[0].interview;
        let slots = model.slots(interview);
        let Some(&slot) = slots.choose(&mut self.random) else { return Vec::new() };
        let edit = match self.random.random_range(0..100) {
            0..25 => Edit::Text { slot, text: self.words.text() },
            25..45 => {
                let fields = self.words.fields();
                let note = self.coin().then(|| self.words.text());
                Edit::Override { slot, fields, note }
            }
            45..60 => return self.tag(interview, slot),
            60..65 => Edit::Clear { slot, reason: None },
            65..82 => {
                let from = model.place(interview, slot).unwrap_or_default();
                self.relocate(slot, from, slots.len())
            }
            82..85 => Edit::DeleteSentence { slot, reason: None },
            85..95 => self.describe(),
            _ => match self.move_on(0) {
                Some(edit) => edit,
                None => return Vec::new(),
            },
        };
        vec![self.by_a_person(interview, edit)]
    }

    /// Draws what is done next: one thing that the model allows, or two that belong together, or nothing.
    pub(super) fn act(&mut self, model: &Model) -> Vec<Action> {
        let at = self.random.random_range(0..self.files.len());
        let interview = self.files[at].interview;
        let slots = model.slots(interview);
        let Some(&slot) = slots.choose(&mut self.random) else { return vec![self.process_again(at)] };
        let is_analysed = model.is_analysed(interview, slot);
        let edit = match self.random.random_range(0..100) {
            0..22 => Edit::Text { slot, text: self.words.text() },
            22..44 if is_analysed => {
                let fields = self.words.fields();
                let note = self.coin().then(|| self.words.text());
                Edit::Override { slot, fields, note }
            }
            44..56 if is_analysed => return self.tag(interview, slot),
            56..76 => {
                let from = model.place(interview, slot).unwrap_or_default();
                self.relocate(slot, from, slots.len())
            }
            76..80 if is_analysed => Edit::Clear { slot, reason: None },
            80..86 => self.describe(),
            86..89 => match self.move_on(at) {
                Some(edit) => edit,
                None => return Vec::new(),
            },
            89..92 => Edit::DeleteSentence { slot, reason: None },
            92..99 => return vec![self.process_again(at)],
            99 if self.files.len() > 1 => self.put_away(at),
            _ => return Vec::new(),
        };
        vec![self.by_a_person(interview, edit)]
    }

    fn tag(&mut self, interview: InterviewId, slot: u32) -> Vec<Action> {
        let tag = self.words.tag();
        let mut actions = vec![self.by_a_person(interview, Edit::Tag { slot, tag: tag.clone() })];
        if self.coin() {
            actions.push(self.by_a_person(interview, Edit::Untag { slot, tag }));
        }
        actions
    }

    fn relocate(&mut self, slot: u32, from: u32, places: usize) -> Edit {
        let drawn = self.random.random_range(0..places as u32 + 2);
        let new_index = if drawn == from { from + 1 } else { drawn };
        Edit::Relocate { slot, new_index }
    }

    fn describe(&mut self) -> Edit {
        let title = Some(self.words.text());
        let metadata_diff = std::iter::once(self.words.remark()).collect();
        let language = self.coin().then(|| SmolStr::new_static("de"));
        Edit::UpdateInterview { title, language, metadata_diff }
    }

    fn move_on(&mut self, at: usize) -> Option<Edit> {
        let to_status = match self.statuses[at] {
            InterviewStatus::Created => InterviewStatus::Processing,
            InterviewStatus::Processing => InterviewStatus::Completed,
            _ => return None,
        };
        self.statuses[at] = to_status;
        Some(Edit::ChangeInterviewStatus { to_status, reason: None })
    }

    /// Archives or deletes an interview: nothing more happens to it.
    fn put_away(&mut self, at: usize) -> Edit {
        self.files.swap_remove(at);
        self.statuses.swap_remove(at);
        if self.coin() {
            Edit::ArchiveInterview { reason: None }
        } else {
            Edit::DeleteInterview { reason: None }
        }
    }

    /// Processes a file again: as it was, corrected, shorter or longer.
    fn process_again(&mut self, at: usize) -> Action {
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
        self.files[at] = file.clone();
        Action::Ingest(file)
    }

    fn by_a_person(&mut self, interview: InterviewId, edit: Edit) -> Action {
        Action::Edit { interview, edit, by: Some(self.words.person()) }
    }

    fn coin(&mut self) -> bool {
        self.random.random_bool(0.5)
    }
}

/// Returns how pipelines write: few at once, so that what belongs together is cut off in its middle, too.
pub(super) fn pipeline_settings(limits: LimitsTable) -> Settings {
    Settings { limits, sentences_per_write: 8, drain_page: 64, in_flight_max: 4, ..Settings::default() }
}

/// Has a pipeline do what an author has drawn.
///
/// # Errors
///
/// The pipeline's.
pub(super) async fn carry_out(pipeline: &Pipeline, action: &Action) -> Result<(), PipelineError> {
    match action {
        Action::Ingest(file) => pipeline.ingest(file, &RequestContext::system()).await.map(|_| ()),
        Action::Edit { interview, edit, by } => {
            let context = RequestContext::human(by.as_deref().unwrap_or_default());
            pipeline.execute(*interview, edit.clone(), &context).await.map(|_| ())
        }
        Action::IngestPart { .. } => unreachable!("an author draws whole files"),
    }
}
