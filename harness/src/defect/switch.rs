//! The flag that says which path is the truth is thrown, or followed, wrongly.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::graph::{Change, ChangeSet, Label, Origin, Rel};
use cutover_core::ids::StreamName;
use cutover_core::switch::{CategoryPositions, Mode, SwitchEvent, is_of_a_flag};
use cutover_engines::event_log::{EventLog, LogError, NewEvent};
use cutover_engines::graph::{ApplyError, Cursor, Graph, GraphError, Interposed, NodeRow, Page};
use cutover_service::projection::Groups;
use cutover_service::switch::fence;

use super::tools::{Writes, lock};
use super::{Class, Defect, Finding};
use crate::provision::hooks::{GraphHook, Hooks, LogHook, SwitchHook};
use crate::provision::wrapped::{hooked_graph, hooked_log};
use crate::switch::{PathError, ProjectedPath, SwitchError, System};

/// The comparison that decides whether the flag is thrown.
const BEHIND: &str = "behind-the-fence";

/// The comparison while everybody writes, which differs by more than can be on its way.
const BEFORE: &str = "before-the-fence";

/// What a scenario says of direct writes that should not have been.
const HEEDED: Finding = Finding::Figure { name: "direct writes while events alone were to be written" };

pub(super) const ALL: &[Defect] = &[
    Defect {
        id: "flag-read-once",
        class: Class::Switch,
        what: "A writer reads the flag when it starts, and keeps what it has read.",
        why: "A flag is taken for configuration, and configuration is read at the start.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: HEEDED,
        hooks: || {
            followed(|| {
                let is_read = AtomicBool::new(false);
                move |events| if is_read.swap(true, Ordering::Relaxed) { Vec::new() } else { events }
            })
        },
    },
    Defect {
        id: "flag-of-another-name",
        class: Class::Switch,
        what: "Writers follow a flag of another name than the one that is thrown; nothing has ever happened to it.",
        why: "The name is configured at two places, and a flag that is not there says what it always said.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: HEEDED,
        hooks: || followed(|| |_| Vec::new()),
    },
    Defect {
        id: "flag-from-the-moment-of-start",
        class: Class::Switch,
        what: "A writer follows what happens to the flag from its start on; one that is started again begins with the old mode.",
        why: "A subscription without a position begins at the end of the stream.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: HEEDED,
        hooks: || {
            followed(|| {
                let begins = Mutex::new(None);
                move |events: Vec<RecordedEvent>| {
                    let next = events.last().map_or(0, |last| last.revision + 1);
                    let begins = *lock(&begins).get_or_insert(next);
                    events.into_iter().filter(|event| event.revision >= begins).collect()
                }
            })
        },
    },
    Defect {
        id: "turnstile-left-open",
        class: Class::Switch,
        what: "Writers are told of the fence, and those whose write is on its way are not held up: it arrives after the flag was thrown.",
        why: "The flag is read before each write, which looks like enough.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: HEEDED,
        hooks: || {
            throws(|system| {
                let hooks = Hooks::default().with_graph("direct", NeverCloses);
                System { direct: hooked_graph(system.direct, "direct", &hooks), ..system }
            })
        },
    },
    Defect {
        id: "outbox-left-full",
        class: Class::Switch,
        what: "The flag is thrown without draining the outbox first: what waits there is in the direct graph alone.",
        why: "The outbox is empty whenever somebody looks.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: Finding::property(BEHIND, "Sentence", "text"),
        hooks: || throws(|system| System { direct: Arc::new(WithoutOutbox(system.direct)), ..system }),
    },
    Defect {
        id: "projection-not-waited-for",
        class: Class::Switch,
        what: "What is in the event store counts as applied: nobody waits for the projection.",
        why: "It is behind by milliseconds, on most days.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: Finding::property(BEHIND, "Sentence", "text"),
        hooks: || Hooks::default().with_switch(WaitsFor::Nothing),
    },
    Defect {
        id: "one-subscription-waited-for",
        class: Class::Switch,
        what: "Of the two subscriptions, that of the interviews is waited for; sentences may be behind.",
        why: "The lag is a figure of one group in every dashboard.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: Finding::property(BEHIND, "Sentence", "text"),
        hooks: || Hooks::default().with_switch(WaitsFor::Interviews),
    },
    Defect {
        id: "way-back-forgets-tags",
        class: Class::Switch,
        what: "On the way back, what people have tagged is not brought into the direct graph.",
        why: "There is a handler for each event, and one was never written.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: Finding::extra(BEHIND, "MENTIONS_OVERALL_KEYWORD"),
        hooks: || way_back(|change| if matches!(change, Change::Tag { .. }) { vec![] } else { vec![change] }),
    },
    Defect {
        id: "way-back-forgets-deletions",
        class: Class::Switch,
        what: "On the way back, deleted sentences and interviews stay in the direct graph.",
        why: "It is thought of as adding what is missing.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: Finding::missing(BEHIND, "Sentence"),
        hooks: || way_back(keeps_what_is_deleted),
    },
    Defect {
        id: "way-back-forgets-moves",
        class: Class::Switch,
        what: "On the way back, sentences stay where they were in the direct graph.",
        why: "The direct graph names a sentence by its number, which looks like its place.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: Finding::property(BEHIND, "Sentence", "sequence_order"),
        hooks: || {
            way_back(|change| match &change {
                Change::Update { set, .. } if set.get("sequence_order").is_some() => vec![],
                _ => vec![change],
            })
        },
    },
    Defect {
        id: "way-back-without-protection",
        class: Class::Switch,
        what: "What people corrected comes back into the direct graph as if a machine had found it, and replaces nothing that is protected.",
        why: "The way back is a machine, and writes as one.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: Finding::extra(BEHIND, "MENTIONS_TOPIC"),
        hooks: || {
            way_back(|mut change| {
                if let Change::SetDimension { origin, .. } = &mut change {
                    *origin = Origin::Analysis;
                }
                vec![change]
            })
        },
    },
    Defect {
        id: "way-back-over-corrections",
        class: Class::Switch,
        what: "On the way back, an analysis takes away what a person corrected before the flag was thrown.",
        why: "The direct graph is behind, so whatever the events say is newer.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: Finding::extra(BEHIND, "MENTIONS_TOPIC"),
        hooks: || {
            way_back(|change| match change {
                Change::ReplaceAnalysis { sentence, analysis_id, properties } => vec![
                    Change::Remove { node: sentence.clone().only_child(Rel::HasAnalysis) },
                    Change::ReplaceAnalysis { sentence, analysis_id, properties },
                ],
                change => vec![change],
            })
        },
    },
    Defect {
        id: "way-back-applies-again",
        class: Class::Switch,
        what: "On the way back, a batch of events whose answer was lost is applied again, after the one that followed it.",
        why: "Each change can be made twice without harm; that is not so of a change that another one has followed.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: Finding::property(BEHIND, "Sentence", "text"),
        hooks: || {
            let before: Mutex<Vec<Change>> = Mutex::default();
            let again = Writes(move |set: &mut ChangeSet| {
                if let Some(progress) = take_progress(set) {
                    let again = std::mem::replace(&mut *lock(&before), set.changes.clone());
                    set.changes.extend(again);
                    set.changes.push(progress);
                }
            });
            throws(|mut system| {
                system.reverse.batch = 40;
                system
            })
            .with_graph("direct", again)
        },
    },
    Defect {
        id: "way-back-from-the-end",
        class: Class::Switch,
        what: "The way back begins where the streams end when it is taken, and not where they ended when the flag was thrown.",
        why: "The place is looked up, as nobody wrote it down.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: Finding::property(BEFORE, "Sentence", "text"),
        hooks: || thrown_at(|_| Some(i64::MAX.unsigned_abs())),
    },
    Defect {
        id: "thrown-although-it-differs",
        class: Class::Switch,
        what: "The comparison behind the fence finds that the direct graph has what was deleted; the flag is thrown all the same.",
        why: "Somebody is awake at three in the morning, and has an option `--force`.",
        has_shipped: false,
        scenario: "flip-and-back",
        finding: Finding::extra("model-vs-direct", "Sentence"),
        hooks: || way_back(keeps_what_is_deleted).with_switch(Forces),
    },
];

/// Throws a flag for something else, or otherwise.
struct Throws<F>(F);

impl<F: Fn(System) -> System + Send + Sync> SwitchHook for Throws<F> {
    fn system(&self, system: System) -> System {
        (self.0)(system)
    }
}

fn throws(otherwise: impl Fn(System) -> System + Send + Sync + 'static) -> Hooks {
    Hooks::default().with_switch(Throws(otherwise))
}

/// Reads something else of a flag's stream.
struct ReadsFlag<F>(F);

impl<F: Fn(Vec<RecordedEvent>) -> Vec<RecordedEvent> + Send + Sync> LogHook for ReadsFlag<F> {
    fn read(&self, stream: &StreamName, events: Vec<RecordedEvent>) -> Result<Vec<RecordedEvent>, LogError> {
        Ok(if is_of_a_flag(stream) { (self.0)(events) } else { events })
    }
}

/// Has each writer read something else of the flag that it follows; it remembers for itself.
struct Follows<F>(F);

impl<F, R> SwitchHook for Follows<F>
where
    F: Fn() -> R + Send + Sync,
    R: Fn(Vec<RecordedEvent>) -> Vec<RecordedEvent> + Send + Sync + 'static,
{
    fn followed(&self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        hooked_log(log, &Hooks::default().with_log(ReadsFlag((self.0)())))
    }
}

fn followed<R>(reads: impl Fn() -> R + Send + Sync + 'static) -> Hooks
where
    R: Fn(Vec<RecordedEvent>) -> Vec<RecordedEvent> + Send + Sync + 'static,
{
    Hooks::default().with_switch(Follows(reads))
}

/// Takes another place for that of the throw.
fn thrown_at(place: impl Fn(Option<u64>) -> Option<u64> + Copy + Send + Sync + 'static) -> Hooks {
    let reads = move |mut events: Vec<RecordedEvent>| {
        for event in &mut events {
            if let Ok(SwitchEvent::ModeChanged { operation, mode, positions, at }) =
                SwitchEvent::from_json(&event.data)
            {
                let CategoryPositions { interview, sentence } = positions;
                let positions = CategoryPositions { interview: place(interview), sentence: place(sentence) };
                let changed = SwitchEvent::ModeChanged { operation, mode, positions, at };
                event.data = changed.to_json().into();
            }
        }
        events
    };
    throws(move |system| {
        let hooks = Hooks::default().with_log(ReadsFlag(reads));
        System { log: hooked_log(system.log, &hooks), ..system }
    })
}

/// Does not close the turnstile.
struct NeverCloses;

impl GraphHook for NeverCloses {
    fn apply(&self, batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        let turnstile = fence::turnstile();
        Ok(if batch.iter().all(|set| turnstile.is_passed_by(set)) { Vec::new() } else { batch })
    }
}

/// A graph in which nobody looks for an outbox.
struct WithoutOutbox(Arc<dyn Graph>);

#[async_trait]
impl Interposed for WithoutOutbox {
    fn inner(&self) -> &dyn Graph {
        &*self.0
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        if label == Label::OutboxEntry.as_str() {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        self.0.nodes(label, after, limit).await
    }
}

/// Waits for less than all events to be applied.
#[derive(Clone, Copy)]
enum WaitsFor {
    Nothing,
    /// Those that the group of this projection delivers about interviews.
    Interviews,
}

impl SwitchHook for WaitsFor {
    fn path(&self, inner: Arc<dyn ProjectedPath>, system: &System) -> Arc<dyn ProjectedPath> {
        Arc::new(Impatient { inner, log: system.log.clone(), waits_for: *self })
    }
}

struct Impatient {
    inner: Arc<dyn ProjectedPath>,
    log: Arc<dyn EventLog>,
    waits_for: WaitsFor,
}

impl Impatient {
    async fn interviews(&self, last: Option<u64>) -> Result<(), PathError> {
        let group = Groups::in_production().interview;
        while !self.log.group_info(&group).await?.is_caught_up_with(last) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

#[async_trait]
impl ProjectedPath for Impatient {
    async fn has_applied(&self, positions: CategoryPositions) -> Result<(), PathError> {
        match self.waits_for {
            WaitsFor::Nothing => Ok(()),
            WaitsFor::Interviews => tokio::select! {
                biased;
                applied = self.interviews(positions.interview) => applied,
                applied = self.inner.has_applied(positions) => applied,
            },
        }
    }
}

/// Takes the change out of a set that says how far the way back has come; there is one in each of its sets, and in no other.
fn take_progress(set: &mut ChangeSet) -> Option<Change> {
    let is_progress =
        |change: &Change| matches!(change, Change::Upsert { node, .. } if node.label() == Label::CatchUp);
    let at = set.changes.iter().position(is_progress)?;
    Some(set.changes.remove(at))
}

/// Returns the hooks of a way back that changes single changes; an empty answer leaves one out.
fn way_back(writes: impl Fn(Change) -> Vec<Change> + Send + Sync + 'static) -> Hooks {
    let writes = Writes(move |set: &mut ChangeSet| {
        if let Some(progress) = take_progress(set) {
            let changes = std::mem::take(&mut set.changes);
            set.changes = changes.into_iter().flat_map(&writes).chain([progress]).collect();
        }
    });
    Hooks::default().with_graph("direct", writes)
}

fn keeps_what_is_deleted(change: Change) -> Vec<Change> {
    match &change {
        Change::Remove { node } if matches!(node.label(), Label::Sentence | Label::Interview) => vec![],
        _ => vec![change],
    }
}

/// Throws the flag to where it was to go when it is to be given up.
struct Forces;

impl SwitchHook for Forces {
    fn system(&self, system: System) -> System {
        let hooks = Hooks::default().with_log(NeverGivesUp);
        System { log: hooked_log(system.log, &hooks), ..system }
    }

    fn goes_on_after(&self, refusal: &SwitchError) -> bool {
        matches!(refusal, SwitchError::Differ(_))
    }
}

struct NeverGivesUp;

impl LogHook for NeverGivesUp {
    fn append(&self, _stream: &StreamName, mut events: Vec<NewEvent>) -> Result<Vec<NewEvent>, LogError> {
        for event in &mut events {
            if event.event_type == "SwitchAbandoned"
                && let Ok(SwitchEvent::Abandoned { operation, at, .. }) = SwitchEvent::from_json(&event.data)
            {
                let positions = CategoryPositions::default();
                let forced = SwitchEvent::ModeChanged { operation, mode: Mode::Dual, positions, at };
                event.event_type = forced.event_type().into();
                event.data = forced.to_json();
            }
        }
        Ok(events)
    }
}
