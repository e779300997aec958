//! The arguments of whatever compares what is written to meanwhile: how often, and after what, it looks again.

use clap::Args;

/// How what differs is looked at again.
#[derive(Debug, Args)]
pub struct SecondLook {
    /// How often what differs is looked at again while graphs are written to; 0 for graphs at rest.
    #[arg(
        long,
        env = "CUTOVER_ROUNDS",
        value_name = "N",
        default_value_t = Self::ROUNDS,
        value_parser = clap::value_parser!(u32).range(0..=1_000),
        hide_env_values = true
    )]
    pub rounds: u32,
    /// With --eventstore-url, it is looked at again once these consumer groups have answered what was written before:
    /// neo4j-projection-interview-NAME and neo4j-projection-sentence-NAME.
    #[arg(
        long,
        env = "CUTOVER_GROUPS",
        value_name = "NAME",
        default_value = Self::GROUPS,
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        hide_env_values = true
    )]
    pub groups: String,
    /// Without --eventstore-url, how long to wait before that: longer than the projection lags behind.
    #[arg(long, env = "CUTOVER_SETTLE", value_name = "TIME", default_value = Self::SETTLE, hide_env_values = true)]
    pub settle: String,
}

impl SecondLook {
    const ROUNDS: u32 = 3;
    const GROUPS: &str = "v1";
    const SETTLE: &str = "5s";

    /// Returns what was not left as it is by default, for the command that repeats a run.
    pub fn given(&self) -> [(&'static str, Option<String>); 3] {
        [
            ("--rounds", (self.rounds != Self::ROUNDS).then(|| self.rounds.to_string())),
            ("--groups", (self.groups != Self::GROUPS).then(|| self.groups.clone())),
            ("--settle", (self.settle != Self::SETTLE).then(|| self.settle.clone())),
        ]
    }
}
