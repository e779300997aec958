//! The arguments of `cutover eventstore`.

use std::net::SocketAddr;

use clap::Args;

/// Arguments of `eventstore`.
#[derive(Debug, Args)]
pub struct EventstoreArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(
        long,
        env = "CUTOVER_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:2113",
        hide_env_values = true
    )]
    pub listen: SocketAddr,
}
