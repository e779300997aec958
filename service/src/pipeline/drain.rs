//! Drains the outbox into the event store: in the order of the entries as far as one aggregate sees it, many sentences at
//! a time.
//!
//! An entry is removed only after its events are in the store, so a crash anywhere leaves it for the next drain. That
//! drain decides again: it finds its events by their ids, which derive from the entry, and appends nothing twice.
//! An interview's own entries are a barrier: all before them are done first, all after them wait.
//!
//! Several processes may drain one outbox. Whoever has read an entry and comes late finds its events in the store; what came to nothing
//! has left none there, so an entry is looked for in the outbox once more before anything is appended for it. It was still there after
//! its history was read: then nothing that was written later is in that history ([`turn`](super::turn)), and an append after it is
//! refused as soon as there is.

use std::sync::Arc;

use cutover_core::command::Rejection;
use cutover_core::event::{Body, Event};
use cutover_core::graph::ChangeSet;
use cutover_core::ids::{AggregateId, InterviewId};
use cutover_core::interview;
use cutover_core::metadata::Metadata;
use cutover_engines::event_log::{EventLog, LogError};
use cutover_engines::graph::Graph;
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::error::PipelineError;
use super::intent::Entry;
use super::outbox::{self, Stored};
use super::resolve::{Resolved, resolve};
use super::{Settings, append};
use crate::history::{self, HistoryError};

/// What became of the entries that a drain took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DrainReport {
    /// How many entries were dealt with and removed.
    pub entries: usize,
    /// How many events were appended, or found to have been by a retried append.
    pub events: usize,
    /// How many entries had their events in the store already: a drain before this one was cut off.
    pub already_done: usize,
    /// How many entries came to nothing, because what they mean was so already.
    pub unchanged: usize,
    /// The entries that a rule forbade in the end. The direct graph has what they mean, the event store does not.
    pub rejected: Vec<RejectedEntry>,
}

impl DrainReport {
    pub(super) fn absorb(&mut self, other: Self) {
        self.entries += other.entries;
        self.events += other.events;
        self.already_done += other.already_done;
        self.unchanged += other.unchanged;
        self.rejected.extend(other.rejected);
    }

    pub(super) fn count(&mut self, entry: &Entry, outcome: Outcome) {
        self.entries += 1;
        match outcome {
            Outcome::Appended(events) => self.events += events,
            Outcome::AlreadyDone => self.already_done += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Rejected(reason) => self.rejected.push(RejectedEntry {
                entry: entry.id,
                interview: entry.interview,
                slot: entry.slot,
                reason,
            }),
        }
    }
}

/// An entry that a rule forbade when it was drained, though none did when it was written: somebody else came between.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectedEntry {
    /// The entry.
    pub entry: Uuid,
    /// The interview that it concerned.
    pub interview: InterviewId,
    /// The slot of the sentence that it concerned, if it did one.
    pub slot: Option<u32>,
    /// The rule.
    pub reason: Rejection,
}

/// A drain that was cut off. What it had done until then is done; what it had not is still in the outbox.
#[derive(Debug, thiserror::Error)]
#[error("the outbox was not drained; {} of its entries were", .report.entries)]
pub struct DrainError {
    /// What was done.
    pub report: DrainReport,
    /// What went wrong.
    pub source: PipelineError,
}

impl DrainError {
    /// Returns whether another drain may go through later.
    pub const fn is_transient(&self) -> bool {
        self.source.is_transient()
    }
}

/// What became of one entry.
#[derive(Debug)]
pub(super) enum Outcome {
    Appended(usize),
    AlreadyDone,
    Unchanged,
    Rejected(Rejection),
}

/// Entries of one aggregate in order, and how far they got.
pub(super) struct Strand {
    pub(super) done: Vec<(Stored, Outcome)>,
    pub(super) failure: Option<PipelineError>,
}

/// Drains until the outbox is empty. [`Pipeline::drain`](super::Pipeline::drain) does it for a pipeline; this is for who has none.
///
/// # Errors
///
/// A [`DrainError`] with what was done until then.
pub async fn drain(
    graph: &Arc<dyn Graph>,
    log: &Arc<dyn EventLog>,
    settings: &Settings,
) -> Result<DrainReport, DrainError> {
    let mut report = DrainReport::default();
    loop {
        let page = match outbox::first(&**graph, settings.drain_page).await {
            Ok(page) if page.is_empty() => return Ok(report),
            Ok(page) => page,
            Err(source) => return Err(DrainError { report, source }),
        };
        let Strand { done, failure } = drain_page(log, Some(graph), page, settings).await;
        let removals = done.iter().map(|(stored, _)| outbox::remove(&stored.key)).collect();
        let removed = match done.is_empty() {
            true => Ok(()),
            false => graph.apply(&[ChangeSet { guard: None, changes: removals }]).await,
        };
        if let Err(error) = removed {
            // Their events are in the store: the next drain finds them there.
            return Err(DrainError { report, source: failure.unwrap_or(error.into()) });
        }
        for (stored, outcome) in done {
            report.count(&stored.entry, outcome);
        }
        if let Some(source) = failure {
            return Err(DrainError { report, source });
        }
    }
}

/// Drains a page of an outbox, or of entries that are in none: runs of sentence entries at a time, and interview entries by themselves.
pub(super) async fn drain_page(
    log: &Arc<dyn EventLog>,
    outbox: Option<&Arc<dyn Graph>>,
    page: Vec<Stored>,
    settings: &Settings,
) -> Strand {
    let mut drained = Strand { done: Vec::with_capacity(page.len()), failure: None };
    let mut run: Vec<Stored> = Vec::new();
    for stored in page {
        if stored.entry.slot.is_some() {
            run.push(stored);
            continue;
        }
        for run in [std::mem::take(&mut run), vec![stored]] {
            drain_run(log, outbox, run, settings, &mut drained).await;
            if drained.failure.is_some() {
                return drained;
            }
        }
    }
    drain_run(log, outbox, run, settings, &mut drained).await;
    drained
}

/// Drains entries between two barriers: those of one aggregate in order, those of different ones at the same time.
async fn drain_run(
    log: &Arc<dyn EventLog>,
    outbox: Option<&Arc<dyn Graph>>,
    run: Vec<Stored>,
    settings: &Settings,
    drained: &mut Strand,
) {
    let mut strands: IndexMap<(InterviewId, Option<u32>), Vec<Stored>, FxBuildHasher> = IndexMap::default();
    for stored in run {
        strands.entry((stored.entry.interview, stored.entry.slot)).or_default().push(stored);
    }
    let mut waiting = strands.into_values();
    let mut running = JoinSet::new();
    loop {
        while drained.failure.is_none() && running.len() < settings.in_flight_max {
            let Some(strand) = waiting.next() else { break };
            running.spawn(drain_strand(Arc::clone(log), outbox.cloned(), strand, settings.decisions_max));
        }
        let Some(joined) = running.join_next().await else { return };
        let Strand { done, failure } = match joined {
            Ok(strand) => strand,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        drained.done.extend(done);
        drained.failure = drained.failure.take().or(failure);
    }
}

async fn drain_strand(
    log: Arc<dyn EventLog>,
    outbox: Option<Arc<dyn Graph>>,
    strand: Vec<Stored>,
    decisions_max: u32,
) -> Strand {
    let mut drained = Strand { done: Vec::with_capacity(strand.len()), failure: None };
    for stored in strand {
        match drain_entry(&*log, outbox.as_deref(), &stored, decisions_max).await {
            Ok(outcome) => drained.done.push((stored, outcome)),
            Err(failure) => {
                drained.failure = Some(failure);
                break;
            }
        }
    }
    drained
}

/// Decides what an entry comes to and appends it; decides again whenever somebody else appended first.
async fn drain_entry(
    log: &dyn EventLog,
    outbox: Option<&dyn Graph>,
    stored: &Stored,
    decisions_max: u32,
) -> Result<Outcome, PipelineError> {
    let mut may_be_new = stored.entry.is_new;
    for _ in 0..decisions_max {
        match decide_and_append(log, outbox, stored, may_be_new).await {
            Err(error) if error.is_conflict() => may_be_new = false,
            outcome => return outcome,
        }
    }
    Err(PipelineError::Contended { aggregate: stored.entry.aggregate(0), attempts: decisions_max })
}

async fn decide_and_append(
    log: &dyn EventLog,
    outbox: Option<&dyn Graph>,
    stored: &Stored,
    may_be_new: bool,
) -> Result<Outcome, PipelineError> {
    let decided = decide(log, &stored.entry, may_be_new).await?;
    // What is new is appended to no stream, and there is one when somebody else has done it.
    if !may_be_new
        && decided.tells_news()
        && let Some(outbox) = outbox
        && !outbox::has(outbox, &stored.key).await?
    {
        return Ok(Outcome::AlreadyDone);
    }
    match decided {
        Decided::Append { aggregate, history, events } => {
            append::after(log, aggregate, &history, &events).await?;
            Ok(Outcome::Appended(events.len()))
        }
        Decided::Nothing(outcome) => Ok(outcome),
    }
}

/// What an entry comes to, against what is in the store.
enum Decided {
    Append { aggregate: AggregateId, history: Vec<Event>, events: Vec<(Metadata, Body)> },
    Nothing(Outcome),
}

impl Decided {
    /// Returns whether anybody would learn of it.
    const fn tells_news(&self) -> bool {
        matches!(self, Self::Append { .. } | Self::Nothing(Outcome::Rejected(_)))
    }
}

/// Decides what an entry comes to, on the sentence that is alive in its slot.
async fn decide(log: &dyn EventLog, entry: &Entry, may_be_new: bool) -> Result<Decided, PipelineError> {
    for generation in 0.. {
        let aggregate = entry.aggregate(generation);
        let history = if may_be_new && generation == 0 {
            Vec::new()
        } else {
            match history::read(log, aggregate).await {
                Ok(history) => history,
                // A tombstone says more forcefully what a deletion says.
                Err(HistoryError::Log(LogError::StreamDeleted { .. })) => match aggregate {
                    AggregateId::Sentence(_) => continue,
                    AggregateId::Interview(_) => {
                        return Ok(Decided::Nothing(Outcome::Rejected(interview::Rejection::Deleted.into())));
                    }
                },
                Err(error) => return Err(error.into()),
            }
        };
        return Ok(match resolve(entry, aggregate, &history) {
            Ok(Resolved::NextGeneration) => continue,
            Ok(Resolved::Append(events)) => Decided::Append { aggregate, history, events },
            Ok(Resolved::AlreadyDone) => Decided::Nothing(Outcome::AlreadyDone),
            Ok(Resolved::Nothing) => Decided::Nothing(Outcome::Unchanged),
            Err(reason) => Decided::Nothing(Outcome::Rejected(reason)),
        });
    }
    unreachable!("a slot that is filled a generation at a time has a last one")
}

/// Returns whether the events of all entries are in the store: for who was not answered, and must not append any more.
pub(super) async fn are_done(log: &dyn EventLog, entries: &[Entry]) -> Result<bool, PipelineError> {
    for entry in entries {
        if !is_done(log, entry).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns whether the events of an entry are in the store.
pub(super) async fn is_done(log: &dyn EventLog, entry: &Entry) -> Result<bool, PipelineError> {
    Ok(matches!(decide(log, entry, false).await?, Decided::Nothing(Outcome::AlreadyDone)))
}
