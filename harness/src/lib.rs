//! Provisions engines, runs scenarios, compares graphs, judges readiness. The binary `cutover` is a thin edge around it.
//!
//! | module | what lives there |
//! |---|---|
//! | [`cli`] | flags, subcommands, what is printed |
//! | [`scenario`] | scenario files, and the runner |
//! | [`crash`] | the projection process, killed again and again |
//! | [`provision`] | engines, started and stopped |
//! | [`fault`] | what the world does to engines, as wrappers round the ports |
//! | [`defect`] | defects of the code that must come to light, and the drill that sees to it |
//! | [`live`] | a live system, looked at without changing anything |
//! | [`doctor`] | which engines can be used here, and what is missing |
//! | [`transcripts`], [`workload`] | what is fed in |
//! | [`diff`] | comparison of two graphs |
//! | [`queries`] | the readers' own queries, put to both graphs |
//! | [`snapshot`] | a graph as a file |
//! | [`explain`] | the story of a difference |
//! | [`model`] | what both graphs must hold, worked out independently |
//! | [`simulation`] | the projector, the store and the graph under one seeded scheduler |
//! | [`switch`] | throwing the flag that says which path is the truth |
//! | [`result`], [`gate`] | what a run came to, and the verdict that follows from it |
//! | [`report`] | views of the result |
//! | [`certificate`] | the signed word on a run, which expires |
//! | [`result_file`], [`thinned`] | a result that was kept; what happens often, in bounded memory |
//! | [`run_folder`], [`seed`], [`digest`], [`error`], [`exit_code`] | what a run leaves behind, repeats by, names content by, and ends with |

pub mod analyses;
pub mod certificate;
pub mod cli;
pub mod crash;
pub mod defect;
pub mod diff;
pub mod digest;
pub mod doctor;
pub mod error;
pub mod exit_code;
pub mod explain;
pub mod fault;
pub mod gate;
pub mod live;
pub mod model;
pub mod provision;
pub mod queries;
pub mod report;
pub mod result;
pub mod result_file;
pub mod run_folder;
pub mod scenario;
pub mod seed;
pub mod simulation;
pub mod snapshot;
pub mod soak;
pub mod switch;
#[cfg(test)]
pub(crate) mod testing;
pub mod thinned;
pub mod transcripts;
pub mod workload;
