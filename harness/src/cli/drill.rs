//! `cutover drill`: known defects, one at a time, each of which must be caught by the finding that names it.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::config::Config;
use crate::cli::flags::{DrillArgs, EnginesKind, Format};
use crate::cli::{output, run};
use crate::defect::drill::{self, Drill, Ended};
use crate::defect::result::DrillResult;
use crate::defect::simulated::SCHEDULES;
use crate::defect::{Defect, Finding, catalogue};
use crate::error::ExpectedError;
use crate::exit_code;
use crate::report::{self, Style};
use crate::scenario;

/// Begins what a drill writes into a document.
const BEGIN: &str = "<!-- drill: begin -->";

/// Ends it.
const END: &str = "<!-- drill: end -->";

/// A document that a drill cannot write into.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It cannot be read or written.
    #[error("cannot write the defects into {}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It does not say where.
    #[error("{} has no place for the defects", file.display())]
    NoMarks {
        /// The file.
        file: PathBuf,
    },
}

impl DocumentError {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::File { .. } => "name a file that is there and can be written".to_owned(),
            Self::NoMarks { .. } => format!("put the lines `{BEGIN}` and `{END}` where they should stand"),
        }
    }
}

/// A defect, as `--format json` lists it.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    class: crate::defect::Class,
    what: &'a str,
    why: &'a str,
    has_shipped: bool,
    scenario: &'a str,
    finding: Finding,
}

impl<'a> From<&'a Defect> for Entry<'a> {
    fn from(defect: &'a Defect) -> Self {
        let Defect { id, class, what, why, has_shipped, scenario, finding, hooks: _ } = *defect;
        Self { id, class, what, why, has_shipped, scenario, finding }
    }
}

/// Runs the defects, or lists them.
///
/// # Errors
///
/// [`ExpectedError`] for an unknown defect, for bad input, and for a document that cannot be written into.
pub fn execute(config: &Config, args: &DrillArgs) -> Result<u8, ExpectedError> {
    let defects = catalogue::select(&args.defects)?;
    // Colours are in the text, and are taken out again where stdout does not want them.
    let style = Style { is_coloured: true, columns: output::columns(), ..Style::default() };
    if args.list {
        output::print(&match config.format {
            Format::Human => report::defects_to_terminal(&defects, style),
            Format::Json => {
                output::json(&defects.iter().map(Entry::from).collect::<Vec<_>>(), "a drill is JSON")?
            }
        })?;
        return Ok(exit_code::PASS);
    }
    if let Some(document) = &args.document {
        // Before anything runs: it takes a while.
        marked(document)?;
    }
    let result = run(config, args, &defects)?;
    output::print(&match config.format {
        Format::Human => report::drill_to_terminal(&result, style),
        Format::Json => output::json(&result, "a drill is JSON")?,
    })?;
    if let Some(document) = &args.document {
        write(document, &defects, &result)?;
    }
    Ok(result.exit_code())
}

fn run(config: &Config, args: &DrillArgs, defects: &[Defect]) -> Result<DrillResult, ExpectedError> {
    if config.engines != EnginesKind::Embedded {
        output::complain("note: a drill runs inside this process, whatever --engines says\n");
    }
    let catalogue = config.catalogue()?;
    let transcripts = match config.has_transcripts() {
        true => config.transcripts()?,
        false => drill::transcripts(),
    };
    scenario::run::check(catalogue.all(), &transcripts)?;
    let shown = io::stderr().is_terminal();
    let ended = |ended: Ended<'_>| {
        if shown {
            let Ended { done, total, scenario, defect } = ended;
            let defect = defect.unwrap_or("no defect");
            // To the end of the line: what was longer before is gone.
            output::complain(&format!("\r{done}/{total} {scenario}, {defect}\u{1b}[K"));
        }
    };
    let drill = Drill {
        scenarios: catalogue.all(),
        transcripts: &transcripts,
        seed: config.seed,
        is_matrix: args.matrix,
        schedules: args.schedules,
        until: Instant::now().checked_add(config.timeout),
        observer: &ended,
    };
    output::complain(&format!(
        "seed {}: {} over {}\n",
        config.seed,
        crate::result::counted(defects.len() as u64, "defect"),
        crate::result::counted(transcripts.len() as u64, "transcript"),
    ));
    let started = Instant::now();
    let result = drill.run(defects, run::repeat(config, &subcommand(args)));
    if shown {
        output::complain("\r\u{1b}[K");
    }
    output::complain(&format!("{} in {:.1} s\n", result.outcome, seconds(started.elapsed())));
    Ok(result)
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// Returns what was asked for, for the command that repeats it.
fn subcommand(args: &DrillArgs) -> String {
    let mut subcommand = String::from("drill");
    for id in &args.defects {
        subcommand += " --defect ";
        subcommand += id;
    }
    if args.matrix {
        subcommand += " --matrix";
    }
    if args.schedules != SCHEDULES {
        subcommand += &format!(" --schedules {}", args.schedules);
    }
    subcommand
}

/// Reads a document, and finds what stands before the place of the defects and behind it.
fn marked(file: &Path) -> Result<(String, String), DocumentError> {
    let text =
        fs::read_to_string(file).map_err(|source| DocumentError::File { file: file.to_owned(), source })?;
    let found = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    found
        .map(|(before, behind)| (before.to_owned(), behind.to_owned()))
        .ok_or_else(|| DocumentError::NoMarks { file: file.to_owned() })
}

fn write(file: &Path, defects: &[Defect], result: &DrillResult) -> Result<(), DocumentError> {
    let (before, behind) = marked(file)?;
    let list = report::defects_to_markdown(defects);
    let matrix = report::matrix_to_markdown(result);
    let text = format!("{before}{BEGIN}\n{list}{matrix}\n{END}{behind}");
    fs::write(file, text).map_err(|source| DocumentError::File { file: file.to_owned(), source })
}
