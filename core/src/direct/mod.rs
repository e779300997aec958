//! What the direct path writes: from an analysed file, or from what a person edits, to graph changes in the schema of
//! the running pipeline.
//!
//! A sentence is named by its slot: its index in the file when it was created, an integer within its interview.
//! Processing a file again goes slot by slot: the text is set unless a person wrote it, the analysis is replaced but for
//! what a person linked, and slots past the new end are removed with their analysis. What no later processing changes
//! (speaker, times, file, place) is set on creation alone, so that both paths keep the same. Who makes way when a sentence
//! moves is told by [`Places`].
//!
//! Of the running service's faults none is here: no orphaned analyses, no limit applied to an unordered set, no
//! correction replaced. What is in the graph already comes in as [`Existing`]; the caller reads it.

mod edit;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use smol_str::{SmolStr, format_smolstr};
use uuid::Uuid;

use crate::analysed::{AnalysedFile, AnalysedSentence, AnalysisOutcome};
use crate::dimensions;
use crate::graph::{Change, Label, NodeRef, Properties, Rel};
use crate::ids::{InterviewId, ProjectId};
use crate::limits::Limits;
use crate::places::{Move, Places};
use crate::sentence::Findings;
use crate::timestamp::Timestamp;

pub use edit::{Edit, edit, relocate};

/// The value of `source` on the nodes that this path writes.
pub const SOURCE: &str = "pipeline_direct";

/// When something is written, in the two forms that the direct path's nodes carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenAt {
    /// The point in time: `created_at` of projects and interviews.
    pub time: Timestamp,
    /// The same as text in local time: `created_at` of analyses.
    pub local_text: SmolStr,
}

/// What the direct graph holds of an interview before a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Existing {
    /// The sentences by slot.
    pub sentences: BTreeMap<u32, ExistingSentence>,
}

/// What the direct graph holds of a sentence before a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistingSentence {
    /// Its text.
    pub text: SmolStr,
    /// Its place in the order; `None` where others wrote none.
    pub place: Option<u32>,
    /// Whether it has an analysis that says more than an error: a failed one does not replace it.
    pub is_analysed: bool,
}

impl Existing {
    /// Returns the slots that a file no longer has, in ascending order.
    pub fn slots_past(&self, file: &AnalysedFile) -> impl Iterator<Item = u32> {
        self.sentences.range(end_of(file)..).map(|(&slot, _)| slot)
    }

    /// Returns the places of all sentences.
    pub fn places(&self) -> Places {
        places(&self.sentences)
    }

    /// Returns the place of every sentence of a file that is not there yet. The sentences that the file no longer has make
    /// room: they are to be removed first.
    pub fn places_of_new(&self, file: &AnalysedFile) -> BTreeMap<u32, u32> {
        let end = end_of(file);
        let new = (0..end).filter(|slot| !self.sentences.contains_key(slot));
        let moves = places(self.sentences.range(..end)).of_new(new);
        moves.into_iter().map(|Move { slot, place }| (slot, place)).collect()
    }
}

fn end_of(file: &AnalysedFile) -> u32 {
    u32::try_from(file.sentences.len()).unwrap_or(u32::MAX)
}

fn places<'a>(sentences: impl IntoIterator<Item = (&'a u32, &'a ExistingSentence)>) -> Places {
    let of = |(&slot, sentence): (&u32, &ExistingSentence)| Some(Move { slot, place: sentence.place? });
    sentences.into_iter().filter_map(of).collect()
}

/// Names the sentence in a slot.
pub fn sentence_ref(interview: InterviewId, slot: u32) -> NodeRef {
    NodeRef::interview(interview).child(Rel::HasSentence, i64::from(slot))
}

/// Names the analysis of the sentence in a slot.
pub fn analysis_ref(interview: InterviewId, slot: u32) -> NodeRef {
    sentence_ref(interview, slot).only_child(Rel::HasAnalysis)
}

/// Returns the changes that make the interview of a file known. Made twice, they change nothing.
pub fn put_interview(file: &AnalysedFile, at: &WrittenAt) -> Vec<Change> {
    known_interview(file.interview, Some(&file.project), at)
}

/// Returns the changes that make an interview known, and its project, if it is in one.
pub(crate) fn known_interview(
    interview: InterviewId,
    project: Option<&ProjectId>,
    at: &WrittenAt,
) -> Vec<Change> {
    let node = NodeRef::interview(interview);
    let create = |node: &NodeRef, on_create: Properties| Change::Upsert {
        node: node.clone(),
        on_create,
        set: Properties::new(),
        unless_edited: Properties::new(),
    };
    let known_interview = Properties::new()
        .with("created_at", at.time)
        .with("processed_by", "system")
        .with("filename", format_smolstr!("{interview}"))
        .with("event_version", 0_i64)
        .with("source", SOURCE);
    let Some(project) = project.map(NodeRef::project) else {
        return vec![create(&node, known_interview)];
    };
    let known_project = Properties::new().with("created_at", at.time).with("created_by", "system");
    vec![
        create(&project, known_project),
        create(&node, known_interview),
        Change::Link { from: project, rel: Rel::ContainsInterview, to: node },
    ]
}

/// Returns the changes that put one sentence of a file into its slot, with its analysis. The chain is the caller's, once
/// for all sentences: [`chain`].
///
/// `analysis_id` is the key of the new analysis node; `existing` is what the slot holds. `place` is where the sentence goes
/// when it is new, see [`Existing::places_of_new`]; one that is there keeps its place.
pub fn put_sentence(
    file: &AnalysedFile,
    (slot, sentence): (u32, &AnalysedSentence),
    existing: Option<&ExistingSentence>,
    place: u32,
    analysis_id: Uuid,
    limits: &Limits,
    at: &WrittenAt,
) -> Vec<Change> {
    let node = sentence_ref(file.interview, slot);
    let words = Words {
        text: &sentence.text,
        speaker: sentence.speaker.as_ref(),
        start_ms: sentence.start_ms,
        end_ms: sentence.end_ms,
    };
    let mut changes = spoken(&node, words, place, Some(&file.file_name));
    match &sentence.analysis {
        AnalysisOutcome::Found { model, findings, .. } => {
            changes.extend(analysed(&node, analysis_id, model, findings, limits, at));
        }
        AnalysisOutcome::Failed { .. } if existing.is_some_and(|sentence| sentence.is_analysed) => {}
        AnalysisOutcome::Failed { error_data } => changes.push(Change::ReplaceAnalysis {
            sentence: node,
            analysis_id: format_smolstr!("{analysis_id}"),
            properties: Properties::new().with("error_data", error_data.clone()),
        }),
    }
    changes
}

/// What was said, by whom and when.
pub(crate) struct Words<'a> {
    /// The words.
    pub(crate) text: &'a SmolStr,
    /// Who said them.
    pub(crate) speaker: Option<&'a SmolStr>,
    /// When they began, in milliseconds from the start of the recording.
    pub(crate) start_ms: Option<u64>,
    /// When they ended, in milliseconds from the start of the recording.
    pub(crate) end_ms: Option<u64>,
}

/// Returns the changes that make sure that a sentence is there, with its file, if that is known.
pub(crate) fn spoken(
    node: &NodeRef,
    words: Words<'_>,
    place: u32,
    file_name: Option<&SmolStr>,
) -> Vec<Change> {
    let on_create = Properties::new()
        .with("sequence_order", i64::from(place))
        .with_some("start_time", words.start_ms.map(milliseconds))
        .with_some("end_time", words.end_ms.map(milliseconds))
        .with_some("speaker", words.speaker.cloned())
        .with("is_edited", false)
        .with("event_version", 0_i64)
        .with("source", SOURCE)
        .with_some("filename", file_name.cloned());
    let mut changes = vec![Change::Upsert {
        node: node.clone(),
        on_create,
        set: Properties::new(),
        unless_edited: Properties::new().with("text", words.text.clone()),
    }];
    changes.extend(file_name.map(|file_name| Change::Link {
        from: node.clone(),
        rel: Rel::PartOfFile,
        to: NodeRef::value(Label::SourceFile, file_name.clone()),
    }));
    changes
}

/// Returns the changes that give a sentence a new analysis by a machine.
pub(crate) fn analysed(
    sentence: &NodeRef,
    analysis_id: Uuid,
    model: &SmolStr,
    findings: &Findings,
    limits: &Limits,
    at: &WrittenAt,
) -> Vec<Change> {
    let properties = Properties::new()
        .with("model_name", model.clone())
        .with("created_at", at.local_text.clone())
        .with("is_edited", false);
    let mut changes = vec![Change::ReplaceAnalysis {
        sentence: sentence.clone(),
        analysis_id: format_smolstr!("{analysis_id}"),
        properties,
    }];
    changes.extend(dimensions::found(&sentence.clone().only_child(Rel::HasAnalysis), findings, limits));
    changes
}

/// Returns the change that takes the sentence out of a slot, with its analysis.
pub fn remove_sentence(interview: InterviewId, slot: u32) -> Change {
    Change::Remove { node: sentence_ref(interview, slot) }
}

/// Returns the change that puts the sequence links of an interview in order.
pub fn chain(interview: InterviewId) -> Change {
    Change::Chain { interview: NodeRef::interview(interview) }
}

fn milliseconds(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
