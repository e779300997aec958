//! Commands wait in an outbox, which outlives the program that wrote them: their JSON stays as recorded here.

use cutover_core::command::{Command, CommandContext};
use cutover_core::ids::{InterviewId, ProjectId, SentenceId};
use cutover_core::interview::{InterviewCommand, InterviewStatus};
use cutover_core::metadata::{Actor, ActorType};
use cutover_core::sentence::{
    Classification, EditorType, Findings, OverriddenFields, SentenceCommand, Tag, TagType,
};
use cutover_core::testing::strategy::{any_command, any_command_context};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

const INTERVIEW: &str = "1b4d2c3e-0000-5000-8000-000000000001";
const SENTENCE: &str = "1b4d2c3e-0000-5000-8000-000000000002";

fn interview() -> InterviewId {
    InterviewId::new(INTERVIEW.parse().unwrap())
}

/// Holds the JSON in both directions: what is written, byte by byte, and what is read of it.
#[track_caller]
fn check_interview(command: InterviewCommand, recorded: &str) {
    let command = Command::Interview { id: interview(), command };
    let recorded = format!(r#"{{"Interview":{{"id":"{INTERVIEW}","command":{recorded}}}}}"#);
    assert_eq!(serde_json::to_string(&command).unwrap(), recorded);
    assert_eq!(serde_json::from_str::<Command>(&recorded).unwrap(), command);
}

#[track_caller]
fn check_sentence(command: SentenceCommand, recorded: &str) {
    let command = Command::Sentence { id: SentenceId::new(SENTENCE.parse().unwrap()), command };
    let recorded = format!(r#"{{"Sentence":{{"id":"{SENTENCE}","command":{recorded}}}}}"#);
    assert_eq!(serde_json::to_string(&command).unwrap(), recorded);
    assert_eq!(serde_json::from_str::<Command>(&recorded).unwrap(), command);
}

fn findings() -> Findings {
    Findings {
        classification: Classification {
            function_type: "statement".into(),
            structure_type: "simple".into(),
            purpose: "report".into(),
        },
        keywords: vec!["problem".into(), "houston".into()],
        topics: vec!["spaceflight".into()],
        domain_keywords: Vec::new(),
        confidence: Some(0.85),
    }
}

#[test]
fn create_interview_is_written_as_recorded() {
    let metadata = json!({ "crew": 3 });
    check_interview(
        InterviewCommand::Create {
            title: "Café".into(),
            source: "in/a.txt".into(),
            language: Some("fr".into()),
            started_at: Some("1970-04-14T03:07:53Z".parse().unwrap()),
            metadata: metadata.as_object().unwrap().clone(),
        },
        r#"{"CreateInterview":{"title":"Café","source":"in/a.txt","language":"fr","started_at":"1970-04-14T03:07:53Z","metadata":{"crew":3}}}"#,
    );
}

#[test]
fn update_interview_is_written_as_recorded() {
    let diff = json!({ "crew": null });
    check_interview(
        InterviewCommand::Update {
            title: Some("B".into()),
            language: None,
            metadata_diff: diff.as_object().unwrap().clone(),
        },
        r#"{"UpdateInterview":{"title":"B","language":null,"metadata_diff":{"crew":null}}}"#,
    );
}

#[test]
fn change_interview_status_is_written_as_recorded() {
    check_interview(
        InterviewCommand::ChangeStatus {
            to_status: InterviewStatus::Failed,
            reason: Some("no model".into()),
        },
        r#"{"ChangeInterviewStatus":{"to_status":"failed","reason":"no model"}}"#,
    );
}

#[test]
fn the_end_of_an_interview_is_written_as_recorded() {
    check_interview(
        InterviewCommand::Archive { reason: Some("done".into()) },
        r#"{"ArchiveInterview":{"reason":"done"}}"#,
    );
    check_interview(InterviewCommand::Delete { reason: None }, r#"{"DeleteInterview":{"reason":null}}"#);
}

#[test]
fn create_sentence_is_written_as_recorded() {
    check_sentence(
        SentenceCommand::Create {
            interview_id: interview(),
            index: 7,
            text: "Houston, we've had a problem.".into(),
            speaker: Some("Lovell".into()),
            start_ms: Some(1_000),
            end_ms: None,
        },
        r#"{"CreateSentence":{"interview_id":"1b4d2c3e-0000-5000-8000-000000000001","index":7,"text":"Houston, we've had a problem.","speaker":"Lovell","start_ms":1000,"end_ms":null}}"#,
    );
}

#[test]
fn edit_sentence_is_written_as_recorded() {
    check_sentence(
        SentenceCommand::Edit { new_text: "Hi!".into(), editor_type: EditorType::Human },
        r#"{"EditSentence":{"new_text":"Hi!","editor_type":"human"}}"#,
    );
}

#[test]
fn relocate_and_delete_sentence_are_written_as_recorded() {
    check_sentence(SentenceCommand::Relocate { new_index: 8 }, r#"{"RelocateSentence":{"new_index":8}}"#);
    check_sentence(
        SentenceCommand::Delete { reason: Some("cut".into()) },
        r#"{"DeleteSentence":{"reason":"cut"}}"#,
    );
}

#[test]
fn generate_analysis_is_written_as_recorded() {
    check_sentence(
        SentenceCommand::GenerateAnalysis {
            model: "lexical".into(),
            version: "2".into(),
            findings: findings(),
            raw_ref: Some("s3://raw/1".into()),
        },
        r#"{"GenerateAnalysis":{"model":"lexical","version":"2","findings":{"classification":{"function_type":"statement","structure_type":"simple","purpose":"report"},"keywords":["problem","houston"],"topics":["spaceflight"],"domain_keywords":[],"confidence":0.85},"raw_ref":"s3://raw/1"}}"#,
    );
}

#[test]
fn regenerate_analysis_is_written_as_recorded() {
    check_sentence(
        SentenceCommand::RegenerateAnalysis {
            model: "lexical".into(),
            reason: "new model".into(),
            delta: Some(json!({ "purpose": ["ask", "report"] })),
            findings: Findings { confidence: None, ..findings() },
        },
        r#"{"RegenerateAnalysis":{"model":"lexical","reason":"new model","delta":{"purpose":["ask","report"]},"findings":{"classification":{"function_type":"statement","structure_type":"simple","purpose":"report"},"keywords":["problem","houston"],"topics":["spaceflight"],"domain_keywords":[],"confidence":null}}}"#,
    );
}

#[test]
fn override_analysis_is_written_as_recorded_without_what_it_leaves_alone() {
    check_sentence(
        SentenceCommand::OverrideAnalysis {
            fields: OverriddenFields {
                purpose: Some("warn".into()),
                topics: Some(Vec::new()),
                ..OverriddenFields::default()
            },
            note: Some("see tape".into()),
        },
        r#"{"OverrideAnalysis":{"fields":{"purpose":"warn","topics":[]},"note":"see tape"}}"#,
    );
}

#[test]
fn clear_analysis_is_written_as_recorded() {
    check_sentence(
        SentenceCommand::ClearAnalysis { reason: Some("wrong language".into()) },
        r#"{"ClearAnalysis":{"reason":"wrong language"}}"#,
    );
}

#[test]
fn tags_are_written_as_recorded() {
    check_sentence(
        SentenceCommand::Tag(Tag { tag_type: TagType::Keyword, value: "mission".into() }),
        r#"{"TagSentence":{"tag_type":"keyword","value":"mission"}}"#,
    );
    check_sentence(
        SentenceCommand::Untag(Tag { tag_type: TagType::Topic, value: "weather".into() }),
        r#"{"UntagSentence":{"tag_type":"topic","value":"weather"}}"#,
    );
}

#[test]
fn the_context_of_a_command_is_written_as_recorded() {
    let context = CommandContext {
        actor: Some(Actor { user_id: Some("u-17".into()), display: None, actor_type: ActorType::Human }),
        correlation_id: Some(Uuid::nil()),
        causation_id: None,
        project_id: Some(ProjectId::new("apollo")),
        occurred_at: "2024-05-01T10:00:00.123456Z".parse().unwrap(),
        trace_id: None,
    };
    let recorded = r#"{"actor":{"user_id":"u-17","display":null,"actor_type":"human"},"correlation_id":"00000000-0000-0000-0000-000000000000","causation_id":null,"project_id":"apollo","occurred_at":"2024-05-01T10:00:00.123456Z","trace_id":null}"#;
    assert_eq!(serde_json::to_string(&context).unwrap(), recorded);
    assert_eq!(serde_json::from_str::<CommandContext>(recorded).unwrap(), context);
}

#[test]
fn an_index_or_a_time_below_zero_is_refused_when_it_is_read() {
    let create = |index: i64, start_ms: i64| {
        format!(
            r#"{{"CreateSentence":{{"interview_id":"{INTERVIEW}","index":{index},"text":"Hi.","speaker":null,"start_ms":{start_ms},"end_ms":null}}}}"#
        )
    };
    assert!(serde_json::from_str::<SentenceCommand>(&create(0, 0)).is_ok());
    assert!(serde_json::from_str::<SentenceCommand>(&create(-1, 0)).is_err());
    assert!(serde_json::from_str::<SentenceCommand>(&create(0, -1)).is_err());
    assert!(serde_json::from_str::<SentenceCommand>(r#"{"RelocateSentence":{"new_index":-1}}"#).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_command_is_read_as_it_was_written(command in any_command()) {
        let json = serde_json::to_string(&command).unwrap();
        prop_assert_eq!(serde_json::from_str::<Command>(&json).unwrap(), command);
    }

    #[test]
    fn any_context_is_read_as_it_was_written(context in any_command_context()) {
        let json = serde_json::to_string(&context).unwrap();
        prop_assert_eq!(serde_json::from_str::<CommandContext>(&json).unwrap(), context);
    }
}
