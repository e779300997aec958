//! Why a flag was not thrown.

use std::time::Duration;

use cutover_core::switch::Rejection;
use cutover_engines::event_log::LogError;
use cutover_engines::graph::ApplyError;
use cutover_service::pipeline::DrainError;
use cutover_service::reverse::ReverseError;
use cutover_service::switch::FlagError;
use uuid::Uuid;

use super::path::PathError;
use crate::diff::DiffError;
use crate::result::CheckResult;

/// Why a flag was not thrown. Unless it says otherwise, everybody writes in the mode in which they did before.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// The flag itself: a rule, a second operator, an event store that does not answer.
    #[error(transparent)]
    Flag(#[from] FlagError),
    /// The event store could not be read.
    #[error("the event store could not be read")]
    Log(#[from] LogError),
    /// The fence could not be raised in the direct graph.
    #[error("the turnstile in the direct graph could not be closed")]
    Fence(#[source] ApplyError),
    /// The outbox could not be drained.
    #[error(transparent)]
    Drain(#[from] DrainError),
    /// The direct graph could not be brought up to date from the events.
    #[error(transparent)]
    Reverse(#[from] ReverseError),
    /// The projected graph does not have everything.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A graph could not be read.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// The graphs are not the same.
    #[error("the graphs differ: {} differences", .0.differences.total)]
    Differ(Box<CheckResult>),
    /// It could not be told whether the graphs are the same.
    #[error(
        "it could not be told whether the graphs are the same: {}",
        .0.error.clone().or_else(|| .0.cause.map(|cause| cause.to_string())).unwrap_or_default()
    )]
    NotCompared(Box<CheckResult>),
    /// Writers had been held up for as long as they may be.
    #[error("writers were held up for {} ms, and it was not done yet", after.as_millis())]
    TooLong {
        /// How long.
        after: Duration,
    },
    /// Somebody stopped it.
    #[error("it was interrupted")]
    Interrupted,
    /// It failed, and could not be given up either: writers wait until somebody does.
    #[error("operation {operation} failed and could not be given up: writers are held up until it is")]
    NotGivenUp {
        /// The operation.
        operation: Uuid,
        /// Why it failed.
        failed: Box<SwitchError>,
        /// Why it could not be given up.
        source: FlagError,
    },
}

impl From<Rejection> for SwitchError {
    fn from(rejection: Rejection) -> Self {
        Self::Flag(rejection.into())
    }
}
