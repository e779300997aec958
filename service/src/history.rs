//! Reads histories out of the event store: that of an aggregate, on which every decision is made, and those of all sentences that an
//! interview has or had.

use std::sync::Arc;

use cutover_core::aggregate::{AggregateState, fold};
use cutover_core::event::Event;
use cutover_core::ids::{AggregateId, InterviewId, SentenceId};
use cutover_core::sentence::SentenceState;
use cutover_core::wire::{self, DecodeError};
use cutover_engines::event_log::{EventLog, LogError};
use tokio::task::JoinSet;

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

/// How many slots are looked at at once; the sentences of an interview end where so many in a row have never been there.
const SLOTS: u32 = 64;

/// A sentence, and all that happened to it.
#[derive(Debug, Clone)]
pub struct SentenceHistory {
    /// Its slot, which others may have been in before.
    pub slot: u32,
    /// The sentence.
    pub aggregate: AggregateId,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What it came to.
    pub state: SentenceState,
}

/// Reads what happened to the sentences of an interview, in the order of their slots, and in one slot one after the other. A stream
/// that was deleted for ever tells nothing; those that followed in its slot do.
///
/// # Errors
///
/// As [`read`].
pub async fn of_sentences(
    log: &Arc<dyn EventLog>,
    interview: InterviewId,
) -> Result<Vec<SentenceHistory>, HistoryError> {
    let mut histories = Vec::new();
    for first in (0..).step_by(SLOTS as usize) {
        let mut reads = JoinSet::new();
        for slot in first..first + SLOTS {
            let log = Arc::clone(log);
            reads.spawn(async move { in_slot(&*log, interview, slot).await });
        }
        let mut was_there = false;
        while let Some(read) = reads.join_next().await {
            let found = read.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
            was_there |= found.is_some();
            histories.extend(found.into_iter().flatten());
        }
        if !was_there {
            break;
        }
    }
    // The sort is stable: generations stay in their order.
    histories.sort_by_key(|history: &SentenceHistory| history.slot);
    Ok(histories)
}

/// Goes through the sentences that were in a slot one after the other, to the one that is alive; `None` where there never was one.
async fn in_slot(
    log: &dyn EventLog,
    interview: InterviewId,
    slot: u32,
) -> Result<Option<Vec<SentenceHistory>>, HistoryError> {
    let mut histories = Vec::new();
    for generation in 0.. {
        let aggregate = AggregateId::Sentence(SentenceId::in_generation(interview, slot, generation));
        let events = match read(log, aggregate).await {
            Err(HistoryError::Log(LogError::StreamDeleted { .. })) => continue,
            events => events?,
        };
        let AggregateState::Sentence(state) = fold(aggregate, events.iter().map(|event| &event.body)) else {
            unreachable!("a sentence's events make a sentence");
        };
        match state {
            SentenceState::NotCreated if events.is_empty() => {
                return Ok((generation > 0).then_some(histories));
            }
            state => {
                let is_last = !matches!(state, SentenceState::Deleted);
                histories.push(SentenceHistory { slot, aggregate, events, state });
                if is_last {
                    return Ok(Some(histories));
                }
            }
        }
    }
    unreachable!("a slot that is filled a generation at a time has a last one")
}
