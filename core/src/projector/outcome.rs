//! What became of batches and questions: commits, conflicts, refusals, outages.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::Projector;
use super::aggregates::LastLook;
use super::batch::Batch;
use super::breaker::Probe;
use super::entry::{Content, Queued, Ticket};
use super::message::{Action, BatchId, Failure, Subscription};
use super::retry::{Fault, Trouble};
use super::timers::Timer;
use crate::ids::{AggregateId, InterviewId, SentenceId};

impl Projector {
    /// Ends the batch under way of that name, and returns it with its lane.
    fn end_batch(&mut self, id: BatchId) -> Option<(usize, Batch)> {
        let lane = self.lanes.iter_mut().enumerate().find_map(|(index, lane)| Some((index, lane.end(id)?)));
        debug_assert!(lane.is_some(), "{id:?} is under way");
        lane
    }

    /// A batch was committed: every one of its events is answered.
    pub(super) fn committed(&mut self, now_ms: u64, id: BatchId) {
        let Some((_, batch)) = self.end_batch(id) else { return };
        self.answered(now_ms, Probe::Batch(id));
        self.counters.batches += 1;
        self.counters.processed += batch.tickets.len() as u64;
        self.acks.reserve(batch.tickets.len());
        for Ticket { delivery, aggregate, version, received_ms, skipped, .. } in batch.tickets {
            self.counters.skipped += u64::from(skipped);
            self.latency.record(now_ms.saturating_sub(received_ms));
            self.acks.extend(delivery);
            let known = self.aggregates.touch(aggregate);
            known.position.commit(version);
            known.parked_up_to = known.parked_up_to.filter(|&parked| parked > version);
            if known.pending.is_some() {
                self.settle_twins(aggregate, version);
                self.todo.push_back(aggregate);
            }
        }
    }

    /// A batch was not applied, or nobody knows.
    pub(super) fn failed(&mut self, now_ms: u64, id: BatchId, failure: Failure) {
        let Some((lane, batch)) = self.end_batch(id) else { return };
        match failure {
            Failure::TooLarge { .. } if batch.tickets.len() > 1 => {
                self.answered(now_ms, Probe::Batch(id));
                self.counters.graph_write_errors += 1;
                self.lanes[lane].put_back_halves(batch.into_events());
            }
            // An event that is too large by itself is no faulty one: it waits for a graph with more memory.
            Failure::TooLarge { .. } | Failure::Unavailable { .. } => {
                self.counters.graph_write_errors += 1;
                self.lanes[lane].put_back(batch);
                self.unavailable(now_ms, Probe::Batch(id));
            }
            Failure::Rejected { reason } => {
                self.answered(now_ms, Probe::Batch(id));
                self.rejected(now_ms, lane, batch, reason);
            }
            Failure::Conflict(versions) => {
                self.answered(now_ms, Probe::Batch(id));
                self.counters.conflicts += 1;
                self.conflicted(now_ms, lane, batch, &versions);
            }
        }
    }

    /// The graph refused a batch: it is split until what it is refused for stands alone, and that fails.
    fn rejected(&mut self, now_ms: u64, lane: usize, batch: Batch, reason: String) {
        self.counters.graph_write_errors += 1;
        let mut events = batch.into_events();
        if events.len() > 1 {
            return self.lanes[lane].put_back_halves(events);
        }
        let Some(poison) = events.pop() else { return };
        self.take_back(&poison.ticket);
        let Ticket { aggregate, .. } = poison.ticket;
        // What depends on it must wait: later events of its aggregate, and if it was a creation, the interview's sentences.
        let uncreated = match aggregate {
            AggregateId::Interview(id) => {
                self.aggregates.get(aggregate).is_some_and(|known| !known.position.exists()).then_some(id)
            }
            AggregateId::Sentence(_) => None,
        };
        let dependents = self.lanes[lane].extract(|ticket| {
            ticket.aggregate == aggregate || ticket.interview.is_some_and(|id| Some(id) == uncreated)
        });
        for event in &dependents {
            self.take_back(&event.ticket);
        }
        // They wait first: should it be parked, they follow it.
        self.wait_all(dependents);
        let (ticket, content) = poison.into_parts();
        self.fail(now_ms, ticket, content, Fault::refused(reason));
    }

    /// Guards refused a batch: positions are corrected, and everything in the lane is looked at again, in order.
    fn conflicted(
        &mut self,
        now_ms: u64,
        lane: usize,
        batch: Batch,
        versions: &[(AggregateId, Option<u64>)],
    ) {
        let mut firsts: IndexMap<AggregateId, u64, FxBuildHasher> = IndexMap::default();
        for ticket in &batch.tickets {
            firsts.entry(ticket.aggregate).or_insert(ticket.version);
        }
        let differs = |(aggregate, current): &(AggregateId, Option<u64>)| {
            let next = current.map_or(0, |version| version + 1);
            firsts.get(aggregate).is_some_and(|&first| first != next)
        };
        if !versions.iter().any(differs) {
            // Trying the very same again would never end.
            let reason = "the graph reports a version conflict where every version fits".to_owned();
            return self.rejected(now_ms, lane, batch, reason);
        }
        let mut events = batch.into_events();
        events.extend(self.lanes[lane].drain());
        for event in &events {
            self.take_back(&event.ticket);
        }
        for (aggregate, current) in versions.iter().filter(|version| differs(version)) {
            self.aggregates.touch(*aggregate).position.overrule(*current);
        }
        self.wait_all(events);
    }

    fn take_back(&mut self, ticket: &Ticket) {
        self.aggregates.touch(ticket.aggregate).position.take_back(ticket.version);
    }

    fn wait_all(&mut self, events: Vec<Queued>) {
        for event in events {
            let (ticket, content) = event.into_parts();
            self.wait(ticket, content);
        }
    }

    /// An event has failed by itself: it is tried again later, or parked, and what is behind it with it.
    pub(super) fn fail(&mut self, now_ms: u64, mut ticket: Ticket, content: Content, fault: Fault) {
        let Ticket { aggregate, version, .. } = ticket;
        let retries_max = self.settings.retries_max;
        self.claim_newest(&mut ticket);
        let known = self.aggregates.touch(aggregate);
        known.position.assume(version);
        let pending = known.pending_mut();
        let before = pending.trouble.filter(|trouble| trouble.version == version);
        let failures = before.map_or(0, |trouble| trouble.failures) + 1;
        self.counters.failed += u64::from(failures == 1);
        if fault.is_transient && failures <= retries_max {
            let due_ms = now_ms + self.settings.retry_backoff.wait_ms(failures);
            pending.trouble = Some(Trouble { version, failures, due_ms });
            self.wait(ticket, content);
        } else if ticket.delivery.is_none() {
            // There is no delivery to park. It will come again, be tried once more, and then be parked.
            pending.trouble = Some(Trouble { version, failures: retries_max, due_ms: now_ms });
            // What waits behind it has nobody else to wake it.
            self.todo.push_back(aggregate);
        } else {
            pending.trouble = None;
            known.hopeless = (!fault.is_transient).then_some(version);
            self.park(ticket, fault.into_reason(failures));
            self.park_waiting(aggregate, version, None);
        }
    }

    /// The graph cannot be reached.
    fn unavailable(&mut self, now_ms: u64, what: Probe) {
        let was_closed = self.breaker.is_closed();
        if let Some(due_ms) = self.breaker.fail(now_ms, what) {
            self.timers.set(due_ms, Timer::Breaker);
        }
        if was_closed {
            self.actions.push_back(Action::Pause);
        }
    }

    /// The graph has answered: if that was awaited, everything goes on, and holds begin anew.
    fn answered(&mut self, now_ms: u64, what: Probe) {
        if self.breaker.answer(what) {
            self.hold_from_ms = now_ms;
            self.actions.push_back(Action::Resume);
            for aggregate in std::mem::take(&mut self.deferred) {
                self.ring(aggregate);
            }
        }
    }

    /// The graph has told versions.
    pub(super) fn told_versions(&mut self, now_ms: u64, versions: &[(AggregateId, Option<u64>)]) {
        self.answered(now_ms, Probe::Check);
        for &(aggregate, current) in versions {
            let known = self.aggregates.touch(aggregate);
            if known.position.is_settled() {
                known.position.correct(current);
            }
            if let Some(current) = current {
                known.parked_up_to = known.parked_up_to.filter(|&parked| parked > current);
            }
            let pending = known.pending_mut();
            pending.checking = false;
            // Whoever was about to be parked for it has looked once more now.
            let dependents =
                pending.dependents.iter().copied().map(AggregateId::Sentence).collect::<Vec<_>>();
            for looking in std::iter::once(aggregate).chain(dependents) {
                if let Some(pending) =
                    self.aggregates.get_mut(looking).and_then(|known| known.pending.as_mut())
                    && pending.last_look == LastLook::UnderWay
                {
                    pending.last_look = LastLook::Taken;
                }
            }
            self.wake_dependents(aggregate);
            self.todo.push_back(aggregate);
        }
    }

    /// The graph has not told versions.
    pub(super) fn check_failed(&mut self, now_ms: u64, aggregates: Vec<AggregateId>) {
        self.counters.graph_write_errors += 1;
        self.checks.extend(aggregates);
        self.unavailable(now_ms, Probe::Check);
    }

    /// The event store has told a sentence's interview, or that there is none to be told.
    pub(super) fn located(&mut self, sentence: SentenceId, interview: Option<InterviewId>) {
        let aggregate = AggregateId::Sentence(sentence);
        self.learn(aggregate, interview);
        let pending = self.aggregates.touch(aggregate).pending_mut();
        pending.locating = false;
        pending.locate_failures = 0;
        pending.not_located = interview.is_none();
        self.todo.push_back(aggregate);
    }

    /// The event store has not told a sentence's interview: it is asked again later.
    pub(super) fn locate_failed(&mut self, now_ms: u64, sentence: SentenceId) {
        let aggregate = AggregateId::Sentence(sentence);
        let backoff = self.settings.breaker_backoff;
        let pending = self.aggregates.touch(aggregate).pending_mut();
        pending.locating = false;
        pending.locate_failures = pending.locate_failures.saturating_add(1);
        pending.locate_due_ms = Some(now_ms + backoff.wait_ms(pending.locate_failures));
        self.todo.push_back(aggregate);
    }

    /// A subscription was lost: its deliveries cannot be answered any more. The events go on without them; when they come
    /// again, they are recognised.
    pub(super) fn lost(&mut self, subscription: Subscription) {
        let concerned = |aggregate: AggregateId| match aggregate {
            AggregateId::Interview(_) => subscription == Subscription::Interview,
            AggregateId::Sentence(_) => subscription == Subscription::Sentence,
        };
        for ticket in self.lanes.iter_mut().flat_map(|lane| lane.tickets_mut()) {
            if concerned(ticket.aggregate) {
                ticket.delivery = None;
            }
        }
        for (_, known) in self.aggregates.iter_mut().filter(|(id, _)| concerned(*id)) {
            if let Some(pending) = known.pending.as_mut() {
                pending.twins.clear();
                for entry in pending.waiting.values_mut() {
                    entry.ticket.delivery = None;
                }
            }
            known.tidy();
        }
    }
}
