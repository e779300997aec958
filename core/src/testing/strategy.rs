//! Proptest strategies: any event of any type, any metadata, any command, and whole histories of an interview with its
//! sentences.

mod command;
mod event;
mod history;

pub use command::{any_command, any_command_context};
pub use event::{any_body, any_event, any_interview_event, any_metadata, any_sentence_event, any_timestamp};
pub use history::{InterviewHistory, any_history};
