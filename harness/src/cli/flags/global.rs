//! The flags of every subcommand.

use std::path::PathBuf;

use clap::Args;

use super::engines::{ContainerFlags, EnginesKind, ExternalFlags};
use super::output::{Color, Form};

/// Flags of every subcommand.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Flags of every subcommand")]
pub struct Flags {
    /// How the result is written to stdout.
    #[arg(long, global = true, env = "CUTOVER_FORMAT", value_enum, default_value_t, hide_env_values = true)]
    pub format: Form,
    /// What decides every random choice; drawn and printed when left out.
    #[arg(long, global = true, env = "CUTOVER_SEED", value_name = "N", hide_env_values = true)]
    pub seed: Option<u64>,
    /// Where run folders are made.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_RUNS",
        value_name = "DIR",
        default_value = "runs",
        hide_env_values = true
    )]
    pub runs: PathBuf,
    /// Your own transcripts, .txt or .txt.gz, instead of the bundled ones.
    #[arg(long, global = true, env = "CUTOVER_TRANSCRIPTS", value_name = "DIR", hide_env_values = true)]
    pub transcripts: Option<PathBuf>,
    /// Recorded analyses, JSON Lines, instead of those of the bundled analyser.
    #[arg(long, global = true, env = "CUTOVER_ANALYSES", value_name = "FILE", hide_env_values = true)]
    pub analyses: Option<PathBuf>,
    /// Your own scenario files, .toml, instead of the bundled ones.
    #[arg(long, global = true, env = "CUTOVER_SCENARIOS", value_name = "DIR", hide_env_values = true)]
    pub scenarios: Option<PathBuf>,
    /// Which engines scenarios run on.
    #[arg(long, global = true, env = "CUTOVER_ENGINES", value_enum, default_value_t, hide_env_values = true)]
    pub engines: EnginesKind,
    /// How many lanes the projection has; 12 when left out.
    #[arg(
        long,
        global = true,
        env = "PROJECTION_LANE_COUNT",
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=1024),
        hide_env_values = true
    )]
    pub lanes: Option<u16>,
    /// How long the whole run may take, such as 90s, 10m or 1h.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_TIMEOUT",
        value_name = "TIME",
        default_value = "10m",
        hide_env_values = true
    )]
    pub timeout: String,
    /// When colours are used; NO_COLOR is honoured.
    #[arg(long, global = true, env = "CUTOVER_COLOR", value_enum, default_value_t, hide_env_values = true)]
    pub color: Color,
    /// The containers of `--engines containers`.
    #[command(flatten)]
    pub containers: ContainerFlags,
    /// The servers of `--engines external`.
    #[command(flatten)]
    pub external: ExternalFlags,
}
