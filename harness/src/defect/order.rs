//! Versions that are applied in an order that is not theirs, and guards that guard the wrong thing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use cutover_core::event::RecordedEvent;
use cutover_core::graph::{Change, ChangeSet, Label, NodeRef};
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{Delivered, GroupId, LogError};
use cutover_engines::graph::ApplyError;
use smol_str::SmolStr;

use super::tools::{Guarded, Judge, handlers, ignore, interview_in, lock, projection_of, reopen};
use super::{Class, Defect, Finding};
use crate::provision::hooks::{GraphHook, Hooks, LogHook};

pub(super) const ALL: &[Defect] = &[
    Defect {
        id: "sentence-before-interview",
        class: Class::Order,
        what: "A sentence that arrives before its interview matches nothing, writes nothing, and is acknowledged.",
        why: "Two subscriptions are two streams of their own; who tests with one sees no race.",
        has_shipped: true,
        scenario: "ordering",
        finding: Finding::missing("model-vs-projected", "Sentence"),
        hooks: || Hooks::default().with_log(SentencesFirst::default()),
    },
    Defect {
        id: "loose-guard",
        class: Class::Order,
        what: "Versions at or below the current one are skipped, and gaps are not noticed: version 3 lands, then 2 counts as \
               applied.",
        why: "The guard is right against duplicates, which is what it was tested with.",
        has_shipped: true,
        scenario: "ordering",
        finding: Finding::missing("model-vs-projected", "Sentence"),
        hooks: || {
            let guard = Guarded::by(Highest {
                of: |event| Some(event.stream.to_string().into()),
                seen: Mutex::default(),
            });
            Hooks::default().with_log(guard)
        },
    },
    Defect {
        id: "arrival-order",
        class: Class::Order,
        what: "Events are applied as they arrive, without a look at their versions.",
        why: "A category stream has an order, and persistent subscriptions are believed to keep it; they do not (kurrent-io/documentation#105).",
        has_shipped: false,
        scenario: "ordering",
        finding: Finding::missing("model-vs-projected", "Analysis"),
        hooks: || {
            let everything = |_: &GroupId, _: &RecordedEvent| true;
            Hooks::default().with_log(Guarded::by(everything))
        },
    },
    Defect {
        id: "guard-on-the-interview",
        class: Class::Order,
        what: "The guard counts versions per interview, where each sentence counts its own.",
        why: "Lanes go by interview, and the guard looks like a property of the lane.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("model-vs-projected", "Sentence"),
        hooks: || {
            Hooks::default().with_log(Guarded::by(Highest { of: interview_in, seen: Mutex::default() }))
        },
    },
    Defect {
        id: "version-not-stored",
        class: Class::Order,
        what: "The guard is checked in memory and never written to the graph: after a restart it knows nothing.",
        why: "A test with one process never restarts.",
        has_shipped: false,
        scenario: "replay-from-zero",
        finding: Finding::Figure { name: "parked events" },
        hooks: || handlers(|set| set.guard = None),
    },
    Defect {
        id: "removal-forgets-version",
        class: Class::Order,
        what: "The version is a property of the node, and goes with it: a creation that comes again brings the sentence back.",
        why: "The guard of a node that is not there is easily taken for that of a new one.",
        has_shipped: false,
        scenario: "deletion",
        finding: Finding::extra("model-vs-projected", "Sentence"),
        hooks: || {
            let projection = Resurrects::default();
            Hooks::default().with_projected(projection)
        },
    },
    Defect {
        id: "applied-twice",
        class: Class::Order,
        what: "Nothing recognises a duplicate: what is delivered again is applied again, over what came after it.",
        why: "At-least-once is taken for exactly-once as long as nothing restarts.",
        has_shipped: false,
        scenario: "idempotency",
        finding: Finding::property("model-vs-projected", "Sentence", "sequence_order"),
        hooks: || Hooks::default().with_log(Forgetful::default()),
    },
];

/// Skips what is at or below the highest version of whatever it counts by.
struct Highest {
    of: fn(&RecordedEvent) -> Option<SmolStr>,
    seen: Mutex<BTreeMap<(SmolStr, SmolStr), u64>>,
}

impl Judge for Highest {
    fn takes(&self, group: &GroupId, event: &RecordedEvent) -> bool {
        let Some(counted) = (self.of)(event) else { return true };
        let mut seen = lock(&self.seen);
        let highest = seen.entry((group.group.clone(), counted));
        match highest {
            std::collections::btree_map::Entry::Occupied(highest) if event.revision <= *highest.get() => {
                false
            }
            entry => {
                entry.insert_entry(event.revision);
                true
            }
        }
    }
}

/// Takes no notice of sentences whose interview was not delivered yet.
#[derive(Default)]
struct SentencesFirst {
    known: Mutex<BTreeSet<(SmolStr, SmolStr)>>,
    lost: Mutex<BTreeSet<(GroupId, StreamName)>>,
}

impl SentencesFirst {
    fn is_lost(&self, group: &GroupId, event: &RecordedEvent) -> bool {
        let mut lost = lock(&self.lost);
        if event.revision == 0
            && let Some(interview) = interview_in(event)
            && !lock(&self.known).contains(&(projection_of(group), interview))
        {
            lost.insert((group.clone(), event.stream.clone()));
        }
        lost.contains(&(group.clone(), event.stream.clone()))
    }
}

impl LogHook for SentencesFirst {
    fn deliver(&self, group: &GroupId, mut delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        for event in delivered.iter_mut().filter_map(|delivery| delivery.event.as_mut()) {
            if let Some(interview) = event.stream.as_str().strip_prefix("Interview-") {
                lock(&self.known).insert((projection_of(group), interview.into()));
            } else if self.is_lost(group, event) {
                ignore(event);
            }
        }
        Ok(delivered)
    }
}

/// Applies the creation of a removed sentence once more, as it does when it is delivered again.
#[derive(Default)]
struct Resurrects {
    creations: Mutex<BTreeMap<NodeRef, Vec<Change>>>,
}

impl GraphHook for Resurrects {
    fn apply(&self, mut batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        let mut creations = lock(&self.creations);
        let mut again = Vec::new();
        for set in &batch {
            match set.changes.first() {
                Some(Change::Upsert { node, .. }) if node.label() == Label::Sentence => {
                    if let Some(key) = key_of(node) {
                        creations.insert(key, set.changes.clone());
                    }
                }
                Some(Change::Remove { node }) if node.label() == Label::Sentence => {
                    again.extend(creations.remove(node));
                }
                _ => {}
            }
        }
        batch.extend(again.into_iter().map(|changes| ChangeSet { guard: None, changes }));
        Ok(batch)
    }
}

/// Names a sentence by its key alone, as its later events do.
fn key_of(node: &NodeRef) -> Option<NodeRef> {
    match node {
        NodeRef::Child { key: Some(key), rel, .. } => {
            Some(NodeRef::Keyed { label: rel.target(), key: key.clone() })
        }
        NodeRef::Keyed { .. } => Some(node.clone()),
        NodeRef::Child { key: None, .. } => None,
    }
}

/// Gives every delivery the next version, one that comes again too.
#[derive(Default)]
struct Forgetful {
    next: Mutex<BTreeMap<(GroupId, StreamName), u64>>,
}

impl LogHook for Forgetful {
    fn deliver(&self, group: &GroupId, mut delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        let mut next = lock(&self.next);
        for event in delivered.iter_mut().filter_map(|delivery| delivery.event.as_mut()) {
            let next = next.entry((group.clone(), event.stream.clone())).or_default();
            event.revision = *next;
            reopen(event, |opened| opened.metadata["version"] = (*next).into());
            *next += 1;
        }
        Ok(delivered)
    }
}
