//! The arguments of `cutover watch`.

use std::path::PathBuf;

use clap::Args;

use super::live::ProjectionGroups;
use crate::soak::{Span, WebhookUrl};

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// How long it is from one round to the next.
    #[arg(long, env = "CUTOVER_EVERY", value_name = "TIME", default_value = "5m", hide_env_values = true)]
    pub every: Span,
    /// How long to watch, such as 8h or 14d; until it is stopped when left out.
    #[arg(
        long = "for",
        env = "CUTOVER_FOR",
        value_name = "TIME",
        conflicts_with = "once",
        hide_env_values = true
    )]
    pub time: Option<Span>,
    /// Watch one round.
    #[arg(long, env = "CUTOVER_ONCE", hide_env_values = true)]
    pub once: bool,
    /// End as soon as the soak is fulfilled, or broken.
    #[arg(long, env = "CUTOVER_UNTIL_FULFILLED", conflicts_with = "once", hide_env_values = true)]
    pub until_fulfilled: bool,
    /// Where the soak is kept.
    #[arg(
        long,
        env = "CUTOVER_STATE",
        value_name = "FILE",
        default_value = "soak.json",
        hide_env_values = true
    )]
    pub state: PathBuf,
    /// Criteria of your own, TOML; those that the soak has when left out, and for a new one those that ship.
    #[arg(long, env = "CUTOVER_CRITERIA", value_name = "FILE", hide_env_values = true)]
    pub criteria: Option<PathBuf>,
    /// A URL that each alert is posted to as JSON.
    #[arg(long, env = "CUTOVER_WEBHOOK", value_name = "URL", hide_env_values = true)]
    pub webhook: Option<WebhookUrl>,
    /// After the flip: throw the flag back to `dual` once when the soak is broken.
    #[arg(long, env = "CUTOVER_ROLLBACK", hide_env_values = true)]
    pub rollback: bool,
    /// Say how the soak stands, and watch nothing. No server is asked.
    #[arg(long, env = "CUTOVER_STATUS", hide_env_values = true, conflicts_with_all = ["once", "time", "until_fulfilled", "rollback"])]
    pub status: bool,
    /// The name of the flag that the pipeline follows.
    #[arg(
        long,
        env = "CUTOVER_FLAG",
        value_name = "NAME",
        default_value = "dual-write",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        hide_env_values = true
    )]
    pub flag: String,
    /// The groups of the projection.
    #[command(flatten)]
    pub projection: ProjectionGroups,
}
