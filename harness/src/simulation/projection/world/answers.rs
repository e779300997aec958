//! What a projector says: it is carried out, as its driver does, and looked at on the way.

use cutover_core::projector::{Action, Input};
use uuid::Uuid;

use super::World;
use super::graph::APPLY_TIMEOUT_MS;
use crate::provision::hooks::Answer;
use crate::simulation::fault::Fault;
use crate::simulation::projection::service::{Task, Unanswered};
use crate::simulation::projection::store::SUBSCRIPTIONS;
use crate::simulation::violation::Violation;

/// How many events more than it was given room for a projector may hold: some that a replay sends, and it has already.
const QUEUE_SLACK: u64 = 32;

impl World<'_> {
    pub(super) fn tell(&mut self, at: usize, input: Input) -> Result<(), Violation> {
        self.services[at].projector.handle(self.now_ms, input);
        self.carry_out(at)
    }

    pub(super) fn carry_out(&mut self, at: usize) -> Result<(), Violation> {
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
    pub(super) fn answer(
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
    pub(super) fn give(
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
}
