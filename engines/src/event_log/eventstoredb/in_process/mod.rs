//! The port without a wire: [`InProcessLog`] calls the store of a running [`EmbeddedEventStore`](super::grpc::EmbeddedEventStore).
//!
//! It shares everything with the gRPC services of that server: store, groups, clock, ticks and gate. What is written here
//! is delivered there, and the other way round. Decisions are those of the state machine; this file translates them into
//! the port's words, as `client/` does with those of the wire.

mod convert;
mod subscription;

pub use convert::{delivered, recorded_event, store_event, store_settings};

use std::sync::Arc;

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::ids::StreamName;
use tonic::Status;

use super::grpc::{Call, Host, SharedStore, shutting_down};
use super::persistent::{ALL, ClientIdentity, GroupKey, GroupPosition, SubscriptionError};
use super::read::{Links, ResolvedEvent, Unreadable};
use super::streams::{ExpectedRevision as StoreExpected, WriteError};
use crate::event_log::parking_lot;
use crate::event_log::port::{
    Appended, EventLog, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError, NewEvent, ParkedEvent,
    Subscription,
};

/// The embedded store, called directly. Once its server has shut down, every call fails as unavailable.
#[derive(Debug, Clone)]
pub struct InProcessLog {
    shared: Arc<SharedStore>,
    host: Arc<Host>,
}

impl InProcessLog {
    pub(super) fn new(shared: Arc<SharedStore>, host: Arc<Host>) -> Self {
        Self { shared, host }
    }

    /// Refuses what the server would refuse before it looks at it.
    fn check(&self, during: &'static str, call: Option<Call<'_>>) -> Result<(), LogError> {
        if self.shared.is_closing() {
            return Err(unavailable(during, shutting_down()));
        }
        match call.map(|call| self.shared.gate().before(call)) {
            Some(Err(refusal)) => Err(unavailable(during, refusal.into())),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Reads at most `limit` events forwards, in one look at the store. Nothing is read of a stream that is not there.
    fn read_forward(
        &self,
        stream: &str,
        from: u64,
        limit: usize,
        links: Links,
    ) -> Result<Vec<ResolvedEvent>, LogError> {
        self.check("read a stream", Some(Call::Read(stream)))?;
        self.shared.read(|store, now| {
            let (mut events, mut next) = (Vec::new(), from);
            while events.len() < limit {
                match store.read_stream_forward(stream, next, limit - events.len(), links, now) {
                    Ok(page) => {
                        events.extend(page.events);
                        next = page.next;
                        if page.is_end {
                            break;
                        }
                    }
                    Err(Unreadable::NotFound) => break,
                    Err(Unreadable::Deleted) => return Err(deleted(stream)),
                }
            }
            Ok(events)
        })
    }
}

#[async_trait]
impl EventLog for InProcessLog {
    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        const DURING: &str = "append events";
        let size = events.iter().map(|event| event.data.len() + event.metadata.len()).sum();
        let events = events
            .into_iter()
            .map(store_event)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| LogError::Refused { during: DURING, source: source.into() })?;
        let revision = match expected {
            ExpectedRevision::NoStream => StoreExpected::NoStream,
            ExpectedRevision::Exact(revision) => StoreExpected::Exact(revision),
            ExpectedRevision::Any => StoreExpected::Any,
        };
        let call = Call::Append(stream.as_str());
        self.check(DURING, Some(call))?;
        let appended = self.shared.write(|store, now| store.append(stream.as_str(), revision, events, now));
        self.shared.gate().after(call).map_err(|refusal| unavailable(DURING, refusal.into()))?;
        match appended {
            // An append of nothing to a stream without events ends nowhere; the wire's client says 0 then.
            Ok(appended) => Ok(Appended { revision: appended.revision.unwrap_or_default() }),
            Err(WriteError::WrongExpectedRevision { current, .. }) => {
                Err(LogError::Conflict { stream: stream.clone(), expected, current })
            }
            Err(WriteError::StreamDeleted { .. }) => Err(deleted(stream.as_str())),
            Err(error @ (WriteError::AppendTooLarge { .. } | WriteError::EventTooLarge { .. })) => {
                Err(LogError::TooLarge { stream: stream.clone(), size, reason: error.to_string() })
            }
            Err(error @ (WriteError::InvalidStreamName { .. } | WriteError::InvalidEvent { .. })) => {
                Err(LogError::Refused { during: DURING, source: error.into() })
            }
        }
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let events = self.read_forward(stream.as_str(), from, limit, Links::Keep)?;
        Ok(events.iter().map(|event| recorded_event(event.original())).collect())
    }

    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        self.check("read a stream", Some(Call::Read(stream.as_str())))?;
        let page = self
            .shared
            .read(|store, now| store.reader(now).stream_backward(stream.as_str(), u64::MAX, 1, Links::Keep));
        match page {
            Ok(page) => Ok(page.events.first().map(|event| event.original().revision)),
            Err(Unreadable::NotFound) => Ok(None),
            Err(Unreadable::Deleted) => Err(deleted(stream.as_str())),
        }
    }

    async fn ensure_group(&self, group: &GroupId, settings: &GroupSettings) -> Result<(), LogError> {
        const DURING: &str = "create a persistent subscription";
        self.check(DURING, None)?;
        if group.stream.as_str() == ALL {
            // Groups of the whole log have places of another kind, which the port has no words for.
            return Err(LogError::Refused { during: DURING, source: Box::new(NotAStream) });
        }
        let created = self.host.with(|groups, store, now| {
            groups.create(key_of(group), store_settings(settings), None, store, now)
        });
        match created {
            Ok(()) | Err(SubscriptionError::Exists { .. }) => Ok(()),
            Err(error) => Err(of_group(DURING, group, error)),
        }
    }

    async fn delete_group(&self, group: &GroupId) -> Result<(), LogError> {
        const DURING: &str = "delete a persistent subscription";
        self.check(DURING, None)?;
        match self.host.with(|groups, store, now| groups.delete(&key_of(group), store, now)) {
            Ok(()) | Err(SubscriptionError::NotFound { .. }) => Ok(()),
            Err(error) => Err(of_group(DURING, group, error)),
        }
    }

    async fn subscribe(&self, group: &GroupId, buffer: usize) -> Result<Subscription, LogError> {
        const DURING: &str = "join a persistent subscription";
        let key = key_of(group);
        self.check(DURING, Some(Call::Consume { stream: &key.stream, group: &key.group }))?;
        // A consumer without room for one event would never get any.
        let (client, inbox) = self
            .host
            .connect(&key, buffer.max(1), ClientIdentity::default())
            .map_err(|error| of_group(DURING, group, error))?;
        Ok(subscription::of_client(Arc::clone(&self.host), client, inbox, group))
    }

    async fn replay_parked(&self, group: &GroupId) -> Result<(), LogError> {
        const DURING: &str = "replay parked events";
        self.check(DURING, None)?;
        self.host
            .with(|groups, store, now| groups.replay_parked(&key_of(group), None, store, now))
            .map_err(|error| of_group(DURING, group, error))
    }

    async fn parked(&self, group: &GroupId) -> Result<Vec<ParkedEvent>, LogError> {
        let entries = self.read_forward(&parking_lot::stream_of(group), 0, usize::MAX, Links::Resolve)?;
        let parked = entries.iter().map(|entry| ParkedEvent {
            event: entry.event.as_deref().map(recorded_event),
            reason: parking_lot::reason(&entry.original().metadata),
        });
        Ok(parked.collect())
    }

    async fn group_info(&self, group: &GroupId) -> Result<GroupInfo, LogError> {
        const DURING: &str = "ask how a persistent subscription stands";
        self.check(DURING, None)?;
        let report = self
            .host
            .with(|groups, store, now| groups.report(&key_of(group), store, now))
            .map_err(|error| of_group(DURING, group, error))?;
        Ok(GroupInfo {
            acknowledged: report.info.total_items,
            parked: report.parked,
            in_flight: report.info.total_in_flight as u64,
            buffered: (report.info.read_buffer_count + report.info.retry_buffer_count) as u64,
            last_checkpoint: report.info.last_checkpointed.and_then(revision_of),
            last_known: report.info.last_known.and_then(revision_of),
        })
    }
}

/// A group was asked for on `$all`.
#[derive(Debug, thiserror::Error)]
#[error("`$all` is no stream")]
struct NotAStream;

fn key_of(group: &GroupId) -> GroupKey {
    GroupKey { stream: group.stream.as_str().into(), group: group.group.clone() }
}

const fn revision_of(position: GroupPosition) -> Option<u64> {
    match position {
        GroupPosition::Stream(revision) => Some(revision),
        GroupPosition::All { .. } => None,
    }
}

fn deleted(stream: &str) -> LogError {
    LogError::StreamDeleted { stream: StreamName::new(stream) }
}

fn unavailable(during: &'static str, status: Status) -> LogError {
    LogError::Unavailable { during, source: status.into() }
}

fn of_group(during: &'static str, group: &GroupId, error: SubscriptionError) -> LogError {
    match error {
        SubscriptionError::NotFound { .. } => LogError::NoSuchGroup { group: group.clone() },
        error => LogError::Refused { during, source: error.into() },
    }
}
