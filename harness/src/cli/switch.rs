//! `cutover switch`: says how the flag stands, throws it, and brings a throw that was cut off to an end.
//!
//! Without `--execute` nothing is changed: what would keep the flag from being thrown is looked at and told.

use std::sync::Arc;
use std::time::Instant;

use cutover_core::switch::{Mode, SwitchEvent, SwitchState};
use cutover_core::timestamp::Timestamp;
use cutover_service::pipeline::Clock;
use cutover_service::switch::{Flag, Seen};
use serde::Serialize;
use smol_str::{SmolStr, format_smolstr};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::certificate::{PublicKey, SignedCertificate, config_folder};
use crate::cli::config::{Config, parse_time};
use crate::cli::flags::{AbandonArgs, Format, SwitchArgs, SwitchCommand, ToArgs};
use crate::cli::signals::Signals;
use crate::cli::{output, runtime};
use crate::diff::Policy;
use crate::error::ExpectedError;
use crate::exit_code;
use crate::live::LiveSystem;
use crate::report::{Style, prechecks_to_terminal, step_to_terminal, switch_status_to_terminal};
use crate::result::Outcome;
use crate::switch::{
    Conductor, Order, Precheck, Presented, PresentedSoak, Proof, Report, Service, Settings, StepDone,
    SwitchError, System, Witness, prechecks,
};

/// Tells the time of the machine.
pub(super) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::new(OffsetDateTime::now_utc())
    }
}

/// Tells each step on stderr when it is done.
struct Telling;

impl Witness for Telling {
    fn done(&self, step: StepDone) {
        output::complain(&step_to_terminal(&step));
    }
}

/// What `switch to --format json` prints.
#[derive(Serialize)]
struct Told<'a> {
    schema_version: u32,
    from: Mode,
    to: Mode,
    executed: bool,
    prechecks: &'a [Precheck],
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fenced_ms: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interviews_verified: Option<u64>,
}

/// What `switch status --format json` prints.
#[derive(Serialize)]
struct Standing<'a> {
    schema_version: u32,
    mode: Mode,
    held_up: bool,
    history: &'a [SwitchEvent],
}

/// Does what was asked for.
///
/// # Errors
///
/// [`ExpectedError`] when a server was not named or does not answer, and when the flag is not thrown, each reason with its remedy.
pub fn execute(config: &Config, args: &SwitchArgs) -> Result<u8, ExpectedError> {
    runtime()?.block_on(async {
        let operator = Operator::connect(config, args)?;
        match &args.command {
            SwitchCommand::Status => operator.status().await,
            SwitchCommand::To(to) => operator.to(to).await,
            SwitchCommand::Resume => operator.resume().await,
            SwitchCommand::Abandon(abandon) => operator.abandon(abandon).await,
        }
    })
}

/// Whoever throws the flag, with what it is thrown for.
struct Operator<'a> {
    config: &'a Config,
    live: LiveSystem,
    system: System,
    flag: Flag,
    name: SmolStr,
    path: Service,
}

impl<'a> Operator<'a> {
    fn connect(config: &'a Config, args: &SwitchArgs) -> Result<Self, ExpectedError> {
        let live = LiveSystem::connect(&config.external, args.projection.groups.as_str())?;
        let system = System {
            log: live.log.clone(),
            direct: live.direct.graph.clone(),
            projected: live.projected.graph.clone(),
            policy: Policy::direct_vs_projected(),
            pipeline: Default::default(),
            reverse: Default::default(),
        };
        let flag = Flag::new(Arc::clone(&live.log), &args.flag);
        let path = Service::new(Arc::clone(&live.log), live.consumer_groups());
        Ok(Self { config, live, system, flag, name: args.flag.as_str().into(), path })
    }

    fn conductor<'b>(&'b self, settings: Settings) -> Conductor<'b> {
        Conductor {
            flag: &self.flag,
            system: &self.system,
            path: &self.path,
            clock: &SystemClock,
            witness: &Telling,
            settings,
        }
    }

    async fn look(&self) -> Result<SwitchState, SwitchError> {
        Ok(self.flag.look(Seen::default()).await?.state)
    }

    async fn status(&self) -> Result<u8, ExpectedError> {
        let history = self.flag.history().await.map_err(SwitchError::from)?;
        let state = SwitchState::of(&history);
        output::print(&match self.config.format {
            Format::Human => switch_status_to_terminal(&state, &history, style()),
            Format::Json => {
                let (mode, held_up) = (state.mode, state.is_fenced());
                let standing = Standing { schema_version: 1, mode, held_up, history: &history };
                output::json(&standing, "a flag is JSON")?
            }
        })?;
        Ok(exit_code::PASS)
    }

    async fn to(&self, args: &ToArgs) -> Result<u8, ExpectedError> {
        let fence_max = parse_time(&args.fence_max)?;
        let now = SystemClock.now();
        let state = self.look().await?;
        let presented = presented(args)?;
        let begun = Instant::now();
        let mut signals = Signals::listen()
            .map_err(|source| ExpectedError::System { doing: "listen to signals", source })?;
        let checks = tokio::select! {
            checks = prechecks(&self.live, (&self.name, &state), args.mode, &presented, &self.system.policy, now) => checks?,
            () = signals.received() => return Err(ExpectedError::Interrupted { after: begun.elapsed() }),
        };
        let outcome = Outcome::of_all(checks.iter().map(|check| check.outcome));
        let refused = match outcome {
            Outcome::Pass => exit_code::PASS,
            Outcome::Fail => exit_code::DIFFERENCES,
            Outcome::Unknown => exit_code::INCONCLUSIVE,
        };
        if !args.execute || outcome != Outcome::Pass {
            self.tell(args, &state, &checks, None)?;
            return Ok(refused);
        }
        if self.config.format == Format::Human {
            output::print(&prechecks_to_terminal(&checks, style()))?;
        }
        let digest =
            presented.certificate.as_ref().and_then(|read| read.as_ref().ok()).map(|signed| signed.digest());
        let needs_soak = args.mode.needs_certificate(state.mode);
        let order = Order {
            operation: Uuid::new_v4(),
            to: args.mode,
            actor: actor(args.actor.as_deref()),
            reason: reason(args, needs_soak),
            certificate: digest.map(|digest| SmolStr::new(digest.to_string())),
        };
        let report = self
            .conductor(Settings { fence_max, proof: presented.proof })
            .throw_until(order, signals.received())
            .await?;
        self.tell(args, &state, &checks, Some(&report))?;
        Ok(exit_code::PASS)
    }

    fn tell(
        &self,
        args: &ToArgs,
        state: &SwitchState,
        checks: &[Precheck],
        report: Option<&Report>,
    ) -> Result<(), ExpectedError> {
        output::print(&match (self.config.format, report) {
            (Format::Json, _) => {
                let told = Told {
                    schema_version: 1,
                    from: state.mode,
                    to: args.mode,
                    executed: report.is_some(),
                    prechecks: checks,
                    operation: report.map(|report| report.operation),
                    fenced_ms: report.map(|report| report.fenced.as_millis()),
                    interviews_verified: report.map(|report| report.interviews),
                };
                output::json(&told, "a switch is JSON")?
            }
            (Format::Human, Some(report)) => format!(
                "the mode is `{}`; writers were held up for {} ms\n",
                report.to,
                report.fenced.as_millis()
            ),
            (Format::Human, None) => {
                let all_pass = checks.iter().all(|check| check.outcome == Outcome::Pass);
                let end = match (args.execute, all_pass) {
                    (_, false) => "the flag was not touched\n",
                    (_, true) => {
                        "nothing is in the way; the flag was not touched: add --execute to throw it\n"
                    }
                };
                prechecks_to_terminal(checks, style()) + end
            }
        })
    }

    async fn resume(&self) -> Result<u8, ExpectedError> {
        let mode = self.conductor(Settings::default()).resume().await.map_err(SwitchError::from)?;
        output::print(&format!("the mode is `{mode}`; nobody is held up\n"))?;
        Ok(exit_code::PASS)
    }

    async fn abandon(&self, args: &AbandonArgs) -> Result<u8, ExpectedError> {
        let state = self.look().await?;
        let Some(under_way) = state.under_way else {
            output::print(&format!("the mode is `{}`; there is nothing to give up\n", state.mode))?;
            return Ok(exit_code::PASS);
        };
        let operation = under_way.started.operation;
        self.conductor(Settings::default())
            .give_up(operation, &args.reason)
            .await
            .map_err(SwitchError::from)?;
        output::print(&format!("the mode is `{}`; nobody is held up\n", state.mode))?;
        Ok(exit_code::PASS)
    }
}

fn style() -> Style {
    Style { is_coloured: true, columns: output::columns(), ..Style::default() }
}

/// Reads what was handed in. A key of one's own that is not there yet has signed nothing.
fn presented(args: &ToArgs) -> Result<Presented, ExpectedError> {
    let trusted = if args.trust.trusted_keys.is_empty() {
        let own = config_folder(|name| std::env::var_os(name)).and_then(|folder| PublicKey::own(&folder));
        own.into_iter().collect()
    } else {
        args.trust.trusted_keys.iter().map(|file| PublicKey::read(file)).collect::<Result<_, _>>()?
    };
    let certificate = args.certificate.as_deref().map(SignedCertificate::read);
    let soak = match (&args.soak, &args.without_soak) {
        (Some(file), _) => PresentedSoak::read(file),
        (None, Some(why)) => PresentedSoak::LeftOut(why.as_str().into()),
        (None, None) => PresentedSoak::Missing,
    };
    let proof = if args.by_events { Proof::Events } else { Proof::Graphs };
    Ok(Presented { certificate, trusted, soak, proof })
}

/// Returns why it is thrown, and why without a soak, where one would have been needed.
fn reason(args: &ToArgs, needs_soak: bool) -> SmolStr {
    match &args.without_soak {
        Some(why) if needs_soak => format_smolstr!("{}; without a soak: {why}", args.reason),
        _ => args.reason.as_str().into(),
    }
}

/// Returns who is at work: as was said, or as the machine knows them.
fn actor(said: Option<&str>) -> SmolStr {
    let known = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
    said.map(str::to_owned).or_else(known).unwrap_or_default().into()
}
