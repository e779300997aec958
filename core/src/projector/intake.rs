//! Deliveries: what is a duplicate, what follows into the parking lot, what can be queued at once.

use super::Projector;
use super::aggregates::Twin;
use super::entry::{Content, Ticket};
use super::message::{Delivery, DeliveryId};
use super::order::Verdict;
use super::parking::ParkReason;
use super::retry::Fault;
use super::settings::AllowedTypes;
use crate::event::{Body, Event, RecordedEvent};
use crate::ids::{AggregateId, InterviewId};
use crate::wire::{DecodeError, Decoder};

impl Projector {
    /// Takes in a delivery.
    pub(super) fn deliver(&mut self, now_ms: u64, delivery: Delivery) {
        let Delivery { id, event, replayed, retry_count, .. } = delivery;
        self.counters.delivered += 1;
        self.counters.replayed += u64::from(replayed);
        self.counters.redelivered += u64::from(retry_count > 0);
        let Some(aggregate) = event.stream.aggregate() else {
            return self.deliver_foreign(id, &event);
        };
        let version = event.revision;
        let known = self.aggregates.touch(aggregate);
        match known.position.judge(version) {
            Verdict::Duplicate => {
                self.counters.duplicates += 1;
                self.acks.push(id);
                return;
            }
            Verdict::UnderWay => {
                self.counters.duplicates += 1;
                known.pending_mut().twins.push(Twin { version, delivery: id });
                return;
            }
            Verdict::Next | Verdict::Unsettled | Verdict::Early { .. } => {}
        }
        // What comes out of its stream once more is in no lot, and neither is what followed it there: the wish to park it was lost.
        if !replayed && known.parked_up_to.is_some_and(|parked| version <= parked) {
            known.parked_up_to = version.checked_sub(1);
        }
        if known.waits(version) {
            return self.deliver_again(aggregate, Twin { version, delivery: id });
        }
        let mut ticket = Ticket {
            delivery: Some(id),
            aggregate,
            version,
            interview: None,
            received_ms: now_ms,
            skipped: false,
            replayed,
        };
        let decoded = decode(&self.decoder, &self.settings.allowed_types, aggregate, &event);
        let named = decoded.as_ref().ok().and_then(|(_, interview)| *interview);
        known.learn(named);
        ticket.interview = known.interview_of(aggregate);
        match decoded {
            Ok((event, _)) => {
                ticket.skipped = matches!(event.body, Body::Unknown { .. });
                // Most events are the next one of an aggregate that is known and has nothing else to do.
                let is_clear = known.pending.is_none() && known.is_clear_for(&ticket);
                if is_clear || (!known.has_waiting() && self.obstacle(now_ms, &ticket).is_none()) {
                    self.queue_event(ticket, event);
                } else {
                    self.wait(ticket, Content::Decoded(Box::new(event)));
                }
            }
            Err(error) => self.wait(ticket, Content::Undecodable(Fault::from(&error))),
        }
    }

    /// An event of no aggregate has no place in any order, and a retry does not change its name. What the store writes for
    /// itself beside the streams of a category (their metadata) is not for the projection.
    fn deliver_foreign(&mut self, delivery: DeliveryId, event: &RecordedEvent) {
        if event.stream.as_str().starts_with("$$") {
            self.counters.skipped += 1;
            self.acks.push(delivery);
            return;
        }
        let reason = ParkReason::NoAggregate {
            stream: event.stream.clone(),
            revision: event.revision,
            event_type: event.event_type.clone(),
        };
        self.counters.failed += 1;
        self.counters.parked += 1;
        self.actions.push_back(super::Action::Park { delivery, reason });
    }

    /// An event that waits was delivered once more.
    fn deliver_again(&mut self, aggregate: AggregateId, twin: Twin) {
        self.counters.duplicates += 1;
        self.aggregates.touch(aggregate).pending_mut().twins.push(twin);
        self.todo.push_back(aggregate);
    }

    /// Remembers a sentence's interview.
    pub(super) fn learn(&mut self, aggregate: AggregateId, interview: Option<InterviewId>) {
        self.aggregates.touch(aggregate).learn(interview);
    }

    /// Returns the interview that an aggregate is or belongs to, as far as it is known.
    pub(super) fn interview_of(&self, aggregate: AggregateId) -> Option<InterviewId> {
        self.aggregates.get(aggregate).and_then(|known| known.interview_of(aggregate))
    }
}

/// Decodes an event, and returns the interview that its payload named, if it did. An event whose type is not allowed becomes
/// one of an unknown type: it advances the version and projects nothing.
fn decode(
    decoder: &Decoder,
    allowed: &AllowedTypes,
    aggregate: AggregateId,
    recorded: &RecordedEvent,
) -> Result<(Event, Option<InterviewId>), DecodeError> {
    let mut event = decoder.decode_of(aggregate, recorded)?;
    let interview = match &event.body {
        Body::Sentence { interview, .. } => *interview,
        Body::Interview(_) | Body::Unknown { .. } => None,
    };
    if !allowed.contains(&recorded.event_type) {
        event.body = Body::Unknown { event_type: recorded.event_type.clone() };
    }
    Ok((event, interview))
}
