//! Provisions engines, runs scenarios, compares graphs, judges readiness.

pub mod diff;
pub mod exit_code;
pub mod gate;
pub mod result;
