//! `cutover list`.

use serde::Serialize;

use crate::cli::config::Config;
use crate::cli::flags::{Format, ListArgs};
use crate::cli::output;
use crate::error::ExpectedError;
use crate::exit_code;
use crate::scenario::load::Named;
use crate::scenario::schema::schema;

/// A scenario, as `--format json` lists it.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    name: &'a str,
    description: &'a str,
    steps: usize,
}

impl<'a> From<&'a Named> for Entry<'a> {
    fn from(named: &'a Named) -> Self {
        Self {
            name: &named.name,
            description: &named.scenario.description,
            steps: named.scenario.steps.len(),
        }
    }
}

/// Lists the scenarios, or prints the schema of their files.
///
/// # Errors
///
/// [`ExpectedError`] when a scenario file has a mistake.
pub fn execute(config: &Config, args: &ListArgs) -> Result<u8, ExpectedError> {
    if args.schema {
        output::print(&schema())?;
        return Ok(exit_code::PASS);
    }
    let catalogue = config.catalogue()?;
    let entries: Vec<Entry<'_>> = catalogue.all().iter().map(Entry::from).collect();
    let text = match config.format {
        Format::Json => output::json(&entries, "a list of scenarios is JSON")?,
        Format::Human => {
            let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
            entries.iter().map(|entry| format!("{:width$}  {}\n", entry.name, entry.description)).collect()
        }
    };
    output::print(&text)?;
    Ok(exit_code::PASS)
}
