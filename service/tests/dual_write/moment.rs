//! The moment before a call of one writer at which another one does all that there is to do.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::graph::{ChangeSet, Value};
use cutover_core::ids::{AggregateId, StreamName};
use cutover_engines::event_log::{self, Appended, EventLog, ExpectedRevision, LogError, NewEvent};
use cutover_engines::graph::{self, ApplyError, Cursor, Graph, GraphError, NodeRow, Page, Tree};

/// What somebody else does meanwhile.
pub(crate) type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The moment before a call of the one writer at which the other one does what it has to do.
#[derive(Default)]
pub(crate) struct Moment {
    calls: AtomicUsize,
    at: usize,
    meanwhile: Mutex<Option<Meanwhile>>,
}

impl Moment {
    /// The moment before the call of that number, counted from 0.
    pub(crate) fn before(at: usize, meanwhile: Meanwhile) -> Arc<Self> {
        Arc::new(Self { at, meanwhile: Mutex::new(Some(meanwhile)), ..Self::default() })
    }

    /// Returns how many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Returns whether it has come.
    pub(crate) fn has_come(&self) -> bool {
        self.meanwhile.lock().unwrap().is_none()
    }

    async fn comes(&self) {
        if self.calls.fetch_add(1, Ordering::SeqCst) != self.at {
            return;
        }
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
    }
}

/// An event store that has a [`Moment`] before each call.
pub(crate) struct InterruptedLog {
    pub(crate) moment: Arc<Moment>,
    pub(crate) log: Arc<dyn EventLog>,
}

#[async_trait]
impl event_log::Interposed for InterruptedLog {
    fn inner(&self) -> &dyn EventLog {
        &*self.log
    }

    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        self.moment.comes().await;
        self.log.append(stream, expected, events).await
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        // Whoever looks for sentences looks at many streams that nobody has ever written: the calls in between say all that those would.
        if self.log.last_revision(stream).await?.is_some() {
            self.moment.comes().await;
        }
        self.log.read(stream, from, limit).await
    }
}

/// A direct graph that has a [`Moment`] before each call.
pub(crate) struct InterruptedGraph {
    pub(crate) moment: Arc<Moment>,
    pub(crate) graph: Arc<dyn Graph>,
}

#[async_trait]
impl graph::Interposed for InterruptedGraph {
    fn inner(&self) -> &dyn Graph {
        &*self.graph
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        self.moment.comes().await;
        self.graph.apply(batch).await
    }

    async fn versions(&self, aggregates: &[AggregateId]) -> Result<Vec<Option<u64>>, GraphError> {
        self.moment.comes().await;
        self.graph.versions(aggregates).await
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        self.moment.comes().await;
        self.graph.nodes(label, after, limit).await
    }

    async fn trees(&self, interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
        self.moment.comes().await;
        self.graph.trees(interviews).await
    }
}
