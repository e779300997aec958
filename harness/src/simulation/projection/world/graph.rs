//! The graph, and the store as far as it is asked: what a service waits for comes to its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover_core::graph::ChangeSet;
use cutover_core::ids::{AggregateId, SentenceId};
use cutover_core::projector::{Failure, Input};
use cutover_engines::graph::{ApplyError, GraphError};

use super::World;
use crate::simulation::fault::Fault;
use crate::simulation::projection::audit::Key;
use crate::simulation::projection::service::Task;
use crate::simulation::projection::store::home_of;
use crate::simulation::violation::Violation;

/// How long a service waits for a batch.
pub(super) const APPLY_TIMEOUT_MS: u64 = 30_000;

impl World<'_> {
    pub(super) fn finish(&mut self, at: usize, task: usize) -> Result<(), Violation> {
        let input = match self.services[at].tasks.swap_remove(task) {
            Task::Apply { batch, sets, given_up_at_ms: Some(_) } => {
                self.fault(Fault::CommitSlow, || format!("service {at} waits no longer"));
                self.late.push(sets);
                let reason = format!("no answer within {APPLY_TIMEOUT_MS} ms");
                Input::Failed { batch, failure: Failure::Unavailable { reason } }
            }
            Task::Apply { batch, sets, given_up_at_ms: None } => match self.apply(at, &sets)? {
                Ok(()) => Input::Committed { batch },
                Err(failure) => Input::Failed { batch, failure },
            },
            Task::Check { aggregates } => self.versions(aggregates),
            Task::Locate { sentence } => self.locate(sentence),
        };
        self.tell(at, input)
    }

    /// Applies a batch of a service; answers with what the service hears of it.
    fn apply(&mut self, at: usize, sets: &Arc<Vec<ChangeSet>>) -> Result<Result<(), Failure>, Violation> {
        // The program's error path sees it, too: a defect may take it for something else.
        let hook = self.graph_hook.clone();
        let unavailable = || {
            let (during, source) = ("apply changes", "out of reach".into());
            hook.applied(sets, Err(GraphError::Unavailable { during, source }.into())).map_err(failure)
        };
        if self.outage_until_ms > self.now_ms {
            self.note("away", &[at as u64], || format!("service {at} finds no graph"));
            return Ok(unavailable());
        }
        if self.dice.fires(Fault::GraphUnreachable) {
            self.fault(Fault::GraphUnreachable, || format!("for a batch of service {at}"));
            return Ok(unavailable());
        }
        if self.dice.fires(Fault::BatchTooLarge) {
            self.fault(Fault::BatchTooLarge, || format!("{} events of service {at}", sets.len()));
            return Ok(Err(Failure::TooLarge { reason: "too little memory".to_owned() }));
        }
        let answer = self.commit(at, sets)?;
        if answer.is_ok() && self.dice.fires(Fault::CommitReplyLost) {
            self.fault(Fault::CommitReplyLost, || format!("to service {at}"));
            return Ok(unavailable());
        }
        Ok(answer)
    }

    /// Commits a batch if its guards fit and nothing in it is refused.
    pub(super) fn commit(
        &mut self,
        at: usize,
        sets: &Arc<Vec<ChangeSet>>,
    ) -> Result<Result<(), Failure>, Violation> {
        let passed = match self.graph_hook.apply(sets.to_vec()) {
            Ok(passed) => passed,
            Err(error) => return Ok(Err(failure(error))),
        };
        let keys = || sets.iter().filter_map(|set| set.guard).map(|guard| (guard.aggregate, guard.version));
        let is_poisoned = self.dice.is_rough() && keys().any(|key| self.poison.contains(&key));
        // As in a database, guards are looked at first: what does not fit is not tried.
        let answer = if is_poisoned && self.fits(keys()) {
            self.dice.count(Fault::Poison);
            let source = Box::new(Refused);
            Err(ApplyError::Graph(GraphError::Refused { during: "apply changes", source }))
        } else {
            self.graph.apply(&passed).map_err(ApplyError::Conflict)
        };
        let is_committed = answer.is_ok();
        self.trace.note(
            self.now_ms,
            if is_committed { "commit" } else { "refuse" },
            &[at as u64, sets.len() as u64],
            keys().map(|(aggregate, _)| aggregate),
            || {
                let events: Vec<String> =
                    keys().map(|(aggregate, version)| format!("{version} of {aggregate}")).collect();
                let what = events.join(", ");
                match &answer {
                    Ok(()) => format!("the graph commits for service {at}: {what}"),
                    Err(error) => format!("the graph refuses for service {at} ({error}): {what}"),
                }
            },
        );
        if is_committed {
            self.work.batches += 1;
            for key in keys() {
                self.audit.applied(key)?;
            }
        }
        Ok(self.graph_hook.applied(sets, answer).map_err(failure))
    }

    /// Returns whether versions go on top of what is in the graph, one after the other.
    fn fits(&self, keys: impl Iterator<Item = Key>) -> bool {
        let mut next: BTreeMap<AggregateId, u64> = BTreeMap::new();
        for (aggregate, version) in keys {
            let in_graph = || self.graph.version(aggregate).map_or(0, |version| version + 1);
            let next = next.entry(aggregate).or_insert_with(in_graph);
            if version != *next {
                return false;
            }
            *next += 1;
        }
        true
    }

    fn versions(&mut self, aggregates: Vec<AggregateId>) -> Input {
        let untold = |aggregates| Input::CheckFailed { aggregates, reason: "out of reach".to_owned() };
        if self.outage_until_ms > self.now_ms {
            return untold(aggregates);
        }
        if self.dice.fires(Fault::VersionsUntold) {
            self.fault(Fault::VersionsUntold, || format!("{} aggregates", aggregates.len()));
            return untold(aggregates);
        }
        let versions = aggregates.iter().map(|&aggregate| self.graph.version(aggregate)).collect();
        match self.graph_hook.versions(&aggregates, versions) {
            Ok(versions) => Input::Versions(aggregates.into_iter().zip(versions).collect()),
            Err(_) => untold(aggregates),
        }
    }

    fn locate(&mut self, sentence: SentenceId) -> Input {
        if self.dice.fires(Fault::SentenceNotLocated) {
            self.fault(Fault::SentenceNotLocated, || format!("Sentence-{sentence}"));
            return Input::LocateFailed { sentence };
        }
        let (stream, events) = self.store.first_event(sentence, self.now_ms);
        let Ok(events) = self.log_hook.read(&stream, events) else {
            return Input::LocateFailed { sentence };
        };
        Input::Located { sentence, interview: events.first().and_then(home_of) }
    }
}

/// The graph does not take this.
#[derive(Debug, thiserror::Error)]
#[error("poison")]
struct Refused;

/// Returns what a service hears of a refusal.
pub(in crate::simulation) fn failure(error: ApplyError) -> Failure {
    match error {
        ApplyError::Conflict(conflicts) => Failure::Conflict(
            conflicts.into_iter().map(|conflict| (conflict.aggregate, conflict.current)).collect(),
        ),
        ApplyError::Graph(error) => {
            let reason = crate::error::chain(&error);
            match error {
                GraphError::TooLarge { .. } => Failure::TooLarge { reason },
                GraphError::Refused { .. } => Failure::Rejected { reason },
                GraphError::Unavailable { .. } | GraphError::Unusable { .. } => {
                    Failure::Unavailable { reason }
                }
            }
        }
    }
}
