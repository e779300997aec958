//! The labels and relationship types of the two graphs. Names are what readers query by: they do not change.

use std::fmt;

use crate::graph::Properties;

/// The label of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// What interviews belong to.
    Project,
    /// A transcript.
    Interview,
    /// A sentence of one.
    Sentence,
    /// What an analysis said of a sentence.
    Analysis,
    /// A value of the dimension function.
    FunctionType,
    /// A value of the dimension structure.
    StructureType,
    /// A value of the dimension purpose.
    Purpose,
    /// A topic.
    Topic,
    /// An overall keyword.
    Keyword,
    /// A keyword of the trade.
    DomainKeyword,
    /// The file that a sentence came from.
    SourceFile,
    /// Bookkeeping, not part of what is compared: a command that waits to be appended to the event store, stored in
    /// the transaction of its direct write.
    OutboxEntry,
    /// Bookkeeping: how far the events of a time without direct writes have been brought into the direct graph.
    CatchUp,
}

impl Label {
    /// Every label, in the order of declaration.
    pub const ALL: [Self; 13] = [
        Self::Project,
        Self::Interview,
        Self::Sentence,
        Self::Analysis,
        Self::FunctionType,
        Self::StructureType,
        Self::Purpose,
        Self::Topic,
        Self::Keyword,
        Self::DomainKeyword,
        Self::SourceFile,
        Self::OutboxEntry,
        Self::CatchUp,
    ];

    /// Returns the label as the database has it. An underscore in front marks bookkeeping.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "Project",
            Self::Interview => "Interview",
            Self::Sentence => "Sentence",
            Self::Analysis => "Analysis",
            Self::FunctionType => "FunctionType",
            Self::StructureType => "StructureType",
            Self::Purpose => "Purpose",
            Self::Topic => "Topic",
            Self::Keyword => "Keyword",
            Self::DomainKeyword => "DomainKeyword",
            Self::SourceFile => "SourceFile",
            Self::OutboxEntry => "_OutboxEntry",
            Self::CatchUp => "_CatchUp",
        }
    }

    /// Returns the label of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.as_str() == name)
    }

    /// Returns the property that names a node of this label.
    pub const fn key_property(self) -> &'static str {
        match self {
            Self::Project => "project_id",
            Self::Interview => "interview_id",
            Self::Sentence => "sentence_id",
            Self::Analysis => "analysis_id",
            Self::FunctionType | Self::StructureType | Self::Purpose | Self::Topic => "name",
            Self::Keyword | Self::DomainKeyword => "text",
            Self::SourceFile => "filename",
            Self::OutboxEntry => "entry_id",
            Self::CatchUp => "operation",
        }
    }

    /// Returns whether nodes of this label stand for a value that others point at. Such a node is made by the first
    /// link to it and removed with the last one, so that it never depends on what was there in between.
    pub const fn is_value(self) -> bool {
        matches!(
            self,
            Self::FunctionType
                | Self::StructureType
                | Self::Purpose
                | Self::Topic
                | Self::Keyword
                | Self::DomainKeyword
                | Self::SourceFile
        )
    }

    /// Returns the properties, beside its key, of a value node that the first link to it creates.
    pub fn properties_on_create(self) -> Properties {
        match self {
            Self::DomainKeyword => Properties::new().with("is_custom", false),
            _ => Properties::new(),
        }
    }

    /// Returns whether nodes of this label are bookkeeping, which no reader sees and no comparison counts.
    pub const fn is_bookkeeping(self) -> bool {
        matches!(self, Self::OutboxEntry | Self::CatchUp)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The type of a relationship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rel {
    /// From a project to its interviews.
    ContainsInterview,
    /// From an interview to its sentences: it owns them.
    HasSentence,
    /// From a sentence to its analysis: it owns it.
    HasAnalysis,
    /// From an interview to the first of its sentences.
    FirstSentence,
    /// From a sentence to the one after it.
    NextSentence,
    /// From a sentence to the one after it, for readers of the older name.
    Follows,
    /// From a sentence to the file that it came from.
    PartOfFile,
    /// From an analysis to its function.
    HasFunction,
    /// From an analysis to its structure.
    HasStructure,
    /// From an analysis to its purpose.
    HasPurpose,
    /// From an analysis to its topics.
    MentionsTopic,
    /// From an analysis to its overall keywords.
    MentionsOverallKeyword,
    /// From an analysis to its keywords of the trade.
    MentionsDomainKeyword,
}

impl Rel {
    /// Every type, in the order of declaration.
    pub const ALL: [Self; 13] = [
        Self::ContainsInterview,
        Self::HasSentence,
        Self::HasAnalysis,
        Self::FirstSentence,
        Self::NextSentence,
        Self::Follows,
        Self::PartOfFile,
        Self::HasFunction,
        Self::HasStructure,
        Self::HasPurpose,
        Self::MentionsTopic,
        Self::MentionsOverallKeyword,
        Self::MentionsDomainKeyword,
    ];

    /// The six dimensions of an analysis. Their relationships carry `is_edited`; one that is `true` is protected.
    pub const DIMENSIONS: [Self; 6] = [
        Self::HasFunction,
        Self::HasStructure,
        Self::HasPurpose,
        Self::MentionsTopic,
        Self::MentionsOverallKeyword,
        Self::MentionsDomainKeyword,
    ];

    /// Returns the type as the database has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContainsInterview => "CONTAINS_INTERVIEW",
            Self::HasSentence => "HAS_SENTENCE",
            Self::HasAnalysis => "HAS_ANALYSIS",
            Self::FirstSentence => "FIRST_SENTENCE",
            Self::NextSentence => "NEXT_SENTENCE",
            Self::Follows => "FOLLOWS",
            Self::PartOfFile => "PART_OF_FILE",
            Self::HasFunction => "HAS_FUNCTION",
            Self::HasStructure => "HAS_STRUCTURE",
            Self::HasPurpose => "HAS_PURPOSE",
            Self::MentionsTopic => "MENTIONS_TOPIC",
            Self::MentionsOverallKeyword => "MENTIONS_OVERALL_KEYWORD",
            Self::MentionsDomainKeyword => "MENTIONS_DOMAIN_KEYWORD",
        }
    }

    /// Returns the type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rel| rel.as_str() == name)
    }

    /// Returns the label at the far end.
    pub const fn target(self) -> Label {
        match self {
            Self::ContainsInterview => Label::Interview,
            Self::HasSentence | Self::FirstSentence | Self::NextSentence | Self::Follows => Label::Sentence,
            Self::HasAnalysis => Label::Analysis,
            Self::PartOfFile => Label::SourceFile,
            Self::HasFunction => Label::FunctionType,
            Self::HasStructure => Label::StructureType,
            Self::HasPurpose => Label::Purpose,
            Self::MentionsTopic => Label::Topic,
            Self::MentionsOverallKeyword => Label::Keyword,
            Self::MentionsDomainKeyword => Label::DomainKeyword,
        }
    }

    /// Returns whether the near end owns the far end: it is removed with it, and an owned node that nobody owns is an
    /// orphan.
    pub const fn is_owning(self) -> bool {
        matches!(self, Self::HasSentence | Self::HasAnalysis)
    }
}

impl fmt::Display for Rel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_label_or_type() {
        for label in Label::ALL {
            assert_eq!(Label::from_name(label.as_str()), Some(label));
        }
        for rel in Rel::ALL {
            assert_eq!(Rel::from_name(rel.as_str()), Some(rel));
        }
    }

    #[test]
    fn every_label_has_the_key_that_the_running_graph_uses() {
        let keys: Vec<(&str, &str)> =
            Label::ALL.iter().map(|label| (label.as_str(), label.key_property())).collect();
        assert_eq!(
            keys,
            [
                ("Project", "project_id"),
                ("Interview", "interview_id"),
                ("Sentence", "sentence_id"),
                ("Analysis", "analysis_id"),
                ("FunctionType", "name"),
                ("StructureType", "name"),
                ("Purpose", "name"),
                ("Topic", "name"),
                ("Keyword", "text"),
                ("DomainKeyword", "text"),
                ("SourceFile", "filename"),
                ("_OutboxEntry", "entry_id"),
                ("_CatchUp", "operation"),
            ]
        );
    }

    #[test]
    fn what_a_dimension_or_a_file_leads_to_is_a_value_and_nothing_else_is() {
        let mut values: Vec<Label> = Rel::DIMENSIONS.into_iter().map(Rel::target).collect();
        values.push(Label::SourceFile);
        for label in Label::ALL {
            assert_eq!(label.is_value(), values.contains(&label), "{label}");
        }
    }

    #[test]
    fn bookkeeping_has_an_underscore_in_front() {
        for label in Label::ALL {
            assert_eq!(label.is_bookkeeping(), label.to_string().starts_with('_'), "{label}");
        }
    }

    #[test]
    fn only_a_keyword_of_the_trade_is_made_with_a_property_beside_its_key() {
        for label in Label::ALL {
            let expected = match label {
                Label::DomainKeyword => Properties::new().with("is_custom", false),
                _ => Properties::new(),
            };
            assert_eq!(label.properties_on_create(), expected, "{label}");
        }
    }

    #[test]
    fn sentences_and_analyses_are_owned() {
        let owning: Vec<String> =
            Rel::ALL.into_iter().filter(|rel| rel.is_owning()).map(|rel| rel.to_string()).collect();
        assert_eq!(owning, ["HAS_SENTENCE", "HAS_ANALYSIS"]);
    }
}
