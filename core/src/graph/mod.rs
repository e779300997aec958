//! The vocabulary of graphs: what there is in one, and what may change in it, as plain data.
//!
//! Both paths answer in [`ChangeSet`]s: the direct writer in unguarded ones, the projection in ones under a version
//! guard. Whoever interprets them (memory, Neo4j) needs no rule of the domain; what each change means is said here.

mod change;
mod schema;
mod value;

pub use change::{Change, ChangeSet, Guard, NodeRef, Origin, canonical_json, last_component, merge_json};
pub use schema::{Label, Rel};
pub use value::{Properties, Value};
