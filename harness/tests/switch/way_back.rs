//! The way back by the events: a projected graph that is lost, or that nobody writes any more, keeps nobody from leaving it, and what
//! is not right in the direct graph still does.

use cutover_core::graph::{Change, ChangeSet, Properties};
use cutover_core::switch::{Mode, SwitchEvent};
use cutover_engines::graph::{GraphError, dump};
use cutover_harness::provision::hooks::{GraphHook, Hooks};
use cutover_harness::provision::wrapped::hooked_graph;
use cutover_harness::switch::{Proof, SwitchError, System};

use crate::world::{LINES, World, edit, file};

/// A graph that is lost.
struct Lost;

impl GraphHook for Lost {
    fn read(&self) -> Result<(), GraphError> {
        Err(GraphError::Unavailable { during: "answer", source: "it is lost".into() })
    }
}

/// The engines, with the projected graph lost.
fn without_projected(world: &World) -> System {
    let lost = Hooks::default().with_projected(Lost);
    let projected = hooked_graph(world.projected.clone(), "projected", &lost);
    System { projected, ..world.system(world.log.clone()) }
}

/// A system in which events alone are written, and nobody projects them any more.
async fn stranded() -> World {
    let mut world = World::with_an_interview().await;
    world.throw(Mode::Projected).await.expect("a flag that is thrown");
    world.stop_projecting();
    edit(&world.pipeline(9), 1, "Nobody projects this.").await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_projection_that_is_dead_and_a_graph_that_is_lost_keep_nobody_from_going_back_by_the_events() {
    let mut world = stranded().await;
    let refused = world.throw(Mode::Dual).await.expect_err("the projected graph does not have everything");
    assert!(matches!(refused, SwitchError::TooLong { .. }), "{refused:?}");
    let system = without_projected(&world);
    let thrown = world.throw_by(Proof::Events, system, Mode::Dual, "eve").await.expect("the way back");
    assert_eq!((thrown.to, world.seen().await.state.mode), (Mode::Dual, Mode::Dual));
    assert!(dump(&*world.direct).await.expect("a graph").contains("Nobody projects this."));
    edit(&world.pipeline(10), 2, "On both paths again.").await;
    // The projection comes back one day, and finds everything in the events.
    world.project();
    let check = world.compare().await;
    assert!(check.differences.is_empty(), "{:?}", check.differences.first);
}

#[tokio::test(start_paused = true)]
async fn a_direct_graph_that_is_not_what_the_events_say_is_not_gone_back_to() {
    let world = stranded().await;
    let node = cutover_core::direct::sentence_ref(file(LINES).interview, 0);
    let set = Properties::new().with("text", "Who wrote this?");
    let changes = vec![Change::Update { node, set, unset: Vec::new() }];
    world.direct.apply(&[ChangeSet { guard: None, changes }]).await.expect("a graph");
    let refused = world.throw_by(Proof::Events, without_projected(&world), Mode::Dual, "eve").await;
    let Err(SwitchError::Differ(check)) = refused else { panic!("{refused:?}") };
    assert_eq!(check.differences.first[0].key, "#0");
    assert!(matches!(world.history().await.last(), Some(SwitchEvent::Abandoned { .. })));
    assert_eq!(world.seen().await.state.mode, Mode::Projected);
    edit(&world.pipeline(10), 2, "Writers go on.").await;
}

#[tokio::test(start_paused = true)]
async fn the_way_there_asks_the_projected_graph_whatever_the_proof_is_to_be() {
    let world = World::with_an_interview().await;
    let refused = world.throw_by(Proof::Events, without_projected(&world), Mode::Projected, "eve").await;
    assert!(matches!(refused, Err(SwitchError::NotCompared(_))), "{refused:?}");
    assert_eq!(world.seen().await.state.mode, Mode::Dual);
}
