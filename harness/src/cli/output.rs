//! The only code that writes to stdout and stderr: data to the one, everything else to the other.

use std::io::{self, Write};

use serde::Serialize;

use crate::error::ExpectedError;
use crate::report::Style;

/// Writes a result to stdout. A reader that has gone away (`cutover list | head -1`) is no error.
///
/// # Errors
///
/// [`ExpectedError::System`] when stdout cannot be written to, a full disk for instance.
pub fn print(text: &str) -> Result<(), ExpectedError> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(ExpectedError::System { doing: "write to stdout", source })
        }
        _ => Ok(()),
    }
}

/// Returns a value as a page of JSON. `invariant` is what must be true for that: "a diagnosis is JSON".
///
/// # Errors
///
/// [`ExpectedError::Internal`] when it is not.
pub fn json(value: &impl Serialize, invariant: &'static str) -> Result<String, ExpectedError> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|source| ExpectedError::Internal { invariant, source: source.into() })?;
    Ok(json + "\n")
}

/// Returns how many characters fit into a line of stdout; always the same number when it is no terminal.
pub fn columns() -> u16 {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map_or(Style::COLUMNS_WITHOUT_TERMINAL, |(terminal_size::Width(columns), _)| columns)
}

/// Writes what is not part of the result to stderr. When that is closed, nobody wants to know.
pub fn complain(text: &str) {
    drop(anstream::stderr().lock().write_all(text.as_bytes()));
}
