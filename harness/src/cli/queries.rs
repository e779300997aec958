//! `cutover queries`: the readers' queries, asked of two graphs that are there already, or of servers that are started and filled first.

use std::path::Path;
use std::time::Instant;

use cutover_engines::graph::Schema;
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::config::{Config, parse_time};
use crate::cli::diff::{CAUGHT_UP_WITHIN, Pause};
use crate::cli::flags::{EnginesKind, Format, QueriesArgs};
use crate::cli::run::{self, Cutter, Ran};
use crate::cli::signals::Signals;
use crate::cli::{output, progress, runtime};
use crate::diff::{Settle, Watermark};
use crate::error::ExpectedError;
use crate::exit_code;
use crate::live::{CaughtUp, LiveSystem};
use crate::provision::Provision;
use crate::provision::external::{self, CypherGraphs};
use crate::queries::{self, AnswerLimits, Asking, Catalogue, QueryError, ReaderQuery, Readers, ask_all};
use crate::result::{Cause, ScenarioResult};
use crate::run_folder::RunFolder;
use crate::scenario;
use crate::scenario::run::Runner;

/// What there is to be asked about on servers that are started for the queries.
const WORKLOAD: &str = include_str!("../../../queries/workload.toml");

/// Asks queries of both graphs.
///
/// # Errors
///
/// [`ExpectedError`] for a mistake in a query file, when there are no two servers to ask, and when it is interrupted.
pub fn execute(config: &Config, args: &QueriesArgs) -> Result<u8, ExpectedError> {
    let catalogue = args.queries.as_deref().map_or_else(Catalogue::bundled, Catalogue::read_folder)?;
    let queries = catalogue.select(&args.names)?;
    if args.list {
        return list(config, &queries);
    }
    match config.engines {
        EnginesKind::Process | EnginesKind::Containers => ask_own(config, args, &queries),
        EnginesKind::Embedded | EnginesKind::External => ask_live(config, args, &queries),
    }
}

/// A query, as `--format json` lists it.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    name: &'a str,
    title: &'a str,
    why: &'a str,
}

impl<'a> From<&'a ReaderQuery> for Entry<'a> {
    fn from(query: &'a ReaderQuery) -> Self {
        Self { name: &query.name, title: &query.title, why: &query.why }
    }
}

fn list(config: &Config, queries: &[ReaderQuery]) -> Result<u8, ExpectedError> {
    let entries: Vec<Entry<'_>> = queries.iter().map(Entry::from).collect();
    let text = match config.format {
        Format::Json => output::json(&entries, "a list of queries is JSON")?,
        Format::Human => {
            let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
            entries.iter().map(|entry| format!("{:width$}  {}\n", entry.name, entry.title)).collect()
        }
    };
    output::print(&text)?;
    Ok(exit_code::PASS)
}

/// Asks two graphs that are there already, and that may be written to meanwhile.
fn ask_live(config: &Config, args: &QueriesArgs, queries: &[ReaderQuery]) -> Result<u8, ExpectedError> {
    let settle = parse_time(&args.again.settle)?;
    let servers = &config.external;
    let is_named = |graph| servers.graphs.contains_key(graph);
    if !is_named("direct") && !is_named("projected") {
        return Err(QueryError::NoCypher.into());
    }
    let mut config = config.clone();
    if config.engines == EnginesKind::Embedded {
        config.repeated.extend(config.servers.clone());
    }
    let now = OffsetDateTime::now_utc();
    let folder = RunFolder::create(&config.runs, now, config.seed)?;
    let started = Instant::now();
    let result = runtime()?.block_on(async {
        let signals = Signals::listen()
            .map_err(|source| ExpectedError::System { doing: "listen to signals", source })?;
        let CypherGraphs { direct, projected } = external::cypher_graphs(servers).await?;
        let watermark: Box<dyn Watermark> = match &servers.store {
            Some(_) => {
                let system = LiveSystem::connect(servers, args.again.groups.as_str())?;
                Box::new(CaughtUp::new(system, CAUGHT_UP_WITHIN))
            }
            None => Box::new(Pause(settle)),
        };
        let settle =
            (args.again.rounds > 0).then_some(Settle { rounds: args.again.rounds, watermark: &*watermark });
        let asking = asking(&config, args, settle);
        let readers = Readers { direct: &direct, projected: &projected };
        let cut = run::cut(config.timeout, signals);
        Ok::<_, ExpectedError>(ask_all(queries, readers, &asking, cut).await)
    })?;
    let ran = Ran {
        now,
        took: started.elapsed(),
        command: run::repeat(&config, &subcommand(args)),
        engines: "external",
        results: vec![result],
    };
    let (exit_code, _) = run::conclude(&config, &folder, &[], ran)?;
    Ok(exit_code)
}

/// Starts servers, fills them along both paths, and asks them.
fn ask_own(config: &Config, args: &QueriesArgs, queries: &[ReaderQuery]) -> Result<u8, ExpectedError> {
    let transcripts = config.transcripts()?;
    let analyser = config.analyser()?;
    let workload = scenario::load::parse(Path::new("workload.toml"), WORKLOAD)?;
    let now = OffsetDateTime::now_utc();
    let folder = RunFolder::create(&config.runs, now, config.seed)?;
    run::sweep(config)?;
    let runtime = runtime()?;
    let provision = runtime.block_on(run::provision(config, &folder))?;
    let observer = progress::observer();
    let mut runner = Runner::new(&*provision, &transcripts, config.seed, &*observer);
    runner.analyser = &*analyser;
    runner.projection.projector.lanes = config.lanes.unwrap_or(runner.projection.projector.lanes);
    let started = Instant::now();
    let results = runtime.block_on(async {
        let signals = Signals::listen()
            .map_err(|source| ExpectedError::System { doing: "listen to signals", source })?;
        let cut = Cutter::new(run::cut(config.timeout, signals));
        let mut results = runner.run(&[workload], cut.told()).await;
        let asked = if results.iter().all(|result| result.cause.is_none()) {
            let asking = asking(config, args, None);
            ask_what_is_left(&*provision, queries, &asking, &cut).await
        } else {
            let reason = "the graphs were not filled";
            ScenarioResult::stopped(queries::SCENARIO, Cause::NotRun, reason, Vec::new())
        };
        results.push(asked);
        provision.finish().await;
        Ok::<_, ExpectedError>(results)
    })?;
    drop(observer);
    let command = run::repeat(config, &subcommand(args));
    let ran = Ran { now, took: started.elapsed(), command, engines: provision.name(), results };
    let (exit_code, _) = run::conclude(config, &folder, &transcripts, ran)?;
    Ok(exit_code)
}

/// Asks the graphs that a scenario has left behind.
async fn ask_what_is_left(
    provision: &dyn Provision,
    queries: &[ReaderQuery],
    asking: &Asking<'_>,
    cut: &Cutter,
) -> ScenarioResult {
    let direct = provision.cypher("direct", Schema::Direct).await;
    let projected = provision.cypher("projected", Schema::Projected).await;
    let (Some(direct), Some(projected)) = (direct, projected) else {
        let reason = "no server holds both graphs any more";
        return ScenarioResult::stopped(queries::SCENARIO, Cause::EnvironmentNotReady, reason, Vec::new());
    };
    let readers = Readers { direct: &direct, projected: &projected };
    ask_all(queries, readers, asking, cut.told()).await
}

fn asking<'a>(config: &Config, args: &QueriesArgs, settle: Option<Settle<'a>>) -> Asking<'a> {
    let limits = AnswerLimits::default();
    Asking { seed: config.seed, sample: args.sample.into(), limits, settle }
}

/// Returns what was asked for, for the command that repeats it.
fn subcommand(args: &QueriesArgs) -> String {
    let mut words = "queries".to_owned();
    for name in &args.names {
        words += &format!(" {}", run::quoted(name));
    }
    let flags = [
        ("--queries", args.queries.as_ref().map(|folder| folder.to_string_lossy().into_owned())),
        ("--sample", (args.sample != Asking::SAMPLE).then(|| args.sample.to_string())),
    ];
    for (flag, value) in flags.into_iter().chain(args.again.given()) {
        if let Some(value) = value {
            words += &format!(" {flag} {}", run::quoted(&value));
        }
    }
    words
}
