//! People whose edit is on its way while something else happens, and arrives when that is done. Each has a pipeline of his own, which has
//! read everything before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cutover_core::graph::ChangeSet;
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{self, Appended, EventLog, ExpectedRevision, LogError, NewEvent};
use cutover_engines::graph::{ApplyError, Graph, Interposed};
use cutover_service::pipeline::{Pipeline, PipelineError, RequestContext};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::write::PERSON;
use super::{StepError, World, disturbed};
use crate::model::Action;
use crate::scenario::run::Findings;
use crate::workload::people::Personal;

/// The edits that are on their way.
pub(super) struct Late {
    edits: Vec<Edit>,
}

struct Edit {
    action: Action,
    gate: Arc<Gate>,
    pipeline: Arc<Pipeline>,
    writing: JoinHandle<Result<(), PipelineError>>,
}

/// Holds up the first write that comes by, until it is opened.
struct Gate {
    has_passed: AtomicBool,
    is_at_it: watch::Sender<bool>,
    is_open: watch::Sender<bool>,
}

impl Gate {
    fn closed() -> Arc<Self> {
        let (is_at_it, is_open) = (watch::Sender::new(false), watch::Sender::new(false));
        Arc::new(Self { has_passed: AtomicBool::new(false), is_at_it, is_open })
    }

    async fn pass(&self) {
        if !self.has_passed.swap(true, Ordering::SeqCst) {
            self.is_at_it.send_replace(true);
            Self::turns(&self.is_open).await;
        }
    }

    async fn turns(to: &watch::Sender<bool>) {
        // The sender lives as long as the gate, so that this cannot fail.
        let _ = to.subscribe().wait_for(|is_true| *is_true).await;
    }
}

impl Late {
    /// Lets people begin to do something, and returns when what each of them writes is on its way.
    pub(super) async fn on_their_way(world: &World<'_>, wanted: Vec<Personal>) -> Result<Self, StepError> {
        let mut edits = Vec::with_capacity(wanted.len());
        for personal in wanted {
            let gate = Gate::closed();
            let direct = disturbed(&world.direct, super::DIRECT, &world.injector, world.defect.as_ref());
            let direct = Arc::new(SlowGraph { graph: direct, gate: gate.clone() });
            let log = Arc::new(SlowLog { log: world.log.clone(), gate: gate.clone() });
            let pipeline = Arc::new(world.another_pipeline(direct, log));
            let (interview, edit) = (personal.interview, personal.edit);
            let action = Action::Edit { interview, edit: edit.clone(), by: Some(PERSON.into()) };
            let mut writing = tokio::spawn({
                let pipeline = pipeline.clone();
                async move { pipeline.execute(interview, edit, &RequestContext::human(PERSON)).await.map(|_| ()) }
            });
            tokio::select! {
                () = Gate::turns(&gate.is_at_it) => {}
                // It was refused before it wrote anything.
                ended = &mut writing => joined(ended)?,
            }
            edits.push(Edit { action, gate, pipeline, writing });
        }
        Ok(Self { edits })
    }

    /// Lets all of them arrive, and brings what they wrote to the event store.
    pub(super) async fn arrive(
        self,
        world: &mut World<'_>,
        findings: &mut Findings,
    ) -> Result<(), StepError> {
        for Edit { action, gate, pipeline, writing } in self.edits {
            gate.is_open.send_replace(true);
            joined(writing.await)?;
            world.model.apply(&action);
            pipeline.drain().await?;
            world.rejected += pipeline.drained_in_all().await.rejected.len() as u64;
        }
        findings.events_appended = world.events_appended();
        Ok(())
    }
}

fn joined(ended: Result<Result<(), PipelineError>, tokio::task::JoinError>) -> Result<(), StepError> {
    Ok(ended.unwrap_or_else(|error| super::project::resume(error))?)
}

struct SlowGraph {
    graph: Arc<dyn Graph>,
    gate: Arc<Gate>,
}

#[async_trait]
impl Interposed for SlowGraph {
    fn inner(&self) -> &dyn Graph {
        &*self.graph
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        self.gate.pass().await;
        self.graph.apply(batch).await
    }
}

struct SlowLog {
    log: Arc<dyn EventLog>,
    gate: Arc<Gate>,
}

#[async_trait]
impl event_log::Interposed for SlowLog {
    fn inner(&self) -> &dyn EventLog {
        &*self.log
    }

    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        self.gate.pass().await;
        self.log.append(stream, expected, events).await
    }
}
