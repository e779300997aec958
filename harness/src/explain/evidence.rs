//! What is read of a system to tell a story: every stream of the interview, what is parked of it, what waits in the outbox, and how
//! far the projected graph says that it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover_core::event::{Body, Event};
use cutover_core::graph::{Label, Value};
use cutover_core::ids::{AggregateId, InterviewId};
use cutover_core::timestamp::Timestamp;
use cutover_core::wire;
use cutover_engines::event_log::{EventLog, GroupInfo, LogError};
use cutover_engines::graph::Graph;
use cutover_service::history::{self, HistoryError, SentenceHistory};
use serde::Serialize;
use smol_str::SmolStr;

use super::{ExplainError, Subject, System};

/// How many nodes are read at once.
const PAGE: usize = 500;

/// The history of one aggregate, and how far the projected graph is with it.
pub(super) struct History {
    pub(super) aggregate: AggregateId,
    /// The slot of a sentence; `None` for the interview.
    pub(super) slot: Option<u32>,
    pub(super) events: Vec<Event>,
    /// The version that the projected graph has applied; `None` before version 0.
    pub(super) applied: Option<u64>,
}

impl History {
    /// Returns the version of the last event.
    pub(super) fn last(&self) -> Option<u64> {
        self.events.last().map(|event| event.metadata.version)
    }
}

/// An event, as a story tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldEvent {
    /// Its stream.
    pub stream: SmolStr,
    /// Its version.
    pub version: u64,
    /// Its type.
    pub event_type: SmolStr,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub by: Option<SmolStr>,
    /// Whether the projected graph says that it is applied.
    pub is_applied: bool,
}

/// An event in a parking lot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parked {
    /// Its stream.
    pub stream: SmolStr,
    /// Its version.
    pub version: u64,
    /// Its type.
    pub event_type: SmolStr,
    /// The slot of the sentence that it is about, if it is about one.
    pub slot: Option<u32>,
    /// Why it was parked.
    pub reason: String,
}

/// A write of the direct path whose events are not in the store yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The key of its outbox entry.
    pub entry: SmolStr,
    /// The slot of the sentence that it is about, if it is about one.
    pub slot: Option<u32>,
}

/// What was read.
pub(super) struct Evidence {
    /// The interview's history first, then those of its sentences by slot and generation. Aggregates without events are left out.
    pub(super) histories: Vec<History>,
    pub(super) parked: Vec<Parked>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) lag: u64,
}

impl Evidence {
    /// Returns the events that the subject is about.
    pub(super) fn told(&self, subject: Subject) -> Vec<ToldEvent> {
        let about = |history: &&History| subject.slot.is_none() || history.slot == subject.slot;
        let told = |history: &History| {
            let stream = history.aggregate.stream_name();
            let applied = history.applied;
            history
                .events
                .iter()
                .map(move |event| ToldEvent {
                    stream: SmolStr::new(stream.as_str()),
                    version: event.metadata.version,
                    event_type: type_of(event),
                    at: event.metadata.occurred_at,
                    by: event.metadata.actor.as_ref().and_then(|actor| actor.user_id.clone()),
                    is_applied: applied >= Some(event.metadata.version),
                })
                .collect::<Vec<_>>()
        };
        self.histories.iter().filter(about).flat_map(told).collect()
    }
}

fn type_of(event: &Event) -> SmolStr {
    match &event.body {
        Body::Unknown { event_type, .. } => event_type.clone(),
        body => wire::encode(&event.metadata, body).event_type,
    }
}

/// Reads everything about an interview.
pub(super) async fn gather(system: &System, subject: Subject) -> Result<Evidence, ExplainError> {
    let mut histories = histories(&system.log, subject.interview).await?;
    let aggregates: Vec<AggregateId> = histories.iter().map(|history| history.aggregate).collect();
    let versions = system.projected.versions(&aggregates).await?;
    for (history, version) in histories.iter_mut().zip(versions) {
        history.applied = version;
    }
    let slots: BTreeMap<SmolStr, Option<u32>> = histories
        .iter()
        .map(|history| (SmolStr::new(history.aggregate.stream_name().as_str()), history.slot))
        .collect();
    let (mut parked, mut lag) = (Vec::new(), 0);
    for group in [&system.groups.interview, &system.groups.sentence] {
        let last = system.log.last_revision(&group.stream).await?;
        match system.log.group_info(group).await {
            Ok(info) => lag += info.lag(last),
            // Nobody projects: everything that is not applied is still to come.
            Err(LogError::NoSuchGroup { .. }) => {
                lag += GroupInfo::default().lag(last);
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        for entry in system.log.parked(group).await? {
            let Some(event) = entry.event else { continue };
            let stream = SmolStr::new(event.stream.as_str());
            let Some(&slot) = slots.get(&stream) else { continue };
            let (version, event_type, reason) = (event.revision, event.event_type, entry.reason);
            parked.push(Parked { stream, version, event_type, slot, reason });
        }
    }
    let waiting = waiting(&*system.direct, subject.interview).await?;
    Ok(Evidence { histories, parked, waiting, lag })
}

/// Reads the streams of an interview and of its sentences.
pub(super) async fn histories(
    log: &Arc<dyn EventLog>,
    interview: InterviewId,
) -> Result<Vec<History>, ExplainError> {
    let aggregate = AggregateId::Interview(interview);
    let events = match history::read(&**log, aggregate).await {
        // What is left is what its sentences tell.
        Err(HistoryError::Log(LogError::StreamDeleted { .. })) => Vec::new(),
        events => events?,
    };
    let mut histories = vec![History { aggregate, slot: None, events, applied: None }];
    histories.retain(|history| !history.events.is_empty());
    for told in history::of_sentences(log, interview).await? {
        let SentenceHistory { slot, aggregate, events, .. } = told;
        histories.push(History { aggregate, slot: Some(slot), events, applied: None });
    }
    Ok(histories)
}

/// Reads the outbox entries of an interview.
async fn waiting(direct: &dyn Graph, interview: InterviewId) -> Result<Vec<Waiting>, ExplainError> {
    let (mut waiting, mut after) = (Vec::new(), None);
    let id = interview.to_smol_str();
    loop {
        let page = direct.nodes(Label::OutboxEntry.as_str(), after.as_ref(), PAGE).await?;
        for row in &page.rows {
            let text = |name: &str| row.properties.get(name).and_then(Value::as_text).unwrap_or_default();
            let Ok(entry) = serde_json::from_str::<serde_json::Value>(text("body")) else { continue };
            if entry["interview"] == id.as_str() {
                let slot = entry["slot"].as_u64().and_then(|slot| u32::try_from(slot).ok());
                waiting.push(Waiting { entry: text(Label::OutboxEntry.key_property()).into(), slot });
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(waiting),
        }
    }
}
