//! What keeps a flag from being thrown. The mode stays, and writers go on.

use std::time::Duration;

use cutover_core::graph::{Change, ChangeSet, Properties};
use cutover_core::switch::{Mode, Rejection, SwitchEvent};
use cutover_core::timestamp::Timestamp;
use cutover_harness::certificate::{
    Certificate, PolicyUsed, SCHEMA_VERSION, ScenarioSet, ScenarioSummary, policy_digest,
};
use cutover_harness::diff::Policy;
use cutover_harness::gate::Verdict;
use cutover_harness::provision::hooks::Hooks;
use cutover_harness::result::Outcome;
use cutover_harness::scenario::load::Catalogue;
use cutover_harness::switch::{SwitchError, of_the_scenarios};
use cutover_service::switch::FlagError;

use crate::world::{LINES, World, edit, file};

/// Writes into the direct graph what no event says.
async fn write_past_the_events(world: &World) {
    let node = cutover_core::direct::sentence_ref(file(LINES).interview, 0);
    let set = Properties::new().with("text", "Who wrote this?");
    let changes = vec![Change::Update { node, set, unset: Vec::new() }];
    world.direct.apply(&[ChangeSet { guard: None, changes }]).await.expect("a graph");
}

async fn last_is_abandoned(world: &World) -> bool {
    matches!(world.history().await.last(), Some(SwitchEvent::Abandoned { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_difference_keeps_the_flag_where_it_is_and_names_the_sentence() {
    let world = World::with_an_interview().await;
    write_past_the_events(&world).await;
    let Err(SwitchError::Differ(check)) = world.throw(Mode::Projected).await else { panic!("it was thrown") };
    assert_eq!(check.differences.total, 1);
    assert_eq!(check.differences.first[0].key, "#0");
    assert_eq!(world.seen().await.state.mode, Mode::Dual);
    assert!(last_is_abandoned(&world).await);
    edit(&world.pipeline(9), 1, "Writers go on.").await;
}

#[tokio::test(start_paused = true)]
async fn a_projection_that_does_not_run_holds_writers_up_no_longer_than_they_may_be() {
    let mut world = World::with_an_interview().await;
    world.compare().await;
    world.stop_projecting();
    edit(&world.pipeline(9), 1, "On its way for ever.").await;
    let begun = tokio::time::Instant::now();
    let Err(SwitchError::TooLong { after }) = world.throw(Mode::Projected).await else {
        panic!("it was thrown")
    };
    assert_eq!(after, Duration::from_secs(10));
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    assert!(last_is_abandoned(&world).await);
    edit(&world.pipeline(10), 2, "Writers go on.").await;
    assert_eq!(world.seen().await.state.mode, Mode::Dual);
}

#[tokio::test(start_paused = true)]
async fn graphs_in_which_there_is_nothing_are_no_proof_of_anything() {
    let mut world = World::without_projection().await;
    world.project();
    let Err(SwitchError::NotCompared(check)) = world.throw(Mode::Projected).await else {
        panic!("it was thrown")
    };
    assert!(check.error.as_deref().is_some_and(|error| error.contains("no node")), "{:?}", check.error);
    assert_eq!(world.history().await, [], "it was never begun");
}

#[tokio::test(start_paused = true)]
async fn of_two_operators_at_once_one_is_told_who_was_first() {
    let world = World::with_an_interview().await;
    let hooks = Hooks::default();
    let (one, other) = tokio::join!(
        world.throw_with(&hooks, Mode::Projected, "ada"),
        world.throw_with(&hooks, Mode::Projected, "eve")
    );
    let (thrown, refused) = match (one, other) {
        (Ok(report), Err(error)) | (Err(error), Ok(report)) => (report, error),
        both => panic!("{both:?}"),
    };
    assert_eq!(thrown.to, Mode::Projected);
    assert!(
        matches!(
            refused,
            SwitchError::Flag(
                FlagError::Overtaken
                    | FlagError::Rejected(Rejection::UnderWay(_) | Rejection::AlreadyThere(_))
            )
        ),
        "{refused:?}"
    );
    let starts = world.history().await.into_iter().filter(|event| matches!(event, SwitchEvent::Started(_)));
    assert_eq!(starts.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn there_is_no_way_from_projected_to_direct() {
    let world = World::with_an_interview().await;
    world.throw(Mode::Projected).await.expect("a flag that is thrown");
    let refused = world.throw(Mode::Direct).await;
    let Err(SwitchError::Flag(FlagError::Rejected(Rejection::NoWay { .. }))) = refused else {
        panic!("{refused:?}")
    };
}

#[tokio::test(start_paused = true)]
async fn the_way_back_from_direct_is_open_for_as_long_as_nothing_was_written_without_events() {
    let world = World::with_an_interview().await;
    world.compare().await;
    let pipeline = world.pipeline(9);
    world.throw(Mode::Direct).await.expect("a flag that is thrown");
    world.throw_with(&Hooks::default(), Mode::Dual, "eve").await.expect("nothing was written");
    world.throw_with(&Hooks::default(), Mode::Direct, "eve").await.expect("a flag that is thrown");
    edit(&pipeline, 1, "No event says this.").await;
    assert_eq!(pipeline.outbox_len().await.expect("a graph"), 0);
    let refused = world.throw_with(&Hooks::default(), Mode::Dual, "bob").await;
    let Err(SwitchError::Differ(check)) = refused else { panic!("{refused:?}") };
    assert_eq!(check.differences.first[0].key, "#1");
    assert_eq!(world.seen().await.state.mode, Mode::Direct);
}

/// A certificate that says GO of scenarios of these names.
fn certificate_of(scenario_set: ScenarioSet, names: impl Iterator<Item = &'static str>) -> Certificate {
    let summary = |name: &'static str| ScenarioSummary {
        name: name.into(),
        outcome: Outcome::Pass,
        checks: 1,
        compared: 1,
    };
    let policy = Policy::direct_vs_projected();
    Certificate {
        schema_version: SCHEMA_VERSION,
        program_version: "0.1.0".into(),
        verdict: Verdict::Go,
        reasons: Vec::new(),
        issued_at: Timestamp::EPOCH,
        expires_at: Timestamp::EPOCH,
        seed: 7301,
        command: "cutover readiness".to_owned(),
        engines: "embedded".into(),
        policy: PolicyUsed { digest: policy_digest(&policy), name: policy.name },
        scenario_set,
        scenarios: names.map(summary).collect(),
        figures: Vec::new(),
        live: None,
    }
}

#[test]
fn a_verdict_about_anything_but_all_that_the_program_brings_along_is_refused() {
    let all = || Catalogue::bundled_names();
    let whole = of_the_scenarios(&certificate_of(ScenarioSet::Bundled, all()));
    assert_eq!((whole.outcome, whole.remedy), (Outcome::Pass, None), "{}", whole.found);

    // Whatever their names are: what is in them is somebody's own.
    let own = of_the_scenarios(&certificate_of(ScenarioSet::Own, all()));
    assert_eq!(own.outcome, Outcome::Fail);
    assert!(own.found.contains("somebody's own") && own.remedy.is_some(), "{own:?}");

    // An older version of the program had fewer.
    for left_out in all() {
        let fewer = all().filter(|name| *name != left_out);
        let fewer = of_the_scenarios(&certificate_of(ScenarioSet::Bundled, fewer));
        assert_eq!((fewer.outcome, fewer.found), (Outcome::Fail, format!("not run: {left_out}")));
    }
    let none = of_the_scenarios(&certificate_of(ScenarioSet::Bundled, std::iter::empty()));
    assert_eq!(none.outcome, Outcome::Fail);
}
