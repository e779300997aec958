//! Handlers that write something else than the event says.

use std::collections::BTreeMap;
use std::sync::Mutex;

use cutover_core::graph::{Change, Label, NodeRef, Origin, Properties, Rel, Value, canonical_json};
use cutover_core::ids::{InterviewId, SentenceId};
use smol_str::{SmolStr, format_smolstr};
use uuid::Uuid;

use super::tools::{changes, handlers, lock, sentence_of};
use super::{Class, Defect, Finding};
use crate::provision::hooks::Hooks;

pub(super) const ALL: &[Defect] = &[
    Defect {
        id: "analysis-created-twice",
        class: Class::Handlers,
        what: "The analysis is written with CREATE: an event that is delivered again makes a second one.",
        why: "CREATE and MERGE do the same as long as nothing comes twice; the guide to ingestion of Neo4j warns of it.",
        has_shipped: true,
        scenario: "idempotency",
        finding: Finding::other("model-vs-projected", "multiplicity", "Analysis"),
        hooks: || {
            let written: Mutex<u64> = Mutex::default();
            changes(move |change| match change {
                Change::ReplaceAnalysis { sentence, analysis_id, properties } => {
                    let mut written = lock(&written);
                    *written += 1;
                    let again = written.is_multiple_of(10).then(|| Change::Upsert {
                        // The handler draws the key, as the running service does: no constraint is in its way.
                        node: sentence
                            .clone()
                            .child(Rel::HasAnalysis, format_smolstr!("{analysis_id}-{written}").as_str()),
                        on_create: properties.clone(),
                        set: Properties::new(),
                        unless_edited: Properties::new(),
                    });
                    let once = Change::ReplaceAnalysis { sentence, analysis_id, properties };
                    [once].into_iter().chain(again).collect()
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "override-marks-only-the-node",
        class: Class::Handlers,
        what: "An override sets its flag on the analysis, and the links stay as they were.",
        why: "The flag is what the event's name says; the links are written elsewhere.",
        has_shipped: true,
        scenario: "user-edits",
        finding: Finding::missing("direct-vs-projected", "MENTIONS_OVERALL_KEYWORD"),
        hooks: || {
            changes(|change| match change {
                Change::SetDimension { origin: Origin::Person, .. } => vec![],
                change => vec![change],
            })
        },
    },
    Defect {
        id: "override-without-protection",
        class: Class::Handlers,
        what: "What a person corrected is linked like what a machine found, with `is_edited = false`.",
        why: "One function writes all links, and has no parameter for it.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::property("direct-vs-projected", "HAS_FUNCTION", "is_edited"),
        hooks: || {
            changes(|change| match change {
                Change::SetDimension { analysis, rel, values, limit, origin: Origin::Person } => {
                    // What is protected stays: there is nothing protected with this defect.
                    vec![Change::SetDimension { analysis, rel, values, limit, origin: Origin::Analysis }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "override-empties-the-others",
        class: Class::Handlers,
        what: "An override takes away the dimensions that it does not name.",
        why: "A missing field and an empty list are the same after parsing.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::missing("direct-vs-projected", "HAS_PURPOSE"),
        hooks: || {
            handlers(|set| {
                let named: Vec<Rel> = set
                    .changes
                    .iter()
                    .filter_map(|change| match change {
                        Change::SetDimension { rel, origin: Origin::Person, .. } => Some(*rel),
                        _ => None,
                    })
                    .collect();
                let analysis = set.changes.iter().find_map(|change| match change {
                    Change::SetDimension { analysis, origin: Origin::Person, .. } => Some(analysis.clone()),
                    _ => None,
                });
                if let Some(analysis) = analysis {
                    let others = Rel::DIMENSIONS.into_iter().filter(|rel| !named.contains(rel));
                    set.changes.extend(others.map(|rel| Change::SetDimension {
                        analysis: analysis.clone(),
                        rel,
                        values: Vec::new(),
                        limit: None,
                        origin: Origin::Person,
                    }));
                }
            })
        },
    },
    Defect {
        id: "override-note-forgotten",
        class: Class::Handlers,
        what: "The note of an override is not kept.",
        why: "It is optional, and no reader of the old graph had it.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::property("model-vs-projected", "Analysis", "override_note"),
        hooks: || without("override_note"),
    },
    Defect {
        id: "reanalysis-replaces-corrections",
        class: Class::Handlers,
        what: "A new analysis takes away what a person corrected.",
        why: "The old node is deleted with everything at it before the new one is written.",
        has_shipped: true,
        scenario: "re-analysis",
        finding: Finding::missing("direct-vs-projected", "MENTIONS_TOPIC"),
        hooks: || {
            changes(|change| match change {
                Change::ReplaceAnalysis { sentence, analysis_id, properties } => vec![
                    Change::Remove { node: sentence.clone().only_child(Rel::HasAnalysis) },
                    Change::ReplaceAnalysis { sentence, analysis_id, properties },
                ],
                change => vec![change],
            })
        },
    },
    Defect {
        id: "reanalysis-beside-the-old-one",
        class: Class::Handlers,
        what: "A new analysis stands beside the old one, which nobody removes.",
        why: "The key has the version in it, so that MERGE finds no node to update.",
        has_shipped: false,
        scenario: "re-analysis",
        finding: Finding::other("model-vs-projected", "multiplicity", "Analysis"),
        hooks: || {
            changes(|change| match change {
                Change::ReplaceAnalysis { sentence, analysis_id, properties } => vec![Change::Upsert {
                    node: sentence.child(Rel::HasAnalysis, analysis_id.as_str()),
                    on_create: properties,
                    set: Properties::new(),
                    unless_edited: Properties::new(),
                }],
                change => vec![change],
            })
        },
    },
    Defect {
        id: "removal-leaves-the-analysis",
        class: Class::Handlers,
        what: "A sentence is removed, and its analysis stays behind as an orphan.",
        why: "DETACH DELETE takes the node and its relationships, and nothing beyond them.",
        has_shipped: false,
        scenario: "deletion",
        finding: Finding::other("model-vs-projected", "orphan", "Analysis"),
        hooks: || {
            changes(|change| match &change {
                Change::Remove { node: NodeRef::Keyed { label: Label::Sentence, key: Value::Text(id) } } => {
                    vec![left_behind(Label::Analysis, format_smolstr!("{id}-analysis-1")), change]
                }
                _ => vec![change],
            })
        },
    },
    Defect {
        id: "clear-leaves-the-analysis",
        class: Class::Handlers,
        what: "An analysis that is cleared stays, and only the status says otherwise.",
        why: "The status is what the list of sentences shows.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::extra("direct-vs-projected", "Analysis"),
        hooks: || {
            changes(|change| match &change {
                Change::Remove { node: NodeRef::Child { rel: Rel::HasAnalysis, .. } } => vec![],
                _ => vec![change],
            })
        },
    },
    Defect {
        id: "clear-leaves-the-links",
        class: Class::Handlers,
        what: "An analysis that is cleared loses what it says of itself, and keeps its links.",
        why: "The handler empties the node instead of removing it.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::extra("direct-vs-projected", "HAS_FUNCTION"),
        hooks: || {
            changes(|change| match change {
                Change::Remove { node } if matches!(node, NodeRef::Child { rel: Rel::HasAnalysis, .. }) => {
                    let unset = ["model", "model_version", "confidence"].map(SmolStr::new_static).to_vec();
                    vec![Change::Update { node, set: Properties::new(), unset }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "interview-leaves-its-sentences",
        class: Class::Handlers,
        what: "An interview is deleted, and its sentences stay behind as orphans.",
        why: "DETACH DELETE takes the node and its relationships, and nothing beyond them.",
        has_shipped: false,
        scenario: "deletion",
        finding: Finding::other("direct-vs-projected", "orphan", "Sentence"),
        hooks: || {
            changes(|change| match &change {
                Change::Remove { node: NodeRef::Keyed { label: Label::Interview, key: Value::Text(id) } } => {
                    vec![left_behind(Label::Sentence, format_smolstr!("{id}:0")), change]
                }
                _ => vec![change],
            })
        },
    },
    Defect {
        id: "description-replaces-metadata",
        class: Class::Handlers,
        what: "The keys that an update names take the place of all metadata, where they should go into it.",
        why: "`SET n.metadata = $metadata`.",
        has_shipped: false,
        scenario: "old-streams",
        finding: Finding::property("model-vs-projected", "Interview", "metadata"),
        hooks: || {
            changes(|change| match change {
                Change::MergeJson { node, property, diff } => {
                    let set = Properties::from_iter([(property, Value::Text(canonical_json(&diff)))]);
                    vec![Change::Update { node, set, unset: Vec::new() }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "description-forgets-what-it-leaves-out",
        class: Class::Handlers,
        what: "An update that names no language takes the language away.",
        why: "A missing field and a null are the same after parsing.",
        has_shipped: false,
        scenario: "old-streams",
        finding: Finding::property("model-vs-projected", "Interview", "language"),
        hooks: || {
            changes(|change| match change {
                Change::Update { node, set, mut unset }
                    if set.get("title").is_some() && set.get("language").is_none() =>
                {
                    unset.push(SmolStr::new_static("language"));
                    vec![Change::Update { node, set, unset }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "removal-leaves-a-gap",
        class: Class::Handlers,
        what: "A sentence is removed, and nobody joins the one before it to the one after it.",
        why: "Its links go with it, which looks complete.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::missing("direct-vs-projected", "NEXT_SENTENCE"),
        hooks: || without_chain(|change| matches!(change, Change::Remove { .. })),
    },
    Defect {
        id: "move-leaves-the-sequence",
        class: Class::Handlers,
        what: "A sentence is moved, and its sequence links stay where they were.",
        why: "`sequence_order` is what sorts; the links are a second truth.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::missing("direct-vs-projected", "NEXT_SENTENCE"),
        hooks: || without_chain(|change| matches!(change, Change::Update { .. })),
    },
    Defect {
        id: "edit-without-mark",
        class: Class::Handlers,
        what: "A person's edit sets the text and not `is_edited`.",
        why: "The text is what one sees.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::property("direct-vs-projected", "Sentence", "is_edited"),
        hooks: || {
            changes(|change| match change {
                Change::Update { node, mut set, unset } if node.label() == Label::Sentence => {
                    set.remove("is_edited");
                    vec![Change::Update { node, set, unset }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "edit-without-status",
        class: Class::Handlers,
        what: "An edit leaves the status of the sentence as it was.",
        why: "There is an event for statuses.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::property("model-vs-projected", "Sentence", "status"),
        hooks: || {
            changes(|change| match change {
                Change::Update { node, mut set, unset } if set.get("text").is_some() => {
                    set.remove("status");
                    vec![Change::Update { node, set, unset }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "tag-not-attached",
        class: Class::Handlers,
        what: "A tag is attached only where its keyword is there already.",
        why: "MATCH for the keyword, where MERGE is needed.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::missing("direct-vs-projected", "MENTIONS_TOPIC"),
        hooks: || {
            changes(|change| match change {
                // What a person writes bears a number, and is nowhere else.
                Change::Tag { .. } => vec![],
                change => vec![change],
            })
        },
    },
    Defect {
        id: "untag-does-nothing",
        class: Class::Handlers,
        what: "A tag that is taken off stays.",
        why: "The link is looked for with the wrong direction, and DELETE of nothing is no error.",
        has_shipped: false,
        scenario: "re-analysis",
        finding: Finding::extra("direct-vs-projected", "MENTIONS_OVERALL_KEYWORD"),
        hooks: || {
            changes(|change| match change {
                Change::Untag { .. } => vec![],
                change => vec![change],
            })
        },
    },
    Defect {
        id: "untag-takes-all",
        class: Class::Handlers,
        what: "Taking one tag off takes off all links of that type, those that a person set too.",
        why: "The pattern in DELETE names the type and not the value.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::missing("direct-vs-projected", "MENTIONS_OVERALL_KEYWORD"),
        hooks: || {
            changes(|change| match change {
                Change::Untag { analysis, rel, .. } => vec![Change::SetDimension {
                    analysis,
                    rel,
                    values: Vec::new(),
                    limit: None,
                    origin: Origin::Person,
                }],
                change => vec![change],
            })
        },
    },
    Defect {
        id: "tag-of-the-wrong-type",
        class: Class::Handlers,
        what: "Topics are attached as keywords.",
        why: "Both are tags.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::missing("direct-vs-projected", "MENTIONS_TOPIC"),
        hooks: || {
            changes(|change| match change {
                Change::Tag { analysis, value, .. } => {
                    vec![Change::Tag { analysis, rel: Rel::MentionsOverallKeyword, value }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "function-and-purpose-swapped",
        class: Class::Handlers,
        what: "The purpose hangs where the function should, and the other way round.",
        why: "Three texts in a row.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("direct-vs-projected", "HAS_FUNCTION"),
        hooks: || {
            changes(|change| match change {
                Change::SetDimension { analysis, rel, values, limit, origin } => {
                    let rel = match rel {
                        Rel::HasFunction => Rel::HasPurpose,
                        Rel::HasPurpose => Rel::HasFunction,
                        rel => rel,
                    };
                    vec![Change::SetDimension { analysis, rel, values, limit, origin }]
                }
                change => vec![change],
            })
        },
    },
    Defect {
        id: "file-link-forgotten",
        class: Class::Handlers,
        what: "Sentences are not linked to their file.",
        why: "The event names no file: it is the interview's.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("direct-vs-projected", "PART_OF_FILE"),
        hooks: || {
            changes(|change| match change {
                Change::LinkNamedBy { .. } => vec![],
                change => vec![change],
            })
        },
    },
    Defect {
        id: "place-as-text",
        class: Class::Handlers,
        what: "`sequence_order` is written as text.",
        why: "It comes out of JSON, or out of a key, as a string.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("direct-vs-projected", "Sentence", "sequence_order"),
        hooks: || {
            sets(|set| {
                if let Some(Value::Int(place)) = set.get("sequence_order") {
                    let text = format_smolstr!("{place}");
                    set.set(SmolStr::new_static("sequence_order"), Value::Text(text));
                }
            })
        },
    },
    Defect {
        id: "sequence-never-mended",
        class: Class::Handlers,
        what: "Sequence links are made when a sentence is created, from the one before it by number, and never again.",
        why: "Moves and removals came later than creations.",
        has_shipped: false,
        scenario: "user-edits",
        finding: Finding::missing("direct-vs-projected", "NEXT_SENTENCE"),
        hooks: || handlers(|set| link_by_number(set, false)),
    },
    Defect {
        id: "first-sentence-not-moved",
        class: Class::Handlers,
        what: "`FIRST_SENTENCE` stays with the sentence that was created first, whoever is moved to the front.",
        why: "Index 0 is the first one, until somebody moves.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("direct-vs-projected", "FIRST_SENTENCE"),
        hooks: || handlers(|set| link_by_number(set, false)),
    },
    Defect {
        id: "follows-reversed",
        class: Class::Handlers,
        what: "`FOLLOWS` leads from a sentence to the one before it.",
        why: "That is how the word reads: a sentence follows the one before it.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("direct-vs-projected", "FOLLOWS"),
        hooks: || handlers(|set| link_by_number(set, true)),
    },
    Defect {
        id: "overridden-for-ever",
        class: Class::Handlers,
        what: "An analysis that comes after an override is marked as overridden, too.",
        why: "The flag is copied from the old node to the new one.",
        has_shipped: false,
        scenario: "re-analysis",
        finding: Finding::property("direct-vs-projected", "Analysis", "is_overridden"),
        hooks: || {
            let overridden: Mutex<BTreeMap<NodeRef, ()>> = Mutex::default();
            changes(move |change| match change {
                Change::Update { node, set, unset } if set.get("is_overridden").is_some() => {
                    sentence_of(&node).map(|sentence| lock(&overridden).insert(sentence.clone(), ()));
                    vec![Change::Update { node, set, unset }]
                }
                Change::ReplaceAnalysis { sentence, analysis_id, mut properties } => {
                    if lock(&overridden).contains_key(&sentence) {
                        properties.set(SmolStr::new_static("is_overridden"), true.into());
                    }
                    vec![Change::ReplaceAnalysis { sentence, analysis_id, properties }]
                }
                change => vec![change],
            })
        },
    },
];

/// Changes the properties that handlers set on sentences.
fn sets(change: impl Fn(&mut Properties) + Send + Sync + 'static) -> Hooks {
    changes(move |mut changed| {
        if let Change::Upsert { set, .. } | Change::Update { set, .. } = &mut changed {
            change(set);
        }
        vec![changed]
    })
}

/// Leaves one property out.
fn without(property: &'static str) -> Hooks {
    sets(move |set| drop(set.remove(property)))
}

/// Leaves the sequence links alone where a set begins with such a change.
fn without_chain(begins: impl Fn(&Change) -> bool + Send + Sync + 'static) -> Hooks {
    handlers(move |set| {
        if set.changes.first().is_some_and(&begins) {
            set.changes.retain(|change| !matches!(change, Change::Chain { .. }));
        }
    })
}

/// Makes a node that nobody owns.
pub(super) fn left_behind(label: Label, key: SmolStr) -> Change {
    Change::Upsert {
        node: NodeRef::Keyed { label, key: Value::Text(key) },
        on_create: Properties::new(),
        set: Properties::new(),
        unless_edited: Properties::new(),
    }
}

/// Links a new sentence to the one before it by number, instead of looking over the order of all.
fn link_by_number(set: &mut cutover_core::graph::ChangeSet, is_reversed: bool) {
    let created = set.changes.iter().find_map(|change| match change {
        Change::Upsert {
            node: NodeRef::Child { key: Some(Value::Text(id)), rel: Rel::HasSentence, .. },
            set,
            ..
        } => {
            let interview = set.get("interview_id").and_then(Value::as_text)?.parse::<Uuid>().ok()?;
            let place = set.get("sequence_order").and_then(Value::as_int)?;
            Some((id.clone(), InterviewId::new(interview), place))
        }
        _ => None,
    });
    set.changes.retain(|change| !matches!(change, Change::Chain { .. }));
    let Some((id, interview, place)) = created else { return };
    let sentence = NodeRef::Keyed { label: Label::Sentence, key: Value::Text(id) };
    let Some(before) = u32::try_from(place).ok().and_then(|place| place.checked_sub(1)) else {
        let from = NodeRef::interview(interview);
        return set.changes.push(Change::Link { from, rel: Rel::FirstSentence, to: sentence });
    };
    let before = NodeRef::sentence(SentenceId::in_generation(interview, before, 0));
    let (from, to) =
        if is_reversed { (sentence.clone(), before.clone()) } else { (before.clone(), sentence.clone()) };
    set.changes.push(Change::Link { from: before, rel: Rel::NextSentence, to: sentence });
    set.changes.push(Change::Link { from, rel: Rel::Follows, to });
}
