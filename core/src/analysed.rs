//! What the pipeline made of a transcript before anything is written: sentences in order, each with its analysis.

use smol_str::SmolStr;

use crate::ids::{InterviewId, ProjectId};
use crate::sentence::Findings;

/// A transcript, cut into sentences and analysed.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysedFile {
    /// The project that it belongs to.
    pub project: ProjectId,
    /// The interview that it is; [`InterviewId::for_file`] unless given.
    pub interview: InterviewId,
    /// The bare file name.
    pub file_name: SmolStr,
    /// BCP 47 language tag, if known.
    pub language: Option<SmolStr>,
    /// The sentences; the place in this list is the sentence's index in the file.
    pub sentences: Vec<AnalysedSentence>,
}

/// A sentence of a transcript with its analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysedSentence {
    /// The words.
    pub text: SmolStr,
    /// Who said them.
    pub speaker: Option<SmolStr>,
    /// When they began, in milliseconds from the start of the recording.
    pub start_ms: Option<u64>,
    /// When they ended, in milliseconds from the start of the recording.
    pub end_ms: Option<u64>,
    /// What the analyser answered.
    pub analysis: AnalysisOutcome,
}

/// What an analyser answered for a sentence.
#[derive(Debug, Clone, PartialEq)]
pub enum AnalysisOutcome {
    /// It found something.
    Found {
        /// The model's name.
        model: SmolStr,
        /// The model's version.
        version: SmolStr,
        /// What it found.
        findings: Findings,
    },
    /// It failed: the direct path keeps the error, the projected path hears nothing of it.
    Failed {
        /// What went wrong, as JSON text.
        error_data: SmolStr,
    },
}
