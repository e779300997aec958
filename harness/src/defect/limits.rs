//! Limits that are not kept, or kept otherwise than agreed: how many values, and which.

use std::collections::BTreeMap;
use std::sync::Mutex;

use cutover_core::graph::{Change, NodeRef, Origin, Rel};
use smol_str::SmolStr;

use super::tools::{Writes, changes, direct_changes, lock};
use super::{Class, Defect, Finding};
use crate::provision::hooks::Hooks;

const KEYWORDS: &str = "MENTIONS_OVERALL_KEYWORD";

pub(super) const ALL: &[Defect] = &[
    Defect {
        id: "limit-on-the-direct-path-alone",
        class: Class::Limits,
        what: "The projection links every value, the direct path the first few.",
        why: "The limit is in the code of the pipeline, and events are written before it is applied.",
        has_shipped: true,
        scenario: "limits",
        finding: Finding::extra("direct-vs-projected", KEYWORDS),
        hooks: || changes(|change| vec![limited(change, |_, _| None)]),
    },
    Defect {
        id: "limit-on-the-projection-alone",
        class: Class::Limits,
        what: "The direct path links every value, the projection the first few.",
        why: "The limit was written for the new code, which has settings.",
        has_shipped: false,
        scenario: "limits",
        finding: Finding::missing("direct-vs-projected", KEYWORDS),
        hooks: || direct_changes(|change| vec![limited(change, |_, _| None)]),
    },
    Defect {
        id: "limit-over-a-set",
        class: Class::Limits,
        what: "The first few are taken of a set, which has no order: six keywords, and not the same six.",
        why: "A set is the shortest way to remove twins.",
        has_shipped: true,
        scenario: "limits",
        finding: Finding::missing("direct-vs-projected", KEYWORDS),
        hooks: || {
            changes(|change| {
                vec![valued(change, |mut values| {
                    // Any order that has nothing to do with importance; a hash's would differ from run to run.
                    values.sort_unstable_by(|one, other| other.cmp(one));
                    values
                })]
            })
        },
    },
    Defect {
        id: "limit-one-too-many",
        class: Class::Limits,
        what: "One value more than the limit is linked.",
        why: "`<=` for `<`.",
        has_shipped: false,
        scenario: "limits",
        finding: Finding::extra("direct-vs-projected", KEYWORDS),
        hooks: || changes(|change| vec![limited(change, |_, limit| limit.map(|limit| limit + 1))]),
    },
    Defect {
        id: "limit-one-too-few",
        class: Class::Limits,
        what: "One value less than the limit is linked.",
        why: "`<` for `<=`.",
        has_shipped: false,
        scenario: "limits",
        finding: Finding::missing("direct-vs-projected", KEYWORDS),
        hooks: || changes(|change| vec![limited(change, one_less)]),
    },
    Defect {
        id: "limit-counts-twins",
        class: Class::Limits,
        what: "The list is cut off before its twins are removed, so that fewer values are left.",
        why: "Two lines in the other order.",
        has_shipped: false,
        scenario: "limits",
        finding: Finding::missing("direct-vs-projected", KEYWORDS),
        hooks: || {
            changes(|change| match change {
                Change::SetDimension { analysis, rel, mut values, limit, origin } => {
                    values.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
                    vec![Change::SetDimension { analysis, rel, values, limit, origin }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "limit-without-the-protected",
        class: Class::Limits,
        what: "What a person linked uses up no slot: a later analysis adds as many again.",
        why: "The count is of the links that the analysis itself makes.",
        has_shipped: false,
        scenario: "limits",
        finding: Finding::extra("direct-vs-projected", "HAS_FUNCTION"),
        hooks: || {
            let protected: Mutex<BTreeMap<(NodeRef, Rel), u32>> = Mutex::default();
            changes(move |change| {
                if let Change::SetDimension { analysis, rel, values, limit, origin: Origin::Person } = &change
                {
                    let count =
                        u32::try_from(values.len()).unwrap_or(u32::MAX).min(limit.unwrap_or(u32::MAX));
                    lock(&protected).insert((analysis.clone(), *rel), count);
                }
                let more = |change: &Change| match change {
                    Change::SetDimension { analysis, rel, origin: Origin::Analysis, .. } => {
                        lock(&protected).get(&(analysis.clone(), *rel)).copied().unwrap_or_default()
                    }
                    _ => 0,
                };
                let more = more(&change);
                vec![limited(change, |_, limit| limit.map(|limit| limit + more))]
            })
        },
    },
    Defect {
        id: "limit-of-the-project-ignored",
        class: Class::Limits,
        what: "The projection keeps as many values in every project, whatever a project's own limits are.",
        why: "The limits are read once, at the start.",
        has_shipped: false,
        scenario: "limits",
        finding: Finding::extra("direct-vs-projected", KEYWORDS),
        hooks: || {
            let agreed: Mutex<BTreeMap<Rel, u32>> = Mutex::default();
            changes(move |change| {
                vec![limited(change, |rel, limit| {
                    // What the first analysis had, every one gets.
                    let mut agreed = lock(&agreed);
                    match limit {
                        Some(limit) => Some(*agreed.entry(rel).or_insert(limit)),
                        None => agreed.get(&rel).copied(),
                    }
                })]
            })
        },
    },
    Defect {
        id: "limit-zero-is-no-limit",
        class: Class::Limits,
        what: "A limit of 0 lets every value through, where it should let none.",
        why: "0 is false: `if limit`.",
        has_shipped: false,
        scenario: "limits",
        finding: Finding::extra("direct-vs-projected", "MENTIONS_TOPIC"),
        hooks: || changes(|change| vec![limited(change, |_, limit| limit.filter(|&limit| limit > 0))]),
    },
    Defect {
        id: "limit-of-both-paths-wrong",
        class: Class::Limits,
        what: "Both paths keep five keywords, where six were agreed.",
        why: "They share the constant: compared with each other, nothing shows.",
        has_shipped: false,
        scenario: "limits",
        finding: Finding::missing("model-vs-direct", KEYWORDS),
        hooks: || {
            let five = |set: &mut cutover_core::graph::ChangeSet| {
                let changes = std::mem::take(&mut set.changes);
                let changes = changes.into_iter().map(|change| limited(change, one_less));
                set.changes = changes.collect();
            };
            Hooks::default().with_graph("direct", Writes(five)).with_projected(Writes(five))
        },
    },
];

/// Returns one less, where more than one is allowed.
fn one_less(rel: Rel, limit: Option<u32>) -> Option<u32> {
    match rel {
        Rel::MentionsOverallKeyword => limit.map(|limit| limit.saturating_sub(1)),
        _ => limit,
    }
}

/// Gives the values of a dimension another limit.
fn limited(change: Change, limit: impl FnOnce(Rel, Option<u32>) -> Option<u32>) -> Change {
    match change {
        Change::SetDimension { analysis, rel, values, limit: agreed, origin } => {
            Change::SetDimension { analysis, rel, values, limit: limit(rel, agreed), origin }
        }
        change => change,
    }
}

/// Changes the values of a dimension.
fn valued(change: Change, values: impl FnOnce(Vec<SmolStr>) -> Vec<SmolStr>) -> Change {
    match change {
        Change::SetDimension { analysis, rel, values: found, limit, origin } => {
            Change::SetDimension { analysis, rel, values: values(found), limit, origin }
        }
        change => change,
    }
}
