//! Simulation: schedules of what may happen, thousands of them, each decided by its seed. A schedule takes milliseconds, in which hours may
//! pass.
//!
//! | subject | what is simulated |
//! |---|---|
//! | [`projection`] | the projector, the embedded store's state machine and the graph in memory, without a task, a socket or a clock |
//! | [`flag`] | the whole service while the flag is thrown there and back, under a runtime with one thread and a clock of its own |
//!
//! What both have in common:
//!
//! | file | what it answers for |
//! |---|---|
//! | `fault` | the kinds of faults, and the dice that say when |
//! | `draw` | what plans draw alike |
//! | `author`, `vocabulary` | what is written, and in which words |
//! | `violation` | what does not hold |
//! | `trace` | what happened, as a hash and as lines |
//! | `shrink` | a failure, made as small as it will go |
//! | `campaign`, `result` | many seeds, and what they came to |
//!
//! The entry points are [`Schedule::run`] for one plan, and [`campaign`] for many seeds. [`Hooks`] stand at the same places as round real
//! engines, so that a defect of the code made of them can be looked for here too.

mod author;
pub mod campaign;
mod draw;
mod fault;
pub mod flag;
pub mod projection;
pub mod result;
mod shrink;
#[cfg(test)]
mod testing;
mod trace;
mod violation;
mod vocabulary;

use std::fmt;

use cutover_engines::graph::{MemoryGraph, Schema};

pub use fault::{Fault, Fired, Rate, Subject};
pub use shrink::{Shrunk, shrink};
pub use trace::{Line, TraceHash};
pub use violation::Violation;

use crate::diff::{self, GraphSource, Orientation, Policy, Source};
use crate::model::Model;
use crate::provision::hooks::Hooks;
use crate::seed::Seed;

/// A schedule of one subject: what its seed draws for it, how it is run, and what is smaller.
pub trait Schedule: Clone + PartialEq + fmt::Display {
    /// What is simulated.
    const SUBJECT: Subject;

    /// Draws what a seed decides.
    fn draw(seed: Seed) -> Self;

    /// Runs it. `hooks` stand round both graphs, the event store and the flag; those that pass everything change nothing.
    ///
    /// # Errors
    ///
    /// The operating system's, when it has no runtime to give.
    fn run(&self, hooks: &Hooks, with_lines: bool) -> std::io::Result<Report>;

    /// Returns what is smaller, in each way in which it can be made so; each way begins with the smallest.
    fn smaller(&self) -> Vec<Vec<Self>>;
}

/// What a schedule came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What did not hold; none for a schedule that came through.
    pub violation: Option<Violation>,
    /// How many events were written.
    pub events: u64,
    /// How many elements were compared at the end.
    pub compared: u64,
    /// How much was done.
    pub work: Work,
    /// The faults that were met.
    pub fired: Fired,
    /// The hash of everything that happened.
    pub hash: TraceHash,
    /// Everything that happened, if it was asked for.
    pub lines: Vec<Line>,
}

/// How much a schedule did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// How many steps it took.
    pub steps: u64,
    /// How many deliveries were taken in.
    pub deliveries: u64,
    /// How many batches were committed.
    pub batches: u64,
    /// How many events were parked.
    pub parked: u64,
    /// How often the groups had to be made anew, because the store had lost what it was replaying.
    pub groups_made_anew: u64,
    /// How often the flag was thrown.
    pub throws: u64,
    /// How often a throw was given up.
    pub given_up: u64,
}

impl Work {
    /// Adds what another schedule did.
    pub const fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.deliveries += other.deliveries;
        self.batches += other.batches;
        self.parked += other.parked;
        self.groups_made_anew += other.groups_made_anew;
        self.throws += other.throws;
        self.given_up += other.given_up;
    }
}

/// Compares both paths' graphs with the model.
async fn compare(
    model: &Model,
    projected: &MemoryGraph,
    direct: &MemoryGraph,
    report: &mut Report,
) -> Result<(), Violation> {
    let model = model.expected();
    let projected = GraphSource::new(projected, Schema::Projected);
    let direct = GraphSource::new(direct, Schema::Direct);
    agree(("model", &model), ("projected", &projected), &Policy::model_vs_projected(), report).await?;
    agree(("model", &model), ("direct", &direct), &Policy::model_vs_direct(), report).await
}

/// Compares both paths' graphs with each other, where nobody can tell the model in which order things were done.
async fn compare_paths(
    projected: &MemoryGraph,
    direct: &MemoryGraph,
    report: &mut Report,
) -> Result<(), Violation> {
    let direct = GraphSource::new(direct, Schema::Direct);
    let projected = GraphSource::new(projected, Schema::Projected);
    agree(("direct", &direct), ("projected", &projected), &Policy::direct_vs_projected(), report).await
}

/// Compares two graphs, each under its name; the left one is what should be.
async fn agree(
    left: (&str, &dyn Source),
    right: (&str, &dyn Source),
    policy: &Policy,
    report: &mut Report,
) -> Result<(), Violation> {
    let id = smol_str::format_smolstr!("{}-vs-{}", left.0, right.0);
    let names = Orientation::new(left.0, right.0);
    let check = diff::diff(id, names, left.1, right.1, policy, diff::Limits::default()).await;
    report.compared += check.compared.total();
    Violation::of_check(&check).map_or(Ok(()), Err)
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("nothing").to_owned()
}
