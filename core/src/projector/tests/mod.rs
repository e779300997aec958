//! The projector's rules, one test each, and random schedules. The graph here is no graph: it keeps versions, and holds
//! every batch against what must be true of it.

mod holds;
mod outages;
mod parking;
mod questions;
mod rules;
mod schedules;
mod undecodable;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, LazyLock};

use super::*;
use crate::event::{Body, RecordedEvent};
use crate::graph::ChangeSet;
use crate::ids::{EventId, InterviewId, SentenceId};
use crate::interview::{InterviewCreated, InterviewEvent, InterviewUpdated};
use crate::metadata::{Actor, DEFAULT_SOURCE, Metadata, SCHEMA_VERSION};
use crate::sentence::{SentenceCreated, SentenceEvent, Tag, TagType};
use crate::timestamp::Timestamp;
use crate::wire;

/// How long an event that came too early is waited for, unless settings say otherwise.
const HOLD_MS: u64 = 45_000;
/// What one event's retries take: 1, 2, 4, 8 and 16 s.
const RETRIES_MS: u64 = 31_000;
/// How often something may go on in one go; what takes longer comes to no end.
const STEPS_MAX: usize = 1_000;

/// Takes steps until one says that it was the last, and fails if none does.
#[track_caller]
fn to_the_end(what: &str, mut goes_on: impl FnMut() -> bool) {
    let ends = (0..STEPS_MAX).any(|_| !goes_on());
    assert!(ends, "{what} comes to no end: it goes on after {STEPS_MAX} steps");
}

/// Names an event in these tests.
type Key = (AggregateId, u64);

fn interview(n: u32) -> InterviewId {
    InterviewId::for_file(&format!("{n}.txt"))
}

fn sentence(n: u32, index: u32) -> SentenceId {
    SentenceId::at(interview(n), index)
}

/// The aggregate of interview `n`.
fn i(n: u32) -> AggregateId {
    AggregateId::Interview(interview(n))
}

/// The aggregate of sentence `index` of interview `n`.
fn s(n: u32, index: u32) -> AggregateId {
    AggregateId::Sentence(sentence(n, index))
}

/// Makes an event as the running service writes it: of a sentence's events, only the creation names the interview.
fn recorded((aggregate, version): Key, home: InterviewId) -> RecordedEvent {
    let body = match (aggregate, version) {
        (AggregateId::Interview(_), 0) => Body::Interview(InterviewEvent::Created(InterviewCreated {
            title: "A".into(),
            source: "a.txt".into(),
            language: None,
            started_at: None,
            metadata: serde_json::Map::new(),
        })),
        (AggregateId::Interview(_), _) => {
            Body::Interview(InterviewEvent::Updated(InterviewUpdated::default()))
        }
        (AggregateId::Sentence(_), 0) => {
            let created = SentenceCreated {
                interview_id: home,
                index: 0,
                text: "Hi.".into(),
                speaker: None,
                start_ms: None,
                end_ms: None,
            };
            Body::Sentence { interview: Some(home), event: SentenceEvent::Created(created) }
        }
        (AggregateId::Sentence(_), _) => {
            let tag = Tag { tag_type: TagType::Topic, value: "moon".into() };
            Body::Sentence { interview: None, event: SentenceEvent::Tagged(tag) }
        }
    };
    let metadata = Metadata {
        event_id: EventId::of_entry(aggregate.as_uuid(), version as u32),
        aggregate,
        version,
        occurred_at: Timestamp::from_unix_ms(1_700_000_000_000 + version),
        schema_version: SCHEMA_VERSION.into(),
        actor: Some(Actor::system()),
        correlation_id: None,
        causation_id: None,
        source: DEFAULT_SOURCE.into(),
        trace_id: None,
        project_id: None,
        tags: Vec::new(),
    };
    let encoded = wire::encode(&metadata, &body);
    RecordedEvent {
        stream: aggregate.stream_name(),
        revision: version,
        id: encoded.id.as_uuid(),
        event_type: encoded.event_type,
        data: encoded.data.into(),
        metadata: encoded.metadata.into(),
    }
}

/// Makes an event whose payload is no JSON.
fn undecodable(key: Key) -> RecordedEvent {
    RecordedEvent { data: b"{".as_slice().into(), ..recorded(key, Rig::home(key.0)) }
}

/// The graph as the projector sees it: versions under guards.
#[derive(Debug, Default)]
struct Versions {
    current: BTreeMap<AggregateId, u64>,
    applied: Vec<Key>,
    /// Events that the graph refuses.
    poison: BTreeSet<Key>,
}

impl Versions {
    fn of(&self, aggregate: AggregateId) -> Option<u64> {
        self.current.get(&aggregate).copied()
    }

    /// Applies a batch as a database would, or says why not.
    fn apply(
        &mut self,
        batch: &[ChangeSet],
        homes: &BTreeMap<AggregateId, InterviewId>,
    ) -> Result<(), Failure> {
        let mut next = self.current.clone();
        let mut conflicts = BTreeMap::new();
        for set in batch {
            let guard = set.guard.expect("every change set of the projection is guarded");
            let fits = next.get(&guard.aggregate).map_or(0, |version| version + 1) == guard.version;
            if fits {
                next.insert(guard.aggregate, guard.version);
            } else {
                conflicts.insert(guard.aggregate, self.of(guard.aggregate));
            }
        }
        if !conflicts.is_empty() {
            return Err(Failure::Conflict(conflicts.into_iter().collect()));
        }
        let keys = || batch.iter().filter_map(|set| set.guard).map(|guard| (guard.aggregate, guard.version));
        if keys().any(|key| self.poison.contains(&key)) {
            return Err(Failure::Rejected { reason: "poison".into() });
        }
        for (aggregate, version) in keys() {
            if let Some(home) = homes.get(&aggregate) {
                let home = AggregateId::Interview(*home);
                assert!(self.current.contains_key(&home), "{aggregate} is applied before its interview");
            }
            self.current.insert(aggregate, version);
            self.applied.push((aggregate, version));
        }
        Ok(())
    }
}

/// A driver without any I/O: what the projector asks for is kept until it is told to happen.
struct Rig {
    projector: Projector,
    now: u64,
    graph: Versions,
    /// Whether the graph can be reached.
    is_down: bool,
    /// Batches that were asked for, with their lanes.
    batches: VecDeque<(BatchId, usize, Arc<Vec<ChangeSet>>)>,
    checks: VecDeque<Vec<AggregateId>>,
    /// Every aggregate whose version the graph was asked for so far.
    asked: Vec<AggregateId>,
    locates: VecDeque<SentenceId>,
    acked: Vec<Key>,
    parked: Vec<(Key, String)>,
    /// The deliveries by which they were parked.
    parked_by: Vec<DeliveryId>,
    wake_at: Option<u64>,
    is_paused: bool,
    deliveries: BTreeMap<DeliveryId, Key>,
    homes: BTreeMap<AggregateId, InterviewId>,
    next_delivery: u64,
}

impl Rig {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        Self {
            projector: Projector::new(settings),
            now: 0,
            graph: Versions::default(),
            is_down: false,
            batches: VecDeque::new(),
            checks: VecDeque::new(),
            asked: Vec::new(),
            locates: VecDeque::new(),
            acked: Vec::new(),
            parked: Vec::new(),
            parked_by: Vec::new(),
            wake_at: None,
            is_paused: false,
            deliveries: BTreeMap::new(),
            homes: BTreeMap::new(),
            next_delivery: 0,
        }
    }

    /// Says which interview every sentence of these tests belongs to.
    fn home(aggregate: AggregateId) -> InterviewId {
        static HOMES: LazyLock<BTreeMap<SentenceId, InterviewId>> = LazyLock::new(|| {
            let all = (0..8).flat_map(|n| (0..64).map(move |index| (n, index)));
            all.map(|(n, index)| (sentence(n, index), interview(n))).collect()
        });
        match aggregate {
            AggregateId::Interview(id) => id,
            AggregateId::Sentence(id) => *HOMES.get(&id).expect("a sentence of these tests"),
        }
    }

    /// Delivers an event, without anything else happening.
    fn hand_in(&mut self, event: RecordedEvent, replayed: bool) {
        let key = event.stream.aggregate().map(|aggregate| (aggregate, event.revision));
        if let Some((aggregate @ AggregateId::Sentence(_), _)) = key {
            self.homes.entry(aggregate).or_insert_with(|| Self::home(aggregate));
        }
        self.next_delivery += 1;
        let id = DeliveryId(self.next_delivery);
        self.deliveries.insert(id, key.unwrap_or((i(0), event.revision)));
        let subscription = match key {
            Some((AggregateId::Interview(_), _)) | None => Subscription::Interview,
            Some((AggregateId::Sentence(_), _)) => Subscription::Sentence,
        };
        let delivery = Delivery { id, subscription, event, replayed, retry_count: 0 };
        self.projector.handle(self.now, Input::Delivered(delivery));
    }

    /// Delivers the event of that version, and lets everything happen that can.
    fn deliver(&mut self, aggregate: AggregateId, version: u64) {
        self.hand_in(recorded((aggregate, version), Self::home(aggregate)), false);
        self.run();
    }

    fn replay(&mut self, aggregate: AggregateId, version: u64) {
        self.hand_in(recorded((aggregate, version), Self::home(aggregate)), true);
        self.run();
    }

    /// Takes out what the projector wants done.
    fn collect(&mut self) {
        to_the_end("what the projector wants done", || {
            let Some(action) = self.projector.poll() else { return false };
            match action {
                Action::Apply { batch, lane, change_sets } => {
                    let busy = self.batches.iter().any(|(_, other, _)| *other == lane);
                    assert!(!busy, "lane {lane} has one batch under way");
                    for set in change_sets.iter() {
                        let guard = set.guard.expect("a guard");
                        let home = Self::home(guard.aggregate);
                        let expected = lane_of(home.as_uuid(), self.projector.settings().lanes);
                        assert_eq!(lane, expected, "an interview has one lane");
                    }
                    self.batches.push_back((batch, lane, change_sets));
                }
                Action::Acknowledge(ids) => {
                    for id in ids {
                        let key = self.deliveries.remove(&id).expect("each delivery is answered once");
                        let is_parked = self.parked.iter().any(|(parked, _)| *parked == key);
                        let is_committed = self.graph.of(key.0).is_some_and(|version| version >= key.1);
                        assert!(is_committed || is_parked, "{key:?} is acknowledged before it is committed");
                        self.acked.push(key);
                    }
                }
                Action::Park { delivery, reason } => {
                    let key = self.deliveries.remove(&delivery).expect("each delivery is answered once");
                    self.parked.push((key, reason.to_string()));
                    self.parked_by.push(delivery);
                }
                Action::Locate { sentence } => self.locates.push_back(sentence),
                Action::Check { aggregates } => {
                    self.asked.extend(&aggregates);
                    self.checks.push_back(aggregates);
                }
                Action::WakeAt(ms) => self.wake_at = Some(ms),
                Action::Pause => self.is_paused = true,
                Action::Resume => self.is_paused = false,
            }
            true
        });
    }

    /// Lets one thing happen that was asked for; returns whether there was one.
    fn step(&mut self) -> bool {
        self.collect();
        if let Some((batch, _, sets)) = self.batches.pop_front() {
            let outcome = if self.is_down {
                Err(Failure::Unavailable { reason: "down".into() })
            } else {
                self.graph.apply(&sets, &self.homes)
            };
            drop(sets);
            let input = match outcome {
                Ok(()) => Input::Committed { batch },
                Err(failure) => Input::Failed { batch, failure },
            };
            self.projector.handle(self.now, input);
        } else if let Some(aggregates) = self.checks.pop_front() {
            let input = if self.is_down {
                Input::CheckFailed { aggregates, reason: "down".into() }
            } else {
                Input::Versions(aggregates.into_iter().map(|id| (id, self.graph.of(id))).collect())
            };
            self.projector.handle(self.now, input);
        } else if let Some(sentence) = self.locates.pop_front() {
            let home = Self::home(AggregateId::Sentence(sentence));
            self.projector.handle(self.now, Input::Located { sentence, interview: Some(home) });
        } else {
            return false;
        }
        true
    }

    /// Lets everything happen that can without time passing.
    fn run(&mut self) {
        to_the_end("what happens without time passing", || self.step());
    }

    /// Lets time pass until the next wake-up, without anything else happening.
    #[track_caller]
    fn wake(&mut self) {
        let at = self.wake_at.take().expect("a wake-up");
        self.now = self.now.max(at);
        self.projector.handle(self.now, Input::Tick);
    }

    /// Lets that much time pass, with every wake-up on the way.
    fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        self.run();
        to_the_end("waking up", || {
            let is_due = self.wake_at.is_some_and(|at| at <= end);
            if is_due {
                self.wake();
                self.run();
            }
            is_due
        });
        self.now = end;
    }

    #[track_caller]
    fn check_applied(&self, expected: &[Key]) {
        assert_eq!(self.graph.applied, expected, "what was applied");
    }

    #[track_caller]
    fn check_parked(&self, expected: &[(Key, &str)]) {
        let parked: Vec<(Key, &str)> = self.parked.iter().map(|(key, why)| (*key, why.as_str())).collect();
        assert_eq!(parked, expected, "what was parked");
    }

    fn counters(&self) -> Counters {
        self.projector.metrics().counters
    }
}

/// A rig in which interview 0 and its first sentence are created.
fn started() -> Rig {
    let mut rig = Rig::new();
    rig.deliver(i(0), 0);
    rig.deliver(s(0, 0), 0);
    rig.check_applied(&[(i(0), 0), (s(0, 0), 0)]);
    rig.graph.applied.clear();
    rig.acked.clear();
    rig
}

/// A projector that was restarted over the graph of another one.
fn restarted(rig: Rig) -> Rig {
    let graph = Versions { applied: Vec::new(), ..rig.graph };
    Rig { graph, now: rig.now, ..Rig::new() }
}
