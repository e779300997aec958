//! The clients of a group: their slots and what group information says of each.

use super::super::log::Timestamp;
use super::info::Latencies;

/// Names one connection of a client to a group. The server hands these out, and never one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// Who a client says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The user name, or `anonymous`.
    pub username: String,
    /// The `connection-name` header, or `<unknown>`.
    pub connection_name: String,
}

impl Default for ClientIdentity {
    fn default() -> Self {
        Self { username: "anonymous".into(), connection_name: "<unknown>".into() }
    }
}

/// A connected client with its slots.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: ClientId,
    pub(super) identity: ClientIdentity,
    pub(super) slots: usize,
    pub(super) in_flight: usize,
    /// When it came, since the epoch; averages count from there.
    pub(super) connected_at: Timestamp,
    pub(super) processed: u64,
    pub(super) processed_at_last_info: u64,
    pub(super) latencies: Latencies,
}

impl Client {
    /// Says whether another event can be sent.
    pub(super) fn has_slot(&self) -> bool {
        self.in_flight < self.slots
    }

    /// Returns how many events can still be sent.
    pub(super) fn available(&self) -> usize {
        self.slots - self.in_flight
    }
}
