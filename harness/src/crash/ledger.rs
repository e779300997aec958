//! How far the event store and the graph are: what was appended, what was acknowledged, what was applied. The main type is
//! [`Ledger`].
//!
//! It asks the engines themselves, and nobody else: a process that was killed can tell no more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cutover_core::ids::{AggregateId, StreamName};
use cutover_engines::event_log::{EventLog, GroupInfo, LogError};
use cutover_engines::graph::Graph;
use cutover_service::projection::Groups;

use crate::scenario::steps::StepError;

/// How many links are read at once.
const PAGE: usize = 4_096;
/// How long the store may take to notice that a consumer is dead. Its connection is closed by the operating system at once.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);
/// How often it is asked.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A look at both consumer groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Glance {
    /// Events that were acknowledged.
    pub(super) acknowledged: u64,
    /// Events that are delivered and not yet answered.
    pub(super) in_flight: u64,
    /// Events in the parking lots.
    pub(super) parked: u64,
}

/// How everything stands while nobody is at work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Events that the categories hold.
    pub(super) appended: u64,
    /// Events that were acknowledged.
    pub(super) acknowledged: u64,
    /// Events that the graph has applied: its aggregates' versions come to so many.
    pub(super) applied: u64,
    /// Events that the graph had applied when it was asked before, and has no longer.
    pub(super) undone: u64,
    /// Events in the parking lots.
    pub(super) parked: u64,
}

/// One aggregate: how many events it has, and how many of them the graph has applied.
#[derive(Debug, Clone, Copy, Default)]
struct Account {
    appended: u64,
    applied: u64,
}

/// Keeps account of every aggregate.
pub(super) struct Ledger {
    log: Arc<dyn EventLog>,
    graph: Arc<dyn Graph>,
    groups: Groups,
    /// The next link to be read of each category.
    next: [u64; 2],
    accounts: BTreeMap<AggregateId, Account>,
    /// The aggregates that the graph is behind with: the others need not be asked for again.
    behind: BTreeSet<AggregateId>,
    appended: u64,
    applied: u64,
}

impl Ledger {
    pub(super) fn new(log: Arc<dyn EventLog>, graph: Arc<dyn Graph>, groups: Groups) -> Self {
        let (accounts, behind) = (BTreeMap::new(), BTreeSet::new());
        Self { log, graph, groups, next: [0, 0], accounts, behind, appended: 0, applied: 0 }
    }

    /// Asks how the groups stand. Those that nobody has made yet stand at nothing.
    pub(super) async fn glance(&self) -> Result<Glance, StepError> {
        let mut glance = Glance::default();
        for group in [&self.groups.interview, &self.groups.sentence] {
            let info = match self.log.group_info(group).await {
                Err(LogError::NoSuchGroup { .. }) => GroupInfo::default(),
                info => info?,
            };
            glance.acknowledged += info.acknowledged;
            glance.in_flight += info.in_flight;
            glance.parked += info.parked;
        }
        Ok(glance)
    }

    /// Returns how many events wait that were there at the last measurement.
    pub(super) fn waiting(&self, glance: Glance) -> u64 {
        self.appended.saturating_sub(glance.acknowledged)
    }

    /// Asks whether everything that was appended has been delivered and answered.
    pub(super) async fn is_caught_up(&self) -> Result<bool, StepError> {
        for group in [&self.groups.interview, &self.groups.sentence] {
            let last = self.log.last_revision(&group.stream).await?;
            match self.log.group_info(group).await {
                Err(LogError::NoSuchGroup { .. }) => return Ok(false),
                Ok(info) if info.is_caught_up_with(last) => {}
                Ok(_) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Looks at everything, after the store has noticed that no consumer is left. To be asked while nobody is at work; what was
    /// acknowledged is looked at before what was applied, so that the answer can only be too kind, never a false alarm.
    pub(super) async fn measure(&mut self) -> Result<Standing, StepError> {
        let dead_since = Instant::now();
        let glance = loop {
            let glance = self.glance().await?;
            if glance.in_flight == 0 || dead_since.elapsed() > NOTICED_WITHIN {
                break glance;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        };
        self.read_appended().await?;
        let undone = self.read_applied().await?;
        let Glance { acknowledged, parked, in_flight: _ } = glance;
        let (appended, applied) = (self.appended, self.applied);
        Ok(Standing { appended, acknowledged, applied, undone, parked })
    }

    /// Looks at the graph again before the next process is delivered anything: what a dead one had asked for may have been committed
    /// since. Answers `None` when the next one has begun meanwhile.
    pub(super) async fn look_again(&mut self, before: Glance) -> Result<Option<Standing>, StepError> {
        let undone = self.read_applied().await?;
        let glance = self.glance().await?;
        let Glance { acknowledged, parked, in_flight: _ } = glance;
        let (appended, applied) = (self.appended, self.applied);
        Ok((glance == before).then_some(Standing { appended, acknowledged, applied, undone, parked }))
    }

    /// Asks the graph how far it is, and returns how many events it had applied and has no longer.
    async fn read_applied(&mut self) -> Result<u64, StepError> {
        let behind: Vec<AggregateId> = self.behind.iter().copied().collect();
        let versions = self.graph.versions(&behind).await?;
        let mut undone = 0;
        for (aggregate, version) in behind.into_iter().zip(versions) {
            let account = self.accounts.entry(aggregate).or_default();
            let applied = version.map_or(0, |version| version + 1);
            undone += account.applied.saturating_sub(applied);
            self.applied = self.applied + applied - account.applied;
            account.applied = applied;
            if applied == account.appended {
                self.behind.remove(&aggregate);
            }
        }
        Ok(undone)
    }

    /// Has the next measurement ask for every aggregate, those among them that the graph had caught up with.
    pub(super) fn distrust(&mut self) {
        self.behind.extend(self.accounts.keys());
    }

    /// Reads the links of the categories that came since the last time.
    async fn read_appended(&mut self) -> Result<(), StepError> {
        let categories = [&self.groups.interview, &self.groups.sentence].map(|group| group.stream.clone());
        for (category, next) in categories.iter().zip(&mut self.next) {
            loop {
                let links = self.log.read(category, *next, PAGE).await?;
                let Some(last) = links.last() else { break };
                *next = last.revision + 1;
                for link in &links {
                    if let Some((aggregate, revision)) = target_of(&link.data) {
                        let account = self.accounts.entry(aggregate).or_default();
                        self.appended += (revision + 1).saturating_sub(account.appended);
                        account.appended = account.appended.max(revision + 1);
                        self.behind.insert(aggregate);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads what a link leads to, `revision@stream`.
fn target_of(link: &[u8]) -> Option<(AggregateId, u64)> {
    let (revision, stream) = std::str::from_utf8(link).ok()?.split_once('@')?;
    Some((StreamName::new(stream).aggregate()?, revision.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use cutover_core::graph::{ChangeSet, Guard};
    use cutover_core::ids::{InterviewId, SentenceId};
    use cutover_engines::event_log::{ExpectedRevision, GroupSettings, NewEvent};
    use cutover_engines::graph::{MemoryGraph, Schema};
    use uuid::Uuid;

    use super::*;
    use crate::provision::{Embedded, Provision};

    fn sentence() -> AggregateId {
        AggregateId::Sentence(SentenceId::at(InterviewId::for_file("a.txt"), 0))
    }

    async fn append(log: &dyn EventLog, aggregate: AggregateId, count: u128) {
        let event = |number| NewEvent {
            id: Uuid::from_u128(number),
            event_type: "E".into(),
            data: b"{}".to_vec(),
            metadata: b"{}".to_vec(),
        };
        let events = (1..=count).map(event).collect();
        log.append(&aggregate.stream_name(), ExpectedRevision::Any, events).await.expect("an append");
    }

    async fn apply(graph: &MemoryGraph, aggregate: AggregateId, version: u64) {
        let guard = Some(Guard { aggregate, version });
        graph.apply(&[ChangeSet { guard, changes: Vec::new() }]).await.expect("a version");
    }

    #[tokio::test]
    async fn what_is_appended_applied_and_acknowledged_is_counted_apart() {
        let engines = Embedded.start().await.expect("an event store");
        let (log, graph) = (engines.log(), Arc::new(MemoryGraph::new(Schema::Projected)));
        let groups = Groups::in_production();
        let mut ledger = Ledger::new(log.clone(), graph.clone(), groups.clone());
        assert_eq!(ledger.measure().await.expect("a measurement"), Standing::default());

        append(&*log, sentence(), 3).await;
        apply(&graph, sentence(), 0).await;
        apply(&graph, sentence(), 1).await;
        let standing = ledger.measure().await.expect("a measurement");
        assert_eq!(standing, Standing { appended: 3, applied: 2, ..Standing::default() });
        assert!(!ledger.is_caught_up().await.expect("an answer"));

        for group in [&groups.interview, &groups.sentence] {
            log.ensure_group(group, &GroupSettings::default()).await.expect("a group");
        }
        let mut subscription = log.subscribe(&groups.sentence, 10).await.expect("a subscription");
        let first = subscription.receiver.next(1).await.expect("an event").remove(0);
        subscription.answers.acknowledge(vec![first.ack_id]).await.expect("an answer");
        while ledger.glance().await.expect("an answer").acknowledged == 0 {
            tokio::task::yield_now().await;
        }
        drop(subscription);
        apply(&graph, sentence(), 2).await;
        let standing = ledger.measure().await.expect("a measurement");
        assert_eq!((standing.applied, standing.acknowledged, standing.undone), (3, 1, 0));
        engines.stop().await;
    }

    #[tokio::test]
    async fn what_was_applied_and_is_no_longer_is_noticed() {
        let engines = Embedded.start().await.expect("an event store");
        let (log, graph) = (engines.log(), Arc::new(MemoryGraph::new(Schema::Projected)));
        let mut ledger = Ledger::new(log.clone(), graph.clone(), Groups::in_production());
        append(&*log, sentence(), 1).await;
        apply(&graph, sentence(), 0).await;
        assert_eq!(ledger.measure().await.expect("a measurement").applied, 1);
        graph.erase().await.expect("an empty graph");
        ledger.distrust();
        let standing = ledger.measure().await.expect("a measurement");
        assert_eq!((standing.applied, standing.undone), (0, 1));
        engines.stop().await;
    }

    #[test]
    fn a_link_is_read_as_the_store_writes_it() {
        let (name, id) = (sentence().stream_name(), sentence());
        assert_eq!(target_of(format!("7@{name}").as_bytes()), Some((id, 7)));
        assert_eq!(target_of(b"7@other-1"), None);
        assert_eq!(target_of(b"{}"), None);
    }
}
