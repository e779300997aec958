//! `cutover simulate`: schedules under one seeded scheduler, with every fault of the world.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::config::Config;
use crate::cli::flags::{Format, SimulateArgs};
use crate::cli::signals::Signals;
use crate::cli::{output, runtime};
use crate::error::ExpectedError;
use crate::provision::hooks::Hooks;
use crate::report::{self, Style};
use crate::result::Cause;
use crate::simulation::campaign::{Campaign, Outcome};
use crate::simulation::result::{CampaignResult, ShrunkSchedule};
use crate::simulation::{Schedule, Subject, flag, projection, shrink};

/// Runs a campaign, shrinks its first failure, and says what came of it.
///
/// # Errors
///
/// [`ExpectedError`] when it is interrupted, and when stdout cannot be written to.
pub fn execute(config: &Config, args: &SimulateArgs) -> Result<u8, ExpectedError> {
    match args.subject {
        Subject::Projection => simulate::<projection::Plan>(config, args),
        Subject::Flag => simulate::<flag::Plan>(config, args),
    }
}

fn simulate<P: Schedule>(config: &Config, args: &SimulateArgs) -> Result<u8, ExpectedError> {
    let begin = Instant::now();
    output::complain(&format!("seed {}: {} schedules\n", config.seed, args.schedules));
    let (sum, cause) = run::<P>(config, args)?;
    if cause == Some(Cause::Interrupted) {
        return Err(ExpectedError::Interrupted { after: begin.elapsed() });
    }
    let duration_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (seed, asked) = (config.seed.number(), args.schedules);
    let mut result = CampaignResult::new(P::SUBJECT, seed, asked, &sum, cause, duration_ms);
    if let (Some(failure), Some(failed)) = (sum.failures.first(), result.failures.first_mut()) {
        output::complain(&format!("shrinking the failure of seed {}\n", failure.seed));
        let shrunk = shrink(&P::draw(failure.seed), &Hooks::default).map_err(system("start the runtime"))?;
        failed.shrunk = shrunk.as_ref().map(ShrunkSchedule::new);
    }
    let text = match config.format {
        Format::Human => {
            let style = Style { is_coloured: true, columns: output::columns(), ..Style::default() };
            report::simulation_to_terminal(&result, style)
        }
        Format::Json => output::json(&result, "a result is JSON")?,
    };
    output::print(&text)?;
    Ok(result.exit_code())
}

fn system(doing: &'static str) -> impl FnOnce(std::io::Error) -> ExpectedError {
    move |source| ExpectedError::System { doing, source }
}

/// Runs the schedules until they are done, the time is over, or somebody stops them.
fn run<P: Schedule>(config: &Config, args: &SimulateArgs) -> Result<(Outcome, Option<Cause>), ExpectedError> {
    let is_over = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let (first, schedules, threads) = (config.seed, args.schedules, args.threads());
    let campaign = {
        let (is_over, done) = (is_over.clone(), done.clone());
        move || {
            let progress = |count: u64| {
                done.store(count, Ordering::Relaxed);
                is_over.load(Ordering::Relaxed)
            };
            let campaign =
                Campaign { first, schedules, threads, hooks: &Hooks::default, progress: &progress };
            campaign.run::<P>()
        }
    };
    runtime()?.block_on(async {
        let mut signals = Signals::listen().map_err(system("listen to signals"))?;
        let bar = bar(schedules);
        let mut redraw = tokio::time::interval(std::time::Duration::from_millis(200));
        let mut over = std::pin::pin!(tokio::time::sleep(config.timeout));
        let mut campaign = tokio::task::spawn_blocking(campaign);
        let mut cause = None;
        loop {
            tokio::select! {
                ended = &mut campaign => {
                    bar.finish_and_clear();
                    let outcome = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                    return Ok((outcome.map_err(system("start the runtime"))?, cause));
                }
                () = signals.received(), if cause.is_none() => cause = Some(Cause::Interrupted),
                () = &mut over, if cause.is_none() => cause = Some(Cause::TimedOut),
                _ = redraw.tick() => bar.set_position(done.load(Ordering::Relaxed)),
            }
            is_over.store(cause.is_some(), Ordering::Relaxed);
        }
    })
}

fn bar(schedules: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:24} {human_pos} of {human_len} schedules, {per_sec}, {eta} to go");
    let bar = ProgressBar::with_draw_target(Some(schedules), ProgressDrawTarget::stderr());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
