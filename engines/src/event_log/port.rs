//! The port: what a program needs of an event store, as a trait that is narrow enough to wrap.

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::ids::StreamName;
use smol_str::SmolStr;
use uuid::Uuid;

/// An event on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id: an append of the same ids at the same revision is recognised and written once.
    pub id: Uuid,
    /// Its type.
    pub event_type: SmolStr,
    /// Its payload, JSON.
    pub data: Vec<u8>,
    /// Its metadata, JSON.
    pub metadata: Vec<u8>,
}

/// Where a writer believes a stream to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExpectedRevision {
    /// The stream has no event.
    NoStream,
    /// The last event of the stream has this revision.
    Exact(u64),
    /// The writer does not care.
    Any,
}

/// The answer to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The revision of the last event that was written, or had been before.
    pub revision: u64,
}

/// A consumer group of a persistent subscription.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId {
    /// The stream that the group follows, such as `$ce-Sentence`.
    pub stream: StreamName,
    /// The group's name.
    pub group: SmolStr,
}

impl std::fmt::Display for GroupId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}::{}", self.stream, self.group)
    }
}

/// Where a new group begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartFrom {
    /// At the first event of the stream.
    #[default]
    Start,
    /// At what is appended from now on.
    End,
    /// At this revision of the stream, inclusive.
    Revision(u64),
}

/// The settings of a consumer group. Links are always resolved: a consumer of a category stream that gets link events
/// skips every one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSettings {
    /// Where the group begins.
    pub start_from: StartFrom,
    /// How long the store waits for an answer before it delivers an event again, in milliseconds.
    pub message_timeout_ms: u32,
    /// How often the store delivers an event again before it parks it by itself. The projector parks, not the store, so
    /// the default is as good as never.
    pub max_retry_count: u32,
    /// How many events the store reads at once.
    pub read_batch_size: u32,
    /// How many events the store keeps ready.
    pub history_buffer_size: u32,
    /// How many answers there must be before the store writes a checkpoint on its tick.
    pub checkpoint_lower_bound: u32,
    /// After how many answers the store writes a checkpoint at once.
    pub checkpoint_upper_bound: u32,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            start_from: StartFrom::Start,
            message_timeout_ms: 60_000,
            max_retry_count: 1_000_000,
            read_batch_size: 500,
            history_buffer_size: 5_000,
            checkpoint_lower_bound: 10,
            checkpoint_upper_bound: 5_000,
        }
    }
}

/// What the store knows of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupInfo {
    /// How many events were acknowledged since the store has held the group in memory: a store that is started anew counts anew.
    pub acknowledged: u64,
    /// How many events lie in the parking lot.
    pub parked: u64,
    /// How many events are delivered and not yet answered.
    pub in_flight: u64,
    /// How many events the store holds ready, or to be delivered again.
    pub buffered: u64,
    /// The revision of the group's stream up to which everything is answered, as last written; `None` before the first
    /// checkpoint.
    pub last_checkpoint: Option<u64>,
    /// The last revision of the group's stream that the group has read or been told of.
    pub last_known: Option<u64>,
}

/// An event in the parking lot of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    /// The event; `None` when its stream no longer holds it.
    pub event: Option<RecordedEvent>,
    /// Why it was parked.
    pub reason: String,
}

/// One delivery of a persistent subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// What an answer names: the id of the link when there is one, else of the event.
    pub ack_id: Uuid,
    /// The event, its link resolved; `None` when the link leads nowhere (the stream was truncated or deleted), which is
    /// to be acknowledged: there is nothing left to lose.
    pub event: Option<RecordedEvent>,
    /// Whether it came out of the parking lot.
    pub replayed: bool,
    /// How often it was delivered before.
    pub retry_count: u32,
    /// The revision of the link within the group's stream, or of the event when the stream is its own.
    pub position: u64,
}

impl GroupInfo {
    /// Returns whether everything up to `last` (the last revision of the group's stream) has been delivered and answered.
    pub fn is_caught_up_with(&self, last: Option<u64>) -> bool {
        self.in_flight == 0 && self.buffered == 0 && self.last_known >= last
    }

    /// Returns how many events up to `last` (the last revision of the group's stream) are not yet answered.
    pub fn lag(&self, last: Option<u64>) -> u64 {
        let count = |revision: Option<u64>| revision.map_or(0, |revision| revision + 1);
        count(last).saturating_sub(count(self.last_known)) + self.in_flight + self.buffered
    }
}

/// What an event store could not do.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Somebody else appended first.
    #[error("stream `{stream}` is not at the expected revision {expected:?}, but at {current:?}")]
    Conflict {
        /// The stream.
        stream: StreamName,
        /// Where the writer believed it to end.
        expected: ExpectedRevision,
        /// The revision of its last event; `None` when it has none.
        current: Option<u64>,
    },
    /// The stream was deleted for ever.
    #[error("stream `{stream}` is deleted")]
    StreamDeleted {
        /// The stream.
        stream: StreamName,
    },
    /// The append is larger than the store takes.
    #[error("an append of {size} bytes to stream `{stream}` is over the store's limit: {reason}")]
    TooLarge {
        /// The stream.
        stream: StreamName,
        /// The size of the append, in bytes.
        size: usize,
        /// What the store said.
        reason: String,
    },
    /// There is no such group.
    #[error("there is no persistent subscription {group}")]
    NoSuchGroup {
        /// The group.
        group: GroupId,
    },
    /// The group was updated or deleted, and its consumers were dropped.
    #[error("the persistent subscription {group} was dropped by the store")]
    Dropped {
        /// The group.
        group: GroupId,
    },
    /// The store cannot be reached, or does not answer in time. The same call may go through later.
    #[error("the event store is unavailable while it should {during}")]
    Unavailable {
        /// What was being done.
        during: &'static str,
        /// What the client said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store refused for a reason that does not pass.
    #[error("the event store refused to {during}")]
    Refused {
        /// What was being done.
        during: &'static str,
        /// What the client said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl LogError {
    /// Returns whether the same call may go through later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Dropped { .. })
    }
}

/// An event store.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Appends events to a stream, all of them or none.
    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError>;

    /// Reads at most `limit` events of a stream, forwards from revision `from`. A stream that does not exist is an
    /// empty one.
    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError>;

    /// Asks for the revision of the last event of a stream; `None` when it has none.
    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError>;

    /// Creates the group unless it exists. An existing group keeps its settings and its place.
    async fn ensure_group(&self, group: &GroupId, settings: &GroupSettings) -> Result<(), LogError>;

    /// Deletes the group with its place and its parking lot; nothing happens if there is none.
    async fn delete_group(&self, group: &GroupId) -> Result<(), LogError>;

    /// Joins the group as a consumer that holds at most `buffer` unanswered events.
    async fn subscribe(&self, group: &GroupId, buffer: usize) -> Result<Subscription, LogError>;

    /// Asks the store to deliver everything in the group's parking lot again, in order.
    async fn replay_parked(&self, group: &GroupId) -> Result<(), LogError>;

    /// Reads what lies in the group's parking lot, in order.
    async fn parked(&self, group: &GroupId) -> Result<Vec<ParkedEvent>, LogError>;

    /// Asks how a group stands.
    async fn group_info(&self, group: &GroupId) -> Result<GroupInfo, LogError>;
}

/// A consumer's place in a group: a half that delivers and a half that answers, so that neither waits for the other.
pub struct Subscription {
    /// Delivers.
    pub receiver: Box<dyn Receiver>,
    /// Answers.
    pub answers: Box<dyn Answers>,
}

/// The delivering half of a subscription. Dropping both halves leaves the group.
#[async_trait]
pub trait Receiver: Send {
    /// Waits for the next deliveries: at least one, and as many more as are there already, up to `limit`. Safe to
    /// cancel: what was not returned is not lost.
    async fn next(&mut self, limit: usize) -> Result<Vec<Delivered>, LogError>;
}

/// The answering half of a subscription. An answer has no reply: a consumer that is cut off before its answer arrives gets the
/// event again.
#[async_trait]
pub trait Answers: Send + Sync {
    /// Says that events are done.
    async fn acknowledge(&self, ack_ids: Vec<Uuid>) -> Result<(), LogError>;

    /// Asks the store to put an event into the parking lot, with the reason.
    async fn park(&self, ack_id: Uuid, reason: &str) -> Result<(), LogError>;

    /// Asks the store to deliver an event again.
    async fn retry(&self, ack_id: Uuid, reason: &str) -> Result<(), LogError>;
}
