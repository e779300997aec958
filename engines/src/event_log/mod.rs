//! The event log: appends to streams, reads of streams, and persistent subscriptions with a parking lot.
//!
//! The port is [`EventLog`]; it says what EventStoreDB does for this program, no more. It has two implementations:
//!
//! - [`EventStoreDb`] reaches a store over gRPC through the official client, wherever that store is.
//! - [`InProcessLog`] calls the embedded store ([`eventstoredb`]) directly, without a wire.
//!
//! The embedded store serves the wire as well, so that both can be used on one store at the same time. Whoever brings a
//! third holds it to the promises of `contract` (feature `testing`).

mod client;
#[cfg(feature = "testing")]
pub mod contract;
pub mod eventstoredb;
mod interposed;
mod parking_lot;
mod port;

pub use client::{EventStoreDb, InvalidConnectionString};
pub use eventstoredb::InProcessLog;
pub use interposed::Interposed;
pub use port::{
    Answers, Appended, Delivered, EventLog, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError,
    NewEvent, ParkedEvent, Receiver, StartFrom, Subscription,
};
