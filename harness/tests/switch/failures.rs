//! What docs/what-if.md promises of each failure: a store, a graph, an event or a pipeline that lets a switch down.

use std::sync::atomic::AtomicU64;

use cutover_core::direct::Edit;
use cutover_core::event::RecordedEvent;
use cutover_core::ids::StreamName;
use cutover_core::switch::{Mode, SwitchEvent};
use cutover_engines::event_log::{ExpectedRevision, LogError, NewEvent};
use cutover_engines::graph::{GraphError, dump};
use cutover_harness::provision::hooks::{GraphHook, Hooks, LogHook};
use cutover_harness::provision::wrapped::{hooked_graph, hooked_log};
use cutover_harness::switch::{PathError, SwitchError};
use cutover_service::pipeline::{PipelineError, RequestContext};
use cutover_service::reverse::ReverseError;
use smol_str::SmolStr;
use uuid::Uuid;

use crate::world::{LINES, Takes, World, edit, file, sentence, unavailable};

/// An event store that answers no question about some streams.
struct Unreadable(fn(&StreamName) -> bool);

impl LogHook for Unreadable {
    fn read(&self, stream: &StreamName, events: Vec<RecordedEvent>) -> Result<Vec<RecordedEvent>, LogError> {
        if (self.0)(stream) { Err(unavailable("read")) } else { Ok(events) }
    }
}

/// A graph that answers nothing.
struct Gone;

impl GraphHook for Gone {
    fn read(&self) -> Result<(), GraphError> {
        Err(GraphError::Unavailable { during: "answer", source: "nobody is there".into() })
    }
}

/// Garbles the events of sentences on their way into the store.
struct Garbles;

impl LogHook for Garbles {
    fn append(&self, stream: &StreamName, mut events: Vec<NewEvent>) -> Result<Vec<NewEvent>, LogError> {
        if stream.as_str().starts_with("Sentence-") {
            events.iter_mut().for_each(|event| event.data = GARBLED.to_vec());
        }
        Ok(events)
    }
}

const GARBLED: &[u8] = br#"{"says": "nothing"}"#;

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_while_the_store_or_a_graph_does_not_answer() {
    let world = World::with_an_interview().await;
    let no_store = Hooks::default().with_log(Unreadable(|_| true));
    let no_graph = Hooks::default().with_graph("direct", Gone).with_graph("projected", Gone);
    let without_direct = || {
        let direct = hooked_graph(world.direct.clone(), "direct", &no_graph);
        cutover_harness::switch::System { direct, ..world.system(world.log.clone()) }
    };
    let without_projected = || {
        let projected = hooked_graph(world.projected.clone(), "projected", &no_graph);
        cutover_harness::switch::System { projected, ..world.system(world.log.clone()) }
    };
    for system in
        [world.system(hooked_log(world.log.clone(), &no_store)), without_direct(), without_projected()]
    {
        let refused = world.throw_in(system, Mode::Projected, "ada").await.expect_err("nobody answers");
        assert_eq!(refused.exit_code(), cutover_harness::exit_code::ENVIRONMENT, "{refused:?}");
        assert_eq!(world.history().await, [], "it was never begun");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_parked_behind_the_fence_gives_the_throw_up() {
    let world = World::with_an_interview().await;
    let writer = world.pipeline(9);
    let text = Edit::Text { slot: 1, text: "Who can read this?".into() };
    let context = RequestContext::human("ada");
    writer.execute(file(LINES).interview, text, &context).await.expect("an edit that waits in the outbox");
    let garbles = Hooks::default().with_log(Garbles);
    let refused = world.throw_with(&garbles, Mode::Projected, "ada").await;
    let refused = refused.expect_err("the projected graph does not have it");
    let SwitchError::Path(PathError::Parked { parked: 1, .. }) = refused else { panic!("{refused:?}") };
    assert!(matches!(world.history().await.last(), Some(SwitchEvent::Abandoned { .. })));
    edit(&writer, 2, "Writers go on.").await;
    assert_eq!(writer.mode().await, Mode::Dual);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_nobody_can_read_keeps_the_way_back_shut_and_is_named() {
    let world = World::with_an_interview().await;
    world.throw(Mode::Projected).await.expect("a flag that is thrown");
    let event = NewEvent {
        id: Uuid::from_u128(77),
        event_type: SmolStr::new_static("SentenceEdited"),
        data: GARBLED.to_vec(),
        metadata: b"{}".to_vec(),
    };
    let appended = world.log.append(&sentence(0), ExpectedRevision::Any, vec![event]).await.expect("a store");
    let refused = world.throw(Mode::Dual).await.expect_err("nobody knows what it says");
    let SwitchError::Reverse(ReverseError::Unreadable { stream, revision, .. }) = &refused else {
        panic!("{refused:?}")
    };
    assert_eq!((stream, *revision), (&sentence(0), appended.revision));
    assert_eq!(world.seen().await.state.mode, Mode::Projected);
    assert!(world.seen().await.state.under_way.is_none(), "nobody is held up");
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_cannot_read_the_flag_writes_nothing() {
    let world = World::with_an_interview().await;
    let no_flag =
        Hooks::default().with_log(Unreadable(|stream| *stream == cutover_core::switch::stream("test")));
    let blind = world.pipeline_between(hooked_log(world.log.clone(), &no_flag), world.direct.clone(), 9);
    let before = dump(&*world.direct).await.expect("a graph");
    let text = Edit::Text { slot: 1, text: "Where does this go?".into() };
    let refused = blind.execute(file(LINES).interview, text, &RequestContext::human("ada")).await;
    assert!(matches!(&refused, Err(PipelineError::Flag(error)) if error.is_transient()), "{refused:?}");
    let refused = blind.ingest(&file(&LINES[..2]), &RequestContext::system()).await;
    assert!(matches!(refused, Err(PipelineError::Flag(_))), "{refused:?}");
    assert_eq!(dump(&*world.direct).await.expect("a graph"), before);
    assert_eq!(world.log.last_revision(&sentence(1)).await.expect("a store"), Some(1), "nor was it appended");
}

#[tokio::test(start_paused = true)]
async fn a_file_whose_processing_dies_in_the_middle_while_only_events_are_written_is_processed_again() {
    let longer =
        [LINES, &["[00:00:11] CDR: It is shut.", "[00:00:15] CC: Thank you.", "[00:00:19] CDR: Out."]];
    let longer = longer.concat();
    for taken in [0, 3, 5, 6] {
        let world = World::with_an_interview().await;
        world.throw(Mode::Projected).await.expect("a flag that is thrown");
        let dies = Hooks::default().with_log(Takes(AtomicU64::new(taken)));
        let dying = world.pipeline_between(hooked_log(world.log.clone(), &dies), world.direct.clone(), 9);
        let failed = dying.ingest(&file(&longer), &RequestContext::system()).await.expect_err("it dies");
        assert!(failed.is_transient(), "{failed:?}");
        world.pipeline(10).ingest(&file(&longer), &RequestContext::system()).await.expect("the same file");
        for slot in 0..7 {
            let events = world.log.read(&sentence(slot), 0, 100).await.expect("a store");
            let created = events.iter().filter(|event| event.event_type == "SentenceCreated");
            assert_eq!(created.count(), 1, "sentence {slot} after {taken} appends");
        }
        world.throw(Mode::Dual).await.expect("the way back");
        assert!(world.compare().await.differences.is_empty(), "after {taken} appends");
        assert!(dump(&*world.direct).await.expect("a graph").contains("It is shut."));
    }
}
