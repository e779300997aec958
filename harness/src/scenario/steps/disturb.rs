//! Faults and poison: how they are drawn, waited for, and taken away.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::ids::AggregateId;
use cutover_engines::event_log::{EventLog, LogError};
use rand::RngExt;
use rand::seq::IndexedRandom;
use smol_str::SmolStr;
use tokio::time::Instant;

use super::{StepError, World};

/// How long to wait before something is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(5);

impl World<'_> {
    /// Ends every fault, and the poison.
    pub(super) fn heal(&self) {
        self.injector.heal();
        self.projected.values().for_each(|projected| projected.poison.heal());
    }

    /// Waits until faults have struck so often, from now on.
    pub(super) async fn await_faults(&self, times: u64) -> Result<(), StepError> {
        let before = self.injector.struck_in_all();
        let waited = self.injector.struck_times(before + times);
        tokio::time::timeout(self.patience, waited).await.map_err(|_| StepError::NoFaults {
            struck: self.injector.struck_in_all() - before,
            wanted: times,
            waited: self.patience,
        })
    }

    /// Draws sentences with events that a graph has not got yet, and poisons one of these each: not the last one, unless there is no
    /// other, so that something is behind it.
    pub(super) async fn poison(&mut self, into: &SmolStr, sentences: u32) -> Result<(), StepError> {
        self.make_ready(into).await?;
        let last = self.last_versions("Sentence-").await?;
        let aggregates: Vec<AggregateId> = last.keys().copied().collect();
        let applied = self.projected[into].graph.versions(&aggregates).await?;
        let eligible: Vec<(AggregateId, u64, u64)> = last
            .into_iter()
            .zip(applied)
            .map(|((aggregate, last), applied)| (aggregate, applied.map_or(0, |applied| applied + 1), last))
            .filter(|(_, next, last)| next <= last)
            .collect();
        if eligible.len() < sentences as usize {
            let (graph, eligible) = (into.clone(), eligible.len());
            return Err(StepError::NothingToPoison { graph, eligible, wanted: sentences });
        }
        let drawn: Vec<_> = eligible.sample(&mut self.poisonings, sentences as usize).copied().collect();
        for (aggregate, next, last) in drawn {
            let version = self.poisonings.random_range(next..last.max(next + 1));
            self.projected[into].poison.refuse(aggregate, version);
        }
        Ok(())
    }

    /// Asks the store for the last version of every aggregate whose stream begins like this.
    pub(super) async fn last_versions(&self, prefix: &str) -> Result<BTreeMap<AggregateId, u64>, LogError> {
        let log = self.engines.log();
        let mut versions = BTreeMap::new();
        for stream in self.streams.names() {
            let Some(aggregate) = stream.aggregate().filter(|_| stream.as_str().starts_with(prefix)) else {
                continue;
            };
            if let Some(last) = log.last_revision(&stream).await? {
                versions.insert(aggregate, last);
            }
        }
        Ok(versions)
    }

    /// Asks something of the event log, again and again while the world stands in the way.
    pub(super) async fn persistently<T, F: Future<Output = Result<T, LogError>>>(
        &mut self,
        ask: impl Fn(Arc<dyn EventLog>) -> F,
    ) -> Result<T, StepError> {
        let began = Instant::now();
        loop {
            let answered = self.until_death(ask(self.log.clone())).await;
            match answered {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(error)) if error.is_transient() && began.elapsed() < self.patience => {
                    if self.injector.is_down() {
                        self.restart().await;
                    } else {
                        tokio::time::sleep(TRY_AGAIN_AFTER).await;
                    }
                }
                Some(Err(error)) => return Err(error.into()),
                None => self.restart().await,
            }
        }
    }
}
