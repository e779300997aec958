//! What is kept between rounds, and what a soak is not gone on with.

use std::time::Duration;

use cutover_harness::soak::{StateError, WatchError};

use crate::live::{HOUR, Site, criteria, hourly, words};
use crate::world::{World, edit};

#[tokio::test(start_paused = true)]
async fn one_that_is_killed_after_each_round_comes_to_where_one_comes_that_never_was() {
    let world = World::with_an_interview().await;
    let (never, often) = (Site::of(&world), Site::of(&world));
    let mut watch = never.watch(criteria()).await;
    let pipeline = world.pipeline(9);
    for number in 0..10 {
        let seen = hourly(&never, &mut watch).await;
        often.skip(HOUR);
        // Opened anew each time, with nothing but the file.
        let mut again = often.watch(criteria()).await;
        let round = again.round().await.expect("a round");
        assert_eq!((round.compared, round.differing), (seen.compared, seen.differing), "round {number}");
        edit(&pipeline, number % 4, &format!("It is {number}.")).await;
    }
    let (never, often) = (never.kept().record, often.kept().record);
    assert_eq!(never.total, often.total);
    assert_eq!((never.cursor, never.swept), (often.cursor, often.swept));
    assert_eq!(never.watched_ms, often.watched_ms);
}

#[tokio::test(start_paused = true)]
async fn what_changed_while_nobody_watched_is_compared_and_its_time_does_not_count() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    let mut criteria = criteria();
    criteria.rounds.shards = 4_096.try_into().expect("not zero");
    let mut watch = site.watch(criteria.clone()).await;
    hourly(&site, &mut watch).await;
    let before = hourly(&site, &mut watch).await.watched_ms;
    drop(watch);
    site.skip(Duration::from_secs(9 * 3_600));
    edit(&world.pipeline(9), 1, "While nobody watched.").await;
    let mut watch = site.watch(criteria).await;
    let round = hourly(&site, &mut watch).await;
    assert!(round.compared.is_some_and(|compared| compared > 10), "{round:?}");
    assert_eq!(round.watched_ms, before);
    assert_eq!(words(&round.alerts), ["nobody watched for 10 h, which does not count"]);
}

#[tokio::test(start_paused = true)]
async fn other_criteria_begin_the_soak_anew_and_none_leave_them_as_they_are() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    for _ in 0..3 {
        hourly(&site, &mut watch).await;
    }
    drop(watch);
    let mut watch = cutover_harness::soak::Watch::open(site.opened(None, None)).await.expect("the same soak");
    let round = hourly(&site, &mut watch).await;
    assert!(round.watched_ms > 0 && round.alerts.is_empty(), "{round:?}");
    drop(watch);
    let mut other = criteria();
    other.at_most.parked = 7;
    let mut watch = site.watch(other).await;
    let round = hourly(&site, &mut watch).await;
    assert_eq!(round.watched_ms, 0);
    assert_eq!(words(&round.alerts), ["the soak begins anew: it is held against other criteria than before"]);
}

#[tokio::test(start_paused = true)]
async fn a_soak_of_other_servers_is_refused_and_left_alone() {
    let world = World::with_an_interview().await;
    let mut site = Site::of(&world);
    hourly(&site, &mut site.watch(criteria()).await).await;
    let kept = std::fs::read(site.file()).expect("a soak");
    site.live.groups = "v2".into();
    let error = site.refused(None).await;
    assert!(matches!(error, WatchError::State(StateError::OtherSystem { .. })), "{error}");
    assert_eq!(std::fs::read(site.file()).expect("a soak"), kept);
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_is_refused_and_left_alone() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    std::fs::write(site.file(), "{").expect("a file");
    let error = site.refused(None).await;
    assert!(matches!(error, WatchError::State(StateError::Broken { line: 1, .. })), "{error}");
    assert_eq!(std::fs::read(site.file()).expect("a file"), b"{");
}

#[tokio::test(start_paused = true)]
async fn two_cannot_watch_with_one_file() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    let _watch = site.watch(criteria()).await;
    let error = site.refused(None).await;
    assert!(matches!(error, WatchError::State(StateError::InUse { .. })), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_ends_the_watching_and_does_not_count() {
    let world = World::with_an_interview().await;
    let site = Site::of(&world);
    let mut watch = site.watch(criteria()).await;
    hourly(&site, &mut watch).await;
    let before = hourly(&site, &mut watch).await.watched_ms;
    let kept = site.kept();
    // A disk that is full refuses the file that is written beside the one that is kept; so does what has its name.
    let in_the_way = site.file().with_file_name(".soak.json.draft");
    std::fs::create_dir(&in_the_way).expect("a folder");
    site.skip(HOUR);
    let refused = watch.round().await.expect_err("nowhere to write");
    assert!(matches!(refused, WatchError::State(StateError::Unwritable { .. })), "{refused:?}");
    drop(watch);
    std::fs::remove_dir(&in_the_way).expect("the folder");
    assert_eq!(site.kept(), kept, "what was there is there");
    let mut watch = site.watch(criteria()).await;
    let round = watch.round().await.expect("a round");
    assert!(round.watched_ms > before, "the time between two rounds that are kept counts");
}
