//! Reads the result of a run back from the file that it was kept in. The entry is [`read`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::result::{RunResult, SCHEMA_VERSION};

/// Why a file is no result that this program can show.
#[derive(Debug, thiserror::Error)]
pub enum ResultFileError {
    /// There is no such file, or it cannot be read.
    #[error("cannot read the result {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no JSON, or no result.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, 1-based.
        line: usize,
        /// The column, 1-based.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// It is a result in another form.
    #[error("{}:{line}: a result of schema version {found}; this program reads version {SCHEMA_VERSION}", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The line that says so, 1-based.
        line: usize,
        /// The version of its form.
        found: u64,
    },
}

impl ResultFileError {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "run `cutover readiness` first, or name the result.json of a run",
            Self::Broken { .. } => "name the result.json of a run, as it was written",
            Self::OtherVersion { .. } => {
                "show it with the version of cutover that wrote it, or repeat the run"
            }
        }
    }
}

/// What is looked at before anything else.
#[derive(Deserialize)]
struct Version {
    schema_version: u64,
}

/// Reads a result.
///
/// # Errors
///
/// [`ResultFileError`] with the place in the file.
pub fn read(path: &Path) -> Result<RunResult, ResultFileError> {
    let unreadable = |source| ResultFileError::Unreadable { path: path.to_owned(), source };
    let bytes = fs::read(path).map_err(unreadable)?;
    let broken = |error: serde_json::Error| ResultFileError::Broken {
        path: path.to_owned(),
        line: error.line().max(1),
        column: error.column().max(1),
        what: without_place(&error),
    };
    let Version { schema_version } = serde_json::from_slice(&bytes).map_err(broken)?;
    if schema_version != u64::from(SCHEMA_VERSION) {
        let before = bytes.split(|byte| *byte == b'\n').position(|line| {
            line.windows(b"\"schema_version\"".len()).any(|word| word == b"\"schema_version\"")
        });
        let line = before.unwrap_or(0) + 1;
        return Err(ResultFileError::OtherVersion { path: path.to_owned(), line, found: schema_version });
    }
    serde_json::from_slice(&bytes).map_err(broken)
}

/// Returns what an error says without the place, which it repeats at its end.
pub(crate) fn without_place(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    said.strip_suffix(&place).unwrap_or(&said).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::to_json;
    use crate::testing;

    fn read_text(text: &str) -> Result<RunResult, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("result.json");
        fs::write(&path, text).expect("a file");
        let place = folder.path().display().to_string();
        read(&path).map_err(|error| error.to_string().replace(&place, "…"))
    }

    #[test]
    fn a_result_is_read_as_it_was_kept() {
        let result = testing::run_result();
        assert_eq!(read_text(&to_json(&result)), Ok(result));
    }

    #[test]
    fn a_result_of_another_version_is_named_with_its_line() {
        let text = to_json(&testing::run_result()).replace("\"schema_version\": 1", "\"schema_version\": 7");
        assert_eq!(
            read_text(&text).expect_err("another version"),
            "…/result.json:2: a result of schema version 7; this program reads version 1"
        );
    }

    #[test]
    fn a_broken_result_is_named_with_line_and_column() {
        let text = to_json(&testing::run_result());
        let half: String = text.lines().take(40).collect::<Vec<_>>().join("\n");
        let error = read_text(&half).expect_err("half a result");
        assert!(error.starts_with("…/result.json:40:"), "{error}");
        let error = read_text("{}").expect_err("no result");
        assert_eq!(error, "…/result.json:1:2: missing field `schema_version`");
        let wrong = text.replacen("\"seed\": 7301", "\"seed\": \"none\"", 1);
        let error = read_text(&wrong).expect_err("no seed");
        assert_eq!(error, "…/result.json:4:16: invalid type: string \"none\", expected u64");
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let error = read(Path::new("/nowhere/result.json")).expect_err("no file");
        assert_eq!(error.to_string(), "cannot read the result /nowhere/result.json");
    }
}
