//! All that can be decided about a cutover without I/O.
//!
//! Core answers, its callers ask: no clock, no randomness, no socket, no environment. Times and ids come in as values.
//!
//! | module | what lives there |
//! |---|---|
//! | [`ids`], [`timestamp`], [`metadata`] | what every event carries |
//! | [`interview`], [`sentence`] | the two aggregates: commands, events, `decide`, `evolve` |
//! | [`analysed`] | a transcript as the pipeline hands it to both paths |
//! | [`direct`] | what the direct path writes of it, and of what people edit |
//! | [`places`] | who makes way when a sentence moves |
//! | [`event`] | an event with its metadata, decoded and as a store recorded it |
//! | [`command`], [`aggregate`] | commands with what accompanies them, and their handling over a history |
//! | [`wire`] | the frozen format that events are stored in: names, encode, decode, upcasters |
//! | [`graph`] | labels, properties, and changes to a graph as data |
//! | [`projection`] | what each event means for the projected graph |
//! | [`projector`] | the state machine that restores order, batches, retries and parks |
//! | [`reverse`] | what each event means for the direct graph, for the way back |
//! | [`switch`] | the flag that says which path is the truth: modes, events, rules |
//! | [`limits`] | how many values of each dimension both paths keep |
//! | `testing` (feature) | what tests of this crate and of others write their cases with |

pub mod aggregate;
pub mod analysed;
pub mod command;
mod dimensions;
pub mod direct;
pub mod event;
pub mod graph;
pub mod ids;
pub mod interview;
pub mod limits;
pub mod metadata;
pub mod places;
pub mod projection;
pub mod projector;
pub mod reverse;
pub mod sentence;
pub mod switch;
#[cfg(feature = "testing")]
pub mod testing;
pub mod timestamp;
pub mod wire;
