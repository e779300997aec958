//! Recorded JSON that stays put: what the running service has written decodes to exactly this, and what this program
//! writes is exactly that.

use std::collections::BTreeSet;
use std::path::Path;

use cutover_core::event::{Body, Event, RecordedEvent};
use cutover_core::ids::{AggregateId, EventId, InterviewId, ProjectId, SentenceId, StreamName};
use cutover_core::interview::{
    InterviewCreated, InterviewEvent, InterviewStatus, InterviewStatusChanged, InterviewUpdated, Reason,
};
use cutover_core::metadata::{Actor, ActorType, Metadata};
use cutover_core::sentence::{
    AnalysisGenerated, AnalysisOverridden, AnalysisRegenerated, Classification, EditorType, Findings,
    OverriddenFields, SentenceCreated, SentenceEdited, SentenceEvent, SentenceRelocated, SentenceStatus,
    SentenceStatusChanged, Tag, TagType,
};
use cutover_core::wire;
use serde_json::json;
use uuid::Uuid;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded");

/// Every recorded event; a file that no test reads is one that holds nothing.
const RECORDED: &[&str] = &[
    "analysis_cleared",
    "analysis_generated",
    "analysis_overridden",
    "analysis_regenerated",
    "interview_archived",
    "interview_created",
    "interview_created_sparse",
    "interview_deleted",
    "interview_metadata_updated",
    "interview_status_changed",
    "interview_updated",
    "sentence_created",
    "sentence_deleted",
    "sentence_edited",
    "sentence_edited_newer",
    "sentence_relocated",
    "sentence_status_changed",
    "sentence_tagged",
    "sentence_untagged",
    "status_changed",
    "unknown_type",
    "written_analysis_generated",
    "written_analysis_overridden",
    "written_interview_created",
    "written_sentence_edited",
];

/// A file has one field of a JSON object per line, so that the documents keep their very bytes.
fn recorded(name: &str) -> RecordedEvent {
    assert!(RECORDED.contains(&name), "{name} is not listed");
    let text = std::fs::read_to_string(Path::new(FOLDER).join(format!("{name}.json"))).unwrap();
    let field = |field: &str| {
        let start = format!("\"{field}\": ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
        line.strip_suffix(',').unwrap_or(line)
    };
    RecordedEvent {
        stream: StreamName::new(field("stream").trim_matches('"')),
        revision: field("revision").parse().unwrap(),
        id: event_id(name).as_uuid(),
        event_type: field("type").trim_matches('"').into(),
        data: field("data").as_bytes().into(),
        metadata: field("metadata").as_bytes().into(),
    }
}

fn event_id(name: &str) -> EventId {
    EventId::new(Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes()))
}

fn interview() -> InterviewId {
    InterviewId::for_file("a.txt")
}

fn sentence() -> SentenceId {
    SentenceId::at(interview(), 7)
}

fn ada() -> Option<Actor> {
    Some(Actor { user_id: Some("u-17".into()), display: Some("Ada".into()), actor_type: ActorType::Human })
}

fn model() -> Option<Actor> {
    Some(Actor { user_id: None, display: None, actor_type: ActorType::Ai })
}

fn metadata(name: &str, aggregate: AggregateId, version: u64, actor: Option<Actor>) -> Metadata {
    Metadata {
        event_id: event_id(name),
        aggregate,
        version,
        occurred_at: "2024-05-01T10:00:00.123456Z".parse().unwrap(),
        schema_version: "1.0.0".into(),
        actor,
        correlation_id: Some(event_id("correlation").as_uuid()),
        causation_id: None,
        source: "interview_analyzer".into(),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        project_id: Some(ProjectId::new("apollo")),
        tags: vec!["nightly".into()],
    }
}

#[track_caller]
fn check_interview(name: &str, version: u64, actor: Option<Actor>, event: InterviewEvent) {
    let metadata = metadata(name, AggregateId::Interview(interview()), version, actor);
    let expected = Event { metadata, body: Body::Interview(event) };
    assert_eq!(wire::decode(&recorded(name)).unwrap(), expected);
}

#[track_caller]
fn check_sentence(
    name: &str,
    version: u64,
    actor: Option<Actor>,
    named: Option<InterviewId>,
    event: SentenceEvent,
) {
    let metadata = metadata(name, AggregateId::Sentence(sentence()), version, actor);
    let expected = Event { metadata, body: Body::Sentence { interview: named, event } };
    assert_eq!(wire::decode(&recorded(name)).unwrap(), expected);
}

fn report() -> Classification {
    Classification {
        function_type: "statement".into(),
        structure_type: "simple".into(),
        purpose: "report".into(),
    }
}

#[test]
fn every_recorded_file_is_listed() {
    let files: BTreeSet<String> = std::fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let listed: BTreeSet<String> = RECORDED.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(files, listed);
}

#[test]
fn every_recorded_file_decodes() {
    for name in RECORDED {
        if let Err(error) = wire::decode(&recorded(name)) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn an_interview_created_by_the_running_service_is_read() {
    let metadata = json!({ "crew": 3, "tags": ["moon", null] });
    let created = InterviewCreated {
        title: "Café 🚀".into(),
        source: "/data/a.txt".into(),
        language: Some("en".into()),
        started_at: Some("1969-07-16T13:32:00Z".parse().unwrap()),
        metadata: metadata.as_object().unwrap().clone(),
    };
    check_interview("interview_created", 0, Some(Actor::system()), InterviewEvent::Created(created));
}

#[test]
fn what_the_running_service_left_out_takes_its_default() {
    let event = wire::decode(&recorded("interview_created_sparse")).unwrap();
    let expected = Metadata {
        occurred_at: "2024-05-01T10:00:00Z".parse().unwrap(),
        correlation_id: None,
        trace_id: None,
        project_id: None,
        tags: Vec::new(),
        ..metadata("interview_created_sparse", AggregateId::Interview(interview()), 0, None)
    };
    assert_eq!(event.metadata, expected);
    let created = InterviewCreated {
        title: "a".into(),
        source: "a.txt".into(),
        language: None,
        started_at: None,
        metadata: serde_json::Map::new(),
    };
    assert_eq!(event.body, Body::Interview(InterviewEvent::Created(created)));
}

#[test]
fn an_update_is_read_by_both_of_its_names() {
    let diff = json!({ "crew": null });
    let updated = InterviewUpdated {
        title: Some("B".into()),
        language: None,
        metadata_diff: diff.as_object().unwrap().clone(),
    };
    check_interview("interview_updated", 1, ada(), InterviewEvent::Updated(updated));
    let diff = json!({ "place": "Houston" });
    let updated =
        InterviewUpdated { title: None, language: None, metadata_diff: diff.as_object().unwrap().clone() };
    check_interview("interview_metadata_updated", 1, ada(), InterviewEvent::Updated(updated));
}

#[test]
fn a_change_of_status_is_read_by_both_of_its_names() {
    let changed = InterviewStatusChanged {
        from_status: InterviewStatus::Created,
        to_status: InterviewStatus::Processing,
        reason: None,
    };
    check_interview("status_changed", 2, Some(Actor::system()), InterviewEvent::StatusChanged(changed));
    let changed = InterviewStatusChanged {
        from_status: InterviewStatus::Processing,
        to_status: InterviewStatus::Failed,
        reason: Some("no model".into()),
    };
    check_interview(
        "interview_status_changed",
        3,
        Some(Actor::system()),
        InterviewEvent::StatusChanged(changed),
    );
}

#[test]
fn the_end_of_an_interview_is_read() {
    let done = Reason { reason: Some("done".into()) };
    check_interview("interview_archived", 4, ada(), InterviewEvent::Archived(done));
    check_interview("interview_deleted", 5, ada(), InterviewEvent::Deleted(Reason::default()));
}

#[test]
fn a_sentence_names_its_interview_when_it_is_created() {
    let created = SentenceCreated {
        interview_id: interview(),
        index: 7,
        text: "Houston, we've had a problem.".into(),
        speaker: Some("Lovell".into()),
        start_ms: Some(1000),
        end_ms: Some(2500),
    };
    check_sentence(
        "sentence_created",
        0,
        Some(Actor::system()),
        Some(interview()),
        SentenceEvent::Created(created),
    );
}

#[test]
fn an_edit_names_the_interview_only_when_a_newer_program_wrote_it() {
    let edited = |editor_type| {
        SentenceEvent::Edited(SentenceEdited { old_text: "Hi.".into(), new_text: "Hi!".into(), editor_type })
    };
    check_sentence("sentence_edited", 1, ada(), None, edited(EditorType::Human));
    // It also has a field that this program does not know.
    check_sentence("sentence_edited_newer", 1, model(), Some(interview()), edited(EditorType::Ai));
}

#[test]
fn an_analysis_is_read_to_the_last_digit() {
    let generated = AnalysisGenerated {
        model: "lexical".into(),
        version: "2".into(),
        findings: Findings {
            classification: report(),
            keywords: vec!["problem".into(), "houston".into()],
            topics: vec!["spaceflight".into()],
            domain_keywords: Vec::new(),
            confidence: Some(0.30000000000000004),
        },
        raw_ref: Some("s3://raw/1".into()),
    };
    check_sentence("analysis_generated", 3, model(), None, SentenceEvent::AnalysisGenerated(generated));
    let regenerated = AnalysisRegenerated {
        model: "lexical".into(),
        reason: "new model".into(),
        delta: Some(json!({ "purpose": ["ask", "report"] })),
        findings: Findings {
            classification: report(),
            keywords: vec!["problem".into()],
            topics: Vec::new(),
            domain_keywords: vec!["bus b".into()],
            confidence: None,
        },
    };
    check_sentence("analysis_regenerated", 4, model(), None, SentenceEvent::AnalysisRegenerated(regenerated));
}

#[test]
fn what_an_override_leaves_out_or_leaves_null_stays_as_it_is() {
    let overridden = AnalysisOverridden {
        fields_overridden: OverriddenFields {
            purpose: Some("warn".into()),
            keywords: Some(vec!["undervolt".into()]),
            ..OverriddenFields::default()
        },
        note: Some("see tape".into()),
    };
    check_sentence("analysis_overridden", 5, ada(), None, SentenceEvent::AnalysisOverridden(overridden));
}

#[test]
fn the_other_events_of_a_sentence_are_read() {
    let cleared = Reason { reason: Some("wrong language".into()) };
    check_sentence("analysis_cleared", 6, ada(), None, SentenceEvent::AnalysisCleared(cleared));
    let relocated = SentenceRelocated { old_index: 7, new_index: 8 };
    check_sentence("sentence_relocated", 2, Some(Actor::system()), None, SentenceEvent::Relocated(relocated));
    let tagged = Tag { tag_type: TagType::Keyword, value: "mission".into() };
    check_sentence("sentence_tagged", 7, ada(), None, SentenceEvent::Tagged(tagged));
    let untagged = Tag { tag_type: TagType::Topic, value: "weather".into() };
    check_sentence("sentence_untagged", 8, ada(), None, SentenceEvent::Untagged(untagged));
    let changed = SentenceStatusChanged {
        from_status: SentenceStatus::Created,
        to_status: SentenceStatus::Analyzed,
        reason: None,
    };
    check_sentence(
        "sentence_status_changed",
        9,
        Some(Actor::system()),
        None,
        SentenceEvent::StatusChanged(changed),
    );
    // Its payload is an empty object.
    check_sentence("sentence_deleted", 10, ada(), None, SentenceEvent::Deleted(Reason::default()));
}

#[test]
fn an_unknown_type_keeps_its_metadata() {
    let event = wire::decode(&recorded("unknown_type")).unwrap();
    assert_eq!(event.body, Body::Unknown { event_type: "SentenceTranslated".into() });
    assert_eq!(event.metadata, metadata("unknown_type", AggregateId::Sentence(sentence()), 11, model()));
}

#[track_caller]
fn check_written(name: &str, metadata: &Metadata, body: &Body) {
    let (expected, written) = (recorded(name), wire::encode(metadata, body));
    assert_eq!(written.id, metadata.event_id);
    assert_eq!(written.event_type, expected.event_type);
    assert_eq!(str::from_utf8(&written.data).unwrap(), str::from_utf8(&expected.data).unwrap());
    assert_eq!(str::from_utf8(&written.metadata).unwrap(), str::from_utf8(&expected.metadata).unwrap());
}

#[test]
fn an_interview_is_written_as_recorded() {
    let known = json!({ "crew": 3, "ship": "Odyssey" });
    let body = Body::Interview(InterviewEvent::Created(InterviewCreated {
        title: "Café".into(),
        source: "a.txt".into(),
        language: Some("fr".into()),
        started_at: Some("2024-05-01T10:00:00.123456Z".parse().unwrap()),
        metadata: known.as_object().unwrap().clone(),
    }));
    let name = "written_interview_created";
    let metadata = metadata(name, AggregateId::Interview(interview()), 0, Some(Actor::system()));
    check_written(name, &metadata, &body);
}

#[test]
fn an_analysis_is_written_as_recorded_and_names_its_interview() {
    let event = SentenceEvent::AnalysisGenerated(AnalysisGenerated {
        model: "lexical".into(),
        version: "2".into(),
        findings: Findings {
            classification: report(),
            keywords: vec!["problem".into(), "houston".into()],
            topics: vec!["spaceflight".into()],
            domain_keywords: Vec::new(),
            confidence: Some(0.85),
        },
        raw_ref: None,
    });
    let name = "written_analysis_generated";
    let metadata = metadata(name, AggregateId::Sentence(sentence()), 1, model());
    check_written(name, &metadata, &Body::Sentence { interview: Some(interview()), event });
}

#[test]
fn an_override_is_written_as_recorded_without_what_it_leaves_alone() {
    let event = SentenceEvent::AnalysisOverridden(AnalysisOverridden {
        fields_overridden: OverriddenFields {
            purpose: Some("warn".into()),
            domain_keywords: Some(Vec::new()),
            ..OverriddenFields::default()
        },
        note: None,
    });
    let name = "written_analysis_overridden";
    let metadata = metadata(name, AggregateId::Sentence(sentence()), 2, ada());
    check_written(name, &metadata, &Body::Sentence { interview: Some(interview()), event });
}

#[test]
fn what_metadata_lacks_is_written_as_null() {
    let event = SentenceEvent::Edited(SentenceEdited {
        old_text: "Hi.".into(),
        new_text: "Hi!".into(),
        editor_type: EditorType::Human,
    });
    let name = "written_sentence_edited";
    let metadata = Metadata {
        correlation_id: None,
        trace_id: None,
        project_id: None,
        tags: Vec::new(),
        ..metadata(name, AggregateId::Sentence(sentence()), 3, None)
    };
    check_written(name, &metadata, &Body::Sentence { interview: Some(interview()), event });
}
