//! Certificates from the outside: what a run leaves, who believes it, and what is said of one that is not to be believed.

use std::path::Path;
use std::process::Output;

use cutover_harness::exit_code;
use serde_json::Value;

use crate::common::{Sandbox, check};

const SHORT: &str =
    "CC: Roger. We copy, and the TV show was great.\nCDR: Okay. What is the oxygen pressure?\n";

/// A scenario that takes no time.
const SCENARIO: &str = "description = \"Both paths write the same.\"\nsteps = [\"ingest\", { project = { into = \"projected\" } }, \
                        { compare = { left = \"direct\", right = \"projected\" } }]\nexpect = { parked = 0 }\n";

/// One that fails: it expects what is not so.
const FAILING: &str = "description = \"Nothing is parked.\"\nsteps = [\"ingest\", { project = { into = \"projected\" } }, \
                       { compare = { left = \"direct\", right = \"projected\" } }]\nexpect = { parked = 7 }\n";

fn sandbox(scenario: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.txt", SHORT);
    sandbox.write("scenarios/s.toml", scenario);
    sandbox
}

/// Runs a command whose user has a configuration folder of their own.
fn run(sandbox: &Sandbox, args: &[&str]) -> Output {
    let home = sandbox.path().join("home");
    sandbox.cutover(args).env("XDG_CONFIG_HOME", home).output().expect("the command runs")
}

fn readiness(sandbox: &Sandbox, more: &[&str]) -> Output {
    let args = ["readiness", "--seed", "7301", "--transcripts", "mine", "--scenarios", "scenarios"];
    run(sandbox, &[&args[..], more].concat())
}

#[track_caller]
fn has_code(output: &Output, code: u8) {
    assert_eq!(output.status.code(), Some(i32::from(code)), "{}", said(output));
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].iter().map(|bytes| String::from_utf8_lossy(bytes)).collect()
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("JSON")
}

const LATEST: &str = "runs/latest/certificate.json";

#[test]
fn a_run_leaves_a_certificate_that_its_own_user_believes() {
    let sandbox = sandbox(SCENARIO);
    let output = readiness(&sandbox, &["--certificate", "copy.json"]);
    has_code(&output, exit_code::PASS);
    let key = sandbox.path().join("home/cutover/signing-key.pem");
    assert!(said(&output).contains("made a key that signs certificates"), "{}", said(&output));
    assert!(key.exists());
    assert_eq!(json(&sandbox.path().join(LATEST)), json(&sandbox.path().join("copy.json")));

    let verified = run(&sandbox, &["certificate", "verify", LATEST]);
    has_code(&verified, exit_code::PASS);
    assert!(said(&verified).contains("verdict: GO"), "{}", said(&verified));
    let public = format!("{}.pub", key.display());
    has_code(
        &run(&sandbox, &["certificate", "verify", "copy.json", "--trusted-key", &public]),
        exit_code::PASS,
    );
    // Without a configuration folder, too: whoever trusts the key needs nothing else.
    let elsewhere = sandbox.cutover(&["certificate", "verify", LATEST, "--trusted-key", &public]).output();
    has_code(&elsewhere.expect("the command runs"), exit_code::PASS);

    // The key is made once.
    let again = readiness(&sandbox, &[]);
    assert!(!said(&again).contains("made a key"), "{}", said(&again));
    has_code(&run(&sandbox, &["certificate", "verify", LATEST]), exit_code::PASS);
}

#[test]
fn every_figure_of_the_run_is_in_it_with_its_denominator() {
    let sandbox = sandbox(SCENARIO);
    has_code(&readiness(&sandbox, &[]), exit_code::PASS);
    let certificate = &json(&sandbox.path().join(LATEST))["certificate"];
    let result = json(&sandbox.path().join("runs/latest/result.json"));
    let checks = result["scenarios"][0]["checks"].as_array().expect("checks").len();
    let figures = certificate["figures"].as_array().expect("figures");
    assert_eq!(figures.len(), checks);
    for figure in figures {
        assert!(figure["of"].as_u64() > Some(0) && figure["passed"] == true, "{figure}");
    }
    assert_eq!(certificate["seed"], 7301);
    assert_eq!(certificate["live"], Value::Null);
    assert_eq!(certificate["scenario_set"], "own");
    let verified = said(&run(&sandbox, &["certificate", "verify", LATEST]));
    assert!(verified.contains("scenarios: 1 of the user's own, in place of"), "{verified}");
}

#[test]
fn a_run_that_fails_leaves_a_certificate_that_says_so() {
    let sandbox = sandbox(FAILING);
    has_code(&readiness(&sandbox, &[]), exit_code::DIFFERENCES);
    let verified = run(&sandbox, &["certificate", "verify", LATEST]);
    has_code(&verified, exit_code::DIFFERENCES);
    let said = said(&verified);
    assert!(
        said.contains("genuine: ") && said.contains("verdict: NO GO") && said.contains("s, expectations"),
        "{said}"
    );
    let output = run(&sandbox, &["certificate", "verify", LATEST, "--format", "json"]);
    let verified: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(verified["verdict"], "no-go");
}

#[test]
fn a_certificate_that_was_changed_is_refused() {
    let sandbox = sandbox(FAILING);
    has_code(&readiness(&sandbox, &[]), exit_code::DIFFERENCES);
    let mut certificate = json(&sandbox.path().join(LATEST));
    certificate["certificate"]["verdict"] = Value::from("go");
    sandbox.write("changed.json", certificate.to_string());
    let refused = run(&sandbox, &["certificate", "verify", "changed.json"]);
    has_code(&refused, exit_code::DIFFERENCES);
    let said = said(&refused);
    assert!(said.contains("was changed after it was signed") && said.contains("hint: "), "{said}");
}

#[test]
fn a_certificate_of_somebody_else_is_refused() {
    let sandbox = sandbox(SCENARIO);
    has_code(&run(&sandbox, &["certificate", "new-key", "theirs.pem"]), exit_code::PASS);
    has_code(&readiness(&sandbox, &["--signing-key", "theirs.pem"]), exit_code::PASS);
    assert!(!sandbox.path().join("home").exists(), "a key that was named is the only one");
    has_code(&run(&sandbox, &["certificate", "new-key", "mine.pem"]), exit_code::PASS);
    let refused = run(&sandbox, &["certificate", "verify", LATEST, "--trusted-key", "mine.pem.pub"]);
    has_code(&refused, exit_code::DIFFERENCES);
    assert!(said(&refused).contains("none of those that are trusted here"), "{}", said(&refused));
    let both =
        ["certificate", "verify", LATEST, "--trusted-key", "mine.pem.pub", "--trusted-key", "theirs.pem.pub"];
    has_code(&run(&sandbox, &both), exit_code::PASS);
}

#[test]
fn a_certificate_of_scenarios_alone_holds_for_no_system() {
    let sandbox = sandbox(SCENARIO);
    has_code(&readiness(&sandbox, &[]), exit_code::PASS);
    let refused = run(&sandbox, &["certificate", "verify", LATEST, "--live"]);
    has_code(&refused, exit_code::DIFFERENCES);
    let said = said(&refused);
    assert!(said.contains("about no live system") && said.contains("hint: "), "{said}");
}

#[test]
fn what_is_no_certificate_is_a_usage_error() {
    let sandbox = sandbox(SCENARIO);
    sandbox.write("cut.json", "{\"certificate\": {\"schema_ver");
    has_code(&run(&sandbox, &["certificate", "new-key", "mine.pem"]), exit_code::PASS);
    let verify = |file| sandbox.transcript(&["certificate", "verify", file, "--trusted-key", "mine.pem.pub"]);
    check("certificate_cut_off", &verify("cut.json"));
    check("certificate_not_there", &verify("nowhere.json"));
    check(
        "certificate_wrong_key",
        &sandbox.transcript(&["certificate", "verify", "cut.json", "--trusted-key", "mine.pem"]),
    );
}

#[test]
fn a_key_is_never_overwritten() {
    let sandbox = Sandbox::new();
    has_code(&run(&sandbox, &["certificate", "new-key", "mine.pem"]), exit_code::PASS);
    let before = std::fs::read(sandbox.path().join("mine.pem")).expect("a key");
    check("certificate_key_is_there", &sandbox.transcript(&["certificate", "new-key", "mine.pem"]));
    assert_eq!(std::fs::read(sandbox.path().join("mine.pem")).expect("the key"), before);
}

#[test]
fn a_run_without_a_key_ends_with_its_verdict_and_says_that_there_is_no_certificate() {
    let sandbox = sandbox(SCENARIO);
    let args = ["readiness", "--seed", "7301", "--transcripts", "mine", "--scenarios", "scenarios"];
    let output = sandbox.cutover(&args).output().expect("the command runs");
    has_code(&output, exit_code::PASS);
    let said = said(&output);
    assert!(said.contains("verdict: GO") && said.contains("there is no certificate"), "{said}");
    assert!(said.contains("neither XDG_CONFIG_HOME nor HOME is set") && said.contains("hint: "), "{said}");
    assert!(!sandbox.path().join(LATEST).exists());
}

#[test]
fn a_folder_for_keys_that_cannot_be_written_to_does_not_cost_the_verdict() {
    let sandbox = sandbox(SCENARIO);
    sandbox.write("home", "a file, not a folder");
    let output = readiness(&sandbox, &[]);
    has_code(&output, exit_code::PASS);
    assert!(said(&output).contains("there is no certificate"), "{}", said(&output));
}

#[test]
fn a_key_that_was_named_and_is_none_is_refused_before_anything_runs() {
    let sandbox = sandbox(SCENARIO);
    sandbox.write("mine.pem", "no key");
    let output = readiness(&sandbox, &["--signing-key", "mine.pem"]);
    has_code(&output, exit_code::USAGE);
    assert!(!sandbox.path().join("runs").exists(), "{}", said(&output));
}

#[test]
fn a_copy_that_cannot_be_written_is_an_error_after_the_verdict() {
    let sandbox = sandbox(SCENARIO);
    let output = readiness(&sandbox, &["--certificate", "nowhere/copy.json"]);
    has_code(&output, exit_code::ENVIRONMENT);
    let said = said(&output);
    assert!(said.contains("verdict: GO") && said.contains("cannot write the certificate to"), "{said}");
    assert!(sandbox.path().join(LATEST).exists());
}

#[test]
fn a_certificate_that_counts_for_no_time_or_for_ever_is_a_usage_error() {
    check("certificate_valid_for_ever", &Sandbox::new().transcript(&["readiness", "--valid-for", "9999h"]));
    check("certificate_valid_for_no_time", &Sandbox::new().transcript(&["readiness", "--valid-for", "0s"]));
}

#[test]
fn a_certificate_is_shown_without_being_judged() {
    let sandbox = sandbox(SCENARIO);
    has_code(&readiness(&sandbox, &[]), exit_code::PASS);
    let shown = run(&sandbox, &["certificate", "show", LATEST]);
    has_code(&shown, exit_code::PASS);
    let said = said(&shown);
    for part in
        ["verdict: GO", "counts until: ", "direct-vs-projected: differences", "live system: none", "verify"]
    {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let shown = run(&sandbox, &["certificate", "show", LATEST, "--format", "json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(shown, json(&sandbox.path().join(LATEST)));
}

#[test]
fn a_live_system_is_not_run_on() {
    let args = [
        "readiness",
        "--live",
        "--engines",
        "external",
        "--eventstore-url",
        "esdb://a",
        "--direct-url",
        "bolt://b",
    ];
    check("live_and_external", &Sandbox::new().transcript(&args));
    check(
        "live_missing_url",
        &Sandbox::new().transcript(&["readiness", "--live", "--direct-url", "bolt://one"]),
    );
}

#[test]
fn a_live_system_that_does_not_answer_is_told_before_anything_runs() {
    let sandbox = sandbox(SCENARIO);
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a port");
    let (store, one) = (format!("esdb://{nobody}?tls=false"), format!("bolt://{nobody}"));
    let two = format!("{one}/2");
    let servers = ["--live", "--eventstore-url", &store, "--direct-url", &one, "--projected-url", &two];
    let output = readiness(&sandbox, &servers);
    has_code(&output, exit_code::ENVIRONMENT);
    assert!(said(&output).contains("cannot be used"), "{}", said(&output));
    assert!(!sandbox.path().join("runs/latest").exists());
}
