//! The sentence as an aggregate: what can happen to it, and what may be asked of it.

mod command;
mod decide;
mod event;
mod state;

pub use command::SentenceCommand;
pub use decide::{Rejection, decide};
pub use event::{
    AnalysisGenerated, AnalysisOverridden, AnalysisRegenerated, Classification, EditorType, Findings,
    OverriddenFields, SentenceCreated, SentenceEdited, SentenceEvent, SentenceRelocated, SentenceStatus,
    SentenceStatusChanged, Tag, TagType,
};
pub use state::{Analysis, Attached, Sentence, SentenceState, evolve};
