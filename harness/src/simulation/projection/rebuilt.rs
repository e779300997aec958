//! A second graph of the same events: what a service makes of the log that was written, from its first event on and in the order of
//! commit, when nothing goes wrong. What a schedule projects through all of its faults must equal it, to the last property. The model
//! knows no times; this graph has them.
//!
//! It is the projection's own code at another time, in another process, as when a graph is built again. So the hooks stand round it as
//! well, under the names that scenarios give to a rebuilt graph and its groups.

use std::sync::Arc;

use cutover_core::graph::ChangeSet;
use cutover_core::ids::{AggregateId, InterviewId, SentenceId};
use cutover_core::projector::{Action, Delivery, DeliveryId, Failure, Input, Projector, Subscription};
use cutover_engines::event_log::Delivered;
use cutover_engines::graph::{ApplyError, PropertyGraph, Schema};
use cutover_service::projection::Groups;

use super::plan::Plan;
use super::recorder::Append;
use super::store::{home_of, key_of};
use super::world::failure;
use crate::provision::hooks::{GraphHook, Hooks, LogHook};
use crate::simulation::projection::audit::Key;
use crate::simulation::violation::Violation;

/// The name of the graph and of its groups.
pub(super) const REBUILT: &str = "rebuilt";

/// How often the projector may wake up after everything was delivered. Without a defect it never has to.
const WAKES_MAX: u32 = 1_000;

/// Builds the graph of a log.
///
/// # Errors
///
/// [`Violation::HealthyParked`] when an event of it will not do, and [`Violation::Stuck`] when it comes to no end.
pub(super) fn rebuild(plan: &Plan, hooks: &Hooks, log: &[Append]) -> Result<PropertyGraph, Violation> {
    let mut service = Service {
        projector: Projector::new(plan.projector_settings(plan.lanes, plan.limits_table())),
        graph: PropertyGraph::new(Schema::Projected),
        groups: Groups::named(REBUILT),
        log_hook: hooks.log(),
        graph_hook: hooks.graph(REBUILT),
        log,
        delivered: Vec::new(),
        positions: [0; 2],
        now_ms: 0,
        wake_at_ms: None,
    };
    for append in log {
        service.deliver(append)?;
    }
    service.come_to_an_end()?;
    Ok(service.graph)
}

struct Service<'a> {
    projector: Projector,
    graph: PropertyGraph,
    groups: Groups,
    log_hook: Arc<dyn LogHook>,
    graph_hook: Arc<dyn GraphHook>,
    log: &'a [Append],
    /// Which event each delivery is about.
    delivered: Vec<Option<Key>>,
    /// How many events each subscription has delivered.
    positions: [u64; 2],
    now_ms: u64,
    wake_at_ms: Option<u64>,
}

impl Service<'_> {
    fn deliver(&mut self, append: &Append) -> Result<(), Violation> {
        let subscription = match append.stream.aggregate() {
            Some(AggregateId::Interview(_)) => Subscription::Interview,
            Some(AggregateId::Sentence(_)) => Subscription::Sentence,
            None => return Ok(()),
        };
        let position = &mut self.positions[subscription as usize];
        let mut delivered = Vec::with_capacity(append.events.len());
        for event in append.recorded() {
            let ack_id = event.id;
            let (event, at) = (Some(event), *position);
            delivered.push(Delivered { ack_id, event, replayed: false, retry_count: 0, position: at });
            *position += 1;
        }
        // Where a defect lets nobody have them, the comparison shows what is missing.
        let delivered = self.log_hook.deliver(self.groups.of(subscription), delivered).unwrap_or_default();
        for event in delivered.into_iter().filter_map(|delivered| delivered.event) {
            let id = DeliveryId(self.delivered.len() as u64);
            self.delivered.push(key_of(&event));
            self.tell(Input::Delivered(Delivery {
                id,
                subscription,
                event,
                replayed: false,
                retry_count: 0,
            }));
        }
        self.carry_out()
    }

    fn come_to_an_end(&mut self) -> Result<(), Violation> {
        for _ in 0..WAKES_MAX {
            if self.projector.is_idle() {
                return Ok(());
            }
            let Some(at_ms) = self.wake_at_ms.take() else { break };
            self.now_ms = self.now_ms.max(at_ms);
            self.tell(Input::Tick);
            self.carry_out()?;
        }
        let owed = self.projector.queue_depth().iter().map(|&events| events as u64).sum();
        Err(Violation::Stuck { owed, parked: 0 })
    }

    fn tell(&mut self, input: Input) {
        self.projector.handle(self.now_ms, input);
    }

    fn carry_out(&mut self) -> Result<(), Violation> {
        while let Some(action) = self.projector.poll() {
            match action {
                Action::Apply { batch, change_sets, .. } => match self.apply(&change_sets) {
                    Ok(()) => self.tell(Input::Committed { batch }),
                    Err(failure) => self.tell(Input::Failed { batch, failure }),
                },
                Action::Check { aggregates } => {
                    let versions =
                        aggregates.iter().map(|&aggregate| self.graph.version(aggregate)).collect();
                    let reason = || "out of reach".to_owned();
                    match self.graph_hook.versions(&aggregates, versions) {
                        Ok(versions) => {
                            self.tell(Input::Versions(aggregates.into_iter().zip(versions).collect()));
                        }
                        Err(_) => self.tell(Input::CheckFailed { aggregates, reason: reason() }),
                    }
                }
                Action::Locate { sentence } => {
                    let interview = self.home(sentence);
                    self.tell(Input::Located { sentence, interview });
                }
                Action::Park { delivery, reason } => {
                    let key = self.delivered.get(delivery.0 as usize).copied().flatten();
                    if let Some((aggregate, version)) = key {
                        let reason = reason.to_string();
                        return Err(Violation::HealthyParked { aggregate, version, reason });
                    }
                }
                Action::WakeAt(ms) => self.wake_at_ms = Some(ms),
                Action::Acknowledge(_) | Action::Pause | Action::Resume => {}
            }
        }
        Ok(())
    }

    fn apply(&mut self, sets: &[ChangeSet]) -> Result<(), Failure> {
        let passed = self.graph_hook.apply(sets.to_vec()).map_err(failure)?;
        let answer = self.graph.apply(&passed).map_err(ApplyError::Conflict);
        self.graph_hook.applied(sets, answer).map_err(failure)
    }

    /// Returns the interview that the first event of a sentence names.
    fn home(&self, sentence: SentenceId) -> Option<InterviewId> {
        let stream = AggregateId::Sentence(sentence).stream_name();
        let first = self.log.iter().find(|append| append.at == 0 && append.stream == stream)?;
        let events = first.recorded().take(1).collect();
        home_of(self.log_hook.read(&stream, events).ok()?.first()?)
    }
}
