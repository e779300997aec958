//! The days after the flip: the projected graph against what the events say, and the way back.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::graph::{Label, NodeRef};
use cutover_core::ids::{SentenceId, StreamName};
use cutover_core::switch::{Mode, SwitchEvent};
use cutover_core::timestamp::Timestamp;
use cutover_engines::event_log::{LogError, NewEvent};
use cutover_harness::provision::hooks::{Hooks, LogHook};
use cutover_harness::provision::wrapped::hooked_log;
use cutover_harness::soak::{Conducted, Criteria, Criterion, Rollback, Standing, Watch};
use cutover_harness::switch::{Conductor, Report, Service, Settings, SwitchError};
use cutover_service::projection::Groups;
use cutover_service::switch::Flag;

use crate::live::{Site, criteria, first_sentence, hourly, words, write_past_the_events};
use crate::world::{LINES, World, edit, file};

/// Throws the flag back as the program does, after whatever the test wants to be so by then.
struct Back<'w> {
    world: &'w World,
    hooks: Hooks,
    attempts: Mutex<u32>,
}

impl<'w> Back<'w> {
    fn of(world: &'w World) -> Self {
        Self { world, hooks: Hooks::default(), attempts: Mutex::new(0) }
    }

    /// One that dies when it has appended so many events of the throw.
    fn dying_after(world: &'w World, steps: u64) -> Self {
        let hooks = Hooks::default().with_log(DiesAfter(AtomicU64::new(steps)));
        Self { world, hooks, attempts: Mutex::new(0) }
    }

    fn attempts(&self) -> u32 {
        *self.attempts.lock().expect("a count")
    }
}

#[async_trait]
impl Rollback for Back<'_> {
    async fn back(&self, reason: &str, at: Timestamp) -> Result<Report, SwitchError> {
        *self.attempts.lock().expect("a count") += 1;
        let log = hooked_log(self.world.log.clone(), &self.hooks);
        let (flag, system) = (Flag::new(log.clone(), "test"), self.world.system(log.clone()));
        let path = Service::new(log, Groups::in_production());
        let conductor = Conductor {
            flag: &flag,
            system: &system,
            path: &path,
            clock: &*self.world.clock,
            witness: &(),
            settings: Settings { fence_max: Duration::from_secs(10), ..Settings::default() },
        };
        Conducted(conductor).back(reason, at).await
    }
}

/// From some append on, the event store does not answer any more.
struct DiesAfter(AtomicU64);

impl LogHook for DiesAfter {
    fn append(&self, _: &StreamName, events: Vec<NewEvent>) -> Result<Vec<NewEvent>, LogError> {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let dead = |_| LogError::Unavailable { during: "append", source: "the process is dead".into() };
        left.map(|_| events).map_err(dead)
    }
}

/// The first sentence of the interview, in the projected graph.
fn first_projected() -> NodeRef {
    let sentence = SentenceId::at(file(LINES).interview, 0);
    NodeRef::value(Label::Sentence, sentence.to_smol_str())
}

async fn flipped() -> World {
    let world = World::with_an_interview().await;
    world.throw(Mode::Projected).await.expect("a flag that is thrown");
    world
}

/// Any failure to compare breaks it: a break after which both graphs can be brought to be the same.
fn touchy() -> Criteria {
    let mut criteria = criteria();
    criteria.at_most.lag_events = 0;
    criteria.at_most.lag_for = "3h".parse().expect("a time");
    criteria
}

fn why(standing: &Standing) -> Vec<Criterion> {
    match standing {
        Standing::Broken { why, .. } => why.iter().map(|breach| breach.criterion).collect(),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_direct_graph_falls_behind_and_that_is_no_difference() {
    let world = flipped().await;
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    hourly(&site, &mut watch).await;
    edit(&world.pipeline(9), 1, "Only an event says this.").await;
    let round = hourly(&site, &mut watch).await;
    assert_eq!((round.differing, round.missed.clone()), (0, None), "{round:?}");
    assert!(round.compared.is_some_and(|compared| compared > 10), "{round:?}");
    let direct = world.compare().await;
    assert!(!direct.differences.is_empty(), "the two graphs do differ");
}

#[tokio::test(start_paused = true)]
async fn a_projected_graph_that_is_not_what_the_events_say_breaks_it() {
    let world = flipped().await;
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    assert_eq!(hourly(&site, &mut watch).await.differing, 0);
    write_past_the_events(&*world.projected, first_projected(), "Who wrote this?").await;
    let round = hourly(&site, &mut watch).await;
    assert_eq!(why(&round.soak), [Criterion::DifferencesPerMillion]);
    assert!(words(&round.alerts)[0].contains("Who wrote this?"), "{:?}", round.alerts);
    assert_eq!(world.seen().await.state.mode, Mode::Projected, "nobody was asked to throw it back");
}

#[tokio::test(start_paused = true)]
async fn what_is_written_past_the_events_into_the_direct_graph_is_of_no_interest_any_more() {
    let world = flipped().await;
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    write_past_the_events(&*world.direct, first_sentence(), "Who wrote this?").await;
    assert_eq!(hourly(&site, &mut watch).await.differing, 0);
}

#[tokio::test(start_paused = true)]
async fn two_days_are_enough_after_the_flip() {
    let world = flipped().await;
    let site = Site::of(&world);
    let mut criteria = criteria();
    criteria.after_the_flip.elements = 1_000.try_into().expect("not zero");
    let mut watch = site.watch(criteria).await;
    for _ in 0..48 {
        assert!(matches!(hourly(&site, &mut watch).await.soak, Standing::NotYet { .. }));
    }
    assert_eq!(hourly(&site, &mut watch).await.soak, Standing::Fulfilled);
}

#[tokio::test(start_paused = true)]
async fn a_soak_that_a_dead_projection_broke_throws_the_flag_back_once_and_nothing_is_lost() {
    let mut world = flipped().await;
    edit(&world.pipeline(9), 1, "After the flip.").await;
    world.compare().await;
    world.stop_projecting();
    edit(&world.pipeline(10), 2, "While nobody projects.").await;
    let site = Site::of(&world);
    let back = Back::of(&world);
    let mut watch = Watch::open(site.opened(Some(touchy()), Some(&back))).await.expect("a soak");
    let round = watch.round().await.expect("a round");
    let told = words(&round.alerts);
    assert!(told[0].starts_with("nothing was compared: "), "{told:?}");
    assert!(told[1].starts_with("broken: ") && told[1].contains("events and entries wait"), "{told:?}");
    assert!(told[2].starts_with("the flag was thrown back to `dual`: "), "{told:?}");
    assert_eq!(back.attempts(), 1);
    assert_eq!(world.seen().await.state.mode, Mode::Dual);
    let history = world.history().await;
    let started = history.iter().rev().find_map(|event| match event {
        SwitchEvent::Started(started) => Some((started.actor.clone(), started.reason.clone())),
        _ => None,
    });
    let (actor, reason) = started.expect("it was begun");
    assert_eq!(actor, "cutover watch");
    assert!(reason.starts_with("the soak after the flip is broken: "), "{reason}");
    let direct = cutover_engines::graph::dump(&*world.direct).await.expect("a graph");
    assert!(
        direct.contains("After the flip.") && direct.contains("While nobody projects."),
        "nothing is lost"
    );
    // There is nothing to throw back any more.
    hourly(&site, &mut watch).await;
    assert_eq!(back.attempts(), 1);
    drop(watch);
    world.project();
    let compared = world.compare().await;
    assert!(compared.differences.is_empty(), "{compared:?}");
}

#[tokio::test(start_paused = true)]
async fn a_projected_graph_that_is_wrong_is_left_and_the_two_graphs_are_watched_again() {
    let world = flipped().await;
    edit(&world.pipeline(9), 1, "After the flip.").await;
    let site = Site::of(&world);
    let back = Back::of(&world);
    let mut watch = Watch::open(site.opened(Some(criteria()), Some(&back))).await.expect("a soak");
    hourly(&site, &mut watch).await;
    write_past_the_events(&*world.projected, first_projected(), "Who wrote this?").await;
    let told = words(&hourly(&site, &mut watch).await.alerts);
    assert!(told[1].starts_with("the flag was thrown back to `dual`: "), "{told:?}");
    assert_eq!(world.seen().await.state.mode, Mode::Dual);
    let direct = cutover_engines::graph::dump(&*world.direct).await.expect("a graph");
    assert!(direct.contains("After the flip.") && !direct.contains("Who wrote this?"), "{direct}");
    let round = hourly(&site, &mut watch).await;
    assert_eq!(why(&round.soak), [Criterion::DifferencesPerMillion], "the projected graph is still wrong");
    assert_eq!(back.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_throw_back_that_is_refused_is_told_and_not_tried_again() {
    let world = flipped().await;
    let site = Site::of(&world);
    let back = Back::of(&world);
    let mut watch = Watch::open(site.opened(Some(criteria()), Some(&back))).await.expect("a soak");
    hourly(&site, &mut watch).await;
    // The graph that is to be gone back to is not what the events say either.
    write_past_the_events(&*world.projected, first_projected(), "Who wrote this?").await;
    write_past_the_events(&*world.direct, first_sentence(), "And who this?").await;
    let told = words(&hourly(&site, &mut watch).await.alerts);
    assert!(told[1].starts_with("the flag was NOT thrown back: the graphs differ: 1 difference"), "{told:?}");
    for _ in 0..3 {
        assert!(hourly(&site, &mut watch).await.alerts.is_empty());
    }
    assert_eq!(back.attempts(), 1);
    assert_eq!(world.seen().await.state.mode, Mode::Projected);
    edit(&world.pipeline(9), 1, "Writers go on.").await;
    drop(watch);
    let mut watch = Watch::open(site.opened(Some(criteria()), Some(&back))).await.expect("a soak");
    let told = words(&hourly(&site, &mut watch).await.alerts);
    assert!(told[0].contains("it was attempted before"), "{told:?}");
    assert_eq!(back.attempts(), 1, "a restart is no reason to try again");
}

#[tokio::test(start_paused = true)]
async fn one_that_dies_while_it_throws_the_flag_back_is_followed_by_one_that_says_so_and_leaves_it_alone() {
    // Begun; held up; drained; verified.
    for steps in 1..=4 {
        let world = flipped().await;
        let site = Site::of(&world);
        let dying = Back::dying_after(&world, steps);
        let mut watch = Watch::open(site.opened(Some(criteria()), Some(&dying))).await.expect("a soak");
        hourly(&site, &mut watch).await;
        write_past_the_events(&*world.projected, first_projected(), "Who wrote this?").await;
        hourly(&site, &mut watch).await;
        assert_eq!(dying.attempts(), 1);
        drop(watch);
        assert!(world.seen().await.state.under_way.is_some(), "it was cut off after {steps} steps");
        let back = Back::of(&world);
        let mut watch = Watch::open(site.opened(Some(criteria()), Some(&back))).await.expect("a soak");
        let told = words(&hourly(&site, &mut watch).await.alerts);
        assert!(told[0].contains("it was attempted before"), "{told:?}");
        assert_eq!(back.attempts(), 0, "a person has to look");
        let mode = world.resume().await;
        assert_eq!(mode, if steps == 4 { Mode::Dual } else { Mode::Projected });
        edit(&world.pipeline(9), 1, "Writers go on.").await;
    }
}

#[tokio::test(start_paused = true)]
async fn before_the_flip_nothing_is_thrown_back() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    let back = Back::of(&world);
    let mut watch = Watch::open(site.opened(Some(criteria()), Some(&back))).await.expect("a soak");
    hourly(&site, &mut watch).await;
    write_past_the_events(&*world.direct, first_sentence(), "Who wrote this?").await;
    let round = hourly(&site, &mut watch).await;
    assert!(matches!(round.soak, Standing::Broken { .. }));
    assert_eq!(back.attempts(), 0);
}
