//! What an outbox entry holds: not events, but what is meant by a direct write. It is turned into events when it is
//! drained, against what the aggregate has become by then.
//!
//! An [`Entry`] concerns one aggregate: an interview, or the sentence in a slot. All events of an entry go into one
//! append, so it is in the store whole or not at all.

use cutover_core::command::CommandContext;
use cutover_core::direct::Edit;
use cutover_core::ids::{AggregateId, InterviewId, SentenceId};
use cutover_core::sentence::Findings;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use uuid::Uuid;

/// The format of entries that this program writes, and the latest that it reads.
pub const FORMAT: u32 = 1;

/// An outbox entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The format of what follows.
    pub format: u32,
    /// The entry's id, which the ids of its events are derived from.
    pub id: Uuid,
    /// The interview that it concerns.
    pub interview: InterviewId,
    /// The slot of the sentence that it concerns; `None` when it concerns the interview itself.
    pub slot: Option<u32>,
    /// Whether the interview was new when the entry was written: then its streams are likely to be empty, and are not
    /// read before the first attempt to append.
    pub is_new: bool,
    /// Who asked, and when.
    pub context: CommandContext,
    /// What is meant, in order.
    pub intents: Vec<Intent>,
}

impl Entry {
    /// Returns the aggregate that it concerns: a sentence in this generation of its slot, or the interview, of which
    /// there is only one.
    pub fn aggregate(&self, generation: u32) -> AggregateId {
        match self.slot {
            Some(slot) => AggregateId::Sentence(SentenceId::in_generation(self.interview, slot, generation)),
            None => AggregateId::Interview(self.interview),
        }
    }
}

/// What is meant by a direct write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "intent", rename_all = "snake_case")]
pub enum Intent {
    /// The interview is to be known.
    EnsureInterview {
        /// The title that readers see.
        title: SmolStr,
        /// Where the transcript comes from.
        source: SmolStr,
        /// BCP 47 language tag.
        language: Option<SmolStr>,
    },
    /// The sentence is to have this text, unless a person wrote another; it is created where there is none.
    PutSentence {
        /// The words.
        text: SmolStr,
        /// Who said them.
        speaker: Option<SmolStr>,
        /// When they began, in milliseconds from the start of the recording.
        start_ms: Option<u64>,
        /// When they ended, in milliseconds from the start of the recording.
        end_ms: Option<u64>,
    },
    /// The sentence is to stand at this place: it makes way for another one, or is new where the place of its number is
    /// taken.
    Place {
        /// The place.
        place: u32,
        /// Where it was seen before, if it is to stay where it is when somebody else has moved it since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<u32>,
    },
    /// The sentence was analysed: for the first time, or again.
    Analyse {
        /// The model's name.
        model: SmolStr,
        /// The model's version.
        version: SmolStr,
        /// What it found.
        findings: Findings,
    },
    /// The file no longer has the sentence.
    RemoveSentence,
    /// A person asked for it.
    Edit {
        /// What.
        edit: Edit,
    },
}

#[cfg(test)]
mod tests {
    use cutover_core::timestamp::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_stored_under_names_that_stay() {
        let entry = Entry {
            format: FORMAT,
            id: Uuid::from_u128(1),
            interview: InterviewId::new(Uuid::from_u128(2)),
            slot: Some(7),
            is_new: true,
            context: CommandContext::at(Timestamp::EPOCH),
            intents: vec![
                Intent::RemoveSentence,
                Intent::Place { place: 9, from: None },
                Intent::Place { place: 9, from: Some(8) },
                Intent::Edit { edit: Edit::Text { slot: 7, text: "Hi.".into() } },
            ],
        };
        let stored = json!({
            "format": 1,
            "id": "00000000-0000-0000-0000-000000000001",
            "interview": "00000000-0000-0000-0000-000000000002",
            "slot": 7,
            "is_new": true,
            "context": {
                "actor": null, "correlation_id": null, "causation_id": null, "project_id": null,
                "occurred_at": "1970-01-01T00:00:00Z", "trace_id": null,
            },
            "intents": [
                {"intent": "remove_sentence"},
                {"intent": "place", "place": 9},
                {"intent": "place", "place": 9, "from": 8},
                {"intent": "edit", "edit": {"edit": "text", "slot": 7, "text": "Hi."}},
            ],
        });
        assert_eq!(serde_json::to_value(&entry).unwrap(), stored);
        assert_eq!(serde_json::from_value::<Entry>(stored).unwrap(), entry);
    }
}
