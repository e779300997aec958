//! The flag that says which path is the truth, where writers and operators meet.
//!
//! | module | what it answers for |
//! |---|---|
//! | [`flag`] | the flag in the event store: reading it, and appending to it |
//! | [`fence`] | a turnstile in the direct graph, which a writer that comes late does not get through |
//!
//! Direct writes are stopped for good by the turnstile, whatever a writer has read, and however long ago. Appends of events have
//! nothing like it, as an event store has no transaction over two streams; they are stopped by a [`LEASE`]: whoever writes events
//! alone reads the flag first, and gives up what has not been answered within that time. After as long as that, and as long again,
//! nobody writes who has not seen the fence.

pub mod fence;
pub mod flag;

use std::time::Duration;

pub use flag::{Flag, FlagError, Seen};

/// How long a writer of events relies on what it has read of the flag.
pub const LEASE: Duration = Duration::from_millis(1_000);
