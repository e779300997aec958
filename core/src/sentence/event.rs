//! What can have happened to a sentence. The names reflect the frozen storage format.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::ids::InterviewId;
use crate::interview::Reason;

/// Where a sentence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SentenceStatus {
    /// Known, not yet analysed.
    Created,
    /// Analysed.
    Analyzed,
    /// Its text was changed.
    Edited,
    /// Removed.
    Deleted,
}

impl SentenceStatus {
    /// Returns the name that payloads and the graph use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Analyzed => "analyzed",
            Self::Edited => "edited",
            Self::Deleted => "deleted",
        }
    }
}

impl fmt::Display for SentenceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that has happened to a sentence.
#[derive(Debug, Clone, PartialEq)]
pub enum SentenceEvent {
    /// The sentence was cut from its transcript.
    Created(SentenceCreated),
    /// Its text was changed.
    Edited(SentenceEdited),
    /// It moved within its interview.
    Relocated(SentenceRelocated),
    /// It was analysed for the first time, or again after its analysis had been cleared.
    AnalysisGenerated(AnalysisGenerated),
    /// It was analysed again.
    AnalysisRegenerated(AnalysisRegenerated),
    /// A person corrected the analysis.
    AnalysisOverridden(AnalysisOverridden),
    /// The analysis was thrown away, corrections included.
    AnalysisCleared(Reason),
    /// A keyword or topic was attached by hand.
    Tagged(Tag),
    /// A keyword or topic was taken off by hand.
    Untagged(Tag),
    /// It moved on.
    StatusChanged(SentenceStatusChanged),
    /// It was removed.
    Deleted(Reason),
}

/// Payload of `SentenceCreated`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentenceCreated {
    /// The interview that it is part of.
    pub interview_id: InterviewId,
    /// Its place in the interview, 0-based.
    pub index: u32,
    /// The words.
    pub text: SmolStr,
    /// Who said them.
    pub speaker: Option<SmolStr>,
    /// When they began, in milliseconds from the start of the recording.
    pub start_ms: Option<u64>,
    /// When they ended, in milliseconds from the start of the recording.
    pub end_ms: Option<u64>,
}

/// Who changed a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EditorType {
    /// A person: the text is protected from then on.
    Human,
    /// A program, such as the pipeline when a file has changed.
    Ai,
}

impl EditorType {
    /// Returns the name that payloads and the graph use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Ai => "ai",
        }
    }
}

/// Payload of `SentenceEdited`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentenceEdited {
    /// The text that was replaced.
    pub old_text: SmolStr,
    /// The text that replaced it.
    pub new_text: SmolStr,
    /// Who did it.
    pub editor_type: EditorType,
}

/// Payload of `SentenceRelocated`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentenceRelocated {
    /// The place that it left.
    pub old_index: u32,
    /// The place that it took.
    pub new_index: u32,
}

/// What kind of utterance a sentence is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// What it does: a statement, a question, a command …
    pub function_type: SmolStr,
    /// How it is built: simple, compound, complex, fragment …
    pub structure_type: SmolStr,
    /// What it is for: to inform, to ask, to confirm …
    pub purpose: SmolStr,
}

/// What an analysis found, whichever event carries it. Lists keep their order: limits take from the front.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// The three single-valued dimensions.
    pub classification: Classification,
    /// Overall keywords.
    #[serde(default)]
    pub keywords: Vec<SmolStr>,
    /// Topics.
    #[serde(default)]
    pub topics: Vec<SmolStr>,
    /// Keywords of the trade.
    #[serde(default)]
    pub domain_keywords: Vec<SmolStr>,
    /// How sure the model is, within 0..=1.
    #[serde(default)]
    pub confidence: Option<f64>,
}

/// Payload of `AnalysisGenerated`.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisGenerated {
    /// The model's name.
    pub model: SmolStr,
    /// The model's version.
    pub version: SmolStr,
    /// What it found.
    pub findings: Findings,
    /// Where the model's raw answer is kept.
    pub raw_ref: Option<SmolStr>,
}

/// Payload of `AnalysisRegenerated`.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisRegenerated {
    /// The model's name.
    pub model: SmolStr,
    /// Why it was done again.
    pub reason: SmolStr,
    /// What changed, for people to read.
    pub delta: Option<serde_json::Value>,
    /// What it found.
    pub findings: Findings,
}

/// The dimensions that a person set; `None` leaves one as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverriddenFields {
    /// The function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_type: Option<SmolStr>,
    /// The structure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structure_type: Option<SmolStr>,
    /// The purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<SmolStr>,
    /// All overall keywords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keywords: Option<Vec<SmolStr>>,
    /// All topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<SmolStr>>,
    /// All keywords of the trade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_keywords: Option<Vec<SmolStr>>,
}

/// Payload of `AnalysisOverridden`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalysisOverridden {
    /// What the person set.
    pub fields_overridden: OverriddenFields,
    /// Why, in the person's words.
    pub note: Option<SmolStr>,
}

/// What a tag attaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TagType {
    /// An overall keyword.
    Keyword,
    /// A topic.
    Topic,
}

/// Payload of `SentenceTagged` and `SentenceUntagged`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// What it attaches.
    pub tag_type: TagType,
    /// The keyword or topic.
    pub value: SmolStr,
}

/// Payload of `SentenceStatusChanged`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentenceStatusChanged {
    /// The status that was left.
    pub from_status: SentenceStatus,
    /// The status that was entered.
    pub to_status: SentenceStatus,
    /// Why, in somebody's words.
    pub reason: Option<SmolStr>,
}
