//! What both graphs must hold, worked out from what was done, without any of core's handlers: neither `decide` nor `evolve`,
//! neither the direct writer nor the projection. A fault that both paths share does not show when they are compared with each
//! other; it shows here.
//!
//! [`Model`] takes [`Action`]s; [`Model::expected`] is the graph, ready to be compared. Of core it uses words alone: ids,
//! limits, labels, and what an action says.
//!
//! The decisions that it follows: a sentence is its slot, the index in the file when it was first read. Processing a file again
//! analyses every sentence again; a changed text replaces the old one unless a person wrote that; a shorter file takes the
//! sentences past its end away, a longer one adds some; a place that a person chose is kept. Nobody shares a place: whoever is
//! in the way of a person's move goes one place towards where the moved one came from, and a new sentence whose place is taken
//! goes to the next free one. A failed analysis changes nothing. What a person linked stays, and uses up slots of the limit.

mod analysis;
mod expected;

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::analysed::{AnalysedFile, AnalysedSentence, AnalysisOutcome};
use cutover_core::direct::Edit;
use cutover_core::ids::{InterviewId, ProjectId};
use cutover_core::interview::InterviewStatus;
use cutover_core::limits::{Limits, LimitsTable};
use cutover_core::sentence::SentenceStatus;
use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use self::analysis::Analysis;
pub use self::expected::Expected;

/// Something that was done, on both paths.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The pipeline processed a file, for the first time or again.
    Ingest(AnalysedFile),
    /// The pipeline began to process a file, and was stopped: what the file no longer has is gone, and of its sentences so many
    /// are written, from the first one on.
    IngestPart {
        /// The file.
        file: AnalysedFile,
        /// How many.
        written: usize,
    },
    /// A person did something.
    Edit {
        /// The interview that it concerns.
        interview: InterviewId,
        /// What.
        edit: Edit,
        /// The person's account, if it is known.
        by: Option<SmolStr>,
    },
}

/// Everything that was done so far, as it should be seen in both graphs.
#[derive(Debug, Clone, Default)]
pub struct Model {
    limits: LimitsTable,
    projects: BTreeSet<ProjectId>,
    interviews: BTreeMap<InterviewId, Interview>,
    /// What is deleted stays deleted.
    deleted: BTreeSet<InterviewId>,
}

#[derive(Debug, Clone)]
struct Interview {
    project: ProjectId,
    file_name: SmolStr,
    title: SmolStr,
    language: Option<SmolStr>,
    status: InterviewStatus,
    metadata: BTreeMap<String, Json>,
    sentences: BTreeMap<u32, Sentence>,
}

#[derive(Debug, Clone)]
struct Sentence {
    place: u32,
    text: SmolStr,
    speaker: Option<SmolStr>,
    start_ms: Option<u64>,
    end_ms: Option<u64>,
    status: SentenceStatus,
    /// Who edited the text, if a person did: it is protected from then on.
    edited_by: Option<SmolStr>,
    analysis: Option<Analysis>,
}

impl Model {
    /// Returns the model of empty graphs, under these limits.
    pub fn new(limits: LimitsTable) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Does something. What cannot be done (to what is not there, or is archived) changes nothing.
    pub fn apply(&mut self, action: &Action) {
        match action {
            Action::Ingest(file) => self.ingest(file, file.sentences.len()),
            Action::IngestPart { file, written } => self.ingest(file, *written),
            Action::Edit { interview, edit, by } => self.edit(*interview, edit, by.as_ref()),
        }
    }

    /// Returns the graph that both paths should have come to.
    pub fn expected(&self) -> Expected {
        Expected::of(self)
    }

    /// Returns the slots of an interview's sentences, in the order in which they are read; none for an interview that is not
    /// there.
    pub fn slots(&self, interview: InterviewId) -> Vec<u32> {
        self.interviews.get(&interview).map(Interview::slots_in_order).unwrap_or_default()
    }

    /// Returns the status of an interview, if it is there.
    pub fn status(&self, interview: InterviewId) -> Option<InterviewStatus> {
        Some(self.interviews.get(&interview)?.status)
    }

    /// Returns whether an interview is there and may be written to.
    pub fn is_open(&self, interview: InterviewId) -> bool {
        self.status(interview).is_some_and(|status| status != InterviewStatus::Archived)
    }

    /// Returns whether a file may be processed: its interview is new, or may be written to.
    pub fn may_be_ingested(&self, interview: InterviewId) -> bool {
        !self.deleted.contains(&interview) && self.status(interview) != Some(InterviewStatus::Archived)
    }

    /// Returns the place of a sentence, if there is one in that slot.
    pub fn place(&self, interview: InterviewId, slot: u32) -> Option<u32> {
        Some(self.interviews.get(&interview)?.sentences.get(&slot)?.place)
    }

    /// Returns the text of a sentence, if there is one in that slot.
    pub fn text(&self, interview: InterviewId, slot: u32) -> Option<&SmolStr> {
        Some(&self.interviews.get(&interview)?.sentences.get(&slot)?.text)
    }

    /// Returns whether there is a sentence in that slot, and it has an analysis that can be corrected.
    pub fn is_analysed(&self, interview: InterviewId, slot: u32) -> bool {
        let sentence = self.interviews.get(&interview).and_then(|interview| interview.sentences.get(&slot));
        sentence.is_some_and(|sentence| sentence.analysis.is_some())
    }

    fn ingest(&mut self, file: &AnalysedFile, written: usize) {
        if self.deleted.contains(&file.interview) {
            return;
        }
        let interview = self.interviews.entry(file.interview).or_insert_with(|| Interview::new(file));
        if interview.status == InterviewStatus::Archived {
            return;
        }
        self.projects.insert(file.project.clone());
        let limits = *self.limits.of(Some(&interview.project));
        let end = u32::try_from(file.sentences.len()).unwrap_or(u32::MAX);
        interview.sentences.retain(|&slot, _| slot < end);
        let mut taken: BTreeSet<u32> = interview.sentences.values().map(|sentence| sentence.place).collect();
        for (slot, analysed) in (0..end).zip(&file.sentences).take(written) {
            let sentence = interview.sentences.entry(slot).or_insert_with(|| {
                let mut place = slot;
                while !taken.insert(place) {
                    place += 1;
                }
                Sentence::new(place, analysed)
            });
            sentence.process(analysed, &limits);
        }
    }

    fn edit(&mut self, id: InterviewId, edit: &Edit, by: Option<&SmolStr>) {
        let Some(interview) = self.interviews.get_mut(&id) else { return };
        if let Edit::DeleteInterview { .. } = edit {
            self.interviews.remove(&id);
            self.deleted.insert(id);
            return;
        }
        if interview.status == InterviewStatus::Archived {
            return;
        }
        let limits = *self.limits.of(Some(&interview.project));
        match edit {
            Edit::UpdateInterview { title, language, metadata_diff } => {
                interview.title = title.clone().unwrap_or_else(|| interview.title.clone());
                interview.language = language.clone().or_else(|| interview.language.take());
                interview.merge_metadata(metadata_diff);
            }
            Edit::ChangeInterviewStatus { to_status, .. } => interview.status = *to_status,
            Edit::ArchiveInterview { .. } => interview.status = InterviewStatus::Archived,
            Edit::DeleteSentence { slot, .. } => drop(interview.sentences.remove(slot)),
            Edit::Relocate { slot, new_index } => interview.relocate(*slot, *new_index),
            _ => {
                let slot = edit.slot().and_then(|slot| interview.sentences.get_mut(&slot));
                if let Some(sentence) = slot {
                    sentence.edit(edit, by, &limits);
                }
            }
        }
    }
}

impl Interview {
    fn new(file: &AnalysedFile) -> Self {
        Self {
            project: file.project.clone(),
            file_name: file.file_name.clone(),
            title: file.file_name.clone(),
            language: file.language.clone(),
            status: InterviewStatus::Created,
            metadata: BTreeMap::new(),
            sentences: BTreeMap::new(),
        }
    }

    fn merge_metadata(&mut self, diff: &Map<String, Json>) {
        for (key, value) in diff {
            if value.is_null() {
                self.metadata.remove(key);
            } else {
                self.metadata.insert(key.clone(), value.clone());
            }
        }
    }

    /// Puts a sentence at a place. Whoever is there gets out of the way, to where somebody else may be, and so on.
    fn relocate(&mut self, slot: u32, place: u32) {
        let Some(from) = self.sentences.get(&slot).map(|sentence| sentence.place) else { return };
        let mut owners: BTreeMap<u32, u32> =
            self.sentences.iter().map(|(&slot, sentence)| (sentence.place, slot)).collect();
        owners.remove(&from);
        let mut homeless = Some((slot, place));
        while let Some((slot, place)) = homeless {
            self.sentences.entry(slot).and_modify(|sentence| sentence.place = place);
            let aside = if place > from { place - 1 } else { place + 1 };
            homeless = owners.insert(place, slot).map(|other| (other, aside));
        }
    }

    fn slots_in_order(&self) -> Vec<u32> {
        let mut places: Vec<(u32, u32)> =
            self.sentences.iter().map(|(&slot, sentence)| (sentence.place, slot)).collect();
        places.sort_unstable();
        places.into_iter().map(|(_, slot)| slot).collect()
    }
}

impl Sentence {
    fn new(place: u32, analysed: &AnalysedSentence) -> Self {
        Self {
            place,
            text: analysed.text.clone(),
            speaker: analysed.speaker.clone(),
            start_ms: analysed.start_ms,
            end_ms: analysed.end_ms,
            status: SentenceStatus::Created,
            edited_by: None,
            analysis: None,
        }
    }

    /// The pipeline came by: what it read, and what the analyser said of it.
    fn process(&mut self, analysed: &AnalysedSentence, limits: &Limits) {
        if self.edited_by.is_none() && self.text != analysed.text {
            self.text = analysed.text.clone();
            self.status = SentenceStatus::Edited;
        }
        if let AnalysisOutcome::Found { model, version, findings } = &analysed.analysis {
            // Only the first analysis, or the first after all of it was cleared, tells the model's version.
            self.analysis = Some(match self.analysis.take() {
                None => Analysis::first(model, version, findings, limits),
                Some(analysis) => analysis.again(model, findings, limits),
            });
            self.status = SentenceStatus::Analyzed;
        }
    }

    fn edit(&mut self, edit: &Edit, by: Option<&SmolStr>, limits: &Limits) {
        match (edit, &mut self.analysis) {
            (Edit::Text { text, .. }, _) if *text != self.text => {
                self.text = text.clone();
                self.status = SentenceStatus::Edited;
                self.edited_by = Some(by.cloned().unwrap_or_else(|| SmolStr::new_static("human")));
            }
            (Edit::Override { fields, note, .. }, Some(analysis)) => {
                analysis.correct(fields, note.as_ref(), by, limits);
            }
            (Edit::Clear { .. }, Some(_)) => {
                self.analysis = None;
                self.status = SentenceStatus::Created;
            }
            (Edit::Tag { tag, .. }, Some(analysis)) => analysis.tag(tag),
            (Edit::Untag { tag, .. }, Some(analysis)) => analysis.untag(tag),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
