//! Kills the projection process at random moments, again and again, and proves that nothing comes of it. The main type is
//! [`CrashTest`].
//!
//! The event store and the graphs outlive the process, as they do in production; the pipeline goes on writing on both paths, so that
//! events flow at every moment. After each kill the dead process is held to its promise that nothing is acknowledged before it is
//! committed; in the end a last process catches up, and what came out is compared with the direct graph, with the model, and with a
//! graph that was projected without an interruption.
//!
//! | file | answers for |
//! |---|---|
//! | `child` | the process: started, killed, ended, never left behind |
//! | `moment` | when it is killed |
//! | `ledger` | how far the event store and the graph are |
//! | `feeder` | what is written meanwhile |
//! | `figures` | what was done, and what it hit |

mod child;
mod feeder;
mod figures;
mod ledger;
mod moment;

use std::future::Future;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cutover_engines::event_log::EventLog;
use cutover_engines::graph::{Graph, MemoryGraph, Schema};
use cutover_service::pipeline::PipelineError;
use cutover_service::pipeline::analyse::Analyser;
use cutover_service::projection::{self, Groups, ProjectionService};
use tokio::sync::{Mutex, watch};

pub use child::ChildError;
pub use figures::Crashes;

use crate::diff::{self, GraphSource, Policy, Source};
use crate::error::chain;
use crate::provision::{Engines, Provision, ProvisionError};
use crate::result::{Cause, CheckResult, Outcome, ScenarioResult, StepDuration};
use crate::scenario::event::{Observer, RunEvent};
use crate::scenario::run::{Cut, Findings, PATIENCE};
use crate::scenario::steps::{DIRECT, MODEL, StepError};
use crate::seed::Seed;
use crate::transcripts::Transcript;

use child::{Projection, Reach};
use feeder::Feeder;
use figures::Count;
use ledger::{Glance, Ledger};
use moment::Moment;

/// The name that the result has for it.
pub const NAME: &str = "crash-test";
/// The name of the graph that the killed process writes.
pub const PROJECTED: &str = "projected";
/// The name of the graph that is projected without an interruption.
pub const UNINTERRUPTED: &str = "uninterrupted";

/// How often the event store is asked how far the groups are, while a moment is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// How long nothing may be acknowledged while something waits to be. More than an event is held back at most.
const STALLED_AFTER: Duration = Duration::from_secs(120);

/// How the test is done.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How often the process is killed.
    pub cycles: u32,
    /// The program that is started as a projection: `cutover` itself.
    pub program: PathBuf,
    /// How many events one transaction of the projection holds at most. Few, so that a kill finds many of them under way.
    pub batch: u32,
    /// How many lanes the projection has; `None` for as many as in production.
    pub lanes: Option<usize>,
    /// The file that the processes write to what they have to say.
    pub log: PathBuf,
}

/// Why the test did not come to its end.
#[derive(Debug, thiserror::Error)]
enum CrashError {
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    #[error("these engines do not outlive the projection process")]
    NotReached,
    #[error(transparent)]
    Step(#[from] StepError),
    #[error("the projection process failed")]
    Child(#[from] ChildError),
    #[error(
        "the projection stands still: nothing was acknowledged in {} s, and {waiting} events wait",
        STALLED_AFTER.as_secs()
    )]
    Stalled { waiting: u64 },
}

impl CrashError {
    /// Returns whether it is the code under test that is at fault, and if not, why what was not checked is unknown.
    fn cause(&self) -> Option<Cause> {
        match self {
            Self::Provision(_) | Self::NotReached => Some(Cause::EnvironmentNotReady),
            Self::Step(error) if !error.is_failure() => Some(error.cause()),
            Self::Child(error) => error.cause(),
            Self::Step(_) | Self::Stalled { .. } => None,
        }
    }
}

/// Kills a projection process again and again.
pub struct CrashTest<'a> {
    /// What starts the engines.
    pub provision: &'a dyn Provision,
    /// What is fed in, in pieces.
    pub transcripts: &'a [Transcript],
    /// What decides every random choice.
    pub seed: Seed,
    /// Who listens.
    pub observer: &'a dyn Observer,
    /// What analyses sentences.
    pub analyser: &'a dyn Analyser,
    /// How the test is done.
    pub settings: Settings,
}

impl CrashTest<'_> {
    /// Runs the test to its end, or until `cut` completes. What was found by then is in the result.
    pub async fn run(&self, cut: impl Future<Output = Cut>) -> ScenarioResult {
        let started = Instant::now();
        let transcripts = self.transcripts.len();
        self.observer.notice(&RunEvent::RunStarted { seed: self.seed, scenarios: 1, transcripts });
        self.observer.notice(&RunEvent::ScenarioStarted { scenario: NAME, steps: 3 });
        let mut found = Found::default();
        let ended = self.on_engines(&mut found, pin!(cut)).await;
        let Found { findings, count, during } = found;
        let Findings { checks, projections, faults: _, events_appended, sentences, steps } = findings;
        let mut result = match ended {
            Ok(Ok(())) => ScenarioResult::concluded(NAME, checks),
            Ok(Err(error)) => {
                let reason = format!("{during}: {}", chain(&error));
                let cause = error.cause();
                let mut stopped =
                    ScenarioResult::stopped(NAME, cause.unwrap_or(Cause::EngineFailed), reason, checks);
                if cause.is_none() {
                    (stopped.outcome, stopped.cause) = (Outcome::Fail, None);
                }
                stopped
            }
            Err(cut) => ScenarioResult::stopped(NAME, cut.cause(), cut.reason(during), checks),
        };
        result = ScenarioResult { projections, events_appended, sentences, steps, ..result };
        result.crashes = Some(count.crashes);
        result.duration_ms = milliseconds(started.elapsed());
        let (verdict, reason) = (result.outcome.as_str(), result.reason.as_deref());
        let took = started.elapsed();
        self.observer.notice(&RunEvent::ScenarioFinished { scenario: NAME, verdict, reason, took });
        result
    }

    async fn on_engines(
        &self,
        found: &mut Found,
        mut cut: Pin<&mut impl Future<Output = Cut>>,
    ) -> Result<Result<(), CrashError>, Cut> {
        found.during = "starting the engines";
        let engines = tokio::select! {
            started = self.provision.start() => match started {
                Ok(engines) => engines,
                Err(error) => return Ok(Err(error.into())),
            },
            cut = cut.as_mut() => return Err(cut),
        };
        let ended = tokio::select! {
            ended = self.steps(&*engines, found) => Ok(ended),
            cut = cut => Err(cut),
        };
        // Whatever process there was is dead by now: it was killed when the steps were dropped.
        engines.stop().await;
        ended
    }

    async fn steps(&self, engines: &dyn Engines, found: &mut Found) -> Result<(), CrashError> {
        let direct = engines.graph(DIRECT, Schema::Direct).await?;
        let projected = engines.graph(PROJECTED, Schema::Projected).await?;
        let (Some(store_url), Some(graph_url)) = (engines.store_url(), engines.graph_url(PROJECTED).await)
        else {
            return Err(CrashError::NotReached);
        };
        let reach = Reach { store_url, graph_url };
        let log = engines.log();
        let mut ledger = Ledger::new(log.clone(), projected.clone(), Groups::in_production());
        let mut feeder = Feeder::new(self.seed, self.transcripts, self.analyser, direct.clone(), log.clone());

        let step = Step::begin(self, found, 1, "kill the projection process");
        let killed = {
            let turn = Mutex::new(());
            let (tell, told) = watch::channel(0);
            let feed = async { feeder.feed(told, &turn).await.map_err(CrashError::from) };
            tokio::try_join!(feed, self.kill_again_and_again(&reach, &mut ledger, found, tell, &turn))
        };
        found.findings.events_appended = feeder.appended();
        found.findings.sentences = feeder.sentences();
        killed?;
        step.end(self, found);

        let step = Step::begin(self, found, 2, "catch up");
        self.catch_up(&reach, &mut ledger, found).await?;
        step.end(self, found);

        let step = Step::begin(self, found, 3, "compare");
        self.compare(&feeder, &mut ledger, [&*direct, &*projected], log, found).await?;
        step.end(self, found);
        Ok(())
    }

    /// Starts the process and kills it, as often as was asked for. Ends by dropping `tell`, so that no more is written.
    async fn kill_again_and_again(
        &self,
        reach: &Reach,
        ledger: &mut Ledger,
        found: &mut Found,
        tell: watch::Sender<u64>,
        turn: &Mutex<()>,
    ) -> Result<(), CrashError> {
        let mut moments = self.seed.stream("kills");
        let total = u64::from(self.settings.cycles);
        for done in 1..=total {
            let moment = Moment::draw(&mut moments);
            let mut process = Projection::start(&self.settings, reach)?;
            let before = self.wait_for(moment, &mut process, ledger, found, &tell).await?;
            process.kill().await?;
            // Whoever writes finishes what they are at; then nothing moves while it is looked at.
            let _turn = turn.lock().await;
            let standing = ledger.measure().await?;
            tell.send_replace(standing.acknowledged);
            found.count.count(moment, before, standing);
            self.observer.notice(&RunEvent::StepProgressed { unit: "kills", done, total });
        }
        Ok(())
    }

    /// Waits until the moment has come, and returns how the groups stood just then.
    async fn wait_for(
        &self,
        moment: Moment,
        process: &mut Projection,
        ledger: &mut Ledger,
        found: &mut Found,
        tell: &watch::Sender<u64>,
    ) -> Result<Glance, CrashError> {
        let started = Instant::now();
        let at_start = ledger.glance().await?;
        let mut stall = Stall::new(at_start.acknowledged);
        let mut delivered_at = None;
        loop {
            let glance = ledger.glance().await?;
            tell.send_if_modified(|told| std::mem::replace(told, glance.acknowledged) != glance.acknowledged);
            if glance.in_flight > 0 {
                delivered_at.get_or_insert_with(Instant::now);
            } else if delivered_at.is_none()
                && let Some(standing) = ledger.look_again(glance).await?
            {
                found.count.count_late(standing);
            }
            let has_come = match moment {
                Moment::AfterStart { ms } => started.elapsed() >= Duration::from_millis(ms),
                Moment::AfterDelivery { ms } => {
                    delivered_at.is_some_and(|since| since.elapsed() >= Duration::from_millis(ms))
                }
                Moment::Acknowledged { events } => glance.acknowledged >= at_start.acknowledged + events,
            };
            if has_come {
                return Ok(glance);
            }
            process.check_alive()?;
            stall.check(glance.acknowledged, || ledger.waiting(glance))?;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Lets a last process apply all that is left, and ends it as an operator would.
    async fn catch_up(
        &self,
        reach: &Reach,
        ledger: &mut Ledger,
        found: &mut Found,
    ) -> Result<(), CrashError> {
        let mut process = Projection::start(&self.settings, reach)?;
        let mut stall = Stall::new(ledger.glance().await?.acknowledged);
        while !ledger.is_caught_up().await? {
            process.check_alive()?;
            let glance = ledger.glance().await?;
            stall.check(glance.acknowledged, || ledger.waiting(glance))?;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let done = process.end().await?;
        found.count.crashes.dangling_links = done.dangling_links;
        found.findings.projections.insert("projected, by the last process".into(), done.metrics);
        Ok(())
    }

    async fn compare(
        &self,
        feeder: &Feeder<'_>,
        ledger: &mut Ledger,
        [direct, projected]: [&dyn Graph; 2],
        log: Arc<dyn EventLog>,
        found: &mut Found,
    ) -> Result<(), CrashError> {
        ledger.distrust();
        let standing = ledger.measure().await?;
        found.count.count_undone(standing.undone);
        let outbox = feeder.pipeline.outbox_len().await.map_err(StepError::from)? as u64;
        let rejected = feeder.pipeline.drained_in_all().await.rejected.len() as u64;
        let checks = &mut found.findings.checks;
        checks.push(found.count.crashes.check_promise());
        checks.push(found.count.crashes.check_hits());
        let figures = [
            ("kills", u64::from(self.settings.cycles), found.count.crashes.kills),
            ("events that were applied", standing.appended, standing.applied),
            ("events that were acknowledged", standing.appended, standing.acknowledged),
            ("parked events", 0, standing.parked),
            ("dangling links", 0, found.count.crashes.dangling_links),
            ("outbox entries", 0, outbox),
            ("refused commands", 0, rejected),
        ];
        let figures = figures.map(|(name, expected, actual)| (name.into(), signed(expected), signed(actual)));
        checks.push(CheckResult::of_figures("expectations", figures));

        let uninterrupted = Arc::new(MemoryGraph::new(Schema::Projected));
        let settings = projection::Settings {
            groups: Groups::named(UNINTERRUPTED),
            patience: Some(PATIENCE),
            ..projection::Settings::default()
        };
        let service = ProjectionService::new(log, uninterrupted.clone(), settings);
        service.catch_up().await.map_err(StepError::from)?;

        let expected = feeder.model.expected();
        let direct = GraphSource::new(direct, Schema::Direct);
        let projected = GraphSource::new(projected, Schema::Projected);
        let uninterrupted = GraphSource::new(&*uninterrupted, Schema::Projected);
        let pairs: [(&str, &dyn Source, &str, &dyn Source, Policy); 4] = [
            (DIRECT, &direct, PROJECTED, &projected, Policy::direct_vs_projected()),
            (MODEL, &expected, DIRECT, &direct, Policy::model_vs_direct()),
            (MODEL, &expected, PROJECTED, &projected, Policy::model_vs_projected()),
            (UNINTERRUPTED, &uninterrupted, PROJECTED, &projected, Policy::same_schema()),
        ];
        for (left, left_graph, right, right_graph, policy) in pairs {
            let sides = diff::Orientation::new(left, right);
            let (id, limits) = (format!("{left}-vs-{right}"), diff::Limits::default());
            checks.push(diff::diff(id, sides, left_graph, right_graph, &policy, limits).await);
        }
        Ok(())
    }
}

/// What was found so far: all of it is kept, however the test ends.
#[derive(Debug, Default)]
struct Found {
    findings: Findings,
    count: Count,
    during: &'static str,
}

/// A step that is under way.
struct Step {
    number: usize,
    what: &'static str,
    started: Instant,
}

impl Step {
    fn begin(test: &CrashTest<'_>, found: &mut Found, number: usize, what: &'static str) -> Self {
        found.during = what;
        test.observer.notice(&RunEvent::StepStarted { step: number, what });
        Self { number, what, started: Instant::now() }
    }

    fn end(self, test: &CrashTest<'_>, found: &mut Found) {
        let took = self.started.elapsed();
        let duration_ms = milliseconds(took);
        found.findings.steps.push(StepDuration {
            step: self.what.to_owned(),
            duration_ms,
            ..StepDuration::default()
        });
        test.observer.notice(&RunEvent::StepFinished { step: self.number, took });
    }
}

/// Notices that nothing is acknowledged any more.
struct Stall {
    acknowledged: u64,
    since: Instant,
}

impl Stall {
    fn new(acknowledged: u64) -> Self {
        Self { acknowledged, since: Instant::now() }
    }

    fn check(&mut self, acknowledged: u64, waiting: impl FnOnce() -> u64) -> Result<(), CrashError> {
        if acknowledged != self.acknowledged {
            *self = Self::new(acknowledged);
        } else if self.since.elapsed() > STALLED_AFTER {
            return Err(CrashError::Stalled { waiting: waiting() });
        }
        Ok(())
    }
}

impl From<PipelineError> for CrashError {
    fn from(error: PipelineError) -> Self {
        Self::Step(error.into())
    }
}

fn signed(number: u64) -> cutover_core::graph::Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
