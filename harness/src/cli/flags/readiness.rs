//! The arguments of `cutover readiness`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `readiness`.
#[derive(Debug, Args)]
pub struct ReadinessArgs {
    /// Look at a live system, too, and change nothing in it: the graphs against each other, lag, parking lots and outbox.
    ///
    /// The system is named by --eventstore-url, --direct-url and --projected-url; scenarios run on other engines.
    #[arg(long, env = "CUTOVER_LIVE", hide_env_values = true)]
    pub live: bool,
    /// The consumer groups of the live system's projection: neo4j-projection-interview-NAME and neo4j-projection-sentence-NAME.
    #[arg(
        long,
        env = "CUTOVER_GROUPS",
        value_name = "NAME",
        default_value = "v1",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        hide_env_values = true
    )]
    pub groups: String,
    /// Ask the readers' queries of the live system, too: those of this folder, or those that come with the program where none is named.
    ///
    /// docs/queries.md says what a query file may say.
    #[arg(long, env = "CUTOVER_QUERIES", value_name = "DIR", requires = "live", hide_env_values = true)]
    pub queries: Option<Option<PathBuf>>,
    /// The private key that signs the certificate, PEM; one of your own, made on first use, when left out.
    #[arg(long, env = "CUTOVER_SIGNING_KEY", value_name = "FILE", hide_env_values = true)]
    pub signing_key: Option<PathBuf>,
    /// Write the certificate into this file, too.
    #[arg(long, env = "CUTOVER_CERTIFICATE", value_name = "FILE", hide_env_values = true)]
    pub certificate: Option<PathBuf>,
    /// How long the certificate counts, such as 90m or 24h; 30 days at most.
    #[arg(
        long,
        env = "CUTOVER_VALID_FOR",
        value_name = "TIME",
        default_value = "24h",
        hide_env_values = true
    )]
    pub valid_for: String,
}
