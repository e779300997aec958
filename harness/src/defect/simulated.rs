//! Looks for a defect in the simulation: how many schedules it takes until an invariant or a finding tells of it.
//!
//! A schedule has one graph that is projected, and the model knows nothing of times: what shows only where two graphs of the same
//! events are compared cannot be seen there. [`blind_to`] says of what, and why; such defects are not counted as caught, nor as missed.

use serde::Serialize;

use super::{Class, Defect};
use crate::seed::Seed;
use crate::simulation::{self, Plan, Violation};

/// How many schedules a defect is looked for in, unless told otherwise.
pub const SCHEDULES: u64 = 200;

/// What the simulation says of a defect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Simulated {
    /// A schedule failed.
    Caught {
        /// How many schedules it took, that one among them.
        seeds: u64,
        /// What did not hold: the invariant, or the finding of the comparison at the end.
        by: String,
        /// What was said.
        detail: String,
    },
    /// All schedules passed.
    Uncaught {
        /// How many there were.
        seeds: u64,
    },
    /// The simulation cannot see it, by its nature.
    Blind {
        /// Why not.
        reason: &'static str,
    },
    /// There is no runtime for it.
    Unknown {
        /// Why not.
        reason: String,
    },
}

impl Simulated {
    /// Returns after how many schedules it was caught, if it was.
    pub const fn seeds(&self) -> Option<u64> {
        match self {
            Self::Caught { seeds, .. } => Some(*seeds),
            _ => None,
        }
    }
}

/// Returns why the simulation cannot see a defect, if it cannot.
pub fn blind_to(defect: &Defect) -> Option<&'static str> {
    if defect.class == Class::Switch {
        return Some("a schedule has no flag, and no direct graph");
    }
    match defect.id {
        "created-at-by-the-clock" | "updated-at-by-the-clock" | "local-time" => {
            Some("the model knows no times, and there is no second graph of the same events to compare")
        }
        "confidence-in-single-precision" => {
            Some("every confidence that a schedule writes is exact in 32 bits")
        }
        "text-cut-off" => Some("every text that a schedule writes is short"),
        "text-folded-to-ascii" | "text-in-the-wrong-encoding" | "text-escaped-twice" => {
            Some("every text that a schedule writes is of plain letters")
        }
        "speaker-without-parentheses" => Some("no speaker of a schedule has parentheses"),
        "limit-of-the-project-ignored" => Some("a schedule has one project"),
        _ => None,
    }
}

/// Looks for a defect in at most so many schedules, the first of which has this seed.
pub fn look_for(defect: &Defect, first: Seed, schedules: u64) -> Simulated {
    if let Some(reason) = blind_to(defect) {
        return Simulated::Blind { reason };
    }
    let runtime = match simulation::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return Simulated::Unknown { reason: format!("no runtime: {error}") },
    };
    for number in 0..schedules {
        let plan = Plan::draw(Seed::new(first.number().wrapping_add(number)));
        let report = simulation::run(&plan, &(defect.hooks)(), false, &runtime);
        if let Some(violation) = report.violation {
            return Simulated::Caught {
                seeds: number + 1,
                by: named(&violation),
                detail: violation.to_string(),
            };
        }
    }
    Simulated::Uncaught { seeds: schedules }
}

/// Names what did not hold; of a comparison, the check and the most frequent finding.
fn named(violation: &Violation) -> String {
    match violation {
        Violation::GraphDiffers { check, findings, .. } => {
            let first = findings.iter().max_by_key(|(_, count)| *count);
            format!("{check}: {}", first.map_or("", |(finding, _)| finding.as_str()))
        }
        violation => violation.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defect::canary;
    use crate::defect::catalogue;

    #[test]
    fn what_the_simulation_is_blind_to_is_a_defect_that_there_is() {
        let is_about_the_flag = |defect: &&Defect| defect.class == Class::Switch;
        let (all, blind) = (catalogue::all(), |defect: &&Defect| blind_to(defect).is_some());
        let others = all.iter().filter(blind).count() - all.iter().filter(is_about_the_flag).count();
        assert!((1..=10).contains(&others), "{others} of all");
        for defect in all.iter().filter(blind) {
            assert!(matches!(look_for(defect, Seed::new(7301), 1), Simulated::Blind { .. }), "{}", defect.id);
        }
    }

    #[test]
    fn what_changes_nothing_is_not_caught_and_what_acknowledges_too_early_is() {
        let harmless = look_for(&canary::ALL[0].defect, Seed::new(7301), 2);
        assert_eq!(harmless, Simulated::Uncaught { seeds: 2 });
        let defects = catalogue::select(&["ack-on-enqueue".to_owned()]).expect("there is such");
        let found = look_for(&defects[0], Seed::new(7301), 20);
        assert!(
            matches!(&found, Simulated::Caught { by, .. } if by == "acknowledged-too-early"),
            "{found:?}"
        );
    }
}
