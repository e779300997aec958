//! Faults of the world, as wrappers round the ports of whatever engines there are: what a network, a server or a process that dies
//! does to a call. Production code knows nothing of them, and must survive every one.
//!
//! | module | what lives there |
//! |---|---|
//! | [`operation`] | what can be disturbed: every method of both ports |
//! | [`rule`] | which call is disturbed, and how |
//! | [`injector`] | decides call by call, counts, and knows when a process has died |
//! | [`log`], [`delivery`] | an event log, and what its subscriptions deliver, with faults |
//! | [`graph`] | a graph with faults |
//! | [`poison`] | a graph that refuses single events |
//! | [`points`] | every operation of a run fails in turn, until a run ends before it is reached |
//!
//! The errors are those that the real ports answer with when an engine cannot be reached: no retry is used up by them, and
//! nothing is parked. Only [`poison`] refuses events for good.

pub mod delivery;
pub mod graph;
pub mod injector;
pub mod log;
pub mod operation;
pub mod points;
pub mod poison;
pub mod rule;

pub use graph::FaultyGraph;
pub use injector::Injector;
pub use log::FaultyLog;
pub use operation::{Operation, Site};
pub use poison::{Poison, PoisonedGraph};
pub use rule::{Kind, Rule, When};
