//! What is written to several streams while events alone are the truth: there is no transaction over them, and a flag that is thrown in
//! the middle.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::direct::Edit;
use cutover_core::ids::StreamName;
use cutover_core::switch::{Mode, Start, start};
use cutover_core::timestamp::Timestamp;
use cutover_engines::event_log::{Appended, EventLog, ExpectedRevision, Interposed, LogError, NewEvent};
use cutover_harness::provision::hooks::Hooks;
use cutover_harness::provision::wrapped::hooked_log;
use cutover_service::pipeline::{Pipeline, RequestContext};
use cutover_service::switch::LEASE;
use tokio::time::sleep;

use crate::world::{LINES, Takes, World, file, order, sentence};

/// An event store that takes its time before it appends, and before it answers.
struct Slow {
    log: Arc<dyn EventLog>,
    there: Duration,
    back: Duration,
}

#[async_trait]
impl Interposed for Slow {
    fn inner(&self) -> &dyn EventLog {
        &*self.log
    }

    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        sleep(self.there).await;
        let appended = self.log.append(stream, expected, events).await;
        sleep(self.back).await;
        appended
    }
}

const APPEND_TAKES: Duration = Duration::from_millis(100);

/// Returns a pipeline whose appends take their time on the way there and back.
fn slowly(world: &World, there: Duration, back: Duration) -> Pipeline {
    let log = Arc::new(Slow { log: world.log.clone(), there, back });
    world.pipeline_between(log, world.direct.clone(), 9)
}

/// Moves a sentence, and begins to throw the flag back a while later. Both come to their end, and the graphs are the same.
async fn moves_while_the_flag_is_thrown(world: &World, pipeline: &Pipeline, edit: Edit, after: Duration) {
    let context = RequestContext::human("ada");
    let moved = pipeline.execute(file(LINES).interview, edit, &context);
    let thrown = async {
        sleep(after).await;
        world.throw(Mode::Dual).await
    };
    let (moved, thrown) = tokio::join!(moved, thrown);
    moved.expect("a move");
    thrown.expect("the way back, which finds no two sentences at one place");
    assert!(world.compare().await.differences.is_empty());
}

/// Returns where each sentence has been moved to.
async fn places(world: &World) -> Vec<u64> {
    let mut places = Vec::new();
    for slot in 0..LINES.len() as u32 {
        let events = world.log.read(&sentence(slot), 0, 100).await.expect("a store");
        let moved = events.iter().rev().find(|event| event.event_type == "SentenceRelocated");
        let data: Option<serde_json::Value> =
            moved.map(|event| serde_json::from_slice(&event.data).expect("JSON"));
        places.push(data.map_or(u64::from(slot), |data| data["new_index"].as_u64().expect("a place")));
    }
    places
}

#[tokio::test(start_paused = true)]
async fn a_move_that_dies_in_the_middle_is_finished_by_doing_it_again() {
    let (interview, context) = (file(LINES).interview, RequestContext::human("ada"));
    for (slot, new_index, expected) in [(0, 3, [3, 0, 1, 2]), (3, 0, [1, 2, 3, 0])] {
        for taken in 0..4 {
            let world = World::with_an_interview().await;
            world.throw(Mode::Projected).await.expect("a flag that is thrown");
            let dies = Hooks::default().with_log(Takes(AtomicU64::new(taken)));
            let dying = world.pipeline_between(hooked_log(world.log.clone(), &dies), world.direct.clone(), 9);
            let edit = Edit::Relocate { slot, new_index };
            let failed = dying.execute(interview, edit.clone(), &context).await.expect_err("it dies");
            assert!(failed.is_transient(), "{failed:?}");
            world.pipeline(10).execute(interview, edit, &context).await.expect("the same move");
            assert_eq!(places(&world).await, expected, "after {taken} appends");
            world.throw(Mode::Dual).await.expect("the way back");
            assert!(world.compare().await.differences.is_empty(), "after {taken} appends");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fence_that_goes_up_in_the_middle_of_a_move_does_not_tear_it() {
    let world = World::with_an_interview().await;
    world.throw(Mode::Projected).await.expect("a flag that is thrown");
    let slow = slowly(&world, APPEND_TAKES, Duration::ZERO);
    let edit = Edit::Relocate { slot: 0, new_index: 3 };
    moves_while_the_flag_is_thrown(&world, &slow, edit, APPEND_TAKES * 3 / 2).await;
    assert_eq!(places(&world).await, [3, 0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_answered_before_the_flag_was_thrown_is_not_refused_as_done_already() {
    let world = World::with_an_interview().await;
    world.throw(Mode::Projected).await.expect("a flag that is thrown");
    let late = slowly(&world, Duration::ZERO, LEASE * 2);
    let edit = Edit::Relocate { slot: 3, new_index: 7 };
    moves_while_the_flag_is_thrown(&world, &late, edit, LEASE / 10).await;
    assert_eq!(places(&world).await, [0, 1, 2, 7]);
}

#[tokio::test(start_paused = true)]
async fn a_file_is_not_begun_anew_because_a_throw_has_begun_that_holds_nobody_up() {
    let world = World::with_an_interview().await;
    world.throw(Mode::Projected).await.expect("a flag that is thrown");
    let slow = slowly(&world, APPEND_TAKES, Duration::ZERO);
    // More than are appended at the same time.
    let lines: Vec<String> = (0..100).map(|number| format!("CC: Sentence {number}.")).collect();
    let lines: Vec<&str> = LINES.iter().copied().chain(lines.iter().map(String::as_str)).collect();
    let longer = file(&lines);
    let system = RequestContext::system();
    let ingested = slow.ingest(&longer, &system);
    let begun = async {
        sleep(APPEND_TAKES / 2).await;
        let (seen, order) = (world.seen().await, order(Mode::Dual, "grace"));
        let (operation, to, certificate) = (order.operation, order.to, order.certificate);
        let (actor, reason, at) = (order.actor, order.reason, Timestamp::EPOCH);
        let started = start(&seen.state, Start { operation, to, actor, reason, certificate, at });
        world.flag().append(seen, &started.expect("a start")).await.expect("an event");
    };
    let (ingested, ()) = tokio::join!(ingested, begun);
    ingested.expect("a file");
    let new = LINES.len() as u32..lines.len() as u32;
    for slot in new {
        let events = world.log.read(&sentence(slot), 0, 100).await.expect("a store");
        let again = events.iter().any(|event| event.event_type == "AnalysisRegenerated");
        assert!(!events.is_empty() && !again, "sentence {slot} is written once");
    }
    assert_eq!(world.resume().await, Mode::Projected, "and the throw can be given up");
}
