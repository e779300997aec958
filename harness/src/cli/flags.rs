//! Flags and arguments as they were typed, nothing decided yet. What they come to is [`Config`](super::config::Config).

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use cutover_core::ids::InterviewId;
use cutover_core::switch::Mode;
use cutover_engines::graph::Schema;

use crate::diff::Shard;
use crate::provision::containers::{ContainerSettings, EVENTSTORE_IMAGE, NEO4J_IMAGE, NEO4J_MEMORY_MIB};

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
    /// Put known defects into the program, one at a time, and see that each is caught by the finding that names it.
    Drill(DrillArgs),
    /// Run schedules of the projection under one seeded scheduler, with every fault of the world.
    Simulate(SimulateArgs),
    /// Compare two graphs, element by element: servers by their URLs, or snapshots.
    ///
    /// What differs while the graphs are written to is looked at again before it counts. Accounts are given as for `--engines external`:
    /// that of the direct schema's server, and that of the projected one's. docs/diff.md says what counts as the same.
    Diff(DiffArgs),
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
            Self::Run(_) | Self::Readiness(_) | Self::Report(_) | Self::CrashTest(_) | Self::Diff(_)
        )
    }
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print the JSON Schema of scenario files instead.
    #[arg(long)]
    pub schema: bool,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The scenarios, by name; `cutover list` names them all.
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// Arguments of `readiness`.
#[derive(Debug, Args)]
pub struct ReadinessArgs {
    /// Look at a live system, too, and change nothing in it: the graphs against each other, lag, parking lots and outbox.
    ///
    /// The system is named by --eventstore-url, --direct-url and --projected-url; scenarios run on other engines.
    #[arg(long, env = "CUTOVER_LIVE", hide_env_values = true)]
    pub live: bool,
    /// The consumer groups of the live system's projection: neo4j-projection-interview-NAME and neo4j-projection-sentence-NAME.
    #[arg(
        long,
        env = "CUTOVER_GROUPS",
        value_name = "NAME",
        default_value = "v1",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        hide_env_values = true
    )]
    pub groups: String,
    /// The private key that signs the certificate, PEM; one of your own, made on first use, when left out.
    #[arg(long, env = "CUTOVER_SIGNING_KEY", value_name = "FILE", hide_env_values = true)]
    pub signing_key: Option<PathBuf>,
    /// Write the certificate into this file, too.
    #[arg(long, env = "CUTOVER_CERTIFICATE", value_name = "FILE", hide_env_values = true)]
    pub certificate: Option<PathBuf>,
    /// How long the certificate counts, such as 90m or 24h; 30 days at most.
    #[arg(
        long,
        env = "CUTOVER_VALID_FOR",
        value_name = "TIME",
        default_value = "24h",
        hide_env_values = true
    )]
    pub valid_for: String,
}

/// The consumer groups of a live system's projection.
#[derive(Debug, Args)]
pub struct ProjectionGroups {
    /// The consumer groups of the projection: neo4j-projection-interview-NAME and neo4j-projection-sentence-NAME.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_GROUPS",
        value_name = "NAME",
        default_value = "v1",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        hide_env_values = true
    )]
    pub groups: String,
}

/// The keys that certificates are held against.
#[derive(Debug, Args)]
pub struct TrustedKeys {
    /// A public key to trust, PEM; may be given several times. Your own when left out.
    #[arg(
        long = "trusted-key",
        env = "CUTOVER_TRUSTED_KEY",
        value_name = "FILE",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub trusted_keys: Vec<PathBuf>,
}

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

/// Arguments of `switch`.
#[derive(Debug, Args)]
pub struct SwitchArgs {
    /// What is to be done.
    #[command(subcommand)]
    pub command: SwitchCommand,
    /// The name of the flag that the pipeline follows.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_FLAG",
        value_name = "NAME",
        default_value = "dual-write",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        hide_env_values = true
    )]
    pub flag: String,
    /// The groups of the projection.
    #[command(flatten)]
    pub projection: ProjectionGroups,
}

/// What can be done with the flag.
#[derive(Debug, Subcommand)]
pub enum SwitchCommand {
    /// Say which mode it is in, who throws it, and what has happened to it.
    Status,
    /// Throw it: look at what is in the way, and with --execute hold writers up, verify, and let them go on in the new mode.
    To(ToArgs),
    /// Bring a throw that was cut off to an end: one that was verified is carried through, any other is given up.
    Resume,
    /// Give up a throw that is under way, wherever it is, and let writers go on as before.
    Abandon(AbandonArgs),
}

/// Arguments of `switch to`.
#[derive(Debug, Args)]
pub struct ToArgs {
    /// The mode: direct, dual or projected.
    #[arg(value_name = "MODE")]
    pub mode: Mode,
    /// Throw it. Without this, nothing is changed.
    #[arg(long, env = "CUTOVER_EXECUTE", hide_env_values = true)]
    pub execute: bool,
    /// Why: the flag's history keeps it.
    #[arg(
        long,
        env = "CUTOVER_REASON",
        value_name = "TEXT",
        default_value = "",
        required_if_eq("execute", "true"),
        hide_env_values = true
    )]
    pub reason: String,
    /// Who: the account at this machine when left out.
    #[arg(long, env = "CUTOVER_ACTOR", value_name = "NAME", hide_env_values = true)]
    pub actor: Option<String>,
    /// The certificate of the readiness run, which the way to `projected` needs.
    #[arg(long, env = "CUTOVER_CERTIFICATE", value_name = "FILE", hide_env_values = true)]
    pub certificate: Option<PathBuf>,
    /// Whose certificates count.
    #[command(flatten)]
    pub trust: TrustedKeys,
    /// How long writers may be held up, such as 2s; after that it is given up.
    #[arg(
        long,
        env = "CUTOVER_FENCE_MAX",
        value_name = "TIME",
        default_value = "10s",
        hide_env_values = true
    )]
    pub fence_max: String,
}

/// Arguments of `switch abandon`.
#[derive(Debug, Args)]
pub struct AbandonArgs {
    /// Why: the flag's history keeps it.
    #[arg(long, env = "CUTOVER_REASON", value_name = "TEXT", hide_env_values = true)]
    pub reason: String,
}

/// Arguments of `certificate`.
#[derive(Debug, Args)]
pub struct CertificateArgs {
    /// What is to be done.
    #[command(subcommand)]
    pub command: CertificateCommand,
}

/// What can be done about certificates.
#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    /// Say whether a certificate is genuine, in its time, and says GO.
    Verify(VerifyArgs),
    /// Show what a certificate says, whether it is to be believed or not.
    Show(ShowArgs),
    /// Make a key that signs: FILE, for your eyes alone, and FILE.pub for everybody who is to trust it.
    NewKey(NewKeyArgs),
}

/// Arguments of `certificate verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The certificate.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Whose certificates count.
    #[command(flatten)]
    pub trust: TrustedKeys,
    /// Also say whether it is for the live system that --eventstore-url, --direct-url and --projected-url name, as that is now.
    #[arg(long, env = "CUTOVER_LIVE", hide_env_values = true)]
    pub live: bool,
}

/// Arguments of `certificate show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The certificate.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Arguments of `certificate new-key`.
#[derive(Debug, Args)]
pub struct NewKeyArgs {
    /// Where the private key goes. A file that is there is never overwritten.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The result.json of a run; that of the newest one when left out.
    #[arg(value_name = "RESULT")]
    pub result: Option<PathBuf>,
    /// Write the report to this file instead of stdout, whole or not at all.
    #[arg(long, env = "CUTOVER_OUTPUT", value_name = "FILE", hide_env_values = true)]
    pub output: Option<PathBuf>,
    /// Print the JSON Schema of results instead.
    #[arg(long)]
    pub schema: bool,
}

/// Arguments of `crash-test`.
#[derive(Debug, Args)]
pub struct CrashTestArgs {
    /// How often the process is killed. A thousand take some ten minutes: mind --timeout.
    #[arg(
        long,
        env = "CUTOVER_CYCLES",
        value_name = "N",
        default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        hide_env_values = true
    )]
    pub cycles: u32,
    /// How many events one transaction holds at most: few, so that a kill finds many of them under way.
    #[arg(
        long,
        env = "CUTOVER_BATCH",
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=100_000),
        hide_env_values = true
    )]
    pub batch: u32,
}

/// Arguments of `project`.
#[derive(Debug, Args)]
pub struct ProjectArgs {
    /// When it ends by itself.
    #[arg(long, env = "CUTOVER_UNTIL", value_enum, default_value_t, hide_env_values = true)]
    pub until: ProjectUntil,
    /// Which consumer groups it joins: neo4j-projection-interview-NAME and neo4j-projection-sentence-NAME. They are made where they are
    /// missing, and keep their place.
    #[arg(
        long,
        env = "CUTOVER_GROUPS",
        value_name = "NAME",
        default_value = "v1",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        hide_env_values = true
    )]
    pub groups: String,
    /// How many events one transaction holds at most.
    #[arg(
        long,
        env = "CUTOVER_BATCH",
        value_name = "N",
        default_value_t = 2_000,
        value_parser = clap::value_parser!(u32).range(1..=100_000),
        hide_env_values = true
    )]
    pub batch: u32,
}

/// When a projection process ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ProjectUntil {
    /// After SIGINT or SIGTERM alone.
    #[default]
    Stopped,
    /// When all that is in the event store is applied or parked, or --timeout is over.
    CaughtUp,
    /// Also when its standard input ends: for who starts it and must not be outlived by it.
    InputEnds,
}

/// Arguments of `drill`.
#[derive(Debug, Args)]
pub struct DrillArgs {
    /// Only this defect; may be given several times. All of them when left out.
    #[arg(
        long = "defect",
        env = "CUTOVER_DEFECT",
        value_name = "ID",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub defects: Vec<String>,
    /// List the defects instead of running them.
    #[arg(long, env = "CUTOVER_LIST", hide_env_values = true)]
    pub list: bool,
    /// Run every defect in every scenario, and not only in the one that must catch it.
    #[arg(long, env = "CUTOVER_MATRIX", hide_env_values = true)]
    pub matrix: bool,
    /// In how many schedules of the simulation each defect is looked for, too; 0 for none.
    #[arg(
        long,
        env = "CUTOVER_SCHEDULES",
        value_name = "N",
        default_value_t = crate::defect::simulated::SCHEDULES,
        hide_env_values = true
    )]
    pub schedules: u64,
    /// Write the defects, and the matrix, into this Markdown file, between its two marks.
    #[arg(long, env = "CUTOVER_DOCUMENT", value_name = "FILE", hide_env_values = true)]
    pub document: Option<PathBuf>,
}

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// How many schedules; each has the seed after that of the one before it.
    #[arg(
        long,
        env = "CUTOVER_SCHEDULES",
        value_name = "N",
        default_value_t = 1_000,
        value_parser = clap::value_parser!(u64).range(1..),
        hide_env_values = true
    )]
    pub schedules: u64,
    /// On how many threads; as many as there are processors when left out. What comes of it is the same.
    #[arg(long, env = "CUTOVER_THREADS", value_name = "N", hide_env_values = true)]
    pub threads: Option<NonZeroUsize>,
}

impl SimulateArgs {
    /// Returns on how many threads.
    pub fn threads(&self) -> NonZeroUsize {
        let processors = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.threads.unwrap_or_else(processors)
    }
}

/// Which of the two schemas a graph has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// What the running pipeline writes.
    Direct,
    /// What the projection writes.
    Projected,
}

impl From<SchemaName> for Schema {
    fn from(name: SchemaName) -> Self {
        match name {
            SchemaName::Direct => Self::Direct,
            SchemaName::Projected => Self::Projected,
        }
    }
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The left graph: bolt://host:7687 and the like, or a snapshot.
    #[arg(value_name = "LEFT", required_unless_present_any = ["merge", "print_policy"])]
    pub left: Option<String>,
    /// The right graph, likewise.
    #[arg(value_name = "RIGHT", required_unless_present_any = ["merge", "print_policy"])]
    pub right: Option<String>,
    /// The schema of the left server; direct when left out. A snapshot knows its own.
    #[arg(long, env = "CUTOVER_LEFT_SCHEMA", value_name = "SCHEMA", value_enum, hide_env_values = true)]
    pub left_schema: Option<SchemaName>,
    /// The schema of the right server; projected when left out.
    #[arg(long, env = "CUTOVER_RIGHT_SCHEMA", value_name = "SCHEMA", value_enum, hide_env_values = true)]
    pub right_schema: Option<SchemaName>,
    /// What counts as the same, in TOML, instead of the policy that comes with the program.
    #[arg(long, env = "CUTOVER_POLICY", value_name = "FILE", hide_env_values = true)]
    pub policy: Option<PathBuf>,
    /// Print the policy that comes with the program for a direct and a projected graph, and end.
    #[arg(long, env = "CUTOVER_PRINT_POLICY", hide_env_values = true)]
    pub print_policy: bool,
    /// Compare only this part, such as 3/16, the third of sixteen; each leaves a shard.json in its run folder.
    #[arg(long, env = "CUTOVER_SHARD", value_name = "N/M", hide_env_values = true)]
    pub shard: Option<Shard>,
    /// Put together what all shards have come to: their shard.json files.
    #[arg(
        long,
        env = "CUTOVER_MERGE",
        value_name = "FILE",
        num_args = 1..,
        value_delimiter = ' ',
        conflicts_with_all = ["left", "right", "shard", "resume"],
        hide_env_values = true
    )]
    pub merge: Vec<PathBuf>,
    /// Go on where a comparison of the same graphs was broken off: its run folder.
    #[arg(long, env = "CUTOVER_RESUME", value_name = "DIR", hide_env_values = true)]
    pub resume: Option<PathBuf>,
    /// How often what differs is looked at again while graphs are written to; 0 for graphs at rest.
    #[arg(
        long,
        env = "CUTOVER_ROUNDS",
        value_name = "N",
        default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(0..=1_000),
        hide_env_values = true
    )]
    pub rounds: u32,
    /// With --eventstore-url, what differs is looked at again once these consumer groups have answered what was written before:
    /// neo4j-projection-interview-NAME and neo4j-projection-sentence-NAME.
    #[arg(
        long,
        env = "CUTOVER_GROUPS",
        value_name = "NAME",
        default_value = "v1",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        hide_env_values = true
    )]
    pub groups: String,
    /// Without --eventstore-url, how long to wait before what differs is looked at again: longer than the projection lags behind.
    #[arg(long, env = "CUTOVER_SETTLE", value_name = "TIME", default_value = "5s", hide_env_values = true)]
    pub settle: String,
}

/// Arguments of `snapshot`.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// The graph: bolt://host:7687 and the like.
    #[arg(value_name = "URL")]
    pub url: String,
    /// The file; there must be none of that name.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The schema of the graph; seen from a sentence's key when left out.
    #[arg(long, env = "CUTOVER_SCHEMA", value_name = "SCHEMA", value_enum, hide_env_values = true)]
    pub schema: Option<SchemaName>,
    /// The policy under which it will be compared with a graph of the other schema, if it is not the one that comes with the program:
    /// digests are written for it.
    #[arg(long, env = "CUTOVER_POLICY", value_name = "FILE", hide_env_values = true)]
    pub policy: Option<PathBuf>,
}

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

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: Shell,
}

/// How results are written to stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Tables for people.
    #[default]
    #[value(alias = "terminal")]
    Human,
    /// One JSON value for programs.
    Json,
    /// JUnit XML for CI systems: of runs only.
    Junit,
    /// Markdown for the summary page of a CI system: of runs only.
    Markdown,
    /// One HTML page that works offline: of runs only.
    Html,
}

impl Form {
    /// Returns the name, as it is given on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// Returns whether only the result of a run can be written like this.
    pub const fn is_of_runs_only(self) -> bool {
        matches!(self, Self::Junit | Self::Markdown | Self::Html)
    }
}

/// How what every subcommand says is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        if form == Form::Json { Self::Json } else { Self::Human }
    }
}

/// When colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Which engines scenarios run on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum EnginesKind {
    /// Inside this process; they need no set-up.
    #[default]
    Embedded,
    /// Real Neo4j servers as local processes, where a JDK and Maven are; EventStoreDB is embedded.
    Process,
    /// Everything in containers, where a Docker daemon is.
    Containers,
    /// Servers that are there already, by their URLs; what is in them is not touched.
    External,
}

impl EnginesKind {
    /// Returns the name, as it is given on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Process => "process",
            Self::Containers => "containers",
            Self::External => "external",
        }
    }
}

/// Flags of every subcommand.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Flags of every subcommand")]
pub struct Flags {
    /// How the result is written to stdout.
    #[arg(long, global = true, env = "CUTOVER_FORMAT", value_enum, default_value_t, hide_env_values = true)]
    pub format: Form,
    /// What decides every random choice; drawn and printed when left out.
    #[arg(long, global = true, env = "CUTOVER_SEED", value_name = "N", hide_env_values = true)]
    pub seed: Option<u64>,
    /// Where run folders are made.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_RUNS",
        value_name = "DIR",
        default_value = "runs",
        hide_env_values = true
    )]
    pub runs: PathBuf,
    /// Your own transcripts, .txt or .txt.gz, instead of the bundled ones.
    #[arg(long, global = true, env = "CUTOVER_TRANSCRIPTS", value_name = "DIR", hide_env_values = true)]
    pub transcripts: Option<PathBuf>,
    /// Recorded analyses, JSON Lines, instead of those of the bundled analyser.
    #[arg(long, global = true, env = "CUTOVER_ANALYSES", value_name = "FILE", hide_env_values = true)]
    pub analyses: Option<PathBuf>,
    /// Your own scenario files, .toml, instead of the bundled ones.
    #[arg(long, global = true, env = "CUTOVER_SCENARIOS", value_name = "DIR", hide_env_values = true)]
    pub scenarios: Option<PathBuf>,
    /// Which engines scenarios run on.
    #[arg(long, global = true, env = "CUTOVER_ENGINES", value_enum, default_value_t, hide_env_values = true)]
    pub engines: EnginesKind,
    /// How many lanes the projection has; 12 when left out.
    #[arg(
        long,
        global = true,
        env = "PROJECTION_LANE_COUNT",
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=1024),
        hide_env_values = true
    )]
    pub lanes: Option<u16>,
    /// How long the whole run may take, such as 90s, 10m or 1h.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_TIMEOUT",
        value_name = "TIME",
        default_value = "10m",
        hide_env_values = true
    )]
    pub timeout: String,
    /// When colours are used; NO_COLOR is honoured.
    #[arg(long, global = true, env = "CUTOVER_COLOR", value_enum, default_value_t, hide_env_values = true)]
    pub color: Color,
    /// The containers of `--engines containers`.
    #[command(flatten)]
    pub containers: ContainerFlags,
    /// The servers of `--engines external`.
    #[command(flatten)]
    pub external: ExternalFlags,
}

/// Flags about containers.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Containers, for --engines containers")]
pub struct ContainerFlags {
    /// The image of Neo4j; it takes the settings of the official one.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_NEO4J_IMAGE",
        value_name = "IMAGE",
        default_value = NEO4J_IMAGE,
        hide_env_values = true
    )]
    pub neo4j_image: String,
    /// The image of EventStoreDB; it takes the settings of the official one.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_EVENTSTORE_IMAGE",
        value_name = "IMAGE",
        default_value = EVENTSTORE_IMAGE,
        hide_env_values = true
    )]
    pub eventstore_image: String,
    /// The Java heap of each Neo4j server, in MiB.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_NEO4J_MEMORY",
        value_name = "MIB",
        default_value_t = NEO4J_MEMORY_MIB,
        value_parser = clap::value_parser!(u32).range(256..=65_536),
        hide_env_values = true
    )]
    pub neo4j_memory: u32,
}

impl Default for ContainerFlags {
    fn default() -> Self {
        let ContainerSettings { neo4j_image, eventstore_image, neo4j_memory_mib } =
            ContainerSettings::default();
        Self { neo4j_image, eventstore_image, neo4j_memory: neo4j_memory_mib }
    }
}

/// Flags about servers that are there already. Accounts are no flags: whoever lists processes would see them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Existing servers, for --engines external and readiness --live")]
pub struct ExternalFlags {
    /// The event store, such as esdb://host:2113?tls=false or esdb+discover://cluster.
    #[arg(long, global = true, env = "CUTOVER_EVENTSTORE_URL", value_name = "URL", hide_env_values = true)]
    pub eventstore_url: Option<String>,
    /// The Neo4j server of the direct path's graph, such as bolt://host:7687 or neo4j+s://host.
    #[arg(long, global = true, env = "CUTOVER_DIRECT_URL", value_name = "URL", hide_env_values = true)]
    pub direct_url: Option<String>,
    /// The Neo4j server of the projected graph.
    #[arg(long, global = true, env = "CUTOVER_PROJECTED_URL", value_name = "URL", hide_env_values = true)]
    pub projected_url: Option<String>,
    /// The Neo4j server in which a graph is rebuilt; kept inside this process when left out.
    #[arg(long, global = true, env = "CUTOVER_REBUILT_URL", value_name = "URL", hide_env_values = true)]
    pub rebuilt_url: Option<String>,
    /// TOML with user, password and database of each server; CUTOVER_DIRECT_PASSWORD and the like go before it.
    #[arg(long, global = true, env = "CUTOVER_CREDENTIALS", value_name = "FILE", hide_env_values = true)]
    pub credentials: Option<PathBuf>,
    /// Erase what is in this graph first, such as direct=bolt://host:7687; the URL as it was given, to the letter.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_ERASE",
        value_name = "GRAPH=URL",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    pub erase: Vec<String>,
    /// Put interviews beside those of others into this event store; the URL as it was given, to the letter.
    #[arg(long, global = true, env = "CUTOVER_APPEND_TO", value_name = "URL", hide_env_values = true)]
    pub append_to: Option<String>,
}
