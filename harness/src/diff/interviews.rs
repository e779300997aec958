//! Compares some interviews of two graphs, and nothing else: what changed since everything was compared.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::graph::Value;
use cutover_core::ids::InterviewId;
use smol_str::SmolStr;
use tokio::time::Instant;

use super::canonical::Interview;
use super::compare::Comparison;
use super::compiled::CompiledPolicy;
use super::difference::{Orientation, Side};
use super::element::Element;
use super::policy::Policy;
use super::run::at;
use super::source::Source;
use super::stream::{DiffError, Limits, milliseconds};
use crate::result::CheckResult;

/// Compares the trees of interviews under a policy. What neither side has is the same on both; the check counts what was compared,
/// and has compared nothing when there is none of them on either side.
///
/// # Errors
///
/// [`DiffError`] when a side cannot be read.
pub async fn diff_interviews(
    id: impl Into<SmolStr>,
    sides: Orientation,
    left: &dyn Source,
    right: &dyn Source,
    policy: &Policy,
    interviews: &BTreeSet<InterviewId>,
    limits: Limits,
) -> Result<CheckResult, DiffError> {
    let begin = Instant::now();
    let policy = CompiledPolicy::new(policy);
    let mut comparison = Comparison::new(&policy);
    let keys: Vec<Value> = interviews.iter().map(|id| Value::Text(id.to_smol_str())).collect();
    for keys in keys.chunks(limits.interviews.max(1)) {
        let (on_left, on_right) =
            tokio::join!(left.interviews(keys, policy.identity), right.interviews(keys, policy.identity));
        let mut by_id: BTreeMap<SmolStr, [Vec<Element>; 2]> = BTreeMap::new();
        for (side, read) in [(Side::Left, on_left), (Side::Right, on_right)] {
            for Interview { id, elements, unidentified, .. } in at(side, read)? {
                for node in &unidentified {
                    comparison.find_unidentified(side, node, Some(&id));
                }
                by_id.entry(id).or_default()[side as usize].extend(elements);
            }
        }
        for [left, right] in by_id.into_values() {
            comparison.compare(left, right);
        }
    }
    let rules = comparison.rules_used();
    let mut check = CheckResult::concluded(id, sides, comparison.compared, comparison.differences);
    check.rules = rules;
    check.duration_ms = milliseconds(begin.elapsed());
    Ok(check)
}
