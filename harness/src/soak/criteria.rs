//! What a soak is held against, as a file says it: what is enough, what breaks it, and what is no watching any more. The main type is
//! [`Criteria`]; docs/soak.md is the reference.

use std::fmt;
use std::io;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::phase::Phase;
use crate::digest::Digest;
use crate::scenario::document::{self, MistakeKind};

/// The criteria that ship.
const BUNDLED: &str = include_str!("criteria.toml");
/// Into how many parts a sweep may be divided.
const SHARDS_MAX: u32 = 4_096;

/// What a soak is held against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    /// What is enough before the flag is thrown.
    pub before_the_flip: Enough,
    /// What is enough after it was.
    pub after_the_flip: Enough,
    /// What breaks a soak.
    pub at_most: AtMost,
    /// What is counted, and over what.
    pub rounds: Rounds,
}

/// What has to be there for a soak to be fulfilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enough {
    /// How long it has to be watched.
    pub watched: Span,
    /// How many elements have to be compared, each as often as it is.
    pub elements: NonZeroU64,
    /// How often everything has to be compared, whether somebody touched it or not.
    pub sweeps: NonZeroU32,
}

/// What breaks a soak when it is exceeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtMost {
    /// How many differences per million elements that were compared within the window.
    pub differences_per_million: u64,
    /// How many events and outbox entries may wait, at any time.
    pub lag_events: u64,
    /// How long something may wait without the projection having caught up once.
    pub lag_for: Span,
    /// How many events may be parked.
    pub parked: u64,
    /// How many rounds within the window may come to nothing.
    pub failed_rounds: u64,
}

/// What is counted, and over what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rounds {
    /// What rates and counts are taken over.
    pub window: Span,
    /// Fewer elements within the window count as that many, so that one difference among a handful is no rate.
    pub elements: NonZeroU64,
    /// How long it may be between two rounds for the time between them to count as watched.
    pub gap: Span,
    /// After how long without a round nothing of what was watched before counts.
    pub begin_anew_after: Span,
    /// Into how many parts a sweep is divided, one a round.
    pub shards: NonZeroU32,
}

/// A length of time that is not zero, in whole seconds; written `90s`, `15m`, `48h` or `14d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(NonZeroU64);

/// A text that is no length of time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no length of time: it must be like 90s, 15m, 48h or 14d, and more than nothing")]
pub struct NoSpan(String);

impl Span {
    /// Returns it in milliseconds.
    pub const fn ms(self) -> u64 {
        self.0.get().saturating_mul(1_000)
    }

    /// Returns it as the standard library has it.
    pub const fn as_duration(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.0.get())
    }
}

impl FromStr for Span {
    type Err = NoSpan;

    fn from_str(text: &str) -> Result<Self, NoSpan> {
        let parse = || {
            let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
            let seconds: u64 = match &text[digits.len()..] {
                "s" => 1,
                "m" => 60,
                "h" => 3_600,
                "d" => 86_400,
                _ => return None,
            };
            let number =
                digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?;
            NonZeroU64::new(number?.checked_mul(seconds)?)
        };
        parse().map(Self).ok_or_else(|| NoSpan(text.to_owned()))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.get();
        let (unit, name) = [(86_400, 'd'), (3_600, 'h'), (60, 'm')]
            .into_iter()
            .find(|(unit, _)| seconds.is_multiple_of(*unit))
            .unwrap_or((1, 's'));
        write!(f, "{}{name}", seconds / unit)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Refuses a text while the document still knows where it stands.
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as \"14d\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// Why a file holds no criteria.
#[derive(Debug, thiserror::Error)]
pub enum CriteriaError {
    /// It cannot be read.
    #[error("cannot read the criteria {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}:{column}: {kind}", file.display())]
    Mistake {
        /// The file.
        file: PathBuf,
        /// The line, 1-based.
        line: usize,
        /// The column, 1-based, in characters.
        column: usize,
        /// What.
        kind: MistakeKind,
    },
}

impl CriteriaError {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Mistake {
                kind: kind @ (MistakeKind::UnknownKey { .. } | MistakeKind::UnknownWord { .. }),
                ..
            } => kind.advice(),
            Self::Mistake { kind: MistakeKind::MissingKey(key), .. } => {
                format!("add `{key}`; docs/soak.md is the reference")
            }
            Self::Mistake { .. } => "docs/soak.md is the reference".to_owned(),
            Self::Unreadable { .. } => {
                "name a file that can be read, or leave --criteria out for those that ship".to_owned()
            }
        }
    }
}

impl Criteria {
    /// Returns the criteria that ship.
    pub fn bundled() -> Self {
        Self::from_toml(Path::new("criteria.toml"), BUNDLED).expect("a test reads the criteria that ship")
    }

    /// Returns whether these are the criteria that ship.
    pub fn are_bundled(&self) -> bool {
        *self == Self::bundled()
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`CriteriaError`] with the place of the first mistake.
    pub fn read(file: &Path) -> Result<Self, CriteriaError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| CriteriaError::Unreadable { file: file.to_owned(), source })?;
        Self::from_toml(file, &text)
    }

    /// Reads criteria from the text of a file.
    ///
    /// # Errors
    ///
    /// As [`Criteria::read`].
    pub fn from_toml(file: &Path, text: &str) -> Result<Self, CriteriaError> {
        let wrong = |byte: usize, kind| {
            let (line, column) = document::place(text, byte);
            CriteriaError::Mistake { file: file.to_owned(), line, column, kind }
        };
        let criteria: Self = document::read(text)
            .map_err(|mistake| wrong(mistake.span.map_or(0, |span| span.start), mistake.kind))?;
        match criteria.contradiction() {
            None => Ok(criteria),
            // The keys of this file are words that occur nowhere else in it, but for comments.
            Some((key, said)) => Err(wrong(text.rfind(key).unwrap_or(0), MistakeKind::Value(said))),
        }
    }

    /// Returns the key that contradicts another one, and why.
    fn contradiction(&self) -> Option<(&'static str, String)> {
        let Rounds { gap, begin_anew_after, shards, window, .. } = &self.rounds;
        if begin_anew_after < gap {
            let said = format!(
                "a soak that begins anew after {begin_anew_after} cannot go on after a gap of {gap}: it must be longer than that"
            );
            return Some(("begin_anew_after", said));
        }
        if window.ms() < 3_600_000 {
            return Some(("window", format!("counts are kept by the hour: {window} is too short a window")));
        }
        if shards.get() > SHARDS_MAX {
            return Some(("shards", format!("a sweep has at most {SHARDS_MAX} shards")));
        }
        None
    }

    /// Returns what is enough in a phase.
    pub const fn enough(&self, phase: Phase) -> &Enough {
        match phase {
            Phase::BeforeTheFlip { .. } => &self.before_the_flip,
            Phase::AfterTheFlip { .. } => &self.after_the_flip,
        }
    }

    /// Returns a name for them: what was watched under others says nothing about these.
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).expect("criteria are JSON"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Criteria, (String, String)> {
        Criteria::from_toml(Path::new("mine.toml"), text).map_err(|error| (error.to_string(), error.hint()))
    }

    #[track_caller]
    fn mistake(from: &str, to: &str) -> (String, String) {
        assert!(BUNDLED.contains(from), "{from}");
        read(&BUNDLED.replacen(from, to, 1)).expect_err("a mistake")
    }

    #[test]
    fn the_criteria_that_ship_can_be_read_and_say_two_weeks() {
        let criteria = Criteria::bundled();
        assert_eq!(criteria.before_the_flip.watched.to_string(), "14d");
        assert_eq!(criteria.after_the_flip.watched.to_string(), "2d");
        assert_eq!(criteria.at_most.differences_per_million, 0);
        assert!(criteria.are_bundled());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_the_nearest_one() {
        let (error, hint) = mistake("parked = 0", "parkd = 0");
        assert_eq!(error, "mine.toml:20:1: unknown key `parkd`");
        assert_eq!(hint, "did you mean `parked`?");
    }

    #[test]
    fn a_key_that_is_missing_is_named() {
        let (error, hint) = mistake("parked = 0\n", "");
        assert_eq!(error, "mine.toml:16:2: the key `parked` is missing");
        assert_eq!(hint, "add `parked`; docs/soak.md is the reference");
    }

    #[test]
    fn what_is_no_length_of_time_is_named_with_its_place() {
        let (error, _) = mistake("\"14d\"", "\"two weeks\"");
        assert!(error.starts_with("mine.toml:5:11: `two weeks` is no length of time"), "{error}");
        for text in ["", "14", "d", "0d", "-1d", "1.5h", "1w", "99999999999999999999s", "1 d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_length_of_time_is_written_in_the_largest_unit_that_fits() {
        for (text, written) in [("90s", "90s"), ("120s", "2m"), ("48h", "2d"), ("36h", "36h"), ("14d", "14d")]
        {
            assert_eq!(text.parse::<Span>().expect("a length of time").to_string(), written);
        }
    }

    #[test]
    fn nothing_is_enough_that_is_zero() {
        for key in ["elements = 100000", "sweeps = 1", "shards = 48"] {
            let name = key.split(' ').next().expect("a key");
            let (error, _) = mistake(key, &format!("{name} = 0"));
            assert!(error.contains("nonzero") || error.contains("not zero"), "{error}");
        }
    }

    #[test]
    fn criteria_that_contradict_each_other_are_refused_where_they_do() {
        let (error, _) = mistake("begin_anew_after = \"24h\"", "begin_anew_after = \"10m\"");
        assert!(error.starts_with("mine.toml:28:1: a soak that begins anew after 10m"), "{error}");
        let (error, _) = mistake("window = \"24h\"", "window = \"59m\"");
        assert!(error.starts_with("mine.toml:25:1: counts are kept by the hour"), "{error}");
        assert!(mistake("shards = 48", "shards = 5000").0.contains("at most 4096"));
    }

    #[test]
    fn other_criteria_have_another_name() {
        let mut other = Criteria::bundled();
        assert_eq!(other.digest(), Criteria::bundled().digest());
        other.at_most.parked = 1;
        assert_ne!(other.digest(), Criteria::bundled().digest());
        assert!(!other.are_bundled());
    }
}
