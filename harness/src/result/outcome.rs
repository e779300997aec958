//! How something ended, and why that cannot be told.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was checked, and it is as it should be.
    Pass,
    /// It could not be told.
    Unknown,
    /// It was checked, and it is not as it should be.
    Fail,
}

impl Outcome {
    /// Returns the name, as the JSON result has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }

    /// Returns what several outcomes come to: one failure fails all, one unknown leaves all unknown, and none at all are
    /// unknown too.
    pub fn of_all(outcomes: impl IntoIterator<Item = Self>) -> Self {
        outcomes.into_iter().max().unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// There was nothing to compare, or the policy hid it all.
    NothingCompared,
    /// It was not run.
    NotRun,
    /// It did not finish in its time.
    TimedOut,
    /// An engine could not be started or reached in the first place.
    EnvironmentNotReady,
    /// An engine refused, or went away in the middle.
    EngineFailed,
    /// A server refused to answer a query.
    QueryRefused,
    /// A fault that it asks for never struck, so that it has not shown what it is to show.
    FaultNeverStruck,
    /// What differed did not come to rest, so that it may be a difference or not.
    KeptChanging,
    /// A part of it is missing, so that the whole cannot be told.
    Incomplete,
    /// Somebody stopped it.
    Interrupted,
}

impl Cause {
    /// Returns what to tell a person.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NothingCompared => "nothing was compared",
            Self::NotRun => "it was not run",
            Self::TimedOut => "it timed out",
            Self::EnvironmentNotReady => "the environment is not ready",
            Self::EngineFailed => "an engine failed",
            Self::QueryRefused => "a query was refused",
            Self::FaultNeverStruck => "a fault never struck",
            Self::KeptChanging => "it kept changing",
            Self::Incomplete => "a part of it is missing",
            Self::Interrupted => "it was interrupted",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
