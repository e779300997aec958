//! `cutover diff LEFT RIGHT`: two graphs of a live system, or snapshots of them, compared; and shards put together again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::{GraphError, Schema};
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};
use time::OffsetDateTime;

use crate::cli::config::{Config, parse_time};
use crate::cli::flags::{DiffArgs, SchemaName};
use crate::cli::run::{self, Ran};
use crate::cli::signals::Signals;
use crate::cli::{output, runtime};
use crate::diff::{
    Done, GraphSource, Keep, MergeError, Options, Orientation, Policy, PolicyError, Progress, Settle, Shard,
    ShardResult, Source, Watermark, diff_with, merge,
};
use crate::digest::Digest;
use crate::error::ExpectedError;
use crate::exit_code;
use crate::live::{CaughtUp, LiveSystem};
use crate::provision::external::{self, ExternalSettings, ReadGraph};
use crate::result::{Cause, CheckResult, ScenarioResult, StepDuration};
use crate::run_folder::RunFolder;
use crate::scenario::run::Cut;
use crate::snapshot::{Snapshot, SnapshotSource};

/// The name that the comparison has among scenarios.
const SCENARIO: &str = "diff";
/// The file of a run folder that says how far a comparison has come.
const PROGRESS_FILE: &str = "progress.json";
/// The file of a run folder that the other shards are put together with.
const SHARD_FILE: &str = "shard.json";
/// How long it is waited for a projection that lags.
pub(super) const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(60);

/// What is to be compared, or how, is not clear.
#[derive(Debug, thiserror::Error)]
pub enum DiffUsageError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A policy cannot be used.
    #[error("{} is no policy", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: PolicyError,
    },
    /// A file of a run folder is not what it should be.
    #[error("{} is no {what}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        source: serde_json::Error,
    },
    /// The graph has no sentence whose key would show its schema.
    #[error("the graph has no sentence, so that its schema cannot be seen")]
    UnknownSchema,
    /// A flag says something else than the snapshot.
    #[error("{} is a snapshot of the other schema than {flag} says", path.display())]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// The flag.
        flag: &'static str,
    },
    /// There is no policy that comes with the program for these two.
    #[error("the left graph has the projected schema, the right one the direct schema")]
    WrongWayRound,
    /// What was broken off was another comparison.
    #[error("{} is of another comparison: it differs in {what}", path.display())]
    OtherComparison {
        /// The file.
        path: PathBuf,
        /// In what.
        what: &'static str,
    },
    /// Shards do not belong together.
    #[error(transparent)]
    Merge(#[from] MergeError),
}

impl DiffUsageError {
    /// Returns what to do about it, if something can be done.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreadable { path, .. } if path.ends_with(PROGRESS_FILE) => {
                "name the run folder of a comparison that was broken off: one that has come to its end leaves nothing to go on with"
            }
            Self::Unreadable { .. } => "name a file that is there and can be read",
            Self::Policy { .. } => {
                "`cutover diff --print-policy` prints one to begin with; docs/diff.md says what it may say"
            }
            Self::Format { .. } => {
                "name the run folder of a comparison that was broken off with --resume, or the shard.json files of all \
                 shards with --merge"
            }
            Self::UnknownSchema => "say which it is with --schema",
            Self::OtherSchema { .. } => "leave the flag out: a snapshot knows its schema",
            Self::WrongWayRound => "name the direct graph first, or bring a policy of your own with --policy",
            Self::OtherComparison { .. } => {
                "go on with the same graphs, policy and shard, or begin anew without --resume"
            }
            Self::Merge(_) => "name the shard.json of each shard of one comparison once",
        };
        Some(hint.to_owned())
    }
}

/// Reads a policy.
///
/// # Errors
///
/// [`DiffUsageError`] when it cannot be read or is none.
pub(super) fn read_policy(path: &Path) -> Result<Policy, DiffUsageError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| DiffUsageError::Unreadable { path: path.to_owned(), source })?;
    Policy::from_toml(&text).map_err(|source| DiffUsageError::Policy { path: path.to_owned(), source })
}

/// Compares two graphs, or puts shards together.
///
/// # Errors
///
/// [`ExpectedError`] when a server does not answer or a snapshot cannot be used, for bad input, and when it is interrupted.
pub fn execute(config: &Config, args: &DiffArgs) -> Result<u8, ExpectedError> {
    if args.print_policy {
        output::print(Policy::DIRECT_VS_PROJECTED)?;
        return Ok(exit_code::PASS);
    }
    if !args.merge.is_empty() {
        return execute_merge(config, &args.merge);
    }
    let given = [(&args.left, args.left_schema), (&args.right, args.right_schema)];
    let [left, right] = given.map(|(given, schema)| (given.clone().unwrap_or_default(), schema));
    let settle = parse_time(&args.again.settle).map_err(ExpectedError::from)?;
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let now = OffsetDateTime::now_utc();
    let folder = RunFolder::create(&config.runs, now, config.seed)?;
    let started = Instant::now();
    let runtime = runtime()?;
    let compared = runtime.block_on(async {
        let signals = Signals::listen()
            .map_err(|source| ExpectedError::System { doing: "listen to signals", source })?;
        let left = Opened::open(config, &left.0, left.1, SchemaName::Direct, "--left-schema").await?;
        let right = Opened::open(config, &right.0, right.1, SchemaName::Projected, "--right-schema").await?;
        let policy = match policy {
            Some(policy) => policy,
            None => shipped_policy(left.schema, right.schema)?,
        };
        let watermark = watermark(config, args, [&left, &right], settle)?;
        let task = Task { args, policy, now: Timestamp::new(now), watermark, folder: &folder };
        let cut = run::cut(config.timeout, signals);
        task.compare(left, right, cut).await
    })?;
    let Compared { result, engines, kept } = compared;
    let took = started.elapsed();
    let was_interrupted = result.cause == Some(Cause::Interrupted);
    if was_interrupted && kept {
        let folder = folder.path();
        output::complain(&format!("go on with: --resume {}\n", folder.display()));
    } else if result.cause != Some(Cause::TimedOut) {
        folder.discard(PROGRESS_FILE);
    }
    let command = run::repeat(config, &subcommand(args));
    let ran = Ran { now, took, command, engines, results: vec![result] };
    let (exit_code, _) = run::conclude(config, &folder, &[], ran)?;
    Ok(exit_code)
}

/// Returns the policy that comes with the program for graphs of these schemas.
fn shipped_policy(left: Schema, right: Schema) -> Result<Policy, DiffUsageError> {
    match (left, right) {
        (Schema::Direct, Schema::Projected) => Ok(Policy::direct_vs_projected()),
        (Schema::Projected, Schema::Direct) => Err(DiffUsageError::WrongWayRound),
        _ => Ok(Policy::same_schema()),
    }
}

/// A side, ready to be read.
struct Opened {
    schema: Schema,
    /// What it is, without credentials: where the server is, or the digest of the snapshot.
    described: String,
    kind: Kind,
}

enum Kind {
    Server(Box<ReadGraph>),
    Snapshot(SnapshotSource),
}

impl Opened {
    async fn open(
        config: &Config,
        given: &str,
        schema: Option<SchemaName>,
        default: SchemaName,
        flag: &'static str,
    ) -> Result<Self, ExpectedError> {
        if given.contains("://") {
            let schema = schema.unwrap_or(default).into();
            let variable = |name: &str| std::env::var(name).ok();
            let opened = external::read_graph(given, schema, config.credentials.as_deref(), variable).await?;
            let described = opened.server.address.to_string();
            return Ok(Self { schema, described, kind: Kind::Server(opened.into()) });
        }
        let snapshot = Snapshot::open(Path::new(given))?;
        let of_snapshot = snapshot.header().schema;
        if schema.is_some_and(|schema| Schema::from(schema) != of_snapshot) {
            return Err(DiffUsageError::OtherSchema { path: given.into(), flag }.into());
        }
        let described = format!("snapshot {} of {}", snapshot.digest(), snapshot.header().source);
        let kind = Kind::Snapshot(SnapshotSource::new(snapshot));
        Ok(Self { schema: of_snapshot, described, kind })
    }

    fn source(&self) -> Box<dyn Source + '_> {
        match &self.kind {
            Kind::Server(opened) => Box::new(GraphSource::new(&*opened.graph, self.schema)),
            Kind::Snapshot(source) => Box::new(source.clone()),
        }
    }

    const fn is_live(&self) -> bool {
        matches!(self.kind, Kind::Server(_))
    }
}

/// What a comparison came to.
struct Compared {
    result: ScenarioResult,
    engines: &'static str,
    /// Whether it can be gone on with.
    kept: bool,
}

/// A comparison.
struct Task<'t> {
    args: &'t DiffArgs,
    policy: Policy,
    now: Timestamp,
    watermark: Box<dyn Watermark>,
    folder: &'t RunFolder,
}

impl Task<'_> {
    async fn compare(
        self,
        left: Opened,
        right: Opened,
        cut: impl Future<Output = Cut>,
    ) -> Result<Compared, ExpectedError> {
        let of = [left.described.clone(), right.described.clone()];
        let policy_digest = digest_of(&self.policy);
        let kept = Kept { of: of.clone(), policy: policy_digest, shard: self.args.shard, progress: None };
        let is_live = left.is_live() || right.is_live();
        let keeper = Keeper {
            folder: self.folder,
            kept: &kept,
            after_interviews: if is_live { 256 } else { 1_024 },
            has_kept: false.into(),
            has_failed: false.into(),
        };
        let resume = match &self.args.resume {
            Some(folder) => Some(kept.read(&folder.join(PROGRESS_FILE))?),
            None => None,
        };
        let settle = (is_live && self.args.again.rounds > 0)
            .then_some(Settle { rounds: self.args.again.rounds, watermark: &*self.watermark });
        let options = Options {
            now: Some(self.now),
            shard: self.args.shard,
            settle,
            keep: Some(&keeper),
            resume,
            ..Options::default()
        };
        let (id, sides) = check_name(&left, &right, self.args.shard);
        let begin = Instant::now();
        let (left_source, right_source) = (left.source(), right.source());
        let sources = [&*left_source, &*right_source];
        let comparing = diff_with(id, sides, sources, &self.policy, options);
        let mut result = tokio::select! {
            Done { check, rest } = comparing => {
                if let Some(shard) = self.args.shard {
                    let result = ShardResult::new(shard, of, policy_digest, check.clone(), rest);
                    let json = output::json(&result, "what a shard came to is JSON")?;
                    self.folder.put(SHARD_FILE, json.as_bytes())?;
                }
                concluded(check)
            }
            cut = cut => stopped(cut),
        };
        let step = "compare".to_owned();
        let duration_ms = milliseconds(begin);
        result.steps.push(StepDuration { step, began_ms: 0, duration_ms, events_appended: 0 });
        result.duration_ms = milliseconds(begin);
        let engines = if is_live { "external" } else { "snapshots" };
        let kept = keeper.has_kept.load(Ordering::Relaxed);
        Ok(Compared { result, engines, kept })
    }
}

fn concluded(check: CheckResult) -> ScenarioResult {
    ScenarioResult::concluded(SCENARIO, vec![check])
}

fn stopped(cut: Cut) -> ScenarioResult {
    let (cause, reason) = match cut {
        Cut::Interrupted => (Cause::Interrupted, "it was interrupted".to_owned()),
        Cut::TimedOut { limit } => (Cause::TimedOut, format!("no end within {} s", limit.as_secs())),
    };
    ScenarioResult::stopped(SCENARIO, cause, reason, vec![])
}

/// Returns what to call the check, and its sides.
fn check_name(left: &Opened, right: &Opened, shard: Option<Shard>) -> (SmolStr, Orientation) {
    let sides = match (left.schema, right.schema) {
        (Schema::Direct, Schema::Projected) => Orientation::new("direct", "projected"),
        (Schema::Projected, Schema::Direct) => Orientation::new("projected", "direct"),
        _ => Orientation::new("left", "right"),
    };
    let id = match shard {
        Some(Shard { number, of }) => {
            format_smolstr!("{}-vs-{}, shard {number}/{of}", sides.left, sides.right)
        }
        None => format_smolstr!("{}-vs-{}", sides.left, sides.right),
    };
    (id, sides)
}

/// Returns the digest of a policy with all that it says, what it accepts among it.
fn digest_of(policy: &Policy) -> Digest {
    Digest::of(&serde_json::to_vec(policy).expect("a policy is JSON"))
}

/// Returns what is waited for before differences are looked at again: where the event store is known, until the outbox is drained
/// and the projection has done what was written; else some time.
fn watermark(
    config: &Config,
    args: &DiffArgs,
    sides: [&Opened; 2],
    settle: Duration,
) -> Result<Box<dyn Watermark>, ExpectedError> {
    let server = |side: &Opened, schema| match &side.kind {
        Kind::Server(opened) if side.schema == schema => Some(opened.server.clone()),
        _ => None,
    };
    let direct = server(sides[0], Schema::Direct);
    let (Some(direct), Some(projected)) = (direct, server(sides[1], Schema::Projected)) else {
        return Ok(Box::new(Pause(settle)));
    };
    let Some(store) = config.external.store.clone() else { return Ok(Box::new(Pause(settle))) };
    let graphs = [("direct", direct), ("projected", projected)].into();
    let system =
        LiveSystem::connect(&ExternalSettings { store: Some(store), graphs }, args.again.groups.as_str())?;
    Ok(Box::new(CaughtUp::new(system, CAUGHT_UP_WITHIN)))
}

/// Waits for a while, in which both sides take in what was written before.
pub(super) struct Pause(pub(super) Duration);

#[async_trait]
impl Watermark for Pause {
    async fn passed(&self) -> Result<(), GraphError> {
        tokio::time::sleep(self.0).await;
        Ok(())
    }
}

/// How far a comparison has come, as a run folder keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    of: [String; 2],
    policy: Digest,
    shard: Option<Shard>,
    progress: Option<Progress>,
}

impl Kept {
    /// Reads how far this same comparison had come.
    fn read(&self, path: &Path) -> Result<Progress, DiffUsageError> {
        let bytes = std::fs::read(path)
            .map_err(|source| DiffUsageError::Unreadable { path: path.to_owned(), source })?;
        let kept: Self = serde_json::from_slice(&bytes).map_err(|source| {
            let what = "progress of a comparison";
            DiffUsageError::Format { path: path.to_owned(), what, source }
        })?;
        let other = |what| DiffUsageError::OtherComparison { path: path.to_owned(), what };
        if kept.of != self.of {
            return Err(other("what is compared"));
        }
        if kept.policy != self.policy {
            return Err(other("the policy"));
        }
        if kept.shard != self.shard {
            return Err(other("the shard"));
        }
        kept.progress.ok_or_else(|| other("how far it has come: nothing was kept"))
    }
}

struct Keeper<'k> {
    folder: &'k RunFolder,
    kept: &'k Kept,
    /// After how many interviews it is written down: each time waits for the disk.
    after_interviews: usize,
    has_kept: AtomicBool,
    has_failed: AtomicBool,
}

impl Keep for Keeper<'_> {
    fn after_interviews(&self) -> usize {
        self.after_interviews
    }

    fn keep(&self, progress: &Progress) {
        let kept = Kept { progress: Some(progress.clone()), ..self.kept.clone() };
        let written = match serde_json::to_vec(&kept) {
            Ok(json) => self.folder.put(PROGRESS_FILE, &json).map(drop).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match written {
            Ok(()) => self.has_kept.store(true, Ordering::Relaxed),
            Err(error) if !self.has_failed.swap(true, Ordering::Relaxed) => {
                output::complain(&format!("how far it has come is not kept: {error}\n"));
            }
            Err(_) => {}
        }
    }
}

fn execute_merge(config: &Config, files: &[PathBuf]) -> Result<u8, ExpectedError> {
    let mut shards = Vec::new();
    for path in files {
        let bytes = std::fs::read(path)
            .map_err(|source| DiffUsageError::Unreadable { path: path.clone(), source })?;
        let shard: ShardResult = serde_json::from_slice(&bytes).map_err(|source| DiffUsageError::Format {
            path: path.clone(),
            what: "result of a shard",
            source,
        })?;
        shards.push(shard);
    }
    let started = Instant::now();
    let mut check = merge(shards).map_err(DiffUsageError::from)?;
    check.id = format_smolstr!("{}-vs-{}", check.sides.left, check.sides.right);
    let now = OffsetDateTime::now_utc();
    let folder = RunFolder::create(&config.runs, now, config.seed)?;
    let names: Vec<String> = files.iter().map(|file| run::quoted(&file.to_string_lossy())).collect();
    let command = run::repeat(config, &format!("diff --merge {}", names.join(" ")));
    let results = vec![concluded(check)];
    let ran = Ran { now, took: started.elapsed(), command, engines: "shards", results };
    let (exit_code, _) = run::conclude(config, &folder, &[], ran)?;
    Ok(exit_code)
}

/// Returns what was asked for, for the command that repeats it. URLs are shown without credentials.
fn subcommand(args: &DiffArgs) -> String {
    let side =
        |given: &Option<String>| run::quoted(&external::without_credentials(given.as_deref().unwrap_or("")));
    let mut words = format!("diff {} {}", side(&args.left), side(&args.right));
    let schema = |name| match name {
        SchemaName::Direct => "direct".to_owned(),
        SchemaName::Projected => "projected".to_owned(),
    };
    let flags = [
        ("--left-schema", args.left_schema.map(schema)),
        ("--right-schema", args.right_schema.map(schema)),
        ("--policy", args.policy.as_ref().map(|file| file.to_string_lossy().into_owned())),
        ("--shard", args.shard.map(|shard| shard.to_string())),
    ];
    for (flag, value) in flags.into_iter().chain(args.again.given()) {
        if let Some(value) = value {
            words += &format!(" {flag} {}", run::quoted(&value));
        }
    }
    words
}

fn milliseconds(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}
