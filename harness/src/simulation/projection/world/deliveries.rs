//! Events on their way: from the pipeline into the store, and from the store into a service.

use cutover_core::event::RecordedEvent;
use cutover_core::projector::{Delivery, DeliveryId, Input};
use cutover_engines::event_log::Delivered;
use rand::RngExt;

use super::World;
use crate::provision::hooks::Answer;
use crate::simulation::fault::Fault;
use crate::simulation::projection::service::Unanswered;
use crate::simulation::projection::store::{Message, SUBSCRIPTIONS, key_of};
use crate::simulation::violation::Violation;
use crate::workload::old_form::in_old_form;

impl World<'_> {
    pub(super) fn append(&mut self) -> Result<(), Violation> {
        let Some(mut append) = self.appends.pop_front() else { return Ok(()) };
        if self.is_old_wire {
            append.events = append.events.into_iter().map(|event| in_old_form(event, true)).collect();
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
        self.log.push(append);
        self.route();
        Ok(())
    }

    /// Puts what the store has sent into the inboxes of those who are meant.
    pub(super) fn route(&mut self) {
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
    pub(super) fn deliver(&mut self, at: usize, subscription: usize) -> Result<(), Violation> {
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
            let key = key_of(&event);
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
        let is_unreadable = key_of(&event).is_some_and(|key| self.unreadable.contains(&key));
        if is_unreadable && self.dice.is_rough() {
            self.dice.count(Fault::Unreadable);
            event.data = b"{".as_slice().into();
        }
        event
    }
}
