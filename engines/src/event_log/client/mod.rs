//! EventStoreDB, wherever it is, through its official client: the port as production uses it.
//!
//! The main type is [`EventStoreDb`]. It leaves retrying to its callers: they know what is safe to do twice.

mod convert;
mod inspect;
mod subscription;

use std::str::FromStr;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::ids::StreamName;
use eventstore::{
    AppendToStreamOptions, Client, ClientSettings, DeletePersistentSubscriptionOptions,
    GetPersistentSubscriptionInfoOptions, PersistentSubscriptionOptions, ReadStreamOptions,
    ReplayParkedMessagesOptions, StreamPosition, SubscribeToPersistentSubscriptionOptions,
};

use super::parking_lot;
use super::port::{
    Appended, EventLog, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError, NewEvent, ParkedEvent,
    StartFrom, Subscription,
};
use crate::sockets::{self, SendAtOnce};

/// EventStoreDB's port, where an address names none.
const PORT: u16 = 2_113;
/// How many events a page of a read holds at most.
const READ_PAGE: usize = 4_096;

/// Returns the ports that a connection string names, and the usual one.
fn ports_of(connection_string: &str) -> Vec<u16> {
    sockets::ports_of(connection_string).chain([PORT]).collect()
}

/// A connection string that the client does not understand.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{redacted}` is no connection string of EventStoreDB (expected `esdb://host:port?tls=false` or the like)"
)]
pub struct InvalidConnectionString {
    /// The string without the credentials that it may hold.
    pub redacted: String,
}

/// An EventStoreDB that is reached over gRPC.
pub struct EventStoreDb {
    settings: ClientSettings,
    /// The client of the present connection. Once a connection attempt has failed, every later call on the same client
    /// fails too, so that the next call has to begin with a new one.
    client: Mutex<Option<Client>>,
    sockets: SendAtOnce,
}

impl EventStoreDb {
    /// Takes a connection string. Nothing is connected before the first call.
    ///
    /// # Errors
    ///
    /// Fails when the string is none.
    pub fn new(connection_string: &str) -> Result<Self, InvalidConnectionString> {
        let settings = ClientSettings::from_str(connection_string)
            .map_err(|_| InvalidConnectionString { redacted: redact(connection_string) })?;
        let sockets = SendAtOnce::new(ports_of(connection_string));
        Ok(Self { settings, client: Mutex::new(None), sockets })
    }

    /// Runs one call on the present client, and forgets the client when the connection turns out to be gone.
    async fn call<T>(
        &self,
        during: &'static str,
        operation: impl AsyncFnOnce(&Client) -> eventstore::Result<T>,
    ) -> Result<T, Failure> {
        let client = self.present_client().map_err(|source| Failure { during, source })?;
        match operation(&client).await {
            Ok(value) => {
                self.sockets.look_up();
                Ok(value)
            }
            Err(source) => {
                if convert::connection_is_gone(&source) {
                    *self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
                }
                Err(Failure { during, source })
            }
        }
    }

    fn present_client(&self) -> eventstore::Result<Client> {
        let mut slot = self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(client) = slot.as_ref() {
            return Ok(client.clone());
        }
        let client = Client::new(self.settings.clone())?;
        Ok(slot.insert(client).clone())
    }

    /// Reads a stream and hands out the client's own events. A stream that does not exist is an empty one.
    async fn read_raw(
        &self,
        stream: &str,
        options: ReadStreamOptions,
    ) -> Result<Vec<eventstore::ResolvedEvent>, Failure> {
        self.call("read a stream", async |client| {
            let mut stream = match client.read_stream(stream, &options).await {
                Err(eventstore::Error::ResourceNotFound) => return Ok(Vec::new()),
                other => other?,
            };
            let mut events = Vec::new();
            loop {
                match stream.next().await {
                    Ok(Some(event)) => events.push(event),
                    Ok(None) | Err(eventstore::Error::ResourceNotFound) => return Ok(events),
                    Err(error) => return Err(error),
                }
            }
        })
        .await
    }
}

/// A failed call, before it is known what the caller makes of it.
struct Failure {
    during: &'static str,
    source: eventstore::Error,
}

impl Failure {
    fn into_log_error(self) -> LogError {
        convert::log_error(self.during, self.source)
    }

    fn for_stream(self, stream: &StreamName) -> LogError {
        match self.source {
            eventstore::Error::ResourceDeleted => LogError::StreamDeleted { stream: stream.clone() },
            _ => self.into_log_error(),
        }
    }

    fn for_group(self, group: &GroupId) -> LogError {
        match self.source {
            eventstore::Error::ResourceNotFound => LogError::NoSuchGroup { group: group.clone() },
            _ => self.into_log_error(),
        }
    }
}

#[async_trait]
impl EventLog for EventStoreDb {
    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        let size = events.iter().map(|event| event.data.len() + event.metadata.len()).sum();
        let events = events
            .into_iter()
            .map(convert::event_data)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| LogError::Refused { during: "append events", source: source.into() })?;
        let options =
            AppendToStreamOptions::default().expected_revision(convert::expected_revision(expected));
        let appended = self
            .call("append events", async |client| {
                client.append_to_stream(stream.as_str(), &options, events).await
            })
            .await;
        match appended {
            Ok(result) => Ok(Appended { revision: result.next_expected_version }),
            Err(Failure { source: eventstore::Error::WrongExpectedVersion { current, .. }, .. }) => {
                Err(LogError::Conflict {
                    stream: stream.clone(),
                    expected,
                    current: convert::current_revision(current),
                })
            }
            Err(Failure { source: eventstore::Error::Grpc { code, message }, .. })
                if code == tonic::Code::InvalidArgument && message.contains("Maximum Append") =>
            {
                Err(LogError::TooLarge { stream: stream.clone(), size, reason: message })
            }
            Err(failure) => Err(failure.for_stream(stream)),
        }
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let options = ReadStreamOptions::default().position(StreamPosition::Position(from)).max_count(limit);
        let events =
            self.read_raw(stream.as_str(), options).await.map_err(|failure| failure.for_stream(stream))?;
        Ok(events.iter().map(|event| convert::recorded_event(event.get_original_event())).collect())
    }

    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        let options = ReadStreamOptions::default().position(StreamPosition::End).backwards().max_count(1);
        let events =
            self.read_raw(stream.as_str(), options).await.map_err(|failure| failure.for_stream(stream))?;
        Ok(events.first().map(|event| event.get_original_event().revision))
    }

    async fn ensure_group(&self, group: &GroupId, settings: &GroupSettings) -> Result<(), LogError> {
        let start_from = match settings.start_from {
            StartFrom::Start => StreamPosition::Start,
            StartFrom::End => StreamPosition::End,
            StartFrom::Revision(revision) => StreamPosition::Position(revision),
        };
        let int = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let options = PersistentSubscriptionOptions::default()
            .resolve_link_tos(true)
            .start_from(start_from)
            .message_timeout(Duration::from_millis(u64::from(settings.message_timeout_ms)))
            .max_retry_count(int(settings.max_retry_count))
            .live_buffer_size(int(settings.history_buffer_size))
            .read_batch_size(int(settings.read_batch_size))
            .history_buffer_size(int(settings.history_buffer_size))
            .checkpoint_lower_bound(int(settings.checkpoint_lower_bound))
            .checkpoint_upper_bound(int(settings.checkpoint_upper_bound));
        let created = self
            .call("create a persistent subscription", async |client| {
                client
                    .create_persistent_subscription(group.stream.as_str(), group.group.as_str(), &options)
                    .await
            })
            .await;
        match created {
            Ok(()) | Err(Failure { source: eventstore::Error::ResourceAlreadyExists, .. }) => Ok(()),
            Err(failure) => Err(failure.for_group(group)),
        }
    }

    async fn delete_group(&self, group: &GroupId) -> Result<(), LogError> {
        let options = DeletePersistentSubscriptionOptions::default();
        let deleted = self
            .call("delete a persistent subscription", async |client| {
                client
                    .delete_persistent_subscription(group.stream.as_str(), group.group.as_str(), &options)
                    .await
            })
            .await;
        match deleted {
            Ok(()) | Err(Failure { source: eventstore::Error::ResourceNotFound, .. }) => Ok(()),
            Err(failure) => Err(failure.for_group(group)),
        }
    }

    async fn subscribe(&self, group: &GroupId, buffer: usize) -> Result<Subscription, LogError> {
        let options = SubscribeToPersistentSubscriptionOptions::default().buffer_size(buffer);
        let inner = self
            .call("join a persistent subscription", async |client| {
                client
                    .subscribe_to_persistent_subscription(
                        group.stream.as_str(),
                        group.group.as_str(),
                        &options,
                    )
                    .await
            })
            .await
            .map_err(|failure| failure.for_group(group))?;
        Ok(subscription::start(inner, group.clone()))
    }

    async fn replay_parked(&self, group: &GroupId) -> Result<(), LogError> {
        let options = ReplayParkedMessagesOptions::default();
        self.call("replay parked events", async |client| {
            client.replay_parked_messages(group.stream.as_str(), group.group.as_str(), &options).await
        })
        .await
        .map_err(|failure| failure.for_group(group))
    }

    async fn parked(&self, group: &GroupId) -> Result<Vec<ParkedEvent>, LogError> {
        let lot = parking_lot::stream_of(group);
        let mut parked = Vec::new();
        let mut from = 0;
        loop {
            let options = ReadStreamOptions::default()
                .position(StreamPosition::Position(from))
                .max_count(READ_PAGE)
                .resolve_link_tos();
            let page = self.read_raw(&lot, options).await.map_err(Failure::into_log_error)?;
            let Some(last) = page.last() else { return Ok(parked) };
            from = last.get_original_event().revision + 1;
            parked.extend(page.iter().map(convert::parked_event));
        }
    }

    async fn group_info(&self, group: &GroupId) -> Result<GroupInfo, LogError> {
        let options = GetPersistentSubscriptionInfoOptions::default();
        let info = self
            .call("ask how a persistent subscription stands", async |client| {
                client
                    .get_persistent_subscription_info(group.stream.as_str(), group.group.as_str(), &options)
                    .await
            })
            .await
            .map_err(|failure| failure.for_group(group))?;
        Ok(GroupInfo {
            acknowledged: info.stats.total_items as u64,
            parked: info.stats.parked_message_count as u64,
            in_flight: info.stats.total_in_flight_messages as u64,
            buffered: (info.stats.read_buffer_count + info.stats.retry_buffer_count) as u64,
            last_checkpoint: info.stats.last_checkpointed_event_revision,
            last_known: info.stats.last_known_event_revision,
        })
    }
}

/// Returns a connection string without its credentials, for messages.
fn redact(connection_string: &str) -> String {
    let Some((scheme, rest)) = connection_string.split_once("://") else {
        return connection_string.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}"),
        None => connection_string.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_are_those_that_a_connection_string_names_and_the_usual_one() {
        assert_eq!(ports_of("esdb://localhost:2114?tls=false"), [2_114, PORT]);
        assert_eq!(ports_of("esdb://ops:word@a:2111,b:2112,c/?x=1:2"), [2_111, 2_112, PORT]);
        assert_eq!(ports_of("esdb+discover://store.example"), [PORT]);
    }

    #[test]
    fn an_invalid_connection_string_is_named_without_its_credentials() {
        let Err(error) = EventStoreDb::new("postgres://admin:changeit@db:5432") else {
            panic!("a connection string of another database was taken");
        };
        assert_eq!(error.redacted, "postgres://***@db:5432");
    }

    #[tokio::test]
    async fn a_store_that_is_not_there_is_a_transient_fault_on_every_call() {
        // Port 1 on the loopback address has no listener.
        let store = EventStoreDb::new("esdb://127.0.0.1:1?tls=false&discoveryInterval=0").unwrap();
        for _ in 0..2 {
            let error = store.read(&StreamName::new("Interview-x"), 0, 1).await.unwrap_err();
            assert!(error.is_transient(), "{error:?}");
        }
    }
}
