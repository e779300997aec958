//! The statuses of persistent subscriptions, with the trailers that clients tell them apart by.

use tonic::{Code, Status};

use super::super::super::persistent::{GroupKey, SubscriptionError};
use super::super::error::exception;

/// Returns the status of a refused request.
pub(super) fn refused(error: &SubscriptionError) -> Status {
    match error {
        SubscriptionError::Exists { key } => of_group(
            Code::AlreadyExists,
            format!("Subscription group {} on stream {} exists.", key.group, key.stream),
            "persistent-subscription-exists",
            key,
            None,
        ),
        SubscriptionError::NotFound { key } => of_group(
            Code::NotFound,
            format!("Subscription group {} on stream {} does not exist.", key.group, key.stream),
            "persistent-subscription-does-not-exist",
            key,
            None,
        ),
        SubscriptionError::Invalid { key, reason } => failed(key, &reason.to_string()),
        SubscriptionError::Full { key, .. } => of_group(
            Code::FailedPrecondition,
            format!(
                "Maximum subscriptions reached for subscription group {} on stream {}.",
                key.group, key.stream
            ),
            "maximum-subscribers-reached",
            key,
            None,
        ),
    }
}

/// Returns the status of a request that cannot be carried out.
pub(super) fn failed(key: &GroupKey, reason: &str) -> Status {
    of_group(
        Code::Internal,
        format!("Subscription group {} on stream {} failed: '{reason}'", key.group, key.stream),
        "persistent-subscription-failed",
        key,
        Some(reason),
    )
}

/// Returns the status that ends the stream of a client which the server drops.
pub(super) fn dropped(key: &GroupKey) -> Status {
    of_group(
        Code::Cancelled,
        format!("Subscription group {} on stream {} was dropped.", key.group, key.stream),
        "persistent-subscription-dropped",
        key,
        None,
    )
}

fn of_group(code: Code, message: String, name: &'static str, key: &GroupKey, reason: Option<&str>) -> Status {
    let mut trailers = vec![("stream-name", key.stream.as_str()), ("group-name", key.group.as_str())];
    trailers.extend(reason.map(|reason| ("reason", reason)));
    exception(code, message, name, &trailers)
}
