//! `cutover report`: shows a result that was kept, in any form; and what every run leaves beside its result.
//!
//! It decides nothing: whatever the verdict is, a report that could be written is a success.

use std::path::Path;

use crate::cli::config::Config;
use crate::cli::flags::{Form, ReportArgs};
use crate::cli::output;
use crate::error::ExpectedError;
use crate::exit_code;
use crate::report::{self, Style};
use crate::result::RunResult;
use crate::result_file;
use crate::run_folder::{self, HTML_FILE, JUNIT_FILE, MARKDOWN_FILE, RunFolder, RunFolderError};

/// Shows a result, or prints the schema of its JSON form.
///
/// # Errors
///
/// [`ExpectedError`] for a file that is no result, and for a report that cannot be written.
pub fn execute(config: &Config, args: &ReportArgs) -> Result<u8, ExpectedError> {
    if args.schema {
        write(args.output.as_deref(), &report::result_schema())?;
        return Ok(exit_code::PASS);
    }
    let path = args.result.clone().unwrap_or_else(|| run_folder::latest_result(&config.runs));
    let result = result_file::read(&path)?;
    let style = match args.output {
        Some(_) => Style::default(),
        None => terminal_style(),
    };
    write(args.output.as_deref(), &render(&result, config.form, style))?;
    Ok(exit_code::PASS)
}

/// Returns a result in a form.
pub(super) fn render(result: &RunResult, form: Form, style: Style) -> String {
    match form {
        Form::Human => report::to_terminal(result, style),
        Form::Json => report::to_json(result),
        Form::Junit => report::to_junit(result),
        Form::Markdown => report::to_markdown(result),
        Form::Html => report::to_html(result),
    }
}

/// Returns how text looks on stdout. Colours are in the text, and are taken out again where stdout does not want them.
pub(super) fn terminal_style() -> Style {
    Style { is_coloured: true, columns: output::columns(), ..Style::default() }
}

/// Keeps the reports of a run beside its result.
pub(super) fn keep_all(result: &RunResult, folder: &RunFolder) -> Result<(), RunFolderError> {
    for (file, form) in [(JUNIT_FILE, Form::Junit), (MARKDOWN_FILE, Form::Markdown), (HTML_FILE, Form::Html)]
    {
        folder.keep(file, render(result, form, Style::default()).as_bytes())?;
    }
    Ok(())
}

fn write(output: Option<&Path>, text: &str) -> Result<(), ExpectedError> {
    let Some(path) = output else { return output::print(text) };
    run_folder::write_whole(path, text.as_bytes())
        .map_err(|source| ExpectedError::Report { path: path.to_owned(), source })?;
    output::complain(&format!("report: {}\n", path.display()));
    Ok(())
}
