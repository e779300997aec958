//! What may be asked of an interview. Commands wait in the outbox as JSON, under names that do not change.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::interview::InterviewStatus;
use crate::timestamp::Timestamp;

/// Something to be done to an interview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InterviewCommand {
    /// Makes the interview known.
    #[serde(rename = "CreateInterview")]
    Create {
        /// The title that readers see.
        title: SmolStr,
        /// Where the transcript comes from; its last path component is the file's name.
        source: SmolStr,
        /// BCP 47 language tag.
        language: Option<SmolStr>,
        /// When the conversation began.
        started_at: Option<Timestamp>,
        /// Whatever else is known.
        #[serde(default)]
        metadata: Map<String, Value>,
    },
    /// Changes its description.
    #[serde(rename = "UpdateInterview")]
    Update {
        /// The new title; `None` leaves it.
        title: Option<SmolStr>,
        /// The new language; `None` leaves it.
        language: Option<SmolStr>,
        /// Keys to set; a `null` removes its key.
        #[serde(default)]
        metadata_diff: Map<String, Value>,
    },
    /// Moves it on.
    #[serde(rename = "ChangeInterviewStatus")]
    ChangeStatus {
        /// The status to enter.
        to_status: InterviewStatus,
        /// Why, in somebody's words.
        reason: Option<SmolStr>,
    },
    /// Puts it away: from then on it can only be deleted.
    #[serde(rename = "ArchiveInterview")]
    Archive {
        /// Why, in somebody's words.
        reason: Option<SmolStr>,
    },
    /// Removes it, and with it all of its sentences, for ever.
    #[serde(rename = "DeleteInterview")]
    Delete {
        /// Why, in somebody's words.
        reason: Option<SmolStr>,
    },
}
