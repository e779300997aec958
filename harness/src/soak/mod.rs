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
//! | `round` | what changed in a live system is compared, and a part of what did not |
//! | `watch` | one round after the other, remembered and told |
//! | `webhook`, `rollback` | telling somebody who is not there, and throwing the flag back |

mod alert;
mod criteria;
mod file;
mod observation;
mod phase;
mod rollback;
mod round;
mod standing;
mod state;
#[cfg(test)]
mod tests;
mod watch;
mod webhook;

pub use alert::{Alert, AlertKind};
pub use criteria::{AtMost, Criteria, CriteriaError, Enough, NoSpan, Rounds, Span};
pub use file::{About, Lock, StateError, StateFile};
pub use observation::{Comparison, Cursor, Figures, Miss, Observation};
pub use phase::Phase;
pub use rollback::{Conducted, Rollback};
pub use round::Watched;
pub use standing::{Breach, Criterion, Missing, Standing, in_words};
pub use state::{Record, Soak, Tally};
pub use watch::{End, Opened, Round, Until, Watch, WatchError};
pub use webhook::{Hook, HookError, NoWebhookUrl, Note, Patience as HookPatience, Webhook, WebhookUrl};
