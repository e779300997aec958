//! The arguments of `cutover list`.

use clap::Args;

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print the JSON Schema of scenario files instead.
    #[arg(long)]
    pub schema: bool,
}
