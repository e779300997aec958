//! What a seed draws of a schedule in which the flag is thrown. All of it is printed with a failure.

use std::fmt;
use std::time::Duration;

use cutover_core::limits::{Limits, LimitsTable};
use rand::RngExt;

use crate::provision::hooks::Hooks;
use crate::result::counted;
use crate::seed::Seed;
use crate::simulation::draw::{AgreedWithEach, draw_limits, one_of, table_of};
use crate::simulation::fault::{Rate, Subject, draw_swarm, write_rates};
use crate::simulation::shrink::{FIRINGS, below, fewer_kinds, fewer_projects};
use crate::simulation::vocabulary::PROJECTS;
use crate::simulation::{Report, Schedule};

/// What a seed draws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The seed.
    pub seed: Seed,
    /// How many people write, each an interview of their own.
    pub people: usize,
    /// How many more people write, each an interview of one of those, at the same time.
    pub guests: usize,
    /// How many sentences their files have together, when they are read first.
    pub sentences: usize,
    /// The limits of each project. The interviews belong to them in turn.
    pub limits: Vec<Limits>,
    /// How often the flag is thrown there and back.
    pub flips: usize,
    /// How many lanes the projection has.
    pub lanes: usize,
    /// How long a call takes at most, either way, in milliseconds. What a lease relies on is that this is much less than one.
    pub latency_ms: u64,
    /// How long people think at most before they write again, in milliseconds.
    pub thinks_ms: u64,
    /// How long writers may be held up, in milliseconds.
    pub fence_max_ms: u64,
    /// How many events the way back brings into the direct graph at once.
    pub way_back_batch: usize,
    /// The faults that it may meet.
    pub faults: Vec<Rate>,
    /// How often each kind may fire.
    pub firings_max: u32,
}

impl Schedule for Plan {
    const SUBJECT: Subject = Subject::Flag;

    fn draw(seed: Seed) -> Self {
        let mut random = seed.stream("flag-plan");
        let people = random.random_range(1..=4);
        let projects = random.random_range(1..=PROJECTS.len());
        Self {
            seed,
            people,
            guests: one_of(&mut seed.stream("flag-guests"), &[0, 0, 0, 1, 2]).min(people),
            sentences: random.random_range(people..=16),
            limits: draw_limits(projects, &mut random),
            flips: random.random_range(1..=2),
            lanes: one_of(&mut random, &[1, 3, 12]),
            latency_ms: one_of(&mut random, &[1, 8, 40]),
            thinks_ms: one_of(&mut random, &[20, 200, 2_000]),
            fence_max_ms: one_of(&mut random, &[5_000, 10_000, 60_000]),
            way_back_batch: one_of(&mut random, &[1, 5, 40, 1_000]),
            faults: draw_swarm(Subject::Flag, &mut random),
            firings_max: u32::MAX,
        }
    }

    fn run(&self, hooks: &Hooks, with_lines: bool) -> std::io::Result<Report> {
        super::run(self, hooks, with_lines)
    }

    fn smaller(&self) -> Vec<Vec<Self>> {
        let faults =
            fewer_kinds(&self.faults).into_iter().map(|faults| vec![Self { faults, ..self.clone() }]);
        let flips = (1..self.flips).map(|flips| Self { flips, ..self.clone() });
        let people =
            (1..self.people).map(|people| Self { people, guests: self.guests.min(people), ..self.clone() });
        let guests = (0..self.guests).map(|guests| Self { guests, ..self.clone() });
        let limits = fewer_projects(&self.limits).map(|limits| Self { limits, ..self.clone() });
        let sentences = below(self.sentences, &[1, 2, 4, 8]);
        let sentences = sentences.map(|sentences| Self { sentences, ..self.clone() });
        let firings = below(self.firings_max, FIRINGS);
        let firings = firings.map(|firings_max| Self { firings_max, ..self.clone() });
        let less = [
            flips.collect(),
            guests.collect(),
            people.collect(),
            limits.collect(),
            sentences.collect(),
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

    pub(super) const fn fence_max(&self) -> Duration {
        Duration::from_millis(self.fence_max_ms)
    }

    /// Returns whose interview a person works on as a guest, if they do.
    pub(super) fn host_of(&self, person: usize) -> Option<usize> {
        person.checked_sub(self.people)
    }

    /// Returns whether a person works on an interview that somebody else works on, too.
    pub(super) fn is_shared(&self, person: usize) -> bool {
        person < self.guests || self.host_of(person).is_some()
    }

    pub(super) fn sentences_per_file(&self) -> usize {
        self.sentences.div_ceil(self.people.max(1))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} and {} with {}; there and back {}; lanes {}; calls of up to {} ms, {} ms to think, a fence of up to {} ms, the way back by {}; \
             limits {}; faults ",
            counted(self.people as u64, "writer"),
            counted(self.guests as u64, "guest"),
            counted(self.sentences as u64, "sentence"),
            counted(self.flips as u64, "time"),
            self.lanes,
            self.latency_ms,
            self.thinks_ms,
            self.fence_max_ms,
            self.way_back_batch,
            AgreedWithEach(&self.limits),
        )?;
        write_rates(f, &self.faults, self.firings_max)
    }
}
