//! The way back: brings what was written as events alone into the direct graph, in its own schema, in the order in which it was
//! appended. The main type is [`ReverseProjection`].
//!
//! How far it came is kept in the direct graph, in the transaction of the changes themselves and under a guard: whatever dies, or
//! does it a second time, each event is applied once.

mod links;
mod origins;

use std::collections::BTreeSet;
use std::sync::Arc;

use cutover_core::event::{Body, Event};
use cutover_core::graph::{Change, ChangeSet, Guard, Label, NodeRef, Properties, Value};
use cutover_core::ids::{AggregateId, InterviewId, StreamName};
use cutover_core::limits::LimitsTable;
use cutover_core::reverse;
use cutover_core::switch::CategoryPositions;
use cutover_core::wire::DecodeError;
use cutover_engines::event_log::{EventLog, LogError};
use cutover_engines::graph::{ApplyError, Graph, GraphError};
use smol_str::format_smolstr;
use time::UtcOffset;
use uuid::Uuid;

use crate::pipeline::context::written_at;
use links::{Category, Linked};
use origins::Origins;

/// How it works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many values of each dimension the graph keeps: as many as the direct path did.
    pub limits: LimitsTable,
    /// The zone in which the direct path tells the time.
    pub local_offset: UtcOffset,
    /// How many events are applied in one transaction, at least 1.
    pub batch: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { limits: LimitsTable::default(), local_offset: UtcOffset::UTC, batch: 500 }
    }
}

/// What was brought into the direct graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many events were applied.
    pub events: u64,
    /// How many links of the category streams led nowhere: their streams were deleted for ever.
    pub dangling_links: u64,
    /// The interviews that were touched.
    pub interviews: BTreeSet<InterviewId>,
    /// Where the category streams ended.
    pub positions: CategoryPositions,
}

/// Why the direct graph was not brought up to date. What was done until then stays done.
#[derive(Debug, thiserror::Error)]
pub enum ReverseError {
    /// The event store could not.
    #[error("the event store could not be read")]
    Log(#[from] LogError),
    /// The direct graph could not be read.
    #[error("the direct graph could not be read")]
    Read(#[from] GraphError),
    /// The direct graph could not be written.
    #[error("the direct graph could not be brought up to date")]
    Write(#[from] ApplyError),
    /// An event is none that this program knows.
    #[error("event {revision} of stream `{stream}` cannot be read")]
    Unreadable {
        /// Its stream.
        stream: StreamName,
        /// Its place there.
        revision: u64,
        /// What is wrong.
        source: Box<DecodeError>,
    },
    /// A sentence without the event that created it: its stream was cut off at the front, and nobody can tell its slot.
    #[error(
        "stream `{stream}` does not begin with the event that created the sentence: its slot cannot be told"
    )]
    NoOrigin {
        /// The stream.
        stream: StreamName,
    },
    /// A category stream holds what is no link.
    #[error("event {revision} of stream `{stream}` is no link")]
    NoLink {
        /// The category stream.
        stream: StreamName,
        /// Its place there.
        revision: u64,
    },
}

impl ReverseError {
    /// Returns whether the same may go through later. Two that do it at once get in each other's way, and one goes on.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Log(error) => error.is_transient(),
            Self::Read(error) | Self::Write(ApplyError::Graph(error)) => error.is_transient(),
            Self::Write(ApplyError::Conflict(_)) => true,
            Self::Unreadable { .. } | Self::NoOrigin { .. } | Self::NoLink { .. } => false,
        }
    }
}

/// Returns the interviews that events after `since` are about, up to the end of both category streams as they are now, which it
/// returns, too. Links that lead nowhere are about none.
///
/// # Errors
///
/// A [`ReverseError`], when the store does not answer or an event cannot be read.
pub async fn touched_since(
    log: &Arc<dyn EventLog>,
    since: CategoryPositions,
) -> Result<(BTreeSet<InterviewId>, CategoryPositions), ReverseError> {
    const PAGE: usize = 500;
    let (mut touched, mut now) = (BTreeSet::new(), since);
    let mut origins = Origins::new(Arc::clone(log));
    for category in [Category::Interview, Category::Sentence] {
        let position = match category {
            Category::Interview => &mut now.interview,
            Category::Sentence => &mut now.sentence,
        };
        loop {
            let linked = links::after(log, category, *position, PAGE).await?;
            let Some(last) = linked.last() else { break };
            *position = Some(last.position);
            for event in linked.into_iter().filter_map(|linked| linked.event) {
                touched.insert(match event.metadata.aggregate {
                    AggregateId::Interview(id) => id,
                    AggregateId::Sentence(id) => origins.of(id).await?.0.interview,
                });
            }
        }
    }
    Ok((touched, now))
}

/// Brings the direct graph up to date.
pub struct ReverseProjection {
    log: Arc<dyn EventLog>,
    direct: Arc<dyn Graph>,
    settings: Settings,
}

/// How far the direct graph has come, and how many transactions that took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    positions: CategoryPositions,
    batches: u64,
}

impl ReverseProjection {
    /// Makes one over an event store and a graph that is prepared for the direct schema.
    pub fn new(log: Arc<dyn EventLog>, direct: Arc<dyn Graph>, settings: Settings) -> Self {
        Self { log, direct, settings }
    }

    /// Applies every event after `since` that is not applied yet, to the end of both category streams as they are now. `operation`
    /// names the throw that ended direct writes: progress is kept under it.
    ///
    /// # Errors
    ///
    /// A [`ReverseError`]; after one that passes, the same call goes on from there.
    pub async fn catch_up(&self, operation: Uuid, since: CategoryPositions) -> Result<Report, ReverseError> {
        let mut progress = self.progress(operation, since).await?;
        let mut report = Report::default();
        let mut origins = Origins::new(Arc::clone(&self.log));
        loop {
            // Sentences are read first and applied last: the interview of each is among those that were read after it.
            let sentences = self.linked(Category::Sentence, progress.positions.sentence).await?;
            loop {
                let interviews = self.linked(Category::Interview, progress.positions.interview).await?;
                if interviews.is_empty() {
                    break;
                }
                self.apply(operation, &mut progress, &interviews, &mut origins, &mut report).await?;
            }
            if sentences.is_empty() {
                report.positions = progress.positions;
                return Ok(report);
            }
            self.apply(operation, &mut progress, &sentences, &mut origins, &mut report).await?;
        }
    }

    async fn linked(&self, category: Category, last: Option<u64>) -> Result<Vec<Linked>, ReverseError> {
        links::after(&self.log, category, last, self.settings.batch.max(1)).await
    }

    /// Applies events in one transaction, with how far that brings the graph.
    async fn apply(
        &self,
        operation: Uuid,
        progress: &mut Progress,
        linked: &[Linked],
        origins: &mut Origins,
        report: &mut Report,
    ) -> Result<(), ReverseError> {
        let mut changes = Vec::with_capacity(linked.len() * 4);
        let mut next = *progress;
        for Linked { category, position, event } in linked {
            match category {
                Category::Interview => next.positions.interview = Some(*position),
                Category::Sentence => next.positions.sentence = Some(*position),
            }
            let Some(event) = event else {
                report.dangling_links += 1;
                continue;
            };
            changes.extend(self.changes(event, origins, &mut report.interviews).await?);
            report.events += 1;
        }
        changes.push(keep(operation, next.positions));
        let guard = Guard { aggregate: guard_of(operation), version: progress.batches };
        self.direct.apply(&[ChangeSet { guard: Some(guard), changes }]).await?;
        next.batches += 1;
        *progress = next;
        Ok(())
    }

    async fn changes(
        &self,
        event: &Event,
        origins: &mut Origins,
        touched: &mut BTreeSet<InterviewId>,
    ) -> Result<Vec<Change>, ReverseError> {
        let Event { metadata, body } = event;
        let at = written_at(metadata.occurred_at, self.settings.local_offset);
        match (metadata.aggregate, body) {
            (AggregateId::Interview(id), Body::Interview(event)) => {
                touched.insert(id);
                Ok(reverse::of_interview(id, event, metadata, &at))
            }
            (AggregateId::Sentence(id), Body::Sentence { event, .. }) => {
                let (origin, project) = origins.of(id).await?;
                touched.insert(origin.interview);
                let limits = self.settings.limits.of(project.as_ref());
                Ok(reverse::of_sentence(&origin, event, metadata, &at, limits))
            }
            _ => unreachable!("the stream's kind says what its events are"),
        }
    }

    /// Reads how far the graph has come; not at all, where nobody has begun.
    async fn progress(&self, operation: Uuid, since: CategoryPositions) -> Result<Progress, ReverseError> {
        let versions = self.direct.versions(&[guard_of(operation)]).await?;
        let Some(last) = versions.into_iter().next().flatten() else {
            return Ok(Progress { positions: since, batches: 0 });
        };
        let mut after = None;
        loop {
            let page = self.direct.nodes(Label::CatchUp.as_str(), after.as_ref(), 100).await?;
            for row in &page.rows {
                let key = row.properties.get(Label::CatchUp.key_property()).and_then(Value::as_text);
                if key == Some(operation.to_string().as_str()) {
                    let position = |name| {
                        row.properties.get(name).and_then(Value::as_int).and_then(|at| u64::try_from(at).ok())
                    };
                    let positions = CategoryPositions {
                        interview: position("interview"),
                        sentence: position("sentence"),
                    };
                    return Ok(Progress { positions, batches: last + 1 });
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                // Somebody's transaction came between the two questions: the guard will tell.
                None => return Ok(Progress { positions: since, batches: last + 1 }),
            }
        }
    }
}

/// Returns what the count of transactions is kept under, among the versions of aggregates: no interview bears that id.
fn guard_of(operation: Uuid) -> AggregateId {
    AggregateId::Interview(InterviewId::new(Uuid::new_v5(&operation, b"catch-up")))
}

fn keep(operation: Uuid, positions: CategoryPositions) -> Change {
    let position = |at: Option<u64>| at.and_then(|at| i64::try_from(at).ok());
    Change::Upsert {
        node: NodeRef::value(Label::CatchUp, format_smolstr!("{operation}")),
        on_create: Properties::new(),
        set: Properties::new()
            .with_some("interview", position(positions.interview))
            .with_some("sentence", position(positions.sentence)),
        unless_edited: Properties::new(),
    }
}
