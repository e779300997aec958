//! The arguments of `cutover explain`.

use clap::Args;
use cutover_core::ids::InterviewId;

use super::live::ProjectionGroups;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The interview, by its id, as findings name it.
    #[arg(value_name = "INTERVIEW")]
    pub interview: InterviewId,
    /// One of its sentences: the number behind the `#` of a finding.
    #[arg(value_name = "SLOT")]
    pub slot: Option<u32>,
    /// The groups of the projection.
    #[command(flatten)]
    pub projection: ProjectionGroups,
}
