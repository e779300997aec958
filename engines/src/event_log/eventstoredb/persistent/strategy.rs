//! Who gets the next event: the four consumer strategies, answered by [`Dispatcher::choose`].

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use rustc_hash::FxHashMap;
use xxhash_rust::xxh32::xxh32;

use super::client::{Client, ClientId};
use super::message::Message;

/// How a group hands its events to its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ConsumerStrategy {
    /// The next client that has a slot, one event each.
    #[default]
    RoundRobin,
    /// One client until it is full, then the next.
    DispatchToSingle,
    /// The client that the source stream is pinned to.
    Pinned,
    /// The client that the event's correlation id is pinned to; without one, as [`ConsumerStrategy::Pinned`].
    PinnedByCorrelation,
}

impl ConsumerStrategy {
    /// Returns the name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "RoundRobin",
            Self::DispatchToSingle => "DispatchToSingle",
            Self::Pinned => "Pinned",
            Self::PinnedByCorrelation => "PinnedByCorrelation",
        }
    }
}

impl fmt::Display for ConsumerStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no strategy of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Consumer strategy {name} does not exist.")]
pub struct UnknownStrategy {
    /// The name asked for.
    pub name: String,
}

impl FromStr for ConsumerStrategy {
    type Err = UnknownStrategy;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::RoundRobin, Self::DispatchToSingle, Self::Pinned, Self::PinnedByCorrelation]
            .into_iter()
            .find(|strategy| strategy.name() == name)
            .ok_or_else(|| UnknownStrategy { name: name.into() })
    }
}

/// Where an event goes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// To this client, which has a slot.
    Client(ClientId),
    /// Nowhere yet: its client is full, though others may not be.
    Skip,
    /// Nowhere: no client has a slot.
    NoCapacity,
}

/// The connected clients, and the strategy that picks among them.
#[derive(Debug)]
pub(super) struct Dispatcher {
    strategy: ConsumerStrategy,
    /// In the order of the strategy: the head is asked first.
    order: VecDeque<ClientId>,
    clients: FxHashMap<ClientId, Client>,
    free_slots: usize,
    buckets: Buckets,
}

impl Dispatcher {
    pub(super) fn new(strategy: ConsumerStrategy) -> Self {
        Self {
            strategy,
            order: VecDeque::new(),
            clients: FxHashMap::default(),
            free_slots: 0,
            buckets: Buckets::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn has_capacity(&self) -> bool {
        self.free_slots > 0
    }

    pub(super) fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        self.clients.get_mut(&id)
    }

    /// Iterates over the clients in the order in which they came.
    pub(super) fn in_order_of_arrival(&mut self) -> Vec<&mut Client> {
        let mut clients: Vec<&mut Client> = self.clients.values_mut().collect();
        clients.sort_by_key(|client| client.id);
        clients
    }

    pub(super) fn add(&mut self, client: Client) {
        self.free_slots += client.available();
        self.order.push_back(client.id);
        self.buckets.share_with(client.id, self.order.len());
        self.clients.insert(client.id, client);
    }

    /// Removes a client; its buckets go to those with the fewest.
    pub(super) fn remove(&mut self, id: ClientId) -> Option<Client> {
        let client = self.clients.remove(&id)?;
        self.free_slots -= client.available();
        self.order.retain(|other| *other != id);
        self.buckets.give_up(id, &self.order);
        Some(client)
    }

    /// Picks the client for `message`; the slot is not taken yet.
    pub(super) fn choose<M: Message>(&mut self, message: &M) -> Choice {
        if self.free_slots == 0 {
            return Choice::NoCapacity;
        }
        match self.strategy {
            ConsumerStrategy::RoundRobin => self.rotate_to_a_slot(true),
            ConsumerStrategy::DispatchToSingle => self.rotate_to_a_slot(false),
            ConsumerStrategy::Pinned => self.pinned(hash(&message.source_stream())),
            ConsumerStrategy::PinnedByCorrelation => match correlation_id(message.metadata()) {
                Some(id) => self.pinned(hash(&id)),
                None => self.pinned(hash(&message.source_stream())),
            },
        }
    }

    /// Takes one slot of a client that [`Dispatcher::choose`] named.
    pub(super) fn take_slot(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(&id) {
            debug_assert!(client.has_slot(), "the strategy names only clients that have a slot");
            client.in_flight += 1;
            self.free_slots -= 1;
        }
    }

    /// Gives one slot back; a client that has left has none.
    pub(super) fn free_slot(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.in_flight -= 1;
            self.free_slots += 1;
        }
    }

    /// Brings a client with a slot to the head; with `and_past` the client after it will be asked first next time.
    fn rotate_to_a_slot(&mut self, and_past: bool) -> Choice {
        for _ in 0..self.order.len() {
            let Some(&head) = self.order.front() else { break };
            let has_slot = self.clients.get(&head).is_some_and(Client::has_slot);
            if and_past || !has_slot {
                self.order.rotate_left(1);
            }
            if has_slot {
                return Choice::Client(head);
            }
        }
        Choice::NoCapacity
    }

    fn pinned(&mut self, hash: u32) -> Choice {
        match self.buckets.client_of(hash, &self.order) {
            None => Choice::NoCapacity,
            Some(id) if self.clients.get(&id).is_some_and(Client::has_slot) => Choice::Client(id),
            Some(_) => Choice::Skip,
        }
    }
}

/// Hashes a stream name as EventStoreDB does to pin it: xxHash32 over its UTF-16LE bytes.
fn hash(name: &str) -> u32 {
    const SEED: u32 = 0xc58f_1a7b;
    let bytes: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    xxh32(&bytes, SEED)
}

/// Returns the `$correlationId` of JSON metadata.
fn correlation_id(metadata: &[u8]) -> Option<String> {
    let metadata: serde_json::Value = serde_json::from_slice(metadata).ok()?;
    metadata.get("$correlationId")?.as_str().map(str::to_owned)
}

/// Which client each of the 1024 buckets of the pinned strategies belongs to.
#[derive(Debug)]
struct Buckets {
    owners: Vec<Option<ClientId>>,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { owners: vec![None; Self::COUNT] }
    }
}

impl Buckets {
    const COUNT: usize = 1024;

    /// Returns the owner of a hash's bucket; an unowned bucket goes to the client with the fewest.
    fn client_of(&mut self, hash: u32, clients: &VecDeque<ClientId>) -> Option<ClientId> {
        let bucket = hash as usize % Self::COUNT;
        if self.owners[bucket].is_none() {
            self.owners[bucket] = self.least_loaded(clients);
        }
        self.owners[bucket]
    }

    /// Hands a newcomer its share of the owned buckets, taken from those that own more than theirs.
    fn share_with(&mut self, newcomer: ClientId, clients: usize) {
        let share = self.owners.iter().flatten().count() / clients;
        let mut load: FxHashMap<ClientId, usize> = FxHashMap::default();
        for owner in &mut self.owners {
            let Some(current) = *owner else { continue };
            let kept = load.entry(current).or_default();
            *kept += 1;
            if *kept > share && *load.entry(newcomer).or_default() < share {
                *owner = Some(newcomer);
                *load.entry(newcomer).or_default() += 1;
            }
        }
    }

    fn give_up(&mut self, leaver: ClientId, left: &VecDeque<ClientId>) {
        for bucket in 0..Self::COUNT {
            if self.owners[bucket] == Some(leaver) {
                self.owners[bucket] = None;
                self.owners[bucket] = self.least_loaded(left);
            }
        }
    }

    fn least_loaded(&self, clients: &VecDeque<ClientId>) -> Option<ClientId> {
        let mut load: FxHashMap<ClientId, usize> = FxHashMap::default();
        for owner in self.owners.iter().flatten() {
            *load.entry(*owner).or_default() += 1;
        }
        clients.iter().copied().min_by_key(|id| (load.get(id).copied().unwrap_or(0), *id))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::log::Timestamp;
    use super::super::client::ClientIdentity;
    use super::super::info::Latencies;
    use super::super::message::testing::{TestMessage, event};
    use super::*;

    fn client(id: u64, slots: usize) -> Client {
        Client {
            id: ClientId(id),
            identity: ClientIdentity::default(),
            slots,
            in_flight: 0,
            connected_at: Timestamp::default(),
            processed: 0,
            processed_at_last_info: 0,
            latencies: Latencies::default(),
        }
    }

    fn dispatcher(strategy: ConsumerStrategy, slots: &[usize]) -> Dispatcher {
        let mut dispatcher = Dispatcher::new(strategy);
        for (id, slots) in (0..).zip(slots) {
            dispatcher.add(client(id, *slots));
        }
        dispatcher
    }

    /// Sends the message if anyone takes it, and says who.
    fn send(dispatcher: &mut Dispatcher, message: &TestMessage) -> Choice {
        let choice = dispatcher.choose(message);
        if let Choice::Client(id) = choice {
            dispatcher.take_slot(id);
        }
        choice
    }

    fn to(id: u64) -> Choice {
        Choice::Client(ClientId(id))
    }

    /// Returns `count` messages of streams that are all pinned to `id`.
    fn pinned_to(dispatcher: &mut Dispatcher, id: u64, count: usize) -> Vec<TestMessage> {
        (0..)
            .map(|n| event(n).of(&format!("stream-{n}")))
            .filter(|message| {
                let Dispatcher { buckets, order, .. } = &mut *dispatcher;
                buckets.client_of(hash(&message.source), order) == Some(ClientId(id))
            })
            .take(count)
            .collect()
    }

    #[test]
    fn round_robin_alternates_and_passes_over_a_full_client() {
        let mut clients = dispatcher(ConsumerStrategy::RoundRobin, &[1, 3]);
        let sent: Vec<_> = (0..5).map(|n| send(&mut clients, &event(n))).collect();
        assert_eq!(sent, [to(0), to(1), to(1), to(1), Choice::NoCapacity]);
    }

    #[test]
    fn dispatch_to_single_fills_one_client_before_the_next() {
        let mut clients = dispatcher(ConsumerStrategy::DispatchToSingle, &[2, 2]);
        let sent: Vec<_> = (0..5).map(|n| send(&mut clients, &event(n))).collect();
        assert_eq!(sent, [to(0), to(0), to(1), to(1), Choice::NoCapacity]);
    }

    #[test]
    fn pinned_keeps_a_stream_with_its_client() {
        let mut clients = dispatcher(ConsumerStrategy::Pinned, &[100, 100]);
        let first = send(&mut clients, &event(0));
        assert!((1..20).all(|n| send(&mut clients, &event(n)) == first));
    }

    #[test]
    fn pinned_spreads_streams_over_the_clients() {
        let mut clients = dispatcher(ConsumerStrategy::Pinned, &[200, 200]);
        for n in 0..200 {
            send(&mut clients, &event(n).of(&format!("stream-{n}")));
        }
        for client in clients.in_order_of_arrival() {
            assert!(client.in_flight > 50, "client {:?} got {}", client.id, client.in_flight);
        }
    }

    #[test]
    fn pinned_skips_the_events_of_a_full_client_while_others_proceed() {
        let mut clients = dispatcher(ConsumerStrategy::Pinned, &[1, 10]);
        let (first, second) = (pinned_to(&mut clients, 0, 2), pinned_to(&mut clients, 1, 1));
        assert_eq!(send(&mut clients, &first[0]), to(0));
        assert_eq!(send(&mut clients, &first[1]), Choice::Skip);
        assert_eq!(send(&mut clients, &second[0]), to(1));
    }

    #[test]
    fn a_newcomer_takes_over_its_share_of_the_buckets() {
        let mut clients = dispatcher(ConsumerStrategy::Pinned, &[10]);
        pinned_to(&mut clients, 0, 300);
        clients.add(client(1, 10));
        let owned = |id| clients.buckets.owners.iter().flatten().filter(|owner| owner.0 == id).count();
        let (first, second) = (owned(0), owned(1));
        assert!(second > 0 && first.abs_diff(second) <= 1, "{first} and {second}");
    }

    #[test]
    fn what_cannot_be_shared_evenly_stays_where_it_is() {
        let mut buckets = Buckets::default();
        buckets.owners[..5].fill(Some(ClientId(0)));
        buckets.share_with(ClientId(1), 2);
        let (kept, handed_over) = (Some(ClientId(0)), Some(ClientId(1)));
        assert_eq!(buckets.owners[..6], [kept, kept, handed_over, handed_over, kept, None]);
    }

    #[test]
    fn the_buckets_of_a_leaver_go_to_those_who_stay() {
        let mut clients = dispatcher(ConsumerStrategy::Pinned, &[1, 10]);
        let of_first = pinned_to(&mut clients, 0, 3);
        clients.remove(ClientId(0));
        assert!(of_first.iter().all(|message| send(&mut clients, message) == to(1)));
    }

    #[test]
    fn pinned_by_correlation_follows_the_correlation_id_across_streams() {
        let mut clients = dispatcher(ConsumerStrategy::PinnedByCorrelation, &[100, 100]);
        let correlated = |n: u64| TestMessage {
            metadata: br#"{"$correlationId":"c-1"}"#.to_vec(),
            ..event(n).of(&format!("stream-{n}"))
        };
        let first = send(&mut clients, &correlated(0));
        assert!((1..20).all(|n| send(&mut clients, &correlated(n)) == first));
    }

    #[test]
    fn pinned_by_correlation_spreads_ids_whatever_their_stream() {
        let mut clients = dispatcher(ConsumerStrategy::PinnedByCorrelation, &[200, 200]);
        for n in 0..200 {
            let metadata = format!(r#"{{"$correlationId":"c-{n}"}}"#).into_bytes();
            send(&mut clients, &TestMessage { metadata, ..event(n) });
        }
        for client in clients.in_order_of_arrival() {
            assert!(client.in_flight > 50, "client {:?} got {}", client.id, client.in_flight);
        }
    }

    #[test]
    fn pinned_by_correlation_without_an_id_pins_the_stream() {
        let mut clients = dispatcher(ConsumerStrategy::PinnedByCorrelation, &[100, 100]);
        let first = send(&mut clients, &event(0));
        assert!((1..20).all(|n| send(&mut clients, &event(n)) == first));
    }

    #[test]
    fn a_client_that_left_has_no_slots() {
        let mut clients = dispatcher(ConsumerStrategy::RoundRobin, &[2]);
        send(&mut clients, &event(0));
        clients.remove(ClientId(0));
        clients.free_slot(ClientId(0));
        assert!(!clients.has_capacity());
        assert_eq!(send(&mut clients, &event(1)), Choice::NoCapacity);
    }

    #[test]
    fn strategies_are_found_by_name_and_others_are_refused() {
        for strategy in [
            ConsumerStrategy::RoundRobin,
            ConsumerStrategy::DispatchToSingle,
            ConsumerStrategy::Pinned,
            ConsumerStrategy::PinnedByCorrelation,
        ] {
            assert_eq!(strategy.name().parse(), Ok(strategy));
            assert_eq!(strategy.to_string(), strategy.name());
        }
        let refused = "InvalidStrategy".parse::<ConsumerStrategy>().unwrap_err();
        assert_eq!(refused.to_string(), "Consumer strategy InvalidStrategy does not exist.");
    }

    #[test]
    fn names_are_hashed_as_utf16_with_the_stores_seed() {
        assert_eq!(hash("ab"), xxh32(&[b'a', 0, b'b', 0], 0xc58f_1a7b));
    }
}
