//! The place where the world may interfere: before a call is executed, and before it is answered.
//!
//! A [`Gate`] is how faults are injected from outside: the server asks it, and production code has no `if` of its own
//! for them. [`OpenGate`] lets everything pass.

use std::fmt;

use tonic::Status;

/// A call that a gate judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<'a> {
    /// An append, or one batch, to this stream.
    Append(&'a str),
    /// A deletion or a tombstone of this stream.
    Delete(&'a str),
    /// A read of this stream, or of `$all`.
    Read(&'a str),
    /// The beginning of a catch-up subscription to this stream, or to `$all`.
    Subscribe(&'a str),
    /// The beginning of a consumer of a persistent subscription.
    Consume {
        /// The stream, or `$all`.
        stream: &'a str,
        /// The group.
        group: &'a str,
    },
}

/// How a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The server does not serve yet.
    NotReady,
    /// The server has too much to do.
    TooBusy,
    /// The operation took too long; whether it was executed is open.
    TimedOut,
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotReady => Self::unavailable("Server Is Not Ready"),
            Refusal::TooBusy => Self::unavailable("Server Is Too Busy"),
            Refusal::TimedOut => Self::aborted("Operation timed out"),
        }
    }
}

/// Judges calls.
pub trait Gate: Send + Sync + fmt::Debug {
    /// Refuses a call before it has any effect, or lets it pass.
    fn before(&self, call: Call<'_>) -> Result<(), Refusal>;

    /// Loses the answer of a call that was executed, or lets it pass.
    fn after(&self, _call: Call<'_>) -> Result<(), Refusal> {
        Ok(())
    }
}

/// The gate that lets everything pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenGate;

impl Gate for OpenGate {
    fn before(&self, _call: Call<'_>) -> Result<(), Refusal> {
        Ok(())
    }
}
