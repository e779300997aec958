//! Events that are not brought to where they belong.

use std::collections::BTreeMap;
use std::sync::Mutex;

use cutover_core::graph::{Change, Label, NodeRef, Rel};
use serde_json::Value as Json;

use super::tools::{changes, ignores, interview_in, lock, reads, receives, reopen};
use super::{Class, Defect, Finding};

pub(super) const ALL: &[Defect] = &[
    Defect {
        id: "unroutable-acknowledged",
        class: Class::Routing,
        what: "A sentence's event whose payload names no interview finds no lane, and is acknowledged all the same.",
        why: "Only the creation names the interview in streams that the running service wrote.",
        has_shipped: true,
        scenario: "old-streams",
        finding: Finding::property("model-vs-projected", "Sentence", "text"),
        hooks: || ignores(|event| is_of_sentence(event.stream.as_str()) && interview_in(event).is_none()),
    },
    Defect {
        id: "interview-of-the-event-before",
        class: Class::Routing,
        what: "A lane keeps the interview of the last event in a variable, and a sentence gets that of the one before it.",
        why: "A value that is nearly always the same is kept outside of the loop.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("model-vs-projected", "Sentence"),
        hooks: || {
            let before: Mutex<BTreeMap<String, Json>> = Mutex::default();
            receives(move |group, delivered| {
                for event in delivered.iter_mut().filter_map(|delivery| delivery.event.as_mut()) {
                    if event.event_type == "SentenceCreated" {
                        reopen(event, |opened| {
                            let own = opened.payload["interview_id"].clone();
                            let before = lock(&before).insert(group.to_string(), own);
                            if let Some(before) = before {
                                opened.payload["interview_id"] = before;
                            }
                        });
                    }
                }
            })
        },
    },
    Defect {
        id: "project-from-payload",
        class: Class::Routing,
        what: "The project is looked for in the payload, is not there, and every interview lands in project `default`.",
        why: "All other facts of an event are in its payload; this one is in the metadata.",
        has_shipped: true,
        scenario: "dual-write",
        finding: Finding::missing("model-vs-projected", "CONTAINS_INTERVIEW"),
        hooks: || reads(&[], |opened| opened.metadata["project_id"] = "default".into()),
    },
    Defect {
        id: "project-link-forgotten",
        class: Class::Routing,
        what: "The project and the interview are both written, and not the relationship between them.",
        why: "Neo4j's MATCH of two nodes that are there looks like having them joined.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("model-vs-projected", "CONTAINS_INTERVIEW"),
        hooks: || {
            changes(|change| match change {
                Change::Link { rel: Rel::ContainsInterview, .. } => vec![],
                change => vec![change],
            })
        },
    },
    Defect {
        id: "file-named-after-the-interview",
        class: Class::Routing,
        what: "A sentence's file is named after the interview's id, where it is the one that its source names.",
        why: "The direct graph has a property `filename` that holds the id.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("direct-vs-projected", "PART_OF_FILE"),
        hooks: || {
            changes(|change| match change {
                Change::LinkNamedBy {
                    from,
                    rel,
                    owner: NodeRef::Keyed { label: Label::Interview, key },
                    ..
                } => {
                    vec![Change::Link { from, rel, to: NodeRef::Keyed { label: Label::SourceFile, key } }]
                }
                change => vec![change],
            })
        },
    },
];

fn is_of_sentence(stream: &str) -> bool {
    stream.starts_with("Sentence-")
}
