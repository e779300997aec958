//! The event log: appends to streams, reads of streams, and persistent subscriptions with a parking lot.
//!
//! The port is [`EventLog`]; it says what EventStoreDB does for this program, no more. [`EventStoreDb`] reaches one wherever it is;
//! [`eventstoredb`] is one inside this process, over the same wire.

mod client;
#[cfg(feature = "testing")]
pub mod contract;
pub mod eventstoredb;
mod port;

pub use client::{EventStoreDb, InvalidConnectionString};
pub use port::{
    Answers, Appended, Delivered, EventLog, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError,
    NewEvent, ParkedEvent, Receiver, StartFrom, Subscription,
};
