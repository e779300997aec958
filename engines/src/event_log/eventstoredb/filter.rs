//! Which records a read of `$all` lets through.
//!
//! [`Filter`] judges the original record, before links are resolved. Some of the server's own records are hidden from
//! every reader, filtered or not. Expressions may look around, as clients of several languages do by default.

use fancy_regex::Regex;

use super::log::Record;

/// The type of the records that mark the beginning of a leader's term.
pub const EPOCH_TYPE: &str = "$epoch-information";

/// What the own streams of a persistent subscription to `$all` begin with.
const ALL_GROUP_STREAM_PREFIX: &str = "$persistentsubscription-$all::";

/// A condition on the records of `$all`.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    condition: Option<(Subject, Expression)>,
}

/// What of a record is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The name of its stream.
    StreamName,
    /// Its event type.
    EventType,
}

#[derive(Debug, Clone)]
enum Expression {
    Regex(Box<Regex>),
    Prefixes(Vec<String>),
}

/// A regular expression that cannot be compiled.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{regex}` is not a regular expression that the store understands")]
pub struct InvalidRegex {
    /// The expression.
    pub regex: String,
    /// What is wrong with it.
    pub source: Box<fancy_regex::Error>,
}

impl Filter {
    /// Returns the filter that lets through everything but what is hidden from all readers.
    pub const fn none() -> Self {
        Self { condition: None }
    }

    /// Returns the filter of a request: the regular expression if it is not empty, else any of the prefixes.
    ///
    /// With neither, nothing matches.
    pub fn new(subject: Subject, regex: &str, prefixes: Vec<String>) -> Result<Self, InvalidRegex> {
        let expression = if regex.is_empty() {
            Expression::Prefixes(prefixes)
        } else {
            let invalid = |source| InvalidRegex { regex: regex.to_owned(), source: Box::new(source) };
            Expression::Regex(Box::new(Regex::new(regex).map_err(invalid)?))
        };
        Ok(Self { condition: Some((subject, expression)) })
    }

    /// Tells whether a reader gets to see the record.
    pub fn matches(&self, record: &Record) -> bool {
        if is_hidden(record) {
            return false;
        }
        let Some((subject, expression)) = &self.condition else { return true };
        let text = match subject {
            Subject::StreamName => &record.stream,
            Subject::EventType => &record.event_type,
        };
        match expression {
            // An expression that needs too many steps on this text fails: the record is left out, as nothing says it matches.
            Expression::Regex(regex) => regex.is_match(text.as_str()).unwrap_or(false),
            Expression::Prefixes(prefixes) => prefixes.iter().any(|prefix| text.starts_with(prefix.as_str())),
        }
    }
}

/// Tells whether a record is one of the server's own that no read of `$all` shows.
fn is_hidden(record: &Record) -> bool {
    record.event_type == EPOCH_TYPE || is_own_of_all_group(record)
}

/// Tells whether a record is a checkpoint or a parked link of a persistent subscription to `$all`.
pub(super) fn is_own_of_all_group(record: &Record) -> bool {
    record.stream.starts_with(ALL_GROUP_STREAM_PREFIX)
        && (record.stream.ends_with("-checkpoint") || record.stream.ends_with("-parked"))
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;
    use uuid::Uuid;

    use super::super::log::Timestamp;
    use super::*;

    fn record(stream: &str, event_type: &str) -> Record {
        Record {
            position: 0,
            stream: stream.into(),
            revision: 0,
            id: Uuid::from_u128(1),
            event_type: event_type.into(),
            data: Bytes::new(),
            metadata: Bytes::new(),
            is_json: false,
            created: Timestamp::default(),
        }
    }

    fn filter(subject: Subject, regex: &str, prefixes: &[&str]) -> Filter {
        let prefixes = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
        Filter::new(subject, regex, prefixes).unwrap()
    }

    #[test]
    fn regular_expression_wins_over_prefixes() {
        let filter = filter(Subject::StreamName, "^a", &["b"]);
        assert!(filter.matches(&record("a-1", "T")));
        assert!(!filter.matches(&record("b-1", "T")));
    }

    #[test]
    fn any_of_the_prefixes_is_enough() {
        let filter = filter(Subject::EventType, "", &["Sentence", "Speaker"]);
        assert!(
            filter.matches(&record("a", "SpeakerEdited")) && filter.matches(&record("a", "SentenceCreated"))
        );
        assert!(!filter.matches(&record("Sentence", "InterviewCreated")));
    }

    #[test]
    fn filter_without_expression_and_prefix_matches_nothing() {
        assert!(!filter(Subject::StreamName, "", &[]).matches(&record("a", "T")));
    }

    #[test]
    fn expression_may_look_ahead() {
        let filter = filter(Subject::EventType, r"^(?!(\$.+|Own$)).*$", &[]);
        assert!(filter.matches(&record("a", "SentenceCreated")));
        assert!(!filter.matches(&record("a", "$metadata")) && !filter.matches(&record("a", "Own")));
    }

    #[test]
    fn malformed_expression_is_refused_with_its_text() {
        assert_eq!(Filter::new(Subject::EventType, "(", Vec::new()).unwrap_err().regex, "(");
    }

    #[test]
    fn own_streams_of_groups_on_all_are_hidden_from_everyone() {
        for (stream, is_shown) in [
            ("$persistentsubscription-$all::g-checkpoint", false),
            ("$persistentsubscription-$all::g-parked", false),
            ("$persistentsubscription-a::g-parked", true),
        ] {
            assert_eq!(Filter::none().matches(&record(stream, "T")), is_shown, "{stream}");
        }
        assert!(!Filter::none().matches(&record("$epoch-information", EPOCH_TYPE)));
    }
}
