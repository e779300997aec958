//! A server of its own for each test, and short ways to talk to it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use cutover_engines::event_log::eventstoredb::grpc::wire::streams::append_req;
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::append_req::options::ExpectedStreamRevision;
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::streams_client::StreamsClient;
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::{
    AppendReq, AppendResp, ReadReq, read_req, read_resp,
};
use cutover_engines::event_log::eventstoredb::grpc::wire::{self, Empty, StreamIdentifier};
use cutover_engines::event_log::eventstoredb::grpc::{EmbeddedEventStore, Options};
use eventstore::{
    AppendToStreamOptions, Client, EventData, ExpectedRevision, ReadEvent, ReadStreamOptions, ResolvedEvent,
    StreamPosition, Subscription, SubscriptionEvent, WriteResult,
};
use prost::bytes::Bytes;
use tonic::transport::Channel;
use tonic::{Status, Streaming};
use uuid::Uuid;

/// How long a test waits for what must come. It only passes when something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The address that takes a free port.
pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A message of a read, as the official client tells it.
#[derive(Debug)]
pub(crate) enum Message {
    Event(Box<ResolvedEvent>),
    First(u64),
    Last(u64),
}

/// A server with both clients.
pub(crate) struct Server {
    pub(crate) handle: EmbeddedEventStore,
    pub(crate) client: Client,
    pub(crate) raw: StreamsClient<Channel>,
}

/// Starts a server as a user gets it.
pub(crate) async fn server() -> Server {
    server_with(Options::default()).await
}

/// Starts a server that is set up otherwise.
pub(crate) async fn server_with(options: Options) -> Server {
    let handle =
        EmbeddedEventStore::start_with(ANY_PORT, options).await.expect("a free port can be listened on");
    let client = client_of(&handle);
    let raw =
        StreamsClient::connect(format!("http://{}", handle.address())).await.expect("the server listens");
    Server { handle, client, raw }
}

/// Returns a new official client of a server.
pub(crate) fn client_of(handle: &EmbeddedEventStore) -> Client {
    let settings = handle.connection_string().parse().expect("the connection string is well-formed");
    Client::new(settings).expect("the settings are complete")
}

/// Returns an id that is the same in every run.
pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(0xe000 + number)
}

/// Returns an event with that id.
pub(crate) fn event(number: u128) -> EventData {
    EventData::json("Tested", &serde_json::json!({ "number": number as u64 }))
        .expect("the payload is JSON")
        .id(id(number))
}

/// Returns events with the ids of a range.
pub(crate) fn events(numbers: std::ops::Range<u128>) -> Vec<EventData> {
    numbers.map(event).collect()
}

impl Server {
    /// Appends as the official client does.
    pub(crate) async fn append(
        &self,
        stream: &str,
        expected: ExpectedRevision,
        events: Vec<EventData>,
    ) -> eventstore::Result<WriteResult> {
        let options = AppendToStreamOptions::default().expected_revision(expected);
        self.client.append_to_stream(stream, &options, events).await
    }

    /// Appends that many new events to a stream, whatever its revision.
    pub(crate) async fn fill(&self, stream: &str, count: u128) -> WriteResult {
        let events = (0..count).map(|number| event(number).id(Uuid::new_v4())).collect();
        self.append(stream, ExpectedRevision::Any, events).await.expect("the append is accepted")
    }

    /// Writes metadata as they are given, and returns the revision that they got in the metastream.
    pub(crate) async fn set_metadata(&self, stream: &str, metadata: serde_json::Value) -> u64 {
        let event = EventData::json("$metadata", &metadata).expect("metadata are JSON");
        let metastream = format!("$${stream}");
        self.append(&metastream, ExpectedRevision::Any, vec![event])
            .await
            .expect("the metadata are accepted")
            .next_expected_version
    }

    /// Reads to the end of what was asked for.
    pub(crate) async fn read(
        &self,
        stream: &str,
        options: &ReadStreamOptions,
    ) -> eventstore::Result<Vec<Message>> {
        let mut reading = self.client.read_stream(stream, options).await?;
        let mut messages = Vec::new();
        while let Some(message) = reading.next_read_event().await? {
            messages.push(match message {
                ReadEvent::Event(event) => Message::Event(Box::new(event)),
                ReadEvent::FirstStreamPosition(revision) => Message::First(revision),
                ReadEvent::LastStreamPosition(revision) => Message::Last(revision),
                ReadEvent::LastAllStreamPosition(position) => panic!("{position:?} is of no stream"),
            });
        }
        Ok(messages)
    }

    /// Reads a stream forwards from its start, and returns its revisions.
    pub(crate) async fn revisions(&self, stream: &str) -> eventstore::Result<Vec<u64>> {
        let options = ReadStreamOptions::default().max_count(1_000);
        Ok(revisions_of(&self.read(stream, &options).await?))
    }

    /// Reads a stream forwards from its start, links resolved, and returns its events.
    pub(crate) async fn resolved(&self, stream: &str) -> Vec<ResolvedEvent> {
        let options =
            ReadStreamOptions::default().max_count(1_000).position(StreamPosition::Start).resolve_link_tos();
        let messages = self.read(stream, &options).await.expect("the stream is there");
        messages
            .into_iter()
            .filter_map(|message| match message {
                Message::Event(event) => Some(*event),
                _ => None,
            })
            .collect()
    }

    /// Appends with the generated client, which can say what the official one cannot.
    pub(crate) async fn append_raw(
        &mut self,
        stream: &str,
        expected: ExpectedStreamRevision,
        events: Vec<append_req::ProposedMessage>,
    ) -> Result<AppendResp, Status> {
        let options = append_req::Options {
            stream_identifier: Some(stream_identifier(stream)),
            expected_stream_revision: Some(expected),
        };
        let contents = std::iter::once(append_req::Content::Options(options))
            .chain(events.into_iter().map(append_req::Content::ProposedMessage));
        let messages: Vec<_> = contents.map(|content| AppendReq { content: Some(content) }).collect();
        self.raw.append(tokio_stream::iter(messages)).await.map(tonic::Response::into_inner)
    }

    /// Reads with the generated client, and returns all messages.
    pub(crate) async fn read_raw(
        &mut self,
        options: read_req::Options,
    ) -> Result<Vec<read_resp::Content>, Status> {
        let mut messages = self.follow_raw(options).await?;
        let mut contents = Vec::new();
        while let Some(message) = messages.message().await? {
            contents.push(content(message));
        }
        Ok(contents)
    }

    /// Begins a read with the generated client.
    pub(crate) async fn follow_raw(
        &mut self,
        options: read_req::Options,
    ) -> Result<Streaming<wire::streams::ReadResp>, Status> {
        self.raw.read(ReadReq { options: Some(options) }).await.map(tonic::Response::into_inner)
    }
}

/// Returns what a message holds.
pub(crate) fn content(message: wire::streams::ReadResp) -> read_resp::Content {
    message.content.expect("every message has a content")
}

/// Returns the revisions among the messages of a read.
pub(crate) fn revisions_of(messages: &[Message]) -> Vec<u64> {
    messages
        .iter()
        .filter_map(|message| match message {
            Message::Event(event) => Some(event.get_original_event().revision),
            _ => None,
        })
        .collect()
}

/// Returns the next message of a subscription; panics when none comes.
#[track_caller]
pub(crate) fn soon<T>(result: Result<T, tokio::time::error::Elapsed>) -> T {
    result.expect("the message comes soon")
}

/// Waits for the next message of a subscription.
pub(crate) async fn next(subscription: &mut Subscription) -> eventstore::Result<SubscriptionEvent> {
    soon(tokio::time::timeout(PATIENCE, subscription.next_subscription_event()).await)
}

/// Waits for the next event of a subscription, whatever comes before it.
pub(crate) async fn next_event(subscription: &mut Subscription) -> eventstore::Result<ResolvedEvent> {
    loop {
        if let SubscriptionEvent::EventAppeared(event) = next(subscription).await? {
            return Ok(event);
        }
    }
}

/// Waits until a subscription is live, and returns the events that came before.
pub(crate) async fn history(subscription: &mut Subscription) -> eventstore::Result<Vec<ResolvedEvent>> {
    let mut events = Vec::new();
    loop {
        match next(subscription).await? {
            SubscriptionEvent::EventAppeared(event) => events.push(event),
            SubscriptionEvent::CaughtUp => return Ok(events),
            _ => {}
        }
    }
}

/// Names a stream on the wire.
pub(crate) fn stream_identifier(name: &str) -> StreamIdentifier {
    StreamIdentifier { stream_name: Bytes::copy_from_slice(name.as_bytes()) }
}

/// Returns an id as text on the wire.
pub(crate) fn wire_id(id: Uuid) -> wire::Uuid {
    wire::Uuid { value: Some(wire::uuid::Value::String(id.to_string())) }
}

/// Returns what the wire says of an event beside its bytes.
pub(crate) fn system_metadata(event_type: &str) -> HashMap<String, String> {
    HashMap::from([
        ("type".to_owned(), event_type.to_owned()),
        ("content-type".to_owned(), "application/octet-stream".to_owned()),
    ])
}

/// Returns an event of that many bytes in all, for the generated client.
pub(crate) fn proposed(number: u128, bytes: usize) -> append_req::ProposedMessage {
    append_req::ProposedMessage {
        id: Some(wire_id(id(number))),
        metadata: system_metadata("T"),
        custom_metadata: Bytes::new(),
        data: Bytes::from(vec![b'x'; bytes - 2]),
    }
}

/// Returns the options of a read that asks for what every test asks for, to be changed by the test.
pub(crate) fn read_options(
    source: read_req::options::StreamOption,
    count: read_req::options::CountOption,
) -> read_req::Options {
    read_req::Options {
        stream_option: Some(source),
        read_direction: read_req::options::ReadDirection::Forwards.into(),
        resolve_links: false,
        count_option: Some(count),
        filter_option: Some(read_req::options::FilterOption::NoFilter(Empty {})),
        uuid_option: Some(read_req::options::UuidOption {
            content: Some(read_req::options::uuid_option::Content::String(Empty {})),
        }),
        control_option: Some(read_req::options::ControlOption { compatibility: 1 }),
    }
}

/// Names a stream, read from its start.
pub(crate) fn from_start(stream: &str) -> read_req::options::StreamOption {
    read_req::options::StreamOption::Stream(read_req::options::StreamOptions {
        stream_identifier: Some(stream_identifier(stream)),
        revision_option: Some(read_req::options::stream_options::RevisionOption::Start(Empty {})),
    })
}

/// Returns the value of a trailer.
#[track_caller]
pub(crate) fn trailer<'a>(status: &'a Status, name: &str) -> &'a str {
    let value = status.metadata().get(name);
    value.unwrap_or_else(|| panic!("{status:?} has a trailer {name}")).to_str().expect("trailers are ASCII")
}
