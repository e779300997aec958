//! Identifiers, and how each is derived.
//!
//! Interview and sentence ids are name-based UUIDs (RFC 9562, version 5) in the DNS name space, so that every process
//! that reads the same file comes to the same ids, without asking anybody.

use std::fmt::{self, Write};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes an id as it was written elsewhere.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the bare UUID.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// Returns the id as the text that the graph holds.
            pub fn to_smol_str(self) -> SmolStr {
                // Not by `Display`: each event names several nodes, and that takes five times as long.
                SmolStr::new(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// Names an interview, and with it the lane in which all of its events are applied.
    InterviewId
}
uuid_id! {
    /// Names a sentence for as long as it exists, wherever it moves to.
    SentenceId
}
uuid_id! {
    /// Names one event; also the store's event id, which makes a retried append idempotent.
    EventId
}

impl InterviewId {
    /// Derives the id of the interview that a file holds: `uuid5(DNS, "file:{file name}")`.
    pub fn for_file(file_name: &str) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_DNS, format!("file:{file_name}").as_bytes()))
    }
}

impl SentenceId {
    /// Derives the id of the sentence that stood at `index` (0-based) when its file was first read:
    /// `uuid5(DNS, "{interview id}:{index}")`.
    pub fn at(interview: InterviewId, index: u32) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_DNS, format!("{interview}:{index}").as_bytes()))
    }
}

impl SentenceId {
    /// Derives the id of a sentence that takes the place of a deleted one at the same index in the file, because what
    /// is deleted stays deleted: `uuid5(DNS, "{interview id}:{index}:{generation}")`; generation 0 is [`SentenceId::at`].
    pub fn in_generation(interview: InterviewId, index: u32, generation: u32) -> Self {
        match generation {
            0 => Self::at(interview, index),
            _ => Self(Uuid::new_v5(
                &Uuid::NAMESPACE_DNS,
                format!("{interview}:{index}:{generation}").as_bytes(),
            )),
        }
    }
}

impl EventId {
    /// Derives the id of the `ordinal`-th event (0-based) that an outbox entry leads to, so that draining the entry
    /// twice appends the same events.
    pub fn of_entry(entry: Uuid, ordinal: u32) -> Self {
        Self(Uuid::new_v5(&entry, &ordinal.to_be_bytes()))
    }
}

/// Names a project: whatever text the service was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectId(SmolStr);

impl ProjectId {
    /// Takes a project's name as it is.
    pub fn new(name: impl Into<SmolStr>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name, shared.
    pub fn to_smol_str(&self) -> SmolStr {
        self.0.clone()
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names the projected Analysis node that one event made: `{sentence id}-analysis-{version of that event}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnalysisId(SmolStr);

impl AnalysisId {
    /// Derives the id from the sentence and the version of the event that made the analysis.
    pub fn of_event(sentence: SentenceId, version: u64) -> Self {
        let mut text = String::with_capacity(64);
        text.push_str(sentence.as_uuid().hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        text.push_str("-analysis-");
        write!(text, "{version}").expect("a string takes everything");
        Self(text.into())
    }

    /// Returns the id as the text that the graph holds.
    pub fn to_smol_str(&self) -> SmolStr {
        self.0.clone()
    }
}

/// One of the two kinds of aggregate, with its id: what a version counts, and what a stream is named after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AggregateId {
    /// An interview.
    Interview(InterviewId),
    /// A sentence.
    Sentence(SentenceId),
}

impl AggregateId {
    /// Returns the bare UUID.
    pub const fn as_uuid(self) -> Uuid {
        match self {
            Self::Interview(id) => id.as_uuid(),
            Self::Sentence(id) => id.as_uuid(),
        }
    }

    /// Returns the name of the aggregate's kind as streams and metadata write it: `Interview` or `Sentence`.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Interview(_) => "Interview",
            Self::Sentence(_) => "Sentence",
        }
    }

    /// Returns the name of the aggregate's stream, `{kind}-{id}`.
    pub fn stream_name(self) -> StreamName {
        StreamName(smol_str::format_smolstr!("{}-{}", self.kind(), self.as_uuid()))
    }
}

impl fmt::Display for AggregateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.kind(), self.as_uuid())
    }
}

/// The name of a stream in the event store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamName(SmolStr);

impl StreamName {
    /// Takes a name as the store wrote it.
    pub fn new(name: impl Into<SmolStr>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the aggregate whose stream this is, or `None` for a stream that is none of the domain's.
    pub fn aggregate(&self) -> Option<AggregateId> {
        let (kind, id) = self.0.split_once('-')?;
        let uuid = Uuid::parse_str(id).ok()?;
        match kind {
            "Interview" => Some(AggregateId::Interview(InterviewId(uuid))),
            "Sentence" => Some(AggregateId::Sentence(SentenceId(uuid))),
            _ => None,
        }
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interview_id_depends_on_the_file_name_alone() {
        // Python: uuid.uuid5(uuid.NAMESPACE_DNS, "file:a.txt")
        assert_eq!(InterviewId::for_file("a.txt"), InterviewId::for_file("a.txt"));
        assert_ne!(InterviewId::for_file("a.txt"), InterviewId::for_file("b.txt"));
        assert_eq!(InterviewId::for_file("a.txt").to_string(), "20d2e4d1-6c00-5b51-8d5d-96818d796b5a");
    }

    #[test]
    fn a_sentence_id_is_what_the_running_service_derives() {
        // Python: uuid.uuid5(uuid.NAMESPACE_DNS, f"{interview_id}:7")
        assert_eq!(
            SentenceId::at(InterviewId::for_file("a.txt"), 7).to_string(),
            "ab87dbcc-0e04-5f08-a1f0-b61a48b1e709"
        );
    }

    #[test]
    fn a_sentence_in_the_place_of_a_deleted_one_has_an_id_of_its_own() {
        let interview = InterviewId::for_file("a.txt");
        assert_eq!(SentenceId::in_generation(interview, 7, 0), SentenceId::at(interview, 7));
        // Python: uuid.uuid5(uuid.NAMESPACE_DNS, f"{interview_id}:7:1")
        assert_eq!(
            SentenceId::in_generation(interview, 7, 1).to_string(),
            "50ba106e-c0f6-517b-92d0-2e3a86f5ef75"
        );
    }

    #[test]
    fn a_project_is_called_as_it_was_named() {
        let project = ProjectId::new("Apollo 13");
        assert_eq!((project.as_str(), project.to_smol_str()), ("Apollo 13", "Apollo 13".into()));
        assert_eq!(project.to_string(), "Apollo 13");
    }

    #[test]
    fn a_stream_name_leads_back_to_its_aggregate() {
        let id = AggregateId::Sentence(SentenceId::at(InterviewId::for_file("a.txt"), 0));
        assert_eq!(id.stream_name().aggregate(), Some(id));
        assert_eq!(StreamName::new("$ce-Sentence").aggregate(), None);
        assert_eq!(StreamName::new("Sentence-7").aggregate(), None);
        assert_eq!(StreamName::new("Order-5f0c").aggregate(), None);
    }
}
