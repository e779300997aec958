//! A soak as a state machine: what was seen goes in with the time at which it was seen, what somebody has to be told comes out. No
//! clock is asked and nothing is read or written, so that two weeks take a moment. The main type is [`Soak`].
//!
//! The time between two rounds counts as watched if it is no longer than the criteria's gap: whatever changed in it is compared by the
//! second of them. A longer one does not count, and after a much longer one, or one in which a criterion was exceeded, nothing that
//! was watched before does.

use std::collections::BTreeMap;

use cutover_core::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::alert::{Alert, AlertKind};
use super::criteria::Criteria;
use super::observation::{Comparison, Cursor, Figures, Observation};
use super::phase::Phase;
use super::standing::{Breach, Criterion, Missing, Standing, in_words};
use crate::result::counted;

/// A million, which rates are told by.
const MILLION: u128 = 1_000_000;
/// Counts are kept by the hour.
const HOUR_MS: i64 = 3_600_000;
/// So many interviews that differ are looked at in each round; what is beyond is found again by a sweep.
const DIFFERING_MAX: usize = 1_000;

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Rounds that compared.
    pub rounds: u64,
    /// Rounds that came to nothing.
    pub failed: u64,
    /// Elements that were compared.
    pub elements: u64,
    /// Differences that were found, each once.
    pub differences: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.failed += other.failed;
        self.elements += other.elements;
        self.differences += other.differences;
    }
}

/// All that a soak remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Which soak; `None` until something was compared.
    pub phase: Option<Phase>,
    /// When it began, or began anew.
    pub begun_at: Option<Timestamp>,
    /// How often it has begun anew.
    pub begun_anew: u64,
    /// How long it was watched, in milliseconds.
    pub watched_ms: u64,
    /// When a round compared for the last time.
    pub last: Option<Timestamp>,
    /// Since when rounds have come to nothing.
    pub failing_since: Option<Timestamp>,
    /// Since when something has waited without the projection having caught up once.
    pub behind_since: Option<Timestamp>,
    /// How the projection stood last.
    pub figures: Option<Figures>,
    /// What was counted since it began.
    pub total: Tally,
    /// The same by hours since the Unix epoch, for as long as the window is.
    pub hours: BTreeMap<i64, Tally>,
    /// How many shards of a sweep were compared since it began.
    pub swept: u64,
    /// Where the next round goes on from.
    pub cursor: Cursor,
    /// The criteria that are exceeded.
    pub breaches: Vec<Breach>,
    /// Whether somebody was told that it is fulfilled.
    pub told_fulfilled: bool,
}

/// A soak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soak {
    criteria: Criteria,
    record: Record,
}

impl Soak {
    /// Begins a soak.
    pub fn new(criteria: Criteria) -> Self {
        Self { criteria, record: Record::default() }
    }

    /// Goes on with what is remembered of one that was watched under the same criteria.
    pub const fn resume(criteria: Criteria, record: Record) -> Self {
        Self { criteria, record }
    }

    /// Returns what it is held against.
    pub const fn criteria(&self) -> &Criteria {
        &self.criteria
    }

    /// Returns all that it remembers.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Takes in what a round saw, and returns what somebody has to be told.
    pub fn observe(&mut self, seen: Observation, now: Timestamp) -> Vec<Alert> {
        let mut alerts = Vec::new();
        let mut tell = |kind| alerts.push(Alert { at: now, kind });
        if let Some(phase) = seen.phase
            && self.record.phase != Some(phase)
        {
            if self.record.phase.is_some() {
                let told = format!("the flag was thrown; it is now {}", phase.told());
                tell(AlertKind::BeganAnew { told });
            }
            self.begin_anew(now);
            self.record.phase = Some(phase);
        }
        self.take_figures(seen.figures, now);
        let mut instance = None;
        match seen.comparison {
            Ok(mut compared) => {
                instance = compared.told.take();
                self.record.failing_since = None;
                self.pass_time(now, &mut tell);
                self.take_comparison(compared, now);
            }
            Err(miss) => {
                self.count(Tally { failed: 1, ..Tally::default() }, now);
                if self.record.failing_since.is_none() {
                    self.record.failing_since = Some(now);
                    tell(AlertKind::Missed { told: miss.reason });
                }
            }
        }
        self.judge(now, instance.as_deref(), &mut tell);
        let fulfilled = self.standing(now) == Standing::Fulfilled;
        if fulfilled && !self.record.told_fulfilled {
            tell(AlertKind::Fulfilled);
        }
        self.record.told_fulfilled = fulfilled;
        alerts
    }

    /// Returns how it stands at a time.
    pub fn standing(&self, now: Timestamp) -> Standing {
        let record = &self.record;
        if let Some(since) = record.breaches.iter().map(|breach| breach.since).min() {
            return Standing::Broken { why: record.breaches.clone(), since };
        }
        let missing = self.missing(now);
        if missing.is_empty() { Standing::Fulfilled } else { Standing::NotYet { missing } }
    }

    fn missing(&self, now: Timestamp) -> Vec<Missing> {
        let Record { watched_ms, last, total, swept, cursor, .. } = &self.record;
        let gap_ms = self.criteria.rounds.gap.ms();
        let mut missing = Vec::new();
        match last {
            Some(last) if *last > now => missing.push(Missing::Clock { last: *last }),
            Some(last) if since(*last, now) <= gap_ms => {}
            last => missing.push(Missing::Fresh { last: *last, gap_ms }),
        }
        let Some(phase) = self.record.phase else { return missing };
        let enough = self.criteria.enough(phase);
        if *watched_ms < enough.watched.ms() {
            missing.push(Missing::Time { watched_ms: *watched_ms, needed_ms: enough.watched.ms() });
        }
        if total.elements < enough.elements.get() {
            missing.push(Missing::Elements { compared: total.elements, needed: enough.elements.get() });
        }
        let needed = u64::from(enough.sweeps.get()) * u64::from(self.criteria.rounds.shards.get());
        if *swept < needed {
            missing.push(Missing::Sweeps { shards: *swept, needed });
        }
        let differences = cursor.differing.values().sum();
        if differences > 0 {
            missing.push(Missing::Differing { differences });
        }
        let interviews = cursor.changing.len() as u64;
        if interviews > 0 {
            missing.push(Missing::Changing { interviews });
        }
        missing
    }

    /// Forgets what was watched, and keeps where the next round goes on from: what is known to differ still does.
    fn begin_anew(&mut self, now: Timestamp) {
        let Record { phase, begun_at, begun_anew, figures, cursor, behind_since, failing_since, .. } =
            std::mem::take(&mut self.record);
        let begun_anew = begun_anew + u64::from(begun_at.is_some());
        self.record = Record {
            phase,
            begun_at: Some(now),
            begun_anew,
            figures,
            cursor,
            behind_since,
            failing_since,
            ..Record::default()
        };
    }

    fn take_figures(&mut self, figures: Option<Figures>, now: Timestamp) {
        let Some(figures) = figures else { return };
        self.record.figures = Some(figures);
        match figures.lag {
            0 => self.record.behind_since = None,
            _ => drop(self.record.behind_since.get_or_insert(now)),
        }
    }

    /// Counts the time since the last round as watched, if it was.
    fn pass_time(&mut self, now: Timestamp, tell: &mut impl FnMut(AlertKind)) {
        let rounds = &self.criteria.rounds;
        if let Some(last) = self.record.last {
            // A clock that was put back has watched nothing.
            let gap_ms = since(last, now);
            if gap_ms <= rounds.gap.ms() {
                self.record.watched_ms += gap_ms;
            } else if gap_ms <= rounds.begin_anew_after.ms() {
                tell(AlertKind::Halted { gap_ms });
            } else {
                let told = format!("nobody watched for {}", in_words(gap_ms));
                self.begin_anew(now);
                tell(AlertKind::BeganAnew { told });
            }
        }
        self.record.last = Some(now);
    }

    fn take_comparison(&mut self, compared: Comparison, now: Timestamp) {
        let Comparison { elements, mut differing, changing, positions, swept, .. } = compared;
        let known = &self.record.cursor.differing;
        let before = |name| known.get(name).copied().unwrap_or(0);
        let differences = differing.iter().map(|(name, count)| count.saturating_sub(before(name))).sum();
        while differing.len() > DIFFERING_MAX {
            differing.pop_last();
        }
        let shards = self.record.cursor.shards;
        let shards = if swept { (shards + 1) % self.criteria.rounds.shards } else { shards };
        self.record.swept += u64::from(swept);
        self.record.cursor = Cursor { positions: Some(positions), differing, changing, shards };
        self.count(Tally { rounds: 1, failed: 0, elements, differences }, now);
    }

    fn count(&mut self, tally: Tally, now: Timestamp) {
        self.record.total.add(tally);
        self.record.hours.entry(now.unix_ms().div_euclid(HOUR_MS)).or_default().add(tally);
        let window = i64::try_from(self.criteria.rounds.window.ms()).unwrap_or(i64::MAX);
        let begins = now.unix_ms().saturating_sub(window).div_euclid(HOUR_MS);
        self.record.hours.retain(|hour, _| *hour >= begins);
    }

    /// Holds what is known against what breaks a soak. One that was broken and is no more begins anew. `instance` is one difference, for
    /// whoever has to look into it.
    fn judge(&mut self, now: Timestamp, instance: Option<&str>, tell: &mut impl FnMut(AlertKind)) {
        let exceeded = self.exceeded(now, instance);
        let was_broken = !self.record.breaches.is_empty();
        let known = std::mem::take(&mut self.record.breaches);
        for (criterion, told) in exceeded {
            let since = match known.iter().find(|breach| breach.criterion == criterion) {
                Some(breach) => breach.since,
                None => {
                    tell(AlertKind::Broken { told: told.clone() });
                    now
                }
            };
            self.record.breaches.push(Breach { criterion, told, since });
        }
        if was_broken && self.record.breaches.is_empty() {
            self.begin_anew(now);
            // What is seen now was watched already.
            self.record.last = Some(now);
            let told = "no criterion is exceeded any more".to_owned();
            tell(AlertKind::BeganAnew { told });
        }
    }

    fn exceeded(&self, now: Timestamp, instance: Option<&str>) -> Vec<(Criterion, String)> {
        let (at_most, rounds) = (&self.criteria.at_most, &self.criteria.rounds);
        let mut seen = Tally::default();
        self.record.hours.values().for_each(|hour| seen.add(*hour));
        // What was found longer ago and is still there breaks it as long as it is.
        seen.differences = seen.differences.max(self.record.cursor.differing.values().sum());
        let window = rounds.window;
        let mut exceeded = Vec::new();
        // Few elements count as more, so that one difference among a handful is no rate.
        let of = seen.elements.max(rounds.elements.get());
        let allowed = u128::from(at_most.differences_per_million) * u128::from(of);
        if u128::from(seen.differences) * MILLION > allowed {
            let mut told = format!(
                "{} in {} elements within {window}, at most {} per million",
                counted(seen.differences, "difference"),
                seen.elements,
                at_most.differences_per_million
            );
            if let Some(instance) = instance {
                told += &format!("; such as {instance}");
            }
            exceeded.push((Criterion::DifferencesPerMillion, told));
        }
        if let Some(Figures { lag, parked }) = self.record.figures {
            if lag > at_most.lag_events {
                let told = format!("{lag} events and entries wait, at most {}", at_most.lag_events);
                exceeded.push((Criterion::LagEvents, told));
            }
            if parked > at_most.parked {
                exceeded.push((
                    Criterion::Parked,
                    format!("{parked} events are parked, at most {}", at_most.parked),
                ));
            }
        }
        if let Some(behind_since) = self.record.behind_since {
            let behind_ms = since(behind_since, now);
            if behind_ms > at_most.lag_for.ms() {
                let told = format!(
                    "the projection has not caught up for {}, at most {}",
                    in_words(behind_ms),
                    at_most.lag_for
                );
                exceeded.push((Criterion::LagFor, told));
            }
        }
        if seen.failed > at_most.failed_rounds {
            let told = format!(
                "{} within {window} came to nothing, at most {}",
                counted(seen.failed, "round"),
                at_most.failed_rounds
            );
            exceeded.push((Criterion::FailedRounds, told));
        }
        exceeded
    }
}

/// Returns the milliseconds from one time to another; none where a clock was put back.
fn since(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.unix_ms() - from.unix_ms()).unwrap_or(0)
}
