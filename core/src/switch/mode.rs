//! The three modes of a service that changes its source of truth.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which paths are written, and which of them is the truth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The direct graph alone is written, and there are no events: before the migration.
    Direct,
    /// Both paths are written; the direct graph is the truth. What a flag says to which nothing has happened.
    #[default]
    Dual,
    /// Events alone are written, and the projected graph follows from them: after the migration.
    Projected,
}

impl Mode {
    /// Every mode, in the order of a migration.
    pub const ALL: [Self; 3] = [Self::Direct, Self::Dual, Self::Projected];

    /// Returns the name, as events and the command line have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Dual => "dual",
            Self::Projected => "projected",
        }
    }

    /// Returns whether this mode may follow another one. There is no way round the mode in which both paths are written: only
    /// there can they be compared.
    pub const fn may_follow(self, before: Self) -> bool {
        matches!(
            (before, self),
            (Self::Direct, Self::Dual)
                | (Self::Dual, Self::Direct | Self::Projected)
                | (Self::Projected, Self::Dual)
        )
    }

    /// Returns whether a throw to this mode from another one gives up what is known to be right for what is only believed to be:
    /// then it needs a certificate.
    pub const fn needs_certificate(self, before: Self) -> bool {
        matches!((before, self), (Self::Dual, Self::Projected))
    }

    /// Returns whether the direct graph is written in this mode.
    pub const fn writes_direct(self) -> bool {
        matches!(self, Self::Direct | Self::Dual)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a mode is one of direct, dual and projected")]
pub struct UnknownMode;

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or(UnknownMode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_way_round_the_mode_in_which_both_paths_are_written() {
        let ways: Vec<_> = Mode::ALL
            .into_iter()
            .flat_map(|from| Mode::ALL.map(|to| (from, to)))
            .filter(|(from, to)| to.may_follow(*from))
            .collect();
        assert!(ways.iter().all(|(from, to)| *from == Mode::Dual || *to == Mode::Dual), "{ways:?}");
        assert_eq!(ways.len(), 4, "{ways:?}");
    }

    #[test]
    fn a_mode_is_read_from_its_name_alone() {
        for mode in Mode::ALL {
            assert_eq!(mode.as_str().parse(), Ok(mode));
        }
        assert_eq!("Dual".parse::<Mode>(), Err(UnknownMode));
    }
}
