//! What analyses the sentences of a run: the bundled analyser, or the answers that a model gave before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cutover_service::pipeline::analyse::{Analyser, Lexical, Recorded, RecordedError};

/// Why recorded analyses cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AnalysesError {
    /// The file cannot be read, or is not UTF-8.
    #[error("cannot read the recorded analyses in {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it is no recorded analysis. Names file and line.
    #[error(transparent)]
    Content(#[from] RecordedError),
}

impl AnalysesError {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "name a file of UTF-8 text that can be read with --analyses",
            Self::Content(_) => {
                "each line is one JSON object with `index` and either `error` or `model`, `version` and \
                 `classification`; `file`, `text`, `keywords`, `topics`, `domain_keywords` and `confidence` may be there"
            }
        }
    }
}

/// Returns the analyser that repeats what a file holds, or the bundled one without a file.
///
/// # Errors
///
/// [`AnalysesError`] when the file cannot be used.
pub fn analyser(file: Option<&Path>) -> Result<Box<dyn Analyser>, AnalysesError> {
    let Some(file) = file else { return Ok(Box::new(Lexical)) };
    let content = fs::read_to_string(file)
        .map_err(|source| AnalysesError::Unreadable { file: file.to_owned(), source })?;
    Ok(Box::new(Recorded::parse(&file.to_string_lossy(), &content)?))
}
