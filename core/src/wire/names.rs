//! The frozen names of event types, and the older names that are still read.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::ids::AggregateId;
use crate::interview::InterviewEvent;
use crate::sentence::SentenceEvent;

/// One of the two kinds of aggregate, as metadata names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AggregateKind {
    /// An interview.
    Interview,
    /// A sentence.
    Sentence,
}

impl AggregateKind {
    /// Returns the kind of an aggregate.
    pub const fn of(aggregate: AggregateId) -> Self {
        match aggregate {
            AggregateId::Interview(_) => Self::Interview,
            AggregateId::Sentence(_) => Self::Sentence,
        }
    }

    /// Returns the kind that metadata names so.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "Interview" => Some(Self::Interview),
            "Sentence" => Some(Self::Sentence),
            _ => None,
        }
    }
}

macro_rules! event_types {
    ($($(#[$doc:meta])* $kind:ident $name:ident = $written:literal $(| $accepted:literal)*;)*) => {
        /// A type of event that this program knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $($(#[$doc])* $name,)*
        }

        impl EventType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Finds the type that a name stands for, by either of its names where there are two.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($written $(| $accepted)* => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Returns the name that is written.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $written,)*
                }
            }

            /// Returns every name that is read: the one that is written first.
            pub const fn accepted_names(self) -> &'static [&'static str] {
                match self {
                    $(Self::$name => &[$written $(, $accepted)*],)*
                }
            }

            /// Returns the kind of aggregate that such events happen to.
            pub const fn aggregate_kind(self) -> AggregateKind {
                match self {
                    $(Self::$name => AggregateKind::$kind,)*
                }
            }
        }
    };
}

event_types! {
    /// An interview became known.
    Interview InterviewCreated = "InterviewCreated";
    /// An interview's description changed.
    Interview InterviewUpdated = "InterviewUpdated" | "InterviewMetadataUpdated";
    /// An interview moved on.
    Interview InterviewStatusChanged = "StatusChanged" | "InterviewStatusChanged";
    /// An interview was put away.
    Interview InterviewArchived = "InterviewArchived";
    /// An interview was removed.
    Interview InterviewDeleted = "InterviewDeleted";
    /// A sentence was cut from its transcript.
    Sentence SentenceCreated = "SentenceCreated";
    /// A sentence's text was changed.
    Sentence SentenceEdited = "SentenceEdited";
    /// A sentence moved within its interview.
    Sentence SentenceRelocated = "SentenceRelocated";
    /// A sentence was analysed.
    Sentence AnalysisGenerated = "AnalysisGenerated";
    /// A sentence was analysed again.
    Sentence AnalysisRegenerated = "AnalysisRegenerated";
    /// An analysis was corrected.
    Sentence AnalysisOverridden = "AnalysisOverridden";
    /// An analysis was thrown away.
    Sentence AnalysisCleared = "AnalysisCleared";
    /// A keyword or topic was attached.
    Sentence SentenceTagged = "SentenceTagged";
    /// A keyword or topic was taken off.
    Sentence SentenceUntagged = "SentenceUntagged";
    /// A sentence moved on.
    Sentence SentenceStatusChanged = "SentenceStatusChanged";
    /// A sentence was removed.
    Sentence SentenceDeleted = "SentenceDeleted";
}

impl EventType {
    /// Returns the name that is written, without an allocation.
    pub const fn as_smol_str(self) -> SmolStr {
        SmolStr::new_static(self.as_str())
    }

    /// Returns the type of an event of an interview.
    pub const fn of_interview(event: &InterviewEvent) -> Self {
        match event {
            InterviewEvent::Created(_) => Self::InterviewCreated,
            InterviewEvent::Updated(_) => Self::InterviewUpdated,
            InterviewEvent::StatusChanged(_) => Self::InterviewStatusChanged,
            InterviewEvent::Archived(_) => Self::InterviewArchived,
            InterviewEvent::Deleted(_) => Self::InterviewDeleted,
        }
    }

    /// Returns the type of an event of a sentence.
    pub const fn of_sentence(event: &SentenceEvent) -> Self {
        match event {
            SentenceEvent::Created(_) => Self::SentenceCreated,
            SentenceEvent::Edited(_) => Self::SentenceEdited,
            SentenceEvent::Relocated(_) => Self::SentenceRelocated,
            SentenceEvent::AnalysisGenerated(_) => Self::AnalysisGenerated,
            SentenceEvent::AnalysisRegenerated(_) => Self::AnalysisRegenerated,
            SentenceEvent::AnalysisOverridden(_) => Self::AnalysisOverridden,
            SentenceEvent::AnalysisCleared(_) => Self::AnalysisCleared,
            SentenceEvent::Tagged(_) => Self::SentenceTagged,
            SentenceEvent::Untagged(_) => Self::SentenceUntagged,
            SentenceEvent::StatusChanged(_) => Self::SentenceStatusChanged,
            SentenceEvent::Deleted(_) => Self::SentenceDeleted,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_name_leads_back_to_its_type() {
        for &event_type in EventType::ALL {
            for name in event_type.accepted_names() {
                assert_eq!(EventType::from_name(name), Some(event_type), "{name}");
            }
        }
    }

    #[test]
    fn the_renamed_types_are_read_by_their_other_name() {
        assert_eq!(EventType::from_name("InterviewMetadataUpdated"), Some(EventType::InterviewUpdated));
        assert_eq!(EventType::from_name("InterviewStatusChanged"), Some(EventType::InterviewStatusChanged));
        assert_eq!(EventType::InterviewStatusChanged.as_str(), "StatusChanged");
    }

    #[test]
    fn a_type_is_shown_by_the_name_that_is_written() {
        for event_type in EventType::ALL {
            assert_eq!(event_type.to_string(), event_type.as_str());
        }
    }

    #[test]
    fn a_name_is_matched_exactly() {
        assert_eq!(EventType::from_name("interviewcreated"), None);
        assert_eq!(EventType::from_name("InterviewRenamed"), None);
        assert_eq!(EventType::from_name(""), None);
    }
}
