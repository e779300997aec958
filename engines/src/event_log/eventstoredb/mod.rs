//! An embedded EventStoreDB: the same wire, the same answers, inside this process and in memory.
//!
//! Two layers, and the line between them is strict:
//!
//! - **The state machine** does no I/O: it has no clock, no randomness, no task and no lock. Times come in as
//!   arguments ([`Timestamp`]), new ids from an [`IdSource`]. [`Store`] is the whole of it; everything else is a part.
//! - **The wire** ([`grpc`]) puts one mutex round a [`Store`], and gRPC services round that. [`grpc::EmbeddedEventStore`]
//!   starts and stops it; a program in the same process may go round the wire with an [`InProcessLog`].
//!
//! # What is where
//!
//! | file | answers for |
//! |---|---|
//! | `log.rs` | [`Record`]s and the [`Log`] that holds them in commit order; [`Timestamp`] |
//! | `streams.rs` | the streams as revisions: the append decision, deletion, the window that metadata leaves visible |
//! | `metadata.rs` | what a metadata event says, and what it does not |
//! | `recent.rs` | the ids written lately, which make a repeated append harmless |
//! | `category.rs` | which links the system projections write for a record |
//! | `filter.rs` | which records a filtered read of `$all` lets through |
//! | `read.rs` | pages of a stream and of `$all`, links resolved |
//! | `subscription.rs` | a catch-up subscription as a cursor over the store |
//! | `store.rs` | [`Store`]: composes the above; every write answers with what it committed |
//! | `ids.rs` | ids that are the same in every run of a seed |
//! | `settings.rs` | the limits, and what is switched on |
//! | `persistent/` | persistent subscriptions: the machine of a group, and all groups over the store |
//! | `grpc/` | the services, the errors and their trailers, the server's handle |
//! | `in_process/` | the port [`EventLog`](super::EventLog) on the store of a running server, without the wire |
//!
//! # How to build on the state machine
//!
//! Live consumers keep a cursor into [`Store::log`] (an index, see [`Log::len`]) and read on from there whenever
//! something was committed: nothing is copied for them and no queue can overflow. [`Store::append_as_system`] writes
//! what the server itself has to write. [`Store::resolve`] follows a link, [`Store::read_stream_forward`] and
//! [`Store::read_all_forward`] give pages.
//!
//! # Deviations
//!
//! Where the real server's behaviour is a quirk, or a consequence of its asynchronous parts, this one differs:
//!
//! - System projections run within the append, so their links are there when the append is answered. They are records
//!   of their own, after those of the append, as on a real server.
//! - `$by_correlation_id` does not link links, so an event is found once under its id.
//! - A live subscription reads on from the log and never overflows: there is exactly one `caught_up`, and no
//!   re-reading. A link that is delivered live is resolved when it is read, a moment after its commit.
//! - Users, projections and scavenging are not implemented: their methods answer UNIMPLEMENTED, and server features do
//!   not list them.
//! - There is no access check: every caller is an administrator, as on a server started with `--insecure`.

pub mod category;
pub mod filter;
pub mod grpc;
pub mod ids;
pub mod in_process;
pub mod log;
pub mod metadata;
pub mod persistent;
pub mod read;
pub mod recent;
pub mod settings;
pub mod store;
pub mod streams;
pub mod subscription;

pub use in_process::InProcessLog;
pub use log::{Log, Record, Timestamp};
pub use read::{Links, ResolvedEvent};
pub use settings::Settings;
pub use store::{IdSource, Store};
