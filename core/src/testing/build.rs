//! Events and commands with sane defaults: a test says what it is about, and leaves the rest.

use smol_str::SmolStr;
use uuid::Uuid;

use crate::command::CommandContext;
use crate::event::{Body, Event, RecordedEvent};
use crate::ids::{AggregateId, EventId, InterviewId, ProjectId, SentenceId};
use crate::interview::{InterviewCommand, InterviewCreated, InterviewEvent};
use crate::metadata::{Actor, DEFAULT_SOURCE, Metadata, SCHEMA_VERSION};
use crate::sentence::{
    AnalysisGenerated, AnalysisRegenerated, Classification, EditorType, Findings, SentenceCommand,
    SentenceCreated, SentenceEdited, SentenceEvent, Tag, TagType,
};
use crate::timestamp::Timestamp;
use crate::wire;

/// Returns the interview of these builders, that of the file `a.txt`.
pub fn interview_id() -> InterviewId {
    InterviewId::for_file("a.txt")
}

/// Returns the sentence of these builders' interview that was first read at `index`.
pub fn sentence_id(index: u32) -> SentenceId {
    SentenceId::at(interview_id(), index)
}

/// Returns the time `seconds` after 2024-05-01T10:00:00Z.
pub fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix_ms((1_714_557_600 + seconds) * 1_000)
}

/// Returns the context of a command by the pipeline, asked at that [`time()`], for the project `apollo`.
pub fn context(seconds: u64) -> CommandContext {
    CommandContext {
        actor: Some(Actor::system()),
        correlation_id: Some(Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"correlation")),
        project_id: Some(ProjectId::new("apollo")),
        ..CommandContext::at(time(seconds))
    }
}

/// Returns the metadata of an aggregate's event of that version: by the pipeline, `version` seconds into the test, with
/// an id that depends on aggregate and version alone.
pub fn metadata(aggregate: AggregateId, version: u64) -> Metadata {
    let CommandContext { actor, correlation_id, causation_id, project_id, occurred_at, trace_id } =
        context(version);
    Metadata {
        event_id: EventId::new(Uuid::new_v5(&aggregate.as_uuid(), &version.to_be_bytes())),
        aggregate,
        version,
        occurred_at,
        schema_version: SCHEMA_VERSION.into(),
        actor,
        correlation_id,
        causation_id,
        source: DEFAULT_SOURCE.into(),
        trace_id,
        project_id,
        tags: Vec::new(),
    }
}

/// Returns the event of [`interview_id`] of that version.
pub fn interview_event(version: u64, event: InterviewEvent) -> Event {
    let metadata = metadata(AggregateId::Interview(interview_id()), version);
    Event { metadata, body: Body::Interview(event) }
}

/// Returns the event of the sentence [`sentence_id`]`(index)` of that version; it names its interview.
pub fn sentence_event(index: u32, version: u64, event: SentenceEvent) -> Event {
    let metadata = metadata(AggregateId::Sentence(sentence_id(index)), version);
    Event { metadata, body: Body::Sentence { interview: Some(interview_id()), event } }
}

/// Returns the event as a store hands it out.
pub fn recorded(event: &Event) -> RecordedEvent {
    let encoded = wire::encode(&event.metadata, &event.body);
    RecordedEvent {
        stream: event.metadata.aggregate.stream_name(),
        revision: event.metadata.version,
        id: encoded.id.as_uuid(),
        event_type: encoded.event_type,
        data: encoded.data.into(),
        metadata: encoded.metadata.into(),
    }
}

/// An interview became known under that title.
pub fn interview_created(title: &str) -> InterviewEvent {
    InterviewEvent::Created(InterviewCreated {
        title: title.into(),
        source: "a.txt".into(),
        language: Some("en".into()),
        started_at: None,
        metadata: serde_json::Map::new(),
    })
}

/// The command that leads to [`interview_created`].
pub fn create_interview(title: &str) -> InterviewCommand {
    InterviewCommand::Create {
        title: title.into(),
        source: "a.txt".into(),
        language: Some("en".into()),
        started_at: None,
        metadata: serde_json::Map::new(),
    }
}

/// A sentence was cut at `index`.
pub fn created_at(index: u32, text: &str) -> SentenceEvent {
    SentenceEvent::Created(SentenceCreated {
        interview_id: interview_id(),
        index,
        text: text.into(),
        speaker: None,
        start_ms: None,
        end_ms: None,
    })
}

/// A sentence was cut at index 0.
pub fn created(text: &str) -> SentenceEvent {
    created_at(0, text)
}

/// The command that leads to [`created_at`].
pub fn create_sentence(index: u32, text: &str) -> SentenceCommand {
    SentenceCommand::Create {
        interview_id: interview_id(),
        index,
        text: text.into(),
        speaker: None,
        start_ms: None,
        end_ms: None,
    }
}

/// A text was replaced.
pub fn edited(old_text: &str, new_text: &str, editor_type: EditorType) -> SentenceEvent {
    SentenceEvent::Edited(SentenceEdited {
        old_text: old_text.into(),
        new_text: new_text.into(),
        editor_type,
    })
}

/// The command of a person that leads to [`edited`].
pub fn edit(new_text: &str) -> SentenceCommand {
    SentenceCommand::Edit { new_text: new_text.into(), editor_type: EditorType::Human }
}

/// The command of a program that leads to [`edited`].
pub fn edit_by_program(new_text: &str) -> SentenceCommand {
    SentenceCommand::Edit { new_text: new_text.into(), editor_type: EditorType::Ai }
}

/// Findings with these keywords: a simple statement that informs, about `testing`, with a confidence of 0.5.
pub fn findings(keywords: &[&str]) -> Findings {
    Findings {
        classification: Classification {
            function_type: "statement".into(),
            structure_type: "simple".into(),
            purpose: "inform".into(),
        },
        keywords: keywords.iter().map(SmolStr::new).collect(),
        topics: vec!["testing".into()],
        domain_keywords: Vec::new(),
        confidence: Some(0.5),
    }
}

/// A sentence was analysed.
pub fn generated(findings: Findings) -> SentenceEvent {
    SentenceEvent::AnalysisGenerated(AnalysisGenerated {
        model: "lexical".into(),
        version: "1".into(),
        findings,
        raw_ref: None,
    })
}

/// The command that leads to [`generated`].
pub fn generate(findings: Findings) -> SentenceCommand {
    SentenceCommand::GenerateAnalysis {
        model: "lexical".into(),
        version: "1".into(),
        findings,
        raw_ref: None,
    }
}

/// A sentence was analysed again.
pub fn regenerated(findings: Findings) -> SentenceEvent {
    SentenceEvent::AnalysisRegenerated(AnalysisRegenerated {
        model: "lexical".into(),
        reason: "reprocessed".into(),
        delta: None,
        findings,
    })
}

/// The command that leads to [`regenerated`].
pub fn regenerate(findings: Findings) -> SentenceCommand {
    SentenceCommand::RegenerateAnalysis {
        model: "lexical".into(),
        reason: "reprocessed".into(),
        delta: None,
        findings,
    }
}

/// A keyword to attach or take off.
pub fn keyword(value: &str) -> Tag {
    Tag { tag_type: TagType::Keyword, value: value.into() }
}

/// A topic to attach or take off.
pub fn topic(value: &str) -> Tag {
    Tag { tag_type: TagType::Topic, value: value.into() }
}
