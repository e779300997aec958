//! The interview as an aggregate: what can happen to it, and what may be asked of it.

mod event;

pub use event::{
    InterviewCreated, InterviewEvent, InterviewStatus, InterviewStatusChanged, InterviewUpdated, Reason,
};
