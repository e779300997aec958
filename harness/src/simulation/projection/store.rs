//! The event store of a schedule: the embedded one's state machine, without its server, and the links between what it sends and the
//! events that are meant.

use std::time::Duration;

use cutover_core::event::{Body, RecordedEvent};
use cutover_core::ids::{AggregateId, InterviewId, SentenceId, StreamName};
use cutover_core::projector::Subscription;
use cutover_core::wire;
use cutover_engines::event_log::eventstoredb::ids::SeededIds;
use cutover_engines::event_log::eventstoredb::in_process::{
    delivered, recorded_event, store_event, store_settings,
};
use cutover_engines::event_log::eventstoredb::persistent::{
    ClientId, ClientIdentity, GroupKey, GroupPosition, NackAction, Subscriptions, ToClient, parked_stream,
};
use cutover_engines::event_log::eventstoredb::streams::ExpectedRevision;
use cutover_engines::event_log::eventstoredb::{Links, Settings, Store, Timestamp};
use cutover_engines::event_log::{Delivered, GroupId, GroupSettings};
use cutover_service::projection::Groups;
use rustc_hash::{FxHashMap, FxHashSet};
use uuid::Uuid;

use super::recorder::Append;
use crate::provision::hooks::Answer;
use crate::simulation::projection::audit::Key;

/// Both subscriptions, in the order of their indices.
pub(super) const SUBSCRIPTIONS: [Subscription; 2] = [Subscription::Interview, Subscription::Sentence];

/// 2024-05-01T10:00:00Z, in milliseconds since the Unix epoch: when every schedule begins.
const BEGINNING_MS: u64 = 1_714_557_600_000;

/// Something that a consumer gets.
#[derive(Debug, Clone)]
pub(super) enum Message {
    /// A delivery.
    Event(Delivered),
    /// The store has dropped it.
    Dropped,
}

/// The store, and its two groups.
pub(super) struct EventStore {
    store: Store,
    groups: Subscriptions,
    keys: [GroupKey; 2],
    ids: [GroupId; 2],
    /// Which event each delivery is about.
    events: FxHashMap<Uuid, Key>,
    connected: FxHashSet<ClientId>,
    /// How many events were ever parked, by subscription.
    parked: [u64; 2],
    /// How many deliveries it has taken back from a consumer who did not answer, and sent again.
    taken_back: u64,
}

impl EventStore {
    pub(super) fn new(seed: u64, settings: &GroupSettings) -> Self {
        let now = time(0);
        let quiet = Settings { initial_records: false, ..Settings::default() };
        let mut store = Store::new(quiet, SeededIds::new(seed), now);
        let mut groups = Subscriptions::load(&mut store, now).expect("an empty store configures no group");
        let named = Groups::in_production();
        let ids = [named.interview, named.sentence];
        let keys = ids.clone().map(|id| GroupKey { stream: id.stream.as_str().into(), group: id.group });
        for key in &keys {
            groups
                .create(key.clone(), store_settings(settings), None, &mut store, now)
                .expect("a new group with settings that are possible");
        }
        Self {
            store,
            groups,
            keys,
            ids,
            events: FxHashMap::default(),
            connected: FxHashSet::default(),
            parked: [0; 2],
            taken_back: 0,
        }
    }

    /// Returns the name of a group.
    pub(super) const fn group(&self, subscription: usize) -> &GroupId {
        &self.ids[subscription]
    }

    pub(super) fn append(&mut self, append: &Append, now_ms: u64) {
        let expected = append.at.checked_sub(1).map_or(ExpectedRevision::NoStream, ExpectedRevision::Exact);
        let events = append.events.iter().cloned().map(store_event).collect::<Result<Vec<_>, _>>();
        let events = events.expect("the pipeline writes JSON");
        let now = time(now_ms);
        self.store
            .append(append.stream.as_str(), expected, events, now)
            .expect("what was appended once is appended in the same order again");
        self.groups.advance(&mut self.store, now);
    }

    pub(super) fn connect(&mut self, subscription: usize, buffer: usize, now_ms: u64) -> ClientId {
        let key = &self.keys[subscription];
        let client = self
            .groups
            .connect(key, buffer, ClientIdentity::default(), &mut self.store, time(now_ms))
            .expect("a group that is there takes any number of consumers");
        self.connected.insert(client);
        client
    }

    /// Returns whether somebody is still a consumer.
    pub(super) fn is_connected(&self, client: ClientId) -> bool {
        self.connected.contains(&client)
    }

    pub(super) fn disconnect(&mut self, client: ClientId, now_ms: u64) {
        self.connected.remove(&client);
        self.groups.disconnect(client, &mut self.store, time(now_ms));
    }

    /// Takes an answer to a delivery.
    pub(super) fn answer(&mut self, client: ClientId, ack_id: Uuid, answer: &Answer, now_ms: u64) {
        let (ids, now) = (vec![ack_id], time(now_ms));
        match answer {
            Answer::Acknowledge => self.groups.acknowledge(client, ids, &mut self.store, now),
            Answer::Park(reason) => {
                self.groups.refuse(client, ids, NackAction::Park, reason, &mut self.store, now);
            }
            Answer::Retry(reason) => {
                self.groups.refuse(client, ids, NackAction::Retry, reason, &mut self.store, now);
            }
            Answer::Nothing => {}
        }
    }

    /// Returns the events that were put into the lot since this was last asked.
    pub(super) fn take_parked(&mut self, subscription: usize, now_ms: u64) -> Vec<Key> {
        let GroupKey { stream, group } = &self.keys[subscription];
        let (stream, from) = (parked_stream(stream, group), self.parked[subscription]);
        let page = self.store.read_stream_forward(&stream, from, usize::MAX, Links::Resolve, time(now_ms));
        let entries = page.map(|page| page.events).unwrap_or_default();
        if let Some(last) = entries.last() {
            self.parked[subscription] = last.original().revision + 1;
        }
        let keys = entries.iter().filter_map(|entry| key_of(&recorded_event(entry.event.as_deref()?)));
        keys.collect()
    }

    /// Lets the groups see that a second has passed.
    pub(super) fn tick(&mut self, now_ms: u64) {
        self.groups.tick(&mut self.store, time(now_ms));
    }

    /// Drops every consumer, and starts the groups again from their last checkpoints.
    pub(super) fn restart(&mut self, now_ms: u64) {
        self.groups
            .restart(&mut self.store, time(now_ms))
            .expect("the store reads the configuration that it wrote");
        self.connected.clear();
    }

    /// Deletes a group and makes it anew: everything is delivered again.
    pub(super) fn recreate(&mut self, subscription: usize, settings: &GroupSettings, now_ms: u64) {
        let (key, now) = (&self.keys[subscription], time(now_ms));
        self.groups.delete(key, &mut self.store, now).expect("the group is there");
        self.groups
            .create(key.clone(), store_settings(settings), None, &mut self.store, now)
            .expect("settings that were possible before");
    }

    pub(super) fn replay_parked(&mut self, subscription: usize, now_ms: u64) {
        self.groups
            .replay_parked(&self.keys[subscription], None, &mut self.store, time(now_ms))
            .expect("the group is there");
    }

    /// Returns what the groups have sent since this was last asked.
    pub(super) fn take_sent(&mut self) -> Vec<(ClientId, Message)> {
        let mut sent = Vec::new();
        for (client, message) in self.groups.take_outbox() {
            let message = match message {
                ToClient::Event { event, retry_count } => {
                    let delivered = delivered(&event, retry_count);
                    if let Some(key) = delivered.event.as_ref().and_then(key_of) {
                        self.events.insert(delivered.ack_id, key);
                    }
                    self.taken_back += u64::from(retry_count > 0);
                    Message::Event(delivered)
                }
                ToClient::Dropped => {
                    self.connected.remove(&client);
                    Message::Dropped
                }
            };
            sent.push((client, message));
        }
        sent
    }

    /// Returns which event a delivery is about; none where it is about no aggregate's.
    pub(super) fn event_of(&self, ack_id: Uuid) -> Option<Key> {
        self.events.get(&ack_id).copied()
    }

    /// Returns how many deliveries were sent again because nobody answered.
    pub(super) const fn taken_back(&self) -> u64 {
        self.taken_back
    }

    /// Reads the first event of a sentence.
    pub(super) fn first_event(&self, sentence: SentenceId, now_ms: u64) -> (StreamName, Vec<RecordedEvent>) {
        let stream = AggregateId::Sentence(sentence).stream_name();
        let page = self.store.read_stream_forward(stream.as_str(), 0, 1, Links::Keep, time(now_ms));
        let events = page.map(|page| page.events).unwrap_or_default();
        let events = events.iter().map(|event| recorded_event(event.original())).collect();
        (stream, events)
    }

    /// Returns how many events of a group are still to be delivered or answered, and how many are parked.
    pub(super) fn standing(&mut self, subscription: usize, now_ms: u64) -> (u64, u64) {
        let now = time(now_ms);
        let key = &self.keys[subscription];
        let report = self.groups.report(key, &mut self.store, now).expect("the group is there");
        let last = self.store.reader(now).stream_backward(&key.stream, u64::MAX, 1, Links::Keep);
        let last = last.ok().and_then(|page| page.events.first().map(|event| event.original().revision));
        let known = report.info.last_known.and_then(|position| match position {
            GroupPosition::Stream(revision) => Some(revision),
            GroupPosition::All { .. } => None,
        });
        let unseen = last.map_or(0, |last| last + 1).saturating_sub(known.map_or(0, |known| known + 1));
        let info = &report.info;
        let waiting = info.total_in_flight + info.read_buffer_count + info.retry_buffer_count;
        (unseen + waiting as u64, report.parked)
    }
}

/// Returns which event of which aggregate this is.
pub(super) fn key_of(event: &RecordedEvent) -> Option<Key> {
    Some((event.stream.aggregate()?, event.revision))
}

/// Returns the interview that the first event of a sentence names.
pub(super) fn home_of(first: &RecordedEvent) -> Option<InterviewId> {
    match wire::decode(first).ok()?.body {
        Body::Sentence { interview, .. } => interview,
        Body::Interview(_) | Body::Unknown { .. } => None,
    }
}

fn time(ms: u64) -> Timestamp {
    Timestamp::since_unix_epoch(Duration::from_millis(BEGINNING_MS + ms))
}
