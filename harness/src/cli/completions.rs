//! `cutover completions SHELL`.

use crate::cli::flags::CompletionsArgs;
use crate::cli::{command, output};
use crate::error::ExpectedError;
use crate::exit_code;

/// Prints the completion script for a shell.
///
/// # Errors
///
/// [`ExpectedError::System`] when stdout cannot be written to.
pub fn execute(args: &CompletionsArgs) -> Result<u8, ExpectedError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "cutover", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(exit_code::PASS)
}
