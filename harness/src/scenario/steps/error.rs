//! Why a step does not come to its end.

use std::time::Duration;

use cutover_engines::event_log::LogError;
use cutover_engines::graph::GraphError;
use cutover_service::pipeline::transcript::TranscriptError;
use cutover_service::pipeline::{DrainError, PipelineError};
use cutover_service::projection::ProjectionError;

use crate::provision::ProvisionError;
use crate::result::Cause;
use crate::switch::SwitchError;

/// Why a step did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A graph that the scenario asks for is not to be had.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// A transcript that was varied is none any more.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// The pipeline could not write.
    #[error("the pipeline stopped")]
    Pipeline(#[from] PipelineError),
    /// The pipeline wrote to an interview that is deleted or archived.
    #[error("{file} was processed, though its interview is deleted or archived")]
    NotRefused {
        /// The file.
        file: smol_str::SmolStr,
    },
    /// The outbox could not be drained.
    #[error("the outbox was not drained")]
    Drain(#[source] Box<DrainError>),
    /// The projection stopped.
    #[error("the projection stopped")]
    Projection(#[from] ProjectionError),
    /// The event store did not answer.
    #[error("the event store did not answer")]
    Log(#[from] LogError),
    /// A graph did not answer.
    #[error("the graph did not answer")]
    Graph(#[from] GraphError),
    /// The faults that a step waits for did not strike.
    #[error("only {struck} of {wanted} faults struck within {} s", waited.as_secs())]
    NoFaults {
        /// How many did.
        struck: u64,
        /// How many are waited for.
        wanted: u64,
        /// How long that was.
        waited: Duration,
    },
    /// The flag was not thrown.
    #[error("the flag was not thrown")]
    Switch(#[source] Box<SwitchError>),
    /// There is nothing that could be poisoned.
    #[error(
        "{eligible} sentences have events that are not applied to `{graph}` yet, and {wanted} are to be poisoned"
    )]
    NothingToPoison {
        /// The graph.
        graph: smol_str::SmolStr,
        /// How many sentences have such events.
        eligible: usize,
        /// How many are to be poisoned.
        wanted: u32,
    },
}

impl From<DrainError> for StepError {
    fn from(error: DrainError) -> Self {
        Self::Drain(error.into())
    }
}

impl From<SwitchError> for StepError {
    fn from(error: SwitchError) -> Self {
        Self::Switch(error.into())
    }
}

impl StepError {
    /// Returns why what was not checked is unknown.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Provision(_) => Cause::EnvironmentNotReady,
            Self::NoFaults { .. } => Cause::FaultNeverStruck,
            Self::NothingToPoison { .. } => Cause::NothingCompared,
            _ => Cause::EngineFailed,
        }
    }

    /// Returns whether it is the code under test that is at fault, and not an engine: then the scenario has failed.
    pub fn is_failure(&self) -> bool {
        if let Self::Switch(error) = self {
            return matches!(**error, SwitchError::Differ(_) | SwitchError::NotCompared(_));
        }
        matches!(
            self,
            Self::Transcript(_)
                | Self::NotRefused { .. }
                | Self::Pipeline(PipelineError::Rejected(_) | PipelineError::InvalidSentence { .. })
        )
    }

    /// Returns whether the same may go through later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Pipeline(error) => error.is_transient(),
            Self::Drain(error) => error.is_transient(),
            Self::Log(error) => error.is_transient(),
            Self::Graph(error) => error.is_transient(),
            Self::Projection(error) => may_pass(error),
            _ => false,
        }
    }
}

/// Returns whether a projection that ended with this error may go through later.
pub(super) fn may_pass(error: &ProjectionError) -> bool {
    match error {
        ProjectionError::OutOfPatience { .. } => true,
        ProjectionError::Log(error) => error.is_transient(),
        ProjectionError::Graph(error) => error.is_transient(),
    }
}
