//! Many seeds, on as many threads as are wanted. What a campaign comes to does not depend on how many those are.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::fault::Fired;
use super::trace::TraceHash;
use super::violation::Violation;
use super::{Report, Schedule, Work};
use crate::provision::hooks::Hooks;
use crate::seed::Seed;

/// How many failures are kept; all are counted.
pub const FAILURES_KEPT: usize = 8;

/// What is to be run.
pub struct Campaign<'a> {
    /// The first seed; each schedule has the one after that of the schedule before it.
    pub first: Seed,
    /// How many schedules.
    pub schedules: u64,
    /// On how many threads.
    pub threads: NonZeroUsize,
    /// Makes the hooks of each schedule.
    pub hooks: &'a (dyn Fn() -> Hooks + Sync),
    /// Told after each schedule how many are done; `true` ends the campaign.
    pub progress: &'a (dyn Fn(u64) -> bool + Sync),
}

/// A schedule that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Its seed.
    pub seed: Seed,
    /// What the seed drew.
    pub plan: String,
    /// What did not hold.
    pub violation: Violation,
    /// The hash of what happened.
    pub hash: TraceHash,
}

/// What a campaign came to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// How many schedules were run.
    pub schedules: u64,
    /// How many events they wrote.
    pub events: u64,
    /// How many elements were compared.
    pub compared: u64,
    /// How much was done.
    pub work: Work,
    /// The faults that were met.
    pub fired: Fired,
    /// How many schedules failed.
    pub failed: u64,
    /// The first of them, in the order of their seeds.
    pub failures: Vec<Failure>,
    /// All trace hashes as one: equal for two runs of the same seeds.
    pub hash: u64,
}

impl Outcome {
    fn add(&mut self, seed: Seed, plan: &impl Schedule, report: Report) {
        self.schedules += 1;
        self.events += report.events;
        self.compared += report.compared;
        self.work.add(report.work);
        self.fired.add(&report.fired);
        // A sum, because schedules end in any order.
        self.hash =
            self.hash.wrapping_add(report.hash.number() ^ seed.number().wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if let Some(violation) = report.violation {
            self.failed += 1;
            let (plan, hash) = (plan.to_string(), report.hash);
            self.failures.push(Failure { seed, plan, violation, hash });
            self.keep_first();
        }
    }

    fn merge(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.events += other.events;
        self.compared += other.compared;
        self.work.add(other.work);
        self.fired.add(&other.fired);
        self.failed += other.failed;
        self.hash = self.hash.wrapping_add(other.hash);
        self.failures.extend(other.failures);
        self.keep_first();
    }

    fn keep_first(&mut self) {
        self.failures.sort_by_key(|failure| failure.seed.number());
        self.failures.truncate(FAILURES_KEPT);
    }
}

impl Campaign<'_> {
    /// Runs it, with schedules of one subject.
    ///
    /// # Errors
    ///
    /// The operating system's, when it has no runtime to give.
    pub fn run<P: Schedule>(&self) -> std::io::Result<Outcome> {
        let (next, done, is_over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        let outcome = Mutex::new(Outcome::default());
        std::thread::scope(|scope| {
            let work = || -> std::io::Result<()> {
                let mut mine = Outcome::default();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= self.schedules || is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let seed = Seed::new(self.first.number().wrapping_add(at));
                    let plan = P::draw(seed);
                    let report = plan.run(&(self.hooks)(), false)?;
                    mine.add(seed, &plan, report);
                    if (self.progress)(done.fetch_add(1, Ordering::Relaxed) + 1) {
                        is_over.store(true, Ordering::Relaxed);
                    }
                }
                outcome.lock().expect("no thread panics with it").merge(mine);
                Ok(())
            };
            let threads: Vec<_> = (0..self.threads.get()).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(ended) => ended,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        Ok(outcome.into_inner().expect("no thread panicked with it"))
    }
}
