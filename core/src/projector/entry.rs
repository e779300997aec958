//! An event on its way through the projector.

use crate::event::Event;
use crate::graph::{Change, ChangeSet};
use crate::ids::{AggregateId, InterviewId};
use crate::projector::DeliveryId;
use crate::projector::retry::Fault;

/// All that is needed of an event once its changes are made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticket {
    /// The delivery to answer; `None` since its subscription was lost: then it will come again.
    pub(super) delivery: Option<DeliveryId>,
    /// Whose event it is.
    pub(super) aggregate: AggregateId,
    /// Which of its versions.
    pub(super) version: u64,
    /// The interview whose lane it is applied in; `None` while that is not known.
    pub(super) interview: Option<InterviewId>,
    /// When it was delivered.
    pub(super) received_ms: u64,
    /// Whether its type projects nothing.
    pub(super) skipped: bool,
    /// Whether it came out of the parking lot.
    pub(super) replayed: bool,
}

/// How far an event has come.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// Decoded. Its changes are made when it is queued, because they may name its interview.
    Decoded(Box<Event>),
    /// Made into changes, and given back by a batch.
    Projected(Vec<Change>),
    /// Not decodable; fails when its turn comes.
    Undecodable(Fault),
}

/// An event that waits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) ticket: Ticket,
    pub(super) content: Content,
    /// The lane in whose count of held events it is.
    pub(super) held_in: usize,
}

/// An event in its lane, ready to be applied.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Queued {
    pub(super) ticket: Ticket,
    pub(super) change_set: ChangeSet,
}

impl Queued {
    /// Returns the event as one that waits again.
    pub(super) fn into_parts(self) -> (Ticket, Content) {
        (self.ticket, Content::Projected(self.change_set.changes))
    }
}
