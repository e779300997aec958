//! What decisions about a sentence need to know, as its events left it.
//!
//! The status follows the events, as it does in the projected graph: an analysis makes it `analyzed`, an edit `edited`,
//! and clearing the analysis `created` again.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::ids::InterviewId;
use crate::sentence::{EditorType, Findings, OverriddenFields, SentenceEvent, SentenceStatus, Tag, TagType};

/// A sentence as its events left it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SentenceState {
    /// Nothing has happened yet.
    #[default]
    NotCreated,
    /// It exists.
    Existing(Sentence),
    /// It was removed, for ever.
    Deleted,
}

/// A sentence that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// The interview that it is part of.
    pub interview_id: InterviewId,
    /// Its place in the interview, 0-based.
    pub index: u32,
    /// The words.
    pub text: SmolStr,
    /// Where it stands.
    pub status: SentenceStatus,
    /// Whether a person has edited the text, which protects it from programs.
    pub edited_by_human: bool,
    /// Its analysis, if it has one.
    pub analysis: Option<Analysis>,
}

/// The analysis of a sentence, as far as tags are concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analysis {
    /// Its overall keywords.
    pub keywords: Attached,
    /// Its topics.
    pub topics: Attached,
}

/// The values that one dimension of an analysis holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attached {
    /// What a model found.
    pub found: BTreeSet<SmolStr>,
    /// What a person set or tagged; analysing again leaves it.
    pub by_hand: BTreeSet<SmolStr>,
}

impl SentenceState {
    /// Returns the sentence, if it exists.
    pub const fn existing(&self) -> Option<&Sentence> {
        match self {
            Self::Existing(sentence) => Some(sentence),
            Self::NotCreated | Self::Deleted => None,
        }
    }
}

impl Sentence {
    /// Returns whether it has an analysis.
    pub const fn has_analysis(&self) -> bool {
        self.analysis.is_some()
    }

    /// A model has analysed the sentence: what it found is new, what people attached stays.
    fn analyse(&mut self, findings: &Findings) {
        let analysis = self.analysis.get_or_insert_default();
        analysis.keywords.found = findings.keywords.iter().cloned().collect();
        analysis.topics.found = findings.topics.iter().cloned().collect();
        self.status = SentenceStatus::Analyzed;
    }
}

impl Analysis {
    /// Returns what a kind of tag attaches to.
    pub const fn attached(&self, tag_type: TagType) -> &Attached {
        match tag_type {
            TagType::Keyword => &self.keywords,
            TagType::Topic => &self.topics,
        }
    }

    const fn attached_mut(&mut self, tag_type: TagType) -> &mut Attached {
        match tag_type {
            TagType::Keyword => &mut self.keywords,
            TagType::Topic => &mut self.topics,
        }
    }

    /// A person has set whole dimensions: they replace whatever was there.
    fn override_with(&mut self, fields: &OverriddenFields) {
        for (attached, values) in [(&mut self.keywords, &fields.keywords), (&mut self.topics, &fields.topics)]
        {
            if let Some(values) = values {
                *attached = Attached { found: BTreeSet::new(), by_hand: values.iter().cloned().collect() };
            }
        }
    }

    fn tag(&mut self, tag: &Tag) {
        self.attached_mut(tag.tag_type).by_hand.insert(tag.value.clone());
    }

    fn untag(&mut self, tag: &Tag) {
        let attached = self.attached_mut(tag.tag_type);
        attached.by_hand.remove(&tag.value);
        attached.found.remove(&tag.value);
    }
}

/// Applies an event. It cannot fail: the event has already happened. What makes no sense after the events before it
/// leaves the state as it is.
#[must_use]
pub fn evolve(state: SentenceState, event: &SentenceEvent) -> SentenceState {
    let mut sentence = match (state, event) {
        (SentenceState::NotCreated, SentenceEvent::Created(created)) => {
            return SentenceState::Existing(Sentence {
                interview_id: created.interview_id,
                index: created.index,
                text: created.text.clone(),
                status: SentenceStatus::Created,
                edited_by_human: false,
                analysis: None,
            });
        }
        (SentenceState::Existing(sentence), _) => sentence,
        (state @ (SentenceState::NotCreated | SentenceState::Deleted), _) => return state,
    };
    match event {
        SentenceEvent::Created(_) => {}
        SentenceEvent::Edited(edited) => {
            sentence.text = edited.new_text.clone();
            sentence.status = SentenceStatus::Edited;
            sentence.edited_by_human |= edited.editor_type == EditorType::Human;
        }
        SentenceEvent::Relocated(relocated) => sentence.index = relocated.new_index,
        SentenceEvent::AnalysisGenerated(generated) => sentence.analyse(&generated.findings),
        SentenceEvent::AnalysisRegenerated(regenerated) => sentence.analyse(&regenerated.findings),
        SentenceEvent::AnalysisOverridden(overridden) => {
            if let Some(analysis) = &mut sentence.analysis {
                analysis.override_with(&overridden.fields_overridden);
            }
        }
        SentenceEvent::AnalysisCleared(_) => {
            sentence.analysis = None;
            sentence.status = SentenceStatus::Created;
        }
        SentenceEvent::Tagged(tag) => {
            if let Some(analysis) = &mut sentence.analysis {
                analysis.tag(tag);
            }
        }
        SentenceEvent::Untagged(tag) => {
            if let Some(analysis) = &mut sentence.analysis {
                analysis.untag(tag);
            }
        }
        SentenceEvent::StatusChanged(changed) => sentence.status = changed.to_status,
        SentenceEvent::Deleted(_) => return SentenceState::Deleted,
    }
    SentenceState::Existing(sentence)
}
