//! The stored form of all groups: [`SubscriptionConfig`], the JSON of the newest event in [`CONFIG_STREAM`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::position::{ParsePositionError, SourceKind, StartFrom};
use super::settings::Settings;
use super::strategy::UnknownStrategy;

/// The stream that holds the configuration; only its newest event counts.
pub const CONFIG_STREAM: &str = "$persistentSubscriptionConfig";

/// The type of the events in it.
pub const CONFIG_EVENT_TYPE: &str = "$PersistentConfig";

/// Every group there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionConfig {
    /// The version of the form.
    pub version: String,
    /// The groups, sorted by stream and group.
    pub entries: Vec<ConfigEntry>,
}

impl SubscriptionConfig {
    /// Returns a configuration of these groups.
    #[must_use]
    pub fn of(entries: Vec<ConfigEntry>) -> Self {
        Self { version: "2".into(), entries }
    }
}

/// A group in its stored form; times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigEntry {
    stream: String,
    group: String,
    #[serde(default)]
    filter: Option<FilterEntry>,
    resolve_link_tos: bool,
    extra_statistics: bool,
    message_timeout: u64,
    start_position: String,
    live_buffer_size: usize,
    history_buffer_size: usize,
    max_retry_count: u32,
    read_batch_size: usize,
    check_point_after: u64,
    min_check_point_count: u64,
    max_check_point_count: u64,
    max_subscriber_count: usize,
    named_consumer_strategy: String,
}

/// A filter of `$all` in its stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilterEntry {
    /// Whether event types are filtered, or stream names.
    pub on_event_type: bool,
    /// A regular expression; without one the prefixes count.
    pub regex: Option<String>,
    /// Prefixes, any of which matches.
    pub prefixes: Vec<String>,
}

/// A stored configuration that cannot be understood.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// It is not the JSON that it should be.
    #[error("the configuration of persistent subscriptions cannot be read: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// The filter's regular expression cannot be compiled.
    #[error("`{regex}` is not a regular expression that the store understands")]
    Filter {
        /// The expression.
        regex: String,
    },
    /// Its start is no position.
    #[error(transparent)]
    Start(#[from] ParsePositionError),
    /// Its strategy is unknown.
    #[error(transparent)]
    Strategy(#[from] UnknownStrategy),
}

impl ConfigEntry {
    /// Returns the stored form of a group of `stream`, which is `$all` for one that reads the whole log.
    #[must_use]
    pub fn new(stream: &str, group: &str, filter: Option<FilterEntry>, settings: &Settings) -> Self {
        let kind = if stream == "$all" { SourceKind::All } else { SourceKind::Stream };
        Self {
            stream: stream.into(),
            group: group.into(),
            filter,
            resolve_link_tos: settings.resolve_links,
            extra_statistics: settings.extra_statistics,
            message_timeout: millis(settings.message_timeout),
            start_position: settings.start_from.describe(kind),
            live_buffer_size: settings.live_buffer_size,
            history_buffer_size: settings.history_buffer_size,
            max_retry_count: settings.max_retry_count,
            read_batch_size: settings.read_batch_size,
            check_point_after: millis(settings.checkpoint_after),
            min_check_point_count: settings.min_checkpoint_count,
            max_check_point_count: settings.max_checkpoint_count,
            max_subscriber_count: settings.max_subscriber_count,
            named_consumer_strategy: settings.strategy.name().into(),
        }
    }

    /// Returns the stream, `$all` for the whole log.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Returns the group's name.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Returns the filter of a group on `$all`.
    #[must_use]
    pub fn filter(&self) -> Option<&FilterEntry> {
        self.filter.as_ref()
    }

    /// Returns the settings.
    ///
    /// # Errors
    /// The start or the strategy cannot be understood.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        Ok(Settings {
            start_from: StartFrom::parse(&self.start_position)?,
            resolve_links: self.resolve_link_tos,
            extra_statistics: self.extra_statistics,
            message_timeout: Duration::from_millis(self.message_timeout),
            max_retry_count: self.max_retry_count,
            live_buffer_size: self.live_buffer_size,
            read_batch_size: self.read_batch_size,
            history_buffer_size: self.history_buffer_size,
            checkpoint_after: Duration::from_millis(self.check_point_after),
            min_checkpoint_count: self.min_check_point_count,
            max_checkpoint_count: self.max_check_point_count,
            max_subscriber_count: self.max_subscriber_count,
            strategy: self.named_consumer_strategy.parse()?,
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::position::GroupPosition;
    use super::super::strategy::ConsumerStrategy;
    use super::*;

    #[test]
    fn a_group_survives_its_stored_form() {
        let filter = FilterEntry { on_event_type: true, regex: None, prefixes: vec!["Order".into()] };
        let settings = Settings {
            start_from: StartFrom::Position(GroupPosition::All { commit: 9, prepare: 9 }),
            resolve_links: true,
            extra_statistics: true,
            message_timeout: Duration::from_millis(1),
            max_retry_count: 2,
            live_buffer_size: 3,
            read_batch_size: 4,
            history_buffer_size: 5,
            checkpoint_after: Duration::from_millis(6),
            min_checkpoint_count: 7,
            max_checkpoint_count: 8,
            max_subscriber_count: 9,
            strategy: ConsumerStrategy::PinnedByCorrelation,
        };
        let config = SubscriptionConfig::of(vec![ConfigEntry::new("$all", "g", Some(filter), &settings)]);
        let stored = serde_json::to_vec(&config).unwrap();
        let read: SubscriptionConfig = serde_json::from_slice(&stored).unwrap();
        assert_eq!(read, config);
        assert_eq!(read.entries[0].settings(), Ok(settings));
    }

    #[test]
    fn an_unknown_strategy_in_the_store_is_reported() {
        let mut entry = ConfigEntry::new("s", "g", None, &Settings::default());
        entry.named_consumer_strategy = "Fastest".into();
        assert_eq!(entry.settings(), Err(ConfigError::Strategy(UnknownStrategy { name: "Fastest".into() })));
    }
}
