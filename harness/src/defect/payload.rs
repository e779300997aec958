//! Events that are misread: another key, another unit, a missing value that becomes one.

use cutover_core::graph::{Change, Label};
use serde_json::Value as Json;
use smol_str::SmolStr;

use super::tools::{Opened, changes, reads};
use super::{Class, Defect, Finding};

const CREATED: &[&str] = &["SentenceCreated"];
const EDITED: &[&str] = &["SentenceEdited"];
const ANALYSED: &[&str] = &["AnalysisGenerated", "AnalysisRegenerated"];

pub(super) const ALL: &[Defect] = &[
    Defect {
        id: "confidence-dropped",
        class: Class::Payload,
        what: "The confidence of an analysis is not read.",
        why: "It is optional, and the first model that was tried gave none.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("model-vs-projected", "Analysis", "confidence"),
        hooks: || reads(ANALYSED, |opened| set(opened, "confidence", Json::Null)),
    },
    Defect {
        id: "confidence-in-single-precision",
        class: Class::Payload,
        what: "The confidence goes through a 32-bit float: 0.7 becomes 0.699999988079071.",
        why: "The model's client has such a field.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("model-vs-projected", "Analysis", "confidence"),
        hooks: || {
            reads(ANALYSED, |mut opened| {
                opened.change("confidence", |value| {
                    f64::from(value.as_f64().unwrap_or_default() as f32).into()
                });
            })
        },
    },
    Defect {
        id: "times-swapped",
        class: Class::Payload,
        what: "The end of a sentence is taken for its start, and the other way round.",
        why: "Two arguments of one type, side by side.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("model-vs-projected", "Sentence", "start_ms"),
        hooks: || {
            reads(CREATED, |opened| {
                let (start, end) = (opened.payload["start_ms"].take(), opened.payload["end_ms"].take());
                (opened.payload["start_ms"], opened.payload["end_ms"]) = (end, start);
            })
        },
    },
    Defect {
        id: "times-in-seconds",
        class: Class::Payload,
        what: "Milliseconds are divided by a thousand.",
        why: "The direct graph's `start_time` says no unit, and the transcript tells seconds.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("direct-vs-projected", "Sentence", "start_ms"),
        hooks: || {
            reads(CREATED, |mut opened| {
                for key in ["start_ms", "end_ms"] {
                    opened.change(key, |value| (value.as_u64().unwrap_or_default() / 1000).into());
                }
            })
        },
    },
    Defect {
        id: "missing-end-is-zero",
        class: Class::Payload,
        what: "A sentence without an end gets the end 0.",
        why: "The default of a number in a language without optional ones.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("direct-vs-projected", "Sentence", "end_ms"),
        hooks: || {
            reads(CREATED, |opened| {
                if opened.payload["end_ms"].is_null() {
                    opened.payload["end_ms"] = 0.into();
                }
            })
        },
    },
    Defect {
        id: "missing-language-is-none",
        class: Class::Payload,
        what: "An interview without a language gets the language `None`.",
        why: "`str(None)` in Python.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("model-vs-projected", "Interview", "language"),
        hooks: || {
            reads(&["InterviewCreated"], |opened| {
                if opened.payload["language"].is_null() {
                    opened.payload["language"] = "None".into();
                }
            })
        },
    },
    Defect {
        id: "status-key-misread",
        class: Class::Payload,
        what: "The new status is looked for under `new_status`, and every status becomes `unknown`.",
        why: "Edits say `new_text` and moves `new_index`; statuses say `to_status`.",
        has_shipped: true,
        scenario: "user-edits",
        finding: Finding::property("model-vs-projected", "Interview", "status"),
        // The handler's default is no status that the wire knows.
        hooks: || {
            changes(|change| match change {
                Change::Update { node, mut set, unset }
                    if node.label() == Label::Interview && set.get("status").is_some() =>
                {
                    set.set(SmolStr::new_static("status"), "unknown".into());
                    vec![Change::Update { node, set, unset }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "status-read-from-where-it-was",
        class: Class::Payload,
        what: "A change of status sets the status that it leaves.",
        why: "`from_status` and `to_status` in one line.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::property("model-vs-projected", "Interview", "status"),
        hooks: || {
            reads(&["StatusChanged", "InterviewStatusChanged"], |opened| {
                opened.payload["to_status"] = opened.payload["from_status"].clone();
            })
        },
    },
    Defect {
        id: "edit-reads-the-old-text",
        class: Class::Payload,
        what: "An edit sets the text that it replaces.",
        why: "`old_text` and `new_text` in one line.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::property("direct-vs-projected", "Sentence", "text"),
        hooks: || reads(EDITED, |opened| opened.payload["new_text"] = opened.payload["old_text"].clone()),
    },
    Defect {
        id: "move-reads-the-old-place",
        class: Class::Payload,
        what: "A sentence that is moved stays where it was.",
        why: "`old_index` and `new_index` in one line.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("direct-vs-projected", "NEXT_SENTENCE"),
        hooks: || {
            reads(&["SentenceRelocated"], |opened| {
                opened.payload["new_index"] = opened.payload["old_index"].clone();
            })
        },
    },
    Defect {
        id: "editor-not-told-apart",
        class: Class::Payload,
        what: "Every edit counts as a person's, the pipeline's own corrections too.",
        why: "`editor_type` was added after the handler.",
        has_shipped: false,
        scenario: "re-processing",
        finding: Finding::property("direct-vs-projected", "Sentence", "is_edited"),
        hooks: || reads(EDITED, |opened| opened.payload["editor_type"] = "human".into()),
    },
    Defect {
        id: "editor-without-account",
        class: Class::Payload,
        what: "Who edited is read from `display`, which people do not have, instead of `user_id`.",
        why: "The pipeline's own actor has a display name and no account.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::property("model-vs-projected", "Sentence", "edited_by"),
        hooks: || {
            reads(&[], |opened| {
                if let Some(actor) = opened.metadata.get_mut("actor").and_then(Json::as_object_mut) {
                    let display = actor.get("display").cloned().unwrap_or_default();
                    actor.insert("user_id".to_owned(), display);
                }
            })
        },
    },
    Defect {
        id: "text-cut-off",
        class: Class::Payload,
        what: "A text is cut after 100 characters.",
        why: "A column, an index or a list has room for no more: VARCHAR with a number.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("direct-vs-projected", "Sentence", "text"),
        hooks: || texts(|text| text.chars().take(100).collect()),
    },
    Defect {
        id: "text-folded-to-ascii",
        class: Class::Payload,
        what: "Letters beyond ASCII are lost: `à` is gone.",
        why: "`encode('ascii', 'ignore')` somewhere on the way.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("direct-vs-projected", "Sentence", "text"),
        hooks: || texts(|text| text.chars().filter(char::is_ascii).collect()),
    },
    Defect {
        id: "text-in-the-wrong-encoding",
        class: Class::Payload,
        what: "UTF-8 is read as Latin-1: `à` becomes two letters.",
        why: "The default encoding of a machine.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("direct-vs-projected", "Sentence", "text"),
        hooks: || texts(|text| text.bytes().map(char::from).collect()),
    },
    Defect {
        id: "text-escaped-twice",
        class: Class::Payload,
        what: "Texts are escaped for HTML on their way into the graph: an apostrophe becomes `&#39;`.",
        why: "A template's habit, against injections that parameters prevent already.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("direct-vs-projected", "Sentence", "text"),
        hooks: || texts(|text| text.replace('&', "&amp;").replace('\'', "&#39;").replace('"', "&quot;")),
    },
    Defect {
        id: "speaker-without-parentheses",
        class: Class::Payload,
        what: "What stands in parentheses behind a speaker's name is taken off.",
        why: "A tidy-up of names that the direct path does not do.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("direct-vs-projected", "Sentence", "speaker"),
        hooks: || {
            reads(CREATED, |mut opened| {
                opened.change("speaker", |speaker| {
                    let speaker = speaker.as_str().unwrap_or_default();
                    speaker.split(" (").next().unwrap_or_default().into()
                });
            })
        },
    },
    Defect {
        id: "only-the-first-topic",
        class: Class::Payload,
        what: "Of a list of topics the first one is read.",
        why: "There was one topic once, and the field kept its reader.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("direct-vs-projected", "MENTIONS_TOPIC"),
        hooks: || {
            reads(ANALYSED, |mut opened| {
                opened.change("topics", |topics| {
                    topics.as_array().into_iter().flatten().take(1).cloned().collect()
                });
            })
        },
    },
    Defect {
        id: "keywords-capitalised",
        class: Class::Payload,
        what: "Keywords get a capital, and are other keywords then.",
        why: "They look better so.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("direct-vs-projected", "MENTIONS_OVERALL_KEYWORD"),
        hooks: || {
            reads(ANALYSED, |mut opened| {
                opened.change("keywords", |keywords| {
                    let keywords = keywords.as_array().into_iter().flatten().filter_map(Json::as_str);
                    keywords.map(capitalised).collect()
                });
            })
        },
    },
    Defect {
        id: "version-of-the-model-read-as-the-model",
        class: Class::Payload,
        what: "The model's name is read from the key `version`.",
        why: "`version` means three things in an event.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("model-vs-projected", "Analysis", "model"),
        hooks: || {
            reads(ANALYSED, |opened| {
                if let Some(version) = opened.text("version").map(str::to_owned) {
                    opened.payload["model"] = version.into();
                }
            })
        },
    },
];

fn set(opened: Opened<'_>, key: &str, value: Json) {
    opened.payload[key] = value;
}

/// Changes every text that a sentence gets.
fn texts(change: impl Fn(&str) -> String + Send + Sync + 'static) -> crate::provision::hooks::Hooks {
    reads(&["SentenceCreated", "SentenceEdited"], move |mut opened| {
        for key in ["text", "new_text"] {
            opened.change(key, |text| change(text.as_str().unwrap_or_default()).into());
        }
    })
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
