//! The rules of a group, on the machine alone; [`Scene`] plays the store and the clients.

mod checkpoints;
mod delivery;
mod property;
mod reading;
mod replay;

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::super::super::log::Timestamp;
use super::super::client::{ClientId, ClientIdentity};
use super::super::message::testing::{TestMessage, event};
use super::super::parking::ParkedRange;
use super::super::position::{GroupPosition, ReadFrom, StartFrom};
use super::super::settings::Settings;
use super::super::strategy::ConsumerStrategy;
use super::{Group, NackAction, Output, PageItem, ReadPage};

/// An event that reached a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    client: u64,
    revision: u64,
    retry_count: u32,
}

/// Settings under which a group starts at the first event and nothing is too small to matter.
fn from_start() -> Settings {
    Settings { start_from: StartFrom::Beginning, ..Settings::default() }
}

/// A group over a stream in memory, every output carried out at once.
struct Scene {
    group: Group<TestMessage>,
    stream: Vec<TestMessage>,
    /// Revisions that the filter does not let through.
    hidden: BTreeSet<u64>,
    /// What the parked stream holds: link data and metadata.
    parked: Vec<(String, String)>,
    parked_before: u64,
    checkpoints: Vec<u64>,
    sent: Vec<Sent>,
    dropped: Vec<u64>,
    deleted: bool,
    /// How many of the next writes of a parked link the store refuses.
    park_faults: u32,
    checkpoint_faults: u32,
    /// Whether pages stay unanswered.
    hold_pages: bool,
    now: Timestamp,
}

impl Scene {
    /// Starts a group on a stream of `events` events.
    fn new(settings: Settings, events: u64) -> Self {
        Self::resumed(settings, events, None)
    }

    /// Starts a group that has a checkpoint.
    fn resumed(settings: Settings, events: u64, checkpoint: Option<u64>) -> Self {
        let now = Timestamp::since_unix_epoch(Duration::from_secs(1_000_000));
        let mut scene = Self {
            group: Group::new(settings, checkpoint.map(GroupPosition::Stream), now),
            stream: (0..events).map(event).collect(),
            hidden: BTreeSet::new(),
            parked: Vec::new(),
            parked_before: 0,
            checkpoints: Vec::new(),
            sent: Vec::new(),
            dropped: Vec::new(),
            deleted: false,
            park_faults: 0,
            checkpoint_faults: 0,
            hold_pages: false,
            now,
        };
        scene.run();
        scene
    }

    fn connect(&mut self, client: u64, slots: usize) -> &mut Self {
        self.group.connect(ClientId(client), slots, ClientIdentity::default(), self.now).unwrap();
        self.run()
    }

    fn disconnect(&mut self, client: u64) -> &mut Self {
        self.group.disconnect(ClientId(client), self.now);
        self.run()
    }

    /// Commits `count` more events.
    fn append(&mut self, count: u64) -> &mut Self {
        for _ in 0..count {
            let revision = self.stream.len() as u64;
            self.append_message(event(revision));
        }
        self
    }

    fn append_message(&mut self, message: TestMessage) -> &mut Self {
        self.stream.push(message.clone());
        if self.hidden.contains(&message.revision) {
            self.group.event_skipped(message.position, self.now);
        } else {
            self.group.event_committed(message, self.now);
        }
        self.run()
    }

    fn ack(&mut self, revisions: impl IntoIterator<Item = u64>) -> &mut Self {
        let ids: Vec<Uuid> = revisions.into_iter().map(|revision| event(revision).id).collect();
        self.group.acknowledge(ids, self.now);
        self.run()
    }

    fn nack(&mut self, revisions: impl IntoIterator<Item = u64>, action: NackAction) -> &mut Self {
        let ids: Vec<Uuid> = revisions.into_iter().map(|revision| event(revision).id).collect();
        self.nack_ids(ids, action)
    }

    fn nack_ids(&mut self, ids: Vec<Uuid>, action: NackAction) -> &mut Self {
        self.group.refuse(ids, action, "because", self.now);
        self.run()
    }

    /// Lets the clock run and the group know.
    fn pass(&mut self, duration: Duration) -> &mut Self {
        self.now = self.now.saturating_add(duration);
        self.group.tick(self.now);
        self.run()
    }

    fn replay(&mut self, stop_at: Option<u64>) -> &mut Self {
        let range = ParkedRange { first: self.parked_before, end: self.parked.len() as u64 };
        self.group.replay_parked(range, stop_at);
        self.run()
    }

    fn update(&mut self, settings: Settings) -> &mut Self {
        self.group.update(settings, self.now);
        self.run()
    }

    /// Returns what was sent since the last time, as (revision, retry count).
    fn deliveries(&mut self) -> Vec<(u64, u32)> {
        self.sent.drain(..).map(|sent| (sent.revision, sent.retry_count)).collect()
    }

    /// Returns what was sent since the last time, as (client, revision).
    fn recipients(&mut self) -> Vec<(u64, u64)> {
        self.sent.drain(..).map(|sent| (sent.client, sent.revision)).collect()
    }

    /// Returns the targets of all parked links that are not cut off.
    fn parked_targets(&self) -> Vec<&str> {
        self.parked.iter().skip(self.parked_before as usize).map(|(link, _)| link.as_str()).collect()
    }

    /// Returns the event that a parked link leads to, as a replay delivers it: under the id of the link.
    fn followed(&self, parked_revision: u64) -> TestMessage {
        let (link, _) = &self.parked[parked_revision as usize];
        let target: u64 = link.split_once('@').unwrap().0.parse().unwrap();
        TestMessage {
            id: parked_id(parked_revision),
            position: GroupPosition::Stream(parked_revision),
            revision: parked_revision,
            target,
            ..self.stream[target as usize].clone()
        }
    }

    fn run(&mut self) -> &mut Self {
        while let Some(output) = self.group.poll_output() {
            self.carry_out(output);
        }
        self
    }

    fn carry_out(&mut self, output: Output<TestMessage>) {
        match output {
            Output::Push { client, message, retry_count } => {
                self.sent.push(Sent { client: client.0, revision: message.target, retry_count });
            }
            Output::ReadPage { request, from, max_count } => {
                if !self.hold_pages {
                    let page = self.page(from, max_count);
                    self.group.page_arrived(request, page, self.now);
                }
            }
            Output::ReadParked { request, from, max_count } => {
                let end = (from + max_count as u64).min(self.parked.len() as u64);
                let messages = (from..end).map(|revision| self.followed(revision)).collect();
                let is_end = end == self.parked.len() as u64;
                self.group.parked_page_arrived(request, messages, end, is_end, self.now);
            }
            Output::TruncateParked { before } => self.parked_before = before,
            Output::Park { ticket, parked } => {
                if self.park_faults > 0 {
                    self.park_faults -= 1;
                    self.group.park_failed(ticket, self.now);
                } else {
                    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
                    self.parked.push((text(parked.link_data), text(parked.metadata)));
                    self.group.park_stored(ticket, self.now);
                }
            }
            Output::WriteCheckpoint { position } => {
                if self.checkpoint_faults > 0 {
                    self.checkpoint_faults -= 1;
                    self.group.checkpoint_failed();
                } else {
                    let GroupPosition::Stream(revision) = position else { panic!("a stream has revisions") };
                    self.checkpoints.push(revision);
                    self.group.checkpoint_stored();
                }
            }
            Output::Drop { client } => self.dropped.push(client.0),
            Output::DeleteStreams => self.deleted = true,
        }
    }

    fn page(&self, from: ReadFrom, max_count: usize) -> ReadPage<TestMessage> {
        let first = from.first_revision().unwrap();
        let end = first.saturating_add(max_count as u64).min(self.stream.len() as u64).max(first);
        let items = (first..end)
            .map(|revision| {
                let message = self.stream[revision as usize].clone();
                if self.hidden.contains(&revision) {
                    PageItem::Skipped { position: message.position, count: 1 }
                } else {
                    PageItem::Event(message)
                }
            })
            .collect();
        ReadPage {
            items,
            next: ReadFrom::At(GroupPosition::Stream(end)),
            is_end: end >= self.stream.len() as u64,
        }
    }
}

/// Returns the id of the link at that revision of the parked stream.
fn parked_id(parked_revision: u64) -> Uuid {
    Uuid::from_u128(1_000_000 + u128::from(parked_revision))
}

fn times(count: usize, value: (u64, u32)) -> Vec<(u64, u32)> {
    vec![value; count]
}
