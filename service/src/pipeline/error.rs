//! What the pipeline could not do.

use cutover_core::command::Rejection;
use cutover_core::ids::{AggregateId, InterviewId};
use cutover_engines::event_log::LogError;
use cutover_engines::graph::{ApplyError, GraphError};
use smol_str::SmolStr;
use uuid::Uuid;

use crate::history::HistoryError;
use crate::switch::FlagError;

/// Why something was not written. Unless a port failed, nothing at all was.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A rule forbids it: the answer to whoever asked.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A rule forbids a sentence of a file; nothing of the file was written.
    #[error("{file}: sentence {index} is refused")]
    InvalidSentence {
        /// The file.
        file: SmolStr,
        /// The sentence, 0-based.
        index: u32,
        /// The rule.
        source: Rejection,
    },
    /// A sentence would not fit into the event store; nothing of the file was written.
    #[error(
        "{file}: sentence {index} takes {size} bytes as events, and the event store appends at most {limit} at once; \
         shorten the sentence, or split it by a full stop"
    )]
    SentenceTooLarge {
        /// The file.
        file: SmolStr,
        /// The sentence, 0-based.
        index: u32,
        /// The size of its events, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// An edit would not fit into the event store; nothing was written.
    #[error("the edit takes {size} bytes as an event, and the event store appends at most {limit} at once")]
    EditTooLarge {
        /// The size of its events, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Others kept appending to a stream while a command was decided, as often as that is tried.
    #[error("{aggregate} changed {attempts} times while a command to it was decided")]
    Contended {
        /// The aggregate.
        aggregate: AggregateId,
        /// How often it was tried.
        attempts: u32,
    },
    /// The event store could not.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The direct graph could not be read.
    #[error(transparent)]
    Read(#[from] GraphError),
    /// The direct graph could not be written.
    #[error(transparent)]
    Write(#[from] ApplyError),
    /// A history that something would be decided on cannot be read.
    #[error(transparent)]
    History(HistoryError),
    /// The flag cannot be read: whoever does not know the mode does not write.
    #[error("the flag that says where to write cannot be read")]
    Flag(#[from] FlagError),
    /// A switch holds all writers up for longer than this one waits. It ends one way or the other; then the same goes through.
    #[error(
        "operation {operation} of `{actor}` has held all writers up for more than {waited_ms} ms; `cutover switch status` tells more"
    )]
    Fenced {
        /// The switch.
        operation: Uuid,
        /// Who does it.
        actor: SmolStr,
        /// How long this writer has waited, in milliseconds.
        waited_ms: u128,
    },
    /// The flag was thrown, or held up, while this was written. What of it is written stays; the rest is to be written in the new
    /// mode.
    #[error("the flag was thrown in the middle of a write")]
    Overtaken,
    /// Somebody else kept writing the interview in the direct graph while this was decided, as often as that is tried. What of a file is
    /// written stays; the same may go through later.
    #[error("interview {interview} was written by somebody else in the middle of a write")]
    WrittenMeanwhile {
        /// The interview.
        interview: InterviewId,
    },
    /// The event store did not answer within the time for which a writer may rely on the flag.
    #[error("the event store did not take {events} entries within {lease_ms} ms, as often as was tried")]
    TooSlow {
        /// How many entries were to be appended.
        events: usize,
        /// The time, in milliseconds.
        lease_ms: u128,
    },
    /// An outbox entry cannot be read. It stays where it is, and those after it wait.
    #[error("outbox entry `{entry}` cannot be read")]
    MalformedEntry {
        /// Its key.
        entry: SmolStr,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// An outbox entry was written by a later program. It stays where it is, and those after it wait.
    #[error("outbox entry `{entry}` has format {format}, and this program reads up to {known}")]
    UnknownFormat {
        /// Its key.
        entry: SmolStr,
        /// Its format.
        format: u32,
        /// The latest format that is known.
        known: u32,
    },
}

impl From<HistoryError> for PipelineError {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Log(error) => Self::Log(error),
            error => Self::History(error),
        }
    }
}

impl PipelineError {
    /// Returns whether the same may go through later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Contended { .. }
            | Self::Fenced { .. }
            | Self::Overtaken
            | Self::TooSlow { .. }
            | Self::WrittenMeanwhile { .. } => true,
            Self::Flag(error) => error.is_transient(),
            Self::Log(error) => error.is_transient(),
            Self::Read(error) => error.is_transient(),
            Self::Write(ApplyError::Graph(error)) => error.is_transient(),
            _ => false,
        }
    }

    /// Returns whether somebody else appended first.
    pub(super) const fn is_conflict(&self) -> bool {
        matches!(self, Self::Log(LogError::Conflict { .. }))
    }
}
