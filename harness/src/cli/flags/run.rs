//! The arguments of `cutover run`.

use clap::Args;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The scenarios, by name; `cutover list` names them all.
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}
