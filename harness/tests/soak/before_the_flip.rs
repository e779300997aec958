//! The weeks before the flip: the two graphs against each other.

use cutover_core::ids::{AggregateId, InterviewId};
use cutover_engines::event_log::{ExpectedRevision, NewEvent};
use cutover_harness::soak::{Criterion, Missing, Standing, Until};
use uuid::Uuid;

use crate::live::{HOUR, Site, criteria, first_sentence, hourly, words, write_past_the_events};
use crate::world::{World, edit};

fn broken(standing: &Standing) -> Vec<Criterion> {
    match standing {
        Standing::Broken { why, .. } => why.iter().map(|breach| breach.criterion).collect(),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn two_weeks_in_which_people_write_are_fulfilled_and_took_two_weeks() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    let mut criteria = criteria();
    criteria.before_the_flip.elements = 10_000.try_into().expect("not zero");
    let mut watch = site.watch(criteria).await;
    let pipeline = world.pipeline(9);
    let mut rounds = 0_u32;
    let fulfilled = loop {
        let round = hourly(&site, &mut watch).await;
        assert_eq!(round.missed, None, "{round:?}");
        assert_eq!(round.differing, 0, "{round:?}");
        rounds += 1;
        if rounds.is_multiple_of(7) {
            edit(&pipeline, rounds % 4, &format!("It is {rounds}.")).await;
        }
        if round.soak == Standing::Fulfilled {
            break round;
        }
    };
    assert_eq!(rounds, 14 * 24 + 1, "the first round has nothing before it");
    assert_eq!(words(&fulfilled.alerts), ["the soak is fulfilled"]);
    assert_eq!(*site.told.alerts.lock().expect("a list"), ["the soak is fulfilled"]);
    assert!(fulfilled.total.elements > 10_000, "{fulfilled:?}");
}

#[tokio::test(start_paused = true)]
async fn a_difference_in_what_nobody_touched_is_found_in_the_round_after_and_breaks_it() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    hourly(&site, &mut watch).await;
    write_past_the_events(&*world.direct, first_sentence(), "Who wrote this?").await;
    let round = hourly(&site, &mut watch).await;
    assert_eq!(broken(&round.soak), [Criterion::DifferencesPerMillion]);
    assert_eq!(round.differing, 1);
    let told = words(&round.alerts);
    assert!(told[0].contains("Sentence #0") && told[0].contains("Who wrote this?"), "{told:?}");
    let round = hourly(&site, &mut watch).await;
    assert_eq!((round.differing, round.total.differences, round.alerts.len()), (1, 1, 0), "{round:?}");
}

#[tokio::test(start_paused = true)]
async fn a_difference_in_what_was_touched_is_found_though_it_is_not_its_turn() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    let mut criteria = criteria();
    // Its shard comes after months.
    criteria.rounds.shards = 4_096.try_into().expect("not zero");
    let mut watch = site.watch(criteria).await;
    hourly(&site, &mut watch).await;
    write_past_the_events(&*world.direct, first_sentence(), "Who wrote this?").await;
    let round = hourly(&site, &mut watch).await;
    assert_eq!(round.differing, 0, "nobody touched the interview, and it is not its turn: {round:?}");
    edit(&world.pipeline(9), 1, "An edit beside it.").await;
    let round = hourly(&site, &mut watch).await;
    assert_eq!(round.differing, 1, "{round:?}");
    let round = hourly(&site, &mut watch).await;
    assert_eq!(round.differing, 1, "nobody touched it again, and it still differs: {round:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_is_no_difference() {
    let mut world = World::with_an_interview().await;
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    hourly(&site, &mut watch).await;
    world.stop_projecting();
    edit(&world.pipeline(9), 1, "On its way.").await;
    // The projection is back while the round waits for it.
    site.skip(HOUR);
    let project = async {
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        world.project();
    };
    let (round, ()) = tokio::join!(watch.round(), project);
    let round = round.expect("a round");
    assert_eq!((round.differing, round.missed), (0, None));
    assert!(matches!(round.soak, Standing::NotYet { .. }), "{}", round.soak);
}

#[tokio::test(start_paused = true)]
async fn a_projection_that_stands_still_is_no_comparison_and_breaks_it_by_its_lag() {
    let mut world = World::with_an_interview().await;
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    let watched_ms = hourly(&site, &mut watch).await.watched_ms;
    world.stop_projecting();
    edit(&world.pipeline(9), 1, "On its way for ever.").await;
    let round = hourly(&site, &mut watch).await;
    assert!(round.missed.as_ref().is_some_and(|missed| missed.contains("after 60 s")), "{round:?}");
    assert_eq!((round.compared, round.watched_ms), (None, watched_ms), "it does not count as watched");
    let round = hourly(&site, &mut watch).await;
    assert_eq!(broken(&round.soak), [Criterion::LagFor]);
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_breaks_it() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    hourly(&site, &mut watch).await;
    let stream = AggregateId::Interview(InterviewId::for_file("poison.txt")).stream_name();
    let poison = NewEvent {
        id: Uuid::from_u128(1),
        event_type: "InterviewCreated".into(),
        data: b"{}".to_vec(),
        metadata: b"{}".to_vec(),
    };
    world.log.append(&stream, ExpectedRevision::NoStream, vec![poison]).await.expect("an append");
    let mut round = hourly(&site, &mut watch).await;
    // It is tried again before it is parked.
    for _ in 0..3 {
        if !matches!(round.soak, Standing::Broken { .. }) {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            round = hourly(&site, &mut watch).await;
        }
    }
    assert!(broken(&round.soak).contains(&Criterion::Parked), "{}", round.soak);
}

#[tokio::test(start_paused = true)]
async fn an_empty_system_is_never_fulfilled() {
    let mut world = World::without_projection().await;
    world.project();
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    for _ in 0..5 {
        let round = hourly(&site, &mut watch).await;
        assert!(round.missed.as_ref().is_some_and(|missed| missed.contains("no node")), "{round:?}");
        assert!(!matches!(round.soak, Standing::Fulfilled));
    }
}

#[tokio::test(start_paused = true)]
async fn watching_ends_when_it_is_fulfilled_or_when_the_time_is_over() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    let mut criteria = criteria();
    criteria.before_the_flip.watched = "6h".parse().expect("a time");
    criteria.before_the_flip.elements = 1.try_into().expect("not zero");
    let mut watch = site.watch(criteria).await;
    let mut rounds = 0;
    let until = Until { after: Some(HOUR * 4), fulfilled: true };
    let ended = watch.run(HOUR, until, |_| rounds += 1).await.expect("rounds that are kept");
    assert_eq!((ended, rounds), (cutover_harness::soak::End::Time, 4));
    let until = Until { after: None, fulfilled: true };
    let ended = watch.run(HOUR, until, |_| rounds += 1).await.expect("rounds that are kept");
    assert_eq!(ended, cutover_harness::soak::End::Decided);
    assert_eq!(watch.state().soak().standing(site.now()), Standing::Fulfilled);
}

#[tokio::test(start_paused = true)]
async fn what_the_webhook_does_not_take_is_counted_kept_and_told_later() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    *site.told.is_deaf.lock().expect("a flag") = true;
    hourly(&site, &mut watch).await;
    write_past_the_events(&*world.direct, first_sentence(), "Who wrote this?").await;
    let round = hourly(&site, &mut watch).await;
    assert_eq!((round.webhook.as_deref(), round.untold), (Some("the webhook answered 503"), 1));
    assert_eq!((site.kept().webhook_failures, site.kept().untold.len()), (1, 1));
    drop(watch);
    *site.told.is_deaf.lock().expect("a flag") = false;
    let mut watch = site.watch(criteria()).await;
    let round = hourly(&site, &mut watch).await;
    assert_eq!((round.webhook, round.untold), (None, 0));
    let told = site.told.alerts.lock().expect("a list").clone();
    assert!(told.len() == 1 && told[0].starts_with("broken: 1 difference in "), "{told:?}");
    assert!(site.kept().untold.is_empty());
}

#[tokio::test(start_paused = true)]
async fn in_the_mode_direct_there_is_nothing_to_watch() {
    let world = World::with_an_interview().await;
    world.compare().await;
    world.throw(cutover_core::switch::Mode::Direct).await.expect("a flag that is thrown");
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    let round = hourly(&site, &mut watch).await;
    assert!(round.missed.as_ref().is_some_and(|missed| missed.contains("`direct`")), "{round:?}");
    assert_eq!(
        round.soak,
        Standing::NotYet { missing: vec![Missing::Fresh { last: None, gap_ms: 7_200_000 }] }
    );
}
