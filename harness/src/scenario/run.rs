//! Runs scenarios: starts engines for each, takes its steps in order, and comes to a [`ScenarioResult`]. The main type
//! is [`Runner`]. What each step does is told in [`steps`](super::steps), what the result means in [`gate`](crate::gate).
//!
//! Whatever happens to a scenario, its engines are stopped, and what it had checked by then is kept.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cutover_service::pipeline::analyse::{Analyser, Lexical};
use cutover_service::projection;

use crate::error::chain;
use crate::fault::Injector;
use crate::provision::Provision;
use crate::provision::hooks::Hooks;
use crate::result::{Cause, CheckResult, FaultCount, Outcome, ScenarioResult, StepDuration};
use crate::scenario::event::{Observer, RunEvent};
use crate::scenario::load::{LoadError, Named};
use crate::scenario::steps::{StepError, World};
use crate::seed::Seed;
use crate::transcripts::{self, Transcript};

/// How long an engine may be out of reach before a scenario gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Why a run was cut off from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Its time was over.
    TimedOut {
        /// How much it had.
        limit: Duration,
    },
    /// Somebody stopped it.
    Interrupted,
}

impl Cut {
    /// Returns why what was not checked is unknown.
    pub(crate) const fn cause(self) -> Cause {
        match self {
            Self::TimedOut { .. } => Cause::TimedOut,
            Self::Interrupted => Cause::Interrupted,
        }
    }

    /// Returns the same for people, with what was going on.
    pub(crate) fn reason(self, during: &str) -> String {
        match self {
            Self::TimedOut { limit } => {
                format!("the run's {} s were over during `{during}`", limit.as_secs())
            }
            Self::Interrupted => format!("stopped during `{during}`"),
        }
    }
}

/// What was found while a scenario ran: all of it is kept, however the scenario ends.
#[derive(Debug, Default)]
pub struct Findings {
    /// What was compared.
    pub checks: Vec<CheckResult>,
    /// What the projector counted, by graph.
    pub projections: std::collections::BTreeMap<smol_str::SmolStr, crate::result::ProjectorMetrics>,
    /// How often each fault struck.
    pub faults: Vec<FaultCount>,
    /// How many events were appended.
    pub events_appended: u64,
    /// How many sentences the transcripts came to.
    pub sentences: u64,
    /// How long each step took.
    pub steps: Vec<StepDuration>,
}

impl Findings {
    /// Keeps a check. One whose id another one has gets a number: the same two graphs may be compared several times.
    pub fn push(&mut self, mut check: CheckResult) {
        let is_taken = |id: &str| self.checks.iter().any(|check| check.id == id);
        let bare = check.id.clone();
        let mut number = 2;
        while is_taken(&check.id) {
            check.id = smol_str::format_smolstr!("{bare}-{number}");
            number += 1;
        }
        self.checks.push(check);
    }
}

/// Runs scenarios.
pub struct Runner<'a> {
    /// What starts the engines.
    pub provision: &'a dyn Provision,
    /// What is fed in.
    pub transcripts: &'a [Transcript],
    /// What decides every random choice.
    pub seed: Seed,
    /// Who listens.
    pub observer: &'a dyn Observer,
    /// What analyses sentences; the bundled one unless replaced.
    pub analyser: &'a dyn Analyser,
    /// How the projection service works; its groups follow from the names of the graphs.
    pub projection: projection::Settings,
    /// What disturbs the calls of a scenario, besides the faults that it asks for itself: nothing unless replaced.
    pub injector: &'a (dyn Fn(Seed) -> Arc<Injector> + Send + Sync),
    /// Makes a defect of the program under test, which sees what faults have made of the world; there is none unless it is set.
    pub defect: Option<&'a (dyn Fn() -> Hooks + Send + Sync)>,
}

/// Checks that every scenario has the transcripts that it asks for. One of the bundled ones is always there;
/// a scenario that makes its own up asks for none. To be called before anything is started.
///
/// # Errors
///
/// [`LoadError::UnknownTranscript`] for the first that is missing.
pub fn check(scenarios: &[Named], transcripts: &[Transcript]) -> Result<(), LoadError> {
    for named in scenarios {
        for wanted in &named.scenario.transcripts {
            if transcripts::named(wanted, transcripts).is_none() {
                let known = transcripts.iter().map(|transcript| transcript.name.as_str());
                return Err(LoadError::UnknownTranscript {
                    scenario: named.name.clone(),
                    transcript: wanted.clone(),
                    nearest: super::document::nearest(wanted, known).map(Into::into),
                });
            }
        }
    }
    Ok(())
}

impl<'a> Runner<'a> {
    /// Makes a runner whose projection service works as it does in production, except that it gives up on an engine after
    /// [`PATIENCE`].
    pub fn new(
        provision: &'a dyn Provision,
        transcripts: &'a [Transcript],
        seed: Seed,
        observer: &'a dyn Observer,
    ) -> Self {
        let projection = projection::Settings { patience: Some(PATIENCE), ..projection::Settings::default() };
        let injector = &|seed| Arc::new(Injector::new(seed));
        Self {
            provision,
            transcripts,
            seed,
            observer,
            analyser: &Lexical,
            projection,
            injector,
            defect: None,
        }
    }

    /// Runs scenarios one after the other, until `cut` completes. Those that were not reached by then are in the result as
    /// not run.
    pub async fn run(&self, scenarios: &[Named], cut: impl Future<Output = Cut>) -> Vec<ScenarioResult> {
        self.observer.notice(&RunEvent::RunStarted {
            seed: self.seed,
            scenarios: scenarios.len(),
            transcripts: self.transcripts.len(),
        });
        let mut cut = pin!(cut);
        let mut was_cut = None;
        let mut results = Vec::new();
        for named in scenarios {
            if let Some(cut) = was_cut {
                let reason = Cut::reason(cut, "the scenario before it");
                results.push(ScenarioResult::stopped(
                    named.name.clone(),
                    Cut::cause(cut),
                    reason,
                    Vec::new(),
                ));
                continue;
            }
            let started = Instant::now();
            let steps = named.scenario.steps.len();
            self.observer.notice(&RunEvent::ScenarioStarted { scenario: &named.name, steps });
            let (mut result, cut) = self.one(named, cut.as_mut()).await;
            was_cut = cut;
            result.duration_ms = milliseconds(started.elapsed());
            self.observer.notice(&RunEvent::ScenarioFinished {
                scenario: &named.name,
                verdict: result.outcome.as_str(),
                reason: result.reason.as_deref(),
                took: started.elapsed(),
            });
            results.push(result);
        }
        results
    }

    async fn one(
        &self,
        named: &Named,
        mut cut: Pin<&mut impl Future<Output = Cut>>,
    ) -> (ScenarioResult, Option<Cut>) {
        let name = &named.name;
        let engines = tokio::select! {
            started = self.provision.start() => match started {
                Ok(engines) => engines,
                Err(error) => {
                    let reason = chain(&error);
                    let stopped = ScenarioResult::stopped(name.clone(), Cause::EnvironmentNotReady, reason, vec![]);
                    return (stopped, None);
                }
            },
            cut = cut.as_mut() => {
                let reason = cut.reason("starting the engines");
                return (ScenarioResult::stopped(name.clone(), cut.cause(), reason, vec![]), Some(cut));
            }
        };
        let injector = (self.injector)(self.seed);
        let mut findings = Findings::default();
        let mut during = String::new();
        let ended = tokio::select! {
            ended = self.steps(named, &*engines, injector.clone(), &mut findings, &mut during) => Ok(ended),
            cut = cut => Err(cut),
        };
        engines.stop().await;
        if findings.faults.is_empty() {
            // It was stopped before they were looked at; what had struck by then may be why.
            findings.faults = injector.struck_by_fault();
        }
        let checks = std::mem::take(&mut findings.checks);
        let (result, cut) = match ended {
            Ok(Ok(())) => (ScenarioResult::concluded(name.clone(), checks), None),
            Ok(Err(error)) => {
                let reason = format!("{during}: {}", chain(&error));
                let mut stopped = ScenarioResult::stopped(name.clone(), error.cause(), reason, checks);
                if error.is_failure() {
                    stopped.outcome = Outcome::Fail;
                }
                (stopped, None)
            }
            Err(cut) => {
                let reason = cut.reason(&during);
                (ScenarioResult::stopped(name.clone(), cut.cause(), reason, checks), Some(cut))
            }
        };
        let Findings { checks: _, projections, faults, events_appended, sentences, steps } = findings;
        (ScenarioResult { projections, faults, events_appended, sentences, steps, ..result }, cut)
    }

    async fn steps(
        &self,
        named: &Named,
        engines: &dyn crate::provision::Engines,
        injector: Arc<Injector>,
        findings: &mut Findings,
        during: &mut String,
    ) -> Result<(), StepError> {
        "starting".clone_into(during);
        let mut world = World::new(self, &named.scenario, engines, injector.clone()).await?;
        for (at, step) in named.scenario.steps.iter().enumerate() {
            let started = Instant::now();
            let number = at + 1;
            *during = step.to_string();
            self.observer.notice(&RunEvent::StepStarted { step: number, what: during });
            let began_ms = injector.elapsed_ms();
            let taken = world.take(number, step, findings).await;
            let took = started.elapsed();
            findings.steps.push(StepDuration {
                step: during.clone(),
                duration_ms: milliseconds(took),
                began_ms,
                events_appended: world.events_appended(),
            });
            world.note_commits(findings);
            taken?;
            self.observer.notice(&RunEvent::StepFinished { step: number, took });
        }
        "checking what is expected at the end".clone_into(during);
        let expected = named.scenario.expect.clone().into();
        world.check_expectations("expectations".into(), &expected, findings).await?;
        world.check_faults(findings);
        Ok(())
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
