//! Writes files on both paths: the direct changes and the outbox entries that stand for their events commit together, and
//! the outbox is drained into the event store. Where a flag says that one path alone is written, the other is left out.
//!
//! [`Pipeline`] does one thing at a time; what waits behind it is the caller's to schedule. Before anything new is
//! written, what is left in the outbox of an earlier run is drained, so that what is decided is decided on the latest
//! state. The event store has to answer before a write, therefore; once the write is committed, nothing is lost whatever
//! dies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::analysed::{AnalysedFile, AnalysedSentence, AnalysisOutcome};
use cutover_core::command::{CommandContext, Rejection};
use cutover_core::direct::{self, Existing, WrittenAt};
use cutover_core::event::Event;
use cutover_core::graph::{Change, ChangeSet};
use cutover_core::ids::{AggregateId, InterviewId, ProjectId};
use cutover_core::interview::{self, InterviewState, InterviewStatus};
use cutover_core::limits::LimitsTable;
use cutover_core::switch::Mode;
use cutover_core::timestamp::Timestamp;
use cutover_engines::event_log::{EventLog, LogError};
use cutover_engines::graph::{Graph, GraphError};
use time::UtcOffset;
use tokio::sync::Mutex;

use super::context::{Clock, IdSource, RequestContext, written_at};
use super::drain::{self, DrainError, DrainReport};
use super::error::PipelineError;
use super::events_only::Pace;
use super::intent::{Entry, FORMAT, Intent};
use super::outbox::{self, Sequence, Stored};
use super::resolve::{Resolved, resolve};
use super::turn::{Followed, Turn};
use super::{append, existing};
use crate::history::{self, HistoryError};
use crate::switch::Flag;

/// How the pipeline writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How many values of each dimension the graph keeps.
    pub limits: LimitsTable,
    /// How many sentences commit together.
    pub sentences_per_write: usize,
    /// How many entries a drain reads, and removes, at once.
    pub drain_page: usize,
    /// How many appends are under way at once.
    pub in_flight_max: usize,
    /// How often an entry is decided, each time after somebody else has appended first.
    pub decisions_max: u32,
    /// How many bytes the event store takes in one append.
    pub append_bytes_max: usize,
    /// The zone in which the direct path tells the time.
    pub local_offset: UtcOffset,
    /// How long a write waits while a switch holds all writers up.
    pub fence_patience: Duration,
}

impl Default for Settings {
    /// Values for an event store with its own defaults (1 MiB an append), in UTC.
    fn default() -> Self {
        Self {
            limits: LimitsTable::default(),
            sentences_per_write: 500,
            drain_page: 1000,
            in_flight_max: 64,
            decisions_max: 8,
            append_bytes_max: 1024 * 1024,
            local_offset: UtcOffset::UTC,
            fence_patience: Duration::from_secs(30),
        }
    }
}

/// What a file came to in the direct graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IngestReport {
    /// How many sentences the file has.
    pub sentences: usize,
    /// How many sentences the direct graph had past the new end of the file, and has no longer.
    pub removed: usize,
    /// How many outbox entries were committed with it.
    pub entries: usize,
}

/// The pipeline: in dual-write, or in the mode of a flag.
pub struct Pipeline {
    pub(super) direct: Arc<dyn Graph>,
    pub(super) log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdSource>,
    pub(super) settings: Settings,
    pub(super) flag: Option<Flag>,
    pub(super) state: Mutex<State>,
}

/// What only whoever writes may touch.
#[derive(Default)]
pub(super) struct State {
    sequence: Option<Sequence>,
    pub(super) drained: DrainReport,
    pub(super) followed: Followed,
}

impl Pipeline {
    /// Makes a pipeline over a graph that is prepared for the direct schema, and an event store.
    pub fn new(
        direct: Arc<dyn Graph>,
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        settings: Settings,
    ) -> Self {
        Self { direct, log, clock, ids, settings, flag: None, state: Mutex::default() }
    }

    /// Writes a file into the direct graph, with its outbox entries. [`Pipeline::drain`] brings them to the event store.
    ///
    /// # Errors
    ///
    /// A rule, or a sentence that does not fit, before anything is written; an engine that fails, at any time. When that
    /// was in the middle of a long file, the sentences before are written, on both paths, and the file is to be ingested
    /// again.
    pub async fn ingest(
        &self,
        file: &AnalysedFile,
        context: &RequestContext,
    ) -> Result<IngestReport, PipelineError> {
        let mut attempts = 1;
        loop {
            match self.ingest_once(file, context).await {
                Err(error) if self.is_begun_anew(&error, attempts) => attempts += 1,
                written => return written,
            }
        }
    }

    async fn ingest_once(
        &self,
        file: &AnalysedFile,
        context: &RequestContext,
    ) -> Result<IngestReport, PipelineError> {
        let mut turn = self.begin(file.interview).await?;
        let told = self.interview_history(file.interview).await?;
        let is_new = told.is_empty();
        if !is_new {
            may_be_written(file.interview, &told)?;
        }
        let existing = self.existing(turn.mode, file.interview).await?;
        let now = self.clock.now();
        let plan = Plan {
            file,
            existing: &existing,
            places_of_new: existing.places_of_new(file),
            is_new,
            at: written_at(now, self.settings.local_offset),
            context: command_context(context, Some(&file.project), now),
        };
        let entries = self.sentence_entries(&plan)?;
        match turn.mode {
            Mode::Direct | Mode::Dual => self.write(&mut turn, plan, entries).await,
            Mode::Projected => self.append_file(&mut turn, plan, entries).await,
        }
    }

    /// Reads what there is of an interview, where that is kept in this mode.
    pub(super) async fn existing(
        &self,
        mode: Mode,
        interview: InterviewId,
    ) -> Result<Existing, PipelineError> {
        if mode.writes_direct() {
            return Ok(existing::read(&*self.direct, interview).await?);
        }
        existing::from_events(&self.log, interview).await
    }

    /// Brings all that is in the outbox to the event store.
    ///
    /// # Errors
    ///
    /// A [`DrainError`] with what was done until then; a later drain goes on from there.
    pub async fn drain(&self) -> Result<DrainReport, DrainError> {
        let mut state = self.state.lock().await;
        self.drain_into(&mut state).await
    }

    /// Returns what all drains of this pipeline did, those that went before a write included.
    pub async fn drained_in_all(&self) -> DrainReport {
        self.state.lock().await.drained.clone()
    }

    /// Counts the outbox entries.
    ///
    /// # Errors
    ///
    /// When the direct graph cannot be read.
    pub async fn outbox_len(&self) -> Result<usize, GraphError> {
        outbox::len(&*self.direct).await
    }

    pub(super) async fn drain_into(&self, state: &mut State) -> Result<DrainReport, DrainError> {
        let drained = drain::drain(&self.direct, &self.log, &self.settings).await;
        let report = match &drained {
            Ok(report) => report,
            Err(error) => &error.report,
        };
        for rejected in &report.rejected {
            tracing::warn!(
                entry = %rejected.entry, interview = %rejected.interview, slot = rejected.slot,
                reason = %rejected.reason, "an outbox entry was rejected: the direct graph is ahead of the events"
            );
        }
        state.drained.absorb(report.clone());
        drained
    }

    /// Reads the history of an interview. A stream that was tombstoned is a deletion without a history.
    pub(super) async fn interview_history(
        &self,
        interview: InterviewId,
    ) -> Result<Vec<Event>, PipelineError> {
        match history::read(&*self.log, AggregateId::Interview(interview)).await {
            Err(HistoryError::Log(LogError::StreamDeleted { .. })) => {
                Err(PipelineError::Rejected(interview::Rejection::Deleted.into()))
            }
            told => Ok(told?),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes the entry of each sentence, and looks whether the event store will take it, whatever the sentence is now.
    fn sentence_entries(&self, plan: &Plan<'_>) -> Result<Vec<Entry>, PipelineError> {
        let file = plan.file;
        let numbered = (0_u32..).zip(&file.sentences);
        numbered
            .map(|(slot, sentence)| {
                let intents = sentence_intents(sentence, plan.moved_aside(slot));
                let entry = plan.entry(self.ids.next_id(), Some(slot), intents);
                let replaced = plan.existing.sentences.get(&slot).map_or(0, |before| json_len(&before.text));
                let size = replaced
                    + created_size(&entry).map_err(|source| PipelineError::InvalidSentence {
                        file: file.file_name.clone(),
                        index: slot,
                        source,
                    })?;
                let limit = self.settings.append_bytes_max;
                if size > limit {
                    let file = file.file_name.clone();
                    return Err(PipelineError::SentenceTooLarge { file, index: slot, size, limit });
                }
                Ok(entry)
            })
            .collect()
    }

    async fn write(
        &self,
        turn: &mut Turn<'_>,
        plan: Plan<'_>,
        entries: Vec<Entry>,
    ) -> Result<IngestReport, PipelineError> {
        let file = plan.file;
        let limits = self.settings.limits.of(Some(&file.project));
        let mut report = IngestReport { sentences: file.sentences.len(), ..IngestReport::default() };
        let mut batch = vec![unguarded(direct::put_interview(file, &plan.at))];
        if plan.is_new {
            let entry = plan.entry(self.ids.next_id(), None, vec![ensure_interview(file)]);
            batch.push(unguarded(self.outbox_change(turn, &entry).await?.into_iter().collect()));
            report.entries += 1;
        }
        // Those that the file no longer has go first: their places may be given to new ones.
        for slot in plan.existing.slots_past(file) {
            let entry = plan.entry(self.ids.next_id(), Some(slot), vec![Intent::RemoveSentence]);
            let mut changes = vec![direct::remove_sentence(file.interview, slot)];
            changes.extend(self.outbox_change(turn, &entry).await?);
            batch.push(unguarded(changes));
            report.entries += 1;
            report.removed += 1;
        }
        let numbered: Vec<_> = (0_u32..).zip(&file.sentences).zip(&entries).collect();
        for write in numbered.chunks(self.settings.sentences_per_write.max(1)) {
            for &((slot, sentence), entry) in write {
                let before = plan.existing.sentences.get(&slot);
                let mut changes = direct::put_sentence(
                    file,
                    (slot, sentence),
                    before,
                    plan.places_of_new.get(&slot).copied().unwrap_or(slot),
                    self.ids.next_id(),
                    limits,
                    &plan.at,
                );
                changes.extend(self.outbox_change(turn, entry).await?);
                batch.push(unguarded(changes));
                report.entries += 1;
            }
            // Every commit leaves a graph that readers can walk.
            batch.push(unguarded(vec![direct::chain(file.interview)]));
            self.commit(turn, std::mem::take(&mut batch)).await?;
        }
        Ok(report)
    }

    /// Writes a file as events alone.
    async fn append_file(
        &self,
        turn: &mut Turn<'_>,
        plan: Plan<'_>,
        of_sentences: Vec<Entry>,
    ) -> Result<IngestReport, PipelineError> {
        let file = plan.file;
        let mut entries = Vec::with_capacity(of_sentences.len() + 1);
        if plan.is_new {
            entries.push(plan.entry(self.ids.next_id(), None, vec![ensure_interview(file)]));
        }
        let removed = plan.existing.slots_past(file).collect::<Vec<_>>();
        let removal = |slot: &u32| plan.entry(self.ids.next_id(), Some(*slot), vec![Intent::RemoveSentence]);
        entries.extend(removed.iter().map(removal));
        entries.extend(of_sentences);
        let report =
            IngestReport { sentences: file.sentences.len(), removed: removed.len(), entries: entries.len() };
        let appended = self.append_entries(turn, entries, Pace::Together).await;
        let may_share_places = !plan.places_of_new.is_empty() || !plan.existing.places().parted().is_empty();
        if may_share_places && matches!(appended, Ok(()) | Err(PipelineError::Rejected(_))) {
            self.part(turn, file.interview, &plan.context).await?;
        }
        appended.map(|()| report)
    }

    /// Returns the change that stores an entry behind all others; none where no events are written.
    pub(super) async fn outbox_change(
        &self,
        turn: &mut Turn<'_>,
        entry: &Entry,
    ) -> Result<Option<Change>, PipelineError> {
        if turn.mode == Mode::Direct {
            return Ok(None);
        }
        let state = &mut *turn.state;
        if state.sequence.is_none() {
            state.sequence = Some(Sequence::after_stored(&*self.direct).await?);
        }
        let sequence = state.sequence.get_or_insert_default();
        let key = outbox::key_at(sequence.next(entry.context.occurred_at), entry);
        turn.entries.push(Stored { key: key.clone(), entry: entry.clone() });
        Ok(Some(outbox::store(key, entry)))
    }
}

/// A file on its way into the direct graph.
struct Plan<'a> {
    file: &'a AnalysedFile,
    existing: &'a Existing,
    /// Where the sentences go that are not there yet, by slot.
    places_of_new: BTreeMap<u32, u32>,
    is_new: bool,
    at: WrittenAt,
    context: CommandContext,
}

impl Plan<'_> {
    /// Returns the place of a new sentence when the place of its number is taken. The event that creates it knows no other,
    /// so it says that in a second one.
    fn moved_aside(&self, slot: u32) -> Option<u32> {
        self.places_of_new.get(&slot).copied().filter(|&place| place != slot)
    }

    fn entry(&self, id: uuid::Uuid, slot: Option<u32>, intents: Vec<Intent>) -> Entry {
        Entry {
            format: FORMAT,
            id,
            interview: self.file.interview,
            slot,
            is_new: self.is_new,
            context: self.context.clone(),
            intents,
        }
    }
}

/// Returns the context of a command from that of a request.
pub(super) fn command_context(
    context: &RequestContext,
    project: Option<&ProjectId>,
    occurred_at: Timestamp,
) -> CommandContext {
    CommandContext {
        actor: Some(context.actor.clone()),
        correlation_id: context.correlation_id,
        project_id: project.cloned(),
        ..CommandContext::at(occurred_at)
    }
}

/// Asks whether anything may be written to an interview, or to its sentences.
///
/// # Errors
///
/// The rule against it: it is not there, deleted, or archived.
pub(super) fn may_be_written(interview: InterviewId, told: &[Event]) -> Result<(), PipelineError> {
    use cutover_core::aggregate::{AggregateState, fold};
    let state = fold(AggregateId::Interview(interview), told.iter().map(|event| &event.body));
    let rule = match state {
        AggregateState::Interview(InterviewState::Existing(interview))
            if interview.status != InterviewStatus::Archived =>
        {
            return Ok(());
        }
        AggregateState::Interview(InterviewState::Existing(_)) => interview::Rejection::Archived,
        AggregateState::Interview(InterviewState::Deleted) => interview::Rejection::Deleted,
        _ => interview::Rejection::DoesNotExist,
    };
    Err(PipelineError::Rejected(rule.into()))
}

pub(super) fn unguarded(changes: Vec<Change>) -> ChangeSet {
    ChangeSet { guard: None, changes }
}

fn ensure_interview(file: &AnalysedFile) -> Intent {
    Intent::EnsureInterview {
        title: file.file_name.clone(),
        source: file.file_name.clone(),
        language: file.language.clone(),
    }
}

fn sentence_intents(sentence: &AnalysedSentence, moved_aside: Option<u32>) -> Vec<Intent> {
    let mut intents = vec![Intent::PutSentence {
        text: sentence.text.clone(),
        speaker: sentence.speaker.clone(),
        start_ms: sentence.start_ms,
        end_ms: sentence.end_ms,
    }];
    intents.extend(moved_aside.map(|place| Intent::Place { place, from: None }));
    if let AnalysisOutcome::Found { model, version, findings } = &sentence.analysis {
        intents.push(Intent::Analyse {
            model: model.clone(),
            version: version.clone(),
            findings: findings.clone(),
        });
    }
    intents
}

/// Returns the size of the events that an entry comes to where there is no sentence yet. Where there is one, the text
/// that an edit replaces comes on top.
fn created_size(entry: &Entry) -> Result<usize, Rejection> {
    match resolve(entry, entry.aggregate(0), &[])? {
        Resolved::Append(events) => Ok(append::size(&events)),
        Resolved::AlreadyDone | Resolved::Nothing | Resolved::NextGeneration => Ok(0),
    }
}

/// Returns how many bytes a text takes in JSON.
fn json_len(text: &str) -> usize {
    serde_json::to_string(text).map_or(text.len(), |json| json.len())
}
