//! The arguments of `cutover diff`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cutover_engines::graph::Schema;

use super::SecondLook;
use crate::diff::Shard;

/// Which of the two schemas a graph has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// What the running pipeline writes.
    Direct,
    /// What the projection writes.
    Projected,
}

impl From<SchemaName> for Schema {
    fn from(name: SchemaName) -> Self {
        match name {
            SchemaName::Direct => Self::Direct,
            SchemaName::Projected => Self::Projected,
        }
    }
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The left graph: bolt://host:7687 and the like, or a snapshot.
    #[arg(value_name = "LEFT", required_unless_present_any = ["merge", "print_policy"])]
    pub left: Option<String>,
    /// The right graph, likewise.
    #[arg(value_name = "RIGHT", required_unless_present_any = ["merge", "print_policy"])]
    pub right: Option<String>,
    /// The schema of the left server; direct when left out. A snapshot knows its own.
    #[arg(long, env = "CUTOVER_LEFT_SCHEMA", value_name = "SCHEMA", value_enum, hide_env_values = true)]
    pub left_schema: Option<SchemaName>,
    /// The schema of the right server; projected when left out.
    #[arg(long, env = "CUTOVER_RIGHT_SCHEMA", value_name = "SCHEMA", value_enum, hide_env_values = true)]
    pub right_schema: Option<SchemaName>,
    /// What counts as the same, in TOML, instead of the policy that comes with the program.
    #[arg(long, env = "CUTOVER_POLICY", value_name = "FILE", hide_env_values = true)]
    pub policy: Option<PathBuf>,
    /// Print the policy that comes with the program for a direct and a projected graph, and end.
    #[arg(long, env = "CUTOVER_PRINT_POLICY", hide_env_values = true)]
    pub print_policy: bool,
    /// Compare only this part, such as 3/16, the third of sixteen; each leaves a shard.json in its run folder.
    #[arg(long, env = "CUTOVER_SHARD", value_name = "N/M", hide_env_values = true)]
    pub shard: Option<Shard>,
    /// Put together what all shards have come to: their shard.json files.
    #[arg(
        long,
        env = "CUTOVER_MERGE",
        value_name = "FILE",
        num_args = 1..,
        value_delimiter = ' ',
        conflicts_with_all = ["left", "right", "shard", "resume"],
        hide_env_values = true
    )]
    pub merge: Vec<PathBuf>,
    /// Go on where a comparison of the same graphs was broken off: its run folder.
    #[arg(long, env = "CUTOVER_RESUME", value_name = "DIR", hide_env_values = true)]
    pub resume: Option<PathBuf>,
    /// How what differs is looked at again.
    #[command(flatten)]
    pub again: SecondLook,
}
