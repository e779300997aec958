//! Commands to either aggregate, with what accompanies them, and the answers to them.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use uuid::Uuid;

use crate::ids::{AggregateId, InterviewId, ProjectId, SentenceId};
use crate::interview::{self, InterviewCommand};
use crate::metadata::Actor;
use crate::sentence::{self, SentenceCommand};
use crate::timestamp::Timestamp;

/// Something to be done to an aggregate. It waits in the outbox as JSON, under names that do not change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Something to be done to an interview.
    Interview {
        /// The interview.
        id: InterviewId,
        /// What.
        command: InterviewCommand,
    },
    /// Something to be done to a sentence.
    Sentence {
        /// The sentence.
        id: SentenceId,
        /// What.
        command: SentenceCommand,
    },
}

impl Command {
    /// Returns the aggregate that the command is for.
    pub const fn aggregate(&self) -> AggregateId {
        match self {
            Self::Interview { id, .. } => AggregateId::Interview(*id),
            Self::Sentence { id, .. } => AggregateId::Sentence(*id),
        }
    }
}

/// Who asks, when, and on what account: what a command hands on to the metadata of its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandContext {
    /// Who asks, if that is known.
    pub actor: Option<Actor>,
    /// Ties together what one request leads to.
    pub correlation_id: Option<Uuid>,
    /// The event or command that led to this one.
    pub causation_id: Option<Uuid>,
    /// The project; where it is missing, that of the aggregate's earlier events is meant.
    pub project_id: Option<ProjectId>,
    /// When it was asked, which is when its events happen.
    pub occurred_at: Timestamp,
    /// The distributed trace that it belongs to.
    pub trace_id: Option<SmolStr>,
}

impl CommandContext {
    /// Makes the context of what was asked at that time, with nothing else known.
    pub const fn at(occurred_at: Timestamp) -> Self {
        Self {
            actor: None,
            correlation_id: None,
            causation_id: None,
            project_id: None,
            occurred_at,
            trace_id: None,
        }
    }
}

/// The answer to a command that was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The aggregate.
    pub aggregate: AggregateId,
    /// The version of the aggregate's last event because of it.
    pub version: u64,
    /// How many events it led to.
    pub events: usize,
}

/// The rule that a command would break.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// A rule of interviews.
    #[error(transparent)]
    Interview(#[from] interview::Rejection),
    /// A rule of sentences.
    #[error(transparent)]
    Sentence(#[from] sentence::Rejection),
}
