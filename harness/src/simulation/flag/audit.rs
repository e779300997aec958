//! What is seen of a schedule from outside: every write that took effect, in the order in which it did. What must hold of them is
//! looked at here, whatever those who write believe.

use std::sync::{Mutex, MutexGuard};

use cutover_core::event::RecordedEvent;
use cutover_core::graph::{Change, ChangeSet, Label};
use cutover_core::ids::{AggregateId, StreamName};
use cutover_core::switch::{Mode, Step, SwitchEvent, SwitchState, is_of_a_flag};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::network::Actor;
use crate::simulation::trace::Trace;
use crate::simulation::violation::Violation;

/// Sees everything.
pub(super) struct Audit {
    begun: Instant,
    seen: Mutex<Seen>,
    /// Told when something does not hold.
    violated: Notify,
}

struct Seen {
    trace: Trace,
    /// The flag, as it is.
    flag: SwitchState,
    violation: Option<Violation>,
    tally: Tally,
}

/// How much was done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    /// Events that people, or the outbox, brought into the store.
    pub(super) events: u64,
    /// Calls.
    pub(super) calls: u64,
    /// Batches that took effect in either graph.
    pub(super) batches: u64,
    /// Events of the flag.
    pub(super) flag_events: u64,
    /// How often the flag was thrown.
    pub(super) throws: u64,
    /// How often a throw was given up.
    pub(super) given_up: u64,
}

impl Audit {
    pub(super) fn new(with_lines: bool) -> Self {
        let seen = Seen {
            trace: Trace::new(with_lines),
            flag: SwitchState::default(),
            violation: None,
            tally: Tally::default(),
        };
        Self { begun: Instant::now(), seen: Mutex::new(seen), violated: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics while he takes something down")
    }

    /// Takes something down.
    pub(super) fn note(&self, kind: &'static str, numbers: &[u64], text: impl FnOnce() -> String) {
        self.note_about(kind, numbers, None, text);
    }

    fn note_about(
        &self,
        kind: &'static str,
        numbers: &[u64],
        about: Option<AggregateId>,
        text: impl FnOnce() -> String,
    ) {
        let at_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.lock().trace.note(at_ms, kind, numbers, about, text);
    }

    /// Counts a call.
    pub(super) fn call(&self) {
        self.lock().tally.calls += 1;
    }

    /// Sees events that are in the store since just now.
    pub(super) fn appended(&self, actor: Actor, stream: &StreamName, events: &[RecordedEvent]) {
        let Some(last) = events.last() else { return };
        let types = || events.iter().map(|event| event.event_type.as_str()).collect::<Vec<_>>().join(", ");
        self.note_about("appended", &[actor.number(), last.revision], stream.aggregate(), || {
            format!("{actor} appends {} to {stream}, which ends at {}", types(), last.revision)
        });
        if is_of_a_flag(stream) {
            events
                .iter()
                .filter_map(|event| SwitchEvent::from_json(&event.data).ok())
                .for_each(|event| self.lock().flag_changes(&event));
            return;
        }
        let mut seen = self.lock();
        seen.tally.events += events.len() as u64;
        let violation = is_drained(&seen.flag).then(|| Violation::WrittenBehindTheFence {
            what: format!("{actor} appends {} to {stream}", types()),
        });
        self.tell(&mut seen, violation);
    }

    /// Sees a batch that took effect in the direct graph.
    pub(super) fn written(&self, actor: Actor, batch: &[ChangeSet]) {
        let changes = batch.iter().map(|set| set.changes.len()).sum::<usize>();
        self.note("written", &[actor.number(), changes as u64], || {
            format!("{actor} writes the direct graph: {changes} changes")
        });
        let mut seen = self.lock();
        seen.tally.batches += 1;
        let violation = against(&seen.flag, actor, batch);
        self.tell(&mut seen, violation);
    }

    fn tell(&self, seen: &mut Seen, violation: Option<Violation>) {
        if let Some(violation) = violation {
            seen.violation.get_or_insert(violation);
            self.violated.notify_one();
        }
    }

    /// Sees a batch that took effect in the projected graph.
    pub(super) fn projected(&self, actor: Actor, batch: &[ChangeSet]) {
        self.note("projected", &[actor.number(), batch.len() as u64], || {
            format!("{actor} writes the projected graph: {} events", batch.len())
        });
        self.lock().tally.batches += 1;
    }

    /// Returns when something does not hold.
    pub(super) async fn violated(&self) -> Violation {
        loop {
            if let Some(violation) = self.violation() {
                return violation;
            }
            self.violated.notified().await;
        }
    }

    /// Returns the first thing that does not hold.
    pub(super) fn violation(&self) -> Option<Violation> {
        self.lock().violation.clone()
    }

    /// Returns how much has happened to the flag.
    pub(super) fn flag_events(&self) -> u64 {
        self.lock().tally.flag_events
    }

    pub(super) fn tally(&self) -> Tally {
        self.lock().tally
    }

    /// Takes the trace out.
    pub(super) fn take_trace(&self) -> Trace {
        std::mem::replace(&mut self.lock().trace, Trace::new(false))
    }
}

impl Seen {
    fn flag_changes(&mut self, event: &SwitchEvent) {
        self.flag = std::mem::take(&mut self.flag).evolve(event);
        self.tally.flag_events += 1;
        self.tally.throws += u64::from(matches!(event, SwitchEvent::ModeChanged { .. }));
        self.tally.given_up += u64::from(matches!(event, SwitchEvent::Abandoned { .. }));
    }
}

/// Returns what is wrong with a batch that has taken effect in the direct graph while the flag is like this.
fn against(flag: &SwitchState, actor: Actor, batch: &[ChangeSet]) -> Option<Violation> {
    let mut changes = batch.iter().flat_map(|set| &set.changes);
    match actor {
        // Entries that are done with are taken away at any time.
        Actor::Writer(_) if changes.all(is_of_the_outbox) => None,
        Actor::Writer(_) => {
            let what = format!("{actor} writes the direct graph");
            match flag.mode {
                Mode::Projected => Some(Violation::WrittenAgainstTheFlag { what }),
                _ => is_drained(flag).then_some(Violation::WrittenBehindTheFence { what }),
            }
        }
        Actor::Operator(_) if flag.mode != Mode::Projected && changes.any(is_of_the_way_back) => {
            let what = format!("{actor} is on the way back, which is over,");
            Some(Violation::WrittenAgainstTheFlag { what })
        }
        Actor::Operator(_) | Actor::Projection => None,
    }
}

/// Returns whether there is a fence, behind which everything is drained: nobody writes any more.
fn is_drained(flag: &SwitchState) -> bool {
    flag.under_way.as_ref().is_some_and(|under_way| under_way.step >= Step::Drained)
}

fn is_of_the_outbox(change: &Change) -> bool {
    matches!(change, Change::Remove { node } if node.label() == Label::OutboxEntry)
}

fn is_of_the_way_back(change: &Change) -> bool {
    matches!(change, Change::Upsert { node, .. } if node.label() == Label::CatchUp)
}
