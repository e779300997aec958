//! Watching a live system for days: what changed is compared again and again, and held against criteria, so that the flag is thrown on
//! more than one good night. The main type is [`Soak`].
//!
//! | file | what it answers for |
//! |---|---|
//! | `criteria` | what is enough and what breaks it, as a file says it |
//! | `observation`, `phase` | what one round saw, and which soak it belongs to |
//! | `state` | the soak itself, without I/O and clock |
//! | `standing`, `alert` | how it stands, with numbers; what somebody has to be told |
//! | `file` | what is remembered between two rounds, and after a kill |

mod alert;
mod criteria;
mod file;
mod observation;
mod phase;
mod standing;
mod state;
#[cfg(test)]
mod tests;

pub use alert::{Alert, AlertKind};
pub use criteria::{AtMost, Criteria, CriteriaError, Enough, NoSpan, Rounds, Span};
pub use file::{About, Lock, StateError, StateFile};
pub use observation::{Comparison, Cursor, Figures, Miss, Observation};
pub use phase::Phase;
pub use standing::{Breach, Criterion, Missing, Standing, in_words};
pub use state::{Record, Soak, Tally};
