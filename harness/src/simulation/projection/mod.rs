//! The projection in a simulation: the projector, the embedded store's state machine and the graph in memory under one seeded scheduler,
//! without a task, a socket or a clock.
//!
//! | file | what it answers for |
//! |---|---|
//! | `plan` | what a seed draws: how much is written, by what figures, which faults |
//! | `workload`, `recorder` | what is written: the real pipeline on both paths, and the model |
//! | `world`, `service`, `store` | the schedule, step by step |
//! | `audit` | what must hold after every step |
//! | `rebuilt` | the same events as a second graph, without faults |

mod audit;
mod plan;
mod rebuilt;
mod recorder;
mod service;
mod store;
mod workload;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use cutover_engines::graph::{MemoryGraph, Schema};

pub use plan::{EVENTS_MIN, Plan};

use super::trace::Trace;
use super::violation::Violation;
use super::{Report, agree, compare, said};
use crate::diff::{GraphSource, Policy};
use crate::provision::hooks::Hooks;
use rebuilt::REBUILT;
use world::World;

/// Runs the schedule of a plan.
fn run(plan: &Plan, hooks: &Hooks, with_lines: bool) -> std::io::Result<Report> {
    // The pipeline is asynchronous, and waits for nothing here.
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut trace = Trace::new(with_lines);
    let mut report = Report::default();
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
    Ok(report)
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
    if !plan.is_rebuilt {
        return Ok(());
    }
    let rebuilt = MemoryGraph::from(rebuilt::rebuild(plan, hooks, &log)?);
    let [projected, rebuilt] = [&projected, &rebuilt].map(|graph| GraphSource::new(graph, Schema::Projected));
    agree(("projected", &projected), (REBUILT, &rebuilt), &Policy::same_schema(), report).await
}

#[cfg(test)]
mod tests;
