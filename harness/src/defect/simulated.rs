//! Looks for a defect in the simulation: how many schedules it takes until an invariant or a finding tells of it.

use serde::Serialize;

use super::{Class, Defect};
use crate::seed::Seed;
use crate::simulation::{Schedule, Violation, flag, projection};

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

/// Looks for a defect in at most so many schedules, the first of which has this seed. What is about the flag, or about several who write,
/// is looked for where people write and the flag is thrown, all else where events are delivered.
pub fn look_for(defect: &Defect, first: Seed, schedules: u64) -> Simulated {
    let looked = match defect.class {
        Class::Switch | Class::Writers => look_in::<flag::Plan>(defect, first, schedules),
        _ => look_in::<projection::Plan>(defect, first, schedules),
    };
    looked.unwrap_or_else(|error| Simulated::Unknown { reason: format!("no runtime: {error}") })
}

fn look_in<P: Schedule>(defect: &Defect, first: Seed, schedules: u64) -> std::io::Result<Simulated> {
    for number in 0..schedules {
        let plan = P::draw(Seed::new(first.number().wrapping_add(number)));
        if let Some(violation) = plan.run(&(defect.hooks)(), false)?.violation {
            let (by, detail) = (named(&violation), violation.to_string());
            return Ok(Simulated::Caught { seeds: number + 1, by, detail });
        }
    }
    Ok(Simulated::Uncaught { seeds: schedules })
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

    #[track_caller]
    fn are_seen_by(check: &str, ids: &[&str]) {
        let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
        for defect in catalogue::select(&ids).expect("there are such") {
            let found = look_for(&defect, Seed::new(7301), 30);
            let is_seen = matches!(&found, Simulated::Caught { by, .. } if by.starts_with(check));
            assert!(is_seen, "{}: {found:?}", defect.id);
        }
    }

    #[test]
    fn words_are_written_in_which_wrong_ones_show() {
        let of_texts =
            ["text-cut-off", "text-folded-to-ascii", "text-in-the-wrong-encoding", "text-escaped-twice"];
        are_seen_by("model-vs-projected: property-differs Sentence", &of_texts);
        are_seen_by("model-vs-projected: property-differs Sentence", &["speaker-without-parentheses"]);
        are_seen_by("model-vs-projected: property-differs Analysis", &["confidence-in-single-precision"]);
    }

    #[test]
    fn projects_have_limits_of_their_own() {
        are_seen_by("model-vs-projected", &["limit-of-the-project-ignored"]);
    }

    #[test]
    fn times_that_are_not_those_of_the_events_differ_in_a_graph_that_is_built_again() {
        let of_times = ["created-at-by-the-clock", "updated-at-by-the-clock", "local-time"];
        are_seen_by("projected-vs-rebuilt: property-differs", &of_times);
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

    #[test]
    fn what_is_about_the_flag_is_seen_where_it_is_thrown() {
        let ids = ["flag-read-once".to_owned()];
        let defects = catalogue::select(&ids).expect("there is such");
        let found = look_for(&defects[0], Seed::new(7301), 30);
        assert!(matches!(&found, Simulated::Caught { by, .. } if by.starts_with("written-")), "{found:?}");
    }
}
