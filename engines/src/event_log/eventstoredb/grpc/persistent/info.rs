//! Group information as the wire has it.

use super::super::super::persistent::{ConnectionInfo, GroupPosition, GroupReport};
use super::super::wire::persistent_subscriptions::{SubscriptionInfo, subscription_info};

/// Writes what an operator sees of a group.
pub(super) fn subscription_info(report: GroupReport) -> SubscriptionInfo {
    let GroupReport { key, settings, start_from, info, parked } = report;
    SubscriptionInfo {
        event_source: key.stream.to_string(),
        group_name: key.group.to_string(),
        status: info.status,
        connections: info.connections.into_iter().map(connection).collect(),
        average_per_second: small(info.average_per_second),
        total_items: large(info.total_items),
        count_since_last_measurement: large(info.count_since_last_measurement),
        last_checkpointed_event_position: position(info.last_checkpointed),
        last_known_event_position: position(info.last_known),
        resolve_link_tos: settings.resolve_links,
        start_from,
        message_timeout_milliseconds: small(settings.message_timeout.as_millis()),
        extra_statistics: settings.extra_statistics,
        max_retry_count: small(settings.max_retry_count),
        live_buffer_size: small(settings.live_buffer_size),
        buffer_size: small(settings.history_buffer_size),
        read_batch_size: small(settings.read_batch_size),
        check_point_after_milliseconds: small(settings.checkpoint_after.as_millis()),
        min_check_point_count: small(settings.min_checkpoint_count),
        max_check_point_count: small(settings.max_checkpoint_count),
        read_buffer_count: small(info.read_buffer_count),
        live_buffer_count: large(info.live_buffer_count),
        retry_buffer_count: small(info.retry_buffer_count),
        total_in_flight_messages: small(info.total_in_flight),
        outstanding_messages_count: small(info.outstanding_count),
        named_consumer_strategy: settings.strategy.name().to_owned(),
        max_subscriber_count: small(settings.max_subscriber_count),
        parked_message_count: large(parked),
    }
}

fn connection(info: ConnectionInfo) -> subscription_info::ConnectionInfo {
    subscription_info::ConnectionInfo {
        from: String::new(),
        username: info.username,
        average_items_per_second: small(info.average_per_second),
        total_items: large(info.total_items),
        count_since_last_measurement: large(info.count_since_last_measurement),
        observed_measurements: info
            .measurements
            .into_iter()
            .map(|measurement| subscription_info::Measurement {
                key: measurement.key.to_owned(),
                value: large(measurement.value_ms),
            })
            .collect(),
        available_slots: small(info.available_slots),
        in_flight_messages: small(info.in_flight),
        connection_name: info.connection_name,
    }
}

fn position(position: Option<GroupPosition>) -> String {
    position.map_or_else(String::new, |position| position.to_string())
}

fn small<T: TryInto<i32>>(value: T) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}

fn large<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
