//! Soaks of weeks, round by round: time is what the test says it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cutover_core::ids::InterviewId;
use cutover_core::switch::CategoryPositions;
use cutover_core::timestamp::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::certificate::{Engine, System};
use crate::digest::Digest;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const BEFORE: Phase = Phase::BeforeTheFlip { operation: None };
/// 2024-05-01T10:00:00Z.
const BEGINNING: u64 = 1_714_557_600_000;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(BEGINNING + ms)
}

fn healthy() -> Observation {
    let comparison = Comparison { elements: 1_000, swept: true, ..Comparison::default() };
    let figures = Some(Figures { lag: 0, parked: 0 });
    Observation { phase: Some(BEFORE), figures, comparison: Ok(comparison) }
}

fn missed() -> Observation {
    let miss = Miss { reason: "no answer".to_owned(), is_environment: true };
    Observation { phase: None, figures: None, comparison: Err(miss) }
}

/// Something of interview `name` differs, so many times.
fn differing(name: &str, count: u64) -> Observation {
    let differing = BTreeMap::from([(name.into(), count)]);
    let comparison = Comparison { elements: 1_000, differing, swept: true, ..Comparison::default() };
    Observation { comparison: Ok(comparison), ..healthy() }
}

fn figures(lag: u64, parked: u64) -> Observation {
    Observation { figures: Some(Figures { lag, parked }), ..healthy() }
}

/// A soak, and what time it is.
struct Story {
    soak: Soak,
    now: u64,
    alerts: Vec<Alert>,
}

impl Story {
    fn new() -> Self {
        Self::under(Criteria::bundled())
    }

    fn under(criteria: Criteria) -> Self {
        Self { soak: Soak::new(criteria), now: 0, alerts: Vec::new() }
    }

    fn see(&mut self, seen: Observation) -> &mut Self {
        self.alerts.extend(self.soak.observe(seen, at(self.now)));
        self
    }

    /// Lets time pass in which a round sees the same again and again.
    fn for_long(&mut self, ms: u64, every: u64, seen: impl Fn() -> Observation) -> &mut Self {
        for _ in 0..ms / every {
            self.now += every;
            self.see(seen());
        }
        self
    }

    fn healthy_for(&mut self, ms: u64) -> &mut Self {
        self.for_long(ms, 5 * MINUTE, healthy)
    }

    fn wait(&mut self, ms: u64) -> &mut Self {
        self.now += ms;
        self
    }

    fn standing(&self) -> Standing {
        self.soak.standing(at(self.now))
    }

    #[track_caller]
    fn missing(&self) -> Vec<Missing> {
        match self.standing() {
            Standing::NotYet { missing } => missing,
            other => panic!("{other}"),
        }
    }

    #[track_caller]
    fn broken(&self) -> Vec<Criterion> {
        match self.standing() {
            Standing::Broken { why, .. } => why.iter().map(|breach| breach.criterion).collect(),
            other => panic!("{other}"),
        }
    }

    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.alerts).iter().map(ToString::to_string).collect()
    }
}

#[test]
fn two_healthy_weeks_are_fulfilled_and_not_a_moment_earlier() {
    let mut story = Story::new();
    story.see(healthy()).healthy_for(14 * DAY - 5 * MINUTE);
    let watched_ms = 14 * DAY - 5 * MINUTE;
    assert_eq!(story.missing(), [Missing::Time { watched_ms, needed_ms: 14 * DAY }]);
    assert_eq!(story.told(), [] as [&str; 0]);
    story.healthy_for(5 * MINUTE);
    assert_eq!(story.standing(), Standing::Fulfilled);
    assert_eq!(story.told(), ["the soak is fulfilled"]);
    story.healthy_for(DAY);
    assert_eq!(story.told(), [] as [&str; 0], "it is told once");
}

#[test]
fn a_soak_that_never_saw_anything_says_what_is_missing() {
    let story = Story::new();
    assert_eq!(story.missing(), [Missing::Fresh { last: None, gap_ms: 30 * MINUTE }]);
    assert_eq!(story.standing().to_string(), "not yet: nothing was watched yet");
}

#[test]
fn time_alone_is_not_enough_where_little_was_compared() {
    let mut story = Story::new();
    let little = || {
        let comparison = Comparison { elements: 1, swept: true, ..Comparison::default() };
        Observation { comparison: Ok(comparison), ..healthy() }
    };
    story.see(little()).for_long(15 * DAY, 5 * MINUTE, little);
    let compared = 15 * 288 + 1;
    assert_eq!(story.missing(), [Missing::Elements { compared, needed: 100_000 }]);
}

#[test]
fn what_nobody_touched_has_to_be_compared_too() {
    let mut story = Story::new();
    let without_sweep = || {
        let comparison = Comparison { elements: 1_000, swept: false, ..Comparison::default() };
        Observation { comparison: Ok(comparison), ..healthy() }
    };
    story.see(without_sweep()).for_long(15 * DAY, 5 * MINUTE, without_sweep);
    assert_eq!(story.missing(), [Missing::Sweeps { shards: 0, needed: 48 }]);
    story.healthy_for(47 * 5 * MINUTE);
    assert_eq!(story.missing(), [Missing::Sweeps { shards: 47, needed: 48 }]);
    story.healthy_for(5 * MINUTE);
    assert_eq!(story.standing(), Standing::Fulfilled);
}

#[test]
fn the_shards_of_a_sweep_take_turns() {
    let mut story = Story::new();
    let mut turns = Vec::new();
    for _ in 0..97 {
        turns.push(story.soak.record().cursor.shards);
        story.wait(5 * MINUTE).see(healthy());
    }
    assert_eq!((turns[0], turns[47], turns[48], turns[96]), (0, 47, 0, 0));
}

#[test]
fn a_difference_breaks_it_at_once_and_is_told_once() {
    let mut story = Story::new();
    story.see(healthy()).healthy_for(DAY).wait(5 * MINUTE).see(differing("a", 3));
    assert_eq!(story.broken(), [Criterion::DifferencesPerMillion]);
    let told = story.told();
    assert!(told[0].starts_with("broken: 3 differences in "), "{told:?}");
    story.for_long(HOUR, 5 * MINUTE, || differing("a", 3));
    assert_eq!(story.told(), [] as [&str; 0]);
    let Standing::Broken { since, .. } = story.standing() else { panic!("{}", story.standing()) };
    assert_eq!(since, at(DAY + 5 * MINUTE));
}

#[test]
fn a_difference_that_stays_is_counted_once_and_breaks_it_for_as_long_as_it_is_there() {
    let mut story = Story::new();
    story.see(healthy()).for_long(3 * DAY, 5 * MINUTE, || differing("a", 3));
    assert_eq!(story.soak.record().total.differences, 3);
    assert_eq!(story.broken(), [Criterion::DifferencesPerMillion], "though it was found before the window");
}

#[test]
fn a_difference_that_went_away_breaks_it_until_the_window_is_over_and_then_it_begins_anew() {
    let mut story = Story::new();
    story.see(healthy()).healthy_for(13 * DAY).wait(5 * MINUTE).see(differing("a", 1));
    story.healthy_for(23 * HOUR);
    assert_eq!(story.broken(), [Criterion::DifferencesPerMillion]);
    story.healthy_for(3 * HOUR);
    let missing = story.missing();
    assert!(matches!(missing[0], Missing::Time { watched_ms, .. } if watched_ms < 3 * HOUR), "{missing:?}");
    assert_eq!(
        story.told().last().expect("an alert"),
        "the soak begins anew: no criterion is exceeded any more"
    );
    story.healthy_for(14 * DAY);
    assert_eq!(story.standing(), Standing::Fulfilled);
}

#[test]
fn a_rate_that_is_allowed_does_not_break_it_and_what_is_still_there_keeps_it_from_being_fulfilled() {
    let mut criteria = Criteria::bundled();
    criteria.at_most.differences_per_million = 10;
    let mut story = Story::under(criteria);
    story.see(healthy()).healthy_for(15 * DAY).wait(5 * MINUTE).see(differing("a", 2));
    assert_eq!(story.missing(), [Missing::Differing { differences: 2 }]);
    story.healthy_for(5 * MINUTE);
    assert_eq!(story.standing(), Standing::Fulfilled);
    story.wait(5 * MINUTE).see(differing("a", 2)).wait(5 * MINUTE).see(differing("b", 2));
    assert_eq!(
        story.broken(),
        [Criterion::DifferencesPerMillion],
        "4 in 290,000 are more than 10 per million"
    );
}

#[test]
fn few_elements_count_as_more_so_that_one_among_a_handful_is_no_rate() {
    let mut criteria = Criteria::bundled();
    criteria.at_most.differences_per_million = 100;
    let mut story = Story::under(criteria);
    let few = |count: u64| {
        let differing = BTreeMap::from([("a".into(), count)]);
        Observation {
            comparison: Ok(Comparison { elements: 5, differing, ..Comparison::default() }),
            ..healthy()
        }
    };
    story.see(few(1));
    assert!(
        matches!(story.standing(), Standing::NotYet { .. }),
        "{}: 1 in 10,000 is allowed",
        story.standing()
    );
    story.wait(5 * MINUTE).see(few(2));
    assert_eq!(story.broken(), [Criterion::DifferencesPerMillion]);
}

#[test]
fn what_was_changing_is_neither_equal_nor_different() {
    let mut story = Story::new();
    story.see(healthy()).healthy_for(15 * DAY).wait(5 * MINUTE);
    let changing = BTreeSet::from([InterviewId::for_file("a.txt")]);
    let comparison = Comparison { elements: 1, changing, ..Comparison::default() };
    story.see(Observation { comparison: Ok(comparison), ..healthy() });
    assert_eq!(story.missing(), [Missing::Changing { interviews: 1 }]);
}

#[test]
fn rounds_that_come_to_nothing_do_not_count_as_time() {
    let mut story = Story::new();
    story.see(healthy()).healthy_for(DAY);
    story.for_long(40 * MINUTE, 10 * MINUTE, missed);
    let last = Some(at(DAY));
    assert_eq!(story.missing()[0], Missing::Fresh { last, gap_ms: 30 * MINUTE });
    assert_eq!(story.told(), ["nothing was compared: no answer"], "once, and not with each round");
    story.wait(5 * MINUTE).see(healthy());
    assert_eq!(story.soak.record().watched_ms, DAY, "the gap is left out");
    assert_eq!(story.told(), ["nobody watched for 45 min, which does not count"]);
}

#[test]
fn a_short_gap_counts_since_what_changed_in_it_is_compared_by_the_next_round() {
    let mut story = Story::new();
    story.see(healthy()).wait(30 * MINUTE).see(healthy());
    assert_eq!(story.soak.record().watched_ms, 30 * MINUTE);
    story.wait(30 * MINUTE + 1).see(healthy());
    assert_eq!(story.soak.record().watched_ms, 30 * MINUTE);
}

#[test]
fn after_a_day_in_which_nobody_watched_it_begins_anew() {
    let mut story = Story::new();
    story.see(healthy()).healthy_for(13 * DAY).wait(DAY).see(healthy());
    assert_eq!(story.soak.record().watched_ms, 13 * DAY, "a day is not longer than a day");
    story.wait(DAY + MINUTE).see(healthy());
    assert_eq!((story.soak.record().watched_ms, story.soak.record().begun_anew), (0, 1));
    assert_eq!(story.told()[1], "the soak begins anew: nobody watched for 1 d");
}

#[test]
fn one_that_is_fulfilled_is_so_only_for_as_long_as_it_is_watched() {
    let mut story = Story::new();
    story.see(healthy()).healthy_for(14 * DAY).wait(30 * MINUTE);
    assert_eq!(story.standing(), Standing::Fulfilled);
    story.wait(1);
    assert_eq!(story.missing(), [Missing::Fresh { last: Some(at(14 * DAY)), gap_ms: 30 * MINUTE }]);
}

#[test]
fn rounds_that_fail_again_and_again_break_it() {
    let mut story = Story::new();
    story.see(healthy());
    for _ in 0..12 {
        story.wait(10 * MINUTE).see(missed()).wait(10 * MINUTE).see(healthy());
    }
    assert!(matches!(story.standing(), Standing::NotYet { .. }), "{}", story.standing());
    story.wait(10 * MINUTE).see(missed());
    assert_eq!(story.broken(), [Criterion::FailedRounds]);
}

#[test]
fn parked_events_break_it_until_they_were_replayed() {
    let mut story = Story::new();
    story.see(healthy()).healthy_for(DAY).wait(5 * MINUTE).see(figures(0, 1));
    assert_eq!(story.broken(), [Criterion::Parked]);
    story.wait(5 * MINUTE).see(healthy());
    assert_eq!(story.soak.record().watched_ms, 0, "it has begun anew");
    assert!(matches!(story.standing(), Standing::NotYet { .. }));
}

#[test]
fn more_lag_than_may_be_breaks_it_at_once_and_less_of_it_when_it_lasts() {
    let mut story = Story::new();
    story.see(figures(10_000, 0));
    assert!(matches!(story.standing(), Standing::NotYet { .. }));
    story.wait(5 * MINUTE).see(figures(10_001, 0));
    assert_eq!(story.broken(), [Criterion::LagEvents]);
    let mut story = Story::new();
    story.see(figures(1, 0)).for_long(15 * MINUTE, 5 * MINUTE, || figures(1, 0));
    assert!(matches!(story.standing(), Standing::NotYet { .. }));
    story.wait(5 * MINUTE).see(figures(1, 0));
    assert_eq!(story.broken(), [Criterion::LagFor]);
    let mut story = Story::new();
    for _ in 0..10 {
        story.wait(10 * MINUTE).see(figures(1, 0)).wait(MINUTE).see(healthy());
    }
    assert!(matches!(story.standing(), Standing::NotYet { .. }), "it has caught up in between");
}

#[test]
fn lag_is_known_of_rounds_that_could_not_compare() {
    let mut story = Story::new();
    story.see(healthy());
    let stuck = || Observation { phase: Some(BEFORE), figures: figures(7, 0).figures, ..missed() };
    story.for_long(25 * MINUTE, 5 * MINUTE, stuck);
    assert_eq!(story.broken(), [Criterion::LagFor]);
}

#[test]
fn each_criterion_that_is_exceeded_is_told_by_itself() {
    let mut story = Story::new();
    story.see(figures(0, 1)).wait(MINUTE).see(figures(20_000, 1));
    assert_eq!(story.broken(), [Criterion::LagEvents, Criterion::Parked]);
    assert_eq!(
        story.told(),
        ["broken: 1 events are parked, at most 0", "broken: 20000 events and entries wait, at most 10000"]
    );
}

#[test]
fn a_throw_begins_another_soak_with_criteria_of_its_own() {
    let mut story = Story::new();
    story.see(healthy()).healthy_for(14 * DAY);
    let after = Phase::AfterTheFlip { operation: Uuid::from_u128(1) };
    let watched = || Observation { phase: Some(after), ..healthy() };
    story.told();
    story.wait(5 * MINUTE).see(watched());
    assert_eq!(
        story.told(),
        [
            "the soak begins anew: the flag was thrown; it is now after the flip, the projected graph against the events"
        ]
    );
    let needed_ms = 2 * DAY;
    assert!(story.missing().contains(&Missing::Time { watched_ms: 0, needed_ms }), "{:?}", story.missing());
    story.for_long(2 * DAY, 5 * MINUTE, watched);
    assert_eq!(story.standing(), Standing::Fulfilled);
    let back = Phase::BeforeTheFlip { operation: Some(Uuid::from_u128(2)) };
    story.wait(5 * MINUTE).see(Observation { phase: Some(back), ..healthy() });
    assert_eq!(story.soak.record().watched_ms, 0);
}

#[test]
fn a_clock_that_is_put_back_gives_no_time_and_a_time_to_come_is_no_proof() {
    let mut story = Story::new();
    story.see(healthy()).healthy_for(14 * DAY);
    story.now -= HOUR;
    assert_eq!(story.missing(), [Missing::Clock { last: at(14 * DAY) }]);
    story.see(healthy());
    assert_eq!(story.soak.record().watched_ms, 14 * DAY);
    assert_eq!(story.standing(), Standing::Fulfilled);
}

#[test]
fn what_is_remembered_stays_small() {
    let mut story = Story::new();
    let many = || {
        let differing = (0..5_000).map(|number| (format!("{number}").into(), 1)).collect();
        let comparison = Comparison { elements: 1_000, differing, ..Comparison::default() };
        Observation { comparison: Ok(comparison), ..healthy() }
    };
    story.see(healthy()).healthy_for(30 * DAY).see(many());
    assert!(story.soak.record().hours.len() <= 25, "{}", story.soak.record().hours.len());
    assert_eq!(story.soak.record().cursor.differing.len(), 1_000);
    assert!(serde_json::to_vec(story.soak.record()).expect("JSON").len() < 50_000);
}

fn about() -> About {
    let engine = |name: &str| Engine { url: format!("bolt://{name}"), identity: Some(name.to_owned()) };
    let system =
        System { event_store: engine("store"), direct: engine("direct"), projected: engine("projected") };
    About { system, groups: "v1".into(), flag: "dual-write".into(), policy: Digest::of(b"policy") }
}

fn kept() -> StateFile {
    let mut story = Story::new();
    story.see(healthy()).healthy_for(DAY).wait(MINUTE).see(differing("a", 2));
    let mut kept = StateFile::new(about(), Criteria::bundled());
    kept.record = story.soak.record().clone();
    kept.untold = story.alerts;
    kept
}

#[test]
fn a_soak_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("soak.json");
    assert_eq!(StateFile::read_if_there(&file).expect("no error"), None);
    kept().write(&file).expect("a file");
    assert_eq!(StateFile::read(&file).expect("a soak"), kept());
}

#[test]
fn a_write_that_is_cut_off_anywhere_leaves_what_was_there_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("soak.json");
    let before = StateFile::new(about(), Criteria::bundled());
    before.write(&file).expect("a file");
    kept().write(&folder.path().join("next.json")).expect("a file");
    let next = std::fs::read(folder.path().join("next.json")).expect("a file");
    for end in (0..=next.len()).step_by(7) {
        // What `write_whole` has done until then: its draft holds a part, and the name leads to what was there.
        std::fs::write(folder.path().join(".soak.json.draft"), &next[..end]).expect("a draft");
        assert_eq!(StateFile::read(&file).expect("a soak"), before);
    }
    kept().write(&file).expect("a draft that is in the way of nobody");
    assert_eq!(StateFile::read(&file).expect("a soak"), kept());
}

#[test]
fn a_file_that_is_cut_off_or_altered_anywhere_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("soak.json");
    kept().write(&file).expect("a file");
    let bytes = std::fs::read(&file).expect("a file");
    // The last byte is the end of the line, which means nothing.
    for end in (0..bytes.len() - 1).step_by(7) {
        std::fs::write(&file, &bytes[..end]).expect("a file");
        let error = StateFile::read(&file).expect_err("half a soak");
        assert!(matches!(error, StateError::Broken { .. }), "{end}: {error}");
        assert_eq!(std::fs::read(&file).expect("a file"), &bytes[..end]);
    }
    let text = String::from_utf8(bytes).expect("text");
    let altered = text.replace("\"watched_ms\": 86460000", "\"watched_ms\": 1209600000");
    assert_ne!(text, altered);
    std::fs::write(&file, altered).expect("a file");
    let error = StateFile::read(&file).expect_err("an altered soak");
    assert!(matches!(error, StateError::Altered { .. }), "{error}");
    std::fs::write(&file, text.replace("\"schema_version\": 1", "\"schema_version\": 2")).expect("a file");
    let error = StateFile::read(&file).expect_err("another version");
    assert!(matches!(error, StateError::OtherVersion { found: 2, .. }), "{error}");
}

#[test]
fn a_soak_of_other_servers_groups_or_flag_is_refused_by_name() {
    let file = Path::new("soak.json");
    let kept = kept();
    let refused = |change: fn(&mut About)| {
        let mut found = about();
        change(&mut found);
        kept.is_about(file, &found).expect_err("another system").to_string()
    };
    assert!(kept.is_about(file, &about()).is_ok());
    assert!(
        refused(|about| about.system.direct.identity = Some("x".into())).contains("another direct graph")
    );
    assert!(
        refused(|about| about.system.projected.url = "bolt://x".into()).contains("another projected graph")
    );
    assert!(
        refused(|about| about.system.event_store.identity = Some("x".into())).contains("another event store")
    );
    assert!(refused(|about| about.groups = "v2".into()).contains("the groups `v1` and not `v2`"));
    assert!(refused(|about| about.flag = "x".into()).contains("the flag `dual-write` and not `x`"));
    let mut empty = kept;
    empty.about.system.event_store.identity = None;
    assert!(empty.is_about(file, &about()).is_ok(), "an empty store had nothing to tell");
}

#[test]
fn two_cannot_watch_with_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("soak.json");
    let lock = Lock::take(&file).expect("a lock");
    assert!(matches!(Lock::take(&file), Err(StateError::InUse { .. })));
    drop(lock);
    Lock::take(&file).expect("a lock that nobody has");
}

/// Anything that a round may see, and how long after the one before.
fn any_round() -> impl Strategy<Value = (u64, Observation)> {
    let pause = prop_oneof![8 => MINUTE..20 * MINUTE, 1 => 20 * MINUTE..2 * HOUR, 1 => DAY..2 * DAY];
    let phase = prop_oneof![9 => Just(BEFORE), 1 => Just(Phase::AfterTheFlip { operation: Uuid::nil() })];
    let differing = proptest::collection::btree_map("[ab]", 1_u64..3, 0..2);
    let comparison = (0_u64..50_000, differing, any::<bool>()).prop_map(|(elements, differing, swept)| {
        let differing = differing.into_iter().map(|(name, count)| (name.into(), count)).collect();
        let positions = CategoryPositions { interview: Some(elements), sentence: None };
        Comparison { elements, differing, swept, positions, ..Comparison::default() }
    });
    let figures = (0_u64..3, 0_u64..2).prop_map(|(lag, parked)| Figures { lag, parked });
    let seen = (phase, figures, comparison, 0..8).prop_map(|(phase, figures, comparison, miss)| match miss {
        0 => missed(),
        _ => Observation { phase: Some(phase), figures: Some(figures), comparison: Ok(comparison) },
    });
    (pause, seen)
}

/// Criteria that a story of a few hours can fulfil and break.
fn small() -> Criteria {
    let mut criteria = Criteria::bundled();
    criteria.before_the_flip.watched = "1h".parse().expect("a time");
    criteria.rounds.window = "2h".parse().expect("a time");
    criteria.at_most.failed_rounds = 1;
    criteria.at_most.differences_per_million = 40;
    criteria.rounds.shards = 3.try_into().expect("not zero");
    criteria
}

proptest! {
    #[test]
    fn one_that_is_restarted_anywhere_comes_to_where_one_comes_that_never_was(
        rounds in proptest::collection::vec(any_round(), 1..60),
        restarts in proptest::collection::btree_set(0_usize..60, 0..10),
    ) {
        let (mut never, mut often) = (Story::under(small()), Story::under(small()));
        for (number, (pause, seen)) in rounds.into_iter().enumerate() {
            never.wait(pause).see(seen.clone());
            often.wait(pause).see(seen);
            if restarts.contains(&number) {
                let bytes = serde_json::to_vec(often.soak.record()).expect("JSON");
                let record = serde_json::from_slice(&bytes).expect("a record");
                often.soak = Soak::resume(small(), record);
            }
            prop_assert_eq!(never.standing(), often.standing());
        }
        prop_assert_eq!(never.alerts, often.alerts);
        prop_assert_eq!(never.soak, often.soak);
    }

    #[test]
    fn it_is_never_fulfilled_while_something_differs_is_parked_or_was_not_watched(
        rounds in proptest::collection::vec(any_round(), 1..60),
    ) {
        let mut story = Story::under(small());
        for (pause, seen) in rounds {
            let clean = seen.comparison.as_ref().is_ok_and(|compared| compared.differing.is_empty())
                && seen.figures.is_some_and(|figures| figures.parked == 0);
            story.wait(pause).see(seen);
            let record = story.soak.record();
            prop_assert!(record.watched_ms <= story.now);
            if story.standing() == Standing::Fulfilled {
                prop_assert!(clean || record.last != Some(at(story.now)));
            }
        }
    }
}
