//! Any event, whether or not it makes sense after others: what the wire must carry.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value};
use smol_str::SmolStr;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::event::{Body, Event};
use crate::ids::{AggregateId, EventId, InterviewId, ProjectId, SentenceId};
use crate::interview::{
    InterviewCreated, InterviewEvent, InterviewStatus, InterviewStatusChanged, InterviewUpdated, Reason,
};
use crate::metadata::{Actor, ActorType, Metadata};
use crate::sentence::{
    AnalysisGenerated, AnalysisOverridden, AnalysisRegenerated, Classification, EditorType, Findings,
    OverriddenFields, SentenceCreated, SentenceEdited, SentenceEvent, SentenceRelocated, SentenceStatus,
    SentenceStatusChanged, Tag, TagType,
};
use crate::timestamp::Timestamp;

/// The last nanosecond of the year 9999.
const LAST_NANOSECOND: i128 = 253_402_300_799_999_999_999;

/// Any event of either aggregate, with metadata that fits.
pub fn any_event() -> impl Strategy<Value = Event> {
    any_body().prop_flat_map(|body| {
        let metadata = match body {
            Body::Interview(_) => any_interview_id().prop_map(AggregateId::Interview).boxed(),
            Body::Sentence { .. } | Body::Unknown { .. } => {
                any_uuid().prop_map(|id| AggregateId::Sentence(SentenceId::new(id))).boxed()
            }
        }
        .prop_flat_map(any_metadata);
        metadata.prop_map(move |metadata| Event { metadata, body: body.clone() })
    })
}

/// Any body of a known type. A created sentence is named by the interview in its payload, as on the wire.
pub fn any_body() -> impl Strategy<Value = Body> {
    prop_oneof![
        5 => any_interview_event().prop_map(Body::Interview),
        11 => (option::of(any_interview_id()), any_sentence_event()).prop_map(|(interview, event)| {
            let interview = match &event {
                SentenceEvent::Created(created) => Some(created.interview_id),
                _ => interview,
            };
            Body::Sentence { interview, event }
        }),
    ]
}

/// Any metadata of that aggregate.
pub fn any_metadata(aggregate: AggregateId) -> impl Strategy<Value = Metadata> {
    let identity = (any_uuid(), 0..=i64::MAX as u64, any_timestamp(), "1\\.[0-9]\\.[0-9]");
    let causes = (option::of(any_actor()), option::of(any_uuid()), option::of(any_uuid()));
    let labels = (any_text(), option::of(any_text()), option::of(any_text()), vec(any_text(), 0..3));
    (identity, causes, labels).prop_map(move |(identity, causes, labels)| {
        let (event_id, version, occurred_at, schema_version) = identity;
        let (actor, correlation_id, causation_id) = causes;
        let (source, trace_id, project_id, tags) = labels;
        Metadata {
            event_id: EventId::new(event_id),
            aggregate,
            version,
            occurred_at,
            schema_version: schema_version.into(),
            actor,
            correlation_id,
            causation_id,
            source,
            trace_id,
            project_id: project_id.map(ProjectId::new),
            tags,
        }
    })
}

/// Any event of an interview, every type as likely as another.
pub fn any_interview_event() -> impl Strategy<Value = InterviewEvent> {
    let created = (any_text(), any_text(), option::of(any_text()), option::of(any_timestamp()), any_map());
    let updated = (option::of(any_text()), option::of(any_text()), any_map());
    let changed = (any_interview_status(), any_interview_status(), option::of(any_text()));
    prop_oneof![
        created.prop_map(|(title, source, language, started_at, metadata)| {
            InterviewEvent::Created(InterviewCreated { title, source, language, started_at, metadata })
        }),
        updated.prop_map(|(title, language, metadata_diff)| {
            InterviewEvent::Updated(InterviewUpdated { title, language, metadata_diff })
        }),
        changed.prop_map(|(from_status, to_status, reason)| {
            InterviewEvent::StatusChanged(InterviewStatusChanged { from_status, to_status, reason })
        }),
        any_reason().prop_map(InterviewEvent::Archived),
        any_reason().prop_map(InterviewEvent::Deleted),
    ]
}

/// Any event of a sentence, every type as likely as another.
pub fn any_sentence_event() -> impl Strategy<Value = SentenceEvent> {
    let created = (
        any_interview_id(),
        any::<u32>(),
        any_text(),
        option::of(any_text()),
        option::of(any::<u64>()),
        option::of(any::<u64>()),
    );
    let editor = prop_oneof![Just(EditorType::Human), Just(EditorType::Ai)];
    prop_oneof![
        created.prop_map(|(interview_id, index, text, speaker, start_ms, end_ms)| {
            SentenceEvent::Created(SentenceCreated { interview_id, index, text, speaker, start_ms, end_ms })
        }),
        (any_text(), any_text(), editor).prop_map(|(old_text, new_text, editor_type)| {
            SentenceEvent::Edited(SentenceEdited { old_text, new_text, editor_type })
        }),
        any::<(u32, u32)>().prop_map(|(old_index, new_index)| {
            SentenceEvent::Relocated(SentenceRelocated { old_index, new_index })
        }),
        (any_text(), any_text(), any_findings(), option::of(any_text())).prop_map(
            |(model, version, findings, raw_ref)| {
                let generated = AnalysisGenerated { model, version, findings, raw_ref };
                SentenceEvent::AnalysisGenerated(generated)
            }
        ),
        (any_text(), any_text(), option::of(any_map()), any_findings()).prop_map(
            |(model, reason, delta, findings)| {
                let delta = delta.map(Value::Object);
                SentenceEvent::AnalysisRegenerated(AnalysisRegenerated { model, reason, delta, findings })
            }
        ),
        (any_overridden_fields(), option::of(any_text())).prop_map(|(fields_overridden, note)| {
            SentenceEvent::AnalysisOverridden(AnalysisOverridden { fields_overridden, note })
        }),
        any_reason().prop_map(SentenceEvent::AnalysisCleared),
        any_tag().prop_map(SentenceEvent::Tagged),
        any_tag().prop_map(SentenceEvent::Untagged),
        (any_sentence_status(), any_sentence_status(), option::of(any_text())).prop_map(
            |(from_status, to_status, reason)| {
                let changed = SentenceStatusChanged { from_status, to_status, reason };
                SentenceEvent::StatusChanged(changed)
            }
        ),
        any_reason().prop_map(SentenceEvent::Deleted),
    ]
}

/// Any time from 1970 to 9999: to the nanosecond, or to the second as often.
pub fn any_timestamp() -> impl Strategy<Value = Timestamp> {
    let nanoseconds = prop_oneof![
        0..=LAST_NANOSECOND,
        (0..=LAST_NANOSECOND / 1_000_000_000).prop_map(|seconds| seconds * 1_000_000_000),
    ];
    nanoseconds.prop_map(|nanoseconds| {
        let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds);
        Timestamp::new(time.expect("a time within the years 1970 to 9999"))
    })
}

pub(super) fn any_uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

pub(super) fn any_interview_id() -> impl Strategy<Value = InterviewId> {
    any_uuid().prop_map(InterviewId::new)
}

/// Text of every kind: short and long for inline and shared storage, with what JSON must escape.
pub(super) fn any_text() -> impl Strategy<Value = SmolStr> {
    prop_oneof![
        4 => "[a-z ]{0,12}".prop_map(SmolStr::from),
        1 => "\\PC{0,40}".prop_map(SmolStr::from),
        1 => any::<String>().prop_map(SmolStr::from),
    ]
}

pub(super) fn any_actor() -> impl Strategy<Value = Actor> {
    let actor_type = prop_oneof![Just(ActorType::Human), Just(ActorType::System), Just(ActorType::Ai)];
    (option::of(any_text()), option::of(any_text()), actor_type)
        .prop_map(|(user_id, display, actor_type)| Actor { user_id, display, actor_type })
}

fn any_reason() -> impl Strategy<Value = Reason> {
    option::of(any_text()).prop_map(|reason| Reason { reason })
}

fn any_finite() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..=1.0, any::<f64>().prop_filter("JSON knows finite numbers only", |f| f.is_finite())]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any_finite().prop_map(Value::from),
        any_text().prop_map(|text| Value::from(text.as_str())),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("[a-z]{1,4}", inner), 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

pub(super) fn any_map() -> impl Strategy<Value = Map<String, Value>> {
    vec(("[a-zé]{1,4}", any_json()), 0..4).prop_map(|fields| fields.into_iter().collect())
}

pub(super) fn any_interview_status() -> impl Strategy<Value = InterviewStatus> {
    prop_oneof![
        Just(InterviewStatus::Created),
        Just(InterviewStatus::Processing),
        Just(InterviewStatus::Completed),
        Just(InterviewStatus::Failed),
        Just(InterviewStatus::Archived),
    ]
}

fn any_sentence_status() -> impl Strategy<Value = SentenceStatus> {
    prop_oneof![
        Just(SentenceStatus::Created),
        Just(SentenceStatus::Analyzed),
        Just(SentenceStatus::Edited),
        Just(SentenceStatus::Deleted),
    ]
}

fn any_words() -> impl Strategy<Value = Vec<SmolStr>> {
    vec(any_text(), 0..8)
}

pub(super) fn any_findings() -> impl Strategy<Value = Findings> {
    let classification = (any_text(), any_text(), any_text());
    (classification, any_words(), any_words(), any_words(), option::of(any_finite())).prop_map(
        |((function_type, structure_type, purpose), keywords, topics, domain_keywords, confidence)| {
            Findings {
                classification: Classification { function_type, structure_type, purpose },
                keywords,
                topics,
                domain_keywords,
                confidence,
            }
        },
    )
}

pub(super) fn any_overridden_fields() -> impl Strategy<Value = OverriddenFields> {
    let one = || option::of(any_text());
    let many = || option::of(any_words());
    (one(), one(), one(), many(), many(), many()).prop_map(
        |(function_type, structure_type, purpose, keywords, topics, domain_keywords)| OverriddenFields {
            function_type,
            structure_type,
            purpose,
            keywords,
            topics,
            domain_keywords,
        },
    )
}

pub(super) fn any_tag() -> impl Strategy<Value = Tag> {
    let tag_type = prop_oneof![Just(TagType::Keyword), Just(TagType::Topic)];
    (tag_type, any_text()).prop_map(|(tag_type, value)| Tag { tag_type, value })
}
