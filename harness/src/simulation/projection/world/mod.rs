//! A schedule: the store, the graph and one or two projection services, moved step by step by a scheduler that the seed decides.
//!
//! At first it is rough: events are appended, faults fire. Then it calms down, the parking lots are replayed until they are empty, and
//! nothing may be left to do. What must hold is looked at wherever it could break.
//!
//! | file | what it answers for |
//! |---|---|
//! | `scheduler` | what happens next, and when |
//! | `deliveries` | events into the store, and out of it |
//! | `answers` | what a projector says |
//! | `graph` | what a service waits for |
//! | `processes` | services that start, die, and are cut off |
//! | `settling` | the end |

mod answers;
mod deliveries;
mod graph;
mod processes;
mod scheduler;
mod settling;

pub(super) use graph::failure;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use cutover_core::graph::ChangeSet;
use cutover_core::ids::AggregateId;
use cutover_core::limits::LimitsTable;
use cutover_engines::graph::{PropertyGraph, Schema};
use rand::RngExt;
use rustc_hash::FxHashSet;

use super::plan::Plan;
use super::recorder::Append;
use super::service::Service;
use super::store::{EventStore, home_of};
use crate::provision::hooks::{GraphHook, Hooks, LogHook};
use crate::seed::Stream;
use crate::simulation::Work;
use crate::simulation::fault::{Dice, Fault, Fired};
use crate::simulation::projection::audit::{Audit, Key};
use crate::simulation::trace::Trace;
use crate::simulation::violation::Violation;

/// The graph that a schedule projects into, for its hooks.
const PROJECTED: &str = "projected";

/// How many steps the calm part may take. Fifty thousand were seen: one event at a time, replayed again and again.
const CALM_STEPS_MAX: u64 = 100_000;

pub(super) struct World<'a> {
    plan: &'a Plan,
    limits: LimitsTable,
    log_hook: Arc<dyn LogHook>,
    graph_hook: Arc<dyn GraphHook>,
    random: Stream,
    dice: Dice,
    trace: &'a mut Trace,
    now_ms: u64,
    store: EventStore,
    graph: PropertyGraph,
    audit: Audit,
    services: Vec<Service>,
    /// Batches of processes that died, which may still be committed.
    late: Vec<Arc<Vec<ChangeSet>>>,
    outage_until_ms: u64,
    appends: VecDeque<Append>,
    /// What was appended so far, as it is in the store.
    log: Vec<Append>,
    /// How many events each aggregate has in the end.
    ends: BTreeMap<AggregateId, u64>,
    is_old_wire: bool,
    poison: FxHashSet<Key>,
    unreadable: FxHashSet<Key>,
    next_delivery: u64,
    /// Whether the store was restarted after a lot was replayed. What it had not delivered by then is lost: the real one forgets it,
    /// too.
    may_have_lost: bool,
    has_replayed: bool,
    /// How many batches there were when the lots were last replayed in the calm.
    batches_at_replay: Option<u64>,
    /// Subscriptions that were cut off with an answer on its way, by service.
    cut: Vec<(usize, usize)>,
    work: Work,
}

impl<'a> World<'a> {
    pub(super) fn new(plan: &'a Plan, hooks: &Hooks, appends: Vec<Append>, trace: &'a mut Trace) -> Self {
        let seed = plan.seed;
        let limits = plan.limits_table();
        let mut dice = Dice::new(seed, &plan.faults, plan.firings_max);
        let is_old_wire = dice.fires(Fault::OldWire);
        let services = if dice.fires(Fault::SecondService) { 2 } else { 1 };
        let mut world = Self {
            plan,
            limits,
            log_hook: hooks.log(),
            graph_hook: hooks.graph(PROJECTED),
            random: seed.stream("schedule"),
            dice,
            trace,
            now_ms: 0,
            store: EventStore::new(seed.number(), &plan.group_settings()),
            graph: PropertyGraph::new(Schema::Projected),
            audit: Audit::default(),
            services: Vec::new(),
            late: Vec::new(),
            outage_until_ms: 0,
            ends: ends_of(&appends),
            appends: appends.into(),
            log: Vec::new(),
            is_old_wire,
            poison: FxHashSet::default(),
            unreadable: FxHashSet::default(),
            next_delivery: 0,
            may_have_lost: false,
            has_replayed: false,
            batches_at_replay: None,
            cut: Vec::new(),
            work: Work::default(),
        };
        world.draw_bad_events();
        world.audit.are_shared = services > 1;
        for _ in 0..services {
            world.start_service(plan.lanes);
        }
        world
    }

    /// Draws the events that will be refused or cannot be read, and what may be parked because of them.
    fn draw_bad_events(&mut self) {
        let mut bad = FxHashSet::default();
        let mut homes = Vec::new();
        for append in &self.appends {
            let Some(aggregate) = append.stream.aggregate() else { continue };
            for version in (append.at..).take(append.events.len()) {
                let key = (aggregate, version);
                let is_poison = self.dice.falls(Fault::Poison);
                let is_unreadable = self.dice.falls(Fault::Unreadable);
                if is_poison {
                    self.poison.insert(key);
                }
                if is_unreadable {
                    self.unreadable.insert(key);
                }
                if is_poison || is_unreadable {
                    bad.insert(aggregate);
                }
            }
            if let (AggregateId::Sentence(_), 0) = (aggregate, append.at)
                && let Some(interview) = append.recorded().next().as_ref().and_then(home_of)
            {
                homes.push((aggregate, AggregateId::Interview(interview)));
            }
        }
        homes.retain(|(_, interview)| bad.contains(interview));
        self.audit.tainted = bad;
        self.audit.tainted.extend(homes.into_iter().map(|(sentence, _)| sentence));
    }

    /// Runs the schedule to its end.
    ///
    /// # Errors
    ///
    /// The first [`Violation`].
    pub(super) fn run(&mut self) -> Result<(), Violation> {
        let rough_steps_after_all = self.random.random_range(0..200);
        let mut left = rough_steps_after_all;
        while !self.appends.is_empty() || left > 0 {
            if self.appends.is_empty() {
                left -= 1;
            }
            self.meet_faults()?;
            self.step()?;
        }
        self.calm_down()?;
        let mut calm_steps = 0;
        while !self.is_settled()? {
            self.step()?;
            calm_steps += 1;
            if calm_steps > CALM_STEPS_MAX {
                return Err(self.stuck());
            }
        }
        if self.services.iter().any(|service| service.projector.metrics().paused) {
            return Err(Violation::BreakerStaysOpen);
        }
        self.nothing_is_lost()
    }

    fn nothing_is_lost(&self) -> Result<(), Violation> {
        for (&aggregate, &events) in &self.ends {
            let next = self.audit.next(aggregate);
            if next != events {
                return Err(Violation::EventLost { aggregate, next, events });
            }
        }
        Ok(())
    }

    /// Returns what it did, and which faults it met.
    pub(super) fn done(&self) -> (Work, Fired) {
        (self.work, self.dice.fired.clone())
    }

    /// Returns the graph, to be compared, and the log that it was projected from.
    pub(super) fn into_graph_and_log(self) -> (PropertyGraph, Vec<Append>) {
        (self.graph, self.log)
    }

    fn stuck(&mut self) -> Violation {
        let owed = self.services.iter().map(|service| service.unanswered.len() as u64).sum();
        let parked = (0..2).map(|subscription| self.store.standing(subscription, self.now_ms).1).sum();
        Violation::Stuck { owed, parked }
    }

    fn note(&mut self, kind: &'static str, numbers: &[u64], text: impl FnOnce() -> String) {
        self.trace.note(self.now_ms, kind, numbers, [], text);
    }

    fn fault(&mut self, fault: Fault, text: impl FnOnce() -> String) {
        let text = || format!("fault {fault}: {}", text());
        self.trace.note(self.now_ms, fault.as_str(), &[], [], text);
    }
}

/// Returns how many events each aggregate has after all appends.
fn ends_of(appends: &[Append]) -> BTreeMap<AggregateId, u64> {
    let ends = appends.iter().map(|append| {
        let aggregate = append.stream.aggregate()?;
        Some((aggregate, append.at + append.events.len() as u64))
    });
    ends.flatten().collect()
}
