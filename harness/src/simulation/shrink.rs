//! Makes a failure as small as it will go: fewer kinds of faults, each less often, less that is written. What is left still fails in the
//! same way, and is what somebody reads.

use tokio::runtime::Runtime;

use super::fault::Rate;
use super::plan::Plan;
use super::{Report, run};
use crate::provision::hooks::Hooks;

/// A failure that was made small.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The plan that is left of the seed's.
    pub plan: Plan,
    /// What it came to, with every line of its trace.
    pub report: Report,
    /// How many schedules were run to find it.
    pub tried: u32,
}

/// Shrinks the failure of a plan; `hooks` makes the hooks of each schedule. `None` for a plan that does not fail.
pub fn shrink(plan: &Plan, hooks: &dyn Fn() -> Hooks, runtime: &Runtime) -> Option<Shrunk> {
    let name = run(plan, &hooks(), false, runtime).violation?.name();
    let mut search = Search { name, hooks, runtime, plan: plan.clone(), tried: 1 };
    while search.fewer_kinds() | search.less_written() | search.less_often() {}
    let Search { plan, tried, .. } = search;
    let report = run(&plan, &hooks(), true, runtime);
    Some(Shrunk { plan, report, tried })
}

struct Search<'a> {
    /// The name of what is violated.
    name: &'static str,
    hooks: &'a dyn Fn() -> Hooks,
    runtime: &'a Runtime,
    plan: Plan,
    tried: u32,
}

impl Search<'_> {
    /// Keeps a plan if it fails in the same way.
    fn keeps(&mut self, plan: Plan) -> bool {
        if plan == self.plan {
            return false;
        }
        self.tried += 1;
        let violation = run(&plan, &(self.hooks)(), false, self.runtime).violation;
        let fails = violation.is_some_and(|violation| violation.name() == self.name);
        if fails {
            self.plan = plan;
        }
        fails
    }

    fn fewer_kinds(&mut self) -> bool {
        let mut shrunk = false;
        for Rate { fault, .. } in self.plan.faults.clone() {
            let faults = self.plan.faults.iter().copied().filter(|rate| rate.fault != fault).collect();
            shrunk |= self.keeps(Plan { faults, ..self.plan.clone() });
        }
        shrunk
    }

    fn less_written(&mut self) -> bool {
        let mut shrunk = false;
        for interviews in 1..self.plan.interviews {
            if self.keeps(Plan { interviews, ..self.plan.clone() }) {
                shrunk = true;
                break;
            }
        }
        for projects in 1..self.plan.limits.len() {
            let limits = self.plan.limits[..projects].to_vec();
            if self.keeps(Plan { limits, ..self.plan.clone() }) {
                shrunk = true;
                break;
            }
        }
        for sentences in [1, 2, 4, 8, 16, 32] {
            let is_less = sentences < self.plan.sentences;
            if is_less && self.keeps(Plan { sentences, ..self.plan.clone() }) {
                shrunk = true;
                break;
            }
        }
        for events_min in [1, 5, 10, 20, 40, 80, 120, 160] {
            let is_less = events_min < self.plan.events_min;
            if is_less && self.keeps(Plan { events_min, ..self.plan.clone() }) {
                shrunk = true;
                break;
            }
        }
        shrunk
    }

    fn less_often(&mut self) -> bool {
        for firings_max in [0, 1, 2, 3, 5, 8, 13, 21, 34] {
            let is_less = firings_max < self.plan.firings_max;
            if is_less && self.keeps(Plan { firings_max, ..self.plan.clone() }) {
                return true;
            }
        }
        false
    }
}
