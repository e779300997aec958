//! The two paths are not written together, or not alike.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cutover_core::graph::{Change, ChangeSet, Label, NodeRef, Origin, Properties, Rel, Value};
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{Appended, LogError, NewEvent};
use smol_str::format_smolstr;
use uuid::Uuid;

use super::handlers::left_behind;
use super::tools::{Opened, Writes, direct_changes, emits, is_entry, lock, reopen_new};
use super::{Class, Defect, Finding};
use crate::provision::hooks::{Hooks, LogHook};

pub(super) const ALL: &[Defect] = &[
    Defect {
        id: "emission-swallowed",
        class: Class::DualWrite,
        what: "An event that cannot be emitted is logged, and the write counts as done.",
        why: "The new path must not break the old one.",
        has_shipped: true,
        scenario: "store-outage",
        finding: Finding::Figure { name: "outbox entries" },
        hooks: || Hooks::default().with_log(Swallows),
    },
    Defect {
        id: "outbox-outside-the-transaction",
        class: Class::DualWrite,
        what: "The direct write commits; the outbox entry is written after it, and the process dies in between.",
        why: "Two calls to the database look like one; seen in public as eclipse-dirigible/dirigible#6816.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("direct-vs-projected", "MENTIONS_OVERALL_KEYWORD"),
        hooks: || forgets_entries(|body| body.contains(r#""edit":"override""#)),
    },
    Defect {
        id: "removals-without-entries",
        class: Class::DualWrite,
        what: "Sentences that a shorter file no longer has are removed from the direct graph, and no event says so.",
        why: "The clean-up is older than the events, and belongs to nobody.",
        has_shipped: false,
        scenario: "re-processing",
        finding: Finding::extra("direct-vs-projected", "Sentence"),
        hooks: || forgets_entries(|body| body.contains("remove_sentence")),
    },
    Defect {
        id: "moves-without-entries",
        class: Class::DualWrite,
        what: "A sentence is moved with its event; those that make way for it are moved without.",
        why: "One command, one event.",
        has_shipped: false,
        scenario: "replay-from-zero",
        finding: Finding::property("direct-vs-rebuilt", "Sentence", "sequence_order"),
        hooks: || {
            // Not all of them, or a later move would be refused before the end.
            let moved = AtomicUsize::new(0);
            forgets_entries(move |body| {
                body.contains(r#""intent":"place""#)
                    && moved.fetch_add(1, Ordering::Relaxed).is_multiple_of(8)
            })
        },
    },
    Defect {
        id: "outbox-never-written",
        class: Class::DualWrite,
        what: "No direct write has an outbox entry.",
        why: "The feature is switched on at one of two places.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::Refused { says: "there is no such" },
        hooks: || forgets_entries(|_| true),
    },
    Defect {
        id: "batch-partially-emitted",
        class: Class::DualWrite,
        what: "Of the events of one write the first is emitted.",
        why: "They are appended one by one, and the second append fails.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::Refused { says: "analysis" },
        hooks: || emits(|_, events| events.into_iter().take(1).collect()),
    },
    Defect {
        id: "drained-again-under-new-ids",
        class: Class::DualWrite,
        what: "A drain that was cut off appends once more what it had appended, under new event ids.",
        why: "The id is drawn when the event is sent, and not when it is written down.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("direct-vs-projected", "Sentence", "sequence_order"),
        hooks: || {
            let moves: Mutex<BTreeMap<StreamName, NewEvent>> = Mutex::default();
            emits(move |stream, mut events| {
                let mut moves = lock(&moves);
                let is_move = events.first().is_some_and(|first| first.event_type == "SentenceRelocated");
                if !is_move {
                    return events;
                }
                let last = events.last().cloned();
                if let (Some(before), Some(last)) = (moves.remove(stream), &last) {
                    events.push(appended_again(before, last));
                }
                moves.extend(last.map(|last| (stream.clone(), last)));
                events
            })
        },
    },
    Defect {
        id: "ids-drawn-at-each-attempt",
        class: Class::DualWrite,
        what: "The id of an event is drawn anew when its append is tried again.",
        why: "It is made where the event is sent, and not where it is written down.",
        has_shipped: false,
        scenario: "lost-acknowledgement",
        finding: Finding::Figure { name: "refused commands" },
        hooks: || {
            let attempts = AtomicUsize::new(0);
            emits(move |_, mut events| {
                for event in &mut events {
                    let attempt = attempts.fetch_add(1, Ordering::Relaxed);
                    event.id = Uuid::new_v5(&event.id, &attempt.to_be_bytes());
                    let id = event.id.to_string();
                    reopen_new(event, |opened| opened.metadata["event_id"] = id.into());
                }
                events
            })
        },
    },
    Defect {
        id: "actor-of-the-service",
        class: Class::DualWrite,
        what: "Events say that the service itself acted, whoever asked for it.",
        why: "The drain runs later, without the request.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::property("model-vs-projected", "Sentence", "edited_by"),
        hooks: || {
            emits(|_, mut events| {
                for event in &mut events {
                    reopen_new(event, |opened| {
                        opened.metadata["actor"] = serde_json::json!({
                            "user_id": null, "display": "pipeline", "actor_type": "system",
                        });
                    });
                }
                events
            })
        },
    },
    Defect {
        id: "edit-emitted-as-the-pipeline-s",
        class: Class::DualWrite,
        what: "A person's edit is emitted with the editor type `ai`.",
        why: "The pipeline emits it, and the pipeline is no person.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::property("direct-vs-projected", "Sentence", "is_edited"),
        hooks: || {
            emits(|_, mut events| {
                for event in events.iter_mut().filter(|event| event.event_type == "SentenceEdited") {
                    reopen_new(event, |opened| opened.payload["editor_type"] = "ai".into());
                }
                events
            })
        },
    },
    Defect {
        id: "project-not-emitted",
        class: Class::DualWrite,
        what: "Events do not say which project they belong to.",
        why: "The project is known where the file is read, and not where the event is made.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("direct-vs-projected", "CONTAINS_INTERVIEW"),
        hooks: || {
            emits(|_, mut events| {
                for event in &mut events {
                    reopen_new(event, |opened: Opened<'_>| {
                        opened.metadata["project_id"] = serde_json::Value::Null
                    });
                }
                events
            })
        },
    },
    Defect {
        id: "direct-edit-unprotected",
        class: Class::DualWrite,
        what: "The direct path writes a person's text without the mark that protects it.",
        why: "The mark is older than the new path, and its writer was rewritten.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::property("model-vs-direct", "Sentence", "is_edited"),
        hooks: || {
            direct_changes(|change| match change {
                Change::Update { node, mut set, unset } if node.label() == Label::Sentence => {
                    set.remove("is_edited");
                    vec![Change::Update { node, set, unset }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "direct-text-written-over",
        class: Class::DualWrite,
        what: "Processing a file again writes over what a person edited, on the direct path.",
        why: "The protection is checked in a query that was not carried over.",
        has_shipped: false,
        scenario: "re-analysis",
        finding: Finding::property("model-vs-direct", "Sentence", "text"),
        hooks: || {
            direct_changes(|change| match change {
                Change::Upsert { node, on_create, mut set, unless_edited } => {
                    set.merge(&unless_edited);
                    vec![Change::Upsert { node, on_create, set, unless_edited: Properties::new() }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "direct-orphans",
        class: Class::DualWrite,
        what: "A sentence that is removed leaves its analysis behind, on the direct path.",
        why: "The running service does that.",
        has_shipped: false,
        scenario: "deletion",
        finding: Finding::other("model-vs-direct", "orphan", "Analysis"),
        hooks: || {
            let removed: Mutex<u64> = Mutex::default();
            direct_changes(move |change| match &change {
                Change::Remove { node: NodeRef::Child { rel: Rel::HasSentence, .. } } => {
                    let mut removed = lock(&removed);
                    *removed += 1;
                    vec![left_behind(Label::Analysis, format_smolstr!("left behind {removed}")), change]
                }
                _ => vec![change],
            })
        },
    },
    Defect {
        id: "direct-reanalysis-replaces-corrections",
        class: Class::DualWrite,
        what: "A new analysis takes away what a person corrected, on the direct path.",
        why: "The running service's re-analysis deletes the analysis first.",
        has_shipped: false,
        scenario: "re-analysis",
        finding: Finding::missing("model-vs-direct", "MENTIONS_TOPIC"),
        hooks: || {
            direct_changes(|change| match change {
                Change::ReplaceAnalysis { sentence, analysis_id, properties } => vec![
                    Change::Remove { node: sentence.clone().only_child(Rel::HasAnalysis) },
                    Change::ReplaceAnalysis { sentence, analysis_id, properties },
                ],
                change => vec![change],
            })
        },
    },
    Defect {
        id: "corrections-lost-on-both-paths",
        class: Class::DualWrite,
        what: "Neither path protects what a person corrected.",
        why: "They share the function: compared with each other, nothing shows.",
        has_shipped: false,
        scenario: "re-analysis",
        finding: Finding::missing("model-vs-projected", "MENTIONS_TOPIC"),
        hooks: || {
            let unprotected = |set: &mut ChangeSet| {
                for change in &mut set.changes {
                    if let Change::SetDimension { origin, .. } = change {
                        *origin = Origin::Analysis;
                    }
                }
            };
            Hooks::default().with_graph("direct", Writes(unprotected)).with_projected(Writes(unprotected))
        },
    },
    Defect {
        id: "sequence-starts-at-one",
        class: Class::DualWrite,
        what: "The direct path counts places from 1, the projection from 0.",
        why: "People count lines from 1.",
        has_shipped: false,
        scenario: "limits",
        finding: Finding::property("direct-vs-projected", "Sentence", "sequence_order"),
        hooks: || {
            direct_changes(|mut change| {
                if let Change::Upsert { on_create, .. } = &mut change
                    && let Some(Value::Int(place)) = on_create.get("sequence_order").cloned()
                {
                    on_create.set("sequence_order".into(), Value::Int(place + 1));
                }
                vec![change]
            })
        },
    },
];

/// Logs that an append has failed, and goes on as if it had not.
struct Swallows;

impl LogHook for Swallows {
    fn append_failed(&self, _stream: &StreamName, _error: LogError) -> Result<Appended, LogError> {
        Ok(Appended { revision: 0 })
    }
}

/// Commits direct writes without those outbox entries whose text says so.
fn forgets_entries(says: impl Fn(&str) -> bool + Send + Sync + 'static) -> Hooks {
    let writes = Writes(move |set: &mut ChangeSet| set.changes.retain(|change| !is_entry(change, &says)));
    Hooks::default().with_graph("direct", writes)
}

/// Makes another event of one that was appended before, behind `last`.
fn appended_again(mut event: NewEvent, last: &NewEvent) -> NewEvent {
    let id = Uuid::new_v5(&event.id, b"again");
    let mut version = 0;
    reopen_new(&mut last.clone(), |opened| version = opened.metadata["version"].as_u64().unwrap_or_default());
    reopen_new(&mut event, |opened| {
        opened.metadata["version"] = (version + 1).into();
        opened.metadata["event_id"] = id.to_string().into();
    });
    event.id = id;
    event
}
