//! What a sentence does, how it is built, what it is for and what it is about: the port [`Analyser`], and two of them.
//!
//! The running service asks a model. Here are a deterministic one that looks words up ([`Lexical`]), for runs that must
//! come out the same on every machine, and one that repeats answers which a model gave before ([`Recorded`]).

mod lexical;
mod lexicon;
mod recorded;

use cutover_core::analysed::AnalysisOutcome;

pub use lexical::Lexical;
pub use recorded::{Recorded, RecordedError};

/// A sentence as an analyser sees it.
#[derive(Debug, Clone, Copy)]
pub struct SentenceContext<'a> {
    /// The bare name of its file.
    pub file: &'a str,
    /// Its index in the file, 0-based.
    pub index: u32,
    /// The words.
    pub text: &'a str,
    /// Who said them.
    pub speaker: Option<&'a str>,
    /// BCP 47 language tag of the file, if known.
    pub language: Option<&'a str>,
    /// The sentence before it in the file.
    pub previous: Option<Previous<'a>>,
}

/// The sentence before the one that is analysed.
#[derive(Debug, Clone, Copy)]
pub struct Previous<'a> {
    /// The words.
    pub text: &'a str,
    /// Who said them.
    pub speaker: Option<&'a str>,
}

/// Analyses sentences.
pub trait Analyser: Send + Sync {
    /// Analyses one sentence. A failure is an outcome: the sentence is kept, its analysis is an error.
    fn analyse(&self, sentence: &SentenceContext<'_>) -> AnalysisOutcome;
}
