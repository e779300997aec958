//! Which records a read of `$all` lets through.
//!
//! [`Filter`] judges the original record, before links are resolved. Some of the server's own records are hidden from
//! every reader, filtered or not.

use regex::Regex;

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
    Regex(Regex),
    Prefixes(Vec<String>),
}

/// A regular expression that cannot be compiled.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{regex}` is not a regular expression that the store understands")]
pub struct InvalidRegex {
    /// The expression.
    pub regex: String,
    /// What is wrong with it.
    pub source: regex::Error,
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
            Expression::Regex(
                Regex::new(regex).map_err(|source| InvalidRegex { regex: regex.to_owned(), source })?,
            )
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
            Expression::Regex(regex) => regex.is_match(text),
            Expression::Prefixes(prefixes) => prefixes.iter().any(|prefix| text.starts_with(prefix.as_str())),
        }
    }
}

/// Tells whether a record is one of the server's own that no read of `$all` shows.
fn is_hidden(record: &Record) -> bool {
    record.event_type == EPOCH_TYPE
        || (record.stream.starts_with(ALL_GROUP_STREAM_PREFIX)
            && (record.stream.ends_with("-checkpoint") || record.stream.ends_with("-parked")))
}
