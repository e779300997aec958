//! Simulation: the projector, the embedded store's state machine and the graph in memory under one seeded scheduler, without a task, a
//! socket or a clock. A schedule takes milliseconds, and its seed decides all of it.
//!
//! | file | what it answers for |
//! |---|---|
//! | `plan` | what a seed draws: how much is written, by what figures, which faults |
//! | `fault` | the kinds of faults, and the dice that say when |
//! | `workload`, `vocabulary`, `recorder` | what is written, and in which words: the real pipeline on both paths, and the model |
//! | `world`, `service`, `store` | the schedule, step by step |
//! | `rebuilt` | the same events as a second graph, without faults |
//! | `invariant` | what must hold after every step and at the end |
//! | `trace` | what happened, as a hash and as lines |
//! | `shrink` | a failure, made as small as it will go |
//! | `campaign`, `result` | many seeds, and what they came to |
//!
//! The entry points are [`run`] for one plan, and [`campaign`] for many seeds. [`Hooks`] stand at the same places as round real
//! engines, so that a defect of the code made of them can be looked for here too.

pub mod campaign;
mod fault;
mod invariant;
mod plan;
mod rebuilt;
mod recorder;
pub mod result;
mod service;
mod shrink;
mod store;
mod trace;
mod vocabulary;
mod workload;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use cutover_engines::graph::{MemoryGraph, Schema};
use tokio::runtime::Runtime;

pub use fault::{Fault, Fired, Rate};
pub use invariant::Violation;
pub use plan::{EVENTS_MIN, Plan};
pub use shrink::{Shrunk, shrink};
pub use trace::{Line, TraceHash};
pub use world::Work;

use crate::diff::{self, GraphSource, Orientation, Policy, Source};
use crate::model::Model;
use crate::provision::hooks::Hooks;
use rebuilt::REBUILT;
use trace::Trace;
use world::World;

/// What a schedule came to.
#[derive(Debug, Clone)]
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

/// Makes the runtime that schedules use: the pipeline is asynchronous, and waits for nothing here.
///
/// # Errors
///
/// The operating system's.
pub fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().build()
}

/// Runs the schedule of a plan. `hooks` stand round both graphs and the event store; those that pass everything change nothing.
pub fn run(plan: &Plan, hooks: &Hooks, with_lines: bool, runtime: &Runtime) -> Report {
    let mut trace = Trace::new(with_lines);
    let mut report = Report {
        violation: None,
        events: 0,
        compared: 0,
        work: Work::default(),
        fired: Fired::default(),
        hash: TraceHash::default(),
        lines: Vec::new(),
    };
    // A panic of the code under test is a finding like any other.
    let ended =
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(schedule(plan, hooks, &mut trace, &mut report))));
    report.violation = match ended {
        Ok(ended) => ended.err(),
        Err(panic) => Some(Violation::Panicked { said: said(&*panic) }),
    };
    if let Some(violation) = &report.violation {
        trace.note(0, "violation", &[], violation.aggregate(), || violation.to_string());
    }
    (report.hash, report.lines) = trace.finish();
    report
}

async fn schedule(
    plan: &Plan,
    hooks: &Hooks,
    trace: &mut Trace,
    report: &mut Report,
) -> Result<(), Violation> {
    let mut workload = workload::write(plan, hooks).await?;
    report.events = workload.events as u64;
    report.fired.add(&workload.fired);
    let appends = std::mem::take(&mut workload.appends);
    let mut world = World::new(plan, hooks, appends, trace);
    let ended = world.run();
    let (work, fired) = world.done();
    report.work = work;
    report.fired.add(&fired);
    ended?;
    let (projected, log) = world.into_graph_and_log();
    let projected = MemoryGraph::from(projected);
    compare(&workload.model, &projected, &workload.direct, report).await?;
    let rebuilt = MemoryGraph::from(rebuilt::rebuild(plan, hooks, &log)?);
    let [projected, rebuilt] = [&projected, &rebuilt].map(|graph| GraphSource::new(graph, Schema::Projected));
    agree(("projected", &projected), (REBUILT, &rebuilt), &Policy::same_schema(), report).await
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

#[cfg(test)]
mod tests;
