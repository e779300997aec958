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
use super::simulated::{self, Simulated};
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

/// With how many seeds a defect is tried at most.
pub const SEEDS_MAX: u64 = 3;

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
    /// The scenario; `simulation` for the schedules of one.
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
    /// In how many schedules of the simulation each defect is looked for; 0 for none.
    pub schedules: u64,
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

/// What runs with one seed came to, by defect (none without one) and scenario.
type Ran<'a> = BTreeMap<(Option<&'a str>, &'a str), ScenarioResult>;

impl Drill<'_> {
    /// Runs these defects, and the canaries, and concludes. `command` is the command that repeats it.
    ///
    /// What people do in a scenario is drawn by the seed, and now and then it is not what a defect needs, or a fault finds nothing to
    /// strike: what was not caught by its name is tried again with the next seed, at most [`SEEDS_MAX`] in all.
    pub fn run(&self, defects: &[Defect], command: String) -> DrillResult {
        let canaries: Vec<Defect> = canary::ALL.iter().map(|canary| canary.defect).collect();
        let mut baselines = Vec::new();
        let mut judged: BTreeMap<&str, DefectResult> = BTreeMap::new();
        for attempt in 0..SEEDS_MAX {
            let is_open = |defect: &&Defect| match judged.get(defect.id) {
                None => true,
                Some(before) => before.caught != Caught::ByName,
            };
            // A canary that says what it must is not asked again: it would never be caught.
            let is_mute = |canary: &&Defect| {
                judged.get(canary.id).is_none_or(|before| before.caught == Caught::Unknown)
            };
            let open: Vec<&Defect> =
                defects.iter().filter(is_open).chain(canaries.iter().filter(is_mute)).collect();
            if open.is_empty() {
                break;
            }
            let seed = Seed::new(self.seed.number().wrapping_add(attempt));
            let is_matrix = self.is_matrix && attempt == 0;
            let ran = self.run_with(seed, &open, is_matrix);
            let without: Vec<Baseline> = ran
                .iter()
                .filter(|((defect, _), _)| defect.is_none())
                .map(|(_, result)| Baseline::of(seed.number(), result))
                .collect();
            for defect in open {
                let mut now = judge(defect, attempt + 1, &without, &ran);
                if let Some(before) = judged.remove(defect.id) {
                    now = before.or(now);
                }
                judged.insert(defect.id, now);
            }
            baselines.extend(without);
        }
        let canaries = canary::ALL.iter().map(|canary| CanaryResult {
            id: canary.defect.id,
            what: canary.defect.what,
            expected: canary.expected,
            caught: judged.get(canary.defect.id).map_or(Caught::Unknown, |judged| judged.caught),
        });
        let canaries = canaries.collect();
        let defects: Vec<DefectResult> = if self.schedules > 0 {
            let simulated = self.simulate(defects);
            let with = |(defect, simulated): (&Defect, _)| {
                Some(DefectResult { simulation: Some(simulated), ..judged.remove(defect.id)? })
            };
            defects.iter().zip(simulated).filter_map(with).collect()
        } else {
            defects.iter().filter_map(|defect| judged.remove(defect.id)).collect()
        };
        DrillResult::concluded(self.seed.number(), command, baselines, defects, canaries)
    }

    /// Runs defects with one seed, and the scenarios that they need without any.
    fn run_with<'b>(&'b self, seed: Seed, defects: &[&'b Defect], is_matrix: bool) -> Ran<'b> {
        let is_own = |defect: &Defect, named: &Named| defect.scenario == named.name;
        let is_needed = |named: &&Named| is_matrix || defects.iter().any(|defect| is_own(defect, named));
        let scenarios: Vec<&Named> = self.scenarios.iter().filter(is_needed).collect();
        let mut jobs: Vec<Job<'_>> =
            scenarios.iter().map(|&scenario| Job { scenario, defect: None }).collect();
        for &defect in defects {
            let in_these = scenarios.iter().filter(|named| is_matrix || is_own(defect, named));
            jobs.extend(in_these.map(|&scenario| Job { scenario, defect: Some(defect) }));
        }
        let results = self.run_all(seed, &jobs);
        let named = |job: &Job<'b>| (job.defect.map(|defect| defect.id), job.scenario.name.as_str());
        jobs.iter().map(named).zip(results).collect()
    }

    /// Runs jobs, and answers in their order.
    fn run_all(&self, seed: Seed, jobs: &[Job<'_>]) -> Vec<ScenarioResult> {
        let done = AtomicUsize::new(0);
        in_parallel(jobs, |Job { scenario, defect }| {
            let hooks = defect.map_or(Hooks::default as fn() -> Hooks, |defect| defect.hooks);
            let result = match self.until {
                Some(until) if Instant::now() >= until => not_run(&scenario.name),
                _ => self.run_one(seed, scenario, hooks),
            };
            self.tell(&done, jobs.len(), &scenario.name, defect.map(|defect| defect.id));
            result
        })
    }

    /// Looks for defects in the simulation, and answers in their order.
    fn simulate(&self, defects: &[Defect]) -> Vec<Simulated> {
        let done = AtomicUsize::new(0);
        in_parallel(defects, |defect| {
            let found = match self.until {
                Some(until) if Instant::now() >= until => {
                    Simulated::Unknown { reason: "there was no time left for it".to_owned() }
                }
                _ => simulated::look_for(defect, self.seed, self.schedules),
            };
            self.tell(&done, defects.len(), "simulation", Some(defect.id));
            found
        })
    }

    fn tell(&self, done: &AtomicUsize, total: usize, scenario: &str, defect: Option<&str>) {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.observer)(Ended { done, total, scenario, defect });
    }

    /// Runs a scenario with a defect in the program.
    fn run_one(&self, seed: Seed, scenario: &Named, hooks: fn() -> Hooks) -> ScenarioResult {
        let mut runner = Runner::new(&InProcess, self.transcripts, seed, &Silent);
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

/// Does something with every item, on as many threads as there are processors, and answers in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    *lock(&results[at]) = Some(work(item));
                }
            });
        }
    });
    let taken = results.into_iter().map(|result| lock(&result).take());
    taken.map(|result| result.expect("every item was taken by a worker, and all have ended")).collect()
}

fn not_run(scenario: &SmolStr) -> ScenarioResult {
    ScenarioResult::stopped(scenario.clone(), Cause::NotRun, "there was no time left for it", Vec::new())
}

/// Judges what became of a defect in its own scenario, and in the others where it ran in them.
fn judge(defect: &Defect, seeds: u64, without: &[Baseline], ran: &Ran<'_>) -> DefectResult {
    let with = |scenario: &str| {
        ran.iter()
            .find(|((id, name), _)| *id == Some(defect.id) && *name == scenario)
            .map(|(_, result)| result)
    };
    let own = without.iter().find(|baseline| baseline.scenario == defect.scenario);
    let mut judged = match (own, with(defect.scenario)) {
        (Some(without), Some(with)) => DefectResult::of(defect, seeds, without, with),
        _ => {
            let reason = format!("there is no scenario `{}`", defect.scenario);
            let missing = ScenarioResult::stopped(defect.scenario, Cause::NotRun, reason, Vec::new());
            DefectResult::of(defect, seeds, &Baseline::of(0, &missing), &missing)
        }
    };
    if without.iter().filter(|baseline| with(&baseline.scenario).is_some()).count() > 1 {
        let found = without.iter().filter_map(|baseline| {
            let caught = Caught::of(defect, baseline.outcome, with(&baseline.scenario)?);
            Some((baseline.scenario.clone(), caught))
        });
        judged.scenarios = found.collect();
    }
    judged
}
