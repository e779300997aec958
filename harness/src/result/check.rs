//! One thing that was compared with another, under rules and with what is accepted for a while.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::diff::{Difference, Digests, Neighbourhood, Orientation};

use super::{Cause, Compared, Differences, Outcome};

/// How often a rule of the policy was applied: to a property, to an element or to a pair of values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleUse {
    /// The rule.
    pub rule: SmolStr,
    /// Why there is such a rule.
    pub reason: String,
    /// How often it was used.
    pub count: u64,
}

/// A difference that the policy accepts for a while, because somebody answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// Its name in the policy.
    pub id: SmolStr,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it is accepted, as `2026-12-31`.
    pub expires: SmolStr,
    /// Whether that day is past: then its findings count as differences again.
    pub has_expired: bool,
    /// How many findings it is.
    pub count: u64,
}

/// One thing that was compared with another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// Which check: `direct-vs-projected`, for instance. Unique within its scenario.
    pub id: SmolStr,
    /// What it is about, where its name does not say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// What was compared with what.
    pub sides: Orientation,
    /// How it ended.
    pub outcome: Outcome,
    /// Why that is unknown, if it is.
    pub cause: Option<Cause>,
    /// How much was compared.
    pub compared: Compared,
    /// What differed.
    pub differences: Differences,
    /// What stands around the first differences of each kind, at most [`NEIGHBOURHOODS_KEPT`](crate::diff::NEIGHBOURHOODS_KEPT).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbourhoods: Vec<Neighbourhood>,
    /// The rules of the policy that were used.
    pub rules: Vec<RuleUse>,
    /// What each side comes to in a digest, where somebody asked for it and both were read to their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<Digests>,
    /// The differences that were found and are accepted, or were until now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Accepted>,
    /// What went wrong while comparing, with its causes, in one line.
    pub error: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
}

impl CheckResult {
    /// Concludes a check that ran to its end: it fails on a difference, and is unknown if nothing was compared.
    pub fn concluded(
        id: impl Into<SmolStr>,
        sides: Orientation,
        compared: Compared,
        differences: Differences,
    ) -> Self {
        let (outcome, cause) = match (differences.is_empty(), compared.total()) {
            (false, _) => (Outcome::Fail, None),
            (true, 0) => (Outcome::Unknown, Some(Cause::NothingCompared)),
            (true, _) => (Outcome::Pass, None),
        };
        let id = id.into();
        Self {
            id,
            about: None,
            sides,
            outcome,
            cause,
            compared,
            differences,
            neighbourhoods: Vec::new(),
            rules: Vec::new(),
            digests: None,
            accepted: Vec::new(),
            error: None,
            duration_ms: 0,
        }
    }

    /// Records a check that did not come to its end, and had compared nothing by then.
    pub fn unknown(
        id: impl Into<SmolStr>,
        sides: Orientation,
        cause: Cause,
        error: impl Into<Option<String>>,
    ) -> Self {
        Self {
            id: id.into(),
            about: None,
            sides,
            outcome: Outcome::Unknown,
            cause: Some(cause),
            compared: Compared::default(),
            differences: Differences::default(),
            neighbourhoods: Vec::new(),
            rules: Vec::new(),
            digests: None,
            accepted: Vec::new(),
            error: error.into(),
            duration_ms: 0,
        }
    }

    /// Concludes a check of figures: `(name, expected, actual)` each.
    pub fn of_figures(
        id: impl Into<SmolStr>,
        figures: impl IntoIterator<Item = (SmolStr, cutover_core::graph::Value, cutover_core::graph::Value)>,
    ) -> Self {
        let mut compared = Compared::default();
        let mut differences = Differences::default();
        for (name, expected, actual) in figures {
            compared.figures += 1;
            if expected != actual {
                differences.push(Difference::figure(name, expected, actual));
            }
        }
        Self::concluded(id, Orientation::new("expected", "actual"), compared, differences)
    }
}
