//! One test for each rule of the projected graph that an event's changes must follow.

use serde_json::{Map, json};
use smol_str::SmolStr;

use super::*;
use crate::graph::{Origin, Rel, Value};
use crate::ids::{EventId, InterviewId, ProjectId, SentenceId};
use crate::interview::{
    InterviewCreated, InterviewEvent, InterviewStatus, InterviewStatusChanged, InterviewUpdated, Reason,
};
use crate::limits::Limits;
use crate::metadata::{Actor, DEFAULT_SOURCE, SCHEMA_VERSION};
use crate::sentence::{
    AnalysisGenerated, AnalysisOverridden, AnalysisRegenerated, Classification, EditorType, Findings,
    OverriddenFields, SentenceCreated, SentenceEdited, SentenceEvent, SentenceRelocated, Tag, TagType,
};
use crate::timestamp::Timestamp;

const WHEN: u64 = 1_700_000_000_000;

fn interview_id() -> InterviewId {
    InterviewId::for_file("a.txt")
}

fn sentence_id() -> SentenceId {
    SentenceId::at(interview_id(), 3)
}

fn event(aggregate: AggregateId, version: u64, body: Body) -> Event {
    let metadata = Metadata {
        event_id: EventId::of_entry(aggregate.as_uuid(), 0),
        aggregate,
        version,
        occurred_at: Timestamp::from_unix_ms(WHEN + version),
        schema_version: SCHEMA_VERSION.into(),
        actor: Some(Actor::human("ada")),
        correlation_id: None,
        causation_id: None,
        source: DEFAULT_SOURCE.into(),
        trace_id: None,
        project_id: Some(ProjectId::new("apollo")),
        tags: Vec::new(),
    };
    Event { metadata, body }
}

fn of_interview(version: u64, body: InterviewEvent) -> Vec<Change> {
    let event = event(AggregateId::Interview(interview_id()), version, Body::Interview(body));
    project(&event, &LimitsTable::default())
}

fn sentence_event(version: u64, event_body: SentenceEvent) -> Event {
    let body = Body::Sentence { interview: Some(interview_id()), event: event_body };
    event(AggregateId::Sentence(sentence_id()), version, body)
}

fn of_sentence(version: u64, body: SentenceEvent) -> Vec<Change> {
    project(&sentence_event(version, body), &LimitsTable::default())
}

fn at(version: u64) -> Timestamp {
    Timestamp::from_unix_ms(WHEN + version)
}

fn findings() -> Findings {
    Findings {
        classification: Classification {
            function_type: "statement".into(),
            structure_type: "simple".into(),
            purpose: "inform".into(),
        },
        keywords: vec!["b".into(), "a".into(), "b".into()],
        topics: vec!["space".into()],
        domain_keywords: vec![],
        confidence: Some(0.5),
    }
}

/// Returns what the only `Update` of that node sets.
#[track_caller]
fn updated(changes: &[Change], wanted: &NodeRef) -> Properties {
    let mut found = changes.iter().filter_map(|change| match change {
        Change::Update { node, set, .. } if node == wanted => Some(set.clone()),
        _ => None,
    });
    let set = found.next().expect("an update of the node");
    assert!(found.next().is_none(), "one update of the node");
    set
}

/// Returns each dimension that is set, with its values, limit and origin.
fn dimensions(changes: &[Change]) -> Vec<(Rel, Vec<SmolStr>, Option<u32>, Origin)> {
    let set = changes.iter().filter_map(|change| match change {
        Change::SetDimension { rel, values, limit, origin, .. } => {
            Some((*rel, values.clone(), *limit, *origin))
        }
        _ => None,
    });
    set.collect()
}

fn created() -> InterviewEvent {
    InterviewEvent::Created(InterviewCreated {
        title: "A".into(),
        source: "in/a.txt".into(),
        language: None,
        started_at: None,
        metadata: json!({"room": 7, "mic": "left"}).as_object().cloned().unwrap_or_default(),
    })
}

#[test]
fn an_interview_comes_into_the_project_that_its_metadata_names() {
    let changes = of_interview(0, created());
    let project = NodeRef::project(&ProjectId::new("apollo"));
    let interview = NodeRef::interview(interview_id());
    assert!(changes.contains(&Change::SetLeast {
        node: project.clone(),
        property: "created_at".into(),
        value: at(0).into(),
    }));
    assert!(changes.contains(&Change::Link { from: project, rel: Rel::ContainsInterview, to: interview }));
}

#[test]
fn an_interview_without_a_project_is_in_none() {
    let mut event = event(AggregateId::Interview(interview_id()), 0, Body::Interview(created()));
    event.metadata.project_id = None;
    let changes = project(&event, &LimitsTable::default());
    assert!(
        matches!(&changes[..], [Change::Upsert { node, .. }] if *node == NodeRef::interview(interview_id()))
    );
}

#[test]
fn an_interview_has_the_properties_of_its_creation_and_no_empty_ones() {
    let changes = of_interview(0, created());
    let Some(Change::Upsert { set, .. }) = changes.iter().find(
        |change| matches!(change, Change::Upsert { node, .. } if node.label() == crate::graph::Label::Interview),
    ) else {
        panic!("an interview is upserted");
    };
    let expected = Properties::new()
        .with("created_at", at(0))
        .with("event_version", 0_i64)
        .with("metadata", r#"{"mic":"left","room":7}"#)
        .with("source", "in/a.txt")
        .with("status", "created")
        .with("title", "A")
        .with("updated_at", at(0));
    assert_eq!(*set, expected);
}

#[test]
fn an_update_leaves_alone_what_it_does_not_name() {
    let changes = of_interview(4, InterviewEvent::Updated(InterviewUpdated::default()));
    let expected = Properties::new().with("event_version", 4_i64).with("updated_at", at(4));
    assert_eq!(updated(&changes, &NodeRef::interview(interview_id())), expected);
    assert_eq!(changes.len(), 1);
}

#[test]
fn an_update_merges_its_metadata() {
    let diff: Map<_, _> = json!({"room": null}).as_object().cloned().unwrap_or_default();
    let body = InterviewUpdated { title: Some("B".into()), language: None, metadata_diff: diff.clone() };
    let changes = of_interview(1, InterviewEvent::Updated(body));
    let node = NodeRef::interview(interview_id());
    assert_eq!(updated(&changes, &node).get("title"), Some(&"B".into()));
    assert!(changes.contains(&Change::MergeJson { node, property: "metadata".into(), diff }));
}

#[test]
fn the_status_is_the_one_that_was_entered() {
    let body = InterviewStatusChanged {
        from_status: InterviewStatus::Created,
        to_status: InterviewStatus::Processing,
        reason: None,
    };
    let node = NodeRef::interview(interview_id());
    let changes = of_interview(1, InterviewEvent::StatusChanged(body));
    assert_eq!(updated(&changes, &node).get("status"), Some(&"processing".into()));
    let archived = of_interview(2, InterviewEvent::Archived(Reason::default()));
    assert_eq!(updated(&archived, &node).get("status"), Some(&"archived".into()));
}

#[test]
fn a_deleted_interview_is_removed() {
    let changes = of_interview(2, InterviewEvent::Deleted(Reason::default()));
    assert_eq!(changes, [Change::Remove { node: NodeRef::interview(interview_id()) }]);
}

#[test]
fn a_sentence_is_created_as_a_child_and_linked_to_the_file_of_its_interview() {
    let body = SentenceCreated {
        interview_id: interview_id(),
        index: 3,
        text: "Hi.".into(),
        speaker: Some("CAPCOM".into()),
        start_ms: Some(5),
        end_ms: None,
    };
    let changes = of_sentence(0, SentenceEvent::Created(body));
    let interview = NodeRef::interview(interview_id());
    let set = Properties::new()
        .with("created_at", at(0))
        .with("event_version", 0_i64)
        .with("interview_id", SmolStr::new(interview_id().to_string()))
        .with("is_edited", false)
        .with("sequence_order", 3_i64)
        .with("speaker", "CAPCOM")
        .with("start_ms", 5_i64)
        .with("status", "created")
        .with("text", "Hi.")
        .with("updated_at", at(0));
    let key = Value::Text(sentence_id().to_string().into());
    let expected = [
        Change::Upsert {
            node: interview.clone().child(Rel::HasSentence, key),
            on_create: Properties::new(),
            set,
            unless_edited: Properties::new(),
        },
        Change::LinkNamedBy {
            from: NodeRef::sentence(sentence_id()),
            rel: Rel::PartOfFile,
            owner: interview.clone(),
            property: "source".into(),
        },
        Change::Chain { interview },
    ];
    assert_eq!(changes, expected);
}

fn edited_by(editor_type: EditorType, actor: Option<Actor>) -> Properties {
    let body = SentenceEdited { old_text: "Hi.".into(), new_text: "Ho.".into(), editor_type };
    let mut event = sentence_event(1, SentenceEvent::Edited(body));
    event.metadata.actor = actor;
    updated(&project(&event, &LimitsTable::default()), &NodeRef::sentence(sentence_id()))
}

#[test]
fn an_edit_by_a_person_is_marked_with_who_it_was() {
    let set = edited_by(EditorType::Human, Some(Actor::human("ada")));
    assert_eq!(set.get("is_edited"), Some(&true.into()));
    assert_eq!(set.get("edited_by"), Some(&"ada".into()));
    assert_eq!(set.get("text"), Some(&"Ho.".into()));
    assert_eq!(edited_by(EditorType::Human, None).get("edited_by"), Some(&"human".into()));
}

#[test]
fn an_edit_by_a_program_is_only_a_new_text() {
    let set = edited_by(EditorType::Ai, None);
    assert_eq!(set.get("text"), Some(&"Ho.".into()));
    assert_eq!(set.get("status"), Some(&"edited".into()));
    assert_eq!((set.get("is_edited"), set.get("edited_by")), (None, None));
}

#[test]
fn a_move_and_a_deletion_put_the_sequence_links_right() {
    let chain = Change::Chain { interview: NodeRef::interview(interview_id()) };
    let body = SentenceRelocated { old_index: 3, new_index: 9 };
    let moved = of_sentence(1, SentenceEvent::Relocated(body));
    let node = NodeRef::sentence(sentence_id());
    assert_eq!(updated(&moved, &node).get("sequence_order"), Some(&Value::Int(9)));
    assert_eq!(moved[1], chain);
    let deleted = of_sentence(2, SentenceEvent::Deleted(Reason::default()));
    assert_eq!(deleted, [Change::Remove { node }, chain]);
}

#[test]
fn an_analysis_is_named_after_its_event_and_sets_all_six_dimensions_within_their_limits() {
    let body = AnalysisGenerated {
        model: "lexical".into(),
        version: "1".into(),
        findings: findings(),
        raw_ref: None,
    };
    let changes = of_sentence(1, SentenceEvent::AnalysisGenerated(body));
    let properties = Properties::new()
        .with("confidence", 0.5)
        .with("created_at", at(1))
        .with("is_overridden", false)
        .with("model", "lexical")
        .with("model_version", "1");
    let sentence = NodeRef::sentence(sentence_id());
    let analysis_id = SmolStr::new(format!("{}-analysis-1", sentence_id()));
    assert_eq!(updated(&changes, &sentence).get("status"), Some(&"analyzed".into()));
    assert_eq!(changes[1], Change::ReplaceAnalysis { sentence, analysis_id, properties });
    let expected: Vec<(Rel, Vec<SmolStr>, Option<u32>, Origin)> = vec![
        (Rel::HasFunction, vec!["statement".into()], Some(1), Origin::Analysis),
        (Rel::HasStructure, vec!["simple".into()], Some(1), Origin::Analysis),
        (Rel::HasPurpose, vec!["inform".into()], Some(1), Origin::Analysis),
        (Rel::MentionsTopic, vec!["space".into()], None, Origin::Analysis),
        (Rel::MentionsOverallKeyword, vec!["b".into(), "a".into(), "b".into()], Some(6), Origin::Analysis),
        (Rel::MentionsDomainKeyword, vec![], None, Origin::Analysis),
    ];
    assert_eq!(dimensions(&changes), expected);
}

#[test]
fn a_second_analysis_empties_the_dimensions_that_it_has_no_values_for() {
    let body =
        AnalysisRegenerated { model: "m".into(), reason: "r".into(), delta: None, findings: findings() };
    let changes = of_sentence(2, SentenceEvent::AnalysisRegenerated(body));
    assert!(dimensions(&changes).contains(&(Rel::MentionsDomainKeyword, vec![], None, Origin::Analysis)));
}

#[test]
fn an_override_changes_the_links_of_the_named_dimensions_and_no_others() {
    let fields = OverriddenFields {
        purpose: Some("joke".into()),
        topics: Some(vec![]),
        ..OverriddenFields::default()
    };
    let body = AnalysisOverridden { fields_overridden: fields, note: None };
    let changes = of_sentence(2, SentenceEvent::AnalysisOverridden(body));
    assert_eq!(
        dimensions(&changes),
        [
            (Rel::HasPurpose, vec!["joke".into()], Some(1), Origin::Person),
            (Rel::MentionsTopic, vec![], None, Origin::Person),
        ]
    );
    let flags = Change::Update {
        node: NodeRef::sentence(sentence_id()).only_child(Rel::HasAnalysis),
        set: Properties::new()
            .with("is_overridden", true)
            .with("overridden_at", at(2))
            .with("overridden_by", "ada"),
        unset: vec!["override_note".into()],
    };
    assert!(changes.contains(&flags));
}

#[test]
fn a_cleared_analysis_is_removed_and_the_sentence_waits_for_another() {
    let changes = of_sentence(2, SentenceEvent::AnalysisCleared(Reason::default()));
    let node = NodeRef::sentence(sentence_id());
    assert_eq!(updated(&changes, &node).get("status"), Some(&"created".into()));
    assert_eq!(changes[1], Change::Remove { node: node.only_child(Rel::HasAnalysis) });
}

#[test]
fn tags_link_and_unlink_one_value() {
    let tag = Tag { tag_type: TagType::Topic, value: "moon".into() };
    let analysis = NodeRef::sentence(sentence_id()).only_child(Rel::HasAnalysis);
    let tagged = of_sentence(2, SentenceEvent::Tagged(tag.clone()));
    let rel = Rel::MentionsTopic;
    assert_eq!(tagged[1], Change::Tag { analysis: analysis.clone(), rel, value: "moon".into() });
    let untagged = of_sentence(3, SentenceEvent::Untagged(tag));
    assert_eq!(untagged[1], Change::Untag { analysis, rel, value: "moon".into() });
}

#[test]
fn limits_are_those_of_the_events_project() {
    let strict = Limits { keywords: Some(0), ..Limits::default() };
    let table = LimitsTable::default().with(ProjectId::new("apollo"), strict);
    let fields = OverriddenFields { keywords: Some(vec!["k".into()]), ..OverriddenFields::default() };
    let body = AnalysisOverridden { fields_overridden: fields, note: None };
    let changes = project(&sentence_event(1, SentenceEvent::AnalysisOverridden(body)), &table);
    assert_eq!(
        dimensions(&changes),
        [(Rel::MentionsOverallKeyword, vec!["k".into()], Some(0), Origin::Person)]
    );
}

#[test]
fn an_unknown_type_advances_the_version_and_nothing_else() {
    let event = event(
        AggregateId::Sentence(sentence_id()),
        7,
        Body::Unknown { event_type: "SentenceTranslated".into() },
    );
    let changes = project(&event, &LimitsTable::default());
    let expected = Properties::new().with("event_version", 7_i64).with("updated_at", at(7));
    assert_eq!(changes.len(), 1);
    assert_eq!(updated(&changes, &NodeRef::sentence(sentence_id())), expected);
}
