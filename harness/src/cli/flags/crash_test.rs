//! The arguments of `cutover crash-test`.

use clap::Args;

/// Arguments of `crash-test`.
#[derive(Debug, Args)]
pub struct CrashTestArgs {
    /// How often the process is killed. A thousand take some ten minutes: mind --timeout.
    #[arg(
        long,
        env = "CUTOVER_CYCLES",
        value_name = "N",
        default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        hide_env_values = true
    )]
    pub cycles: u32,
    /// How many events one transaction holds at most: few, so that a kill finds many of them under way.
    #[arg(
        long,
        env = "CUTOVER_BATCH",
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=100_000),
        hide_env_values = true
    )]
    pub batch: u32,
}
