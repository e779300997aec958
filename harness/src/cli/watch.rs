//! `cutover watch`: watches a live system round by round, and says how its soak stands.
//!
//! Each round is a line on stdout, each alert one on stderr. It may be stopped at any time, and goes on from there.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::limits::LimitsTable;
use cutover_core::timestamp::Timestamp;
use cutover_service::pipeline::Clock;
use cutover_service::switch::Flag;
use serde::Serialize;

use crate::cli::config::Config;
use crate::cli::flags::{Format, WatchArgs};
use crate::cli::signals::Signals;
use crate::cli::switch::SystemClock;
use crate::cli::{output, runtime};
use crate::diff::Policy;
use crate::error::ExpectedError;
use crate::exit_code;
use crate::live::{LiveSystem, Patience};
use crate::report::{Style, round_to_terminal, soak_to_terminal, step_to_terminal};
use crate::soak::{
    Conducted, Criteria, End, HookPatience, Opened, Rollback, Round, Standing, StateFile, Until, Watch,
    Watched, Webhook,
};
use crate::switch::{Conductor, Service, Settings, StepDone, System, Witness};

/// Tells each step of a throw on stderr when it is done.
struct Telling;

impl Witness for Telling {
    fn done(&self, step: StepDone) {
        output::complain(&step_to_terminal(&step));
    }
}

/// What `watch --status --format json` prints.
#[derive(Serialize)]
struct Told<'a> {
    schema_version: u32,
    at: Timestamp,
    #[serde(flatten)]
    standing: &'a Standing,
    #[serde(flatten)]
    kept: &'a StateFile,
}

/// Does what was asked for.
///
/// # Errors
///
/// [`ExpectedError`] when the criteria or the soak cannot be read, a server was not named, none answers in the beginning, or the soak
/// cannot be kept.
pub fn execute(config: &Config, args: &WatchArgs) -> Result<u8, ExpectedError> {
    if args.status {
        return status(config, args);
    }
    let kept = StateFile::read_if_there(&args.state)?;
    let named = args.criteria.as_deref().map(Criteria::read).transpose()?;
    let in_force = named.clone().or_else(|| kept.map(|kept| kept.criteria)).unwrap_or_else(Criteria::bundled);
    let gap = in_force.rounds.gap;
    if !args.once && args.every > gap {
        return Err(ExpectedError::SeldomWatched { every: args.every, gap });
    }
    runtime()?.block_on(watch(config, args, named))
}

async fn watch(config: &Config, args: &WatchArgs, criteria: Option<Criteria>) -> Result<u8, ExpectedError> {
    let live = LiveSystem::connect(&config.external, args.projection.groups.as_str())?;
    let (policy, limits) = (Policy::direct_vs_projected(), LimitsTable::default());
    let flag = Flag::new(Arc::clone(&live.log), &args.flag);
    let system = System {
        log: live.log.clone(),
        direct: live.direct.graph.clone(),
        projected: live.projected.graph.clone(),
        policy: policy.clone(),
        pipeline: Default::default(),
        reverse: Default::default(),
    };
    let path = Service::new(Arc::clone(&live.log), live.consumer_groups());
    let rollback = Conducted(Conductor {
        flag: &flag,
        system: &system,
        path: &path,
        clock: &SystemClock,
        witness: &Telling,
        settings: Settings::default(),
    });
    let hook = args.webhook.clone().map(|url| Webhook::new(url, HookPatience::default()));
    let hook = hook.transpose().map_err(ExpectedError::Webhook)?;
    let watched =
        Watched { live: &live, flag: &flag, policy: &policy, limits: &limits, patience: Patience::default() };
    let opened = Opened {
        watched,
        flag: &args.flag,
        file: args.state.clone(),
        criteria,
        clock: &SystemClock,
        hook: hook.as_ref().map(|hook| hook as _),
        rollback: args.rollback.then_some(&rollback as &dyn Rollback),
    };
    let mut watch = Watch::open(opened).await?;
    let mut signals =
        Signals::listen().map_err(|source| ExpectedError::System { doing: "listen to signals", source })?;
    let after = if args.once { Some(Duration::ZERO) } else { args.time.map(|time| time.as_duration()) };
    let until = Until { after, fulfilled: args.until_fulfilled };
    let (mut last, mut elements, mut printed) = (None, 0, Ok(()));
    let ended = {
        let tell = |round: &Round| {
            if let Err(error) = tell(config, round) {
                printed = Err(error);
            }
            elements += round.compared.unwrap_or(0);
            last = Some(round.clone());
        };
        tokio::select! {
            ended = watch.run(args.every.as_duration(), until, tell) => Some(ended?),
            () = signals.received() => None,
        }
    };
    printed?;
    let Some(last) = last else { return Ok(exit_code::INCONCLUSIVE) };
    Ok(match (ended, &last.soak) {
        (_, Standing::Broken { .. }) => exit_code::DIFFERENCES,
        (Some(End::Decided), soak) => soak.exit_code(),
        (Some(End::Time), Standing::NotYet { .. }) if args.until_fulfilled => exit_code::TIMED_OUT,
        _ if last.missed.is_some() && last.is_environment => exit_code::ENVIRONMENT,
        _ if last.missed.is_some() || elements == 0 => exit_code::INCONCLUSIVE,
        _ => exit_code::PASS,
    })
}

/// Prints a round, and complains about what somebody has to be told.
fn tell(config: &Config, round: &Round) -> Result<(), ExpectedError> {
    for alert in &round.alerts {
        output::complain(&format!("{}: {alert}\n", if alert.kind.is_bad() { "alert" } else { "note" }));
    }
    if let Some(error) = &round.webhook {
        output::complain(&format!("alert: {} not told to the webhook yet: {error}\n", round.untold));
    }
    output::print(&match config.format {
        Format::Human => round_to_terminal(round),
        Format::Json => {
            let json = serde_json::to_string(round).map_err(|source| ExpectedError::Internal {
                invariant: "a round is JSON",
                source: source.into(),
            })?;
            json + "\n"
        }
    })
}

fn status(config: &Config, args: &WatchArgs) -> Result<u8, ExpectedError> {
    let kept = StateFile::read(&args.state)?;
    let now = SystemClock.now();
    let standing = kept.soak().standing(now);
    output::print(&match config.format {
        Format::Human => {
            let style = Style { is_coloured: true, columns: output::columns(), ..Style::default() };
            soak_to_terminal(&kept, &standing, style)
        }
        Format::Json => {
            let told = Told { schema_version: 1, at: now, standing: &standing, kept: &kept };
            output::json(&told, "a soak is JSON")?
        }
    })?;
    Ok(standing.exit_code())
}
