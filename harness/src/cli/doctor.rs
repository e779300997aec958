//! `cutover doctor`: which engines can be used here, and what is missing for the others.

use crate::cli::config::Config;
use crate::cli::flags::Format;
use crate::cli::{output, runtime};
use crate::doctor::{diagnose, probe};
use crate::error::ExpectedError;
use crate::exit_code;
use crate::report::{self, Style};

/// Looks, and says what it found. The exit code is about the engines that were asked for.
///
/// # Errors
///
/// [`ExpectedError::System`] when stdout cannot be written to.
pub fn execute(config: &Config) -> Result<u8, ExpectedError> {
    let facts = runtime()?.block_on(probe(&config.runs, &config.containers, &config.external));
    let diagnosis = diagnose(&facts, config.engines);
    let text = match config.format {
        Format::Human => {
            let style = Style { is_coloured: true, columns: output::columns(), ..Style::default() };
            report::diagnosis_to_terminal(&diagnosis, style)
        }
        Format::Json => output::json(&diagnosis, "a diagnosis is JSON")?,
    };
    output::print(&text)?;
    Ok(if diagnosis.chosen_works() { exit_code::PASS } else { exit_code::ENVIRONMENT })
}
