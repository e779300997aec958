//! What a seed draws before its schedule begins: how much is written, by what figures the projection works, and which faults it may
//! meet. All of it is printed with a failure.

use std::fmt;

use cutover_core::limits::{Limits, LimitsTable};
use cutover_core::projector;
use cutover_engines::event_log::GroupSettings;
use rand::RngExt;

use crate::provision::hooks::Hooks;
use crate::result::counted;
use crate::seed::Seed;
use crate::simulation::draw::{AgreedWithEach, draw_limits, one_of, table_of};
use crate::simulation::fault::{Rate, Subject, draw_swarm, write_rates};
use crate::simulation::shrink::{FIRINGS, below, fewer_kinds, fewer_projects};
use crate::simulation::vocabulary::PROJECTS;
use crate::simulation::{Report, Schedule};

/// The least number of events that a schedule writes, unless it is shortened.
pub const EVENTS_MIN: usize = 200;

/// The log of one schedule in so many is projected once more: it costs a tenth of the time.
const REBUILT_ONE_IN: u32 = 4;

/// What a seed draws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The seed.
    pub seed: Seed,
    /// How many events are written at least.
    pub events_min: usize,
    /// How many interviews there are.
    pub interviews: usize,
    /// How many sentences the files have together, when they are read first.
    pub sentences: usize,
    /// The limits of each project. The interviews belong to them in turn.
    pub limits: Vec<Limits>,
    /// How many lanes the first service has.
    pub lanes: usize,
    /// How many events a batch holds at most.
    pub batch_events_max: usize,
    /// How many aggregates a projector remembers.
    pub aggregates_max: usize,
    /// How many unanswered events a subscription holds.
    pub buffer: usize,
    /// How many events the store reads at once.
    pub read_batch_size: u32,
    /// After how many answers the store writes a checkpoint at once.
    pub checkpoint_upper_bound: u32,
    /// Whether the log is projected once more at the end, into a second graph.
    pub is_rebuilt: bool,
    /// The faults that it may meet.
    pub faults: Vec<Rate>,
    /// How often each kind may fire.
    pub firings_max: u32,
}

impl Schedule for Plan {
    const SUBJECT: Subject = Subject::Projection;

    fn draw(seed: Seed) -> Self {
        let mut random = seed.stream("plan");
        let interviews = random.random_range(1..=4);
        let projects = random.random_range(1..=PROJECTS.len());
        Self {
            seed,
            events_min: EVENTS_MIN,
            interviews,
            sentences: random.random_range(interviews..=48),
            limits: draw_limits(projects, &mut random),
            lanes: one_of(&mut random, &[1, 2, 3, 5, 12]),
            batch_events_max: one_of(&mut random, &[1, 2, 8, 64, 2_000]),
            aggregates_max: one_of(&mut random, &[4, 16, 200_000]),
            buffer: one_of(&mut random, &[1, 4, 32, 5_000]),
            read_batch_size: one_of(&mut random, &[1, 10, 500]),
            checkpoint_upper_bound: one_of(&mut random, &[10, 100, 5_000]),
            // From a stream of its own: it moves nothing of what happens before.
            is_rebuilt: seed.stream("rebuilt").random_range(0..REBUILT_ONE_IN) == 0,
            faults: draw_swarm(Subject::Projection, &mut random),
            firings_max: u32::MAX,
        }
    }

    fn run(&self, hooks: &Hooks, with_lines: bool) -> std::io::Result<Report> {
        super::run(self, hooks, with_lines)
    }

    fn smaller(&self) -> Vec<Vec<Self>> {
        let faults =
            fewer_kinds(&self.faults).into_iter().map(|faults| vec![Self { faults, ..self.clone() }]);
        let interviews = (1..self.interviews).map(|interviews| Self { interviews, ..self.clone() });
        let limits = fewer_projects(&self.limits).map(|limits| Self { limits, ..self.clone() });
        let sentences = below(self.sentences, &[1, 2, 4, 8, 16, 32]);
        let sentences = sentences.map(|sentences| Self { sentences, ..self.clone() });
        let events = below(self.events_min, &[1, 5, 10, 20, 40, 80, 120, 160]);
        let events = events.map(|events_min| Self { events_min, ..self.clone() });
        let firings = below(self.firings_max, FIRINGS);
        let firings = firings.map(|firings_max| Self { firings_max, ..self.clone() });
        let less = [
            interviews.collect(),
            limits.collect(),
            sentences.collect(),
            events.collect(),
            firings.collect(),
        ];
        faults.chain(less).collect()
    }
}

impl Plan {
    /// Returns the limits as all parts read them.
    pub(super) fn limits_table(&self) -> LimitsTable {
        table_of(&self.limits)
    }

    pub(super) fn projector_settings(&self, lanes: usize, limits: LimitsTable) -> projector::Settings {
        projector::Settings {
            lanes,
            batch_events_max: self.batch_events_max,
            aggregates_max: self.aggregates_max,
            limits,
            ..projector::Settings::default()
        }
    }

    pub(super) fn group_settings(&self) -> GroupSettings {
        GroupSettings {
            read_batch_size: self.read_batch_size,
            history_buffer_size: self.read_batch_size.max(1) * 10,
            checkpoint_upper_bound: self.checkpoint_upper_bound,
            ..GroupSettings::default()
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} with {}, at least {}; lanes {}, batches of {}, {} aggregates remembered; buffer {}, pages of {}, \
             checkpoint after {}; ",
            counted(self.interviews as u64, "interview"),
            counted(self.sentences as u64, "sentence"),
            counted(self.events_min as u64, "event"),
            self.lanes,
            self.batch_events_max,
            self.aggregates_max,
            self.buffer,
            self.read_batch_size,
            self.checkpoint_upper_bound
        )?;
        let rebuilt = if self.is_rebuilt { "rebuilt at the end; " } else { "" };
        write!(f, "limits {}; {rebuilt}faults ", AgreedWithEach(&self.limits))?;
        write_rates(f, &self.faults, self.firings_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_every_project_are_printed() {
        let few = Limits { functions: Some(0), topics: Some(4), domain_keywords: None, ..Limits::default() };
        let plan = Plan { limits: vec![Limits::default(), few], ..Plan::draw(Seed::new(1)) };
        let text = plan.to_string();
        assert!(text.contains("; limits as usual and 0/1/1/6/4/–; "), "{text}");
    }
}
