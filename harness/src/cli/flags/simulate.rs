//! The arguments of `cutover simulate`.

use std::num::NonZeroUsize;

use clap::Args;

use crate::simulation::Subject;

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// What is simulated.
    #[arg(value_enum, default_value_t, value_name = "SUBJECT")]
    pub subject: Subject,
    /// How many schedules; each has the seed after that of the one before it.
    #[arg(
        long,
        env = "CUTOVER_SCHEDULES",
        value_name = "N",
        default_value_t = 1_000,
        value_parser = clap::value_parser!(u64).range(1..),
        hide_env_values = true
    )]
    pub schedules: u64,
    /// On how many threads; as many as there are processors when left out. What comes of it is the same.
    #[arg(long, env = "CUTOVER_THREADS", value_name = "N", hide_env_values = true)]
    pub threads: Option<NonZeroUsize>,
}

impl SimulateArgs {
    /// Returns on how many threads.
    pub fn threads(&self) -> NonZeroUsize {
        let processors = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.threads.unwrap_or_else(processors)
    }
}
