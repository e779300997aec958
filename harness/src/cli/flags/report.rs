//! The arguments of `cutover report`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The result.json of a run; that of the newest one when left out.
    #[arg(value_name = "RESULT")]
    pub result: Option<PathBuf>,
    /// Write the report to this file instead of stdout, whole or not at all.
    #[arg(long, env = "CUTOVER_OUTPUT", value_name = "FILE", hide_env_values = true)]
    pub output: Option<PathBuf>,
    /// Print the JSON Schema of results instead.
    #[arg(long)]
    pub schema: bool,
}
