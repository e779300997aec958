//! What tests of this crate and of others write their cases with. Feature `testing`.
//!
//! | what | for |
//! |---|---|
//! | [`given`], [`given_nothing`] | rules of an aggregate: given events, when a command, then events or a rejection |
//! | [`build`] | events and commands of which a case only says what it is about |
//! | [`strategy`] | proptest strategies: every event type, metadata, every command, whole legal histories of an interview |

pub mod build;
mod spec;
pub mod strategy;

pub use spec::{Given, Rules, When, given, given_nothing};
