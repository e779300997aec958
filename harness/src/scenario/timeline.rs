//! When in a scenario the events of each projection were committed: for the charts of the reports, and for nothing else. The main
//! type is [`Timeline`].
//!
//! It watches from inside the wrappers that disturb a graph, so that only what took effect is counted, and asks no engine
//! anything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use cutover_core::graph::ChangeSet;
use cutover_engines::graph::{ApplyError, Graph, Interposed};
use smol_str::SmolStr;

use crate::result::Sample;
use crate::thinned::Thinned;

/// How many events each graph has had committed, and when.
#[derive(Debug)]
pub struct Timeline {
    begin: Instant,
    graphs: Mutex<BTreeMap<SmolStr, Committed>>,
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
        Self { begin, graphs: Mutex::default() }
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

    fn count(&self, name: &SmolStr, events: u64) {
        let at_ms = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut graphs = self.graphs.lock().unwrap_or_else(PoisonError::into_inner);
        let committed = graphs.entry(name.clone()).or_default();
        committed.events += events;
        let sample = Sample { at_ms, events: committed.events };
        committed.samples.push(sample);
        committed.last = Some(sample);
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

    fn aggregate() -> AggregateId {
        AggregateId::Interview(cutover_core::ids::InterviewId::for_file("a.txt"))
    }
}
