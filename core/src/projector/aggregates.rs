//! What is remembered of each aggregate: its version, its interview, what of it waits.
//!
//! The memory is bounded: what has nothing to do and was not touched for a while is forgotten. That is safe, because the
//! database is the truth: a forgotten version is assumed again, and a forgotten interview is located again.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::ids::{AggregateId, InterviewId, SentenceId};
use crate::projector::DeliveryId;
use crate::projector::entry::{Entry, Ticket};
use crate::projector::order::{Position, Verdict};
use crate::projector::retry::Trouble;

/// One more delivery of an event that is under way or waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Twin {
    pub(super) version: u64,
    pub(super) delivery: DeliveryId,
}

/// Whether the graph was asked, right before something is parked for what is missing, if somebody else has applied that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum LastLook {
    /// Not yet.
    #[default]
    None,
    /// It was asked, and has not answered.
    UnderWay,
    /// It has answered, and what is missing is still missing.
    Taken,
}

/// What few aggregates have at any time.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Events that cannot be queued yet, by version.
    pub(super) waiting: BTreeMap<u64, Entry>,
    /// Further deliveries, to be acknowledged when their version is committed.
    pub(super) twins: Vec<Twin>,
    /// The event that failed and is to be tried again; later ones wait behind it.
    pub(super) trouble: Option<Trouble>,
    /// Since when the earliest waiting event waits for what did not come.
    pub(super) held_since_ms: Option<u64>,
    /// The earliest timer that is set.
    pub(super) timer_ms: Option<u64>,
    /// Whether the database is to be asked whether somebody else has applied what is missing.
    pub(super) recheck: bool,
    /// Whether the database was asked for its version.
    pub(super) checking: bool,
    /// How far the last look is before the earliest waiting event is parked.
    pub(super) last_look: LastLook,
    /// Whether the event store was asked for its interview.
    pub(super) locating: bool,
    /// Whether the event store answered that it knows no interview; the next event to be tried fails for that.
    pub(super) not_located: bool,
    /// How often the event store did not answer.
    pub(super) locate_failures: u32,
    /// When to ask the event store again.
    pub(super) locate_due_ms: Option<u64>,
    /// Of an interview: sentences that wait for its creation.
    pub(super) dependents: BTreeSet<SentenceId>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
            && self.twins.is_empty()
            && self.trouble.is_none()
            && self.dependents.is_empty()
            && !self.checking
            && !self.locating
    }
}

/// What is remembered of an aggregate.
#[derive(Debug)]
pub(super) struct Aggregate {
    /// Where it stands.
    pub(super) position: Position,
    /// Of a sentence: its interview, once known.
    pub(super) interview: Option<InterviewId>,
    /// The highest version that was parked, until that version is queued again.
    pub(super) parked_up_to: Option<u64>,
    /// The version that was last parked because no retry can help it.
    pub(super) hopeless: Option<u64>,
    /// What few aggregates have.
    pub(super) pending: Option<Box<Pending>>,
    touched: bool,
}

impl Aggregate {
    const fn new() -> Self {
        Self {
            position: Position::UNKNOWN,
            interview: None,
            parked_up_to: None,
            hopeless: None,
            pending: None,
            touched: true,
        }
    }

    /// Returns what few aggregates have, made if it is not there.
    pub(super) fn pending_mut(&mut self) -> &mut Pending {
        self.pending.get_or_insert_default()
    }

    /// Remembers a sentence's interview. The first answer stays: a sentence never changes its interview.
    pub(super) fn learn(&mut self, interview: Option<InterviewId>) {
        if self.interview.is_none() {
            self.interview = interview;
        }
    }

    /// Returns the interview that this aggregate, of that id, is or belongs to, as far as it is known.
    pub(super) const fn interview_of(&self, id: AggregateId) -> Option<InterviewId> {
        match id {
            AggregateId::Interview(interview) => Some(interview),
            AggregateId::Sentence(_) => self.interview,
        }
    }

    /// Returns whether nothing at all keeps an event from being queued, as far as its own aggregate tells. A sentence that
    /// exists came after its interview.
    pub(super) fn is_clear_for(&self, ticket: &Ticket) -> bool {
        let is_next = self.position.judge(ticket.version) == Verdict::Next;
        let is_interview = matches!(ticket.aggregate, AggregateId::Interview(_));
        is_next && ticket.interview.is_some() && (is_interview || self.position.is_known_to_exist())
    }

    /// Returns whether an event waits.
    pub(super) fn has_waiting(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| !pending.waiting.is_empty())
    }

    /// Returns whether an event of that version waits.
    pub(super) fn waits(&self, version: u64) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.waiting.contains_key(&version))
    }

    /// Returns whether a new event that waits must go to the parking lot because an earlier one is there.
    pub(super) fn is_behind_parked(&self) -> bool {
        self.parked_up_to.is_some_and(|parked| self.position.next() <= parked)
    }

    /// Forgets what is over.
    pub(super) fn tidy(&mut self) {
        if let Some(pending) = self.pending.as_mut()
            && self.position.is_settled()
        {
            // Somebody else may have applied what failed here.
            pending.trouble = pending.trouble.filter(|trouble| trouble.version >= self.position.next());
        }
        if self.pending.as_ref().is_some_and(|pending| pending.is_empty()) {
            self.pending = None;
        }
    }

    fn is_idle(&self) -> bool {
        self.position.is_settled() && self.pending.is_none()
    }
}

/// All that is remembered.
#[derive(Debug)]
pub(super) struct Aggregates {
    map: IndexMap<AggregateId, Aggregate, FxBuildHasher>,
    max: usize,
    /// The clock hand: where the search for something to forget goes on.
    hand: usize,
}

/// How many aggregates are looked at for each one that is added beyond the maximum.
const SWEEP: usize = 4;

impl Aggregates {
    pub(super) fn new(max: usize) -> Self {
        Self { map: IndexMap::default(), max, hand: 0 }
    }

    /// Returns an aggregate, remembered from now on.
    pub(super) fn touch(&mut self, id: AggregateId) -> &mut Aggregate {
        // Only what is new makes the map grow.
        if self.map.len() >= self.max && !self.map.contains_key(&id) {
            self.sweep();
        }
        let aggregate = self.map.entry(id).or_insert_with(Aggregate::new);
        aggregate.touched = true;
        aggregate
    }

    /// Returns an aggregate, if it is remembered.
    pub(super) fn get(&self, id: AggregateId) -> Option<&Aggregate> {
        self.map.get(&id)
    }

    /// Returns an aggregate, if it is remembered.
    pub(super) fn get_mut(&mut self, id: AggregateId) -> Option<&mut Aggregate> {
        self.map.get_mut(&id)
    }

    /// Iterates over all that is remembered.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (AggregateId, &mut Aggregate)> {
        self.map.iter_mut().map(|(id, aggregate)| (*id, aggregate))
    }

    /// Returns how many are remembered.
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// Forgets idle aggregates that were not touched since the hand last came by.
    fn sweep(&mut self) {
        for _ in 0..SWEEP {
            if self.hand >= self.map.len() {
                self.hand = 0;
            }
            let Some((_, aggregate)) = self.map.get_index_mut(self.hand) else {
                return;
            };
            if aggregate.is_idle() && !aggregate.touched {
                self.map.swap_remove_index(self.hand);
            } else {
                aggregate.touched = false;
                self.hand += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 8;

    fn id(n: u32) -> AggregateId {
        AggregateId::Interview(InterviewId::for_file(&format!("{n}.txt")))
    }

    /// A memory that is full of what has nothing to do.
    fn full() -> Aggregates {
        let mut all = Aggregates::new(MAX);
        for n in 0..MAX as u32 {
            all.touch(id(n));
        }
        assert_eq!(all.len(), MAX);
        all
    }

    #[test]
    fn what_is_used_again_and_again_is_never_forgotten() {
        for used in 0..MAX as u32 {
            let mut all = full();
            for n in 100..200 {
                all.touch(id(used));
                all.touch(id(n));
                assert!(all.get(id(used)).is_some(), "{used}, after {n}");
            }
        }
    }

    #[test]
    fn memory_is_bounded_though_the_first_of_all_has_work_to_do() {
        let mut all = full();
        all.touch(id(0)).pending_mut().checking = true;
        for n in 100..200 {
            all.touch(id(n));
            assert!(all.len() <= 2 * MAX, "{} are remembered", all.len());
        }
        assert!(all.get(id(0)).is_some(), "what has work to do is never forgotten");
    }

    #[test]
    fn looking_at_what_is_remembered_forgets_nothing() {
        let mut all = full();
        for _ in 0..100 {
            all.touch(id(0));
        }
        assert_eq!(all.len(), MAX);
    }
}
