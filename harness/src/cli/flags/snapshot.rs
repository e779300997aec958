//! The arguments of `cutover snapshot`.

use std::path::PathBuf;

use clap::Args;

use super::diff::SchemaName;

/// Arguments of `snapshot`.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// The graph: bolt://host:7687 and the like.
    #[arg(value_name = "URL")]
    pub url: String,
    /// The file; there must be none of that name.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The schema of the graph; seen from a sentence's key when left out.
    #[arg(long, env = "CUTOVER_SCHEMA", value_name = "SCHEMA", value_enum, hide_env_values = true)]
    pub schema: Option<SchemaName>,
    /// The policy under which it will be compared with a graph of the other schema, if it is not the one that comes with the program:
    /// digests are written for it.
    #[arg(long, env = "CUTOVER_POLICY", value_name = "FILE", hide_env_values = true)]
    pub policy: Option<PathBuf>,
}
