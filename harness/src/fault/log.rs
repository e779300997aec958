//! An event log whose calls are disturbed. What its subscriptions deliver is [`delivery`](super::delivery)'s business.

use std::sync::Arc;

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{
    Appended, EventLog, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError, NewEvent, ParkedEvent,
    Subscription,
};

use super::delivery::{self, Traffic};
use super::injector::Injector;
use super::operation::{Operation, Site};

/// An event log with faults.
pub struct FaultyLog {
    inner: Arc<dyn EventLog>,
    injector: Arc<Injector>,
    traffic: Arc<Traffic>,
}

impl FaultyLog {
    /// Puts faults in front of a log.
    pub fn new(inner: Arc<dyn EventLog>, injector: Arc<Injector>) -> Self {
        Self { inner, injector, traffic: Arc::default() }
    }
}

#[async_trait]
impl EventLog for FaultyLog {
    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        let append = || self.inner.append(stream, expected, events.clone());
        self.injector.call(Site::log(Operation::Append), "append events", append).await
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let read = || self.inner.read(stream, from, limit);
        self.injector.call(Site::log(Operation::Read), "read a stream", read).await
    }

    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        let ask = || self.inner.last_revision(stream);
        self.injector.call(Site::log(Operation::LastRevision), "read a stream", ask).await
    }

    async fn ensure_group(&self, group: &GroupId, settings: &GroupSettings) -> Result<(), LogError> {
        let site = Site::of(Operation::EnsureGroup, delivery::name(group));
        let make = || self.inner.ensure_group(group, settings);
        self.injector.call(site, "create a persistent subscription", make).await
    }

    async fn delete_group(&self, group: &GroupId) -> Result<(), LogError> {
        let site = Site::of(Operation::DeleteGroup, delivery::name(group));
        self.injector.call(site, "delete a persistent subscription", || self.inner.delete_group(group)).await
    }

    async fn subscribe(&self, group: &GroupId, buffer: usize) -> Result<Subscription, LogError> {
        let site = Site::of(Operation::Subscribe, delivery::name(group));
        let join = || self.inner.subscribe(group, buffer);
        let joined = self.injector.call(site, "join a persistent subscription", join).await?;
        Ok(delivery::disturbed(joined, group, self.injector.clone(), self.traffic.clone()))
    }

    async fn replay_parked(&self, group: &GroupId) -> Result<(), LogError> {
        let site = Site::of(Operation::ReplayParked, delivery::name(group));
        self.injector.call(site, "replay parked events", || self.inner.replay_parked(group)).await
    }

    async fn parked(&self, group: &GroupId) -> Result<Vec<ParkedEvent>, LogError> {
        let site = Site::of(Operation::ListParked, delivery::name(group));
        self.injector.call(site, "read parked events", || self.inner.parked(group)).await
    }

    async fn group_info(&self, group: &GroupId) -> Result<GroupInfo, LogError> {
        let site = Site::of(Operation::GroupInfo, delivery::name(group));
        let ask = || self.inner.group_info(group);
        self.injector.call(site, "ask how a persistent subscription stands", ask).await
    }
}
