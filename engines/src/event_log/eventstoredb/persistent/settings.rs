//! The settings of a group, their defaults and what is refused; [`Settings::validate`] knows why.

use std::time::Duration;

use super::position::StartFrom;
use super::strategy::{ConsumerStrategy, UnknownStrategy};

/// Everything that can be set on a group. Over gRPC clients send every field; an update replaces them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to start while there is no checkpoint.
    pub start_from: StartFrom,
    /// Whether links are delivered together with their targets.
    pub resolve_links: bool,
    /// Whether latencies are measured for group information.
    pub extra_statistics: bool,
    /// How long a client may keep an event unacknowledged; checked on the tick, so zero means the next tick.
    pub message_timeout: Duration,
    /// How often an event is retried before it is parked; zero parks at the first refusal or timeout.
    pub max_retry_count: u32,
    /// How many of the newest live events are kept to go from history to live without a read.
    pub live_buffer_size: usize,
    /// How many events one page of history asks for.
    pub read_batch_size: usize,
    /// How many events may wait in the group.
    pub history_buffer_size: usize,
    /// How long after a checkpoint the tick may write the next one; zero means that only the maximum count does.
    pub checkpoint_after: Duration,
    /// How many completed events a checkpoint on the tick needs.
    pub min_checkpoint_count: u64,
    /// How many completed events cause a checkpoint at once.
    pub max_checkpoint_count: u64,
    /// How many clients may read at once; zero means any number.
    pub max_subscriber_count: usize,
    /// How events are handed to clients.
    pub strategy: ConsumerStrategy,
}

impl Default for Settings {
    /// The defaults of the Rust client, which sends them all; the server has none of its own over gRPC.
    fn default() -> Self {
        Self {
            start_from: StartFrom::End,
            resolve_links: false,
            extra_statistics: false,
            message_timeout: Duration::from_secs(30),
            max_retry_count: 10,
            live_buffer_size: 500,
            read_batch_size: 20,
            history_buffer_size: 500,
            checkpoint_after: Duration::from_secs(2),
            min_checkpoint_count: 10,
            max_checkpoint_count: 1000,
            max_subscriber_count: 0,
            strategy: ConsumerStrategy::RoundRobin,
        }
    }
}

/// Why settings are refused; the text is the `reason` trailer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidSettings {
    /// Page and buffer leave no room for a read.
    #[error(
        "read batch size {read_batch_size} must be less than the history buffer size {history_buffer_size}"
    )]
    ReadBatchNotBelowHistoryBuffer {
        /// The page size that was asked for.
        read_batch_size: usize,
        /// The buffer size that was asked for.
        history_buffer_size: usize,
    },
    /// A page of nothing never ends.
    #[error("read batch size must be greater than 0")]
    EmptyReadBatch,
    /// A count or a time is below zero.
    #[error("{setting} must not be negative, but is {value}")]
    Negative {
        /// The field's name on the wire.
        setting: &'static str,
        /// Its value.
        value: i64,
    },
    /// No such strategy.
    #[error(transparent)]
    Strategy(#[from] UnknownStrategy),
    /// A group of no stream.
    #[error("the stream name is empty")]
    EmptyStream,
    /// The filter's regular expression cannot be compiled.
    #[error("`{regex}` is not a regular expression that the store understands")]
    Filter {
        /// The expression.
        regex: String,
    },
    /// A start in `$all` that the log has not reached.
    #[error("start position C:{commit} lies beyond the last indexed position C:{last}")]
    StartBeyondLog {
        /// The commit position asked for.
        commit: u64,
        /// The last one there is.
        last: u64,
    },
}

impl Settings {
    /// Checks what can be checked without knowing the log.
    ///
    /// # Errors
    /// The settings would leave the group unable to read.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        if self.read_batch_size == 0 {
            return Err(InvalidSettings::EmptyReadBatch);
        }
        if self.read_batch_size >= self.history_buffer_size {
            return Err(InvalidSettings::ReadBatchNotBelowHistoryBuffer {
                read_batch_size: self.read_batch_size,
                history_buffer_size: self.history_buffer_size,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_rust_client_are_valid() {
        assert_eq!(Settings::default().validate(), Ok(()));
    }

    #[test]
    fn a_read_batch_as_large_as_the_history_buffer_is_refused() {
        let settings = Settings { read_batch_size: 500, ..Settings::default() };
        assert_eq!(
            settings.validate(),
            Err(InvalidSettings::ReadBatchNotBelowHistoryBuffer {
                read_batch_size: 500,
                history_buffer_size: 500
            })
        );
        assert_eq!(Settings { read_batch_size: 499, ..settings }.validate(), Ok(()));
    }

    #[test]
    fn an_empty_read_batch_is_refused() {
        let settings = Settings { read_batch_size: 0, ..Settings::default() };
        assert_eq!(settings.validate(), Err(InvalidSettings::EmptyReadBatch));
    }
}
