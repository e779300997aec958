//! A schedule: the store, the graph and one or two projection services, moved step by step by a scheduler that the seed decides.
//!
//! At first it is rough: events are appended, faults fire. Then it calms down, the parking lots are replayed until they are empty, and
//! nothing may be left to do. What must hold is looked at wherever it could break.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use cutover_core::event::{Body, RecordedEvent};
use cutover_core::graph::ChangeSet;
use cutover_core::ids::{AggregateId, SentenceId};
use cutover_core::limits::LimitsTable;
use cutover_core::projector::{Action, Delivery, DeliveryId, Failure, Input};
use cutover_core::wire;
use cutover_engines::event_log::Delivered;
use cutover_engines::graph::{ApplyError, GraphError, PropertyGraph, Schema};
use rand::RngExt;
use rustc_hash::FxHashSet;
use uuid::Uuid;

use super::fault::{Dice, Fault, Fired};
use super::invariant::{Audit, Key, Violation};
use super::plan::Plan;
use super::recorder::Append;
use super::service::{Service, Task, Unanswered};
use super::store::{EventStore, Message, SUBSCRIPTIONS};
use super::trace::Trace;
use super::wire_of_old;
use super::workload::project;
use crate::provision::hooks::{Answer, GraphHook, Hooks, LogHook};
use crate::seed::Stream;

/// The graph that a schedule projects into, for its hooks.
const PROJECTED: &str = "projected";

/// How many steps the calm part may take.
const CALM_STEPS_MAX: u64 = 30_000;

/// How long nothing happens in a standstill: longer than the store waits for an answer.
const STANDSTILL_MS: u64 = 61_000;

/// How many events more than it was given room for a projector may hold: some that a replay sends, and it has already.
const QUEUE_SLACK: u64 = 32;

/// How long a service waits for a batch.
const APPLY_TIMEOUT_MS: u64 = 30_000;

/// How long an outage of the graph lasts at most.
const OUTAGE_MS_MAX: u64 = 90_000;

/// What the scheduler may do next.
#[derive(Debug, Clone, Copy)]
enum Choice {
    Append,
    Deliver { service: usize, subscription: usize },
    Finish { service: usize, task: usize },
    PassTime,
}

/// How much a schedule did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// How many steps it took.
    pub steps: u64,
    /// How many deliveries were taken in.
    pub deliveries: u64,
    /// How many batches were committed.
    pub batches: u64,
    /// How many events were parked.
    pub parked: u64,
    /// How often the groups had to be made anew, because the store had lost what it was replaying.
    pub groups_made_anew: u64,
}

impl Work {
    /// Adds what another schedule did.
    pub const fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.deliveries += other.deliveries;
        self.batches += other.batches;
        self.parked += other.parked;
        self.groups_made_anew += other.groups_made_anew;
    }
}

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
        let limits = plan.limits_table(project());
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
            for (version, event) in (append.at..).zip(&append.events) {
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
                if let (AggregateId::Sentence(_), 0) = key
                    && let Some(interview) = interview_of(&append.stream, event)
                {
                    homes.push((aggregate, interview));
                }
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

    /// Returns the graph, to be compared.
    pub(super) fn into_graph(self) -> PropertyGraph {
        self.graph
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

    // ---- the scheduler

    /// Lets those faults happen that wait for nobody's call.
    fn meet_faults(&mut self) -> Result<(), Violation> {
        if self.dice.fires(Fault::Crash) {
            let service = self.below(self.services.len());
            self.crash(service);
        }
        if self.dice.fires(Fault::SubscriptionLost) {
            let (service, subscription) = (self.below(self.services.len()), self.below(2));
            self.fault(Fault::SubscriptionLost, || {
                format!("service {service}, {:?}", SUBSCRIPTIONS[subscription])
            });
            self.store.disconnect(self.services[service].clients[subscription], self.now_ms);
            self.lose(service, subscription)?;
        }
        if self.dice.fires(Fault::StoreRestart) {
            self.fault(Fault::StoreRestart, || "groups go on from their checkpoints".to_owned());
            self.may_have_lost |= self.has_replayed;
            self.store.restart(self.now_ms);
            self.route();
        }
        if self.outage_until_ms <= self.now_ms && self.dice.fires(Fault::GraphOutage) {
            self.outage_until_ms = self.now_ms + 1 + self.dice.below(Fault::GraphOutage, OUTAGE_MS_MAX);
            let until = self.outage_until_ms;
            self.fault(Fault::GraphOutage, || format!("until {until} ms"));
        }
        if self.dice.fires(Fault::ReplayUnderWay) {
            self.fault(Fault::ReplayUnderWay, || "both lots".to_owned());
            self.replay();
        }
        if self.dice.fires(Fault::Standstill) {
            self.fault(Fault::Standstill, || format!("{STANDSTILL_MS} ms"));
            self.pass_time(STANDSTILL_MS)?;
        }
        if !self.late.is_empty() && self.random.random_range(0..6) == 0 {
            self.commit_late()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Violation> {
        self.work.steps += 1;
        match self.choose() {
            Choice::Append => self.append(),
            Choice::Deliver { service, subscription } => self.deliver(service, subscription),
            Choice::Finish { service, task } => self.finish(service, task),
            Choice::PassTime => self.pass_some_time(),
        }
    }

    /// Draws what happens next, of what can.
    fn choose(&mut self) -> Choice {
        let mut choices = [(Choice::PassTime, 0_u32); 12];
        let mut count = 0;
        let mut may = |choice: Choice, weight: u32| {
            if count < choices.len() {
                choices[count] = (choice, weight);
                count += 1;
            }
        };
        if !self.appends.is_empty() {
            may(Choice::Append, 4);
        }
        for (at, service) in self.services.iter().enumerate() {
            for subscription in 0..2 {
                if !service.is_paused && !service.inboxes[subscription].is_empty() {
                    may(Choice::Deliver { service: at, subscription }, 4);
                }
            }
            let ready = service.tasks.iter().filter(|task| task.not_before_ms() <= self.now_ms).count();
            if ready > 0 {
                let drawn = self.random.random_range(0..ready);
                let is_ready = |(_, task): &(usize, &Task)| task.not_before_ms() <= self.now_ms;
                let (task, _) =
                    service.tasks.iter().enumerate().filter(is_ready).nth(drawn).expect("it was counted");
                may(Choice::Finish { service: at, task }, 5);
            }
        }
        may(Choice::PassTime, 1);
        let total: u32 = choices[..count].iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.random.random_range(0..total);
        for (choice, weight) in &choices[..count] {
            if drawn < *weight {
                return *choice;
            }
            drawn -= weight;
        }
        Choice::PassTime
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random.random_range(0..limit.max(1))
    }

    // ---- time

    /// Lets time pass: a little while something can be done without it, else until something can.
    fn pass_some_time(&mut self) -> Result<(), Violation> {
        let can_go_on = !self.appends.is_empty()
            || self.services.iter().any(|service| {
                let has_work = service.tasks.iter().any(|task| task.not_before_ms() <= self.now_ms);
                has_work || !service.is_paused && service.inboxes.iter().any(|inbox| !inbox.is_empty())
            });
        let next = self.services.iter().filter_map(Service::next_ms).filter(|&ms| ms > self.now_ms).min();
        let ms = match next {
            _ if can_go_on => self.random.random_range(1..400),
            // The store wakes up every second.
            Some(next) => (next - self.now_ms).min(1_000),
            None => 1_000,
        };
        self.pass_time(ms)
    }

    fn pass_time(&mut self, ms: u64) -> Result<(), Violation> {
        let second = self.now_ms / 1_000;
        self.now_ms += ms;
        self.note("time", &[], || "time passes".to_owned());
        if self.now_ms / 1_000 > second {
            self.store.tick(self.now_ms);
            self.route();
        }
        for service in 0..self.services.len() {
            if self.services[service].wake_at_ms.is_some_and(|at_ms| at_ms <= self.now_ms) {
                self.services[service].wake_at_ms = None;
                self.tell(service, Input::Tick)?;
            }
        }
        Ok(())
    }

    // ---- events

    fn append(&mut self) -> Result<(), Violation> {
        let Some(mut append) = self.appends.pop_front() else { return Ok(()) };
        if self.is_old_wire {
            wire_of_old::rewrite(&mut append.events);
        }
        let times = if self.dice.fires(Fault::AppendRepeated) { 2 } else { 1 };
        let (at, count) = (append.at, append.events.len() as u64);
        let aggregate = append.stream.aggregate();
        self.trace.note(self.now_ms, "append", &[at, count, times], aggregate, || {
            let types: Vec<&str> = append.events.iter().map(|event| event.event_type.as_str()).collect();
            let twice = if times == 2 { ", twice" } else { "" };
            format!("append to {} from {at}{twice}: {}", append.stream, types.join(", "))
        });
        for _ in 0..times {
            self.store.append(&append, self.now_ms);
        }
        self.route();
        Ok(())
    }

    /// Puts what the store has sent into the inboxes of those who are meant.
    fn route(&mut self) {
        for (client, message) in self.store.take_sent() {
            for service in &mut self.services {
                let of_client = service.clients.iter().position(|&mine| mine == client);
                if let Some(subscription) = of_client {
                    service.inboxes[subscription].push_back(message);
                    break;
                }
            }
        }
    }

    /// Lets a service take in some of what was sent to it.
    fn deliver(&mut self, at: usize, subscription: usize) -> Result<(), Violation> {
        let count = self.random.random_range(1..=16).min(self.services[at].inboxes[subscription].len());
        let mut taken: Vec<Delivered> = Vec::with_capacity(count);
        let mut is_dropped = false;
        for _ in 0..count {
            let waiting = self.services[at].inboxes[subscription].len();
            let mut place = 0;
            if waiting > 1 && self.dice.falls(Fault::Reorder) {
                let drawn = self.dice.below(Fault::Reorder, waiting as u64) as usize;
                place = self.services[at].first_about_the_same(subscription, drawn);
                if place > 0 {
                    self.dice.count(Fault::Reorder);
                }
            }
            match self.services[at].inboxes[subscription].remove(place) {
                Some(Message::Event(delivered)) => {
                    let again = self.dice.fires(Fault::Redeliver).then(|| delivered.clone());
                    taken.push(delivered);
                    taken.extend(again);
                }
                Some(Message::Dropped) => {
                    is_dropped = true;
                    break;
                }
                None => break,
            }
        }
        let group = self.store.group(subscription).clone();
        for (ack_id, answer) in self.log_hook.answer_at_once(&group, &taken) {
            self.give(at, subscription, ack_id, &answer)?;
        }
        match self.log_hook.deliver(&group, taken) {
            Ok(delivered) => self.take_in(at, subscription, delivered)?,
            Err(_) => is_dropped = true,
        }
        if is_dropped {
            self.store.disconnect(self.services[at].clients[subscription], self.now_ms);
            self.lose(at, subscription)?;
        }
        Ok(())
    }

    fn take_in(&mut self, at: usize, subscription: usize, taken: Vec<Delivered>) -> Result<(), Violation> {
        for delivered in taken {
            self.work.deliveries += 1;
            let Some(event) = delivered.event else {
                self.answer(at, subscription, delivered.ack_id, Answer::Acknowledge)?;
                continue;
            };
            let event = self.garbled(event);
            let key = super::store::key_of(&event);
            let revision = event.revision;
            self.trace.note(
                self.now_ms,
                "deliver",
                &[at as u64, subscription as u64, revision],
                key.map(|(aggregate, _)| aggregate),
                || {
                    let how = if delivered.replayed { " from the lot" } else { "" };
                    format!(
                        "service {at} is delivered {} {} of {}{how}",
                        event.event_type, revision, event.stream
                    )
                },
            );
            self.next_delivery += 1;
            let id = DeliveryId(self.next_delivery);
            let service = &mut self.services[at];
            let since_step = self.work.steps;
            let unanswered = Unanswered { subscription, ack_id: delivered.ack_id, since_step };
            service.unanswered.insert(id, unanswered);
            let delivery = Delivery {
                id,
                subscription: SUBSCRIPTIONS[subscription],
                event,
                replayed: delivered.replayed,
                retry_count: delivered.retry_count,
            };
            service.projector.handle(self.now_ms, Input::Delivered(delivery));
        }
        self.carry_out(at)
    }

    /// Makes an event one that cannot be read, if it is to be one.
    fn garbled(&mut self, mut event: RecordedEvent) -> RecordedEvent {
        let is_unreadable = super::store::key_of(&event).is_some_and(|key| self.unreadable.contains(&key));
        if is_unreadable && self.dice.is_rough() {
            self.dice.count(Fault::Unreadable);
            event.data = b"{".as_slice().into();
        }
        event
    }

    // ---- what a projector says

    fn tell(&mut self, at: usize, input: Input) -> Result<(), Violation> {
        self.services[at].projector.handle(self.now_ms, input);
        self.carry_out(at)
    }

    fn carry_out(&mut self, at: usize) -> Result<(), Violation> {
        while let Some(action) = self.services[at].projector.poll() {
            match action {
                Action::Apply { batch, change_sets: sets, .. } => {
                    let is_slow = self.dice.fires(Fault::CommitSlow);
                    let given_up_at_ms = is_slow.then(|| self.now_ms + APPLY_TIMEOUT_MS);
                    self.services[at].tasks.push(Task::Apply { batch, sets, given_up_at_ms });
                }
                Action::Check { aggregates } => self.services[at].tasks.push(Task::Check { aggregates }),
                Action::Locate { sentence } => self.services[at].tasks.push(Task::Locate { sentence }),
                Action::Acknowledge(deliveries) => {
                    for delivery in deliveries {
                        let unanswered = self.services[at].unanswered.remove(&delivery);
                        if let Some(Unanswered { subscription, ack_id, .. }) = unanswered {
                            self.answer(at, subscription, ack_id, Answer::Acknowledge)?;
                        }
                    }
                }
                Action::Park { delivery, reason } => {
                    let unanswered = self.services[at].unanswered.remove(&delivery);
                    if let Some(Unanswered { subscription, ack_id, .. }) = unanswered {
                        self.may_park(at, ack_id)?;
                        self.answer(at, subscription, ack_id, Answer::Park(reason.to_string()))?;
                    }
                }
                Action::WakeAt(ms) => self.services[at].wake_at_ms = Some(ms),
                Action::Pause => self.services[at].is_paused = true,
                Action::Resume => self.services[at].is_paused = false,
            }
        }
        if let Some((at, subscription)) = self.cut.pop() {
            self.store.disconnect(self.services[at].clients[subscription], self.now_ms);
            return self.lose(at, subscription);
        }
        self.look_at_queues(at)
    }

    fn may_park(&mut self, at: usize, ack_id: Uuid) -> Result<(), Violation> {
        let Some(key) = self.store.event_of(ack_id) else { return Ok(()) };
        let service = &mut self.services[at];
        service.asked_to_park.insert(key);
        // What was taken in in this step may have come after the decision.
        let known = service.unanswered.values().filter(|held| held.since_step < self.work.steps);
        let held = known.filter_map(|held| self.store.event_of(held.ack_id));
        self.audit.may_park(key, held.filter(|held| !service.asked_to_park.contains(held)))
    }

    fn look_at_queues(&self, at: usize) -> Result<(), Violation> {
        // Now and then is enough: a queue that grows without bounds is found the next time.
        if !self.work.steps.is_multiple_of(16) {
            return Ok(());
        }
        let service = &self.services[at];
        let metrics = service.projector.metrics();
        let held = metrics.queue_depth.iter().chain(&metrics.held).map(|&events| events as u64).sum();
        // What the store takes back makes room for more, and the projector still has it.
        let limit = 2 * self.plan.buffer as u64 + service.disowned + self.store.taken_back() + QUEUE_SLACK;
        if held > limit { Err(Violation::QueueOverflow { held, limit }) } else { Ok(()) }
    }

    /// Sends an answer on its way. It is lost only together with its connection, and then so is all that follows on that.
    fn answer(
        &mut self,
        at: usize,
        subscription: usize,
        ack_id: Uuid,
        answer: Answer,
    ) -> Result<(), Violation> {
        if self.cut.contains(&(at, subscription)) {
            return Ok(());
        }
        let fault = match answer {
            Answer::Acknowledge => Fault::AcknowledgementLost,
            _ => Fault::ParkingLost,
        };
        if self.dice.fires(fault) {
            self.fault(fault, || format!("of service {at}, which loses {:?}", SUBSCRIPTIONS[subscription]));
            self.cut.push((at, subscription));
            return Ok(());
        }
        match self.log_hook.answer(self.store.group(subscription), ack_id, answer) {
            Ok(answer) => self.give(at, subscription, ack_id, &answer),
            Err(_) => Ok(()),
        }
    }

    /// Gives the store an answer, and looks whether it may be given.
    fn give(
        &mut self,
        at: usize,
        subscription: usize,
        ack_id: Uuid,
        answer: &Answer,
    ) -> Result<(), Violation> {
        let client = self.services[at].clients[subscription];
        // Who was dropped answers to nobody, until it is told so.
        if !self.store.is_connected(client) {
            return Ok(());
        }
        if let Some(key) = self.store.event_of(ack_id) {
            let (aggregate, version) = key;
            let (kind, how) = match answer {
                Answer::Acknowledge => ("acknowledge", "acknowledges"),
                Answer::Park(_) => ("park", "parks"),
                Answer::Retry(_) => ("retry", "sends back"),
                Answer::Nothing => ("nothing", "does not answer"),
            };
            self.trace.note(self.now_ms, kind, &[at as u64, version], [aggregate], || {
                let why =
                    if let Answer::Park(reason) = answer { format!(": {reason}") } else { String::new() };
                format!("service {at} {how} {version} of {aggregate}{why}")
            });
            if *answer == Answer::Acknowledge {
                self.audit.acknowledged(key)?;
            }
        }
        self.store.answer(client, ack_id, answer, self.now_ms);
        if let Answer::Park(reason) = answer {
            for key in self.store.take_parked(subscription, self.now_ms) {
                self.work.parked += 1;
                self.audit.parked(key, reason)?;
            }
        }
        self.route();
        Ok(())
    }

    // ---- the graph

    fn finish(&mut self, at: usize, task: usize) -> Result<(), Violation> {
        let input = match self.services[at].tasks.swap_remove(task) {
            Task::Apply { batch, sets, given_up_at_ms: Some(_) } => {
                self.fault(Fault::CommitSlow, || format!("service {at} waits no longer"));
                self.late.push(sets);
                let reason = format!("no answer within {APPLY_TIMEOUT_MS} ms");
                Input::Failed { batch, failure: Failure::Unavailable { reason } }
            }
            Task::Apply { batch, sets, given_up_at_ms: None } => match self.apply(at, &sets)? {
                Ok(()) => Input::Committed { batch },
                Err(failure) => Input::Failed { batch, failure },
            },
            Task::Check { aggregates } => self.versions(aggregates),
            Task::Locate { sentence } => self.locate(sentence),
        };
        self.tell(at, input)
    }

    /// Applies a batch of a service; answers with what the service hears of it.
    fn apply(&mut self, at: usize, sets: &Arc<Vec<ChangeSet>>) -> Result<Result<(), Failure>, Violation> {
        // The program's error path sees it, too: a defect may take it for something else.
        let hook = self.graph_hook.clone();
        let unavailable = || {
            let (during, source) = ("apply changes", "out of reach".into());
            hook.applied(sets, Err(GraphError::Unavailable { during, source }.into())).map_err(failure)
        };
        if self.outage_until_ms > self.now_ms {
            self.note("away", &[at as u64], || format!("service {at} finds no graph"));
            return Ok(unavailable());
        }
        if self.dice.fires(Fault::GraphUnreachable) {
            self.fault(Fault::GraphUnreachable, || format!("for a batch of service {at}"));
            return Ok(unavailable());
        }
        if self.dice.fires(Fault::BatchTooLarge) {
            self.fault(Fault::BatchTooLarge, || format!("{} events of service {at}", sets.len()));
            return Ok(Err(Failure::TooLarge { reason: "too little memory".to_owned() }));
        }
        let answer = self.commit(at, sets)?;
        if answer.is_ok() && self.dice.fires(Fault::CommitReplyLost) {
            self.fault(Fault::CommitReplyLost, || format!("to service {at}"));
            return Ok(unavailable());
        }
        Ok(answer)
    }

    /// Commits a batch if its guards fit and nothing in it is refused.
    fn commit(&mut self, at: usize, sets: &Arc<Vec<ChangeSet>>) -> Result<Result<(), Failure>, Violation> {
        let passed = match self.graph_hook.apply(sets.to_vec()) {
            Ok(passed) => passed,
            Err(error) => return Ok(Err(failure(error))),
        };
        let keys = || sets.iter().filter_map(|set| set.guard).map(|guard| (guard.aggregate, guard.version));
        let is_poisoned = self.dice.is_rough() && keys().any(|key| self.poison.contains(&key));
        // As in a database, guards are looked at first: what does not fit is not tried.
        let answer = if is_poisoned && self.fits(keys()) {
            self.dice.count(Fault::Poison);
            let source = Box::new(Refused);
            Err(ApplyError::Graph(GraphError::Refused { during: "apply changes", source }))
        } else {
            self.graph.apply(&passed).map_err(ApplyError::Conflict)
        };
        let is_committed = answer.is_ok();
        self.trace.note(
            self.now_ms,
            if is_committed { "commit" } else { "refuse" },
            &[at as u64, sets.len() as u64],
            keys().map(|(aggregate, _)| aggregate),
            || {
                let events: Vec<String> =
                    keys().map(|(aggregate, version)| format!("{version} of {aggregate}")).collect();
                let what = events.join(", ");
                match &answer {
                    Ok(()) => format!("the graph commits for service {at}: {what}"),
                    Err(error) => format!("the graph refuses for service {at} ({error}): {what}"),
                }
            },
        );
        if is_committed {
            self.work.batches += 1;
            for key in keys() {
                self.audit.applied(key)?;
            }
        }
        Ok(self.graph_hook.applied(sets, answer).map_err(failure))
    }

    /// Returns whether versions go on top of what is in the graph, one after the other.
    fn fits(&self, keys: impl Iterator<Item = Key>) -> bool {
        let mut next: BTreeMap<AggregateId, u64> = BTreeMap::new();
        for (aggregate, version) in keys {
            let in_graph = || self.graph.version(aggregate).map_or(0, |version| version + 1);
            let next = next.entry(aggregate).or_insert_with(in_graph);
            if version != *next {
                return false;
            }
            *next += 1;
        }
        true
    }

    fn versions(&mut self, aggregates: Vec<AggregateId>) -> Input {
        let untold = |aggregates| Input::CheckFailed { aggregates, reason: "out of reach".to_owned() };
        if self.outage_until_ms > self.now_ms {
            return untold(aggregates);
        }
        if self.dice.fires(Fault::VersionsUntold) {
            self.fault(Fault::VersionsUntold, || format!("{} aggregates", aggregates.len()));
            return untold(aggregates);
        }
        let versions = aggregates.iter().map(|&aggregate| self.graph.version(aggregate)).collect();
        match self.graph_hook.versions(&aggregates, versions) {
            Ok(versions) => Input::Versions(aggregates.into_iter().zip(versions).collect()),
            Err(_) => untold(aggregates),
        }
    }

    fn locate(&mut self, sentence: SentenceId) -> Input {
        if self.dice.fires(Fault::SentenceNotLocated) {
            self.fault(Fault::SentenceNotLocated, || format!("Sentence-{sentence}"));
            return Input::LocateFailed { sentence };
        }
        let (stream, events) = self.store.first_event(sentence, self.now_ms);
        let Ok(events) = self.log_hook.read(&stream, events) else {
            return Input::LocateFailed { sentence };
        };
        let interview = events.first().and_then(|event| match wire::decode(event).ok()?.body {
            Body::Sentence { interview, .. } => interview,
            Body::Interview(_) | Body::Unknown { .. } => None,
        });
        Input::Located { sentence, interview }
    }

    // ---- processes

    fn start_service(&mut self, lanes: usize) {
        let settings = self.plan.projector_settings(lanes, self.limits.clone());
        let clients =
            [0, 1].map(|subscription| self.store.connect(subscription, self.plan.buffer, self.now_ms));
        self.services.push(Service::start(settings, clients));
        self.route();
    }

    /// Kills a process and starts another one. A batch that was under way may be committed later.
    fn crash(&mut self, at: usize) {
        let lanes = if self.dice.fires(Fault::LaneCountChange) {
            1 + self.dice.below(Fault::LaneCountChange, 12) as usize
        } else {
            self.services[at].lanes
        };
        self.fault(Fault::Crash, || format!("service {at}; its successor has {lanes} lanes"));
        let dead = self.services.swap_remove(at);
        for client in dead.clients {
            self.store.disconnect(client, self.now_ms);
        }
        for task in dead.tasks {
            if let Task::Apply { sets, .. } = task
                && self.dice.falls(Fault::LateCommit)
            {
                self.late.push(sets);
            }
        }
        self.start_service(lanes);
    }

    /// Commits what a dead process had under way, if its guards still fit.
    fn commit_late(&mut self) -> Result<(), Violation> {
        if self.outage_until_ms > self.now_ms {
            return Ok(());
        }
        let drawn = self.below(self.late.len());
        let sets = self.late.swap_remove(drawn);
        self.dice.count(Fault::LateCommit);
        self.fault(Fault::LateCommit, || format!("{} events of a process that has died", sets.len()));
        let _nobody_hears = self.commit(usize::MAX, &sets)?;
        Ok(())
    }

    /// Lets a service lose a subscription, and join again.
    fn lose(&mut self, at: usize, subscription: usize) -> Result<(), Violation> {
        let client = self.store.connect(subscription, self.plan.buffer, self.now_ms);
        self.services[at].rejoin(subscription, client);
        self.route();
        self.tell(at, Input::SubscriptionLost(SUBSCRIPTIONS[subscription]))
    }

    fn replay(&mut self) {
        self.has_replayed = true;
        for subscription in 0..2 {
            self.store.replay_parked(subscription, self.now_ms);
        }
        self.route();
    }

    /// Does what the documentation tells an operator to do when a version is neither delivered nor parked.
    fn make_groups_anew(&mut self) {
        self.note("anew", &[], || {
            "versions are missing that the store has lost; its groups are made anew".to_owned()
        });
        self.may_have_lost = false;
        self.batches_at_replay = None;
        self.work.groups_made_anew += 1;
        for subscription in 0..2 {
            self.store.recreate(subscription, &self.plan.group_settings(), self.now_ms);
        }
        self.route();
    }

    // ---- the end

    /// Ends the time of faults: causes are gone, the graph is there.
    fn calm_down(&mut self) -> Result<(), Violation> {
        while !self.late.is_empty() {
            self.outage_until_ms = 0;
            self.commit_late()?;
        }
        self.dice.calm_down();
        self.outage_until_ms = 0;
        self.note("calm", &[], || "it calms down: no more faults, and their causes are gone".to_owned());
        Ok(())
    }

    /// Returns whether everything is done. Where only the parking lots are left, they are replayed.
    fn is_settled(&mut self) -> Result<bool, Violation> {
        if !self.services.iter().all(Service::is_idle) {
            return Ok(false);
        }
        let mut parked = 0;
        for subscription in 0..2 {
            let (owed, in_lot) = self.store.standing(subscription, self.now_ms);
            self.route();
            if owed > 0 {
                return Ok(false);
            }
            parked += in_lot;
        }
        if parked > 0 {
            let is_in_vain = self.batches_at_replay == Some(self.work.batches);
            if is_in_vain && self.may_have_lost {
                self.make_groups_anew();
                return Ok(false);
            }
            self.batches_at_replay = Some(self.work.batches);
            self.note("replay", &[parked], || format!("the lots are replayed: {parked} events"));
            self.replay();
        }
        // What the store has lost at the end of a stream leaves no gap: the comparison of the graphs shows it.
        if parked == 0 && self.may_have_lost && self.nothing_is_lost().is_err() {
            self.make_groups_anew();
            return Ok(false);
        }
        Ok(parked == 0)
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

/// The graph does not take this.
#[derive(Debug, thiserror::Error)]
#[error("poison")]
struct Refused;

/// Returns what a service hears of a refusal.
fn failure(error: ApplyError) -> Failure {
    match error {
        ApplyError::Conflict(conflicts) => Failure::Conflict(
            conflicts.into_iter().map(|conflict| (conflict.aggregate, conflict.current)).collect(),
        ),
        ApplyError::Graph(error) => {
            let reason = crate::error::chain(&error);
            match error {
                GraphError::TooLarge { .. } => Failure::TooLarge { reason },
                GraphError::Refused { .. } => Failure::Rejected { reason },
                GraphError::Unavailable { .. } | GraphError::Unusable { .. } => {
                    Failure::Unavailable { reason }
                }
            }
        }
    }
}

/// Returns the interview that a sentence's creation names.
fn interview_of(
    stream: &cutover_core::ids::StreamName,
    event: &cutover_engines::event_log::NewEvent,
) -> Option<AggregateId> {
    let recorded = RecordedEvent {
        stream: stream.clone(),
        revision: 0,
        id: event.id,
        event_type: event.event_type.clone(),
        data: event.data.as_slice().into(),
        metadata: event.metadata.as_slice().into(),
    };
    match wire::decode(&recorded).ok()?.body {
        Body::Sentence { interview, .. } => interview.map(AggregateId::Interview),
        Body::Interview(_) | Body::Unknown { .. } => None,
    }
}
