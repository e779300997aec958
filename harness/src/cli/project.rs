//! `cutover project`: the projection service as a process of its own, between servers that are there already.
//!
//! What it is told to do it prints to stderr, with whatever it waits for or parks; what it did goes to stdout at its end. Wherever
//! it is killed, nothing is lost: what was not acknowledged is delivered to the next one.

use std::io::Read;
use std::time::Instant;

use cutover_service::projection::{Groups, ProjectionService, Report, Settings, Until};
use serde::Serialize;
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use crate::cli::config::Config;
use crate::cli::flags::{Format, ProjectArgs, ProjectUntil};
use crate::cli::signals::Signals;
use crate::cli::{output, runtime};
use crate::error::ExpectedError;
use crate::exit_code;
use crate::provision::external::{self, ProjectionServers};
use crate::result::ProjectorMetrics;

/// What is told on stderr while it runs: this program's own words, and none of what its libraries say, who know of passwords.
const TOLD: &str = "cutover_service=warn,cutover_engines=warn";

/// Why a projection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Ended {
    /// Everything was applied or parked.
    CaughtUp,
    /// Somebody asked for it.
    Stopped,
    /// Its time was over.
    TimedOut,
}

/// What a projection did, as `--format json` prints it.
#[derive(Debug, Serialize)]
struct Done {
    schema_version: u32,
    ended: Ended,
    dangling_links: u64,
    metrics: ProjectorMetrics,
}

/// Projects until the end that was asked for.
///
/// # Errors
///
/// [`ExpectedError`] when a server was not named, refuses for good, or cannot be used the way that it is set up. A server that does
/// not answer is no error: it is waited for.
pub fn execute(config: &Config, args: &ProjectArgs) -> Result<u8, ExpectedError> {
    let servers = external::projection_servers(&config.external)?;
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(TOLD))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    runtime()?.block_on(project(config, args, servers))
}

async fn project(
    config: &Config,
    args: &ProjectArgs,
    servers: ProjectionServers,
) -> Result<u8, ExpectedError> {
    let started = Instant::now();
    let mut signals =
        Signals::listen().map_err(|source| ExpectedError::System { doing: "listen to signals", source })?;
    let mut settings = Settings { groups: Groups::named(&args.groups), ..Settings::default() };
    settings.projector.lanes = config.lanes.unwrap_or(settings.projector.lanes);
    settings.projector.batch_events_max = args.batch as usize;
    let ProjectionServers { store, log, server, graph } = servers;
    output::complain(&format!(
        "projecting {store} into {server}: {} and {}, {} lanes\n",
        settings.groups.interview, settings.groups.sentence, settings.projector.lanes,
    ));

    let mut ended = Ended::CaughtUp;
    let input_ends = async {
        match args.until {
            ProjectUntil::InputEnds => end_of_input().await,
            _ => std::future::pending().await,
        }
    };
    let time_is_over = async {
        match args.until {
            ProjectUntil::CaughtUp => tokio::time::sleep(config.timeout).await,
            _ => std::future::pending().await,
        }
    };
    let stop = async {
        ended = tokio::select! {
            () = signals.received() => Ended::Stopped,
            () = input_ends => Ended::Stopped,
            () = time_is_over => Ended::TimedOut,
        };
    };
    let until = match args.until {
        ProjectUntil::CaughtUp => Until::CaughtUp,
        ProjectUntil::Stopped | ProjectUntil::InputEnds => Until::Stopped,
    };
    let report = ProjectionService::new(log, graph, settings).run(until, stop).await?;
    print(config.format, &report, ended)?;
    match (ended, args.until) {
        (Ended::TimedOut, _) => Ok(exit_code::TIMED_OUT),
        // Whoever waits for a graph that has caught up must not take this one for it.
        (Ended::Stopped, ProjectUntil::CaughtUp) => {
            Err(ExpectedError::Interrupted { after: started.elapsed() })
        }
        _ => Ok(exit_code::PASS),
    }
}

/// Waits for the end of standard input. What comes before is nobody's business.
async fn end_of_input() {
    let (tell, told) = oneshot::channel();
    // A thread of its own, which nobody waits for: a read of standard input cannot be broken off.
    std::thread::spawn(move || {
        let mut buffer = [0; 1_024];
        while matches!(std::io::stdin().read(&mut buffer), Ok(1..)) {}
        // Where nobody listens any more, the program ends for another reason.
        let _ = tell.send(());
    });
    let _ = told.await;
}

fn print(format: Format, report: &Report, ended: Ended) -> Result<(), ExpectedError> {
    let metrics = ProjectorMetrics::from(&report.metrics);
    output::print(&match format {
        Format::Human => {
            let ended = match ended {
                Ended::CaughtUp => "caught up",
                Ended::Stopped => "stopped",
                Ended::TimedOut => "timed out",
            };
            format!(
                "{ended}: processed {}, skipped {}, duplicates {}, failed {}, retries {}, parked {}\n",
                metrics.processed,
                metrics.skipped,
                metrics.duplicates,
                metrics.failed,
                metrics.retries,
                metrics.parked,
            )
        }
        Format::Json => {
            let done = Done { schema_version: 1, ended, dangling_links: report.dangling_links, metrics };
            let json = serde_json::to_string(&done).map_err(|source| ExpectedError::Internal {
                invariant: "what a projection did is JSON",
                source: source.into(),
            })?;
            format!("{json}\n")
        }
    })
}
