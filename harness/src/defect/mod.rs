//! Defects of the code that must come to light, each by the finding that names it. A scenario that stays green with a defect
//! in the program would prove nothing when it is green without one.
//!
//! A defect is a wrapper round the ports ([`Hooks`]), never a switch in production code: what a handler writes is changed on its
//! way into the graph, what a consumer reads on its way out of the store. The main type is [`Defect`].
//!
//! | module | what lives there |
//! |---|---|
//! | [`catalogue`] | all of them, by id |
//! | `order`, `routing`, `subscription`, `payload`, `handlers`, `limits`, `time`, `dual_write`, `writers`, `engines`, `switch` | the defects of each class |
//! | [`canary`] | what the drill must not call caught |
//! | `tools` | what they are made of |
//! | [`drill`], [`result`] | runs them, and what that came to |
//! | [`simulated`] | looks for them in the simulation, too |

pub mod canary;
pub mod catalogue;
pub mod drill;
mod dual_write;
mod engines;
mod handlers;
mod limits;
mod order;
mod payload;
pub mod result;
mod routing;
pub mod simulated;
mod subscription;
mod switch;
mod time;
mod tools;
mod writers;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::diff::DifferenceKind;
use crate::provision::hooks::Hooks;
use crate::result::ScenarioResult;

/// What kind of mistake a defect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Versions are applied in an order that is not theirs.
    Order,
    /// An event is not brought to where it belongs.
    Routing,
    /// The store and its consumer do not mean the same by an answer.
    Subscription,
    /// An event is misread.
    Payload,
    /// A handler writes something else than the event says.
    Handlers,
    /// How many values there may be is not what was agreed.
    Limits,
    /// A time is not that of the event.
    Time,
    /// The two paths are not written together.
    DualWrite,
    /// Several processes that write do not know of each other.
    Writers,
    /// A fault of an engine is taken for something else.
    Engines,
    /// The flag is thrown, or followed, wrongly.
    Switch,
}

impl Class {
    /// Returns the name, as it is in the JSON form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Routing => "routing",
            Self::Subscription => "subscription",
            Self::Payload => "payload",
            Self::Handlers => "handlers",
            Self::Limits => "limits",
            Self::Time => "time",
            Self::DualWrite => "dual-write",
            Self::Writers => "writers",
            Self::Engines => "engines",
            Self::Switch => "switch",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A defect.
#[derive(Debug, Clone, Copy)]
pub struct Defect {
    /// Its name: what stands on the command line.
    pub id: &'static str,
    /// What kind of mistake it is.
    pub class: Class,
    /// What the code does, in a sentence.
    pub what: &'static str,
    /// Where such a thing was seen, or why somebody would write it.
    pub why: &'static str,
    /// Whether a system of this very design is known to have shipped it.
    pub has_shipped: bool,
    /// The scenario that must go red.
    pub scenario: &'static str,
    /// What must be found there.
    pub finding: Finding,
    /// Makes its hooks. They remember what they have seen, and are made anew for every run.
    pub hooks: fn() -> Hooks,
}

/// What a scenario must find to have caught a defect by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// A difference of a comparison.
    Difference {
        /// The check, such as `model-vs-projected`.
        check: &'static str,
        /// The kind of the difference, such as `missing-right`.
        kind: &'static str,
        /// The label or the relationship type.
        subject: &'static str,
        /// The property, where one differs.
        property: Option<&'static str>,
    },
    /// A figure that is not what the scenario expects.
    Figure {
        /// Its name, such as `parked events`.
        name: &'static str,
    },
    /// The scenario comes to its end early, because a rule forbids what it does.
    Refused {
        /// What the reason must say.
        says: &'static str,
    },
}

impl Finding {
    /// A property that differs.
    pub const fn property(check: &'static str, subject: &'static str, property: &'static str) -> Self {
        Self::Difference { check, kind: "property-differs", subject, property: Some(property) }
    }

    /// An element that is not in the graph that is compared.
    pub const fn missing(check: &'static str, subject: &'static str) -> Self {
        Self::Difference { check, kind: "missing-right", subject, property: None }
    }

    /// An element that should not be in the graph that is compared.
    pub const fn extra(check: &'static str, subject: &'static str) -> Self {
        Self::Difference { check, kind: "missing-left", subject, property: None }
    }

    /// Another kind of difference.
    pub const fn other(check: &'static str, kind: &'static str, subject: &'static str) -> Self {
        Self::Difference { check, kind, subject, property: None }
    }

    /// Returns whether a scenario has found it.
    pub fn is_in(&self, result: &ScenarioResult) -> bool {
        match *self {
            Self::Difference { check, kind, subject, property } => result
                .checks
                .iter()
                // The same two graphs may be compared several times: such checks bear numbers.
                .filter(|found| {
                    found.id.trim_end_matches(|end: char| end == '-' || end.is_ascii_digit()) == check
                })
                .filter(|found| found.differences.count(subject, kind) > 0)
                .any(|found| property.is_none_or(|property| names_property(found, subject, property))),
            Self::Figure { name } => {
                result.checks.iter().any(|found| found.differences.count(name, "figure") > 0)
            }
            Self::Refused { says } => result.reason.as_ref().is_some_and(|reason| reason.contains(says)),
        }
    }
}

fn names_property(check: &crate::result::CheckResult, subject: &str, property: &str) -> bool {
    check.differences.first.iter().filter(|difference| difference.subject.name() == subject).any(
        |difference| matches!(&difference.kind, DifferenceKind::PropertyDiffers { property: found, .. } if found == property),
    )
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Difference { check, kind, subject, property: None } => {
                write!(f, "{check}: {kind} {subject}")
            }
            Self::Difference { check, kind, subject, property: Some(property) } => {
                write!(f, "{check}: {kind} {subject}.{property}")
            }
            Self::Figure { name } => write!(f, "expectations: {name}"),
            Self::Refused { says } => write!(f, "stopped: \"{says}\""),
        }
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
