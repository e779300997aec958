//! The story of a difference: the events of an element, what each path made of them, and what most likely went wrong. Nothing is
//! changed. The entry is [`explain`].
//!
//! | file | what it answers for |
//! |---|---|
//! | `evidence` | what is read: events, parking lots, outbox, versions |
//! | `told` | what the events say should be there, worked out in memory |
//! | `cause` | what most likely went wrong, from the evidence |
//!
//! The events are the judge: whichever graph is not what they say is the one to look into.

mod cause;
mod evidence;
mod told;

use std::sync::Arc;

use cutover_core::ids::InterviewId;
use cutover_core::limits::LimitsTable;
use cutover_engines::event_log::{EventLog, LogError};
use cutover_engines::graph::{Graph, GraphError};
use cutover_service::history::HistoryError;
use cutover_service::projection::Groups;
use serde::Serialize;

pub use cause::Cause;
pub use evidence::{Parked, ToldEvent, Waiting};

use crate::diff::{DiffError, Difference, Orientation, Policy};
use crate::result::CheckResult;

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The interview.
    pub interview: InterviewId,
    /// One of its sentences, by its slot: the number behind the `#` of a finding. All of it when left out.
    pub slot: Option<u32>,
}

/// A system that is looked at.
#[derive(Clone)]
pub struct System {
    /// The event store.
    pub log: Arc<dyn EventLog>,
    /// The graph that the direct path writes.
    pub direct: Arc<dyn Graph>,
    /// The graph that the projection writes.
    pub projected: Arc<dyn Graph>,
    /// The consumer groups of the projection.
    pub groups: Groups,
    /// How many values of each dimension both paths keep.
    pub limits: LimitsTable,
}

/// What came to light.
#[derive(Debug, Clone, Serialize)]
pub struct Story {
    /// What was asked about.
    pub subject: Subject,
    /// The events of it, in the order in which they follow from each other.
    pub events: Vec<ToldEvent>,
    /// Events that lie in a parking lot.
    pub parked: Vec<Parked>,
    /// Writes of the direct path whose events are not in the store yet.
    pub waiting: Vec<Waiting>,
    /// How many events of the projection's groups are not answered yet, of whatever interview.
    pub lag: u64,
    /// What differs between the two graphs.
    pub between: Told,
    /// In what the direct graph is not what the events say.
    pub direct: Told,
    /// In what the projected graph is not what the events say.
    pub projected: Told,
    /// What most likely went wrong; none when nothing differs.
    pub causes: Vec<Cause>,
}

/// Differences, and what they are between.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// The two sides.
    pub sides: Orientation,
    /// How many elements were compared.
    pub compared: u64,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// Why a story cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The event store could not be read.
    #[error("the event store could not be read")]
    Log(#[from] LogError),
    /// A graph could not be read.
    #[error("a graph could not be read")]
    Graph(#[from] GraphError),
    /// A graph could not be compared.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// A history cannot be read.
    #[error(transparent)]
    History(HistoryError),
    /// Nobody knows of it: no event, and none of the graphs.
    #[error("there is no such interview: no event of {0}, and neither graph has it")]
    Unknown(InterviewId),
}

impl From<HistoryError> for ExplainError {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Log(error) => error.into(),
            error => Self::History(error),
        }
    }
}

/// Holds what the projected graph has of an interview against what its events say, worked out once more in memory. What neither knows
/// of is the same.
///
/// # Errors
///
/// [`ExplainError`] when an engine does not answer, or an event cannot be read.
pub async fn against_events(
    log: &Arc<dyn EventLog>,
    projected: &dyn Graph,
    limits: &LimitsTable,
    interview: InterviewId,
) -> Result<CheckResult, ExplainError> {
    let histories = evidence::histories(log, interview).await?;
    told::by_events(projected, limits, interview, &histories).await
}

/// Holds what the direct graph has of an interview against what its events say. What neither knows of is the same.
///
/// # Errors
///
/// [`ExplainError`] when an engine does not answer, or an event cannot be read.
pub async fn direct_against_events(
    log: &Arc<dyn EventLog>,
    direct: &dyn Graph,
    policy: &Policy,
    limits: &LimitsTable,
    interview: InterviewId,
) -> Result<CheckResult, ExplainError> {
    let histories = evidence::histories(log, interview).await?;
    told::direct_by_events(direct, policy, limits, interview, &histories).await
}

/// Looks into an interview, or into one of its sentences.
///
/// # Errors
///
/// [`ExplainError`] when an engine does not answer, an event cannot be read, or nobody knows of the interview.
pub async fn explain(system: &System, subject: Subject) -> Result<Story, ExplainError> {
    let evidence = evidence::gather(system, subject).await?;
    let told = told::compare(system, subject, &evidence.histories).await?;
    if evidence.histories.is_empty() && told.is_nowhere {
        return Err(ExplainError::Unknown(subject.interview));
    }
    let causes = cause::causes(&evidence, &told);
    let events = evidence.told(subject);
    let evidence::Evidence { parked, waiting, lag, .. } = evidence;
    let told::Comparisons { between, direct, projected, .. } = told;
    Ok(Story { subject, events, parked, waiting, lag, between, direct, projected, causes })
}
