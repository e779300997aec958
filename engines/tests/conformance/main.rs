//! What an EventStoreDB does, case by case, asked of the embedded one over its real wire.
//!
//! The name of each test begins with the number of its case. The official client asks wherever it can put the
//! question; what it cannot express is asked with the generated client.

mod support;

mod categories;
mod gate;
mod persistent;
mod server;
mod streams_append;
mod streams_delete;
mod streams_metadata;
mod streams_read;
mod subscriptions;
