//! What goes into the projector and what comes out of it: all that its driver needs to know.

use std::sync::Arc;

use crate::event::RecordedEvent;
use crate::graph::ChangeSet;
use crate::ids::{AggregateId, InterviewId, SentenceId};
use crate::projector::ParkReason;

/// Names one delivery of one event. The driver draws it, a later one greater than an earlier one, and knows what the store calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub u64);

/// Names one batch that the driver was asked to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u64);

/// One of the two persistent subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subscription {
    /// To the category stream of interviews.
    Interview,
    /// To the category stream of sentences.
    Sentence,
}

/// An event as a subscription delivered it, its link resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// How the answer will name it.
    pub id: DeliveryId,
    /// Which subscription it came from.
    pub subscription: Subscription,
    /// The event.
    pub event: RecordedEvent,
    /// Whether it came out of the parking lot.
    pub replayed: bool,
    /// How often the store says that it was delivered before.
    pub retry_count: u32,
}

/// Why a batch was not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Guards refused; nothing was applied. Names the aggregates whose version did not fit, with the version that the graph
    /// has (`None` before version 0).
    Conflict(Vec<(AggregateId, Option<u64>)>),
    /// The graph cannot be reached, or did not answer: whether the batch took effect is not known.
    Unavailable {
        /// What the graph's client said.
        reason: String,
    },
    /// The graph has too little memory for the batch; nothing was applied.
    TooLarge {
        /// What the graph's client said.
        reason: String,
    },
    /// The graph refused the batch for a reason that does not pass; nothing was applied.
    Rejected {
        /// What the graph's client said.
        reason: String,
    },
}

/// Something that happened, told by the driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A subscription delivered an event.
    Delivered(Delivery),
    /// A batch was committed.
    Committed {
        /// The batch.
        batch: BatchId,
    },
    /// A batch was not applied, or nobody knows.
    Failed {
        /// The batch.
        batch: BatchId,
        /// Why.
        failure: Failure,
    },
    /// The answer to [`Action::Check`].
    Versions(Vec<(AggregateId, Option<u64>)>),
    /// [`Action::Check`] was not answered: the graph cannot be reached.
    CheckFailed {
        /// The aggregates that were asked for.
        aggregates: Vec<AggregateId>,
        /// What the graph's client said.
        reason: String,
    },
    /// The answer to [`Action::Locate`].
    Located {
        /// The sentence.
        sentence: SentenceId,
        /// Its interview; `None` when its stream does not begin with a creation that can be read.
        interview: Option<InterviewId>,
    },
    /// [`Action::Locate`] was not answered: the event store cannot be reached.
    LocateFailed {
        /// The sentence.
        sentence: SentenceId,
    },
    /// The time that [`Action::WakeAt`] named has come. A tick too early, or one too many, does no harm.
    Tick,
    /// A subscription ended. What was not answered will be delivered again, under new [`DeliveryId`]s.
    SubscriptionLost(Subscription),
    /// How many events a subscription still has to deliver or to be answered, as the store says. For the metrics only.
    Lag {
        /// The subscription.
        subscription: Subscription,
        /// How many events it is behind.
        events: u64,
    },
}

/// Something for the driver to do. Actions are to be begun in order; none waits for another one to end.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Apply change sets in order, in one transaction; answer with [`Input::Committed`] or [`Input::Failed`].
    Apply {
        /// Names the batch in the answer.
        batch: BatchId,
        /// The lane that it comes from; a lane has at most one batch under way.
        lane: usize,
        /// The change sets, each under its guard.
        change_sets: Arc<Vec<ChangeSet>>,
    },
    /// Acknowledge deliveries: each is committed, a duplicate of what is committed or parked, or none of the projection's
    /// business. Deliveries of a subscription that was lost meanwhile may be left out.
    Acknowledge(Vec<DeliveryId>),
    /// Put a delivery into the store's own parking lot (a negative acknowledgement with the action "park").
    Park {
        /// The delivery.
        delivery: DeliveryId,
        /// Why. Its text is for the store to keep.
        reason: ParkReason,
    },
    /// Find out a sentence's interview from the first event of its stream; answer with [`Input::Located`] or
    /// [`Input::LocateFailed`].
    Locate {
        /// The sentence.
        sentence: SentenceId,
    },
    /// Ask the graph for the versions of aggregates; answer with [`Input::Versions`] or [`Input::CheckFailed`].
    Check {
        /// The aggregates, without twins.
        aggregates: Vec<AggregateId>,
    },
    /// Send [`Input::Tick`] at this time, in place of any time named before.
    WakeAt(u64),
    /// Stop to take events from both subscriptions, and keep them open. Deliveries under way are still welcome.
    Pause,
    /// Take events again.
    Resume,
}
