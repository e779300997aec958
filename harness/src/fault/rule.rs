//! Which call is disturbed, and how. The main type is [`Rule`].

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use smol_str::SmolStr;

use super::operation::{Operation, Site};

/// What happens to a call, or to deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It fails before it took effect.
    Fails,
    /// It takes effect, and the reply is lost.
    ReplyLost,
    /// It fails late; whether it took effect, the seed decides.
    TimesOut,
    /// It takes longer.
    Slow,
    /// It is carried out twice, as by a client that sends it again.
    Twice,
    /// The process dies before it took effect.
    CrashBefore,
    /// The process dies after it took effect, and before it heard of that.
    CrashAfter,
    /// Deliveries come in another order.
    Reorder,
    /// Deliveries come again, some of them long after they were answered.
    Redeliver,
    /// Deliveries wait until the other subscription has delivered something.
    HoldBack,
}

impl Kind {
    /// Returns the name that a scenario file has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fails => "fails",
            Self::ReplyLost => "reply-lost",
            Self::TimesOut => "times-out",
            Self::Slow => "slow",
            Self::Twice => "twice",
            Self::CrashBefore => "crash-before",
            Self::CrashAfter => "crash-after",
            Self::Reorder => "reorder",
            Self::Redeliver => "redeliver",
            Self::HoldBack => "hold-back",
        }
    }

    /// Returns whether it is about what a subscription delivers, and about nothing else.
    pub const fn is_of_deliveries(self) -> bool {
        matches!(self, Self::Reorder | Self::Redeliver | Self::HoldBack)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which of the calls that a rule is about are disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// One in so many: of each so many calls, the seed draws one.
    OneIn(u32),
    /// The one of that number (1-based), and no other.
    Nth(u64),
    /// The one of that number (1-based), and all after it.
    From(u64),
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneIn(1) => f.write_str("always"),
            Self::OneIn(number) => write!(f, "one in {number}"),
            Self::Nth(number) => write!(f, "number {number}"),
            Self::From(number) => write!(f, "from number {number}"),
        }
    }
}

/// A fault that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which methods; every one when empty.
    pub on: Vec<Operation>,
    /// Whose, see [`Site::of`]; everybody's when left out.
    pub of: Option<SmolStr>,
    /// What happens.
    pub kind: Kind,
    /// To which calls.
    pub when: When,
    /// How often at most.
    pub times: Option<u64>,
    /// How long it takes, where it takes long.
    pub takes: Duration,
}

impl Rule {
    /// Returns whether every call fails until somebody heals it, from some time on.
    pub const fn lasts(&self) -> bool {
        matches!(self.kind, Kind::Fails | Kind::ReplyLost | Kind::TimesOut)
            && matches!(self.when, When::OneIn(1) | When::From(_))
            && self.times.is_none()
    }

    /// Returns whether a call is one that the rule is about.
    pub fn is_about(&self, site: Site<'_>) -> bool {
        (self.on.is_empty() || self.on.contains(&site.operation))
            && self.of.as_ref().is_none_or(|of| of == site.of)
            && (!self.kind.is_of_deliveries() || site.operation == Operation::Deliver)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.on.as_slice() {
            [] => f.write_str("every call")?,
            [first, others @ ..] => {
                first.fmt(f)?;
                others.iter().try_for_each(|other| write!(f, " and {other}"))?;
            }
        }
        if let Some(of) = &self.of {
            write!(f, " of {of}")?;
        }
        write!(f, " {} ({})", self.kind, self.when)
    }
}
