//! One projection service of a schedule: a projector, its two subscriptions, and what it has under way. It stands where the driver of
//! [`ProjectionService`](cutover_service::projection::ProjectionService) stands in production; the world moves it.

use std::collections::VecDeque;
use std::sync::Arc;

use cutover_core::graph::ChangeSet;
use cutover_core::ids::{AggregateId, SentenceId};
use cutover_core::projector::{BatchId, DeliveryId, Projector, Settings};
use cutover_engines::event_log::eventstoredb::persistent::ClientId;
use rustc_hash::{FxHashMap, FxHashSet};
use uuid::Uuid;

use super::store::{Message, key_of};
use crate::simulation::projection::audit::Key;

/// Something that a service waits for.
#[derive(Debug, Clone)]
pub(super) enum Task {
    /// A batch is applied.
    Apply {
        batch: BatchId,
        sets: Arc<Vec<ChangeSet>>,
        /// When the service no longer waits for it, if it takes longer than that.
        given_up_at_ms: Option<u64>,
    },
    /// The graph is asked for versions.
    Check { aggregates: Vec<AggregateId> },
    /// The store is asked for the first event of a sentence.
    Locate { sentence: SentenceId },
}

impl Task {
    /// Returns when it may be done.
    pub(super) const fn not_before_ms(&self) -> u64 {
        match self {
            Self::Apply { given_up_at_ms: Some(at_ms), .. } => *at_ms,
            Self::Apply { given_up_at_ms: None, .. } | Self::Check { .. } | Self::Locate { .. } => 0,
        }
    }
}

/// A delivery that is not answered yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unanswered {
    pub(super) subscription: usize,
    /// What the store calls it.
    pub(super) ack_id: Uuid,
    /// The step in which it was taken in.
    pub(super) since_step: u64,
}

/// One process.
pub(super) struct Service {
    pub(super) projector: Projector,
    pub(super) lanes: usize,
    /// Its place in each group.
    pub(super) clients: [ClientId; 2],
    /// What was sent to it, and not yet taken in.
    pub(super) inboxes: [VecDeque<Message>; 2],
    /// The deliveries that are not answered yet.
    pub(super) unanswered: FxHashMap<DeliveryId, Unanswered>,
    pub(super) tasks: Vec<Task>,
    pub(super) is_paused: bool,
    pub(super) wake_at_ms: Option<u64>,
    /// What it has asked the store to park, since it last lost a subscription.
    pub(super) asked_to_park: FxHashSet<Key>,
    /// Deliveries that it took in and cannot answer any more, because their subscription was lost.
    pub(super) disowned: u64,
}

impl Service {
    /// Starts a process that has joined both groups.
    pub(super) fn start(settings: Settings, clients: [ClientId; 2]) -> Self {
        Self {
            lanes: settings.lanes,
            projector: Projector::new(settings),
            clients,
            inboxes: [VecDeque::new(), VecDeque::new()],
            unanswered: FxHashMap::default(),
            tasks: Vec::new(),
            is_paused: false,
            wake_at_ms: None,
            asked_to_park: FxHashSet::default(),
            disowned: 0,
        }
    }

    /// Returns the place of the first message in an inbox that is about the same event as the one at `place`: one connection keeps the
    /// order in which an event was sent more than once.
    pub(super) fn first_about_the_same(&self, subscription: usize, place: usize) -> usize {
        let event = |message: &Message| match message {
            Message::Event(delivered) => delivered.event.as_ref().and_then(key_of),
            Message::Dropped => None,
        };
        let inbox = &self.inboxes[subscription];
        let Some(wanted) = inbox.get(place).and_then(event) else { return place };
        inbox.iter().position(|message| event(message) == Some(wanted)).unwrap_or(place)
    }

    /// Returns whether it has nothing to do but to wait for deliveries.
    pub(super) fn is_idle(&self) -> bool {
        let has_nothing = self.unanswered.is_empty() && self.tasks.is_empty();
        has_nothing && self.inboxes.iter().all(VecDeque::is_empty) && self.projector.is_idle()
    }

    /// Returns the earliest time at which it goes on by itself.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.tasks.iter().map(Task::not_before_ms).chain(self.wake_at_ms).min()
    }

    /// Forgets the deliveries of a subscription that it has lost, and joins again as another consumer.
    pub(super) fn rejoin(&mut self, subscription: usize, client: ClientId) {
        let before = self.unanswered.len();
        self.unanswered.retain(|_, unanswered| unanswered.subscription != subscription);
        self.disowned += (before - self.unanswered.len()) as u64;
        self.asked_to_park.clear();
        self.inboxes[subscription].clear();
        self.clients[subscription] = client;
    }
}
