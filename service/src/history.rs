//! Reads the whole history of an aggregate out of the event store: what every decision is made on.

use cutover_core::event::Event;
use cutover_core::ids::AggregateId;
use cutover_core::wire::{self, DecodeError};
use cutover_engines::event_log::{EventLog, LogError};

/// How many events are read at once. Few aggregates have more.
pub(crate) const PAGE: usize = 256;

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The event store could not, or the stream was deleted for ever.
    #[error(transparent)]
    Log(#[from] LogError),
    /// An event cannot be understood: deciding without it could break a rule.
    #[error("the history of {aggregate} cannot be read")]
    Undecodable {
        /// The aggregate.
        aggregate: AggregateId,
        /// What is wrong, and where.
        source: Box<DecodeError>,
    },
    /// The beginning is gone, as `$maxCount`, `$maxAge` or `$tb` of the stream have it: deciding without it could break a rule.
    #[error(
        "the history of {aggregate} begins with version {first}; take $maxCount, $maxAge and $tb out of the stream's metadata, and \
         restore what was scavenged"
    )]
    Truncated {
        /// The aggregate.
        aggregate: AggregateId,
        /// The version of the first event that is left.
        first: u64,
    },
}

impl HistoryError {
    /// Returns whether the same may go through later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Log(error) => error.is_transient(),
            Self::Undecodable { .. } | Self::Truncated { .. } => false,
        }
    }
}

/// Reads all events of an aggregate, in order; none when there is no such stream.
///
/// # Errors
///
/// Returns an error when the store fails, and when the history cannot be understood or is not whole.
pub async fn read(log: &dyn EventLog, aggregate: AggregateId) -> Result<Vec<Event>, HistoryError> {
    let stream = aggregate.stream_name();
    let mut history: Vec<Event> = Vec::new();
    loop {
        let from = history.last().map_or(0, |event| event.metadata.version + 1);
        let page = log.read(&stream, from, PAGE).await?;
        let is_last = page.len() < PAGE;
        for recorded in &page {
            let event = wire::decode(recorded)
                .map_err(|source| HistoryError::Undecodable { aggregate, source: Box::new(source) })?;
            history.push(event);
        }
        if is_last {
            break;
        }
    }
    match history.first() {
        Some(event) if event.metadata.version > 0 => {
            Err(HistoryError::Truncated { aggregate, first: event.metadata.version })
        }
        _ => Ok(history),
    }
}
