//! Certificates that are not to be believed, each refused for its own reason; and what one says.

use std::path::PathBuf;
use std::time::Duration;

use cutover_core::timestamp::Timestamp;
use serde_json::Value;

use super::*;
use crate::diff::Policy;
use crate::digest::Digest;
use crate::gate::Verdict;
use crate::report::{Style, certificate_to_terminal};
use crate::result::Outcome;
use crate::testing;

const HOUR_MS: u64 = 3_600_000;
/// When certificates are issued here; each counts for a day.
const ISSUED_MS: u64 = 1_714_557_600_000;

fn at(hours: u64) -> Timestamp {
    Timestamp::from_unix_ms(ISSUED_MS + hours * HOUR_MS)
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn trusted() -> [PublicKey; 1] {
    [key().public()]
}

fn system() -> System {
    let engine = |url: &str, identity: &str| Engine { url: url.into(), identity: Some(identity.into()) };
    System {
        event_store: engine("esdb://store:2113", "first link of $ce-Interview: 1 to 0@Interview-1"),
        direct: engine("bolt://one:7687", "neo4j database A"),
        projected: engine("bolt://two:7687", "neo4j database B"),
    }
}

fn policy() -> Digest {
    policy_digest(&Policy::direct_vs_projected())
}

fn certificate() -> Certificate {
    let digest = Digest::of(b"a graph");
    let state = LiveSystemState {
        system: system(),
        groups: "v1".into(),
        position: LogPosition { interview: Some(41), sentence: Some(1203) },
        graphs: Some(GraphDigests { direct: digest, projected: digest }),
    };
    let lag = Figure {
        scenario: "live".into(),
        name: "lag".into(),
        value: Some(0),
        of: 1204,
        threshold: 0,
        passed: true,
    };
    let terms = Terms {
        issued_at: at(0),
        valid_for: Duration::from_secs(24 * 3600),
        scenario_set: ScenarioSet::Bundled,
    };
    issue(&testing::run_result(), &Policy::direct_vs_projected(), Some((state, vec![lag])), terms)
}

fn signed() -> SignedCertificate {
    SignedCertificate::sign(certificate(), &key())
}

/// A file with that text, in a folder that goes with it.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("certificate.json");
    std::fs::write(&file, text).expect("a file");
    (folder, file)
}

fn read(text: &str) -> Result<SignedCertificate, CertificateError> {
    SignedCertificate::read(&file(text).1)
}

fn read_kept(text: &str) -> SignedCertificate {
    let (_folder, file) = file(text);
    SignedCertificate::read(&file).expect("a certificate")
}

/// Returns every value within a JSON value by its path, containers included.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| paths(value, &format!("{path}/{name}"), found))
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(at, value)| paths(value, &format!("{path}/{at}"), found));
        }
        _ => {}
    }
}

/// Returns another value of the same kind.
fn another(value: &Value) -> Value {
    match value {
        Value::Null => Value::from(0),
        Value::Bool(is_true) => Value::from(!is_true),
        Value::Number(number) => Value::from(number.as_u64().expect("whole numbers alone") + 1),
        Value::String(text) => Value::from(format!("{text}x")),
        Value::Array(values) => Value::from([&values[..], &[Value::Null]].concat()),
        Value::Object(members) => {
            let mut members = members.clone();
            members.insert("more".to_owned(), Value::Null);
            Value::from(members)
        }
    }
}

#[test]
fn a_certificate_is_believed_from_when_it_is_issued_until_it_expires() {
    let read = read_kept(&signed().to_json());
    for now in [at(0), at(23)] {
        assert_eq!(read.verify(&trusted(), now).expect("it is genuine and fresh"), &certificate());
    }
}

#[test]
fn a_certificate_that_is_laid_out_anew_is_the_same_one() {
    let value: Value = serde_json::from_str(&signed().to_json()).expect("JSON");
    let read = read_kept(&value.to_string());
    assert_eq!(read.verify(&trusted(), at(1)).expect("it is genuine"), &certificate());
    assert_eq!((read.digest(), signed().digest()), (certificate().digest(), certificate().digest()));
}

#[test]
fn whatever_is_changed_in_it_is_noticed() {
    let genuine: Value = serde_json::from_str(&signed().to_json()).expect("JSON");
    let mut all = Vec::new();
    paths(&genuine["certificate"], "/certificate", &mut all);
    assert!(all.len() > 70, "{} values are few", all.len());
    for path in all {
        let mut changed = genuine.clone();
        let value = changed.pointer_mut(&path).expect("a value");
        *value = another(value);
        let refused = read_kept(&changed.to_string()).verify(&trusted(), at(1)).map(|_| ());
        assert!(matches!(refused, Err(CertificateError::Tampered { .. })), "{path}: {refused:?}");
    }
}

#[test]
fn a_member_that_is_taken_out_is_noticed() {
    let genuine: Value = serde_json::from_str(&signed().to_json()).expect("JSON");
    for name in genuine["certificate"].as_object().expect("members").keys() {
        let mut changed = genuine.clone();
        changed["certificate"].as_object_mut().expect("members").remove(name);
        let refused = read_kept(&changed.to_string()).verify(&trusted(), at(1)).map(|_| ());
        assert!(matches!(refused, Err(CertificateError::Tampered { .. })), "{name}: {refused:?}");
    }
}

#[test]
fn a_member_that_stands_twice_does_not_say_one_thing_and_mean_another() {
    let json = signed().to_json();
    let twice = json.replacen("\"verdict\":", "\"verdict\": \"go\", \"verdict\":", 1);
    assert_ne!(json, twice);
    let read = read_kept(&twice);
    // What is acted on is what was signed, wherever it stood.
    assert_eq!(
        read.verify(&trusted(), at(1)).expect("what counts is what was signed").verdict,
        Verdict::NoGo
    );
}

#[test]
fn another_signature_or_another_key_is_noticed() {
    let genuine: Value = serde_json::from_str(&signed().to_json()).expect("JSON");
    let mut other = genuine.clone();
    let signature = genuine["signature"].as_str().expect("a signature");
    let first = if signature.starts_with('0') { "1" } else { "0" };
    other["signature"] = Value::from(format!("{first}{}", &signature[1..]));
    let refused = read_kept(&other.to_string()).verify(&trusted(), at(1)).map(|_| ());
    assert!(matches!(refused, Err(CertificateError::Tampered { .. })), "{refused:?}");

    let mut other = genuine;
    other["key"] = Value::from(SigningKey::from_bytes(&[8; 32]).public().id().to_string());
    let refused = read_kept(&other.to_string()).verify(&trusted(), at(1)).map(|_| ());
    assert!(matches!(refused, Err(CertificateError::Untrusted { .. })), "{refused:?}");
}

#[test]
fn a_certificate_of_somebody_else_is_not_believed_and_claiming_a_trusted_key_does_not_help() {
    let foreign = SigningKey::from_bytes(&[9; 32]);
    let signed_by_other = SignedCertificate::sign(certificate(), &foreign);
    let refused = signed_by_other.verify(&trusted(), at(1)).map(|_| ());
    let Err(CertificateError::Untrusted { key: named, trusted: known }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((named, known), (foreign.public().id(), vec![key().public().id()]));
    assert!(matches!(signed().verify(&[], at(1)), Err(CertificateError::Untrusted { .. })));
    assert!(signed_by_other.verify(&[key().public(), foreign.public()], at(1)).is_ok());

    let mut claiming: Value = serde_json::from_str(&signed_by_other.to_json()).expect("JSON");
    claiming["key"] = Value::from(key().public().id().to_string());
    let refused = read_kept(&claiming.to_string()).verify(&trusted(), at(1)).map(|_| ());
    assert!(matches!(refused, Err(CertificateError::Tampered { .. })), "{refused:?}");
}

#[test]
fn an_expired_certificate_is_refused_at_the_very_moment() {
    let just_before = Timestamp::from_unix_ms(ISSUED_MS + 24 * HOUR_MS - 1);
    assert!(signed().verify(&trusted(), just_before).is_ok());
    let refused = signed().verify(&trusted(), at(24)).map(|_| ());
    assert!(
        matches!(refused, Err(CertificateError::Expired { expires_at, .. }) if expires_at == at(24)),
        "{refused:?}"
    );
}

#[test]
fn a_certificate_from_the_future_is_refused_but_clocks_may_be_a_minute_apart() {
    let before = |ms: u64| Timestamp::from_unix_ms(ISSUED_MS - ms);
    assert!(signed().verify(&trusted(), before(60_000)).is_ok());
    let refused = signed().verify(&trusted(), before(60_001)).map(|_| ());
    assert!(matches!(refused, Err(CertificateError::FromTheFuture { .. })), "{refused:?}");
}

#[test]
fn a_certificate_that_was_cut_off_anywhere_is_none() {
    let json = signed().to_json();
    let whole = json.trim_end().len();
    for len in (0..whole).filter(|len| len % 37 == 0 || len + 3 > whole) {
        let refused = read(&json[..len]).map(|_| ());
        assert!(matches!(refused, Err(CertificateError::NoCertificate { .. })), "{len}: {refused:?}");
    }
}

#[test]
fn what_is_no_certificate_is_told_from_one_that_is_not_to_be_believed() {
    for text in [
        "",
        "{}",
        "[]",
        "{\"certificate\": {}, \"key\": \"k\"}",
        "{\"certificate\": {}, \"key\": \"k\", \"signature\": \"00\"}",
    ] {
        let refused = read(text).map(|_| ());
        assert!(matches!(refused, Err(CertificateError::NoCertificate { .. })), "{text}: {refused:?}");
    }
    let mut more: Value = serde_json::from_str(&signed().to_json()).expect("JSON");
    more["verdict"] = Value::from("go");
    assert!(matches!(read(&more.to_string()), Err(CertificateError::NoCertificate { .. })));
    let refused = SignedCertificate::read(&PathBuf::from("/nowhere/at/all")).map(|_| ());
    assert!(matches!(refused, Err(CertificateError::Unreadable { .. })), "{refused:?}");
}

#[test]
fn a_certificate_of_another_version_is_refused_as_such_if_it_is_genuine() {
    let later = Certificate { schema_version: SCHEMA_VERSION + 1, ..certificate() };
    let read = read_kept(&SignedCertificate::sign(later, &key()).to_json());
    let refused = read.verify(&trusted(), at(1)).map(|_| ());
    assert!(matches!(refused, Err(CertificateError::UnknownVersion { found: 2 })), "{refused:?}");
    assert!(matches!(read.unverified(), Err(CertificateError::UnknownVersion { .. })));
}

#[test]
fn a_verdict_that_is_not_go_is_told_and_no_error() {
    assert_eq!(testing::run_result().verdict.verdict, Verdict::NoGo);
    let signed = signed();
    let certificate = signed.verify(&trusted(), at(1)).expect("it is genuine");
    assert_eq!(certificate.verdict, Verdict::NoGo);
    assert!(!certificate.reasons.is_empty());
}

#[test]
fn a_certificate_holds_for_its_own_system_and_policy_alone() {
    let certificate = certificate();
    assert_eq!(certificate.is_for(&system(), &policy()), Ok(()));

    let other = Digest::of(b"another policy");
    let refused = certificate.is_for(&system(), &other).expect_err("another policy");
    assert_eq!(refused, Mismatch::OtherPolicy { certified: policy(), found: other });

    let alone = Certificate { live: None, ..certificate.clone() };
    assert_eq!(alone.is_for(&system(), &policy()), Err(Mismatch::NoLiveSystem));
}

#[test]
fn another_server_is_told_by_its_url_and_by_its_identity() {
    let certificate = certificate();
    type Change = fn(&mut System);
    let changes: [(&str, Change); 6] = [
        ("event store", |system| system.event_store.url.push('0')),
        ("event store", |system| system.event_store.identity = None),
        ("direct graph", |system| system.direct.url.push('0')),
        ("direct graph", |system| system.direct.identity = Some("neo4j database C".into())),
        ("projected graph", |system| system.projected.url.push('0')),
        ("projected graph", |system| {
            std::mem::swap(&mut system.direct.identity, &mut system.projected.identity)
        }),
    ];
    for (at, (expected, change)) in changes.into_iter().enumerate() {
        let mut found = system();
        change(&mut found);
        let refused = certificate.is_for(&found, &policy()).expect_err("another server");
        let Mismatch::OtherEngine { which, .. } = refused else { panic!("{refused:?}") };
        // Where two are another's, the first one is told.
        let expected = if at == 5 { "direct graph" } else { expected };
        assert_eq!(which, expected);
    }
}

#[test]
fn every_figure_bears_what_it_was_taken_from() {
    let certificate = certificate();
    let result = testing::run_result();
    let checks: usize = result.scenarios.iter().map(|scenario| scenario.checks.len()).sum();
    assert_eq!(certificate.figures.len(), checks + 1);
    for (scenario, summary) in result.scenarios.iter().zip(&certificate.scenarios) {
        assert_eq!((&scenario.name, scenario.outcome), (&summary.name, summary.outcome));
        for check in &scenario.checks {
            let of_check = |figure: &&Figure| {
                figure.scenario == scenario.name && figure.name == format!("{}: differences", check.id)
            };
            let figure = certificate.figures.iter().find(of_check).expect("a figure for each check");
            assert_eq!(figure.of, check.compared.total());
            assert_eq!(figure.passed, check.outcome == Outcome::Pass);
            assert_eq!(figure.value.is_none(), check.outcome == Outcome::Unknown);
        }
    }
}

#[test]
fn a_policy_has_one_digest_however_it_is_laid_out_and_another_one_with_every_change() {
    let text = "name = \"p\"\nidentity = \"slots\"\ncompare = { Sentence = [\"text\", \"x\"] }\n";
    let digest = |text: &str| policy_digest(&Policy::from_toml(text).expect("a policy"));
    let same = "# a comment\nidentity = 'slots'\nname = 'p'\n[compare]\nSentence = [\"x\", \"text\"]\n";
    assert_eq!(digest(text), digest(same));
    assert_ne!(digest(text), digest(&text.replace("\"x\"", "\"y\"")));
    let rule =
        "[[tolerance]]\nid = \"r\"\non = [\"Sentence\"]\nproperty = \"x\"\nwithin = 0.1\nreason = \"why\"\n";
    let with_rule = format!("{text}{rule}");
    assert_ne!(digest(text), digest(&with_rule));
    assert_ne!(digest(&with_rule), digest(&with_rule.replace("0.1", "0.2")));
}

/// Replaces what changes with the shipped policy by text of the same width.
fn redacted(text: &str) -> String {
    let json = signed().to_json();
    let signature = serde_json::from_str::<Value>(&json).expect("JSON")["signature"].clone();
    [
        (policy().to_string(), "POLICY"),
        (certificate().digest().to_string(), "CERTIFICATE"),
        (signature.as_str().expect("a signature").to_owned(), "SIGNATURE"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (varying, name)| {
        text.replace(&varying, &format!("{name:_<0$}", varying.len()))
    })
}

#[test]
fn the_file_stays_as_it_is() {
    testing::check("certificate", "file", &redacted(&signed().to_json()));
}

#[test]
fn what_people_are_shown_stays_as_it_is() {
    let shown = |columns| {
        let style = Style { columns, ..Style::default() };
        certificate_to_terminal(&certificate(), &key().public().id(), style)
    };
    testing::check("certificate", "terminal", &redacted(&shown(120)));
    let narrow = shown(40);
    assert!(
        narrow.lines().all(|line| line.chars().count() <= 40),
        "it fits the narrowest terminal: {narrow}"
    );
    assert!(narrow.contains("\nlive\n lag: 0 of 1,204, at most 0: passed\n"), "{narrow}");
}
