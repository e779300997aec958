//! The arguments of `cutover switch`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use cutover_core::switch::Mode;

use super::live::{ProjectionGroups, TrustedKeys};

/// Arguments of `switch`.
#[derive(Debug, Args)]
pub struct SwitchArgs {
    /// What is to be done.
    #[command(subcommand)]
    pub command: SwitchCommand,
    /// The name of the flag that the pipeline follows.
    #[arg(
        long,
        global = true,
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

/// What can be done with the flag.
#[derive(Debug, Subcommand)]
pub enum SwitchCommand {
    /// Say which mode it is in, who throws it, and what has happened to it.
    Status,
    /// Throw it: look at what is in the way, and with --execute hold writers up, verify, and let them go on in the new mode.
    To(ToArgs),
    /// Bring a throw that was cut off to an end: one that was verified is carried through, any other is given up.
    Resume,
    /// Give up a throw that is under way, wherever it is, and let writers go on as before.
    Abandon(AbandonArgs),
}

/// Arguments of `switch to`.
#[derive(Debug, Args)]
pub struct ToArgs {
    /// The mode: direct, dual or projected.
    #[arg(value_name = "MODE")]
    pub mode: Mode,
    /// Throw it. Without this, nothing is changed.
    #[arg(long, env = "CUTOVER_EXECUTE", hide_env_values = true)]
    pub execute: bool,
    /// Why: the flag's history keeps it.
    #[arg(
        long,
        env = "CUTOVER_REASON",
        value_name = "TEXT",
        default_value = "",
        required_if_eq("execute", "true"),
        hide_env_values = true
    )]
    pub reason: String,
    /// Who: the account at this machine when left out.
    #[arg(long, env = "CUTOVER_ACTOR", value_name = "NAME", hide_env_values = true)]
    pub actor: Option<String>,
    /// The certificate of the readiness run, which the way to `projected` needs.
    #[arg(long, env = "CUTOVER_CERTIFICATE", value_name = "FILE", hide_env_values = true)]
    pub certificate: Option<PathBuf>,
    /// Whose certificates count.
    #[command(flatten)]
    pub trust: TrustedKeys,
    /// The soak that `cutover watch` keeps, which the way to `projected` needs.
    #[arg(long, env = "CUTOVER_SOAK", value_name = "FILE", hide_env_values = true)]
    pub soak: Option<PathBuf>,
    /// Go without a soak, and why: the flag's history keeps it.
    #[arg(
        long,
        env = "CUTOVER_WITHOUT_SOAK",
        value_name = "REASON",
        conflicts_with = "soak",
        hide_env_values = true
    )]
    pub without_soak: Option<String>,
    /// On the way back from `projected`: prove by the events that the direct graph is right, and do not ask the projected graph or its
    /// projection. For when these are lost, dead or stuck.
    #[arg(long, env = "CUTOVER_BY_EVENTS", hide_env_values = true)]
    pub by_events: bool,
    /// How long writers may be held up, such as 2s; after that it is given up.
    #[arg(
        long,
        env = "CUTOVER_FENCE_MAX",
        value_name = "TIME",
        default_value = "10s",
        hide_env_values = true
    )]
    pub fence_max: String,
}

/// Arguments of `switch abandon`.
#[derive(Debug, Args)]
pub struct AbandonArgs {
    /// Why: the flag's history keeps it.
    #[arg(long, env = "CUTOVER_REASON", value_name = "TEXT", hide_env_values = true)]
    pub reason: String,
}
