//! A batch as a few bulk statements, in an order that gives what applying its changes one by one would give.
//!
//! Changes about different subjects commute, as a rule; those about one subject keep their order. So each change goes into the
//! first statement of its kind that stands after the last change about the same subject, and on its side of every change to what
//! it needs to be there: a sentence stays after the creation of its interview, or before it. A subject is a sentence with its
//! analysis, or any other node. A removal that reaches further keeps its order with everything.

mod planner;
mod touched;

use std::collections::BTreeMap;

use cutover_core::graph::{Change, ChangeSet, NodeRef};
use cutover_core::ids::AggregateId;
use neo4rs::BoltType;
use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use self::planner::Planner;
use super::analyses::Analyses;
use super::sequence::Chained;
use super::statement::{self, Kind};
use crate::graph::Schema;

/// What a batch asks of the version of an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// That it is `before` (`None` before version 0), and becomes `after`.
    Advance {
        /// The version before the batch.
        before: Option<u64>,
        /// The version after it.
        after: u64,
    },
    /// What no version fulfils: those of the batch do not follow each other.
    Broken,
}

/// What a batch asks of versions, in the order in which they are locked.
pub(super) type Guards = BTreeMap<AggregateId, Span>;

/// One step of a batch.
pub(super) enum Step<'a> {
    /// A bulk statement.
    Bulk {
        /// Its kind.
        kind: Kind,
        /// Its rows.
        rows: Vec<BoltType>,
    },
    /// New analyses with what they say.
    Analyses(Analyses<'a>),
    /// A property that is read, merged and set.
    MergeJson {
        /// The node.
        node: &'a NodeRef,
        /// The property.
        property: &'a SmolStr,
        /// The keys to set.
        diff: &'a Map<String, Json>,
    },
}

/// A batch, planned.
pub(super) struct Plan<'a> {
    pub(super) guards: Guards,
    pub(super) steps: Vec<Step<'a>>,
    /// The interviews whose sequence links are to be made anew, at the end.
    pub(super) chained: Chained,
}

impl Plan<'_> {
    /// Returns whether a value node may have lost its last relationship.
    pub(super) fn may_unlink(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Bulk { kind, .. } => {
                matches!(kind, Kind::Remove(_) | Kind::SetDimension(..) | Kind::Untag(..))
            }
            Step::Analyses(_) => true,
            Step::MergeJson { .. } => false,
        })
    }

    /// Returns how many rows its largest statement has, or somewhat less.
    pub(super) fn rows(&self) -> usize {
        let of_steps = self.steps.iter().map(|step| match step {
            Step::Bulk { rows, .. } => rows.len(),
            Step::Analyses(analyses) => analyses.len(),
            Step::MergeJson { .. } => 1,
        });
        of_steps.fold(self.guards.len(), usize::max)
    }
}

/// Plans a batch.
pub(super) fn plan(batch: &[ChangeSet], schema: Schema) -> Plan<'_> {
    let mut planner = Planner::default();
    let mut guards = Guards::new();
    for set in batch {
        if let Some(guard) = set.guard {
            let before = guard.version.checked_sub(1);
            guards
                .entry(guard.aggregate)
                .and_modify(|span| match span {
                    Span::Advance { after, .. } if Some(*after) == before => *after = guard.version,
                    _ => *span = Span::Broken,
                })
                .or_insert(Span::Advance { before, after: guard.version });
        }
        let mut changes = set.changes.iter();
        while let Some(change) = changes.next() {
            match changes.as_slice().first().map(|next| (next, as_one(change, next, schema))) {
                Some((next, Some(row))) => {
                    planner.put(change, next, row);
                    changes.next();
                }
                _ => planner.add(change),
            }
        }
    }
    let (steps, chained) = planner.finish();
    Plan { guards, steps, chained }
}

/// Makes one row of two changes about a sentence that often follow each other.
fn as_one(change: &Change, next: &Change, schema: Schema) -> Option<statement::Row> {
    match (change, next) {
        (
            Change::Update { node, set, unset },
            Change::ReplaceAnalysis { sentence, analysis_id, properties },
        ) if node == sentence && !statement::may_move(node, set, unset) => {
            Some(statement::new_analysis(sentence, analysis_id, properties, Some((set, unset))))
        }
        (Change::Upsert { node, .. }, _) if schema.is_unique(node.label()) => {
            statement::put_and_linked(change, next)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
