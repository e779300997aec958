//! Parking events that are given up, and replaying the parked ones.

use super::super::super::log::Timestamp;
use super::super::buffer::Waiting;
use super::super::message::Message;
use super::super::outstanding::InFlight;
use super::super::parking::{self, PARK_ATTEMPTS, ParkTicket, ParkedMessage, ParkedRange, Parking};
use super::{Group, Output, Replay, RequestId};

impl<M: Message> Group<M> {
    /// Starts to park an event; its slot stays taken until the store has it.
    pub(super) fn park(&mut self, held: InFlight<M>, reason: &str, now: Timestamp) {
        let InFlight { waiting, client, .. } = held;
        let parked = ParkedMessage {
            link_data: waiting.message.link_data(),
            metadata: parking::metadata(now, reason, waiting.message.revision()),
        };
        self.tickets += 1;
        let ticket = ParkTicket(self.tickets);
        self.outputs.push_back(Output::Park { ticket, parked: parked.clone() });
        self.parking.insert(ticket, Parking { waiting, client, parked, attempts: 1 });
    }

    /// Notes that the link is in the store: the event is done.
    pub fn park_stored(&mut self, ticket: ParkTicket, now: Timestamp) {
        let Some(Parking { waiting, client, .. }) = self.parking.remove(&ticket) else { return };
        self.dispatcher.free_slot(client);
        self.complete(waiting.sequence);
        self.push(now);
    }

    /// Notes that the store did not take the link: it is tried again, and after that many times the event goes back
    /// to the clients, for it is nowhere else.
    pub fn park_failed(&mut self, ticket: ParkTicket, now: Timestamp) {
        let Some(mut parking) = self.parking.remove(&ticket) else { return };
        if parking.attempts < PARK_ATTEMPTS {
            parking.attempts += 1;
            // Ahead of later ones, so that the parked stream keeps the order in which events were given up.
            self.outputs.push_front(Output::Park { ticket, parked: parking.parked.clone() });
            self.parking.insert(ticket, parking);
            return;
        }
        self.dispatcher.free_slot(parking.client);
        self.buffer.retry(parking.waiting);
        self.push(now);
    }

    /// Starts to replay what is parked, up to revision `stop_at` of the parked stream, exclusive.
    ///
    /// Does nothing if nothing is parked or a replay is under way. As in the store, what a replay has read is cut off
    /// the parked stream although clients may not have it yet: an update or a restart of the subsystem meanwhile
    /// loses it.
    pub fn replay_parked(&mut self, parked: ParkedRange, stop_at: Option<u64>) {
        let stop = stop_at.map_or(parked.end, |stop| stop.min(parked.end));
        let first = parked.first.max(self.replayed_before);
        if self.replay.is_some() || self.faulted || stop <= first {
            return;
        }
        self.read_parked(first, stop);
    }

    fn read_parked(&mut self, next: u64, stop: u64) {
        let request = self.next_request();
        self.replay = Some(Replay { request, next, stop });
        let left = usize::try_from(stop - next).unwrap_or(usize::MAX);
        let max_count = self.settings.read_batch_size.min(Self::MAX_PAGE).min(left);
        self.outputs.push_back(Output::ReadParked { request, from: next, max_count });
    }

    /// Takes a page of parked events: each with its target, identified by the link of the parked stream. Links whose
    /// target is gone are left out by whoever read them. `next` is the revision after the page, `is_end` whether the
    /// parked stream ended there.
    pub fn parked_page_arrived(
        &mut self,
        request: RequestId,
        messages: Vec<M>,
        next: u64,
        is_end: bool,
        now: Timestamp,
    ) {
        let Some(replay) = self.replay.take_if(|replay| replay.request == request) else { return };
        for message in messages {
            self.buffer.retry(Waiting::new(message));
        }
        if is_end || next >= replay.stop {
            self.end_replay(next.min(replay.stop));
        } else {
            self.read_parked(next, replay.stop);
        }
        self.push(now);
    }

    /// Notes that the parked stream cannot be read on: the replay ends, and only what it has read is cut off.
    pub fn parked_page_failed(&mut self, request: RequestId) {
        if let Some(replay) = self.replay.take_if(|replay| replay.request == request) {
            self.end_replay(replay.next);
        }
    }

    fn end_replay(&mut self, before: u64) {
        self.replayed_before = before;
        self.outputs.push_back(Output::TruncateParked { before });
    }
}
