//! Persistent subscriptions as a state machine without I/O: what a consumer group of EventStoreDB does.
//!
//! [`Group`] is the machine of one group. What happened goes in (a page of history arrived, an event was
//! committed, a client came, left, acknowledged or refused, a second passed); what is to be done comes out of
//! [`Group::poll_output`] as [`Output`]s (push this event, read that page, write a checkpoint, park, drop a
//! client). Time and ids are inputs, so every rule is tested without a socket or a sleep.
//!
//! [`Subscriptions`] keeps all groups and carries their outputs out against the store, without I/O either: what is for
//! clients lands in an outbox. Connections, locks and gRPC are left to the wire.

mod buffer;
mod checkpoint;
mod client;
mod config;
mod event;
mod group;
mod info;
mod message;
mod outstanding;
mod parking;
mod position;
mod settings;
mod source;
mod stored;
mod strategy;
mod subscriptions;

pub use checkpoint::{CHECKPOINT_EVENT_TYPE, checkpoint_data, parse_checkpoint};
pub use client::{ClientId, ClientIdentity};
pub use config::{
    CONFIG_EVENT_TYPE, CONFIG_STREAM, ConfigEntry, ConfigError, FilterEntry, SubscriptionConfig,
};
pub use event::SubscribedEvent;
pub use group::{ConnectError, Group, NackAction, Output, PageItem, ReadPage, RequestId};
pub use info::{ConnectionInfo, GroupInfo, Measurement};
pub use message::Message;
pub use parking::{ParkTicket, ParkedMessage, ParkedRange};
pub use position::{GroupPosition, ParsePositionError, ReadFrom, SourceKind, StartFrom};
pub use settings::{InvalidSettings, Settings};
pub use strategy::{ConsumerStrategy, UnknownStrategy};
pub use subscriptions::{ALL, GroupKey, GroupReport, SubscriptionError, Subscriptions, ToClient};

/// Returns the key that names a group everywhere: `<stream>::<group>`.
#[must_use]
pub fn subscription_id(stream: &str, group: &str) -> String {
    format!("{stream}::{group}")
}

/// Returns the stream that holds the checkpoints of a group.
#[must_use]
pub fn checkpoint_stream(stream: &str, group: &str) -> String {
    format!("$persistentsubscription-{stream}::{group}-checkpoint")
}

/// Returns the stream that holds links to the parked events of a group.
#[must_use]
pub fn parked_stream(stream: &str, group: &str) -> String {
    format!("$persistentsubscription-{stream}::{group}-parked")
}
