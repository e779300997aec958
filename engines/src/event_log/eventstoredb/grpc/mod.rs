//! The wire over the state machine: gRPC services, errors with their trailers, and the server's handle.
//!
//! [`EmbeddedEventStore`] starts and stops the server; `server.rs` registers the services. Each service translates
//! requests into calls of the [`Store`](super::Store) behind [`SharedStore`], and answers back. What is decided is
//! decided there, never here.

#![expect(clippy::result_large_err, reason = "a gRPC status is large, and what handlers answer with")]

mod clock;
mod convert;
mod error;
mod features;
mod gate;
mod gossip;
mod monitoring;
mod operations;
mod persistent;
mod prompt;
mod pull;
mod server;
mod shared;
mod streams;

pub use clock::{Clock, ManualClock, SystemClock};
pub(super) use error::shutting_down;
pub use gate::{Call, Gate, OpenGate, Refusal};
pub(super) use persistent::{Host, Inbox};
pub use server::{EmbeddedEventStore, Ids, Options, StartError, Ticks};
pub use shared::{SharedStore, Signal};

/// The messages and services of the wire, generated from `proto/`.
#[expect(
    missing_docs,
    clippy::large_enum_variant,
    clippy::allow_attributes_without_reason,
    reason = "generated from the protobuf files, which explain them"
)]
pub mod wire {
    include!(concat!(env!("OUT_DIR"), "/wire.rs"));

    pub use event_store::client::*;
}
