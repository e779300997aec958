//! An event store with something put in front of it: whatever stands between a caller and an engine overrides what it changes, and the
//! rest passes. The main type is [`Interposed`].

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::ids::StreamName;

use super::{
    Appended, EventLog, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError, NewEvent, ParkedEvent,
    Subscription,
};

/// An event store that passes on to another one what it does not do itself. Every one of them is an [`EventLog`].
#[async_trait]
pub trait Interposed: Send + Sync {
    /// Returns the event store behind it.
    fn inner(&self) -> &dyn EventLog;

    /// Stands in front of [`EventLog::append`].
    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        self.inner().append(stream, expected, events).await
    }

    /// Stands in front of [`EventLog::read`].
    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.inner().read(stream, from, limit).await
    }

    /// Stands in front of [`EventLog::last_revision`].
    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        self.inner().last_revision(stream).await
    }

    /// Stands in front of [`EventLog::ensure_group`].
    async fn ensure_group(&self, group: &GroupId, settings: &GroupSettings) -> Result<(), LogError> {
        self.inner().ensure_group(group, settings).await
    }

    /// Stands in front of [`EventLog::delete_group`].
    async fn delete_group(&self, group: &GroupId) -> Result<(), LogError> {
        self.inner().delete_group(group).await
    }

    /// Stands in front of [`EventLog::subscribe`].
    async fn subscribe(&self, group: &GroupId, buffer: usize) -> Result<Subscription, LogError> {
        self.inner().subscribe(group, buffer).await
    }

    /// Stands in front of [`EventLog::replay_parked`].
    async fn replay_parked(&self, group: &GroupId) -> Result<(), LogError> {
        self.inner().replay_parked(group).await
    }

    /// Stands in front of [`EventLog::parked`].
    async fn parked(&self, group: &GroupId) -> Result<Vec<ParkedEvent>, LogError> {
        self.inner().parked(group).await
    }

    /// Stands in front of [`EventLog::group_info`].
    async fn group_info(&self, group: &GroupId) -> Result<GroupInfo, LogError> {
        self.inner().group_info(group).await
    }
}

#[async_trait]
impl<L: Interposed> EventLog for L {
    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        Interposed::append(self, stream, expected, events).await
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        Interposed::read(self, stream, from, limit).await
    }

    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        Interposed::last_revision(self, stream).await
    }

    async fn ensure_group(&self, group: &GroupId, settings: &GroupSettings) -> Result<(), LogError> {
        Interposed::ensure_group(self, group, settings).await
    }

    async fn delete_group(&self, group: &GroupId) -> Result<(), LogError> {
        Interposed::delete_group(self, group).await
    }

    async fn subscribe(&self, group: &GroupId, buffer: usize) -> Result<Subscription, LogError> {
        Interposed::subscribe(self, group, buffer).await
    }

    async fn replay_parked(&self, group: &GroupId) -> Result<(), LogError> {
        Interposed::replay_parked(self, group).await
    }

    async fn parked(&self, group: &GroupId) -> Result<Vec<ParkedEvent>, LogError> {
        Interposed::parked(self, group).await
    }

    async fn group_info(&self, group: &GroupId) -> Result<GroupInfo, LogError> {
        Interposed::group_info(self, group).await
    }
}
