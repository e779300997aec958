//! An event store that holds more than one scenario's events, seen as if it held that scenario's alone. The main type is
//! [`SharedStore`].
//!
//! The names of streams and of their categories are part of the wire format, so the events of a scenario cannot be given a
//! category of their own. Instead its interviews get ids of their own ([`SharedStore::namespace`]), its consumer groups get names
//! of their own and begin where the scenario began, and they are deleted at its end.
//!
//! Categories are linked by a projection of the store, which may be behind: what was appended counts as part of a category from
//! the moment of the append, so that nobody takes a category that is behind for one that is at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{
    Appended, EventLog, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError, NewEvent, ParkedEvent,
    StartFrom, Subscription,
};

/// The category streams that scenarios write to and follow.
pub(super) const CATEGORIES: [&str; 2] = ["$ce-Interview", "$ce-Sentence"];

/// How long the store's projection may take to link what was appended.
const LINKED_WITHIN: Duration = Duration::from_secs(30);
/// How long a category may hold more than was noted: an append is there before its answer is.
const NOTED_WITHIN: Duration = Duration::from_secs(2);
/// How long to wait before looking again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// The store's own projections do not run, or are far behind.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{category}` holds {links} events, and should hold {expected}: the system projections of the store do not run, or are far \
     behind; EventStoreDB runs them with EVENTSTORE_RUN_PROJECTIONS=System and EVENTSTORE_START_STANDARD_PROJECTIONS=true"
)]
struct NotLinked {
    category: StreamName,
    links: u64,
    expected: u64,
}

/// Somebody else writes to the store.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{category}` holds {links} events, but this run has appended only up to {expected}: somebody else writes to the store"
)]
struct WrittenByOthers {
    category: StreamName,
    links: u64,
    expected: u64,
}

/// What a run has appended to a store since it began.
#[derive(Debug)]
struct Ledger {
    /// How many events each category held when the run began.
    before: BTreeMap<StreamName, u64>,
    /// How many events each stream of the run holds.
    streams: BTreeMap<StreamName, u64>,
}

impl Ledger {
    /// Returns how many events a category should hold; `None` for a stream that is no category of a run.
    fn expected(&self, category: &StreamName) -> Option<u64> {
        let prefix = format!("{}-", category.as_str().strip_prefix("$ce-")?);
        let before = self.before.get(category)?;
        let of_run = self.streams.iter().filter(|(stream, _)| stream.as_str().starts_with(&prefix));
        Some(before + of_run.map(|(_, events)| events).sum::<u64>())
    }
}

/// A run's view of a store that it shares with what was there before.
pub(super) struct SharedStore {
    inner: Arc<dyn EventLog>,
    /// Tells this run from every other.
    run: String,
    ledger: Mutex<Ledger>,
}

impl SharedStore {
    /// Begins a run: what the store holds now is not part of it.
    ///
    /// # Errors
    ///
    /// Fails when the store does not answer.
    pub(super) async fn new(inner: Arc<dyn EventLog>, run: String) -> Result<Self, LogError> {
        let mut before = BTreeMap::new();
        for category in CATEGORIES.map(StreamName::new) {
            let last = inner.last_revision(&category).await?;
            before.insert(category, last.map_or(0, |last| last + 1));
        }
        Ok(Self { inner, run, ledger: Mutex::new(Ledger { before, streams: BTreeMap::new() }) })
    }

    /// Returns how many events a category held when the run began.
    pub(super) fn held_before(&self, category: &str) -> u64 {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.before.get(&StreamName::new(category)).copied().unwrap_or(0)
    }

    /// Begins a scenario, after everything that the run has appended is linked.
    ///
    /// # Errors
    ///
    /// Fails when the store does not answer, when its projections do not run, and when somebody else writes to it.
    pub(super) async fn scenario(self: &Arc<Self>, number: u64) -> Result<ScenarioLog, LogError> {
        let mut starts = BTreeMap::new();
        for category in CATEGORIES.map(StreamName::new) {
            starts.insert(category.clone(), self.linked(&category).await?.map_or(0, |last| last + 1));
        }
        let namespace = format!("{}-{number}", self.run);
        Ok(ScenarioLog { store: self.clone(), namespace, starts, groups: Mutex::default() })
    }

    /// Waits until a category holds everything that the run has appended, and returns its last revision.
    async fn linked(&self, category: &StreamName) -> Result<Option<u64>, LogError> {
        let started = Instant::now();
        loop {
            let expected = self.ledger.lock().unwrap_or_else(PoisonError::into_inner).expected(category);
            let last = self.inner.last_revision(category).await?;
            let links = last.map_or(0, |last| last + 1);
            match expected {
                Some(expected) if links < expected && started.elapsed() > LINKED_WITHIN => {
                    let source = NotLinked { category: category.clone(), links, expected };
                    return Err(LogError::Refused {
                        during: "link events to their category",
                        source: source.into(),
                    });
                }
                Some(expected) if links > expected && started.elapsed() > NOTED_WITHIN => {
                    let source = WrittenByOthers { category: category.clone(), links, expected };
                    return Err(LogError::Refused { during: "keep a run apart", source: source.into() });
                }
                Some(expected) if links != expected => tokio::time::sleep(LOOK_AGAIN_AFTER).await,
                _ => return Ok(last),
            }
        }
    }
}

/// A scenario's view of the store.
pub(super) struct ScenarioLog {
    store: Arc<SharedStore>,
    namespace: String,
    /// How many events each category held when the scenario began.
    starts: BTreeMap<StreamName, u64>,
    /// The groups that were made, as they are named in the store.
    groups: Mutex<BTreeSet<GroupId>>,
}

impl ScenarioLog {
    /// Returns what keeps the ids of this scenario's interviews apart from all others.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns the interviews that the run has written so far, by their ids.
    pub(super) fn interviews(&self) -> BTreeSet<String> {
        let ledger = self.store.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let streams = ledger.streams.keys().filter_map(|stream| stream.as_str().strip_prefix("Interview-"));
        streams.map(str::to_owned).collect()
    }

    /// Deletes the groups of the scenario. One that cannot be deleted is told of, and stays.
    pub(super) async fn close(&self) {
        let groups = std::mem::take(&mut *self.groups.lock().unwrap_or_else(PoisonError::into_inner));
        for group in groups {
            if let Err(error) = self.store.inner.delete_group(&group).await {
                tracing::warn!(%group, %error, "a consumer group of this run stays in the event store");
            }
        }
    }

    /// Returns the group as it is named in the store.
    fn named(&self, group: &GroupId) -> GroupId {
        let name = format!("cutover-{}-{}", self.namespace, group.group);
        GroupId { stream: group.stream.clone(), group: name.into() }
    }
}

#[async_trait]
impl EventLog for ScenarioLog {
    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        let appended = self.store.inner.append(stream, expected, events).await?;
        let mut ledger = self.store.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        // An append that is recognised as one from before answers with its old revision.
        let held = ledger.streams.entry(stream.clone()).or_default();
        *held = (*held).max(appended.revision + 1);
        Ok(appended)
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.store.inner.read(stream, from, limit).await
    }

    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        self.store.linked(stream).await
    }

    async fn ensure_group(&self, group: &GroupId, settings: &GroupSettings) -> Result<(), LogError> {
        let mut settings = settings.clone();
        if let (StartFrom::Start, Some(start)) = (settings.start_from, self.starts.get(&group.stream)) {
            settings.start_from = StartFrom::Revision(*start);
        }
        let group = self.named(group);
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).insert(group.clone());
        self.store.inner.ensure_group(&group, &settings).await
    }

    async fn delete_group(&self, group: &GroupId) -> Result<(), LogError> {
        self.store.inner.delete_group(&self.named(group)).await
    }

    async fn subscribe(&self, group: &GroupId, buffer: usize) -> Result<Subscription, LogError> {
        self.store.inner.subscribe(&self.named(group), buffer).await
    }

    async fn replay_parked(&self, group: &GroupId) -> Result<(), LogError> {
        self.store.inner.replay_parked(&self.named(group)).await
    }

    async fn parked(&self, group: &GroupId) -> Result<Vec<ParkedEvent>, LogError> {
        self.store.inner.parked(&self.named(group)).await
    }

    async fn group_info(&self, group: &GroupId) -> Result<GroupInfo, LogError> {
        self.store.inner.group_info(&self.named(group)).await
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::provision::{Embedded, Provision};

    const SENTENCES: &str = "$ce-Sentence";

    fn event(number: u128) -> NewEvent {
        NewEvent {
            id: Uuid::from_u128(number),
            event_type: "E".into(),
            data: b"{}".to_vec(),
            metadata: b"{}".to_vec(),
        }
    }

    async fn append(log: &dyn EventLog, stream: &str, number: u128) {
        log.append(&StreamName::new(stream), ExpectedRevision::Any, vec![event(number)])
            .await
            .expect("an append");
    }

    fn group(stream: &str) -> GroupId {
        GroupId { stream: StreamName::new(stream), group: "g".into() }
    }

    async fn delivered(log: &dyn EventLog) -> Vec<String> {
        log.ensure_group(&group(SENTENCES), &GroupSettings::default()).await.expect("a group");
        let mut subscription = log.subscribe(&group(SENTENCES), 100).await.expect("a subscription");
        let delivered = subscription.receiver.next(100).await.expect("events");
        delivered
            .into_iter()
            .map(|one| one.event.expect("its link leads somewhere").stream.to_string())
            .collect()
    }

    #[tokio::test]
    async fn a_scenario_is_delivered_its_own_events_and_its_groups_end_with_it() {
        let engines = Embedded.start().await.expect("an event store");
        let store = engines.log();
        append(&*store, "Sentence-other", 1).await;
        let shared = Arc::new(SharedStore::new(store.clone(), "r".to_owned()).await.expect("a run"));
        assert_eq!(shared.held_before(SENTENCES), 1);
        for (number, stream) in [(1, "Sentence-a"), (2, "Sentence-b")] {
            let scenario = shared.scenario(number).await.expect("a scenario");
            append(&scenario, stream, u128::from(number) + 1).await;
            assert_eq!(delivered(&scenario).await, [stream]);
            let named = scenario.named(&group(SENTENCES));
            assert_eq!(named.group, format!("cutover-r-{number}-g"));
            assert!(store.group_info(&named).await.is_ok());
            scenario.close().await;
            assert!(matches!(store.group_info(&named).await, Err(LogError::NoSuchGroup { .. })));
        }
        engines.stop().await;
    }

    #[tokio::test]
    async fn a_store_that_others_write_to_is_noticed() {
        let engines = Embedded.start().await.expect("an event store");
        let store = engines.log();
        let shared = Arc::new(SharedStore::new(store.clone(), "r".to_owned()).await.expect("a run"));
        let scenario = shared.scenario(1).await.expect("a scenario");
        append(&scenario, "Sentence-a", 1).await;
        assert_eq!(scenario.last_revision(&StreamName::new(SENTENCES)).await.expect("an answer"), Some(0));
        append(&*store, "Sentence-other", 2).await;
        let error = scenario.last_revision(&StreamName::new(SENTENCES)).await.expect_err("it is noticed");
        assert!(crate::error::chain(&error).contains("somebody else writes to the store"), "{error:?}");
        engines.stop().await;
    }
}
