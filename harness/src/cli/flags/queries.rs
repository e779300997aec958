//! The arguments of `cutover queries`.

use std::path::PathBuf;

use clap::Args;

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
    /// How often answers that differ are asked for again while graphs are written to; 0 for graphs at rest.
    #[arg(
        long,
        env = "CUTOVER_ROUNDS",
        value_name = "N",
        default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(0..=1_000),
        hide_env_values = true
    )]
    pub rounds: u32,
    /// With --eventstore-url, they are asked for again once these consumer groups have answered what was written before:
    /// neo4j-projection-interview-NAME and neo4j-projection-sentence-NAME.
    #[arg(
        long,
        env = "CUTOVER_GROUPS",
        value_name = "NAME",
        default_value = "v1",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        hide_env_values = true
    )]
    pub groups: String,
    /// Without --eventstore-url, how long to wait before that: longer than the projection lags behind.
    #[arg(long, env = "CUTOVER_SETTLE", value_name = "TIME", default_value = "5s", hide_env_values = true)]
    pub settle: String,
}
