//! What each event means for the projected graph: one function from an event to changes, without state.
//!
//! [`project`] is the only entry; each node family has a file of its own. The projector puts a version guard round what
//! comes out, so that the changes of an aggregate are made exactly once and in the order of its versions. Across
//! aggregates there is no such order, except that a sentence's events come after the creation of its interview; so what
//! two aggregates share (a project, the sequence links, value nodes) changes only by [`Change`]s that commute.
//!
//! Every property's value comes from events, the timestamps too. What is not known is not a property.

mod analysis;
mod interview;
mod sentence;

use crate::event::{Body, Event};
use crate::graph::{Change, NodeRef, Properties};
use crate::ids::AggregateId;
use crate::limits::LimitsTable;
use crate::metadata::Metadata;

/// Returns the changes that an event makes to the projected graph, without the guard.
///
/// A sentence's event should name its interview ([`Body::Sentence`]); the projector fills it in where the payload did
/// not. Without it, a deletion leaves the sequence links of the interview to the next event that moves a sentence.
///
/// The limits are those of the project that the event's metadata names.
pub fn project(event: &Event, limits: &LimitsTable) -> Vec<Change> {
    let metadata = &event.metadata;
    match (&event.body, metadata.aggregate) {
        (Body::Interview(body), AggregateId::Interview(id)) => interview::project(id, body, metadata),
        (Body::Sentence { interview, event }, AggregateId::Sentence(id)) => {
            sentence::project(id, *interview, event, metadata, limits.of(metadata.project_id.as_ref()))
        }
        // An unknown type. (A body of the other aggregate's kind cannot be decoded; it would mean as little.)
        _ => vec![version_only(node_of(metadata.aggregate), metadata)],
    }
}

/// Names the node that an aggregate is projected to.
fn node_of(aggregate: AggregateId) -> NodeRef {
    match aggregate {
        AggregateId::Interview(id) => NodeRef::interview(id),
        AggregateId::Sentence(id) => NodeRef::sentence(id),
    }
}

/// Returns the version of an event as a property has it.
fn version(metadata: &Metadata) -> i64 {
    // A version over 2^63 does not exist: stores count in signed integers.
    i64::try_from(metadata.version).unwrap_or(i64::MAX)
}

/// Returns what every event sets on the node of its aggregate.
fn stamp(metadata: &Metadata) -> Properties {
    Properties::with_capacity(4)
        .with("event_version", version(metadata))
        .with("updated_at", metadata.occurred_at)
}

/// Returns the change of an event that says nothing else about the node.
fn version_only(node: NodeRef, metadata: &Metadata) -> Change {
    update(node, stamp(metadata))
}

fn update(node: NodeRef, set: Properties) -> Change {
    Change::Update { node, set, unset: Vec::new() }
}

#[cfg(test)]
mod tests;
