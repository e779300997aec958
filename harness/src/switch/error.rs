//! Why a flag was not thrown.

use std::time::Duration;

use cutover_core::switch::{Mode, Rejection};
use cutover_engines::event_log::LogError;
use cutover_engines::graph::ApplyError;
use cutover_service::pipeline::DrainError;
use cutover_service::reverse::ReverseError;
use cutover_service::switch::FlagError;
use uuid::Uuid;

use super::path::PathError;
use crate::diff::DiffError;
use crate::exit_code;
use crate::explain::ExplainError;
use crate::result::{Cause, CheckResult};

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
    Drain(Box<DrainError>),
    /// The direct graph could not be brought up to date from the events.
    #[error(transparent)]
    Reverse(#[from] ReverseError),
    /// The projected graph does not have everything.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A graph could not be read.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// The direct graph could not be held against the events.
    #[error(transparent)]
    Events(Box<ExplainError>),
    /// The graphs are not the same.
    #[error("the graphs differ: {}", differences(.0))]
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
    /// Somebody stopped it. It was given up, unless it had not begun or the flag was thrown by then.
    #[error("it was interrupted: the mode is `{mode}`")]
    Interrupted {
        /// The mode that the flag is in.
        mode: Mode,
    },
    /// Somebody stopped it, and it could not be told what came of it.
    #[error("it was interrupted")]
    Stopped,
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

/// Tells how many differences there are, and the first few.
fn differences(check: &CheckResult) -> String {
    const TOLD: usize = 5;
    let mut told = format!("{} differences", check.differences.total);
    for difference in check.differences.first.iter().take(TOLD) {
        told += &format!("; {}", difference.in_words_of(&check.sides));
    }
    told
}

impl SwitchError {
    /// Returns the exit code of a program that ends with this error.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Differ(_) | Self::Path(PathError::Parked { .. }) => exit_code::DIFFERENCES,
            Self::Flag(FlagError::Rejected(_) | FlagError::Overtaken) => exit_code::DIFFERENCES,
            Self::NotCompared(check) if matches!(check.cause, Some(Cause::EngineFailed)) => {
                exit_code::ENVIRONMENT
            }
            Self::NotCompared(_) => exit_code::INCONCLUSIVE,
            Self::TooLong { .. } => exit_code::TIMED_OUT,
            Self::Interrupted { .. } => exit_code::INTERRUPTED,
            _ => exit_code::ENVIRONMENT,
        }
    }

    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Flag(FlagError::Rejected(Rejection::NoActor)) => "say who with --actor",
            Self::Flag(FlagError::Rejected(_) | FlagError::Overtaken) => {
                "`cutover switch status` says who did what; one that was cut off is brought to an end by `cutover switch resume`"
            }
            Self::Flag(FlagError::Unreadable(_)) => {
                "a newer version of cutover has thrown this flag: use that one"
            }
            Self::Differ(_) => {
                "writers go on as before; look at the differences with `cutover readiness --live`, mend what made them, and try again"
            }
            Self::NotCompared(_) => {
                "writers go on as before; see whether both graphs can be read and hold anything"
            }
            Self::TooLong { .. } => {
                "writers go on as before; see whether the projection keeps up, or give it more time with --fence-max; the way back goes \
                 without the projection with --by-events"
            }
            Self::Path(PathError::Parked { .. }) => {
                "writers go on as before; find out why the events are parked, mend it, and have them replayed; the way back goes without \
                 the projection with --by-events"
            }
            Self::Interrupted { .. } => "`cutover switch status` says who did what",
            Self::NotGivenUp { .. } => {
                "writers are held up: bring it to an end with `cutover switch resume` as soon as the event store answers"
            }
            _ => "the mode is the old one; see whether the servers answer: `cutover doctor` asks them",
        }
    }
}

impl From<ExplainError> for SwitchError {
    fn from(error: ExplainError) -> Self {
        Self::Events(error.into())
    }
}

impl From<DrainError> for SwitchError {
    fn from(error: DrainError) -> Self {
        Self::Drain(error.into())
    }
}

impl From<Rejection> for SwitchError {
    fn from(rejection: Rejection) -> Self {
        Self::Flag(rejection.into())
    }
}
