//! What waits, what it waits for, and how it goes on: the order within an aggregate, the creation of an interview before
//! its sentences, the bounded hold.

use super::Projector;
use super::aggregates::LastLook;
use super::entry::{Content, Entry, Queued, Ticket};
use super::order::{Certainty, Verdict};
use super::parking::{NotLocated, ParkReason, WaitedFor};
use super::retry::Trouble;
use super::routing::lane_of;
use super::timers::Timer;
use super::{Action, Probe, Settings};
use crate::event::{Body, Event};
use crate::graph::{Change, ChangeSet, Guard};
use crate::ids::{AggregateId, InterviewId, SentenceId};
use crate::projection::project;

/// Why an event cannot be queued yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// It has failed and is tried again then.
    Trouble {
        /// When.
        due_ms: u64,
    },
    /// What is under way will tell whether it is a duplicate.
    Unsettled,
    /// Something that must come first has not come.
    Missing(WaitedFor),
    /// Its interview is not known.
    NotLocated(SentenceId),
    /// Whether its interview exists is not known.
    Unchecked(InterviewId),
}

impl Projector {
    /// Returns what keeps an event from being queued.
    pub(super) fn obstacle(&self, now_ms: u64, ticket: &Ticket) -> Option<Obstacle> {
        let Ticket { aggregate, version, interview, .. } = *ticket;
        let known = self.aggregates.get(aggregate)?;
        // Later events of the aggregate find that this version is missing.
        if let Some(Trouble { version: failed, due_ms, .. }) = known.pending.as_ref().and_then(|p| p.trouble)
            && version == failed
            && due_ms > now_ms
        {
            return Some(Obstacle::Trouble { due_ms });
        }
        match known.position.judge(version) {
            Verdict::Early { missing } => {
                return Some(Obstacle::Missing(WaitedFor::Version { aggregate, version: missing }));
            }
            Verdict::Unsettled => return Some(Obstacle::Unsettled),
            Verdict::Next | Verdict::Duplicate | Verdict::UnderWay => {}
        }
        let AggregateId::Sentence(sentence) = aggregate else {
            return None;
        };
        let Some(interview) = interview else {
            return Some(Obstacle::NotLocated(sentence));
        };
        // A sentence that exists came after its interview.
        if known.position.is_known_to_exist() {
            return None;
        }
        match self.aggregates.get(AggregateId::Interview(interview)).map(|known| known.position) {
            Some(position) if position.exists() => None,
            Some(position) if position.certainty() == Certainty::Confirmed => {
                Some(Obstacle::Missing(WaitedFor::Interview(interview)))
            }
            _ => Some(Obstacle::Unchecked(interview)),
        }
    }

    /// Lets an event wait, and has its aggregate looked at before this input is done with.
    pub(super) fn wait(&mut self, ticket: Ticket, content: Content) {
        let home = ticket.interview.map_or_else(|| ticket.aggregate.as_uuid(), InterviewId::as_uuid);
        let held_in = lane_of(home, self.lanes.len());
        self.lanes[held_in].held += 1;
        let Ticket { aggregate, version, .. } = ticket;
        let pending = self.aggregates.touch(aggregate).pending_mut();
        let twin = pending.waiting.insert(version, Entry { ticket, content, held_in });
        debug_assert!(twin.is_none(), "version {version} of {aggregate} waits once");
        self.todo.push_back(aggregate);
    }

    /// Takes the earliest waiting event of an aggregate out of the hold.
    fn take_first(&mut self, aggregate: AggregateId) -> Option<Entry> {
        let pending = self.aggregates.get_mut(aggregate)?.pending.as_mut()?;
        pending.held_since_ms = None;
        pending.last_look = LastLook::None;
        let (_, entry) = pending.waiting.pop_first()?;
        self.lanes[entry.held_in].held -= 1;
        Some(entry)
    }

    /// Queues as many waiting events of an aggregate as can go on, and sees to it that the next one will.
    pub(super) fn advance(&mut self, now_ms: u64, aggregate: AggregateId) {
        loop {
            let interview = self.interview_of(aggregate);
            let Some(known) = self.aggregates.get_mut(aggregate) else { return };
            let Some(pending) = known.pending.as_mut() else { return };
            let Some((&version, entry)) = pending.waiting.first_key_value() else { break };
            match known.position.judge(version) {
                Verdict::Duplicate => {
                    self.counters.duplicates += 1;
                    if let Some(entry) = self.take_first(aggregate) {
                        self.acks.extend(entry.ticket.delivery);
                    }
                    self.settle_twins(aggregate, version);
                    continue;
                }
                // What is queued is out of the hold, and what is taken back is under way no more.
                Verdict::UnderWay => unreachable!("version {version} of {aggregate} waits and is under way"),
                Verdict::Next | Verdict::Unsettled | Verdict::Early { .. } => {}
            }
            let ticket = Ticket { interview, ..entry.ticket.clone() };
            let is_readable = !matches!(entry.content, Content::Undecodable(_));
            match self.obstacle(now_ms, &ticket) {
                // An event that cannot be read fails where it stands, whether its interview is there or not.
                None
                | Some(
                    Obstacle::NotLocated(_)
                    | Obstacle::Unchecked(_)
                    | Obstacle::Missing(WaitedFor::Interview(_)),
                ) if !is_readable => {
                    if !self.is_certainly_next(aggregate) {
                        break;
                    }
                    self.attempt(now_ms, ticket);
                }
                None => self.attempt(now_ms, ticket),
                Some(Obstacle::NotLocated(sentence)) if self.take_not_located(aggregate) => {
                    if let Some(Entry { content, .. }) = self.take_first(aggregate) {
                        self.fail(now_ms, ticket, content, NotLocated { sentence }.into());
                    }
                }
                Some(obstacle) => {
                    self.arrange(now_ms, aggregate, &ticket, obstacle);
                    break;
                }
            }
        }
        if let Some(known) = self.aggregates.get_mut(aggregate) {
            known.tidy();
        }
    }

    /// Returns whether everything before an aggregate's earliest waiting event is committed. What is parked without being tried
    /// must not overtake what is under way and may be parked yet; and where nothing is known of the aggregate, that version may be
    /// committed already. In both cases the graph's answer has the aggregate looked at again.
    fn is_certainly_next(&mut self, aggregate: AggregateId) -> bool {
        let position = self.aggregates.touch(aggregate).position;
        if position.is_settled() && position.certainty() != Certainty::Confirmed {
            self.check(aggregate);
            return false;
        }
        position.is_settled()
    }

    /// Queues the earliest waiting event of an aggregate, unless it is one that cannot be read: its turn to fail has come.
    fn attempt(&mut self, now_ms: u64, ticket: Ticket) {
        let Some(Entry { content, .. }) = self.take_first(ticket.aggregate) else { return };
        match content {
            Content::Decoded(event) => self.queue_event(ticket, *event),
            Content::Projected(changes) => self.queue(ticket, changes),
            Content::Undecodable(fault) => {
                self.fail(now_ms, ticket, Content::Undecodable(fault.clone()), fault);
            }
        }
    }

    /// Makes an event into changes and queues it.
    pub(super) fn queue_event(&mut self, ticket: Ticket, mut event: Event) {
        if let Body::Sentence { interview, .. } = &mut event.body {
            *interview = ticket.interview;
        }
        let changes = project(&event, &self.settings.limits);
        self.queue(ticket, changes);
    }

    /// Puts an event into its lane.
    fn queue(&mut self, ticket: Ticket, changes: Vec<Change>) {
        let Ticket { aggregate, version, interview, .. } = ticket;
        let Some(interview) = interview else {
            debug_assert!(false, "version {version} of {aggregate} is queued without its interview");
            return;
        };
        let known = self.aggregates.touch(aggregate);
        let (existed, settled) = (known.position.exists(), known.position.is_settled());
        known.position.queue(version);
        let trouble = known.pending.as_ref().and_then(|pending| pending.trouble);
        let again = trouble.is_some_and(|trouble| trouble.version == version);
        let guard = Some(Guard { aggregate, version });
        let event = Queued { ticket, change_set: ChangeSet { guard, changes } };
        let is_interview = matches!(aggregate, AggregateId::Interview(_));
        // It may overtake what is ready only if it depends on none of it.
        let overtakes =
            again && settled && (is_interview || self.is_known_to_exist(AggregateId::Interview(interview)));
        let lane = &mut self.lanes[lane_of(interview.as_uuid(), self.settings.lanes)];
        if overtakes {
            lane.push_alone(event);
        } else {
            lane.push(event);
        }
        self.counters.retries += u64::from(again);
        if is_interview && !existed {
            self.wake_dependents(aggregate);
        }
    }

    fn is_known_to_exist(&self, aggregate: AggregateId) -> bool {
        self.aggregates.get(aggregate).is_some_and(|known| known.position.is_known_to_exist())
    }

    /// Has the sentences looked at that wait for an interview.
    pub(super) fn wake_dependents(&mut self, interview: AggregateId) {
        if let Some(pending) = self.aggregates.get_mut(interview).and_then(|known| known.pending.as_mut()) {
            let dependents = std::mem::take(&mut pending.dependents);
            self.todo.extend(dependents.into_iter().map(AggregateId::Sentence));
        }
    }

    /// Acknowledges the further deliveries of what is committed.
    pub(super) fn settle_twins(&mut self, aggregate: AggregateId, committed: u64) {
        if let Some(pending) = self.aggregates.get_mut(aggregate).and_then(|known| known.pending.as_mut()) {
            let settled = pending.twins.extract_if(.., |twin| twin.version <= committed);
            self.acks.extend(settled.map(|twin| twin.delivery));
        }
    }

    fn take_not_located(&mut self, aggregate: AggregateId) -> bool {
        let pending = self.aggregates.get_mut(aggregate).and_then(|known| known.pending.as_mut());
        pending.is_some_and(|pending| std::mem::take(&mut pending.not_located))
    }

    /// Sees to it that what keeps an aggregate's earliest waiting event will be found to be gone.
    fn arrange(&mut self, now_ms: u64, aggregate: AggregateId, ticket: &Ticket, obstacle: Obstacle) {
        match obstacle {
            Obstacle::Unsettled => {}
            Obstacle::Trouble { due_ms } => self.set_timer(aggregate, due_ms),
            Obstacle::NotLocated(sentence) => self.locate(now_ms, sentence),
            Obstacle::Unchecked(interview) => {
                self.depend(aggregate, interview);
                self.check(AggregateId::Interview(interview));
            }
            Obstacle::Missing(waited_for) => {
                if let WaitedFor::Interview(interview) = waited_for {
                    self.depend(aggregate, interview);
                }
                self.hold(now_ms, aggregate, ticket, waited_for);
            }
        }
    }

    /// Remembers that a sentence waits for its interview.
    fn depend(&mut self, aggregate: AggregateId, interview: InterviewId) {
        if let AggregateId::Sentence(sentence) = aggregate {
            let interview = self.aggregates.touch(AggregateId::Interview(interview));
            interview.pending_mut().dependents.insert(sentence);
        }
    }

    /// Asks the graph for a version, with the next questions that are put.
    fn check(&mut self, aggregate: AggregateId) {
        let pending = self.aggregates.touch(aggregate).pending_mut();
        if !std::mem::replace(&mut pending.checking, true) {
            self.checks.push(aggregate);
        }
    }

    /// Asks the event store for a sentence's interview, unless it was asked or is to be asked later.
    fn locate(&mut self, now_ms: u64, sentence: SentenceId) {
        let aggregate = AggregateId::Sentence(sentence);
        let pending = self.aggregates.touch(aggregate).pending_mut();
        match pending.locate_due_ms {
            Some(due_ms) if due_ms > now_ms => self.set_timer(aggregate, due_ms),
            _ if pending.locating => {}
            _ => {
                pending.locating = true;
                pending.locate_due_ms = None;
                self.actions.push_back(Action::Locate { sentence });
            }
        }
    }

    /// Holds back what came too early, within bounds. While it is held the graph is asked now and then, because another
    /// service may have applied what is missing.
    fn hold(&mut self, now_ms: u64, aggregate: AggregateId, ticket: &Ticket, waited_for: WaitedFor) {
        let hold_ms_max = self.hold_ms_max(waited_for);
        let home = ticket.interview.map_or_else(|| aggregate.as_uuid(), InterviewId::as_uuid);
        let is_full = self.lanes[lane_of(home, self.lanes.len())].held > self.settings.hold_events_max;
        let pending = self.aggregates.touch(aggregate).pending_mut();
        let since_ms = *pending.held_since_ms.get_or_insert(now_ms);
        let recheck = std::mem::take(&mut pending.recheck);
        // Nothing can come while the graph is unavailable: that time does not count.
        let held_ms = now_ms.saturating_sub(since_ms.max(self.hold_from_ms));
        if self.breaker.is_closed() {
            // It follows what is parked, or what has failed, and has not failed itself.
            let known = self.aggregates.touch(aggregate);
            let is_behind = !ticket.replayed && known.is_behind_parked()
                || held_ms >= hold_ms_max
                    && self.is_hopeless(waited_for)
                    && matches!(waited_for, WaitedFor::Version { .. });
            let reason = if is_behind {
                None
            } else if held_ms >= hold_ms_max {
                Some(ParkReason::HeldTooLong { waited_for, held_ms })
            } else if is_full {
                let hold_events_max = self.settings.hold_events_max;
                Some(ParkReason::HoldFull { waited_for, hold_events_max })
            } else {
                None
            };
            if is_behind || reason.is_some() {
                // Another service may have applied it since the graph was last asked.
                let pending = self.aggregates.touch(aggregate).pending_mut();
                return match std::mem::take(&mut pending.last_look) {
                    LastLook::Taken => {
                        self.counters.failed += u64::from(reason.is_some());
                        self.park_waiting(aggregate, 0, reason);
                    }
                    LastLook::None | LastLook::UnderWay => {
                        pending.last_look = LastLook::UnderWay;
                        self.check(waited_for.aggregate());
                    }
                };
            }
        }
        if recheck {
            self.check(waited_for.aggregate());
        }
        let rest_ms = hold_ms_max.saturating_sub(held_ms).max(1);
        self.set_timer(aggregate, now_ms + self.settings.hold_check_ms.clamp(1, rest_ms));
    }

    /// Returns how long what came too early may wait for that. Where this projector cannot make it come itself, only until the
    /// graph was asked whether another service has.
    fn hold_ms_max(&self, waited_for: WaitedFor) -> u64 {
        let Settings { hold_ms_max, hold_check_ms, .. } = self.settings;
        if self.is_hopeless(waited_for) { hold_ms_max.min(2 * hold_check_ms) } else { hold_ms_max }
    }

    /// Returns whether an event is waited for that was parked because no retry can help it.
    fn is_hopeless(&self, waited_for: WaitedFor) -> bool {
        let (aggregate, version) = match waited_for {
            WaitedFor::Version { aggregate, version } => (aggregate, version),
            WaitedFor::Interview(interview) => (AggregateId::Interview(interview), 0),
        };
        self.aggregates.get(aggregate).is_some_and(|known| known.hopeless == Some(version))
    }

    /// Sets an aggregate's timer, unless an earlier one is set.
    pub(super) fn set_timer(&mut self, aggregate: AggregateId, due_ms: u64) {
        let pending = self.aggregates.touch(aggregate).pending_mut();
        if pending.timer_ms.is_none_or(|set_ms| due_ms < set_ms) {
            pending.timer_ms = Some(due_ms);
            self.timers.set(due_ms, Timer::Aggregate(aggregate));
        }
    }

    /// Looks at an aggregate whose timer has come.
    pub(super) fn ring(&mut self, aggregate: AggregateId) {
        if !self.breaker.is_closed() {
            self.deferred.push(aggregate);
            return;
        }
        let Some(known) = self.aggregates.get_mut(aggregate) else { return };
        if let Some(pending) = known.pending.as_mut() {
            pending.timer_ms = None;
            pending.recheck = true;
            self.todo.push_back(aggregate);
        }
    }

    /// Returns the next question for the graph, if it may be put.
    pub(super) fn next_check(&mut self) -> Option<Action> {
        if self.checks.is_empty() || !self.breaker.permits() {
            return None;
        }
        self.breaker.sent(Probe::Check);
        Some(Action::Check { aggregates: std::mem::take(&mut self.checks) })
    }
}
