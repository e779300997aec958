//! The flag that says which path is the source of truth, as an event-sourced aggregate: who may throw it, when, and how far a
//! throw has come.
//!
//! | file | what it answers for |
//! |---|---|
//! | `mode` | the three modes, and which may follow which |
//! | `event` | what can have happened to the flag, as it is stored |
//! | `state` | the flag as its events left it |
//! | `decide` | commands, and the rules against them |
//!
//! A throw is an *operation* of several steps, each of them an event: [`SwitchEvent::Started`], then
//! [`SwitchEvent::WritersFenced`], [`SwitchEvent::Drained`], [`SwitchEvent::Verified`] and [`SwitchEvent::ModeChanged`]. Wherever
//! whoever throws it dies, the events say how far it came. Until the last of them the mode is the old one, so that giving up
//! ([`SwitchEvent::Abandoned`]) needs nothing undone.

mod decide;
mod event;
mod mode;
mod state;

pub use decide::{
    Rejection, Start, abandon, change_mode, confirm_drained, confirm_fence, confirm_verified, start,
};
pub use event::{CategoryPositions, Started, SwitchEvent, UnreadableEvent};
pub use mode::Mode;
pub use state::{Step, SwitchState, Thrown, UnderWay};

use crate::ids::StreamName;

/// The category of the streams that flags are in.
pub const CATEGORY: &str = "CutoverSwitch";

/// Returns the stream of the flag of that name.
pub fn stream(flag: &str) -> StreamName {
    StreamName::new(smol_str::format_smolstr!("{CATEGORY}-{flag}"))
}

/// Returns whether a stream is that of a flag.
pub fn is_of_a_flag(stream: &StreamName) -> bool {
    stream.as_str().strip_prefix(CATEGORY).is_some_and(|rest| rest.starts_with('-'))
}
