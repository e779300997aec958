//! What the events say should be there: the interview is projected once more, in memory, and held against both graphs.

use std::collections::BTreeSet;

use cutover_core::graph::ChangeSet;
use cutover_core::ids::InterviewId;
use cutover_core::limits::LimitsTable;
use cutover_core::projection::project;
use cutover_engines::graph::{ApplyError, Graph, GraphError, MemoryGraph, Schema};

use super::evidence::History;
use super::{ExplainError, Subject, System, Told};
use crate::diff::{
    Difference, GraphSource, Identity, Limits, Orientation, Policy, Source, Subject as Of, diff_interviews,
};
use crate::result::CheckResult;

/// The two graphs against each other, and each against what the events say.
pub(super) struct Comparisons {
    pub(super) between: Told,
    pub(super) direct: Told,
    pub(super) projected: Told,
    /// Whether neither graph has anything of the interview.
    pub(super) is_nowhere: bool,
}

/// Compares the interview of the subject; differences of other sentences are left out.
pub(super) async fn compare(
    system: &System,
    subject: Subject,
    histories: &[History],
) -> Result<Comparisons, ExplainError> {
    let expected = expected(&system.limits, histories).await?;
    let direct = GraphSource::new(&*system.direct, Schema::Direct);
    let projected = GraphSource::new(&*system.projected, Schema::Projected);
    let expected = GraphSource::new(&expected, Schema::Projected);
    let (across, interview) = (Policy::direct_vs_projected(), subject.interview);
    let between = compared(("direct", &direct), ("projected", &projected), &across, interview).await?;
    let by_direct = compared(("direct", &direct), ("events", &expected), &across, interview).await?;
    let by_projected =
        compared(("events", &expected), ("projected", &projected), &alike(), interview).await?;
    let is_nowhere = between.compared.node_totals() == (0, 0);
    let told = |check: CheckResult| Told {
        compared: check.compared.total(),
        differences: check.differences.first.into_iter().filter(|found| is_about(subject, found)).collect(),
        sides: check.sides,
    };
    Ok(Comparisons {
        between: told(between),
        direct: told(by_direct),
        projected: told(by_projected),
        is_nowhere,
    })
}

/// Holds the projected graph against what the events of an interview say.
pub(super) async fn by_events(
    projected: &dyn Graph,
    limits: &LimitsTable,
    interview: InterviewId,
    histories: &[History],
) -> Result<CheckResult, ExplainError> {
    let expected = expected(limits, histories).await?;
    let expected = GraphSource::new(&expected, Schema::Projected);
    let projected = GraphSource::new(projected, Schema::Projected);
    compared(("events", &expected), ("projected", &projected), &alike(), interview).await
}

/// Holds the direct graph against what the events of an interview say.
pub(super) async fn direct_by_events(
    direct: &dyn Graph,
    policy: &Policy,
    limits: &LimitsTable,
    interview: InterviewId,
    histories: &[History],
) -> Result<CheckResult, ExplainError> {
    let expected = expected(limits, histories).await?;
    let expected = GraphSource::new(&expected, Schema::Projected);
    let direct = GraphSource::new(direct, Schema::Direct);
    compared(("direct", &direct), ("events", &expected), policy, interview).await
}

/// What counts as the same in two graphs of the projected schema: named by slots, as findings are, and not by the keys that the schema
/// has.
fn alike() -> Policy {
    Policy { identity: Identity::Slots, ..Policy::same_schema() }
}

async fn compared(
    (left_name, left): (&'static str, &dyn Source),
    (right_name, right): (&'static str, &dyn Source),
    policy: &Policy,
    interview: InterviewId,
) -> Result<CheckResult, ExplainError> {
    let sides = Orientation::new(left_name, right_name);
    let interviews = BTreeSet::from([interview]);
    Ok(diff_interviews("explain", sides, left, right, policy, &interviews, Limits::default()).await?)
}

/// Projects the events in memory: the interview's first, then those of each sentence, generation by generation.
async fn expected(limits: &LimitsTable, histories: &[History]) -> Result<MemoryGraph, GraphError> {
    let graph = MemoryGraph::new(Schema::Projected);
    for event in histories.iter().flat_map(|history| &history.events) {
        let changes = project(event, limits);
        match graph.apply(&[ChangeSet { guard: None, changes }]).await {
            Ok(()) => {}
            Err(ApplyError::Graph(error)) => return Err(error),
            Err(ApplyError::Conflict(_)) => unreachable!("there is no guard that could refuse"),
        }
    }
    Ok(graph)
}

/// Returns whether a difference concerns the subject: one of its sentence, or of the interview as a whole.
fn is_about(subject: Subject, difference: &Difference) -> bool {
    let Some(slot) = subject.slot else { return true };
    let is_of_all =
        difference.key.is_empty() || matches!(&difference.subject, Of::Node(label) if label == "Interview");
    is_of_all || slots_of(difference).any(|found| found == slot)
}

/// Returns the slots that the key of a difference names: `#3`, `of #3`, or the ends of a relationship.
pub(super) fn slots_of(difference: &Difference) -> impl Iterator<Item = u32> {
    difference.key.split('#').skip(1).filter_map(|after| {
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        after[..digits].parse().ok()
    })
}
