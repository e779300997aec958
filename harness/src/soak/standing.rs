//! How a soak stands, with numbers. The main type is [`Standing`].

use std::fmt;

use cutover_core::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::exit_code;
use crate::result::counted;

/// How a soak stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Standing {
    /// Everything is there that the criteria ask for, and nothing has broken.
    Fulfilled,
    /// Something is missing.
    NotYet {
        /// What, with numbers.
        missing: Vec<Missing>,
    },
    /// A criterion is exceeded.
    Broken {
        /// Each of them.
        why: Vec<Breach>,
        /// Since when.
        since: Timestamp,
    },
}

impl Standing {
    /// Returns the exit code that says so.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Fulfilled => exit_code::PASS,
            Self::NotYet { .. } => exit_code::INCONCLUSIVE,
            Self::Broken { .. } => exit_code::DIFFERENCES,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: Vec<String>| items.join("; ");
        match self {
            Self::Fulfilled => f.write_str("fulfilled"),
            Self::NotYet { missing } => {
                write!(f, "not yet: {}", list(missing.iter().map(ToString::to_string).collect()))
            }
            Self::Broken { why, since } => {
                let why = list(why.iter().map(|breach| breach.told.clone()).collect());
                write!(f, "broken since {since}: {why}")
            }
        }
    }
}

/// What a soak lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "missing", rename_all = "kebab-case")]
pub enum Missing {
    /// It was not watched for long enough.
    Time {
        /// How long it was, in milliseconds.
        watched_ms: u64,
        /// How long it must be.
        needed_ms: u64,
    },
    /// Too little was compared.
    Elements {
        /// How many elements were.
        compared: u64,
        /// How many must be.
        needed: u64,
    },
    /// Not everything was compared as often as it must be.
    Sweeps {
        /// How many shards were.
        shards: u64,
        /// How many must be: a sweep is so many times `of`.
        needed: u64,
    },
    /// What was found to differ still does.
    Differing {
        /// How many differences.
        differences: u64,
    },
    /// What was changing when it was looked at is neither equal nor different.
    Changing {
        /// How many interviews.
        interviews: u64,
    },
    /// Nothing was watched lately.
    Fresh {
        /// When it was watched last; `None` when it never was.
        last: Option<Timestamp>,
        /// How long that may be ago, in milliseconds.
        gap_ms: u64,
    },
    /// It was watched at a time that has not come yet: a clock is wrong.
    Clock {
        /// When it was watched last.
        last: Timestamp,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { watched_ms, needed_ms } => {
                write!(f, "watched for {} of {}", in_words(*watched_ms), in_words(*needed_ms))
            }
            Self::Elements { compared, needed } => write!(f, "{compared} of {needed} elements compared"),
            Self::Sweeps { shards, needed } => {
                write!(f, "{shards} of {needed} shards compared, whether touched or not")
            }
            Self::Differing { differences } => {
                write!(f, "{} that were found are still there", counted(*differences, "difference"))
            }
            Self::Changing { interviews } => {
                write!(f, "{} kept changing while compared", counted(*interviews, "interview"))
            }
            Self::Fresh { last: None, .. } => f.write_str("nothing was watched yet"),
            Self::Fresh { last: Some(last), gap_ms } => {
                write!(f, "last watched at {last}, more than {} ago", in_words(*gap_ms))
            }
            Self::Clock { last } => {
                write!(f, "last watched at {last}, which has not come yet: a clock is wrong")
            }
        }
    }
}

/// A criterion that can be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// `differences_per_million`.
    DifferencesPerMillion,
    /// `lag_events`.
    LagEvents,
    /// `lag_for`.
    LagFor,
    /// `parked`.
    Parked,
    /// `failed_rounds`.
    FailedRounds,
}

/// A criterion that is exceeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breach {
    /// Which.
    pub criterion: Criterion,
    /// By what, in words, with the figures.
    pub told: String,
    /// Since when.
    pub since: Timestamp,
}

/// Returns a length of time in words, rounded down: `13 d 4 h`.
pub fn in_words(ms: u64) -> String {
    let seconds = ms / 1_000;
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let Some(first) = units.iter().position(|(unit, _)| seconds >= *unit) else { return format!("{ms} ms") };
    let (unit, name) = units[first];
    let whole = format!("{} {name}", seconds / unit);
    match units.get(first + 1).map(|(below, name)| (seconds % unit / below, name)) {
        Some((rest @ 1.., name)) => format!("{whole} {rest} {name}"),
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_told_in_its_two_largest_units() {
        let told =
            [(0, "0 ms"), (999, "999 ms"), (59_000, "59 s"), (90_000, "1 min 30 s"), (3_600_000, "1 h")];
        for (ms, words) in told {
            assert_eq!(in_words(ms), words);
        }
        assert_eq!(in_words(14 * 86_400_000), "14 d");
        assert_eq!(in_words(13 * 86_400_000 + 5 * 3_600_000 + 7_000), "13 d 5 h");
    }
}
