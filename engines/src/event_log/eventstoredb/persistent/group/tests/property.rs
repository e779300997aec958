//! Whatever happens, in whatever order: nothing is lost, no slot is overdrawn, no checkpoint passes what is incomplete.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Something that happens to a group.
#[derive(Clone, Debug)]
enum Step {
    Append,
    AppendHidden,
    Connect {
        slots: usize,
    },
    /// The n-th client leaves.
    Disconnect {
        nth: usize,
    },
    /// Acknowledge the n-th event in flight.
    Ack {
        nth: usize,
    },
    Nack {
        nth: usize,
        action: NackAction,
    },
    Tick {
        ms: u64,
    },
    Replay,
    /// Carry out the oldest read or write that is still open, well or badly.
    Answer {
        well: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![
        3 => Just(NackAction::Retry),
        2 => Just(NackAction::Park),
        1 => Just(NackAction::Skip),
    ];
    prop_oneof![
        6 => Just(Step::Append),
        1 => Just(Step::AppendHidden),
        2 => (1..4_usize).prop_map(|slots| Step::Connect { slots }),
        1 => (0..3_usize).prop_map(|nth| Step::Disconnect { nth }),
        6 => (0..8_usize).prop_map(|nth| Step::Ack { nth }),
        3 => (0..8_usize, action).prop_map(|(nth, action)| Step::Nack { nth, action }),
        2 => (0..2500_u64).prop_map(|ms| Step::Tick { ms }),
        1 => Just(Step::Replay),
        9 => prop::bool::weighted(0.8).prop_map(|well| Step::Answer { well }),
    ]
}

/// What is known from outside of where an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Done,
    Parked,
}

/// A group whose reads and writes are answered late, and what the world outside has seen of it.
struct World {
    scene: Scene,
    open: Vec<Output<TestMessage>>,
    clients: BTreeMap<u64, usize>,
    connections: u64,
    /// Who holds which delivery, by acknowledgement key.
    held: BTreeMap<Uuid, (u64, u64)>,
    /// Events of which nothing is left to do. An event that is in no map has not come to its end.
    ended: BTreeMap<u64, Place>,
}

impl World {
    fn new(settings: Settings) -> Self {
        let mut scene = Scene::new(Settings::default(), 0);
        scene.group = Group::new(settings, None, scene.now);
        let mut world = Self {
            scene,
            open: Vec::new(),
            clients: BTreeMap::new(),
            connections: 0,
            held: BTreeMap::new(),
            ended: BTreeMap::new(),
        };
        world.collect();
        world
    }

    /// Notes what the group put out: deliveries are seen at once, the rest stays open.
    fn collect(&mut self) {
        while let Some(output) = self.scene.group.poll_output() {
            match output {
                Output::Push { client, message, .. } => {
                    assert!(
                        self.clients.contains_key(&client.0),
                        "only those who are connected get something"
                    );
                    let before = self.held.insert(message.id, (client.0, message.target));
                    assert_eq!(before, None, "no event is with two clients");
                    self.ended.remove(&message.target);
                    let holds = self.held.values().filter(|(holder, _)| *holder == client.0).count();
                    assert!(holds <= self.clients[&client.0], "no client holds more than its slots");
                }
                other => self.open.push(other),
            }
        }
    }

    fn nth_held(&self, nth: usize) -> Option<(Uuid, u64)> {
        let (id, (_, target)) = self.held.iter().nth(nth % self.held.len().max(1))?;
        Some((*id, *target))
    }

    fn take(&mut self, step: Step) {
        let now = self.scene.now;
        let group = &mut self.scene.group;
        match step {
            Step::Append | Step::AppendHidden => {
                let message = event(self.scene.stream.len() as u64);
                self.scene.stream.push(message.clone());
                if matches!(step, Step::AppendHidden) {
                    self.scene.hidden.insert(message.revision);
                    group.event_skipped(message.position, now);
                } else {
                    group.event_committed(message, now);
                }
            }
            Step::Connect { slots } => {
                let client = self.connections;
                self.connections += 1;
                self.clients.insert(client, slots);
                group.connect(ClientId(client), slots, ClientIdentity::default(), now).unwrap();
            }
            Step::Disconnect { nth } => {
                let Some(&client) = self.clients.keys().nth(nth) else { return };
                self.clients.remove(&client);
                self.held.retain(|_, (holder, _)| *holder != client);
                group.disconnect(ClientId(client), now);
            }
            Step::Ack { nth } => {
                let Some((id, target)) = self.nth_held(nth) else { return };
                self.held.remove(&id);
                self.ended.insert(target, Place::Done);
                self.scene.group.acknowledge([id], now);
            }
            Step::Nack { nth, action } => {
                let Some((id, target)) = self.nth_held(nth) else { return };
                self.held.remove(&id);
                if action == NackAction::Skip {
                    self.ended.insert(target, Place::Done);
                }
                self.scene.group.refuse([id], action, "", now);
            }
            Step::Tick { ms } => {
                self.scene.now = now.saturating_add(Duration::from_millis(ms));
                let now = self.scene.now;
                // Whatever runs out is taken from its client: forget who held what, then see what is sent again.
                let timeout = self.scene.group.settings.message_timeout;
                let outstanding = &self.scene.group.outstanding;
                let running_out: Vec<Uuid> = self
                    .held
                    .keys()
                    .copied()
                    .filter(|id| outstanding.sent_at(*id).is_some_and(|at| at.saturating_add(timeout) <= now))
                    .collect();
                running_out.iter().for_each(|id| {
                    self.held.remove(id);
                });
                self.scene.group.tick(now);
            }
            Step::Replay => {
                let range =
                    ParkedRange { first: self.scene.parked_before, end: self.scene.parked.len() as u64 };
                group.replay_parked(range, None);
            }
            Step::Answer { well } => self.answer(well),
        }
        self.collect();
        self.check();
    }

    fn answer(&mut self, well: bool) {
        if self.open.is_empty() {
            return;
        }
        let output = self.open.remove(0);
        let (now, group) = (self.scene.now, &mut self.scene.group);
        match (&output, well) {
            (Output::ReadPage { request, .. }, false) => return group.page_failed(*request),
            (Output::ReadParked { request, .. }, false) => return group.parked_page_failed(*request),
            (Output::Park { ticket, .. }, false) => return group.park_failed(*ticket, now),
            (Output::WriteCheckpoint { .. }, false) => return group.checkpoint_failed(),
            _ => {}
        }
        let parked_before = self.scene.parked.len();
        self.scene.carry_out(output);
        if let Some((link, _)) = self.scene.parked.get(parked_before) {
            let target: u64 = link.split_once('@').unwrap().0.parse().unwrap();
            self.ended.insert(target, Place::Parked);
        }
    }

    /// Checks that no checkpoint covers an event that has not come to its end at least once.
    fn check(&self) {
        assert!(self.scene.checkpoints.is_sorted(), "checkpoints only go forward");
        let writing = self.open.iter().filter_map(|output| match output {
            Output::WriteCheckpoint { position: GroupPosition::Stream(revision) } => Some(*revision),
            _ => None,
        });
        let Some(checkpoint) = self.scene.checkpoints.last().copied().into_iter().chain(writing).max() else {
            return;
        };
        let parked_once: BTreeSet<u64> = self
            .scene
            .parked
            .iter()
            .map(|(link, _)| link.split_once('@').unwrap().0.parse().unwrap())
            .collect();
        for revision in 0..=checkpoint {
            let over = self.scene.hidden.contains(&revision)
                || self.ended.contains_key(&revision)
                || parked_once.contains(&revision);
            assert!(over, "checkpoint {checkpoint} passes {revision}, which is not done");
        }
    }

    /// Answers everything well and acknowledges everything, until nothing is left to do.
    fn settle(&mut self) {
        self.take(Step::Connect { slots: 3 });
        for _ in 0..10_000 {
            if !self.open.is_empty() {
                self.take(Step::Answer { well: true });
            } else if !self.held.is_empty() {
                self.take(Step::Ack { nth: 0 });
            } else if self.is_settled() {
                return;
            } else {
                self.take(Step::Tick { ms: 1000 });
            }
        }
        panic!("the group never comes to rest");
    }

    fn is_settled(&self) -> bool {
        let buffer = &self.scene.group.buffer;
        buffer.is_live() && buffer.new_count() == 0 && buffer.retry_count() == 0
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    let strategies = prop_oneof![
        Just(ConsumerStrategy::RoundRobin),
        Just(ConsumerStrategy::DispatchToSingle),
        Just(ConsumerStrategy::Pinned),
    ];
    (1..5_usize, 1..5_usize, 0..4_usize, 0..3_u32, 1..4_u64, strategies).prop_map(
        |(read_batch_size, room, live_buffer_size, max_retry_count, checkpoint_count, strategy)| Settings {
            start_from: StartFrom::Beginning,
            message_timeout: Duration::from_secs(2),
            read_batch_size,
            history_buffer_size: read_batch_size + room,
            live_buffer_size,
            max_retry_count,
            min_checkpoint_count: checkpoint_count,
            max_checkpoint_count: checkpoint_count * 2,
            strategy,
            ..Settings::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_event_is_lost_and_no_checkpoint_passes_an_incomplete_one(
        settings in settings(),
        steps in prop::collection::vec(step(), 0..150),
    ) {
        let mut world = World::new(settings);
        for step in steps {
            world.take(step);
        }
        world.settle();
        for revision in 0..world.scene.stream.len() as u64 {
            let hidden = world.scene.hidden.contains(&revision);
            prop_assert_eq!(hidden, !world.ended.contains_key(&revision), "event {} has an end", revision);
        }
        // What is parked and not replayed is in the parked stream, once.
        let mut targets = world.scene.parked_targets();
        targets.sort_unstable();
        let parked: Vec<String> = world
            .ended
            .iter()
            .filter(|(_, place)| **place == Place::Parked)
            .map(|(revision, _)| format!("{revision}@orders-1"))
            .collect();
        let mut parked: Vec<&str> = parked.iter().map(String::as_str).collect();
        parked.sort_unstable();
        prop_assert_eq!(targets, parked);
    }
}
