//! What clients ask, as the store's types: groups, settings, filters and starts.

use std::time::Duration;

use smol_str::SmolStr;
use tonic::Status;

use super::super::super::persistent::{
    ALL, ConsumerStrategy, FilterEntry, GroupKey, GroupPosition, InvalidSettings, Settings, StartFrom,
    UnknownStrategy,
};
use super::super::convert::read_stream_name;
use super::super::error::handler_exception;
use super::super::wire::StreamIdentifier;
use super::super::wire::persistent_subscriptions::create_req::{
    self, AllOptions, Options, StreamOptions, all_options, options::StreamOption, settings, stream_options,
};
use super::super::wire::persistent_subscriptions::update_req;
use super::errors;

/// A group that a client wants to have, or to have otherwise.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) key: GroupKey,
    pub(super) settings: Settings,
    pub(super) filter: Option<FilterEntry>,
}

/// Returns the key of a group of a stream, or of `$all` if there is none.
pub(super) fn key_of(stream: Option<&StreamIdentifier>, group: &str) -> GroupKey {
    let stream = stream.map_or(SmolStr::new_static(ALL), |stream| read_stream_name(Some(stream)));
    GroupKey { stream, group: group.into() }
}

/// Returns the status of a request that lacks something.
pub(super) fn incomplete(what: &'static str) -> Status {
    Status::invalid_argument(format!("the request lacks {what}"))
}

/// Reads a request for a group.
pub(super) fn wanted(options: Options) -> Result<Wanted, Status> {
    let requested = options.settings.ok_or_else(|| incomplete("settings"))?;
    #[expect(deprecated, reason = "clients of old servers name stream and start there")]
    let (old_stream, old_revision) = (options.stream_identifier, requested.revision);
    let (key, start_from, filter) = match options.stream_option {
        Some(StreamOption::Stream(StreamOptions { stream_identifier, revision_option })) => {
            (in_stream(stream_identifier, &options.group_name)?, start_in_stream(revision_option), None)
        }
        Some(StreamOption::All(AllOptions { all_option, filter_option })) => {
            (key_of(None, &options.group_name), start_in_all(all_option)?, filter_option.and_then(filter))
        }
        None => (in_stream(old_stream, &options.group_name)?, at_revision(old_revision), None),
    };
    match settings(&requested, start_from) {
        Ok(settings) => Ok(Wanted { key, settings, filter }),
        Err(reason) => Err(errors::failed(&key, &reason.to_string())),
    }
}

/// Reads a request for other settings, which has the same fields but for the filter and the strategy's name.
pub(super) fn wanted_otherwise(options: update_req::Options) -> Result<Wanted, Status> {
    use update_req::options::StreamOption as Updated;
    use update_req::settings::{CheckpointAfter, MessageTimeout};
    use update_req::{all_options::AllOption, stream_options::RevisionOption};
    let stream_option = options.stream_option.map(|option| match option {
        Updated::Stream(stream) => StreamOption::Stream(StreamOptions {
            stream_identifier: stream.stream_identifier,
            revision_option: stream.revision_option.map(|option| match option {
                RevisionOption::Revision(revision) => stream_options::RevisionOption::Revision(revision),
                RevisionOption::Start(start) => stream_options::RevisionOption::Start(start),
                RevisionOption::End(end) => stream_options::RevisionOption::End(end),
            }),
        }),
        Updated::All(all) => StreamOption::All(AllOptions {
            all_option: all.all_option.map(|option| match option {
                AllOption::Position(position) => all_options::AllOption::Position(create_req::Position {
                    commit_position: position.commit_position,
                    prepare_position: position.prepare_position,
                }),
                AllOption::Start(start) => all_options::AllOption::Start(start),
                AllOption::End(end) => all_options::AllOption::End(end),
            }),
            filter_option: None,
        }),
    });
    #[expect(deprecated, reason = "clients of old servers name stream and start there")]
    let options = Options {
        stream_option,
        stream_identifier: options.stream_identifier,
        group_name: options.group_name,
        settings: options.settings.map(|settings| create_req::Settings {
            resolve_links: settings.resolve_links,
            revision: settings.revision,
            extra_statistics: settings.extra_statistics,
            max_retry_count: settings.max_retry_count,
            min_checkpoint_count: settings.min_checkpoint_count,
            max_checkpoint_count: settings.max_checkpoint_count,
            max_subscriber_count: settings.max_subscriber_count,
            live_buffer_size: settings.live_buffer_size,
            read_batch_size: settings.read_batch_size,
            history_buffer_size: settings.history_buffer_size,
            named_consumer_strategy: settings.named_consumer_strategy,
            message_timeout: settings.message_timeout.map(|timeout| match timeout {
                MessageTimeout::MessageTimeoutTicks(ticks) => {
                    settings::MessageTimeout::MessageTimeoutTicks(ticks)
                }
                MessageTimeout::MessageTimeoutMs(ms) => settings::MessageTimeout::MessageTimeoutMs(ms),
            }),
            checkpoint_after: settings.checkpoint_after.map(|after| match after {
                CheckpointAfter::CheckpointAfterTicks(ticks) => {
                    settings::CheckpointAfter::CheckpointAfterTicks(ticks)
                }
                CheckpointAfter::CheckpointAfterMs(ms) => settings::CheckpointAfter::CheckpointAfterMs(ms),
            }),
            consumer_strategy: String::new(),
        }),
    };
    wanted(options)
}

/// Returns the key of a group of a stream; the log may not be passed off as one.
fn in_stream(stream: Option<StreamIdentifier>, group: &str) -> Result<GroupKey, Status> {
    let key = key_of(Some(&stream.ok_or_else(|| incomplete("a stream"))?), group);
    if key.stream == ALL { Err(handler_exception()) } else { Ok(key) }
}

fn start_in_stream(option: Option<stream_options::RevisionOption>) -> StartFrom {
    match option {
        Some(stream_options::RevisionOption::Revision(revision)) => at_revision(revision),
        Some(stream_options::RevisionOption::End(_)) => StartFrom::End,
        Some(stream_options::RevisionOption::Start(_)) | None => StartFrom::Beginning,
    }
}

/// The largest number stands for the end, as -1 does in older clients.
fn at_revision(revision: u64) -> StartFrom {
    match revision {
        u64::MAX => StartFrom::End,
        revision => StartFrom::Position(GroupPosition::Stream(revision)),
    }
}

/// A prepare position behind its commit position makes the server's handler throw.
fn start_in_all(option: Option<all_options::AllOption>) -> Result<StartFrom, Status> {
    match option {
        Some(all_options::AllOption::Position(position)) => {
            let (commit, prepare) = (position.commit_position, position.prepare_position);
            match (commit, prepare) {
                (u64::MAX, u64::MAX) => Ok(StartFrom::End),
                _ if prepare > commit => Err(handler_exception()),
                _ => Ok(StartFrom::Position(GroupPosition::All { commit, prepare })),
            }
        }
        Some(all_options::AllOption::End(_)) => Ok(StartFrom::End),
        Some(all_options::AllOption::Start(_)) | None => Ok(StartFrom::Beginning),
    }
}

fn filter(option: all_options::FilterOption) -> Option<FilterEntry> {
    use create_req::all_options::filter_options::Filter;
    let all_options::FilterOption::Filter(options) = option else { return None };
    let (on_event_type, expression) = match options.filter? {
        Filter::EventType(expression) => (true, expression),
        Filter::StreamIdentifier(expression) => (false, expression),
    };
    let regex = (!expression.regex.is_empty()).then_some(expression.regex);
    Some(FilterEntry { on_event_type, regex, prefixes: expression.prefix })
}

fn settings(requested: &create_req::Settings, start_from: StartFrom) -> Result<Settings, InvalidSettings> {
    use settings::{CheckpointAfter, MessageTimeout};
    let message_timeout = match requested.message_timeout {
        Some(MessageTimeout::MessageTimeoutMs(ms)) => millis("message_timeout_ms", ms)?,
        Some(MessageTimeout::MessageTimeoutTicks(ticks)) => from_ticks("message_timeout_ticks", ticks)?,
        None => Duration::ZERO,
    };
    let checkpoint_after = match requested.checkpoint_after {
        Some(CheckpointAfter::CheckpointAfterMs(ms)) => millis("checkpoint_after_ms", ms)?,
        Some(CheckpointAfter::CheckpointAfterTicks(ticks)) => from_ticks("checkpoint_after_ticks", ticks)?,
        None => Duration::ZERO,
    };
    Ok(Settings {
        start_from,
        resolve_links: requested.resolve_links,
        extra_statistics: requested.extra_statistics,
        message_timeout,
        max_retry_count: count("max_retry_count", requested.max_retry_count)?,
        live_buffer_size: count("live_buffer_size", requested.live_buffer_size)?,
        read_batch_size: count("read_batch_size", requested.read_batch_size)?,
        history_buffer_size: count("history_buffer_size", requested.history_buffer_size)?,
        checkpoint_after,
        min_checkpoint_count: count("min_checkpoint_count", requested.min_checkpoint_count)?,
        max_checkpoint_count: count("max_checkpoint_count", requested.max_checkpoint_count)?,
        max_subscriber_count: count("max_subscriber_count", requested.max_subscriber_count)?,
        strategy: strategy(requested)?,
    })
}

/// Reads the strategy: by name if there is one, else by number.
fn strategy(requested: &create_req::Settings) -> Result<ConsumerStrategy, UnknownStrategy> {
    if !requested.consumer_strategy.is_empty() {
        return requested.consumer_strategy.parse();
    }
    #[expect(deprecated, reason = "clients that give no name give a number")]
    let number = requested.named_consumer_strategy;
    match create_req::ConsumerStrategy::try_from(number) {
        Ok(create_req::ConsumerStrategy::DispatchToSingle) => Ok(ConsumerStrategy::DispatchToSingle),
        Ok(create_req::ConsumerStrategy::RoundRobin) => Ok(ConsumerStrategy::RoundRobin),
        Ok(create_req::ConsumerStrategy::Pinned) => Ok(ConsumerStrategy::Pinned),
        Err(_) => Err(UnknownStrategy { name: number.to_string() }),
    }
}

fn count<T: TryFrom<i32>>(setting: &'static str, value: i32) -> Result<T, InvalidSettings> {
    T::try_from(value).map_err(|_| InvalidSettings::Negative { setting, value: value.into() })
}

fn millis(setting: &'static str, value: i32) -> Result<Duration, InvalidSettings> {
    count(setting, value).map(Duration::from_millis)
}

/// Reads 100 ns ticks, which count as whole milliseconds.
fn from_ticks(setting: &'static str, value: i64) -> Result<Duration, InvalidSettings> {
    let ticks = u64::try_from(value).map_err(|_| InvalidSettings::Negative { setting, value })?;
    Ok(Duration::from_millis(ticks / 10_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested() -> create_req::Settings {
        create_req::Settings {
            read_batch_size: 20,
            history_buffer_size: 500,
            consumer_strategy: "Pinned".into(),
            ..create_req::Settings::default()
        }
    }

    fn on_all(all_option: all_options::AllOption) -> Options {
        Options {
            stream_option: Some(StreamOption::All(AllOptions {
                all_option: Some(all_option),
                filter_option: None,
            })),
            group_name: "g".into(),
            settings: Some(requested()),
            ..Options::default()
        }
    }

    fn at(commit_position: u64, prepare_position: u64) -> all_options::AllOption {
        all_options::AllOption::Position(create_req::Position { commit_position, prepare_position })
    }

    #[test]
    fn a_prepare_position_beyond_the_commit_position_is_the_handlers_exception() {
        assert_eq!(wanted(on_all(at(5, 6))).unwrap_err().code(), tonic::Code::Unknown);
        let start = wanted(on_all(at(6, 5))).unwrap().settings.start_from;
        assert_eq!(start, StartFrom::Position(GroupPosition::All { commit: 6, prepare: 5 }));
    }

    #[test]
    fn the_largest_position_is_the_end() {
        assert_eq!(wanted(on_all(at(u64::MAX, u64::MAX))).unwrap().settings.start_from, StartFrom::End);
    }

    #[test]
    fn the_log_passed_off_as_a_stream_is_the_handlers_exception() {
        let stream = StreamOptions {
            stream_identifier: Some(StreamIdentifier { stream_name: "$all".into() }),
            revision_option: None,
        };
        let options = Options { stream_option: Some(StreamOption::Stream(stream)), ..on_all(at(0, 0)) };
        assert_eq!(wanted(options).unwrap_err().message(), "Exception was thrown by handler.");
    }

    #[test]
    fn a_filter_has_an_expression_or_prefixes_of_types_or_of_streams() {
        use all_options::filter_options::{Expression, Filter};
        let read = |wanted| {
            let options = all_options::FilterOptions { filter: Some(wanted), ..Default::default() };
            filter(all_options::FilterOption::Filter(options)).unwrap()
        };
        let expression = Expression { regex: "^Order".into(), prefix: Vec::new() };
        let of_types =
            FilterEntry { on_event_type: true, regex: Some("^Order".into()), prefixes: Vec::new() };
        assert_eq!(read(Filter::EventType(expression)), of_types);
        let expression = Expression { regex: String::new(), prefix: vec!["orders-".into()] };
        let of_streams = FilterEntry { on_event_type: false, regex: None, prefixes: vec!["orders-".into()] };
        assert_eq!(read(Filter::StreamIdentifier(expression)), of_streams);
        assert_eq!(filter(all_options::FilterOption::NoFilter(Default::default())), None);
    }

    #[test]
    fn a_strategy_is_named_or_else_numbered() {
        #[expect(deprecated, reason = "the number is what is tested")]
        let numbered = create_req::Settings {
            consumer_strategy: String::new(),
            named_consumer_strategy: create_req::ConsumerStrategy::RoundRobin.into(),
            ..requested()
        };
        assert_eq!(strategy(&requested()), Ok(ConsumerStrategy::Pinned));
        assert_eq!(strategy(&numbered), Ok(ConsumerStrategy::RoundRobin));
    }

    #[test]
    fn ticks_are_ten_thousand_to_the_millisecond() {
        assert_eq!(from_ticks("message_timeout_ticks", 300_000), Ok(Duration::from_millis(30)));
    }

    #[test]
    fn a_negative_count_is_refused_with_its_name() {
        let negative = create_req::Settings { max_retry_count: -1, ..requested() };
        let refused = settings(&negative, StartFrom::End).unwrap_err();
        assert_eq!(refused, InvalidSettings::Negative { setting: "max_retry_count", value: -1 });
    }
}
