//! Flags and arguments as they were typed, nothing decided yet. What they come to is [`Config`](super::config::Config).

mod certificate;
mod completions;
mod crash_test;
mod diff;
mod drill;
mod engines;
mod eventstore;
mod explain;
mod global;
mod list;
mod live;
mod output;
mod project;
mod queries;
mod readiness;
mod report;
mod run;
mod second_look;
mod simulate;
mod snapshot;
mod switch;
mod watch;

use clap::{Parser, Subcommand};

pub use certificate::{CertificateArgs, CertificateCommand, NewKeyArgs, ShowArgs, VerifyArgs};
pub use completions::CompletionsArgs;
pub use crash_test::CrashTestArgs;
pub use diff::{DiffArgs, SchemaName};
pub use drill::DrillArgs;
pub use engines::{ContainerFlags, EnginesKind, ExternalFlags};
pub use eventstore::EventstoreArgs;
pub use explain::ExplainArgs;
pub use global::Flags;
pub use list::ListArgs;
pub use live::{ProjectionGroups, TrustedKeys};
pub use output::{Color, Form, Format};
pub use project::{ProjectArgs, ProjectUntil};
pub use queries::QueriesArgs;
pub use readiness::ReadinessArgs;
pub use report::ReportArgs;
pub use run::RunArgs;
pub use second_look::SecondLook;
pub use simulate::SimulateArgs;
pub use snapshot::SnapshotArgs;
pub use switch::{AbandonArgs, SwitchArgs, SwitchCommand, ToArgs};
pub use watch::WatchArgs;

/// Proves that the graph which EventStoreDB leads to is the graph that the pipeline writes, before the switch is thrown.
#[derive(Debug, Parser)]
#[command(name = "cutover", version, max_term_width = 100)]
pub struct Cli {
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
    /// What goes for every subcommand.
    #[command(flatten)]
    pub flags: Flags,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the scenarios.
    List(ListArgs),
    /// Run the named scenarios, compare the graphs and say what differed.
    Run(RunArgs),
    /// Run every scenario, then give the verdict: may the direct path be switched off?
    ///
    /// It leaves a signed certificate beside its result, whatever the verdict is.
    Readiness(ReadinessArgs),
    /// Make keys for certificates, and say whether a certificate is to be believed.
    Certificate(CertificateArgs),
    /// Show the result of a run that was kept, in any form; that of the newest one when none is named.
    ///
    /// It decides nothing: the exit code says whether the report could be written, and nothing of the verdict.
    Report(ReportArgs),
    /// Kill the projection process at random moments, again and again, and prove that nothing is lost or done twice.
    ///
    /// It needs servers that outlive the process: --engines process.
    CrashTest(CrashTestArgs),
    /// Project an event store's events into a graph, as the projection service does in production.
    ///
    /// It takes the event store from --eventstore-url, the graph from --projected-url, and accounts as `--engines external` does.
    /// Events that cannot be applied are parked in the event store, and told of on stderr; what was done is printed at the end.
    Project(ProjectArgs),
    /// Tell the story of an interview that differs: its events, what each path made of them, and what most likely went wrong.
    ///
    /// The system is named by --eventstore-url, --direct-url and --projected-url, and only looked at.
    Explain(ExplainArgs),
    /// Say which path is the truth, and throw the flag that decides it.
    ///
    /// The system is named by --eventstore-url, --direct-url and --projected-url, accounts as `--engines external` does.
    Switch(SwitchArgs),
    /// Watch a live system for days: compare what changes again and again, and hold it against criteria.
    ///
    /// The system is named by --eventstore-url, --direct-url and --projected-url, accounts as `--engines external` does. It is only
    /// looked at, unless --rollback is given. What was seen is kept in a file, so that it may be stopped and started again.
    Watch(WatchArgs),
    /// Put known defects into the program, one at a time, and see that each is caught by the finding that names it.
    Drill(DrillArgs),
    /// Run schedules of the projection, or of the flag, each decided by its seed, with every fault of the world.
    Simulate(SimulateArgs),
    /// Compare two graphs, element by element: servers by their URLs, or snapshots.
    ///
    /// What differs while the graphs are written to is looked at again before it counts. Accounts are given as for `--engines external`:
    /// that of the direct schema's server, and that of the projected one's. docs/diff.md says what counts as the same.
    Diff(DiffArgs),
    /// Ask the readers' queries of both graphs, and compare the answers.
    ///
    /// The graphs are named by --direct-url and --projected-url, and only looked at. With --engines process or containers, servers are started
    /// and filled first. docs/queries.md says what a query file may say.
    Queries(QueriesArgs),
    /// Write a graph to a file, in the order of keys and with a digest of each interview.
    ///
    /// The file is there whole or not at all. docs/snapshot-format.md says what is in it.
    Snapshot(SnapshotArgs),
    /// Serve the embedded EventStoreDB to clients of any language until SIGINT or SIGTERM.
    Eventstore(EventstoreArgs),
    /// Say which engines can be used here, and what is missing for the others.
    Doctor,
    /// Print the completion script for a shell.
    Completions(CompletionsArgs),
}

impl Command {
    /// Returns whether it shows the result of a run, which there are more forms for.
    pub const fn ends_in_a_result(&self) -> bool {
        matches!(
            self,
            Self::Run(_)
                | Self::Readiness(_)
                | Self::Report(_)
                | Self::CrashTest(_)
                | Self::Diff(_)
                | Self::Queries(_)
        )
    }
}
