//! What several subcommands ask about a live system.

use std::path::PathBuf;

use clap::Args;

/// The consumer groups of a live system's projection.
#[derive(Debug, Args)]
pub struct ProjectionGroups {
    /// The consumer groups of the projection: neo4j-projection-interview-NAME and neo4j-projection-sentence-NAME.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_GROUPS",
        value_name = "NAME",
        default_value = "v1",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        hide_env_values = true
    )]
    pub groups: String,
}

/// The keys that certificates are held against.
#[derive(Debug, Args)]
pub struct TrustedKeys {
    /// A public key to trust, PEM; may be given several times. Your own when left out.
    #[arg(
        long = "trusted-key",
        env = "CUTOVER_TRUSTED_KEY",
        value_name = "FILE",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub trusted_keys: Vec<PathBuf>,
}
