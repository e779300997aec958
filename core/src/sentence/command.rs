//! What may be asked of a sentence. Commands wait in the outbox as JSON, under names that do not change.
//!
//! Indexes and times cannot be negative: their types see to it, and JSON that says otherwise is refused when it is read.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::ids::InterviewId;
use crate::sentence::{EditorType, Findings, OverriddenFields, Tag};

/// Something to be done to a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SentenceCommand {
    /// Cuts it from its transcript.
    #[serde(rename = "CreateSentence")]
    Create {
        /// The interview that it is part of.
        interview_id: InterviewId,
        /// Its place in the interview, 0-based.
        index: u32,
        /// The words.
        text: SmolStr,
        /// Who said them.
        speaker: Option<SmolStr>,
        /// When they began, in milliseconds from the start of the recording.
        start_ms: Option<u64>,
        /// When they ended, in milliseconds from the start of the recording.
        end_ms: Option<u64>,
    },
    /// Changes its text.
    #[serde(rename = "EditSentence")]
    Edit {
        /// The new text.
        new_text: SmolStr,
        /// Who wants it.
        editor_type: EditorType,
    },
    /// Analyses it for the first time, or again after its analysis was cleared.
    #[serde(rename = "GenerateAnalysis")]
    GenerateAnalysis {
        /// The model's name.
        model: SmolStr,
        /// The model's version.
        version: SmolStr,
        /// What it found.
        findings: Findings,
        /// Where the model's raw answer is kept.
        raw_ref: Option<SmolStr>,
    },
    /// Analyses it again.
    #[serde(rename = "RegenerateAnalysis")]
    RegenerateAnalysis {
        /// The model's name.
        model: SmolStr,
        /// Why it is done again.
        reason: SmolStr,
        /// What changes, for people to read.
        delta: Option<serde_json::Value>,
        /// What it found.
        findings: Findings,
    },
    /// Corrects its analysis.
    #[serde(rename = "OverrideAnalysis")]
    OverrideAnalysis {
        /// What the person sets.
        fields: OverriddenFields,
        /// Why, in the person's words.
        note: Option<SmolStr>,
    },
    /// Throws its analysis away, corrections included.
    #[serde(rename = "ClearAnalysis")]
    ClearAnalysis {
        /// Why, in somebody's words.
        reason: Option<SmolStr>,
    },
    /// Moves it within its interview.
    #[serde(rename = "RelocateSentence")]
    Relocate {
        /// The place to take, 0-based.
        new_index: u32,
    },
    /// Attaches a keyword or topic by hand.
    #[serde(rename = "TagSentence")]
    Tag(Tag),
    /// Takes a keyword or topic off by hand.
    #[serde(rename = "UntagSentence")]
    Untag(Tag),
    /// Removes it, for ever.
    #[serde(rename = "DeleteSentence")]
    Delete {
        /// Why, in somebody's words.
        reason: Option<SmolStr>,
    },
}
