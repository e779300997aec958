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
use super::vocabulary::PROJECTS;
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
        let projects = random.random_range(1..=PROJECTS.len());
        Self {
            seed,
            events_min: EVENTS_MIN,
            interviews,
            sentences: random.random_range(interviews..=48),
            limits: (0..projects).map(|_| draw_limits(&mut random)).collect(),
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
    pub(super) fn limits_table(&self) -> LimitsTable {
        let named = PROJECTS.into_iter().map(ProjectId::new).zip(&self.limits);
        named.fold(LimitsTable::default(), |table, (project, limits)| table.with(project, *limits))
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
        for (at, limits) in self.limits.iter().enumerate() {
            let of = if at == 0 { "limits " } else { " and " };
            write!(f, "{of}{}", Agreed(limits))?;
        }
        f.write_str("; faults ")?;
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

/// Limits as they are printed.
struct Agreed<'a>(&'a Limits);

impl fmt::Display for Agreed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self.0 == Limits::default() {
            return f.write_str("as usual");
        }
        let Limits { functions, structures, purposes, keywords, topics, domain_keywords } = *self.0;
        let each = [functions, structures, purposes, keywords, topics, domain_keywords];
        for (at, limit) in each.into_iter().enumerate() {
            let between = if at == 0 { "" } else { "/" };
            match limit {
                Some(limit) => write!(f, "{between}{limit}")?,
                None => write!(f, "{between}–")?,
            }
        }
        Ok(())
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
        assert!(text.contains("; limits as usual and 0/1/1/6/4/–; faults "), "{text}");
    }

    #[test]
    fn each_project_has_its_own_limits() {
        let of = |keywords| Limits { keywords: Some(keywords), ..Limits::default() };
        let table = Plan { limits: vec![of(1), of(2), of(3)], ..Plan::draw(Seed::new(1)) }.limits_table();
        let kept = PROJECTS.map(|project| table.of(Some(&ProjectId::new(project))).keywords);
        assert_eq!(kept, [Some(1), Some(2), Some(3)]);
    }
}
