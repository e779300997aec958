//! When in a scenario the events of each projection were committed, and how many waited in each lane: for the charts of the reports,
//! and for nothing else. The main type is [`Timeline`].
//!
//! It watches graphs from inside the wrappers that disturb them, so that only what took effect is counted; services tell it of their
//! lanes. It asks no engine anything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use cutover_core::graph::ChangeSet;
use cutover_engines::graph::{ApplyError, Graph, Interposed};
use cutover_service::projection::Watcher;
use smol_str::SmolStr;

use crate::result::{LaneSample, Sample};
use crate::thinned::Thinned;

/// How many samples of the lanes are kept at most.
const LANE_SAMPLES_MAX: usize = 48;

/// How many events each graph has had committed, and when; and how many waited for it, lane by lane.
#[derive(Debug)]
pub struct Timeline {
    begin: Instant,
    graphs: Mutex<BTreeMap<SmolStr, Committed>>,
    lanes: Mutex<BTreeMap<SmolStr, Waiting>>,
}

/// How many events wait for a graph.
#[derive(Debug, Default)]
struct Waiting {
    /// In each service that runs now.
    services: Vec<Vec<usize>>,
    samples: Thinned<LaneSample>,
    last: Vec<u64>,
}

#[derive(Debug, Default)]
struct Committed {
    events: u64,
    samples: Thinned<Sample>,
    /// The newest, which thinning may have left out.
    last: Option<Sample>,
}

impl Timeline {
    /// Begins a timeline at a moment.
    pub fn new(begin: Instant) -> Self {
        Self { begin, graphs: Mutex::default(), lanes: Mutex::default() }
    }

    /// Returns a graph whose commits are recorded under a name.
    pub fn watch(self: &Arc<Self>, graph: Arc<dyn Graph>, name: SmolStr) -> Arc<dyn Graph> {
        Arc::new(Watched { inner: graph, name, timeline: self.clone() })
    }

    /// Returns how many events were committed to a graph at which moments, in order.
    pub fn committed(&self, name: &str) -> Vec<Sample> {
        let graphs = self.graphs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(committed) = graphs.get(name) else { return Vec::new() };
        let mut samples = committed.samples.kept().to_vec();
        samples.extend(committed.last.filter(|last| samples.last() != Some(last)));
        samples
    }

    /// Returns somebody to tell of the lanes of each of so many services that write a graph at once.
    pub fn watch_lanes(self: &Arc<Self>, name: &SmolStr, services: usize) -> Vec<Arc<dyn Watcher>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.entry(name.clone()).or_default().services = vec![Vec::new(); services];
        let of = |service| -> Arc<dyn Watcher> {
            Arc::new(WatchedLanes { name: name.clone(), service, timeline: Arc::clone(self) })
        };
        (0..services).map(of).collect()
    }

    /// Returns how many events waited in the lanes of a projection at which moments, in order.
    pub fn waiting(&self, name: &str) -> Vec<LaneSample> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = lanes.get(name).map(|waiting| waiting.samples.kept()) else { return Vec::new() };
        kept.iter().step_by(kept.len().div_ceil(LANE_SAMPLES_MAX).max(1)).cloned().collect()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note_lanes(&self, name: &SmolStr, service: usize, depth: &[usize]) {
        let at_ms = self.now_ms();
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = lanes.entry(name.clone()).or_default();
        // One that was replaced by another, and has not noticed yet.
        let Some(own) = waiting.services.get_mut(service) else { return };
        own.clear();
        own.extend_from_slice(depth);
        let mut sum = vec![0; waiting.services.iter().map(Vec::len).max().unwrap_or(0)];
        for service in &waiting.services {
            sum.iter_mut().zip(service).for_each(|(sum, depth)| *sum += *depth as u64);
        }
        if sum != waiting.last {
            waiting.samples.push(LaneSample { at_ms, waiting: sum.clone() });
            waiting.last = sum;
        }
    }

    fn count(&self, name: &SmolStr, events: u64) {
        let at_ms = self.now_ms();
        let mut graphs = self.graphs.lock().unwrap_or_else(PoisonError::into_inner);
        let committed = graphs.entry(name.clone()).or_default();
        committed.events += events;
        let sample = Sample { at_ms, events: committed.events };
        committed.samples.push(sample);
        committed.last = Some(sample);
    }
}

struct WatchedLanes {
    name: SmolStr,
    service: usize,
    timeline: Arc<Timeline>,
}

impl Watcher for WatchedLanes {
    fn queue_depth(&self, depth: &[usize]) {
        self.timeline.note_lanes(&self.name, self.service, depth);
    }
}

struct Watched {
    inner: Arc<dyn Graph>,
    name: SmolStr,
    timeline: Arc<Timeline>,
}

#[async_trait]
impl Interposed for Watched {
    fn inner(&self) -> &dyn Graph {
        &*self.inner
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        self.inner.apply(batch).await?;
        self.timeline.count(&self.name, batch.len() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cutover_core::ids::AggregateId;
    use cutover_engines::graph::{MemoryGraph, Schema};

    use super::*;

    #[tokio::test]
    async fn what_was_committed_is_counted_and_what_was_refused_is_not() {
        let timeline = Arc::new(Timeline::new(Instant::now()));
        let graph = timeline.watch(Arc::new(MemoryGraph::new(Schema::Projected)), "projected".into());
        let set = ChangeSet::default();
        graph.apply(&[set.clone(), set.clone()]).await.expect("nothing to refuse");
        graph.apply(&[set]).await.expect("nothing to refuse");
        let guard = cutover_core::graph::Guard { aggregate: aggregate(), version: 7 };
        let early = ChangeSet { guard: Some(guard), changes: vec![] };
        graph.apply(&[early]).await.expect_err("a version that is too high");
        let counts: Vec<u64> = timeline.committed("projected").iter().map(|sample| sample.events).collect();
        assert_eq!(counts, [2, 3]);
        assert_eq!(timeline.committed("rebuilt"), []);
    }

    #[test]
    fn what_waits_is_summed_over_services_and_kept_when_it_changes() {
        let timeline = Arc::new(Timeline::new(Instant::now()));
        let name = SmolStr::new_static("projected");
        let waiting = || -> Vec<Vec<u64>> {
            timeline.waiting("projected").into_iter().map(|sample| sample.waiting).collect()
        };
        let two = timeline.watch_lanes(&name, 2);
        two[0].queue_depth(&[3, 0]);
        two[1].queue_depth(&[1, 2]);
        two[1].queue_depth(&[1, 2]);
        two[0].queue_depth(&[0, 0]);
        assert_eq!(waiting(), [[3, 0], [4, 2], [1, 2]]);
        let one = timeline.watch_lanes(&name, 1);
        one[0].queue_depth(&[0, 0]);
        two[1].queue_depth(&[9, 9]);
        assert_eq!(waiting().last(), Some(&vec![0, 0]), "who was replaced is not listened to");
        for number in 0..1_000 {
            one[0].queue_depth(&[number % 7, 1]);
        }
        assert!(waiting().len() <= LANE_SAMPLES_MAX);
        assert_eq!(timeline.waiting("rebuilt"), []);
    }

    fn aggregate() -> AggregateId {
        AggregateId::Interview(cutover_core::ids::InterviewId::for_file("a.txt"))
    }
}
