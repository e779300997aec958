//! `cutover run NAME…`, and what `cutover readiness` does with every scenario: run, judge, keep, print.

use std::future::Future;
use std::time::{Duration, Instant};

use cutover_core::timestamp::Timestamp;
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::cli::config::Config;
use crate::cli::flags::{EnginesKind, Form, RunArgs};
use crate::cli::signals::Signals;
use crate::cli::{output, progress, report, runtime};
use crate::diff::{Policy, Settle};
use crate::error::{ExpectedError, chain};
use crate::gate::Judgement;
use crate::live::{self, CaughtUp, LiveSystem, Looked, Patience};
use crate::provision::external::{self, CypherGraphs, ExternalError};
use crate::provision::process::{self, Installation, ServerSettings};
use crate::provision::{Embedded, External, Process, Provision};
use crate::queries::{self, AnswerLimits, Asking, ReaderQuery, Readers, ask_all};
use crate::report::to_json;
use crate::result::{self, Cause, CheckResult, Outcome, RunResult, ScenarioResult};
use crate::run_folder::{HTML_FILE, JUNIT_FILE, MARKDOWN_FILE, RESULT_FILE, RunFolder};
use crate::scenario::run::{Cut, Runner};
use crate::scenario::{self, load::Named};
use crate::transcripts::{self, Transcript};

/// Runs the named scenarios.
///
/// # Errors
///
/// [`ExpectedError`] for bad input, for a run folder that cannot be written to, and when it is interrupted.
pub fn execute(config: &Config, args: &RunArgs) -> Result<u8, ExpectedError> {
    let scenarios = config.catalogue()?.select(&args.names)?;
    run(config, &scenarios, &format!("run {}", args.names.join(" ")))
}

/// Runs scenarios and returns the exit code of their verdict. What can be checked before is checked before anything is
/// started; `subcommand` is what was asked for, for the command that repeats it.
///
/// # Errors
///
/// See [`execute`].
pub fn run(config: &Config, scenarios: &[Named], subcommand: &str) -> Result<u8, ExpectedError> {
    run_and_look(config, scenarios, subcommand, None).map(|finished| finished.exit_code)
}

/// A run that has been judged, kept and printed.
pub(super) struct Finished {
    /// The exit code of its verdict.
    pub(super) exit_code: u8,
    /// What it came to.
    pub(super) result: RunResult,
    /// What it leaves behind.
    pub(super) folder: RunFolder,
    /// What was seen of the live system, if there is one.
    pub(super) live: Option<Looked>,
}

/// A live system that is looked at after the scenarios.
pub(super) struct Live {
    /// Its servers.
    pub(super) system: LiveSystem,
    /// The readers' queries that are asked of it then, if any are.
    pub(super) queries: Vec<ReaderQuery>,
}

/// Runs scenarios, and looks at a live system after them if there is one.
///
/// # Errors
///
/// See [`execute`]; and when the live system does not answer before anything is run.
pub(super) fn run_and_look(
    config: &Config,
    scenarios: &[Named],
    subcommand: &str,
    live: Option<&Live>,
) -> Result<Finished, ExpectedError> {
    let transcripts = config.transcripts()?;
    let analyser = config.analyser()?;
    scenario::run::check(scenarios, &transcripts)?;
    let now = OffsetDateTime::now_utc();
    let folder = RunFolder::create(&config.runs, now, config.seed)?;
    // Looks into the folders of other runs, so that theirs must be one that can be used.
    sweep(config)?;
    let runtime = runtime()?;
    if let Some(live) = live {
        // Nobody waits half an hour to be told of a wrong password.
        runtime.block_on(live.system.identities())?;
    }
    let provision = runtime.block_on(provision(config, &folder))?;
    let observer = progress::observer();
    let mut runner = Runner::new(&*provision, &transcripts, config.seed, &*observer);
    runner.analyser = &*analyser;
    runner.projection.projector.lanes = config.lanes.unwrap_or(runner.projection.projector.lanes);

    let started = Instant::now();
    let (results, live) = runtime.block_on(async {
        let signals = Signals::listen()
            .map_err(|source| ExpectedError::System { doing: "listen to signals", source })?;
        // One limit and one signal for both: what the scenarios leave of the time is what there is for the live system.
        let cut = Cutter::new(cut(config.timeout, signals));
        let mut results = runner.run(scenarios, cut.told()).await;
        provision.finish().await;
        let Some(live) = live else { return Ok::<_, ExpectedError>((results, None)) };
        let looked = look(&live.system, cut.told()).await;
        results.push(looked.result.clone());
        if !live.queries.is_empty() {
            results.push(ask(config, live, &looked, &cut).await);
        }
        Ok((results, Some(looked)))
    })?;
    drop(observer);
    let command = repeat(config, subcommand);
    let ran = Ran { now, took: started.elapsed(), command, engines: provision.name(), results };
    let (exit_code, result) = conclude(config, &folder, &transcripts, ran)?;
    Ok(Finished { exit_code, result, folder, live })
}

/// Looks at a live system until the run is cut off.
async fn look(live: &LiveSystem, cut: impl Future<Output = Cut>) -> Looked {
    let policy = Policy::direct_vs_projected();
    let now = Timestamp::new(OffsetDateTime::now_utc());
    tokio::select! {
        biased;
        cut = cut => Looked::stopped(cut.cause(), cut.reason(live::SCENARIO)),
        looked = live.look(&policy, now, Patience::default()) => looked,
    }
}

/// Asks the readers' queries of a live system that was looked at.
async fn ask(config: &Config, live: &Live, looked: &Looked, cut: &Cutter) -> ScenarioResult {
    let CypherGraphs { direct, projected } = match external::cypher_graphs(&config.external).await {
        Ok(graphs) => graphs,
        Err(error) => {
            let cause = Cause::EnvironmentNotReady;
            return ScenarioResult::stopped(queries::SCENARIO, cause, chain(&error), Vec::new());
        }
    };
    let patience = Patience::default();
    let watermark = CaughtUp::new(live.system.clone(), patience.caught_up_within);
    // Where the projection stands still, there is nothing to wait for: what differs, differs.
    let stands = |check: &CheckResult| check.id == live::STANDING && check.outcome == Outcome::Pass;
    let settle = looked
        .result
        .checks
        .iter()
        .any(stands)
        .then_some(Settle { rounds: patience.rounds, watermark: &watermark });
    let (sample, limits) = (Asking::SAMPLE.into(), AnswerLimits::default());
    let asking = Asking { seed: config.seed, sample, limits, settle };
    let readers = Readers { direct: &direct, projected: &projected };
    ask_all(&live.queries, readers, &asking, cut.told()).await
}

/// Tells several, one after the other, that the run is cut off.
pub(super) struct Cutter(watch::Receiver<Option<Cut>>);

impl Cutter {
    /// Waits for the cut from now on.
    pub(super) fn new(cut: impl Future<Output = Cut> + Send + 'static) -> Self {
        let (tell, told) = watch::channel(None);
        // It ends with the runtime.
        tokio::spawn(async move { tell.send(Some(cut.await)) });
        Self(told)
    }

    /// Waits until the run is cut off, or was before.
    pub(super) async fn told(&self) -> Cut {
        let mut told = self.0.clone();
        match told.wait_for(Option::is_some).await.map(|cut| *cut) {
            Ok(Some(cut)) => cut,
            _ => std::future::pending().await,
        }
    }
}

/// What was run.
pub(super) struct Ran {
    /// When it began.
    pub(super) now: OffsetDateTime,
    /// How long it took.
    pub(super) took: Duration,
    /// The command that repeats it.
    pub(super) command: String,
    /// The engines that it ran on.
    pub(super) engines: &'static str,
    /// What it came to.
    pub(super) results: Vec<ScenarioResult>,
}

/// Judges what was run, keeps and prints it, and returns the exit code with the result.
///
/// # Errors
///
/// [`ExpectedError`] when it was interrupted, and when it cannot be kept.
pub(super) fn conclude(
    config: &Config,
    folder: &RunFolder,
    transcripts: &[Transcript],
    ran: Ran,
) -> Result<(u8, RunResult), ExpectedError> {
    let Ran { now, took, command, engines, results } = ran;
    if results.iter().any(|result| result.cause == Some(Cause::Interrupted)) {
        return Err(ExpectedError::Interrupted { after: took });
    }
    let verdict = Judgement::of(&results);
    let exit_code = verdict.exit_code();
    let result = RunResult {
        schema_version: result::SCHEMA_VERSION,
        program_version: env!("CARGO_PKG_VERSION").into(),
        seed: config.seed.number(),
        started_at: Timestamp::new(now),
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        command,
        engines: engines.into(),
        transcripts: transcripts.iter().map(transcripts::describe).collect(),
        scenarios: results,
        verdict,
    };
    let json = to_json(&result);
    // What was found out is shown even where it cannot be kept.
    let kept = folder.keep(RESULT_FILE, json.as_bytes());
    let reports = kept.as_ref().ok().map(|_| report::keep_all(&result, folder));
    match config.form {
        Form::Json => output::print(&json)?,
        form => output::print(&report::render(&result, form, report::terminal_style()))?,
    }
    let kept = kept?;
    if config.form == Form::Human {
        output::complain(&format!("result: {}\n", kept.display()));
    }
    reports.transpose()?;
    if config.form == Form::Human {
        let [html, markdown, junit] = [HTML_FILE, MARKDOWN_FILE, JUNIT_FILE];
        let html = kept.with_file_name(html);
        output::complain(&format!("report: {} ({markdown} and {junit} beside it)\n", html.display()));
    }
    Ok((exit_code, result))
}

/// Removes what servers of runs that were killed have left, whatever engines this run has.
pub(super) fn sweep(config: &Config) -> Result<(), ExpectedError> {
    let swept = process::sweep(&config.runs).map_err(|source| ExpectedError::System {
        doing: "remove what a run that was killed has left behind",
        source,
    })?;
    for home in swept {
        output::complain(&format!("removed what a run that was killed left behind: {}\n", home.display()));
    }
    Ok(())
}

/// Returns what provides the engines that were asked for. Servers are started when they are needed, and keep their logs in the
/// run folder; those that are there already are looked at before anything runs.
pub(super) async fn provision(
    config: &Config,
    folder: &RunFolder,
) -> Result<Box<dyn Provision>, ExpectedError> {
    Ok(match config.engines {
        EnginesKind::Embedded => Box::new(Embedded),
        EnginesKind::Process => {
            let cache = process::cache_folder(|name| std::env::var_os(name))?;
            let installation = Installation::ensure(&cache)?;
            Box::new(Process::new(installation, ServerSettings::default(), folder.path()))
        }
        #[cfg(not(feature = "containers"))]
        EnginesKind::Containers => return Err(ExpectedError::NoContainers),
        #[cfg(feature = "containers")]
        EnginesKind::Containers => {
            use crate::provision::containers::Containers;

            Box::new(Containers::connect(config.containers.clone()).await?)
        }
        EnginesKind::External => {
            let external = External::new(config.external.clone()).map_err(ExternalError::from)?;
            external.check().await?;
            Box::new(external)
        }
    })
}

/// Waits until a run is to be cut off.
pub(super) async fn cut(limit: Duration, mut signals: Signals) -> Cut {
    tokio::select! {
        () = signals.received() => Cut::Interrupted,
        () = tokio::time::sleep(limit) => Cut::TimedOut { limit },
    }
}

/// Returns the command that repeats a run.
pub(super) fn repeat(config: &Config, subcommand: &str) -> String {
    let mut command = format!("cutover {subcommand} --seed {}", config.seed);
    for (flag, value) in &config.repeated {
        command += &format!(" {flag} {}", quoted(value));
    }
    command
}

/// Returns a word the way that a POSIX shell takes it for one.
pub(super) fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "/._-+,:@%=".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flags::Flags;

    #[test]
    fn the_command_that_repeats_a_run_names_seed_and_folders() {
        let flags = Flags {
            seed: Some(7301),
            transcripts: Some("my files".into()),
            timeout: "10m".to_owned(),
            ..Flags::default()
        };
        let config = Config::new(flags).expect("valid flags");
        assert_eq!(
            repeat(&config, "run dual-write"),
            "cutover run dual-write --seed 7301 --transcripts 'my files'"
        );
    }

    #[tokio::test]
    async fn whoever_waits_for_the_end_of_a_run_is_told_however_late() {
        let cutter = Cutter::new(async { Cut::Interrupted });
        for _ in 0..2 {
            assert_eq!(cutter.told().await, Cut::Interrupted);
        }
    }

    #[test]
    fn a_quote_within_a_word_survives_the_shell() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("a/b-1.txt"), "a/b-1.txt");
        assert_eq!(quoted(""), "''");
    }
}
