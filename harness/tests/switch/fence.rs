//! The fence: who was late does not get through, whatever he believes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cutover_core::direct::Edit;
use cutover_core::graph::ChangeSet;
use cutover_core::switch::Mode;
use cutover_engines::graph::{ApplyError, Graph, Interposed, dump};
use cutover_service::pipeline::{PipelineError, RequestContext};
use tokio::sync::Notify;

use crate::world::{LINES, World, edit, file};

/// A direct graph whose next write is held up on its way.
struct Slow {
    graph: Arc<dyn Graph>,
    holds: AtomicBool,
    is_on_its_way: Notify,
    goes_on: Notify,
}

impl Slow {
    fn before(graph: Arc<dyn Graph>) -> Arc<Self> {
        Arc::new(Self {
            graph,
            holds: AtomicBool::new(true),
            is_on_its_way: Notify::new(),
            goes_on: Notify::new(),
        })
    }
}

#[async_trait]
impl Interposed for Slow {
    fn inner(&self) -> &dyn Graph {
        &*self.graph
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        if self.holds.swap(false, Ordering::SeqCst) {
            self.is_on_its_way.notify_one();
            self.goes_on.notified().await;
        }
        self.graph.apply(batch).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_direct_write_that_sleeps_through_the_switch_is_written_as_an_event_instead() {
    let world = World::with_an_interview().await;
    let slow = Slow::before(world.direct.clone());
    let late = Arc::new(world.pipeline_over(slow.clone(), 9));
    let writing = tokio::spawn({
        let late = late.clone();
        async move { edit(&late, 1, "Nobody should see this in the direct graph.").await }
    });
    slow.is_on_its_way.notified().await;
    world.throw(Mode::Projected).await.expect("a flag that is thrown");
    let before = dump(&*world.direct).await.expect("a graph");
    slow.goes_on.notify_one();
    writing.await.expect("a write that goes on in the new mode");
    assert_eq!(dump(&*world.direct).await.expect("a graph"), before, "the direct graph is left alone");
    assert_eq!(late.mode().await, Mode::Projected);
    world.throw(Mode::Dual).await.expect("the way back");
    let direct = dump(&*world.direct).await.expect("a graph");
    assert!(
        direct.contains("Nobody should see this"),
        "what was written as an event is there after the way back"
    );
    assert!(world.compare().await.differences.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_follows_the_flag_with_its_next_write() {
    let world = World::with_an_interview().await;
    let pipeline = world.pipeline(9);
    edit(&pipeline, 0, "In both graphs.").await;
    assert_eq!(pipeline.mode().await, Mode::Dual);
    world.throw(Mode::Projected).await.expect("a flag that is thrown");
    let before = dump(&*world.direct).await.expect("a graph");
    edit(&pipeline, 0, "In one of them.").await;
    assert_eq!(pipeline.mode().await, Mode::Projected);
    assert_eq!(dump(&*world.direct).await.expect("a graph"), before);
    assert_eq!(pipeline.outbox_len().await.expect("a graph"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_writer_waits_for_a_fence_and_is_told_whose_it_is_when_that_takes_too_long() {
    let world = World::with_an_interview().await;
    let flag = world.flag();
    let order = crate::world::order(Mode::Projected, "ada");
    let seen = world.seen().await;
    let start = cutover_core::switch::Start {
        operation: order.operation,
        to: order.to,
        actor: order.actor,
        reason: order.reason,
        certificate: order.certificate,
        at: cutover_core::timestamp::Timestamp::EPOCH,
    };
    let started = cutover_core::switch::start(&seen.state, start).expect("a start");
    let seen = flag.append(seen, &started).await.expect("an event");
    let at = cutover_core::timestamp::Timestamp::EPOCH;
    let fenced = cutover_core::switch::confirm_fence(&seen.state, order.operation, at).expect("a fence");
    flag.append(seen, &fenced).await.expect("an event");

    let pipeline = world.pipeline(9);
    let write = Edit::Text { slot: 0, text: "Held up.".into() };
    let refused = pipeline.execute(file(LINES).interview, write, &RequestContext::human("eve")).await;
    let Err(error @ PipelineError::Fenced { .. }) = refused else { panic!("{refused:?}") };
    assert!(error.is_transient(), "the same goes through once the switch has ended");
    assert!(error.to_string().contains("`ada`"), "{error}");

    assert_eq!(world.resume().await, Mode::Dual, "a throw that had not verified anything is given up");
    edit(&pipeline, 0, "Not held up any more.").await;
    assert!(world.compare().await.differences.is_empty());
}
