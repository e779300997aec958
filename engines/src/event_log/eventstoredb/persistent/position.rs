//! Places of a group in what it reads: [`GroupPosition`], its text form, and where reading starts.

use std::fmt;
use std::str::FromStr;

/// Says what a group reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// One stream; places are revisions.
    Stream,
    /// `$all`; places are log positions.
    All,
}

/// A place in a stream or in `$all`. Places of one group are of one kind, and ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupPosition {
    /// A revision of the subscribed stream.
    Stream(u64),
    /// A position in the log.
    All {
        /// The commit half.
        commit: u64,
        /// The prepare half.
        prepare: u64,
    },
}

impl fmt::Display for GroupPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(revision) => write!(f, "{revision}"),
            Self::All { commit, prepare } => write!(f, "C:{commit}/P:{prepare}"),
        }
    }
}

/// The text is no position: neither `12` nor `C:10/P:10`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is neither a revision nor a log position such as C:10/P:10")]
pub struct ParsePositionError {
    /// What was to be parsed.
    pub text: String,
}

impl FromStr for GroupPosition {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.strip_prefix("C:") {
            None => text.parse().ok().map(Self::Stream),
            Some(halves) => halves.split_once("/P:").and_then(|(commit, prepare)| {
                Some(Self::All { commit: commit.parse().ok()?, prepare: prepare.parse().ok()? })
            }),
        };
        parsed.ok_or_else(|| ParsePositionError { text: text.into() })
    }
}

/// Where a group starts that has no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartFrom {
    /// At the first event.
    Beginning,
    /// At this event, inclusive; it need not exist yet.
    Position(GroupPosition),
    /// At the first event that is committed after the group was created.
    End,
}

impl StartFrom {
    /// Returns the text by which group information names the start: `0`, `-1`, `C:0/P:0`, `C:-1/P:-1` …
    #[must_use]
    pub fn describe(self, kind: SourceKind) -> String {
        match (self, kind) {
            (Self::Position(position), _) => position.to_string(),
            (Self::Beginning, SourceKind::Stream) => "0".into(),
            (Self::Beginning, SourceKind::All) => "C:0/P:0".into(),
            (Self::End, SourceKind::Stream) => "-1".into(),
            (Self::End, SourceKind::All) => "C:-1/P:-1".into(),
        }
    }

    /// Parses what [`StartFrom::describe`] wrote.
    ///
    /// # Errors
    /// The text names no position.
    pub fn parse(text: &str) -> Result<Self, ParsePositionError> {
        match text {
            "-1" | "C:-1/P:-1" => Ok(Self::End),
            "0" | "C:0/P:0" => Ok(Self::Beginning),
            other => other.parse().map(Self::Position),
        }
    }
}

/// Where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// At the first event of the source.
    Beginning,
    /// At this place, inclusive.
    At(GroupPosition),
    /// Right after this place.
    After(GroupPosition),
}

impl ReadFrom {
    /// Says whether an event at `position` still lies ahead.
    #[must_use]
    pub fn includes(self, position: GroupPosition) -> bool {
        match self {
            Self::Beginning => true,
            Self::At(start) => position >= start,
            Self::After(last) => position > last,
        }
    }

    /// Returns the first revision to read from a stream, and `None` where no revision can follow.
    #[must_use]
    pub fn first_revision(self) -> Option<u64> {
        match self {
            Self::Beginning => Some(0),
            Self::At(GroupPosition::Stream(revision)) => Some(revision),
            Self::After(GroupPosition::Stream(revision)) => revision.checked_add(1),
            Self::At(GroupPosition::All { .. }) | Self::After(GroupPosition::All { .. }) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_their_text_form() {
        for position in [GroupPosition::Stream(12), GroupPosition::All { commit: 10, prepare: 9 }] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        assert_eq!(GroupPosition::All { commit: 10, prepare: 10 }.to_string(), "C:10/P:10");
    }

    #[test]
    fn text_that_is_no_position_is_refused() {
        for text in ["", "x", "C:1", "C:1/P:", "C:a/P:1", "-3"] {
            assert_eq!(text.parse::<GroupPosition>(), Err(ParsePositionError { text: text.into() }));
        }
    }

    #[test]
    fn a_start_is_described_as_group_information_shows_it() {
        let all = GroupPosition::All { commit: 7, prepare: 7 };
        let shown = [
            StartFrom::Beginning.describe(SourceKind::Stream),
            StartFrom::End.describe(SourceKind::Stream),
            StartFrom::Position(GroupPosition::Stream(4)).describe(SourceKind::Stream),
            StartFrom::Beginning.describe(SourceKind::All),
            StartFrom::End.describe(SourceKind::All),
            StartFrom::Position(all).describe(SourceKind::All),
        ];
        assert_eq!(shown, ["0", "-1", "4", "C:0/P:0", "C:-1/P:-1", "C:7/P:7"]);
        for text in shown {
            let kind = if text.starts_with('C') { SourceKind::All } else { SourceKind::Stream };
            assert_eq!(StartFrom::parse(&text).map(|start| start.describe(kind)), Ok(text));
        }
    }

    #[test]
    fn a_start_position_is_inclusive_and_a_checkpoint_is_not() {
        let five = GroupPosition::Stream(5);
        assert!(ReadFrom::At(five).includes(five));
        assert!(!ReadFrom::After(five).includes(five));
        assert_eq!(ReadFrom::After(five).first_revision(), Some(6));
        assert_eq!(ReadFrom::After(GroupPosition::Stream(u64::MAX)).first_revision(), None);
    }
}
