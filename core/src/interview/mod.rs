//! The interview as an aggregate: what can happen to it, and what may be asked of it.

mod command;
mod decide;
mod event;
mod state;

pub use command::InterviewCommand;
pub use decide::{Rejection, decide};
pub use event::{
    InterviewCreated, InterviewEvent, InterviewStatus, InterviewStatusChanged, InterviewUpdated, Reason,
};
pub use state::{Interview, InterviewState, evolve};
