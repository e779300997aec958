//! The events of a sentence: the node `Sentence`, its place in the interview, its file. What concerns its analysis is
//! next door.
//!
//! The status follows the events: `created` by the creation, `analyzed` by an analysis, `edited` by an edit, `created`
//! again when the analysis is cleared (it can be analysed anew), and whatever `SentenceStatusChanged` says. Overrides and tags leave it
//! as it is.

use smol_str::SmolStr;

use super::{analysis, stamp, update, version};
use crate::graph::{Change, NodeRef, Properties, Rel};
use crate::ids::{InterviewId, SentenceId};
use crate::limits::Limits;
use crate::metadata::Metadata;
use crate::sentence::{EditorType, SentenceCreated, SentenceEdited, SentenceEvent, SentenceStatus};

/// Returns the changes of one event of a sentence.
pub(super) fn project(
    id: SentenceId,
    interview: Option<InterviewId>,
    event: &SentenceEvent,
    metadata: &Metadata,
    limits: &Limits,
) -> Vec<Change> {
    let node = NodeRef::sentence(id);
    match event {
        SentenceEvent::Created(created) => project_created(&node, created, metadata),
        SentenceEvent::Edited(edited) => vec![project_edited(node, edited, metadata)],
        SentenceEvent::Relocated(relocated) => {
            let set = stamp(metadata).with("sequence_order", relocated.new_index);
            with_chain(update(node, set), interview)
        }
        SentenceEvent::AnalysisGenerated(generated) => analysis::project_generated(
            &node,
            analysis::Found::generated(generated),
            set_status(node.clone(), SentenceStatus::Analyzed, metadata),
            (id, metadata),
            limits,
        ),
        SentenceEvent::AnalysisRegenerated(regenerated) => analysis::project_generated(
            &node,
            analysis::Found::regenerated(regenerated),
            set_status(node.clone(), SentenceStatus::Analyzed, metadata),
            (id, metadata),
            limits,
        ),
        SentenceEvent::AnalysisOverridden(overridden) => {
            analysis::project_overridden(node, overridden, metadata, limits)
        }
        SentenceEvent::AnalysisCleared(_) => vec![
            set_status(node.clone(), SentenceStatus::Created, metadata),
            Change::Remove { node: node.only_child(Rel::HasAnalysis) },
        ],
        SentenceEvent::Tagged(tag) => analysis::project_tagged(node, tag, metadata),
        SentenceEvent::Untagged(tag) => analysis::project_untagged(node, tag, metadata),
        SentenceEvent::StatusChanged(changed) => vec![set_status(node, changed.to_status, metadata)],
        SentenceEvent::Deleted(_) => with_chain(Change::Remove { node }, interview),
    }
}

/// A sentence comes into being as its interview's child: in a deleted interview it does not.
///
/// Its file is the one that the interview's `source` names. The interview has been created before this is applied.
fn project_created(node: &NodeRef, created: &SentenceCreated, metadata: &Metadata) -> Vec<Change> {
    let interview = NodeRef::interview(created.interview_id);
    let NodeRef::Keyed { key, .. } = &node else {
        unreachable!("a sentence of the projected graph is named by its key");
    };
    let interview_id = match &interview {
        NodeRef::Keyed { key, .. } => key.clone(),
        NodeRef::Child { .. } => unreachable!("an interview is named by its key"),
    };
    let set = Properties::with_capacity(12)
        .with("created_at", metadata.occurred_at)
        .with_some("end_ms", created.end_ms.map(milliseconds))
        .with("event_version", version(metadata))
        .with("interview_id", interview_id)
        .with("is_edited", false)
        .with("sequence_order", created.index)
        .with_some("speaker", created.speaker.clone())
        .with_some("start_ms", created.start_ms.map(milliseconds))
        .with("status", SentenceStatus::Created.as_str())
        .with("text", created.text.clone())
        .with("updated_at", metadata.occurred_at);
    vec![
        Change::Upsert {
            node: interview.clone().child(Rel::HasSentence, key.clone()),
            on_create: Properties::new(),
            set,
            unless_edited: Properties::new(),
        },
        Change::LinkNamedBy {
            from: node.clone(),
            rel: Rel::PartOfFile,
            owner: interview.clone(),
            property: SmolStr::new_static("source"),
        },
        Change::Chain { interview },
    ]
}

/// A text that a person wrote is marked, and stays marked whoever edits it later; a program's edit is only a new text.
fn project_edited(node: NodeRef, edited: &SentenceEdited, metadata: &Metadata) -> Change {
    let mut set =
        stamp(metadata).with("text", edited.new_text.clone()).with("status", SentenceStatus::Edited.as_str());
    if edited.editor_type == EditorType::Human {
        set = set.with("is_edited", true).with("edited_by", editor(metadata, edited.editor_type));
    }
    update(node, set)
}

/// Names who edited: the account, or what kind of editor it was when no account is known.
fn editor(metadata: &Metadata, editor_type: EditorType) -> SmolStr {
    metadata
        .actor
        .as_ref()
        .and_then(|actor| actor.user_id.clone())
        .unwrap_or_else(|| SmolStr::new_static(editor_type.as_str()))
}

fn set_status(node: NodeRef, status: SentenceStatus, metadata: &Metadata) -> Change {
    let set = Properties::with_capacity(3)
        .with("event_version", version(metadata))
        .with("status", SmolStr::new_static(status.as_str()))
        .with("updated_at", metadata.occurred_at);
    update(node, set)
}

fn with_chain(change: Change, interview: Option<InterviewId>) -> Vec<Change> {
    let mut changes = vec![change];
    changes.extend(interview.map(|id| Change::Chain { interview: NodeRef::interview(id) }));
    changes
}

fn milliseconds(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
