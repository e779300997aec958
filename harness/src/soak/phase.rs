//! Which of the two soaks it is: the weeks before the flag is thrown, or the days after.

use cutover_core::switch::{Mode, SwitchState};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which soak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Phase {
    /// Both paths write: the two graphs are held against each other.
    BeforeTheFlip {
        /// The throw that brought the mode about; none where the flag was never thrown.
        operation: Option<Uuid>,
    },
    /// Only events are written: the projected graph is held against what they say.
    AfterTheFlip {
        /// The throw that brought it about.
        operation: Uuid,
    },
}

impl Phase {
    /// Returns the phase that a flag says; none in the mode `direct`, where no events are appended that anything could be held against.
    pub fn of(flag: &SwitchState) -> Option<Self> {
        match flag.mode {
            Mode::Direct => None,
            Mode::Dual => Some(Self::BeforeTheFlip { operation: flag.thrown.map(|thrown| thrown.operation) }),
            Mode::Projected => {
                let operation = flag.thrown.map_or(Uuid::nil(), |thrown| thrown.operation);
                Some(Self::AfterTheFlip { operation })
            }
        }
    }

    /// Returns whether the flag was thrown.
    pub const fn is_after_the_flip(self) -> bool {
        matches!(self, Self::AfterTheFlip { .. })
    }

    /// Returns what to tell a person.
    pub const fn told(self) -> &'static str {
        match self {
            Self::BeforeTheFlip { .. } => "before the flip, the two graphs against each other",
            Self::AfterTheFlip { .. } => "after the flip, the projected graph against the events",
        }
    }
}
