//! The two ports of cutover, [`event_log`] and [`graph`], and every engine behind them.
//!
//! Nothing here knows a rule of the domain: engines store events, deliver them, and interpret changes.

pub mod event_log;
pub mod graph;
pub mod sockets;
