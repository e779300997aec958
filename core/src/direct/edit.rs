//! What people edit, and the changes of the direct graph that it comes to.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use crate::dimensions;
use crate::graph::{Change, NodeRef, Properties};
use crate::ids::InterviewId;
use crate::interview::InterviewStatus;
use crate::limits::Limits;
use crate::places::Move;
use crate::sentence::{OverriddenFields, Tag};

use super::{analysis_ref, chain, remove_sentence, sentence_ref};

/// What a person does to an interview or to one of its sentences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum Edit {
    /// Writes another text.
    Text {
        /// The sentence.
        slot: u32,
        /// The new text.
        text: SmolStr,
    },
    /// Corrects the analysis.
    Override {
        /// The sentence.
        slot: u32,
        /// What the person sets.
        fields: OverriddenFields,
        /// Why.
        note: Option<SmolStr>,
    },
    /// Throws the analysis away, corrections included.
    Clear {
        /// The sentence.
        slot: u32,
        /// Why.
        reason: Option<SmolStr>,
    },
    /// Moves a sentence. Its slot, which names it, stays. When somebody else has the new place, those in the way are moved
    /// along ([`Places::moves`]), each by changes and an event of its own.
    Relocate {
        /// The sentence.
        slot: u32,
        /// Its new place.
        new_index: u32,
    },
    /// Attaches a keyword or topic.
    Tag {
        /// The sentence.
        slot: u32,
        /// What to attach.
        tag: Tag,
    },
    /// Takes a keyword or topic off.
    Untag {
        /// The sentence.
        slot: u32,
        /// What to take off.
        tag: Tag,
    },
    /// Removes a sentence.
    DeleteSentence {
        /// The sentence.
        slot: u32,
        /// Why.
        reason: Option<SmolStr>,
    },
    /// Describes the interview anew. The direct graph has no room for that: only the event says it.
    UpdateInterview {
        /// The new title, if it changes.
        title: Option<SmolStr>,
        /// The new language, if it changes.
        language: Option<SmolStr>,
        /// Keys to set; a `null` removes its key.
        metadata_diff: Map<String, Json>,
    },
    /// Moves the interview on; only the event says it.
    ChangeInterviewStatus {
        /// The status to enter.
        to_status: InterviewStatus,
        /// Why.
        reason: Option<SmolStr>,
    },
    /// Puts the interview away; only the event says it.
    ArchiveInterview {
        /// Why.
        reason: Option<SmolStr>,
    },
    /// Removes the interview with everything that it owns.
    DeleteInterview {
        /// Why.
        reason: Option<SmolStr>,
    },
}

impl Edit {
    /// Returns the sentence that it concerns; `None` when it concerns the interview.
    pub const fn slot(&self) -> Option<u32> {
        match self {
            Self::Text { slot, .. }
            | Self::Override { slot, .. }
            | Self::Clear { slot, .. }
            | Self::Relocate { slot, .. }
            | Self::Tag { slot, .. }
            | Self::Untag { slot, .. }
            | Self::DeleteSentence { slot, .. } => Some(*slot),
            Self::UpdateInterview { .. }
            | Self::ChangeInterviewStatus { .. }
            | Self::ArchiveInterview { .. }
            | Self::DeleteInterview { .. } => None,
        }
    }
}

/// Returns the changes of an edit. Whether it may be made has been decided already.
///
/// Of a sentence that moves these are its own: those that make way for it are moved by [`relocate`], too.
pub fn edit(interview: InterviewId, edit: &Edit, limits: &Limits) -> Vec<Change> {
    match edit {
        Edit::Text { slot, text } => vec![update(
            sentence_ref(interview, *slot),
            Properties::new().with("text", text.clone()).with("is_edited", true),
        )],
        Edit::Override { slot, fields, .. } => {
            override_analysis(analysis_ref(interview, *slot), fields, limits)
        }
        Edit::Clear { slot, .. } => vec![Change::Remove { node: analysis_ref(interview, *slot) }],
        Edit::Relocate { slot, new_index } => relocate(interview, Move { slot: *slot, place: *new_index }),
        Edit::Tag { slot, tag } => vec![Change::Tag {
            analysis: analysis_ref(interview, *slot),
            rel: dimensions::of_tag(tag.tag_type),
            value: tag.value.clone(),
        }],
        Edit::Untag { slot, tag } => vec![Change::Untag {
            analysis: analysis_ref(interview, *slot),
            rel: dimensions::of_tag(tag.tag_type),
            value: tag.value.clone(),
        }],
        Edit::DeleteSentence { slot, .. } => vec![remove_sentence(interview, *slot), chain(interview)],
        Edit::DeleteInterview { .. } => vec![Change::Remove { node: NodeRef::interview(interview) }],
        Edit::UpdateInterview { .. } | Edit::ChangeInterviewStatus { .. } | Edit::ArchiveInterview { .. } => {
            Vec::new()
        }
    }
}

/// Returns the changes that bring one sentence to a place that nobody else has, or is about to leave.
pub fn relocate(interview: InterviewId, moved: Move) -> Vec<Change> {
    let place = Properties::new().with("sequence_order", i64::from(moved.place));
    vec![update(sentence_ref(interview, moved.slot), place), chain(interview)]
}

fn override_analysis(analysis: NodeRef, fields: &OverriddenFields, limits: &Limits) -> Vec<Change> {
    let mut changes = vec![update(analysis.clone(), Properties::new().with("is_edited", true))];
    changes.extend(dimensions::overridden(&analysis, fields, limits));
    changes
}

pub(super) const fn update(node: NodeRef, set: Properties) -> Change {
    Change::Update { node, set, unset: Vec::new() }
}
