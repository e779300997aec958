//! All groups over the store: [`Subscriptions`] tells them what was committed and carries out what they ask for.
//!
//! Still without I/O: whoever holds the store calls in, and takes what is to be sent to clients from
//! [`Subscriptions::take_outbox`]. Configuration, checkpoints and parked links are events of the store itself, which
//! `stored` reads and writes.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use uuid::Uuid;

use super::super::filter::Filter;
use super::super::log::Timestamp;
use super::super::read::{Links, ResolvedEvent};
use super::super::store::Store;
use super::super::streams::ExpectedRevision;
use super::client::{ClientId, ClientIdentity};
use super::config::{
    CONFIG_EVENT_TYPE, CONFIG_STREAM, ConfigEntry, ConfigError, FilterEntry, SubscriptionConfig,
};
use super::event::{SubscribedEvent, place};
use super::group::{ConnectError, Group, NackAction, Output};
use super::info::GroupInfo;
use super::position::{GroupPosition, StartFrom};
use super::settings::{InvalidSettings, Settings};
use super::source::Source;
use super::stored::{
    parked_range, read_config, store_checkpoint, store_parked, stored_checkpoint, unreadable_filter,
};
use super::{checkpoint_stream, parked_stream};

/// Names a group: what it reads, and its own name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    /// The stream, or `$all`.
    pub stream: SmolStr,
    /// The group.
    pub group: SmolStr,
}

/// Something for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToClient {
    /// An event.
    Event {
        /// The event, with its link.
        event: ResolvedEvent,
        /// How often it was sent before.
        retry_count: u32,
    },
    /// The server has dropped the subscription; nothing follows.
    Dropped,
}

/// Why a request about a group is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SubscriptionError {
    /// There is such a group already.
    #[error("subscription group {} on stream {} exists", key.group, key.stream)]
    Exists {
        /// The group.
        key: GroupKey,
    },
    /// There is no such group.
    #[error("subscription group {} on stream {} does not exist", key.group, key.stream)]
    NotFound {
        /// The group.
        key: GroupKey,
    },
    /// The settings cannot be accepted.
    #[error("subscription group {} on stream {} is not possible: {reason}", key.group, key.stream)]
    Invalid {
        /// The group.
        key: GroupKey,
        /// Why.
        reason: InvalidSettings,
    },
    /// Nobody else may read.
    #[error("subscription group {} on stream {} is full: {source}", key.group, key.stream)]
    Full {
        /// The group.
        key: GroupKey,
        /// The limit.
        source: ConnectError,
    },
}

/// A group as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupReport {
    /// Which group.
    pub key: GroupKey,
    /// Its settings.
    pub settings: Settings,
    /// Where it starts, as text.
    pub start_from: String,
    /// What it is doing.
    pub info: GroupInfo,
    /// How many events are parked.
    pub parked: u64,
}

/// A group with what it reads.
#[derive(Debug)]
struct Running {
    group: Group<SubscribedEvent>,
    source: Source,
    filter: Option<FilterEntry>,
}

/// Every group of the store.
#[derive(Debug)]
pub struct Subscriptions {
    groups: BTreeMap<GroupKey, Running>,
    /// The groups of each source, so that a commit asks only those that it concerns.
    by_source: FxHashMap<SmolStr, Vec<GroupKey>>,
    clients: FxHashMap<ClientId, GroupKey>,
    connections: u64,
    /// The log index up to which groups were told of commits.
    seen: usize,
    /// Groups that may have outputs.
    touched: BTreeSet<GroupKey>,
    outbox: Vec<(ClientId, ToClient)>,
}

/// The source of groups that read the whole log.
pub const ALL: &str = "$all";

impl Subscriptions {
    /// Starts the groups whose configuration the store holds.
    ///
    /// # Errors
    /// The configuration cannot be understood.
    pub fn load(store: &mut Store, now: Timestamp) -> Result<Self, ConfigError> {
        let mut subscriptions = Self {
            groups: BTreeMap::new(),
            by_source: FxHashMap::default(),
            clients: FxHashMap::default(),
            connections: 0,
            seen: store.log().len(),
            touched: BTreeSet::new(),
            outbox: Vec::new(),
        };
        subscriptions.start_configured(store, now)?;
        Ok(subscriptions)
    }

    /// Drops all clients and starts every group again, from what the store holds of configuration and checkpoints.
    ///
    /// # Errors
    /// The configuration cannot be understood; nothing has changed then.
    pub fn restart(&mut self, store: &mut Store, now: Timestamp) -> Result<(), ConfigError> {
        self.advance(store, now);
        let config = read_config(store, now)?;
        for entry in &config.entries {
            entry.settings()?;
            Source::new(entry.stream(), false, entry.filter()).map_err(unreadable_filter)?;
        }
        for running in self.groups.values_mut() {
            running.group.drop_clients();
        }
        self.touch_all();
        self.settle(store, now);
        self.groups.clear();
        for keys in self.by_source.values_mut() {
            keys.clear();
        }
        self.start_configured(store, now)
    }

    fn start_configured(&mut self, store: &mut Store, now: Timestamp) -> Result<(), ConfigError> {
        for entry in read_config(store, now)?.entries {
            let key = GroupKey { stream: entry.stream().into(), group: entry.group().into() };
            let settings = entry.settings()?;
            let source = Source::new(&key.stream, settings.resolve_links, entry.filter())
                .map_err(unreadable_filter)?;
            self.start(key, settings, source, entry.filter().cloned(), store, now);
        }
        self.settle(store, now);
        Ok(())
    }

    fn start(
        &mut self,
        key: GroupKey,
        settings: Settings,
        source: Source,
        filter: Option<FilterEntry>,
        store: &Store,
        now: Timestamp,
    ) {
        let checkpoint = stored_checkpoint(store, &key, now);
        let group = Group::new(settings, checkpoint, now);
        self.by_source.entry(key.stream.clone()).or_default().push(key.clone());
        self.touched.insert(key.clone());
        self.groups.insert(key, Running { group, source, filter });
    }

    /// Creates a group; the stream need not exist. `filter` is for `$all` only.
    ///
    /// # Errors
    /// The group exists, or its settings are not possible.
    pub fn create(
        &mut self,
        key: GroupKey,
        settings: Settings,
        filter: Option<FilterEntry>,
        store: &mut Store,
        now: Timestamp,
    ) -> Result<(), SubscriptionError> {
        self.advance(store, now);
        if self.groups.contains_key(&key) {
            return Err(SubscriptionError::Exists { key });
        }
        let refused = |reason| SubscriptionError::Invalid { key: key.clone(), reason };
        settings.validate().map_err(refused)?;
        check_start(&key, settings.start_from, store).map_err(refused)?;
        let source = Source::new(&key.stream, settings.resolve_links, filter.as_ref()).map_err(|error| {
            SubscriptionError::Invalid {
                key: key.clone(),
                reason: InvalidSettings::Filter { regex: error.regex },
            }
        })?;
        let entry = ConfigEntry::new(&key.stream, &key.group, filter.clone(), &settings);
        self.save_config(Some(entry), None, store, now);
        // The group sees what is committed from here on; its own configuration came before.
        self.feed(store, now);
        self.start(key, settings, source, filter, store, now);
        self.settle(store, now);
        Ok(())
    }

    /// Replaces the settings of a group; its filter stays.
    ///
    /// # Errors
    /// There is no such group, or the settings are not possible.
    pub fn update(
        &mut self,
        key: &GroupKey,
        settings: Settings,
        store: &mut Store,
        now: Timestamp,
    ) -> Result<(), SubscriptionError> {
        self.advance(store, now);
        let running = self.running(key)?;
        let filter = running.filter.clone();
        let refused = |reason| SubscriptionError::Invalid { key: key.clone(), reason };
        settings.validate().map_err(refused)?;
        check_start(key, settings.start_from, store).map_err(refused)?;
        let entry = ConfigEntry::new(&key.stream, &key.group, filter, &settings);
        self.save_config(Some(entry), Some(key), store, now);
        self.feed(store, now);
        let running = self.running(key)?;
        running.source.resolve_links(settings.resolve_links);
        running.group.update(settings, now);
        self.settle_group(key, store, now);
        Ok(())
    }

    /// Deletes a group with its checkpoint and its parked events.
    ///
    /// # Errors
    /// There is no such group.
    pub fn delete(
        &mut self,
        key: &GroupKey,
        store: &mut Store,
        now: Timestamp,
    ) -> Result<(), SubscriptionError> {
        self.advance(store, now);
        self.running(key)?.group.delete();
        self.settle_group(key, store, now);
        self.groups.remove(key);
        if let Some(keys) = self.by_source.get_mut(&key.stream) {
            keys.retain(|other| other != key);
        }
        self.save_config(None, Some(key), store, now);
        self.advance(store, now);
        Ok(())
    }

    /// Lets a client read with `slots` places for unacknowledged events.
    ///
    /// # Errors
    /// There is no such group, or it is full.
    pub fn connect(
        &mut self,
        key: &GroupKey,
        slots: usize,
        identity: ClientIdentity,
        store: &mut Store,
        now: Timestamp,
    ) -> Result<ClientId, SubscriptionError> {
        self.advance(store, now);
        let client = ClientId(self.connections);
        self.running(key)?
            .group
            .connect(client, slots, identity, now)
            .map_err(|source| SubscriptionError::Full { key: key.clone(), source })?;
        self.connections += 1;
        self.clients.insert(client, key.clone());
        self.settle_group(key, store, now);
        Ok(client)
    }

    /// Takes back what a client held that is gone.
    pub fn disconnect(&mut self, client: ClientId, store: &mut Store, now: Timestamp) {
        self.with_client(client, store, now, |group| group.disconnect(client, now));
        self.clients.remove(&client);
    }

    /// Takes acknowledgements from a client; those of a client that was dropped come too late.
    pub fn acknowledge(&mut self, client: ClientId, ids: Vec<Uuid>, store: &mut Store, now: Timestamp) {
        self.with_client(client, store, now, |group| group.acknowledge(ids, now));
    }

    /// Takes refusals from a client.
    pub fn refuse(
        &mut self,
        client: ClientId,
        ids: Vec<Uuid>,
        action: NackAction,
        reason: &str,
        store: &mut Store,
        now: Timestamp,
    ) {
        self.with_client(client, store, now, |group| group.refuse(ids, action, reason, now));
    }

    fn with_client(
        &mut self,
        client: ClientId,
        store: &mut Store,
        now: Timestamp,
        tell: impl FnOnce(&mut Group<SubscribedEvent>),
    ) {
        let Some(key) = self.clients.get(&client).cloned() else { return };
        let Some(running) = self.groups.get_mut(&key) else { return };
        tell(&mut running.group);
        self.settle_group(&key, store, now);
    }

    /// Lets every group see that a second has passed.
    pub fn tick(&mut self, store: &mut Store, now: Timestamp) {
        self.advance(store, now);
        for running in self.groups.values_mut() {
            running.group.tick(now);
        }
        self.touch_all();
        self.settle(store, now);
    }

    /// Starts to replay parked events, up to revision `stop_at` of the parked stream, exclusive.
    ///
    /// # Errors
    /// There is no such group.
    pub fn replay_parked(
        &mut self,
        key: &GroupKey,
        stop_at: Option<u64>,
        store: &mut Store,
        now: Timestamp,
    ) -> Result<(), SubscriptionError> {
        self.advance(store, now);
        let parked = parked_range(store, key, now);
        self.running(key)?.group.replay_parked(parked, stop_at);
        self.settle_group(key, store, now);
        Ok(())
    }

    /// Reports on one group.
    ///
    /// # Errors
    /// There is no such group.
    pub fn report(
        &mut self,
        key: &GroupKey,
        store: &mut Store,
        now: Timestamp,
    ) -> Result<GroupReport, SubscriptionError> {
        self.advance(store, now);
        let parked = parked_range(store, key, now).count();
        let running = self.running(key)?;
        let settings = running.group.settings().clone();
        let start_from = settings.start_from.describe(running.source.kind());
        let info = running.group.info(now);
        Ok(GroupReport { key: key.clone(), settings, start_from, info, parked })
    }

    /// Reports on all groups, or on those of one source, sorted by stream and group.
    ///
    /// # Errors
    /// The source never had a group.
    pub fn report_all(
        &mut self,
        source: Option<&str>,
        store: &mut Store,
        now: Timestamp,
    ) -> Result<Vec<GroupReport>, SubscriptionError> {
        if let Some(stream) = source.filter(|stream| !self.by_source.contains_key(*stream)) {
            return Err(SubscriptionError::NotFound {
                key: GroupKey { stream: stream.into(), group: SmolStr::default() },
            });
        }
        let keys: Vec<GroupKey> = self
            .groups
            .keys()
            .filter(|key| source.is_none_or(|stream| key.stream == stream))
            .cloned()
            .collect();
        keys.iter().map(|key| self.report(key, store, now)).collect()
    }

    /// Tells the groups what was committed since the last time, and carries out what they ask for.
    pub fn advance(&mut self, store: &mut Store, now: Timestamp) {
        if self.seen < store.log().len() {
            self.settle(store, now);
        }
    }

    /// Returns what is to be sent to clients, in order.
    pub fn take_outbox(&mut self) -> Vec<(ClientId, ToClient)> {
        std::mem::take(&mut self.outbox)
    }

    fn running(&mut self, key: &GroupKey) -> Result<&mut Running, SubscriptionError> {
        self.groups.get_mut(key).ok_or_else(|| SubscriptionError::NotFound { key: key.clone() })
    }

    fn touch_all(&mut self) {
        self.touched.extend(self.groups.keys().cloned());
    }

    fn settle_group(&mut self, key: &GroupKey, store: &mut Store, now: Timestamp) {
        self.touched.insert(key.clone());
        self.settle(store, now);
    }

    /// Goes on until no group asks for anything and none has missed a commit.
    fn settle(&mut self, store: &mut Store, now: Timestamp) {
        loop {
            self.feed(store, now);
            let Some(key) = self.touched.pop_first() else { return };
            self.carry_out_all(&key, store, now);
        }
    }

    /// Tells groups of every commit that they have not seen.
    fn feed(&mut self, store: &Store, now: Timestamp) {
        let visible = Filter::none();
        while let Some(record) = store.log().get(self.seen) {
            self.seen += 1;
            for (source, concerned) in [(record.stream.as_str(), true), (ALL, visible.matches(record))] {
                let Some(keys) = self.by_source.get(source).filter(|_| concerned) else { continue };
                for key in keys {
                    let Some(running) = self.groups.get_mut(key) else { continue };
                    if running.source.matches(record) {
                        running.group.event_committed(running.source.event(record, store, now), now);
                    } else {
                        running.group.event_skipped(place(record, running.source.kind()), now);
                    }
                    self.touched.insert(key.clone());
                }
            }
        }
    }

    fn carry_out_all(&mut self, key: &GroupKey, store: &mut Store, now: Timestamp) {
        let Some(Running { group, source, .. }) = self.groups.get_mut(key) else { return };
        while let Some(output) = group.poll_output() {
            match output {
                Output::Push { client, message, retry_count } => {
                    self.outbox.push((client, ToClient::Event { event: message.resolved, retry_count }));
                }
                Output::ReadPage { request, from, max_count } => {
                    match source.page(from, max_count, store, now) {
                        Ok(page) => group.page_arrived(request, page, now),
                        Err(_) => group.source_failed(request),
                    }
                }
                Output::ReadParked { request, from, max_count } => {
                    let stream = parked_stream(&key.stream, &key.group);
                    match store.read_stream_forward(&stream, from, max_count, Links::Resolve, now) {
                        Ok(page) => {
                            let kind = source.kind();
                            let events = page.events.into_iter().filter(|event| event.event.is_some());
                            let messages = events.map(|event| SubscribedEvent::new(event, kind)).collect();
                            group.parked_page_arrived(request, messages, page.next, page.is_end, now);
                        }
                        Err(_) => group.parked_page_failed(request),
                    }
                }
                Output::TruncateParked { before } => {
                    store.set_truncate_before(&parked_stream(&key.stream, &key.group), before, now);
                }
                Output::Park { ticket, parked } => {
                    if store_parked(store, key, parked, now) {
                        group.park_stored(ticket, now);
                    } else {
                        group.park_failed(ticket, now);
                    }
                }
                Output::WriteCheckpoint { position } => {
                    if store_checkpoint(store, key, position, now) {
                        group.checkpoint_stored();
                    } else {
                        group.checkpoint_failed();
                    }
                }
                Output::Drop { client } => {
                    self.clients.remove(&client);
                    self.outbox.push((client, ToClient::Dropped));
                }
                Output::DeleteStreams => {
                    for stream in
                        [checkpoint_stream(&key.stream, &key.group), parked_stream(&key.stream, &key.group)]
                    {
                        // A stream that was never written needs no deletion, which the store says by refusing it.
                        let _ = store.delete(&stream, ExpectedRevision::Any, now);
                    }
                }
            }
        }
    }

    /// Writes the configuration with `added`, and without `removed`.
    fn save_config(
        &self,
        added: Option<ConfigEntry>,
        removed: Option<&GroupKey>,
        store: &mut Store,
        now: Timestamp,
    ) {
        let mut entries: Vec<ConfigEntry> = self
            .groups
            .iter()
            .filter(|(key, _)| Some(*key) != removed)
            .map(|(key, running)| {
                ConfigEntry::new(&key.stream, &key.group, running.filter.clone(), running.group.settings())
            })
            .chain(added)
            .collect();
        entries.sort_by(|a, b| (a.stream(), a.group()).cmp(&(b.stream(), b.group())));
        let config = SubscriptionConfig::of(entries);
        let data = serde_json::to_value(config).unwrap_or_default();
        store.append_json_as_system(CONFIG_STREAM, CONFIG_EVENT_TYPE, &data, now);
    }
}

/// Refuses a source without a name, and a start in `$all` that the log has not reached.
fn check_start(key: &GroupKey, start: StartFrom, store: &Store) -> Result<(), InvalidSettings> {
    if key.stream.is_empty() {
        return Err(InvalidSettings::EmptyStream);
    }
    let last = store.log().last().map_or(0, |record| record.position);
    match start {
        StartFrom::Position(GroupPosition::All { commit, .. }) if commit > last => {
            Err(InvalidSettings::StartBeyondLog { commit, last })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod model;
