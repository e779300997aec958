//! Which commands a sentence accepts, and what happens then.
//!
//! No command asks for a status: it follows what happens (see the state). One that the running service set to `deleted`
//! can only be removed.

use smol_str::SmolStr;

use crate::interview::Reason;
use crate::sentence::{
    Analysis, AnalysisGenerated, AnalysisOverridden, AnalysisRegenerated, EditorType, Findings,
    OverriddenFields, Sentence, SentenceCommand, SentenceCreated, SentenceEdited, SentenceEvent,
    SentenceRelocated, SentenceState, SentenceStatus, Tag,
};

/// The rule that a command to a sentence would break.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// A sentence is created once.
    #[error("the sentence exists already")]
    AlreadyExists,
    /// Nothing can be done to what does not exist.
    #[error("there is no such sentence")]
    DoesNotExist,
    /// Nothing can be done to what is deleted, and it is not created again.
    #[error("the sentence is deleted")]
    Deleted,
    /// A text has more than white space.
    #[error("the text is empty")]
    EmptyText,
    /// What is said begins before it ends.
    #[error("the sentence would start at {start_ms} ms, after its end at {end_ms} ms")]
    EndsBeforeStart {
        /// The start, in milliseconds.
        start_ms: u64,
        /// The end, in milliseconds.
        end_ms: u64,
    },
    /// An edit changes the text.
    #[error("the edit does not change the text")]
    TextUnchanged,
    /// A program does not edit what a person has edited.
    #[error("the text was edited by a person, and a program may not replace it")]
    ProtectedByHuman,
    /// A sentence that moves takes another place.
    #[error("the sentence is at index {index} already")]
    IndexUnchanged {
        /// The place.
        index: u32,
    },
    /// What is analysed is analysed again, not for the first time.
    #[error("the sentence has an analysis already")]
    AlreadyAnalysed,
    /// An analysis is changed only where there is one.
    #[error("the sentence has no analysis")]
    NotAnalysed,
    /// A confidence is a number from 0 to 1.
    #[error("the confidence {confidence} is not within 0..=1")]
    ConfidenceOutOfRange {
        /// The confidence.
        confidence: f64,
    },
    /// An override names at least one field.
    #[error("the override names no field")]
    EmptyOverride,
    /// A tag has more than white space.
    #[error("the tag is empty")]
    EmptyTag,
    /// What a person has attached is not attached again. What a model found may be: that protects it.
    #[error("`{}` is tagged already", .tag.value)]
    AlreadyTagged {
        /// The tag.
        tag: Tag,
    },
    /// Only what is attached, by whomever, is taken off.
    #[error("`{}` is not attached", .tag.value)]
    NotTagged {
        /// The tag.
        tag: Tag,
    },
}

/// Decides a command: what happens, or which rule forbids it.
///
/// # Errors
///
/// Returns the first rule that the command would break.
pub fn decide(state: &SentenceState, command: SentenceCommand) -> Result<Vec<SentenceEvent>, Rejection> {
    let event = match (state, command) {
        (
            SentenceState::NotCreated,
            SentenceCommand::Create { interview_id, index, text, speaker, start_ms, end_ms },
        ) => create(SentenceCreated { interview_id, index, text, speaker, start_ms, end_ms })?,
        (SentenceState::NotCreated, _) => return Err(Rejection::DoesNotExist),
        (SentenceState::Deleted, _) => return Err(Rejection::Deleted),
        (SentenceState::Existing(sentence), command) => decide_existing(sentence, command)?,
    };
    Ok(vec![event])
}

fn decide_existing(sentence: &Sentence, command: SentenceCommand) -> Result<SentenceEvent, Rejection> {
    match command {
        SentenceCommand::Create { .. } => Err(Rejection::AlreadyExists),
        SentenceCommand::Delete { reason } => Ok(SentenceEvent::Deleted(Reason { reason })),
        _ if sentence.status == SentenceStatus::Deleted => Err(Rejection::Deleted),
        SentenceCommand::Edit { new_text, editor_type } => edit(sentence, new_text, editor_type),
        SentenceCommand::GenerateAnalysis { model, version, findings, raw_ref } => {
            if sentence.has_analysis() {
                return Err(Rejection::AlreadyAnalysed);
            }
            check_confidence(&findings)?;
            let generated = AnalysisGenerated { model, version, findings, raw_ref };
            Ok(SentenceEvent::AnalysisGenerated(generated))
        }
        SentenceCommand::RegenerateAnalysis { model, reason, delta, findings } => {
            analysis_of(sentence)?;
            check_confidence(&findings)?;
            let regenerated = AnalysisRegenerated { model, reason, delta, findings };
            Ok(SentenceEvent::AnalysisRegenerated(regenerated))
        }
        SentenceCommand::OverrideAnalysis { fields, note } => {
            analysis_of(sentence)?;
            if fields == OverriddenFields::default() {
                return Err(Rejection::EmptyOverride);
            }
            let overridden = AnalysisOverridden { fields_overridden: fields, note };
            Ok(SentenceEvent::AnalysisOverridden(overridden))
        }
        SentenceCommand::ClearAnalysis { reason } => {
            analysis_of(sentence)?;
            Ok(SentenceEvent::AnalysisCleared(Reason { reason }))
        }
        SentenceCommand::Relocate { new_index } => relocate(sentence, new_index),
        SentenceCommand::Tag(tag) => attach(sentence, tag),
        SentenceCommand::Untag(tag) => take_off(sentence, tag),
    }
}

fn create(created: SentenceCreated) -> Result<SentenceEvent, Rejection> {
    if is_blank(&created.text) {
        return Err(Rejection::EmptyText);
    }
    match (created.start_ms, created.end_ms) {
        (Some(start_ms), Some(end_ms)) if start_ms > end_ms => {
            Err(Rejection::EndsBeforeStart { start_ms, end_ms })
        }
        _ => Ok(SentenceEvent::Created(created)),
    }
}

fn edit(sentence: &Sentence, new_text: SmolStr, editor_type: EditorType) -> Result<SentenceEvent, Rejection> {
    if is_blank(&new_text) {
        return Err(Rejection::EmptyText);
    }
    if new_text == sentence.text {
        return Err(Rejection::TextUnchanged);
    }
    if sentence.edited_by_human && editor_type == EditorType::Ai {
        return Err(Rejection::ProtectedByHuman);
    }
    let old_text = sentence.text.clone();
    Ok(SentenceEvent::Edited(SentenceEdited { old_text, new_text, editor_type }))
}

fn relocate(sentence: &Sentence, new_index: u32) -> Result<SentenceEvent, Rejection> {
    if new_index == sentence.index {
        return Err(Rejection::IndexUnchanged { index: new_index });
    }
    Ok(SentenceEvent::Relocated(SentenceRelocated { old_index: sentence.index, new_index }))
}

fn attach(sentence: &Sentence, tag: Tag) -> Result<SentenceEvent, Rejection> {
    let analysis = analysis_of(sentence)?;
    if is_blank(&tag.value) {
        return Err(Rejection::EmptyTag);
    }
    if analysis.attached(tag.tag_type).by_hand.contains(&tag.value) {
        return Err(Rejection::AlreadyTagged { tag });
    }
    Ok(SentenceEvent::Tagged(tag))
}

fn take_off(sentence: &Sentence, tag: Tag) -> Result<SentenceEvent, Rejection> {
    let attached = analysis_of(sentence)?.attached(tag.tag_type);
    if !attached.by_hand.contains(&tag.value) && !attached.found.contains(&tag.value) {
        return Err(Rejection::NotTagged { tag });
    }
    Ok(SentenceEvent::Untagged(tag))
}

fn analysis_of(sentence: &Sentence) -> Result<&Analysis, Rejection> {
    sentence.analysis.as_ref().ok_or(Rejection::NotAnalysed)
}

/// Holds for finite numbers alone: one that is no number lies in no range.
fn check_confidence(findings: &Findings) -> Result<(), Rejection> {
    match findings.confidence {
        Some(confidence) if !(0.0..=1.0).contains(&confidence) => {
            Err(Rejection::ConfidenceOutOfRange { confidence })
        }
        _ => Ok(()),
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
