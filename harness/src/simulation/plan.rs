//! What a seed draws before its schedule begins: how much is written, by what figures the projection works, and which faults it may
//! meet. All of it is printed with a failure.

use std::fmt;

use cutover_core::ids::ProjectId;
use cutover_core::limits::{Limits, LimitsTable};
use cutover_core::projector;
use cutover_engines::event_log::GroupSettings;
use rand::RngExt;
use rand::seq::IndexedRandom;

use super::fault::{Rate, draw_swarm};
use crate::result::counted;
use crate::seed::{Seed, Stream};

/// The least number of events that a schedule writes, unless it is shortened.
pub const EVENTS_MIN: usize = 200;

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
    /// The limits of the project that the interviews belong to.
    pub limits: Limits,
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
    /// The faults that it may meet.
    pub faults: Vec<Rate>,
    /// How often each kind may fire.
    pub firings_max: u32,
}

impl Plan {
    /// Draws a plan.
    pub fn draw(seed: Seed) -> Self {
        let mut random = seed.stream("plan");
        let interviews = random.random_range(1..=4);
        Self {
            seed,
            events_min: EVENTS_MIN,
            interviews,
            sentences: random.random_range(interviews..=48),
            limits: draw_limits(&mut random),
            lanes: one_of(&mut random, &[1, 2, 3, 5, 12]),
            batch_events_max: one_of(&mut random, &[1, 2, 8, 64, 2_000]),
            aggregates_max: one_of(&mut random, &[4, 16, 200_000]),
            buffer: one_of(&mut random, &[1, 4, 32, 5_000]),
            read_batch_size: one_of(&mut random, &[1, 10, 500]),
            checkpoint_upper_bound: one_of(&mut random, &[10, 100, 5_000]),
            faults: draw_swarm(&mut random),
            firings_max: u32::MAX,
        }
    }

    /// Returns the limits as all parts read them.
    pub(super) fn limits_table(&self, project: ProjectId) -> LimitsTable {
        LimitsTable::default().with(project, self.limits)
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

fn one_of<T: Copy>(random: &mut Stream, values: &[T]) -> T {
    *values.choose(random).expect("there are some")
}

/// Draws limits: those of most projects, or some that are soon used up.
fn draw_limits(random: &mut Stream) -> Limits {
    if random.random_bool(0.5) {
        return Limits::default();
    }
    let mut few = |most: u32| random.random_bool(0.7).then(|| random.random_range(0..=most));
    Limits {
        functions: few(1),
        structures: few(1),
        purposes: few(1),
        keywords: few(4),
        topics: few(4),
        domain_keywords: few(4),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} with {}, at least {}; lanes {}, batches of {}, {} aggregates remembered; buffer {}, pages of {}, \
             checkpoint after {}; faults ",
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
        if self.faults.is_empty() {
            return f.write_str("none");
        }
        for (at, Rate { fault, one_in }) in self.faults.iter().enumerate() {
            write!(f, "{}{fault} 1:{one_in}", if at == 0 { "" } else { ", " })?;
        }
        if self.firings_max < u32::MAX {
            write!(f, " (each at most {} times)", self.firings_max)?;
        }
        Ok(())
    }
}
