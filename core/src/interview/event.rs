//! What can have happened to an interview. The names reflect the frozen storage format.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::timestamp::Timestamp;

/// Where an interview stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InterviewStatus {
    /// Known, not yet worked on.
    Created,
    /// Being analysed.
    Processing,
    /// Analysed.
    Completed,
    /// Given up.
    Failed,
    /// Put away.
    Archived,
}

impl InterviewStatus {
    /// Returns the name that payloads and the graph use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Archived => "archived",
        }
    }
}

impl fmt::Display for InterviewStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that has happened to an interview.
#[derive(Debug, Clone, PartialEq)]
pub enum InterviewEvent {
    /// The interview became known.
    Created(InterviewCreated),
    /// Its description changed. Stored as `InterviewUpdated`; `InterviewMetadataUpdated` is accepted.
    Updated(InterviewUpdated),
    /// It moved on. Stored as `StatusChanged`; `InterviewStatusChanged` is accepted.
    StatusChanged(InterviewStatusChanged),
    /// It was put away.
    Archived(Reason),
    /// It was removed, and with it all of its sentences.
    Deleted(Reason),
}

/// Payload of `InterviewCreated`.
#[derive(Debug, Clone, PartialEq)]
pub struct InterviewCreated {
    /// The title that readers see.
    pub title: SmolStr,
    /// Where the transcript came from; its last path component is the file's name.
    pub source: SmolStr,
    /// BCP 47 language tag.
    pub language: Option<SmolStr>,
    /// When the conversation began.
    pub started_at: Option<Timestamp>,
    /// Whatever else is known.
    pub metadata: Map<String, Value>,
}

/// Payload of `InterviewUpdated`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InterviewUpdated {
    /// The new title, if it changed.
    pub title: Option<SmolStr>,
    /// The new language, if it changed.
    pub language: Option<SmolStr>,
    /// Keys to set; a `null` removes its key.
    pub metadata_diff: Map<String, Value>,
}

/// Payload of `StatusChanged` of an interview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterviewStatusChanged {
    /// The status that was left.
    pub from_status: InterviewStatus,
    /// The status that was entered.
    pub to_status: InterviewStatus,
    /// Why, in somebody's words.
    pub reason: Option<SmolStr>,
}

/// Payload of the events that say no more than why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason {
    /// Why, in somebody's words.
    pub reason: Option<SmolStr>,
}
