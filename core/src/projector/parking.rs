//! Parking: the store's own lot takes what failed, and what is behind it, in order. The text of a [`ParkReason`] travels
//! with each event.

use crate::ids::{AggregateId, InterviewId, SentenceId, StreamName};
use crate::projector::entry::{Entry, Ticket};
use crate::projector::{Action, Projector};

/// What an event that came too early waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitedFor {
    /// An earlier version of its own aggregate.
    Version {
        /// The aggregate.
        aggregate: AggregateId,
        /// The version that is missing.
        version: u64,
    },
    /// The creation of its interview.
    Interview(InterviewId),
}

impl WaitedFor {
    /// Returns the aggregate whose version tells whether it has come.
    pub(super) const fn aggregate(self) -> AggregateId {
        match self {
            Self::Version { aggregate, .. } => aggregate,
            Self::Interview(interview) => AggregateId::Interview(interview),
        }
    }
}

impl std::fmt::Display for WaitedFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version { aggregate, version } => write!(f, "version {version} of {aggregate}"),
            Self::Interview(id) => write!(f, "the creation of Interview-{id}"),
        }
    }
}

/// Why an event is parked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParkReason {
    /// It failed once and at every retry.
    #[error("failed {failures} times: {error}")]
    Failed {
        /// How often it failed.
        failures: u32,
        /// The error of the last time.
        error: String,
    },
    /// It failed once, for a reason that does not pass.
    #[error("no retry can help: {error}")]
    Hopeless {
        /// The error.
        error: String,
    },
    /// An earlier event of its aggregate is parked: the order is kept in the lot.
    #[error("behind version {version} of {aggregate}, which is parked")]
    Behind {
        /// The aggregate.
        aggregate: AggregateId,
        /// The earliest version that is missing.
        version: u64,
    },
    /// It came too early, and what it needs did not come in time.
    #[error("waited {held_ms} ms for {waited_for}")]
    HeldTooLong {
        /// What is missing.
        waited_for: WaitedFor,
        /// How long it was waited for.
        held_ms: u64,
    },
    /// It came too early, and its lane holds back as many events as it may.
    #[error("waited for {waited_for} in a lane that holds back its {hold_events_max} events already")]
    HoldFull {
        /// What is missing.
        waited_for: WaitedFor,
        /// How many events a lane may hold back.
        hold_events_max: usize,
    },
    /// Its stream is that of no aggregate: it has no place in the graph, nor in any order.
    #[error(
        "event {revision} of type {event_type} in stream {stream}, which is none of an interview or a sentence"
    )]
    NoAggregate {
        /// The stream.
        stream: StreamName,
        /// Its place there.
        revision: u64,
        /// Its type; `$>` for a link that was not resolved.
        event_type: smol_str::SmolStr,
    },
}

/// Says that a sentence's interview cannot be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the interview of Sentence-{sentence} is not known: its stream does not begin with a creation that can be read"
)]
pub(super) struct NotLocated {
    /// The sentence.
    pub(super) sentence: SentenceId,
}

impl NotLocated {
    /// Returns whether the interview may be found out later: the stream may still be on its way to the node that was asked.
    pub(super) const fn is_transient(self) -> bool {
        true
    }
}

impl Projector {
    /// Parks an event, by each of its deliveries: the store listens to one of them, and only it knows to which. None is acknowledged, for
    /// that may be the one. Later events of the aggregate that
    /// are delivered from now on follow it there, until it is queued again.
    ///
    /// Without a delivery to answer there is nothing to park: the event will come again.
    pub(super) fn park(&mut self, mut ticket: Ticket, reason: ParkReason) {
        self.claim_newest(&mut ticket);
        let Ticket { aggregate, version, .. } = ticket;
        let known = self.aggregates.touch(aggregate);
        known.parked_up_to = Some(known.parked_up_to.map_or(version, |parked| parked.max(version)));
        let twins = known.pending.as_mut().map(|pending| {
            let of_version = pending.twins.extract_if(.., |twin| twin.version == version);
            of_version.map(|twin| twin.delivery).collect::<Vec<_>>()
        });
        if ticket.delivery.is_some() {
            self.counters.parked += 1;
        }
        for delivery in ticket.delivery.into_iter().chain(twins.unwrap_or_default()) {
            self.actions.push_back(Action::Park { delivery, reason: reason.clone() });
        }
    }

    /// Gives an event the newest of its deliveries. That is the one that the store waits for, as a rule: an older one it may have taken
    /// back, or parked for another service, and an answer to that means nothing to it.
    pub(super) fn claim_newest(&mut self, ticket: &mut Ticket) {
        let known = self.aggregates.get_mut(ticket.aggregate);
        let Some(pending) = known.and_then(|known| known.pending.as_mut()) else { return };
        let of_version = pending.twins.iter_mut().filter(|twin| twin.version == ticket.version);
        let Some(newest) = of_version.max_by_key(|twin| twin.delivery) else { return };
        match ticket.delivery {
            Some(delivery) if delivery > newest.delivery => {}
            Some(delivery) => ticket.delivery = Some(std::mem::replace(&mut newest.delivery, delivery)),
            None => {
                let claimed = newest.delivery;
                ticket.delivery = Some(claimed);
                pending.twins.retain(|twin| twin.delivery != claimed);
            }
        }
    }

    /// Parks the waiting events of an aggregate from a version on, in order. The first one is parked for `first`; the
    /// others, or all if there is no such reason, because they are behind it.
    pub(super) fn park_waiting(&mut self, aggregate: AggregateId, from: u64, first: Option<ParkReason>) {
        let known = self.aggregates.touch(aggregate);
        let (next, interview) = (known.position.next(), known.interview);
        let pending = known.pending_mut();
        pending.held_since_ms = None;
        let parked = pending.waiting.split_off(&from);
        let mut first = first;
        for Entry { ticket, held_in, .. } in parked.into_values() {
            self.lanes[held_in].held -= 1;
            let reason = first.take().unwrap_or(ParkReason::Behind { aggregate, version: next });
            self.park(ticket, reason);
        }
        if let (AggregateId::Sentence(sentence), Some(interview)) = (aggregate, interview)
            && let Some(known) = self.aggregates.get_mut(AggregateId::Interview(interview))
        {
            if let Some(pending) = known.pending.as_mut() {
                pending.dependents.remove(&sentence);
            }
            known.tidy();
        }
    }
}
