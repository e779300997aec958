//! The flag in a simulation: people write, a projection follows, and the flag is thrown to the projected path and back, with every call
//! on its way for as long as the seed says, processes that die at any of them, and writes that arrive when nobody waits for them any
//! more.
//!
//! Here everything is what runs in production, tasks and timers too: the pipeline, the projection service, the conductor, the way
//! back. The runtime has one thread and a clock that goes on when there is nothing else to do, so that a seed decides all of it.
//!
//! | file | what it answers for |
//! |---|---|
//! | `plan` | what a seed draws |
//! | `world` | who takes part, and what they have |
//! | `people`, `operators` | those who write, and those who throw the flag |
//! | `network` | what lies between: time, losses, deaths |
//! | `audit` | what must hold of every write that takes effect |

mod audit;
mod network;
mod operators;
mod people;
mod plan;
mod world;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use plan::Plan;

use super::violation::Violation;
use super::{Report, Work, compare, compare_paths, said};
use crate::provision::hooks::Hooks;
use audit::Audit;

/// Runs the schedule of a plan.
fn run(plan: &Plan, hooks: &Hooks, with_lines: bool) -> std::io::Result<Report> {
    // A runtime of its own, so that nothing of one schedule goes on in the next.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let mut report = Report::default();
    let audit = runtime.block_on(async { Arc::new(Audit::new(with_lines)) });
    let ended =
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(schedule(plan, hooks, &audit, &mut report))));
    report.violation = match ended {
        Ok(ended) => ended.err(),
        Err(panic) => Some(Violation::Panicked { said: said(&*panic) }),
    };
    if let Some(violation) = &report.violation {
        runtime.block_on(async { audit.note("violation", &[], || violation.to_string()) });
    }
    let tally = audit.tally();
    report.events = tally.events;
    report.work = Work {
        steps: tally.calls,
        batches: tally.batches,
        throws: tally.throws,
        given_up: tally.given_up,
        ..Work::default()
    };
    (report.hash, report.lines) = audit.take_trace().finish();
    Ok(report)
}

async fn schedule(
    plan: &Plan,
    hooks: &Hooks,
    audit: &Arc<Audit>,
    report: &mut Report,
) -> Result<(), Violation> {
    let (engines, shared) = world::prepare(plan, audit.clone()).await?;
    let ended = world::run(&shared, hooks).await;
    report.fired.add(&shared.network.fired());
    engines.stop().await;
    let ended = ended?;
    if plan.guests > 0 {
        return compare_paths(&ended.projected, &ended.direct, report).await;
    }
    compare(&ended.model, &ended.projected, &ended.direct, report).await
}
