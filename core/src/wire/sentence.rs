//! Payloads of a sentence's events on the wire.
//!
//! The running service names the interview in `SentenceCreated` alone; this program names it in every event, so that
//! each can be brought to its interview's lane without a look at another.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use smol_str::SmolStr;

use crate::event::{Body, RecordedEvent};
use crate::ids::InterviewId;
use crate::interview::Reason;
use crate::sentence::{
    AnalysisGenerated, AnalysisOverridden, AnalysisRegenerated, Classification, EditorType, Findings,
    OverriddenFields, SentenceCreated, SentenceEdited, SentenceEvent, SentenceRelocated, SentenceStatus,
    SentenceStatusChanged, Tag, TagType,
};
use crate::wire::json::{self, Payload, null_as_default};
use crate::wire::usual::Usual;
use crate::wire::{DecodeError, EventType};

type Words<'a> = Cow<'a, [SmolStr]>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Created {
    interview_id: InterviewId,
    index: u32,
    text: SmolStr,
    speaker: Option<SmolStr>,
    start_ms: Option<u64>,
    end_ms: Option<u64>,
}

impl Created {
    /// Reads what lies as [`encode`] lays it.
    pub(super) fn usual(mut at: Usual<'_>) -> Option<Self> {
        let created = Self {
            interview_id: InterviewId::new(at.first("interview_id")?.uuid()?),
            index: at.next("index")?.whole_number()?.try_into().ok()?,
            text: at.next("text")?.smol_str()?,
            speaker: at.next("speaker")?.or_null(Usual::smol_str)?,
            start_ms: at.next("start_ms")?.or_null(Usual::whole_number)?,
            end_ms: at.next("end_ms")?.or_null(Usual::whole_number)?,
        };
        at.close()?;
        at.end()?;
        Some(created)
    }
}

#[derive(Serialize, Deserialize)]
struct Edited {
    #[serde(skip_serializing_if = "Option::is_none")]
    interview_id: Option<InterviewId>,
    old_text: SmolStr,
    new_text: SmolStr,
    editor_type: EditorType,
}

#[derive(Serialize, Deserialize)]
struct Relocated {
    #[serde(skip_serializing_if = "Option::is_none")]
    interview_id: Option<InterviewId>,
    old_index: u32,
    new_index: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Generated<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    interview_id: Option<InterviewId>,
    model: SmolStr,
    version: SmolStr,
    classification: Cow<'a, Classification>,
    #[serde(default, deserialize_with = "null_as_default")]
    keywords: Words<'a>,
    #[serde(default, deserialize_with = "null_as_default")]
    topics: Words<'a>,
    #[serde(default, deserialize_with = "null_as_default")]
    domain_keywords: Words<'a>,
    confidence: Option<f64>,
    raw_ref: Option<SmolStr>,
}

impl Generated<'_> {
    /// Reads what lies as [`encode`] lays it, with or without the interview.
    pub(super) fn usual(start: Usual<'_>) -> Option<Self> {
        let mut at = start;
        let interview_id = at.first("interview_id").and_then(Usual::uuid).map(InterviewId::new);
        let model = match interview_id {
            Some(_) => at.next("model")?.smol_str()?,
            None => {
                at = start;
                at.first("model")?.smol_str()?
            }
        };
        let generated = Self {
            interview_id,
            model,
            version: at.next("version")?.smol_str()?,
            classification: Cow::Owned(usual_classification(at.next("classification")?)?),
            keywords: at.next("keywords")?.texts()?.into(),
            topics: at.next("topics")?.texts()?.into(),
            domain_keywords: at.next("domain_keywords")?.texts()?.into(),
            confidence: at.next("confidence")?.or_null(Usual::fraction)?,
            raw_ref: at.next("raw_ref")?.or_null(Usual::smol_str)?,
        };
        at.close()?;
        at.end()?;
        Some(generated)
    }
}

fn usual_classification(at: &mut Usual<'_>) -> Option<Classification> {
    let classification = Classification {
        function_type: at.first("function_type")?.smol_str()?,
        structure_type: at.next("structure_type")?.smol_str()?,
        purpose: at.next("purpose")?.smol_str()?,
    };
    at.close()?;
    Some(classification)
}

#[derive(Serialize, Deserialize)]
struct Regenerated<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    interview_id: Option<InterviewId>,
    model: SmolStr,
    reason: SmolStr,
    delta: Option<Cow<'a, Value>>,
    classification: Cow<'a, Classification>,
    #[serde(default, deserialize_with = "null_as_default")]
    keywords: Words<'a>,
    #[serde(default, deserialize_with = "null_as_default")]
    topics: Words<'a>,
    #[serde(default, deserialize_with = "null_as_default")]
    domain_keywords: Words<'a>,
    confidence: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct Overridden<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    interview_id: Option<InterviewId>,
    fields_overridden: Cow<'a, OverriddenFields>,
    note: Option<SmolStr>,
}

#[derive(Serialize, Deserialize)]
struct Tagging {
    #[serde(skip_serializing_if = "Option::is_none")]
    interview_id: Option<InterviewId>,
    tag_type: TagType,
    value: SmolStr,
}

#[derive(Serialize, Deserialize)]
struct StatusChanged {
    #[serde(skip_serializing_if = "Option::is_none")]
    interview_id: Option<InterviewId>,
    from_status: SentenceStatus,
    to_status: SentenceStatus,
    reason: Option<SmolStr>,
}

#[derive(Serialize, Deserialize)]
struct Why {
    #[serde(skip_serializing_if = "Option::is_none")]
    interview_id: Option<InterviewId>,
    reason: Option<SmolStr>,
}

/// Reads the payload of an event of that type, or answers `None` when the type is not one of a sentence.
pub(super) fn decode(
    event_type: EventType,
    payload: Payload<'_>,
    recorded: &RecordedEvent,
) -> Result<Option<Body>, DecodeError> {
    let (interview, event) = match event_type {
        EventType::SentenceCreated => {
            let Created { interview_id, index, text, speaker, start_ms, end_ms } =
                payload.read_usual(Created::usual, recorded)?;
            let created = SentenceCreated { interview_id, index, text, speaker, start_ms, end_ms };
            (Some(interview_id), SentenceEvent::Created(created))
        }
        EventType::SentenceEdited => {
            let Edited { interview_id, old_text, new_text, editor_type } = payload.read(recorded)?;
            (interview_id, SentenceEvent::Edited(SentenceEdited { old_text, new_text, editor_type }))
        }
        EventType::SentenceRelocated => {
            let Relocated { interview_id, old_index, new_index } = payload.read(recorded)?;
            (interview_id, SentenceEvent::Relocated(SentenceRelocated { old_index, new_index }))
        }
        EventType::AnalysisGenerated => generated(payload.read_usual(Generated::usual, recorded)?),
        EventType::AnalysisRegenerated => regenerated(payload.read(recorded)?),
        EventType::AnalysisOverridden => {
            let Overridden { interview_id, fields_overridden, note } = payload.read(recorded)?;
            let overridden = AnalysisOverridden { fields_overridden: fields_overridden.into_owned(), note };
            (interview_id, SentenceEvent::AnalysisOverridden(overridden))
        }
        EventType::AnalysisCleared => {
            let Why { interview_id, reason } = payload.read(recorded)?;
            (interview_id, SentenceEvent::AnalysisCleared(Reason { reason }))
        }
        EventType::SentenceTagged => {
            let Tagging { interview_id, tag_type, value } = payload.read(recorded)?;
            (interview_id, SentenceEvent::Tagged(Tag { tag_type, value }))
        }
        EventType::SentenceUntagged => {
            let Tagging { interview_id, tag_type, value } = payload.read(recorded)?;
            (interview_id, SentenceEvent::Untagged(Tag { tag_type, value }))
        }
        EventType::SentenceStatusChanged => {
            let StatusChanged { interview_id, from_status, to_status, reason } = payload.read(recorded)?;
            let changed = SentenceStatusChanged { from_status, to_status, reason };
            (interview_id, SentenceEvent::StatusChanged(changed))
        }
        EventType::SentenceDeleted => {
            let Why { interview_id, reason } = payload.read(recorded)?;
            (interview_id, SentenceEvent::Deleted(Reason { reason }))
        }
        EventType::InterviewCreated
        | EventType::InterviewUpdated
        | EventType::InterviewStatusChanged
        | EventType::InterviewArchived
        | EventType::InterviewDeleted => return Ok(None),
    };
    Ok(Some(Body::Sentence { interview, event }))
}

fn generated(read: Generated<'_>) -> (Option<InterviewId>, SentenceEvent) {
    let findings = Findings {
        classification: read.classification.into_owned(),
        keywords: read.keywords.into_owned(),
        topics: read.topics.into_owned(),
        domain_keywords: read.domain_keywords.into_owned(),
        confidence: read.confidence,
    };
    let generated =
        AnalysisGenerated { model: read.model, version: read.version, findings, raw_ref: read.raw_ref };
    (read.interview_id, SentenceEvent::AnalysisGenerated(generated))
}

fn regenerated(read: Regenerated<'_>) -> (Option<InterviewId>, SentenceEvent) {
    let findings = Findings {
        classification: read.classification.into_owned(),
        keywords: read.keywords.into_owned(),
        topics: read.topics.into_owned(),
        domain_keywords: read.domain_keywords.into_owned(),
        confidence: read.confidence,
    };
    let delta = read.delta.map(Cow::into_owned);
    let regenerated = AnalysisRegenerated { model: read.model, reason: read.reason, delta, findings };
    (read.interview_id, SentenceEvent::AnalysisRegenerated(regenerated))
}

/// Writes the payload of an event, with the interview's id where it is known.
pub(super) fn encode(interview: Option<InterviewId>, event: &SentenceEvent) -> Vec<u8> {
    let interview_id = interview;
    match event {
        SentenceEvent::Created(created) => json::write(&Created {
            interview_id: created.interview_id,
            index: created.index,
            text: created.text.clone(),
            speaker: created.speaker.clone(),
            start_ms: created.start_ms,
            end_ms: created.end_ms,
        }),
        SentenceEvent::Edited(edited) => json::write(&Edited {
            interview_id,
            old_text: edited.old_text.clone(),
            new_text: edited.new_text.clone(),
            editor_type: edited.editor_type,
        }),
        SentenceEvent::Relocated(relocated) => json::write(&Relocated {
            interview_id,
            old_index: relocated.old_index,
            new_index: relocated.new_index,
        }),
        SentenceEvent::AnalysisGenerated(generated) => json::write(&Generated {
            interview_id,
            model: generated.model.clone(),
            version: generated.version.clone(),
            classification: Cow::Borrowed(&generated.findings.classification),
            keywords: Cow::Borrowed(&generated.findings.keywords),
            topics: Cow::Borrowed(&generated.findings.topics),
            domain_keywords: Cow::Borrowed(&generated.findings.domain_keywords),
            confidence: generated.findings.confidence,
            raw_ref: generated.raw_ref.clone(),
        }),
        SentenceEvent::AnalysisRegenerated(regenerated) => json::write(&Regenerated {
            interview_id,
            model: regenerated.model.clone(),
            reason: regenerated.reason.clone(),
            delta: regenerated.delta.as_ref().map(Cow::Borrowed),
            classification: Cow::Borrowed(&regenerated.findings.classification),
            keywords: Cow::Borrowed(&regenerated.findings.keywords),
            topics: Cow::Borrowed(&regenerated.findings.topics),
            domain_keywords: Cow::Borrowed(&regenerated.findings.domain_keywords),
            confidence: regenerated.findings.confidence,
        }),
        SentenceEvent::AnalysisOverridden(overridden) => json::write(&Overridden {
            interview_id,
            fields_overridden: Cow::Borrowed(&overridden.fields_overridden),
            note: overridden.note.clone(),
        }),
        SentenceEvent::Tagged(tag) | SentenceEvent::Untagged(tag) => {
            json::write(&Tagging { interview_id, tag_type: tag.tag_type, value: tag.value.clone() })
        }
        SentenceEvent::StatusChanged(changed) => json::write(&StatusChanged {
            interview_id,
            from_status: changed.from_status,
            to_status: changed.to_status,
            reason: changed.reason.clone(),
        }),
        SentenceEvent::AnalysisCleared(why) | SentenceEvent::Deleted(why) => {
            json::write(&Why { interview_id, reason: why.reason.clone() })
        }
    }
}
