//! Runs defects: each scenario once without any, then each defect in its own scenario, or in every one. The main type is [`Drill`].
//!
//! A run has a thread and a runtime of its own, whose time goes on when there is nothing else to do: a wait of a minute costs
//! nothing, and how busy the machine is makes no difference. Runs are independent, and are reported in the order of the catalogue.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use smol_str::SmolStr;

use super::Defect;
use super::canary;
use super::result::{Baseline, CanaryResult, Caught, DefectResult, DrillResult};
use super::tools::lock;
use crate::provision::InProcess;
use crate::provision::hooks::Hooks;
use crate::result::{Cause, ScenarioResult};
use crate::scenario::event::Silent;
use crate::scenario::load::Named;
use crate::scenario::run::{Cut, Runner};
use crate::seed::Seed;
use crate::transcripts::{self, Transcript};

/// How many utterances of each bundled transcript are used: what a defect does shows in a few, and there are many defects.
pub const UTTERANCES: usize = 12;

/// How much time a run may take by its own clock, which no wait of the program comes near.
const LIMIT: Duration = Duration::from_secs(3_600);

/// Returns the beginnings of the bundled transcripts.
pub fn transcripts() -> Vec<Transcript> {
    let beginning = |transcript: Transcript| Transcript {
        text: transcript.text.lines().take(UTTERANCES).map(|line| format!("{line}\n")).collect(),
        ..transcript
    };
    transcripts::bundled().into_iter().map(beginning).collect()
}

/// A run that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// How many runs have ended, this one among them.
    pub done: usize,
    /// How many there are.
    pub total: usize,
    /// The scenario.
    pub scenario: &'a str,
    /// The defect; `None` where there was none.
    pub defect: Option<&'a str>,
}

/// Runs defects.
pub struct Drill<'a> {
    /// The scenarios.
    pub scenarios: &'a [Named],
    /// What is fed in.
    pub transcripts: &'a [Transcript],
    /// What decides every random choice.
    pub seed: Seed,
    /// Whether every defect runs in every scenario, and not in its own alone.
    pub is_matrix: bool,
    /// When to begin no further run; what was not run is unknown.
    pub until: Option<Instant>,
    /// Who is told of runs that have ended.
    pub observer: &'a (dyn Fn(Ended<'_>) + Sync),
}

/// A run to be done.
struct Job<'a> {
    scenario: &'a Named,
    defect: Option<&'a Defect>,
}

impl<'a> Drill<'a> {
    /// Runs these defects, and the canaries, and concludes. `command` is the command that repeats it.
    pub fn run(&self, defects: &[Defect], command: String) -> DrillResult {
        let canaries: Vec<Defect> = canary::ALL.iter().map(|canary| canary.defect).collect();
        let is_needed = |named: &&Named| {
            let mut all = defects.iter().chain(&canaries);
            self.is_matrix || all.any(|defect| defect.scenario == named.name)
        };
        let scenarios: Vec<&Named> = self.scenarios.iter().filter(is_needed).collect();
        let own = |defect: &'_ Defect| scenarios.iter().copied().find(|named| named.name == defect.scenario);
        let mut jobs: Vec<Job<'_>> =
            scenarios.iter().map(|&scenario| Job { scenario, defect: None }).collect();
        for defect in defects.iter().chain(&canaries) {
            jobs.extend(own(defect).map(|scenario| Job { scenario, defect: Some(defect) }));
        }
        if self.is_matrix {
            for defect in defects {
                let others = scenarios.iter().filter(|named| named.name != defect.scenario);
                jobs.extend(others.map(|&scenario| Job { scenario, defect: Some(defect) }));
            }
        }
        let results = self.run_all(&jobs);
        let mut ran: BTreeMap<(Option<&str>, &str), &ScenarioResult> = BTreeMap::new();
        for (job, result) in jobs.iter().zip(&results) {
            ran.insert((job.defect.map(|defect| defect.id), &job.scenario.name), result);
        }
        let baselines: Vec<Baseline> = scenarios
            .iter()
            .filter_map(|named| ran.get(&(None, named.name.as_str())).map(|result| Baseline::of(result)))
            .collect();
        let without = |scenario: &str| baselines.iter().find(|baseline| baseline.scenario == scenario);
        let judge = |defect: &Defect| {
            let with = ran.get(&(Some(defect.id), defect.scenario))?;
            Some(DefectResult::of(defect, without(defect.scenario)?, with))
        };
        let judged = |defect: &Defect| {
            let mut judged = judge(defect).unwrap_or_else(|| unscheduled(defect));
            if self.is_matrix {
                judged.scenarios = baselines
                    .iter()
                    .filter_map(|baseline| {
                        let with = ran.get(&(Some(defect.id), baseline.scenario.as_str()))?;
                        Some((baseline.scenario.clone(), Caught::of(defect, baseline.outcome, with)))
                    })
                    .collect();
            }
            judged
        };
        let canaries = canary::ALL.iter().map(|canary| CanaryResult {
            id: canary.defect.id,
            what: canary.defect.what,
            expected: canary.expected,
            caught: judge(&canary.defect).map_or(Caught::Unknown, |judged| judged.caught),
        });
        let (defects, canaries) = (defects.iter().map(judged).collect(), canaries.collect());
        DrillResult::concluded(self.seed.number(), command, baselines, defects, canaries)
    }

    /// Runs jobs on as many threads as there are processors, and answers in the order of the jobs.
    fn run_all(&self, jobs: &[Job<'_>]) -> Vec<ScenarioResult> {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let results: Vec<Mutex<Option<ScenarioResult>>> = jobs.iter().map(|_| Mutex::default()).collect();
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(Job { scenario, defect }) = jobs.get(at) else { return };
                let hooks = defect.map_or(Hooks::default as fn() -> Hooks, |defect| defect.hooks);
                let result = match self.until {
                    Some(until) if Instant::now() >= until => not_run(&scenario.name),
                    _ => self.run_one(scenario, hooks),
                };
                *lock(&results[at]) = Some(result);
                (self.observer)(Ended {
                    done: done.fetch_add(1, Ordering::Relaxed) + 1,
                    total: jobs.len(),
                    scenario: &scenario.name,
                    defect: defect.map(|defect| defect.id),
                });
            }
        };
        let workers = thread::available_parallelism().map_or(1, NonZero::get).min(jobs.len());
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(work);
            }
        });
        let taken = results.into_iter().map(|result| lock(&result).take());
        taken.map(|result| result.expect("every job was taken by a worker, and all have ended")).collect()
    }

    /// Runs a scenario over engines with hooks.
    pub fn run_one(&self, scenario: &Named, hooks: fn() -> Hooks) -> ScenarioResult {
        let mut runner = Runner::new(&InProcess, self.transcripts, self.seed, &Silent);
        runner.defect = Some(&hooks);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                let reason = format!("no runtime: {error}");
                return ScenarioResult::stopped(
                    scenario.name.clone(),
                    Cause::EnvironmentNotReady,
                    reason,
                    vec![],
                );
            }
        };
        let cut = async {
            tokio::time::sleep(LIMIT).await;
            Cut::TimedOut { limit: LIMIT }
        };
        let mut results = runtime.block_on(runner.run(std::slice::from_ref(scenario), cut));
        results.pop().unwrap_or_else(|| not_run(&scenario.name))
    }
}

fn not_run(scenario: &SmolStr) -> ScenarioResult {
    ScenarioResult::stopped(scenario.clone(), Cause::NotRun, "there was no time left for it", Vec::new())
}

/// Records a defect whose scenario there is not.
fn unscheduled(defect: &Defect) -> DefectResult {
    let missing = ScenarioResult::stopped(
        SmolStr::new_static(defect.scenario),
        Cause::NotRun,
        format!("there is no scenario `{}`", defect.scenario),
        Vec::new(),
    );
    DefectResult::of(defect, &Baseline::of(&missing), &missing)
}
