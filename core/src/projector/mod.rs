//! The projector: a state machine without I/O between the two persistent subscriptions and the graph.
//!
//! In go [`Input`]s, with the time as a value: an event was delivered, a batch was committed or failed, a timer rang. Out come
//! [`Action`]s: apply this batch, acknowledge, park with this reason. A driver with sockets and timers runs it in
//! production; a seeded simulation runs the very same machine.
//!
//! ```text
//! now, Input ──► Projector::handle        Projector::poll ──► Action, until there is none
//! ```
//!
//! What it answers for:
//!
//! - **Order.** Subscriptions promise none. Each aggregate's versions are applied one on top of the other, and a sentence's
//!   only once its interview was created ([`WaitedFor`]). An interview's events share a lane, lanes are independent, and
//!   a lane has one batch under way.
//! - **Answers.** A delivery is acknowledged when its event is committed, or is a duplicate of one that is committed or parked,
//!   and never before; else it is parked with its reason, and what is behind it follows it.
//! - **Faults.** What fails by itself is tried again with growing waits, then parked; the rest of its batch goes through.
//!   An outage of the graph is no fault of the events: consumption stops until it is over.
//!
//! The guards in the database are the truth. Everything that is remembered here may be forgotten at any time, and two
//! projectors at once do no harm: what one of them believes wrongly, a refused batch or an answered question corrects.

mod advance;
mod aggregates;
mod batch;
mod breaker;
mod entry;
mod intake;
mod lane;
mod message;
mod metrics;
mod order;
mod outcome;
mod parking;
mod retry;
mod routing;
mod settings;
mod timers;

use std::collections::VecDeque;

use aggregates::Aggregates;
use breaker::{Breaker, Probe};
use lane::Lane;
use timers::{Timer, Timers};

pub use message::{Action, BatchId, Delivery, DeliveryId, Failure, Input, Subscription};
pub use metrics::{Counters, Histogram, LatencySummary, Metrics};
pub use parking::{ParkReason, WaitedFor};
pub use retry::Backoff;
pub use routing::lane_of;
pub use settings::{AllowedTypes, Settings};

use crate::ids::AggregateId;
use crate::wire::Decoder;

/// A timer that rings this much late was not let ring: the process stood still, or its machine. What is waited for may be in an inbox
/// meanwhile, so that such a time counts against nobody.
const STANDSTILL_MS: u64 = 10_000;

/// The state machine. See the [module](self).
#[derive(Debug)]
pub struct Projector {
    settings: Settings,
    decoder: Decoder,
    lanes: Vec<Lane>,
    aggregates: Aggregates,
    breaker: Breaker,
    timers: Timers,
    /// The time that was last named to the driver.
    wake_at_ms: Option<u64>,
    /// Holds are counted from here on, if they began earlier: the graph was unavailable until then, or the process stood still.
    hold_from_ms: u64,
    /// Aggregates whose timers rang while the graph was unavailable.
    deferred: Vec<AggregateId>,
    /// Aggregates to look at before the input at hand is done with.
    todo: VecDeque<AggregateId>,
    /// Questions for the graph that are not put yet.
    checks: Vec<AggregateId>,
    /// Answers that are not given yet.
    acks: Vec<DeliveryId>,
    /// Everything else that is to be done, in order.
    actions: VecDeque<Action>,
    batches: u64,
    counters: Counters,
    latency: Histogram,
    lag_interview: Option<u64>,
    lag_sentence: Option<u64>,
}

impl Projector {
    /// Makes a projector that knows nothing yet, with the built-in upcasters.
    pub fn new(settings: Settings) -> Self {
        Self::with_decoder(settings, Decoder::built_in())
    }

    /// Makes a projector that knows nothing yet.
    pub fn with_decoder(settings: Settings, decoder: Decoder) -> Self {
        let lanes = settings.lanes.max(1);
        Self {
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            aggregates: Aggregates::new(settings.aggregates_max),
            breaker: Breaker::new(settings.breaker_backoff),
            settings: Settings { lanes, ..settings },
            decoder,
            timers: Timers::default(),
            wake_at_ms: None,
            hold_from_ms: 0,
            deferred: Vec::new(),
            todo: VecDeque::new(),
            checks: Vec::new(),
            acks: Vec::new(),
            actions: VecDeque::new(),
            batches: 0,
            counters: Counters::default(),
            latency: Histogram::default(),
            lag_interview: None,
            lag_sentence: None,
        }
    }

    /// Takes note of something that happened at `now_ms`, a time that never goes back (its zero is the driver's choice).
    pub fn handle(&mut self, now_ms: u64, input: Input) {
        if self.timers.next_ms().is_some_and(|due_ms| now_ms > due_ms.saturating_add(STANDSTILL_MS)) {
            self.hold_from_ms = now_ms;
        }
        match input {
            Input::Delivered(delivery) => self.deliver(now_ms, delivery),
            Input::Committed { batch } => self.committed(now_ms, batch),
            Input::Failed { batch, failure } => self.failed(now_ms, batch, failure),
            Input::Versions(versions) => self.told_versions(now_ms, &versions),
            Input::CheckFailed { aggregates, .. } => self.check_failed(now_ms, aggregates),
            Input::Located { sentence, interview } => self.located(sentence, interview),
            Input::LocateFailed { sentence } => self.locate_failed(now_ms, sentence),
            Input::Tick => self.tick(now_ms),
            Input::SubscriptionLost(subscription) => self.lost(subscription),
            Input::Lag { subscription: Subscription::Interview, events } => self.lag_interview = Some(events),
            Input::Lag { subscription: Subscription::Sentence, events } => self.lag_sentence = Some(events),
        }
        while let Some(aggregate) = self.todo.pop_front() {
            self.advance(now_ms, aggregate);
        }
    }

    /// Returns the next thing to do; `None` when there is nothing before the next input. Inputs may be handed in one after the
    /// other before it is called: then batches are larger.
    pub fn poll(&mut self) -> Option<Action> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        if !self.acks.is_empty() {
            return Some(Action::Acknowledge(std::mem::take(&mut self.acks)));
        }
        self.next_batch().or_else(|| self.next_check()).or_else(|| self.next_wake_up())
    }

    /// Returns whether nothing is queued, held back or under way. Every delivery has been answered then, or its
    /// subscription lost.
    pub fn is_idle(&self) -> bool {
        let lanes_idle = self.lanes.iter().all(|lane| lane.depth() == 0 && lane.held == 0);
        lanes_idle && self.actions.is_empty() && self.acks.is_empty() && self.checks.is_empty()
    }

    /// Returns how many events wait or are under way, lane by lane.
    pub fn queue_depth(&self) -> Vec<usize> {
        self.lanes.iter().map(Lane::depth).collect()
    }

    /// Returns what operators ask for.
    pub fn metrics(&self) -> Metrics {
        Metrics {
            counters: self.counters,
            queue_depth: self.queue_depth(),
            held: self.lanes.iter().map(|lane| lane.held).collect(),
            latency: self.latency.summary(),
            lag_interview: self.lag_interview,
            lag_sentence: self.lag_sentence,
            paused: !self.breaker.is_closed(),
            aggregates: self.aggregates.len(),
        }
    }

    /// Returns the figures by which it works.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    fn tick(&mut self, now_ms: u64) {
        self.wake_at_ms = None;
        while let Some(timer) = self.timers.take_due(now_ms) {
            match timer {
                Timer::Breaker => self.breaker.tick(now_ms),
                Timer::Aggregate(aggregate) => self.ring(aggregate),
            }
        }
    }

    fn next_batch(&mut self) -> Option<Action> {
        if !self.breaker.permits() {
            return None;
        }
        let (lane, ready) = self.lanes.iter_mut().enumerate().find(|(_, lane)| lane.is_ready())?;
        self.batches += 1;
        let id = BatchId(self.batches);
        let change_sets = ready.begin(id, self.settings.batch_events_max).change_sets();
        self.breaker.sent(Probe::Batch(id));
        Some(Action::Apply { batch: id, lane, change_sets })
    }

    fn next_wake_up(&mut self) -> Option<Action> {
        let next_ms = self.timers.next_ms();
        if next_ms == self.wake_at_ms {
            return None;
        }
        self.wake_at_ms = next_ms;
        next_ms.map(Action::WakeAt)
    }
}

#[cfg(test)]
mod tests;
