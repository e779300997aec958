//! `cutover crash-test`: the projection process, killed again and again; then judged, kept and printed as every run is.

use std::time::Instant;

use time::OffsetDateTime;

use crate::cli::config::Config;
use crate::cli::flags::{CrashTestArgs, EnginesKind};
use crate::cli::run::{self, Ran};
use crate::cli::signals::Signals;
use crate::cli::{progress, runtime};
use crate::crash::{CrashTest, Settings};
use crate::error::ExpectedError;
use crate::run_folder::RunFolder;

/// The file in the run folder to which the processes write what they have to say.
const LOG: &str = "projection.log";

/// Kills the projection process as often as was asked for, and returns the exit code of the verdict.
///
/// # Errors
///
/// [`ExpectedError`] for bad input, for engines that do not outlive the process, for a run folder that cannot be written to, and when
/// it is interrupted.
pub fn execute(config: &Config, args: &CrashTestArgs) -> Result<u8, ExpectedError> {
    if config.engines != EnginesKind::Process {
        return Err(ExpectedError::NothingToKill { engines: config.engines.as_str() });
    }
    let program = std::env::current_exe()
        .map_err(|source| ExpectedError::System { doing: "find this program", source })?;
    let transcripts = config.transcripts()?;
    let analyser = config.analyser()?;
    let now = OffsetDateTime::now_utc();
    let folder = RunFolder::create(&config.runs, now, config.seed)?;
    run::sweep(config)?;
    let runtime = runtime()?;
    let provision = runtime.block_on(run::provision(config, &folder))?;
    let observer = progress::observer();
    let test = CrashTest {
        provision: &*provision,
        transcripts: &transcripts,
        seed: config.seed,
        observer: &*observer,
        analyser: &*analyser,
        settings: Settings {
            cycles: args.cycles,
            program,
            batch: args.batch,
            lanes: config.lanes,
            log: folder.path().join(LOG),
        },
    };
    let started = Instant::now();
    let result = runtime.block_on(async {
        let signals = Signals::listen()
            .map_err(|source| ExpectedError::System { doing: "listen to signals", source })?;
        let result = test.run(run::cut(config.timeout, signals)).await;
        provision.finish().await;
        Ok::<_, ExpectedError>(result)
    })?;
    drop(observer);
    let subcommand = format!("crash-test --cycles {} --batch {}", args.cycles, args.batch);
    let command = run::repeat(config, &subcommand);
    let engines = provision.name();
    let ran = Ran { now, took: started.elapsed(), command, engines, results: vec![result] };
    run::conclude(config, &folder, &transcripts, ran).map(|(exit_code, _)| exit_code)
}
