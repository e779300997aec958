//! The program from the outside: help texts, exit codes, and what is said about bad input.

mod common;
#[path = "common/validator.rs"]
mod validator;

#[path = "cli/analyses.rs"]
mod analyses;
#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/certificate.rs"]
mod certificate;
#[path = "cli/containers.rs"]
mod containers;
#[path = "cli/crash_test.rs"]
mod crash_test;
#[path = "cli/diff.rs"]
mod diff;
#[path = "cli/doctor.rs"]
mod doctor;
#[path = "cli/drill.rs"]
mod drill;
#[path = "cli/eventstore.rs"]
mod eventstore;
#[path = "cli/external.rs"]
mod external;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/project.rs"]
mod project;
#[path = "cli/queries.rs"]
mod queries;
#[path = "cli/report.rs"]
mod report;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/schema.rs"]
mod schema;
#[path = "cli/watch.rs"]
mod watch;
