//! What defects are made of: hooks that change what a consumer reads, what a handler writes, or what is emitted.
//!
//! A consumer that takes no notice of an event and acknowledges it is the same as one to which its type means nothing, so such an
//! event gets a type that nobody knows. A consumer without a strict guard is the same as a strict one that is told other versions.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cutover_core::event::RecordedEvent;
use cutover_core::graph::{Change, ChangeSet, Label, NodeRef, Rel};
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{Delivered, GroupId, LogError, NewEvent};
use cutover_engines::graph::ApplyError;
use serde_json::Value as Json;
use smol_str::SmolStr;
use uuid::Uuid;

use crate::provision::hooks::{Answer, GraphHook, Hooks, LogHook};

/// Locks what a hook remembers.
pub(super) fn lock<T>(memory: &Mutex<T>) -> MutexGuard<'_, T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An event as a consumer reads it, or as it is emitted.
pub(super) struct Opened<'a> {
    /// Its payload.
    pub(super) payload: &'a mut Json,
    /// Its metadata.
    pub(super) metadata: &'a mut Json,
}

impl Opened<'_> {
    /// Returns the text of a key of the payload.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.payload.get(key).and_then(Json::as_str)
    }

    /// Changes the value of a key of the payload, where it has one that is not null.
    pub(super) fn change(&mut self, key: &str, change: impl FnOnce(&Json) -> Json) {
        if let Some(value) = self.payload.get_mut(key)
            && !value.is_null()
        {
            *value = change(value);
        }
    }
}

/// Opens an event, lets something happen to it, and closes it again. What is no JSON stays as it is.
fn open(data: &[u8], metadata: &[u8], happens: impl FnOnce(Opened<'_>)) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut payload: Json = serde_json::from_slice(data).ok()?;
    let mut meta: Json = serde_json::from_slice(metadata).ok()?;
    happens(Opened { payload: &mut payload, metadata: &mut meta });
    Some((serde_json::to_vec(&payload).ok()?, serde_json::to_vec(&meta).ok()?))
}

/// Changes an event that was recorded.
pub(super) fn reopen(event: &mut RecordedEvent, happens: impl FnOnce(Opened<'_>)) {
    let closed = open(&event.data, &event.metadata, happens);
    if let Some((data, metadata)) = closed {
        (event.data, event.metadata) = (data.into(), metadata.into());
    }
}

/// Changes an event that is about to be appended.
pub(super) fn reopen_new(event: &mut NewEvent, happens: impl FnOnce(Opened<'_>)) {
    let closed = open(&event.data, &event.metadata, happens);
    if let Some((data, metadata)) = closed {
        (event.data, event.metadata) = (data, metadata);
    }
}

/// Makes an event one that a consumer acknowledges, and of which it does nothing.
pub(super) fn ignore(event: &mut RecordedEvent) {
    event.event_type = SmolStr::new_static("NobodyKnows");
}

/// A consumer that reads events of some types differently.
pub(super) struct Reads<F> {
    types: &'static [&'static str],
    happens: F,
}

impl<F: Fn(Opened<'_>) + Send + Sync> LogHook for Reads<F> {
    fn deliver(&self, _group: &GroupId, mut delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        for event in delivered.iter_mut().filter_map(|delivery| delivery.event.as_mut()) {
            if self.types.is_empty() || self.types.contains(&event.event_type.as_str()) {
                reopen(event, &self.happens);
            }
        }
        Ok(delivered)
    }
}

/// Returns the hooks of a consumer that reads events of some types differently; of all types when none is named.
pub(super) fn reads(
    types: &'static [&'static str],
    happens: impl Fn(Opened<'_>) + Send + Sync + 'static,
) -> Hooks {
    Hooks::default().with_log(Reads { types, happens })
}

/// A consumer to which something happens with each page of deliveries.
struct Receives<F>(F);

impl<F: Fn(&GroupId, &mut Vec<Delivered>) + Send + Sync> LogHook for Receives<F> {
    fn deliver(&self, group: &GroupId, mut delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        (self.0)(group, &mut delivered);
        Ok(delivered)
    }
}

/// Returns the hooks of a consumer to which something happens with each page of deliveries.
pub(super) fn receives(happens: impl Fn(&GroupId, &mut Vec<Delivered>) + Send + Sync + 'static) -> Hooks {
    Hooks::default().with_log(Receives(happens))
}

/// Returns the hooks of a consumer that acknowledges some events, and does nothing of them.
pub(super) fn ignores(is_ignored: impl Fn(&RecordedEvent) -> bool + Send + Sync + 'static) -> Hooks {
    receives(move |_, delivered| {
        let events = delivered.iter_mut().filter_map(|delivery| delivery.event.as_mut());
        events.filter(|event| is_ignored(event)).for_each(ignore);
    })
}

/// A writer of a graph who writes something else.
pub(super) struct Writes<F>(pub(super) F);

impl<F: Fn(&mut ChangeSet) + Send + Sync> GraphHook for Writes<F> {
    fn apply(&self, mut batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        batch.iter_mut().for_each(&self.0);
        Ok(batch)
    }
}

/// Returns the hooks of a projection whose handlers write something else.
pub(super) fn handlers(writes: impl Fn(&mut ChangeSet) + Send + Sync + 'static) -> Hooks {
    Hooks::default().with_projected(Writes(writes))
}

/// Returns the hooks of a projection whose handlers change single changes; an empty answer leaves one out.
pub(super) fn changes(writes: impl Fn(Change) -> Vec<Change> + Send + Sync + 'static) -> Hooks {
    handlers(move |set| {
        let changes = std::mem::take(&mut set.changes);
        set.changes = changes.into_iter().flat_map(&writes).collect();
    })
}

/// Returns the hooks of a direct path that changes single changes; an empty answer leaves one out.
pub(super) fn direct_changes(writes: impl Fn(Change) -> Vec<Change> + Send + Sync + 'static) -> Hooks {
    let writes = Writes(move |set: &mut ChangeSet| {
        let changes = std::mem::take(&mut set.changes);
        set.changes = changes.into_iter().flat_map(&writes).collect();
    });
    Hooks::default().with_graph("direct", writes)
}

/// A writer of a graph who takes its answers for something else.
struct Mistakes<F>(F);

impl<F: Fn(ApplyError) -> Result<(), ApplyError> + Send + Sync> GraphHook for Mistakes<F> {
    fn applied(&self, _asked: &[ChangeSet], answer: Result<(), ApplyError>) -> Result<(), ApplyError> {
        answer.or_else(&self.0)
    }
}

/// Returns the hooks of a projection that takes a refusal for something else.
pub(super) fn mistakes(
    takes: impl Fn(ApplyError) -> Result<(), ApplyError> + Send + Sync + 'static,
) -> Hooks {
    Hooks::default().with_projected(Mistakes(takes))
}

/// A writer of events who emits something else.
struct Emits<F>(F);

impl<F: Fn(&StreamName, Vec<NewEvent>) -> Vec<NewEvent> + Send + Sync> LogHook for Emits<F> {
    fn append(&self, stream: &StreamName, events: Vec<NewEvent>) -> Result<Vec<NewEvent>, LogError> {
        Ok((self.0)(stream, events))
    }
}

/// Returns the hooks of a writer of events who emits something else.
pub(super) fn emits(
    emit: impl Fn(&StreamName, Vec<NewEvent>) -> Vec<NewEvent> + Send + Sync + 'static,
) -> Hooks {
    Hooks::default().with_log(Emits(emit))
}

/// Returns the sentence of an analysis.
pub(super) fn sentence_of(analysis: &NodeRef) -> Option<&NodeRef> {
    match analysis {
        NodeRef::Child { parent, rel: Rel::HasAnalysis, .. } => Some(parent),
        _ => None,
    }
}

/// Returns whether a change concerns an outbox entry whose text says something.
pub(super) fn is_entry(change: &Change, says: impl Fn(&str) -> bool) -> bool {
    match change {
        Change::Upsert { node, on_create, .. } if node.label() == Label::OutboxEntry => {
            on_create.get("body").and_then(|body| body.as_text()).is_some_and(says)
        }
        _ => false,
    }
}

/// Names the projection that a group belongs to: both of its groups end with the same word.
pub(super) fn projection_of(group: &GroupId) -> SmolStr {
    group.group.rsplit('-').next().unwrap_or_default().into()
}

/// Returns the interview that a sentence's event names in its payload.
pub(super) fn interview_in(event: &RecordedEvent) -> Option<SmolStr> {
    let payload: Json = serde_json::from_slice(&event.data).ok()?;
    payload.get("interview_id")?.as_str().map(SmolStr::new)
}

/// What a consumer with a guard of its own makes of an event.
pub(super) trait Judge: Send + Sync {
    /// Returns whether the event is applied; otherwise it is acknowledged and forgotten. It is asked once for each event.
    fn takes(&self, group: &GroupId, event: &RecordedEvent) -> bool;
}

impl<F: Fn(&GroupId, &RecordedEvent) -> bool + Send + Sync> Judge for F {
    fn takes(&self, group: &GroupId, event: &RecordedEvent) -> bool {
        self(group, event)
    }
}

/// The events of a stream that a consumer has seen: the version by which each is applied, `None` where it is not.
#[derive(Default)]
struct SeenOf {
    as_version: BTreeMap<u64, Option<u64>>,
    next: u64,
}

/// A consumer with a guard of its own: it applies what the guard lets through in the order of arrival.
pub(super) struct Guarded<J> {
    judge: J,
    seen: Mutex<BTreeMap<(GroupId, StreamName), SeenOf>>,
}

impl<J: Judge> Guarded<J> {
    pub(super) fn by(judge: J) -> Self {
        Self { judge, seen: Mutex::default() }
    }

    /// Returns the version by which an event is applied.
    fn version(&self, group: &GroupId, event: &RecordedEvent) -> Option<u64> {
        let mut seen = lock(&self.seen);
        let seen = seen.entry((group.clone(), event.stream.clone())).or_default();
        if let Some(known) = seen.as_version.get(&event.revision) {
            return *known;
        }
        let version = self.judge.takes(group, event).then(|| {
            seen.next += 1;
            seen.next - 1
        });
        seen.as_version.insert(event.revision, version);
        version
    }
}

impl<J: Judge> LogHook for Guarded<J> {
    fn answer_at_once(&self, group: &GroupId, delivered: &[Delivered]) -> Vec<(Uuid, Answer)> {
        let refused = |delivery: &&Delivered| {
            delivery.event.as_ref().is_some_and(|event| self.version(group, event).is_none())
        };
        delivered.iter().filter(refused).map(|delivery| (delivery.ack_id, Answer::Acknowledge)).collect()
    }

    fn deliver(&self, group: &GroupId, delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        let taken = delivered.into_iter().filter_map(|mut delivery| {
            let Some(event) = &mut delivery.event else { return Some(delivery) };
            let version = self.version(group, event)?;
            event.revision = version;
            reopen(event, |opened| opened.metadata["version"] = version.into());
            Some(delivery)
        });
        Ok(taken.collect())
    }
}
