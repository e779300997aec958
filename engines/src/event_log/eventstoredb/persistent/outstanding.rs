//! What clients hold unacknowledged: [`Outstanding`] finds it by id, by client and by the time it runs out.

use std::collections::VecDeque;
use std::time::Duration;

use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::super::log::Timestamp;
use super::buffer::Waiting;
use super::client::ClientId;
use super::message::Message;

/// An event that a client holds.
#[derive(Debug)]
pub(super) struct InFlight<M> {
    pub(super) waiting: Waiting<M>,
    pub(super) client: ClientId,
    /// When it was sent.
    pub(super) sent_at: Timestamp,
    /// Tells this delivery from others of the same event.
    delivery: u64,
}

/// When a delivery was made, in the order of deliveries. Entries outlive an acknowledgement until they are swept.
#[derive(Debug)]
struct Sent {
    at: Timestamp,
    id: Uuid,
    delivery: u64,
}

/// All events in flight, over all clients of a group.
///
/// Timeouts are a queue, not a search: one group has one timeout, so deliveries run out in the order in which
/// they were made.
#[derive(Debug)]
pub(super) struct Outstanding<M> {
    by_id: FxHashMap<Uuid, InFlight<M>>,
    sent: VecDeque<Sent>,
    deliveries: u64,
}

impl<M: Message> Outstanding<M> {
    pub(super) fn new() -> Self {
        Self { by_id: FxHashMap::default(), sent: VecDeque::new(), deliveries: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn contains(&self, id: Uuid) -> bool {
        self.by_id.contains_key(&id)
    }

    /// Takes in an event that was just sent.
    pub(super) fn insert(&mut self, waiting: Waiting<M>, client: ClientId, now: Timestamp) {
        let id = waiting.message.id();
        let delivery = self.deliveries;
        self.deliveries += 1;
        self.sent.push_back(Sent { at: now, id, delivery });
        self.by_id.insert(id, InFlight { waiting, client, sent_at: now, delivery });
    }

    /// Gives up an event, if anyone holds it.
    pub(super) fn remove(&mut self, id: Uuid) -> Option<InFlight<M>> {
        let removed = self.by_id.remove(&id);
        if removed.is_some() {
            self.sweep();
        }
        removed
    }

    /// Gives up everything that `client` holds, in the order in which it was sent.
    pub(super) fn remove_client(&mut self, client: ClientId) -> Vec<InFlight<M>> {
        let mut ids: Vec<(u64, Uuid)> = self
            .by_id
            .iter()
            .filter(|(_, held)| held.client == client)
            .map(|(id, held)| (held.delivery, *id))
            .collect();
        ids.sort_unstable();
        let removed = ids.into_iter().filter_map(|(_, id)| self.by_id.remove(&id)).collect();
        self.sweep();
        removed
    }

    /// Gives up everything that was sent at least `timeout` ago, in the order in which it was sent.
    pub(super) fn expire(&mut self, now: Timestamp, timeout: Duration) -> Vec<InFlight<M>> {
        let mut expired = Vec::new();
        while self.sent.front().is_some_and(|sent| sent.at.saturating_add(timeout) <= now) {
            let Some(sent) = self.sent.pop_front() else { break };
            if self.is_current(&sent) {
                expired.extend(self.by_id.remove(&sent.id));
            }
        }
        expired
    }

    /// Returns when an event that somebody holds was sent.
    #[cfg(test)]
    pub(super) fn sent_at(&self, id: Uuid) -> Option<Timestamp> {
        self.by_id.get(&id).map(|held| held.sent_at)
    }

    fn is_current(&self, sent: &Sent) -> bool {
        self.by_id.get(&sent.id).is_some_and(|held| held.delivery == sent.delivery)
    }

    /// Forgets send times of what nobody holds: those at the front, and all of them once they are the majority.
    fn sweep(&mut self) {
        while self.sent.front().is_some_and(|sent| !self.is_current(sent)) {
            self.sent.pop_front();
        }
        if self.sent.len() > 64 + 2 * self.by_id.len() {
            let by_id = &self.by_id;
            self.sent.retain(|sent| by_id.get(&sent.id).is_some_and(|held| held.delivery == sent.delivery));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::testing::{TestMessage, event};
    use super::*;

    const ONE: ClientId = ClientId(1);
    const TWO: ClientId = ClientId(2);

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn second(value: u64) -> Timestamp {
        Timestamp::since_unix_epoch(Duration::from_secs(value))
    }

    fn revisions(held: &[InFlight<TestMessage>]) -> Vec<u64> {
        held.iter().map(|held| held.waiting.message.revision).collect()
    }

    fn sent(count: u64) -> Outstanding<TestMessage> {
        let mut outstanding = Outstanding::new();
        for revision in 0..count {
            let client = if revision % 2 == 0 { ONE } else { TWO };
            outstanding.insert(Waiting::new(event(revision)), client, second(revision));
        }
        outstanding
    }

    #[test]
    fn only_what_is_old_enough_expires_in_the_order_sent() {
        let mut outstanding = sent(4);
        assert_eq!(revisions(&outstanding.expire(second(11), TIMEOUT)), [0, 1]);
        assert_eq!(outstanding.len(), 2);
    }

    #[test]
    fn what_was_given_up_does_not_expire() {
        let mut outstanding = sent(3);
        outstanding.remove(event(1).id);
        assert_eq!(revisions(&outstanding.expire(second(100), TIMEOUT)), [0, 2]);
    }

    #[test]
    fn a_second_delivery_does_not_expire_with_the_first() {
        let mut outstanding = sent(2);
        // The one that is held keeps the first send time of the other, too.
        outstanding.remove(event(1).id);
        outstanding.insert(Waiting::new(event(1)), ONE, second(9));
        assert_eq!(revisions(&outstanding.expire(second(11), TIMEOUT)), [0]);
        assert_eq!(revisions(&outstanding.expire(second(19), TIMEOUT)), [1]);
    }

    #[test]
    fn a_client_gives_up_only_its_own_in_order() {
        let mut outstanding = sent(6);
        assert_eq!(revisions(&outstanding.remove_client(TWO)), [1, 3, 5]);
        assert_eq!(outstanding.len(), 3);
    }

    #[test]
    fn send_times_do_not_pile_up_behind_one_that_is_never_acknowledged() {
        let mut outstanding = sent(10_000);
        for revision in 1..10_000 {
            outstanding.remove(event(revision).id);
        }
        assert!(outstanding.sent.len() <= 66, "{} send times are kept for one event", outstanding.sent.len());
        assert_eq!(revisions(&outstanding.expire(second(10), TIMEOUT)), [0], "its own is among them");
    }
}
