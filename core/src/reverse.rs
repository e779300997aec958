//! What each event means for the direct graph, in its own schema: the way back. While events alone are written, the direct graph
//! falls behind; these changes, in the order in which the events were appended, bring it up to date, as if the direct path had
//! been written all the time.
//!
//! A sentence is named by its slot here, and by its id in the events. Slot and file are said once, by the events that create a
//! sentence and its interview: who applies later ones looks them up there ([`Origin`]).
//!
//! What the direct path keeps and events do not is left as it is: a failed analysis, for one, stays until a good one comes.

use smol_str::SmolStr;
use uuid::Uuid;

use crate::direct::{self, Edit, Words, WrittenAt};
use crate::graph::{Change, NodeRef, Properties, last_component};
use crate::ids::InterviewId;
use crate::interview::InterviewEvent;
use crate::limits::Limits;
use crate::metadata::Metadata;
use crate::places::Move;
use crate::sentence::{EditorType, Findings, SentenceEvent};

/// Where a sentence comes from, which only the first event of its stream and of its interview's say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The interview that it is part of.
    pub interview: InterviewId,
    /// Its slot: the place that it was created at, which names it in the direct graph wherever it moves.
    pub slot: u32,
    /// Where its interview's transcript came from; its last path component is the file's name. `None` when the interview has no
    /// event that says it.
    pub source: Option<SmolStr>,
}

/// Returns the changes of one event of an interview. What the direct graph has no room for comes to none.
pub fn of_interview(
    id: InterviewId,
    event: &InterviewEvent,
    metadata: &Metadata,
    at: &WrittenAt,
) -> Vec<Change> {
    match event {
        InterviewEvent::Created(_) => direct::known_interview(id, metadata.project_id.as_ref(), at),
        InterviewEvent::Deleted(_) => vec![Change::Remove { node: NodeRef::interview(id) }],
        InterviewEvent::Updated(_) | InterviewEvent::StatusChanged(_) | InterviewEvent::Archived(_) => {
            Vec::new()
        }
    }
}

/// Returns the changes of one event of a sentence.
pub fn of_sentence(
    origin: &Origin,
    event: &SentenceEvent,
    metadata: &Metadata,
    at: &WrittenAt,
    limits: &Limits,
) -> Vec<Change> {
    let &Origin { interview, slot, .. } = origin;
    let node = direct::sentence_ref(interview, slot);
    let by_person = |edit: Edit| direct::edit(interview, &edit, limits);
    let by_machine = |model: &SmolStr, findings: &Findings| {
        direct::analysed(&node, analysis_id(metadata), model, findings, limits, at)
    };
    match event {
        SentenceEvent::Created(created) => {
            let words = Words {
                text: &created.text,
                speaker: created.speaker.as_ref(),
                start_ms: created.start_ms,
                end_ms: created.end_ms,
            };
            let file_name = origin.source.as_deref().and_then(last_component).map(SmolStr::new);
            let mut changes = direct::spoken(&node, words, created.index, file_name.as_ref());
            changes.push(direct::chain(interview));
            changes
        }
        SentenceEvent::Edited(edited) => match edited.editor_type {
            EditorType::Human => by_person(Edit::Text { slot, text: edited.new_text.clone() }),
            // That a person's text is not replaced was decided before the event was made.
            EditorType::Ai => vec![Change::Update {
                node,
                set: Properties::new().with("text", edited.new_text.clone()),
                unset: Vec::new(),
            }],
        },
        // Each sentence that makes way has an event of its own.
        SentenceEvent::Relocated(moved) => direct::relocate(interview, Move { slot, place: moved.new_index }),
        SentenceEvent::AnalysisGenerated(generated) => by_machine(&generated.model, &generated.findings),
        SentenceEvent::AnalysisRegenerated(again) => by_machine(&again.model, &again.findings),
        SentenceEvent::AnalysisOverridden(overridden) => by_person(Edit::Override {
            slot,
            fields: overridden.fields_overridden.clone(),
            note: overridden.note.clone(),
        }),
        SentenceEvent::AnalysisCleared(_) => by_person(Edit::Clear { slot, reason: None }),
        SentenceEvent::Tagged(tag) => by_person(Edit::Tag { slot, tag: tag.clone() }),
        SentenceEvent::Untagged(tag) => by_person(Edit::Untag { slot, tag: tag.clone() }),
        SentenceEvent::StatusChanged(_) => Vec::new(),
        SentenceEvent::Deleted(_) => by_person(Edit::DeleteSentence { slot, reason: None }),
    }
}

/// Derives the key of the analysis node from the event: applied again, it is the same.
fn analysis_id(metadata: &Metadata) -> Uuid {
    Uuid::new_v5(&metadata.event_id.as_uuid(), b"analysis")
}
