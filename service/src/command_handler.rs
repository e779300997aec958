//! Carries commands out against the event log: load, fold, decide, append at the expected revision; after a conflict
//! all four again, a bounded number of times. The rules and the events' ids are core's ([`cutover_core::aggregate`]).
//!
//! [`CommandHandler`] keeps nothing between commands. Carrying out the same entry again, after a reply was lost or a
//! process died, appends nothing and answers as the first time.

use std::sync::Arc;

use cutover_core::aggregate::{self, Handled};
use cutover_core::command::{Accepted, Command, CommandContext, Rejection};
use cutover_core::event::Body;
use cutover_core::ids::AggregateId;
use cutover_core::metadata::Metadata;
use cutover_core::wire;
use cutover_engines::event_log::{EventLog, ExpectedRevision, LogError, NewEvent};
use uuid::Uuid;

use crate::history::{self, HistoryError};

/// How often a command is decided before its caller is told that others are always faster.
pub const ATTEMPTS_MAX: u32 = 5;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A rule forbids it.
    #[error("the command to {aggregate} was rejected: {rejection}")]
    Rejected {
        /// The aggregate.
        aggregate: AggregateId,
        /// The rule.
        #[source]
        rejection: Rejection,
    },
    /// Others appended first, every time.
    #[error("the command to {aggregate} met {attempts} conflicts in a row")]
    Contended {
        /// The aggregate.
        aggregate: AggregateId,
        /// How often it was decided.
        attempts: u32,
    },
    /// The history that it would be decided on cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The event log failed. When that was during the append, it may have gone through: carrying out the same entry
    /// again finds out.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl CommandError {
    /// Returns whether the same command may be carried out later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Contended { .. } => true,
            Self::Log(error) => error.is_transient(),
            Self::History(error) => error.is_transient(),
            Self::Rejected { .. } => false,
        }
    }
}

/// Carries out commands.
#[derive(Clone)]
pub struct CommandHandler {
    log: Arc<dyn EventLog>,
    attempts_max: u32,
}

impl CommandHandler {
    /// Makes a handler that appends to that log.
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, attempts_max: ATTEMPTS_MAX }
    }

    /// Sets how often a command is decided when others keep appending first.
    ///
    /// # Panics
    ///
    /// Panics when it is never.
    #[must_use]
    pub fn with_attempts_max(mut self, attempts_max: u32) -> Self {
        assert!(attempts_max > 0, "a command is decided at least once");
        self.attempts_max = attempts_max;
        self
    }

    /// Carries out a command. `entry` is the command's own id, that of its outbox entry; the ids of its events are
    /// derived from it.
    ///
    /// # Errors
    ///
    /// Returns an error when a rule forbids the command, when its conflicts do not end, when the aggregate's history
    /// cannot be understood, and when the log fails.
    pub async fn carry_out(
        &self,
        command: &Command,
        context: &CommandContext,
        entry: Uuid,
    ) -> Result<Accepted, CommandError> {
        let aggregate = command.aggregate();
        let stream = aggregate.stream_name();
        for _ in 0..self.attempts_max {
            let history = history::read(&*self.log, aggregate).await?;
            let handled = aggregate::handle(&history, command, context, entry)
                .map_err(|rejection| CommandError::Rejected { aggregate, rejection })?;
            let events = match handled {
                Handled::AlreadyDone(accepted) => return Ok(accepted),
                Handled::Append(events) => events,
            };
            let expected = match history.last() {
                Some(event) => ExpectedRevision::Exact(event.metadata.version),
                None => ExpectedRevision::NoStream,
            };
            let appended = self.log.append(&stream, expected, events.iter().map(encode).collect()).await;
            match appended {
                Ok(appended) => {
                    return Ok(Accepted { aggregate, version: appended.revision, events: events.len() });
                }
                Err(LogError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommandError::Contended { aggregate, attempts: self.attempts_max })
    }
}

fn encode((metadata, body): &(Metadata, Body)) -> NewEvent {
    let wire::EncodedEvent { id, event_type, data, metadata } = wire::encode(metadata, body);
    NewEvent { id: id.as_uuid(), event_type, data, metadata }
}

#[cfg(test)]
mod tests;
