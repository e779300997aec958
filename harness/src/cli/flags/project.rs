//! The arguments of `cutover project`.

use clap::{Args, ValueEnum};

/// Arguments of `project`.
#[derive(Debug, Args)]
pub struct ProjectArgs {
    /// When it ends by itself.
    #[arg(long, env = "CUTOVER_UNTIL", value_enum, default_value_t, hide_env_values = true)]
    pub until: ProjectUntil,
    /// Which consumer groups it joins: neo4j-projection-interview-NAME and neo4j-projection-sentence-NAME. They are made where they are
    /// missing, and keep their place.
    #[arg(
        long,
        env = "CUTOVER_GROUPS",
        value_name = "NAME",
        default_value = "v1",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        hide_env_values = true
    )]
    pub groups: String,
    /// How many events one transaction holds at most.
    #[arg(
        long,
        env = "CUTOVER_BATCH",
        value_name = "N",
        default_value_t = 2_000,
        value_parser = clap::value_parser!(u32).range(1..=100_000),
        hide_env_values = true
    )]
    pub batch: u32,
}

/// When a projection process ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ProjectUntil {
    /// After SIGINT or SIGTERM alone.
    #[default]
    Stopped,
    /// When all that is in the event store is applied or parked, or --timeout is over.
    CaughtUp,
    /// Also when its standard input ends: for who starts it and must not be outlived by it.
    InputEnds,
}
