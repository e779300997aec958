//! The sentence as an aggregate: what can happen to it, and what may be asked of it.

mod event;

pub use event::{
    AnalysisGenerated, AnalysisOverridden, AnalysisRegenerated, Classification, EditorType, Findings,
    OverriddenFields, SentenceCreated, SentenceEdited, SentenceEvent, SentenceRelocated, SentenceStatus,
    SentenceStatusChanged, Tag, TagType,
};
