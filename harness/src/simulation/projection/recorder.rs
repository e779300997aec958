//! The event store as the pipeline sees it while a schedule's events are written: streams to append to and to read, and nothing
//! else. What is appended is kept in the order of commit, for the schedule to bring it to the real state machine bit by bit.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{
    Appended, EventLog, ExpectedRevision, GroupId, GroupInfo, GroupSettings, LogError, NewEvent, ParkedEvent,
    Subscription,
};

use crate::simulation::fault::{Dice, Fault, Fired};

/// Events that were appended together.
#[derive(Debug, Clone)]
pub(super) struct Append {
    pub(super) stream: StreamName,
    /// The revision of the first of them.
    pub(super) at: u64,
    pub(super) events: Vec<NewEvent>,
}

impl Append {
    /// Returns the events as they are in the stream.
    pub(super) fn recorded(&self) -> impl Iterator<Item = RecordedEvent> {
        (self.at..).zip(&self.events).map(|(revision, event)| RecordedEvent {
            stream: self.stream.clone(),
            revision,
            id: event.id,
            event_type: event.event_type.clone(),
            data: event.data.as_slice().into(),
            metadata: event.metadata.as_slice().into(),
        })
    }
}

/// Keeps what is appended.
pub(super) struct Recorder(Mutex<Recorded>);

struct Recorded {
    dice: Dice,
    streams: BTreeMap<StreamName, Vec<RecordedEvent>>,
    appends: Vec<Append>,
    events: usize,
    has_crashed: bool,
}

/// The store is out of reach.
#[derive(Debug, thiserror::Error)]
#[error("out of reach")]
struct OutOfReach;

/// The pipeline has no use for consumer groups.
#[derive(Debug, thiserror::Error)]
#[error("there are no groups")]
struct NoGroups;

impl Recorder {
    pub(super) fn new(dice: Dice) -> Self {
        Self(Mutex::new(Recorded {
            dice,
            streams: BTreeMap::new(),
            appends: Vec::new(),
            events: 0,
            has_crashed: false,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().expect("nobody panicked in the middle of an append")
    }

    /// Returns how many events there are.
    pub(super) fn events(&self) -> usize {
        self.lock().events
    }

    /// Returns whether the pipeline's process was to die since this was last asked.
    pub(super) fn take_crash(&self) -> bool {
        std::mem::take(&mut self.lock().has_crashed)
    }

    /// Ends the time of faults.
    pub(super) fn calm_down(&self) {
        self.lock().dice.calm_down();
    }

    /// Returns everything that was appended, and which faults were met.
    pub(super) fn take(&self) -> (Vec<Append>, Fired) {
        let mut recorded = self.lock();
        (std::mem::take(&mut recorded.appends), recorded.dice.fired.clone())
    }
}

impl Recorded {
    fn append(
        &mut self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        let known = self.streams.entry(stream.clone()).or_default();
        let current = known.len() as u64;
        let at = match expected {
            ExpectedRevision::NoStream => 0,
            ExpectedRevision::Exact(revision) => revision + 1,
            ExpectedRevision::Any => current,
        };
        let revision = (at + events.len() as u64).saturating_sub(1);
        if at != current {
            let there = known.iter().skip(at as usize).map(|event| event.id);
            let is_known = there.take(events.len()).eq(events.iter().map(|event| event.id));
            return if is_known {
                Ok(Appended { revision })
            } else {
                Err(LogError::Conflict { stream: stream.clone(), expected, current: current.checked_sub(1) })
            };
        }
        let append = Append { stream: stream.clone(), at, events };
        known.extend(append.recorded());
        self.events += append.events.len();
        self.appends.push(append);
        Ok(Appended { revision })
    }
}

fn unavailable(during: &'static str) -> LogError {
    LogError::Unavailable { during, source: OutOfReach.into() }
}

fn no_groups<T>() -> Result<T, LogError> {
    Err(LogError::Refused { during: "use a consumer group", source: NoGroups.into() })
}

#[async_trait]
impl EventLog for Recorder {
    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        const DURING: &str = "append events";
        let mut recorded = self.lock();
        if recorded.dice.fires(Fault::PipelineCrash) {
            recorded.has_crashed = true;
            return Err(unavailable(DURING));
        }
        if recorded.dice.fires(Fault::AppendUnreachable) {
            return Err(unavailable(DURING));
        }
        let appended = recorded.append(stream, expected, events);
        if appended.is_ok() && recorded.dice.fires(Fault::AppendReplyLost) {
            return Err(unavailable(DURING));
        }
        appended
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let recorded = self.lock();
        let events = recorded.streams.get(stream).map(Vec::as_slice).unwrap_or_default();
        Ok(events.iter().skip(from as usize).take(limit).cloned().collect())
    }

    async fn last_revision(&self, stream: &StreamName) -> Result<Option<u64>, LogError> {
        let recorded = self.lock();
        let length = recorded.streams.get(stream).map_or(0, |events| events.len() as u64);
        Ok(length.checked_sub(1))
    }

    async fn ensure_group(&self, _group: &GroupId, _settings: &GroupSettings) -> Result<(), LogError> {
        no_groups()
    }

    async fn delete_group(&self, _group: &GroupId) -> Result<(), LogError> {
        no_groups()
    }

    async fn subscribe(&self, _group: &GroupId, _buffer: usize) -> Result<Subscription, LogError> {
        no_groups()
    }

    async fn replay_parked(&self, _group: &GroupId) -> Result<(), LogError> {
        no_groups()
    }

    async fn parked(&self, _group: &GroupId) -> Result<Vec<ParkedEvent>, LogError> {
        no_groups()
    }

    async fn group_info(&self, _group: &GroupId) -> Result<GroupInfo, LogError> {
        no_groups()
    }
}
