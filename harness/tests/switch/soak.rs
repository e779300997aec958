//! What of a soak keeps a flag from being thrown to `projected`.

use cutover_core::switch::{SwitchState, Thrown};
use cutover_core::timestamp::Timestamp;
use cutover_harness::certificate::{self, Engine};
use cutover_harness::digest::Digest;
use cutover_harness::result::Outcome;
use cutover_harness::soak::{
    About, Breach, Comparison, Criteria, Criterion, Figures, Observation, Phase, Soak, StateFile,
};
use cutover_harness::switch::{PresentedSoak, of_the_soak};

/// A soak of some servers, that was watched for two weeks until a moment.
fn watched(about: &About, until: Timestamp) -> StateFile {
    let mut kept = StateFile::new(about.clone(), Criteria::bundled());
    let mut soak = Soak::new(Criteria::bundled());
    let rounds = 14 * 24 * 12;
    let begun = until.unix_ms() - rounds * 300_000;
    for number in 0..=rounds {
        let comparison = Comparison { elements: 100, swept: true, ..Comparison::default() };
        let seen = Observation {
            phase: Some(Phase::BeforeTheFlip { operation: None }),
            figures: Some(Figures { lag: 0, parked: 0 }),
            comparison: Ok(comparison),
        };
        let at = u64::try_from(begun + number * 300_000).expect("a time after 1970");
        soak.observe(seen, Timestamp::from_unix_ms(at));
    }
    kept.record = soak.record().clone();
    kept
}

fn servers() -> About {
    let engine = |name: &str| Engine { url: format!("bolt://{name}"), identity: Some(name.to_owned()) };
    let system = certificate::System {
        event_store: engine("store"),
        direct: engine("direct"),
        projected: engine("projected"),
    };
    About { system, groups: "v1".into(), flag: "dual-write".into(), policy: Digest::of(b"policy") }
}

const LONG_AGO: Timestamp = Timestamp::EPOCH;

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_714_557_600_000)
}

/// Holds a soak that was fulfilled just now, and then changed, against the servers, and returns why it is refused.
#[track_caller]
fn refused(change: impl FnOnce(&mut StateFile), at: Timestamp, flag: &SwitchState) -> String {
    let mut kept = watched(&servers(), now());
    change(&mut kept);
    let soak = PresentedSoak::Kept { file: "soak.json".into(), kept: Box::new(Ok(kept)) };
    let check = of_the_soak(&soak, &servers(), flag, at);
    assert_eq!((check.name, check.outcome), ("soak", Outcome::Fail), "{check:?}");
    assert!(check.remedy.is_some(), "{check:?}");
    check.found
}

#[test]
fn a_soak_that_is_fulfilled_just_now_is_in_nobodys_way() {
    let soak =
        PresentedSoak::Kept { file: "soak.json".into(), kept: Box::new(Ok(watched(&servers(), now()))) };
    let check = of_the_soak(&soak, &servers(), &SwitchState::default(), now());
    assert_eq!(check.outcome, Outcome::Pass, "{check:?}");
    assert_eq!(check.found, "watched for 14 d, 403300 elements compared, under the criteria that ship");
}

#[test]
fn no_soak_is_refused_unless_somebody_says_why() {
    let dual = SwitchState::default();
    let of = |soak| of_the_soak(&soak, &servers(), &dual, now());
    assert_eq!(of(PresentedSoak::Missing).outcome, Outcome::Fail);
    assert!(of(PresentedSoak::Missing).remedy.is_some_and(|remedy| remedy.contains("--without-soak REASON")));
    assert_eq!(of(PresentedSoak::LeftOut(" ".into())).outcome, Outcome::Fail);
    let left_out = of(PresentedSoak::LeftOut("a rehearsal".into()));
    assert_eq!((left_out.outcome, left_out.found.as_str()), (Outcome::Pass, "left out: a rehearsal"));
    let nowhere = of(PresentedSoak::read(std::path::Path::new("/nowhere/soak.json")));
    assert!(nowhere.found.starts_with("cannot read the soak /nowhere/soak.json"), "{nowhere:?}");
}

#[test]
fn a_soak_that_is_not_fulfilled_or_broken_is_refused_with_what_is_missing() {
    let dual = SwitchState::default();
    let found = refused(|kept| kept.record.watched_ms -= 1, now(), &dual);
    assert!(found.starts_with("not yet: watched for 13 d 23 h of 14 d"), "{found}");
    let found = refused(|kept| kept.record = Default::default(), now(), &dual);
    assert_eq!(found, "not yet: nothing was watched yet");
    let parked =
        Breach { criterion: Criterion::Parked, told: "1 events are parked".to_owned(), since: LONG_AGO };
    let found = refused(|kept| kept.record.breaches.push(parked), now(), &dual);
    assert_eq!(found, "broken since 1970-01-01T00:00:00Z: 1 events are parked");
}

#[test]
fn a_soak_that_ended_a_while_ago_is_refused() {
    let minutes = |count: u64| Timestamp::from_unix_ms(1_714_557_600_000 + count * 60_000);
    let found = refused(|_| {}, minutes(31), &SwitchState::default());
    assert!(found.starts_with("not yet: last watched at 2024-05-01T10:00:00Z"), "{found}");
    let soak =
        PresentedSoak::Kept { file: "soak.json".into(), kept: Box::new(Ok(watched(&servers(), now()))) };
    let check = of_the_soak(&soak, &servers(), &SwitchState::default(), minutes(30));
    assert_eq!(check.outcome, Outcome::Pass, "{check:?}");
}

#[test]
fn a_soak_of_other_servers_another_policy_or_before_another_throw_is_refused() {
    let dual = SwitchState::default();
    let found = refused(|kept| kept.about.system.direct.identity = Some("x".into()), now(), &dual);
    assert!(found.contains("another direct graph"), "{found}");
    let found = refused(|kept| kept.about.policy = Digest::of(b"other"), now(), &dual);
    assert!(found.contains("something else counted as the same"), "{found}");
    let thrown = Thrown { operation: uuid::Uuid::from_u128(1), positions: Default::default(), at: LONG_AGO };
    let back = SwitchState { thrown: Some(thrown), ..SwitchState::default() };
    let found = refused(|_| {}, now(), &back);
    assert!(found.contains("before the flag was thrown"), "{found}");
}
