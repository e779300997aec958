//! Provisions engines, runs scenarios, compares graphs, judges readiness.
