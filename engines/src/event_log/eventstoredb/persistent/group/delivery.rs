//! Sending events to clients, and what clients answer: acknowledge, refuse, or nothing until the time is over.

use uuid::Uuid;

use super::super::super::log::Timestamp;
use super::super::buffer::{Offer, Offered, Waiting};
use super::super::message::Message;
use super::super::outstanding::InFlight;
use super::super::strategy::Choice;
use super::{Group, Output};

/// What a client wants done with an event that it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NackAction {
    /// The client does not know; the same as [`NackAction::Retry`].
    Unknown,
    /// Park it.
    Park,
    /// Send it again, up to the retry limit.
    Retry,
    /// Count it as done.
    Skip,
    /// The same as [`NackAction::Skip`]: the store does not stop the subscription.
    Stop,
}

impl<M: Message> Group<M> {
    /// Sends what waits to whoever has a slot, then asks for more if there is room.
    pub(super) fn push(&mut self, now: Timestamp) {
        while let Some((position, count)) = self.buffer.pop_skipped() {
            self.checkpointer.skipped(position, count);
        }
        if self.dispatcher.has_capacity() {
            self.serve(now);
        }
        self.checkpoint_on_progress(now);
        self.read_if_behind();
    }

    fn serve(&mut self, now: Timestamp) {
        let Self { buffer, dispatcher, outstanding, checkpointer, outputs, .. } = self;
        buffer.serve(|offered| {
            let message = match &offered {
                Offered::Again(waiting) => &waiting.message,
                Offered::New(message) => *message,
                Offered::Skipped { position, count } => {
                    checkpointer.skipped(*position, *count);
                    return Offer::Taken;
                }
            };
            let client = match dispatcher.choose(message) {
                Choice::Client(client) => client,
                Choice::Skip => return Offer::Left,
                Choice::NoCapacity => return Offer::Stop,
            };
            let waiting = match offered {
                Offered::Again(waiting) => waiting.clone(),
                _ => Waiting {
                    sequence: Some(checkpointer.delivered(message.position())),
                    ..Waiting::new(message.clone())
                },
            };
            outputs.push_back(Output::Push {
                client,
                message: waiting.message.clone(),
                retry_count: waiting.retry_count,
            });
            if outstanding.contains(message.id()) {
                // The store tracks one event per id: a second one with the same id is sent and counts as done.
                if let Some(sequence) = waiting.sequence {
                    checkpointer.complete(sequence);
                }
            } else {
                dispatcher.take_slot(client);
                outstanding.insert(waiting, client, now);
            }
            Offer::Taken
        });
    }

    /// Takes acknowledgements, from whichever client; ids that nobody holds are ignored.
    pub fn acknowledge(&mut self, ids: impl IntoIterator<Item = Uuid>, now: Timestamp) {
        for id in ids {
            if let Some(held) = self.outstanding.remove(id) {
                self.finish(&held, now);
            }
        }
        self.push(now);
    }

    /// Takes refusals, from whichever client; ids that nobody holds are ignored.
    pub fn refuse(
        &mut self,
        ids: impl IntoIterator<Item = Uuid>,
        action: NackAction,
        reason: &str,
        now: Timestamp,
    ) {
        for id in ids {
            let Some(held) = self.outstanding.remove(id) else { continue };
            match action {
                NackAction::Unknown | NackAction::Retry => self.retry_or_park(held, now),
                NackAction::Park => {
                    let reason = format!("Client explicitly NAK'ed message.\n{reason}");
                    self.park(held, &reason, now);
                }
                NackAction::Skip | NackAction::Stop => self.finish(&held, now),
            }
        }
        self.push(now);
    }

    /// Sends an event again, or parks it once it was sent as often as the settings allow.
    pub(super) fn retry_or_park(&mut self, mut held: InFlight<M>, now: Timestamp) {
        let max_retry_count = self.settings.max_retry_count;
        if held.waiting.retry_count >= max_retry_count {
            self.park(held, &format!("Reached retry count of {max_retry_count}"), now);
        } else {
            self.dispatcher.free_slot(held.client);
            held.waiting.retry_count += 1;
            self.buffer.retry(held.waiting);
        }
    }

    /// Counts an event as done and frees its slot.
    fn finish(&mut self, held: &InFlight<M>, now: Timestamp) {
        self.dispatcher.free_slot(held.client);
        self.complete(held.waiting.sequence);
        self.processed += 1;
        if let Some(client) = self.dispatcher.get_mut(held.client) {
            client.processed += 1;
            if self.settings.extra_statistics {
                client.latencies.record(now.duration_since(held.sent_at));
            }
        }
    }
}
