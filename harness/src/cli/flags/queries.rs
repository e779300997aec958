//! The arguments of `cutover queries`.

use std::path::PathBuf;

use clap::Args;

use super::SecondLook;
use crate::queries::Asking;

/// Arguments of `queries`.
#[derive(Debug, Args)]
pub struct QueriesArgs {
    /// The queries to ask; all of them when none is named.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Name the queries with what they ask, and end.
    #[arg(long)]
    pub list: bool,
    /// Your own query files, .cypher, instead of those that come with the program.
    #[arg(long, env = "CUTOVER_QUERIES", value_name = "DIR", hide_env_values = true)]
    pub queries: Option<PathBuf>,
    /// With how many values a query is asked whose parameter is drawn from the graphs.
    #[arg(
        long,
        env = "CUTOVER_SAMPLE",
        value_name = "N",
        default_value_t = Asking::SAMPLE,
        value_parser = clap::value_parser!(u16).range(1..=10_000),
        hide_env_values = true
    )]
    pub sample: u16,
    /// How what differs is looked at again.
    #[command(flatten)]
    pub again: SecondLook,
}
