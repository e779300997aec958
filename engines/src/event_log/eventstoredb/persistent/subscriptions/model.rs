//! All groups over a real store, against a model that knows only what was appended and what was answered: whatever consumers do,
//! and however often the store is started again, every event comes to an end, and none is given to anybody twice in one life of the
//! store once it is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use prost::bytes::Bytes;

use super::super::super::log::NewEvent;
use super::super::super::settings::Settings as StoreSettings;
use super::super::strategy::ConsumerStrategy;
use super::*;

const CATEGORY: &str = "$ce-cat";
const STREAMS: [&str; 3] = ["cat-a", "cat-b", "cat-c"];
const CLIENTS_MAX: usize = 3;
/// How long a consumer may keep an event.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a consumer says of an event that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Done,
    Again,
    Park,
    Skip,
}

/// What happens. Who and what is named by a number, taken modulo how many there are.
#[derive(Debug, Clone)]
enum Step {
    Append {
        stream: usize,
        count: usize,
    },
    Connect {
        slots: usize,
    },
    Disconnect {
        client: usize,
    },
    Say {
        held: usize,
        said: Said,
    },
    Tick {
        ms: u64,
    },
    Replay,
    /// The store is told to start its groups again.
    Restart,
    /// The process dies, and another one finds what the store holds.
    Crash,
}

/// What is known without asking the store.
#[derive(Debug, Clone, Default)]
struct Model {
    /// What the category must hand out, in order: stream and revision.
    links: Vec<(usize, u64)>,
    lengths: [u64; STREAMS.len()],
    clients: usize,
    max_retry_count: u32,
    strategy: ConsumerStrategy,
    checkpoint_count: u64,
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let strategies = prop_oneof![
            Just(ConsumerStrategy::RoundRobin),
            Just(ConsumerStrategy::DispatchToSingle),
            Just(ConsumerStrategy::Pinned),
            Just(ConsumerStrategy::PinnedByCorrelation),
        ];
        (0..3_u32, strategies, 1..4_u64)
            .prop_map(|(max_retry_count, strategy, checkpoint_count)| Self {
                max_retry_count,
                strategy,
                checkpoint_count,
                ..Self::default()
            })
            .boxed()
    }

    fn transitions(_state: &Self) -> BoxedStrategy<Step> {
        let said = prop_oneof![
            6 => Just(Said::Done),
            2 => Just(Said::Again),
            2 => Just(Said::Park),
            1 => Just(Said::Skip),
        ];
        prop_oneof![
            6 => (0..STREAMS.len(), 1..4_usize).prop_map(|(stream, count)| Step::Append { stream, count }),
            3 => (1..5_usize).prop_map(|slots| Step::Connect { slots }),
            1 => (0..CLIENTS_MAX).prop_map(|client| Step::Disconnect { client }),
            12 => (0..8_usize, said).prop_map(|(held, said)| Step::Say { held, said }),
            3 => (0..2_500_u64).prop_map(|ms| Step::Tick { ms }),
            1 => Just(Step::Replay),
            1 => Just(Step::Restart),
            1 => Just(Step::Crash),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        match step {
            Step::Connect { .. } => state.clients < CLIENTS_MAX,
            Step::Disconnect { .. } => state.clients > 0,
            _ => true,
        }
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        match step {
            Step::Append { stream, count } => {
                for _ in 0..*count {
                    state.links.push((*stream, state.lengths[*stream]));
                    state.lengths[*stream] += 1;
                }
            }
            Step::Connect { .. } => state.clients += 1,
            Step::Disconnect { .. } => state.clients -= 1,
            Step::Restart | Step::Crash => state.clients = 0,
            Step::Say { .. } | Step::Tick { .. } | Step::Replay => {}
        }
        state
    }
}

/// A consumer: its places, and what it holds and since when, by what an answer names.
struct Consumer {
    slots: usize,
    held: BTreeMap<Uuid, (u64, Timestamp)>,
}

/// The store with its groups, and what was seen of them from outside. Links are named by their revision in the category.
struct World {
    store: Store,
    subscriptions: Subscriptions,
    now: Timestamp,
    consumers: BTreeMap<ClientId, Consumer>,
    /// Answered for good at least once, whatever became of the answer.
    answered: BTreeSet<u64>,
    /// Of these, in the present life of the store.
    answered_now: BTreeSet<u64>,
    /// What EventStoreDB itself forgets when it is started again, by the rules that it keeps: events that a replay has taken out of
    /// the parking lot (it empties the lot once it has read it), and, where events are pinned, those that wait for a
    /// consumer which is full while later ones are answered (only what was delivered counts for a checkpoint).
    forgotten: BTreeSet<u64>,
    is_pinned: bool,
    /// The links of the category, by what they lead to.
    links: BTreeMap<String, u64>,
    /// Up to where the group had answered everything, as the present life of the store found it.
    found_checkpoint: Option<u64>,
}

fn key() -> GroupKey {
    GroupKey { stream: CATEGORY.into(), group: "g".into() }
}

impl World {
    fn new(model: &Model) -> Self {
        let settings = StoreSettings { initial_records: false, ..StoreSettings::default() };
        let mut last = 0_u128;
        let ids = move || {
            last += 1;
            Uuid::from_u128(last << 64)
        };
        let now = Timestamp::from_unix_ticks(1_000_000_000);
        let mut store = Store::new(settings, ids, now);
        let mut subscriptions = Subscriptions::load(&mut store, now).expect("no configuration");
        let settings = Settings {
            start_from: StartFrom::Beginning,
            resolve_links: true,
            message_timeout: MESSAGE_TIMEOUT,
            max_retry_count: model.max_retry_count,
            read_batch_size: 3,
            history_buffer_size: 6,
            live_buffer_size: 4,
            min_checkpoint_count: model.checkpoint_count,
            max_checkpoint_count: model.checkpoint_count * 2,
            strategy: model.strategy,
            ..Settings::default()
        };
        subscriptions.create(key(), settings, None, &mut store, now).expect("a group");
        Self {
            store,
            subscriptions,
            now,
            consumers: BTreeMap::new(),
            answered: BTreeSet::new(),
            answered_now: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            is_pinned: matches!(
                model.strategy,
                ConsumerStrategy::Pinned | ConsumerStrategy::PinnedByCorrelation
            ),
            links: BTreeMap::new(),
            found_checkpoint: None,
        }
    }

    fn append(&mut self, stream: usize, count: usize) {
        let event = |id| NewEvent {
            id,
            event_type: "Tested".into(),
            data: Bytes::from_static(b"{}"),
            metadata: Bytes::new(),
            is_json: true,
        };
        let events = (0..count).map(|_| event(self.store.new_id())).collect();
        let appended = self.store.append(STREAMS[stream], ExpectedRevision::Any, events, self.now);
        let last = appended.expect("an append").revision.expect("the last event's");
        for revision in last + 1 - count as u64..=last {
            self.links.insert(format!("{revision}@{}", STREAMS[stream]), self.links.len() as u64);
        }
        self.subscriptions.advance(&mut self.store, self.now);
    }

    fn connect(&mut self, slots: usize) {
        let identity = ClientIdentity::default();
        let client = self.subscriptions.connect(&key(), slots, identity, &mut self.store, self.now);
        self.consumers.insert(client.expect("room"), Consumer { slots, held: BTreeMap::new() });
    }

    /// Returns the n-th event that somebody holds, with who that is.
    fn nth_held(&self, nth: usize) -> Option<(ClientId, Uuid, u64)> {
        let held = self
            .consumers
            .iter()
            .flat_map(|(client, consumer)| consumer.held.iter().map(|(id, (link, _))| (*client, *id, *link)));
        let held: Vec<_> = held.collect();
        held.get(nth % held.len().max(1)).copied()
    }

    fn say(&mut self, held: usize, said: Said) {
        let Some((client, id, link)) = self.nth_held(held) else { return };
        self.consumers.get_mut(&client).expect("a consumer").held.remove(&id);
        if matches!(said, Said::Done | Said::Skip) {
            self.answered.insert(link);
            self.answered_now.insert(link);
        }
        let (store, now) = (&mut self.store, self.now);
        let action = match said {
            Said::Done => return self.subscriptions.acknowledge(client, vec![id], store, now),
            Said::Again => NackAction::Retry,
            Said::Park => NackAction::Park,
            Said::Skip => NackAction::Skip,
        };
        self.subscriptions.refuse(client, vec![id], action, "because", store, now);
        if said == Said::Park {
            assert!(self.parked().contains(&link), "what is to be parked is");
        }
    }

    /// Time passes; what a consumer has kept for too long is no longer its own.
    fn tick(&mut self, ms: u64) {
        self.now = self.now.saturating_add(Duration::from_millis(ms));
        let now = self.now;
        for consumer in self.consumers.values_mut() {
            consumer.held.retain(|_, (_, since)| since.saturating_add(MESSAGE_TIMEOUT) > now);
        }
        self.subscriptions.tick(&mut self.store, self.now);
    }

    fn begin_a_new_life(&mut self) {
        self.consumers.clear();
        self.found_checkpoint = self.checkpoint();
        let parked = self.parked();
        let is_forgotten = |link: &u64| {
            let is_passed = self.is_pinned && Some(*link) <= self.found_checkpoint;
            !self.answered.contains(link) && !parked.contains(link) && (self.was_parked(*link) || is_passed)
        };
        let forgotten: Vec<u64> = (0..self.links.len() as u64).filter(is_forgotten).collect();
        self.forgotten.extend(forgotten);
        self.answered_now.clear();
    }

    fn checkpoint(&self) -> Option<u64> {
        match stored_checkpoint(&self.store, &key(), self.now)? {
            GroupPosition::Stream(revision) => Some(revision),
            GroupPosition::All { .. } => panic!("the group reads a stream"),
        }
    }

    /// Reads which links lie in the parking lot.
    fn parked(&self) -> BTreeSet<u64> {
        let lot = parked_stream(CATEGORY, "g");
        let page = self.store.reader(self.now).stream_forward(&lot, 0, 10_000, Links::Keep);
        let events = page.map(|page| page.events).unwrap_or_default();
        events.iter().map(|event| self.link_of(&event.original().data)).collect()
    }

    /// Returns which link of the category leads where a link of the parking lot leads.
    fn link_of(&self, data: &[u8]) -> u64 {
        self.links[std::str::from_utf8(data).expect("a link is text")]
    }

    /// Sees what was sent.
    fn receive(&mut self, model: &Model) {
        for (client, sent) in self.subscriptions.take_outbox() {
            let ToClient::Event { event, .. } = sent else {
                self.consumers.remove(&client);
                continue;
            };
            let original = event.original();
            let is_replayed = original.stream != CATEGORY;
            let link = if is_replayed { self.link_of(&original.data) } else { original.revision };
            let target = event.event.as_ref().expect("its link leads somewhere");
            let (stream, revision) = model.links[link as usize];
            if !is_replayed {
                assert_eq!((target.stream.as_str(), target.revision), (STREAMS[stream], revision));
                // What was parked in an earlier life may be owed twice: the lot has it, and the stream as well.
                let is_new = !self.answered_now.contains(&link) || self.was_parked(link);
                assert!(is_new, "{link} is answered, and comes again");
                assert!(self.found_checkpoint < Some(link), "{link} comes again from below the checkpoint");
            }
            let is_held = self.consumers.values().any(|consumer| consumer.held.contains_key(&original.id));
            assert!(!is_held, "{link} is with two consumers");
            // One that is no longer there was dropped in the same breath.
            if let Some(consumer) = self.consumers.get_mut(&client) {
                consumer.held.insert(original.id, (link, self.now));
            }
        }
    }

    /// Checks that nobody holds more than they have places for, and that no checkpoint passes what is owed.
    fn check(&self) {
        let is_in_bounds = |consumer: &Consumer| consumer.held.len() <= consumer.slots;
        assert!(self.consumers.values().all(is_in_bounds), "somebody holds more than they have places for");
        let Some(checkpoint) = self.checkpoint().filter(|_| !self.is_pinned) else { return };
        let is_owed = |link: &u64| {
            let is_over = self.answered.contains(link) || self.was_parked(*link);
            !is_over && !self.forgotten.contains(link)
        };
        let passed: Vec<u64> = (0..=checkpoint).filter(is_owed).collect();
        assert!(passed.is_empty(), "checkpoint {checkpoint} passes {passed:?}");
    }

    /// Returns whether a link was ever parked: a replay may have taken it out again.
    fn was_parked(&self, link: u64) -> bool {
        let lot = parked_stream(CATEGORY, "g");
        let records = self.store.streams().get(&lot).map(|stream| stream.records()).unwrap_or_default();
        records.iter().any(|record| self.link_of(&record.data) == link)
    }

    fn is_all_answered(&self) -> bool {
        (0..self.links.len() as u64)
            .all(|link| self.answered.contains(&link) || self.forgotten.contains(&link))
    }

    /// Lets one consumer answer everything, until nothing comes any more; then everything has been answered.
    fn settle(mut self, model: &Model) {
        self.connect(8);
        self.receive(model);
        for round in 0.. {
            assert!(round < 2_000, "the group never comes to rest: {:?}", self.answered);
            if self.nth_held(0).is_some() {
                self.say(0, Said::Done);
            } else if self.parked().is_empty() && self.is_all_answered() {
                break;
            } else {
                self.subscriptions
                    .replay_parked(&key(), None, &mut self.store, self.now)
                    .expect("there is such a group");
                self.tick(1_000);
            }
            self.receive(model);
            self.check();
        }
        let report = self.subscriptions.report(&key(), &mut self.store, self.now).expect("a report");
        assert_eq!((report.parked, report.info.total_in_flight), (0, 0));
        assert_eq!((report.info.read_buffer_count, report.info.retry_buffer_count), (0, 0));
    }
}

struct Driven;

impl StateMachineTest for Driven {
    type SystemUnderTest = World;
    type Reference = Model;

    fn init_test(model: &Model) -> World {
        World::new(model)
    }

    fn apply(mut world: World, model: &Model, step: Step) -> World {
        match step {
            Step::Append { stream, count } => world.append(stream, count),
            Step::Connect { slots } => world.connect(slots),
            Step::Disconnect { client } => {
                let nth = world.consumers.keys().nth(client % world.consumers.len().max(1)).copied();
                if let Some(client) = nth {
                    world.consumers.remove(&client);
                    world.subscriptions.disconnect(client, &mut world.store, world.now);
                }
            }
            Step::Say { held, said } => world.say(held, said),
            Step::Tick { ms } => world.tick(ms),
            Step::Replay => {
                world
                    .subscriptions
                    .replay_parked(&key(), None, &mut world.store, world.now)
                    .expect("there is such a group");
            }
            Step::Restart => {
                world.subscriptions.restart(&mut world.store, world.now).expect("a configuration");
                world.begin_a_new_life();
            }
            Step::Crash => {
                world.begin_a_new_life();
                world.subscriptions =
                    Subscriptions::load(&mut world.store, world.now).expect("a configuration");
            }
        }
        world.receive(model);
        world
    }

    fn check_invariants(world: &World, _model: &Model) {
        world.check();
    }

    fn teardown(world: World, model: Model) {
        world.settle(&model);
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_event_comes_to_an_end_whatever_consumers_do_and_however_often_the_store_starts_again(
        sequential 1..60 => Driven
    );
}
