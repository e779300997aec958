//! Makes a failure as small as it will go: fewer kinds of faults, each less often, less that is written. What is left still fails in the
//! same way, and is what somebody reads.

use cutover_core::limits::Limits;

use super::fault::Rate;
use super::{Report, Schedule};
use crate::provision::hooks::Hooks;

/// How often each kind of fault may fire, from the smallest number on that is tried.
pub(super) const FIRINGS: &[u32] = &[0, 1, 2, 3, 5, 8, 13, 21, 34];

/// A failure that was made small.
#[derive(Debug, Clone)]
pub struct Shrunk<P> {
    /// The plan that is left of the seed's.
    pub plan: P,
    /// What it came to, with every line of its trace.
    pub report: Report,
    /// How many schedules were run to find it.
    pub tried: u32,
}

/// Shrinks the failure of a plan; `hooks` makes the hooks of each schedule. `None` for a plan that does not fail.
///
/// # Errors
///
/// The operating system's, when it has no runtime to give.
pub fn shrink<P: Schedule>(plan: &P, hooks: &dyn Fn() -> Hooks) -> std::io::Result<Option<Shrunk<P>>> {
    let Some(violation) = plan.run(&hooks(), false)?.violation else { return Ok(None) };
    let mut search = Search { name: violation.name(), hooks, plan: plan.clone(), tried: 1 };
    while search.once_through()? {}
    let Search { plan, tried, .. } = search;
    let report = plan.run(&hooks(), true)?;
    Ok(Some(Shrunk { plan, report, tried }))
}

struct Search<'a, P> {
    /// The name of what is violated.
    name: &'static str,
    hooks: &'a dyn Fn() -> Hooks,
    plan: P,
    tried: u32,
}

impl<P: Schedule> Search<'_, P> {
    /// Tries each way in which the plan can be made smaller. Returns whether one led anywhere.
    fn once_through(&mut self) -> std::io::Result<bool> {
        let (mut has_shrunk, mut way) = (false, 0);
        while let Some(plans) = self.plan.smaller().into_iter().nth(way) {
            let mut is_smaller = false;
            for plan in plans {
                if self.fails(&plan)? {
                    (self.plan, is_smaller, has_shrunk) = (plan, true, true);
                    break;
                }
            }
            // Where a kind was left out, the next one has its place.
            way += usize::from(!is_smaller);
        }
        Ok(has_shrunk)
    }

    /// Returns whether a plan fails in the same way.
    fn fails(&mut self, plan: &P) -> std::io::Result<bool> {
        self.tried += 1;
        let violation = plan.run(&(self.hooks)(), false)?.violation;
        Ok(violation.is_some_and(|violation| violation.name() == self.name))
    }
}

/// Returns the rates without one kind each.
pub(super) fn fewer_kinds(rates: &[Rate]) -> Vec<Vec<Rate>> {
    let without = |out: &Rate| rates.iter().copied().filter(|rate| rate.fault != out.fault).collect();
    rates.iter().map(without).collect()
}

/// Returns the limits of fewer projects, from those of one on.
pub(super) fn fewer_projects(limits: &[Limits]) -> impl Iterator<Item = Vec<Limits>> {
    (1..limits.len()).map(|projects| limits[..projects].to_vec())
}

/// Returns the numbers that are less than one.
pub(super) fn below<T: Copy + PartialOrd>(limit: T, numbers: &[T]) -> impl Iterator<Item = T> {
    numbers.iter().copied().filter(move |&number| number < limit)
}
