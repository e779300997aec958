//! What somebody has to be told. The main type is [`Alert`].

use std::fmt;

use cutover_core::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::standing::in_words;

/// What somebody has to be told. Each is told when it comes about, and not again for as long as it stays so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// When it came about.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: AlertKind,
}

/// What has come about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "alert", rename_all = "kebab-case")]
pub enum AlertKind {
    /// A criterion is exceeded.
    Broken {
        /// By what.
        told: String,
    },
    /// The soak begins anew: nothing of what was watched before counts.
    BeganAnew {
        /// Why.
        told: String,
    },
    /// A time in which nobody watched does not count.
    Halted {
        /// How long it was, in milliseconds.
        gap_ms: u64,
    },
    /// A round came to nothing, after one that came to something.
    Missed {
        /// Why.
        told: String,
    },
    /// Everything is there that the criteria ask for.
    Fulfilled,
    /// The flag was thrown back to `dual`.
    RolledBack {
        /// Why.
        told: String,
    },
    /// The flag should have been thrown back, and was not.
    NotRolledBack {
        /// Why not.
        told: String,
    },
}

impl AlertKind {
    /// Returns whether somebody has to do something about it.
    pub const fn is_bad(&self) -> bool {
        !matches!(self, Self::Fulfilled | Self::BeganAnew { .. })
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            AlertKind::Broken { told } => write!(f, "broken: {told}"),
            AlertKind::BeganAnew { told } => write!(f, "the soak begins anew: {told}"),
            AlertKind::Halted { gap_ms } => {
                write!(f, "nobody watched for {}, which does not count", in_words(*gap_ms))
            }
            AlertKind::Missed { told } => write!(f, "nothing was compared: {told}"),
            AlertKind::Fulfilled => f.write_str("the soak is fulfilled"),
            AlertKind::RolledBack { told } => write!(f, "the flag was thrown back to `dual`: {told}"),
            AlertKind::NotRolledBack { told } => write!(f, "the flag was NOT thrown back: {told}"),
        }
    }
}
