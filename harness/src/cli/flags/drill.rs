//! The arguments of `cutover drill`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `drill`.
#[derive(Debug, Args)]
pub struct DrillArgs {
    /// Only this defect; may be given several times. All of them when left out.
    #[arg(
        long = "defect",
        env = "CUTOVER_DEFECT",
        value_name = "ID",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub defects: Vec<String>,
    /// List the defects instead of running them.
    #[arg(long, env = "CUTOVER_LIST", hide_env_values = true)]
    pub list: bool,
    /// Run every defect in every scenario, and not only in the one that must catch it.
    #[arg(long, env = "CUTOVER_MATRIX", hide_env_values = true)]
    pub matrix: bool,
    /// In how many schedules of the simulation each defect is looked for, too; 0 for none.
    #[arg(
        long,
        env = "CUTOVER_SCHEDULES",
        value_name = "N",
        default_value_t = crate::defect::simulated::SCHEDULES,
        hide_env_values = true
    )]
    pub schedules: u64,
    /// Write the defects, and the matrix, into this Markdown file, between its two marks.
    #[arg(long, env = "CUTOVER_DOCUMENT", value_name = "FILE", hide_env_values = true)]
    pub document: Option<PathBuf>,
}
