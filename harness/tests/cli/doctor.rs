//! What is said about engines: of facts that are set here, and of this machine.

use cutover_harness::cli::flags::EnginesKind;
use cutover_harness::doctor::{
    ContainerFacts, ExternalFacts, Facts, Found, ImagePlace, Refusal, ServerFacts, diagnose,
};
use cutover_harness::exit_code;
use cutover_harness::report::{Style, diagnosis_to_terminal};

use crate::common::{Sandbox, check};

fn yes(found: &str) -> Found {
    Found::Yes(found.to_owned())
}

fn no(why: &str) -> Found {
    Found::No(why.to_owned())
}

fn server(what: &'static str, address: &str, answer: Found) -> ServerFacts {
    ServerFacts { what, address: address.to_owned(), answer }
}

/// A machine on which everything is as it should be.
fn well() -> Facts {
    Facts {
        embedded: yes("answers inside this process"),
        java: yes("17.0.15"),
        javac: yes("17.0.15"),
        maven: yes("3.8.7"),
        jars: yes("/home/somebody/.cache/cutover/neo4j-5.26.18-1"),
        memory_mib: Some(16_000),
        disk_mib: Some(40_000),
        containers: ContainerFacts::Daemon {
            version: "27.3.1".to_owned(),
            images: vec![
                ("neo4j:5.26-community".to_owned(), ImagePlace::Here),
                ("eventstore/eventstore:24.10".to_owned(), ImagePlace::InRegistry),
            ],
        },
        external: ExternalFacts {
            servers: vec![
                server("event store", "esdb://store:2113?tls=false", yes("EventStoreDB 24.10.0")),
                server(
                    "direct",
                    "bolt://one:7687",
                    yes("Neo4j 5.26.18, community, database neo4j, takes writes"),
                ),
                server(
                    "projected",
                    "bolt://two:7687",
                    yes("Neo4j 5.26.18, community, database neo4j, takes writes"),
                ),
            ],
            refusal: None,
        },
    }
}

/// A machine with nothing but this program.
fn bare() -> Facts {
    let cannot_be_run = |program| no(&format!("`{program}` cannot be run: no such file or directory"));
    Facts {
        java: cannot_be_run("java"),
        javac: cannot_be_run("javac"),
        maven: cannot_be_run("mvn"),
        jars: no("/home/somebody/.cache/cutover/neo4j-5.26.18-1"),
        memory_mib: Some(900),
        disk_mib: None,
        containers: ContainerFacts::NotBuilt,
        external: ExternalFacts::default(),
        ..well()
    }
}

fn shown(facts: &Facts, chosen: EnginesKind) -> String {
    diagnosis_to_terminal(&diagnose(facts, chosen), Style::default())
}

#[test]
fn a_machine_with_everything_is_told_so() {
    check("doctor_well", &shown(&well(), EnginesKind::External));
}

#[test]
fn a_bare_machine_is_told_what_is_missing_and_what_to_do() {
    check("doctor_bare", &shown(&bare(), EnginesKind::Process));
}

#[test]
fn a_server_that_does_not_answer_and_a_graph_that_is_not_empty_are_told() {
    let mut facts = well();
    facts.external.refusal = Some(Refusal {
        reason: "the graph `direct` at bolt://one:7687 is not empty: it holds 3 Person; 2 relationships"
            .to_owned(),
        remedy: "name an empty server".to_owned(),
    });
    check("doctor_refused", &shown(&facts, EnginesKind::External));
    facts.external.servers[1].answer = no("the server does not answer: connection refused");
    check("doctor_unreachable", &shown(&facts, EnginesKind::External));
}

#[test]
fn a_daemon_that_does_not_answer_and_an_image_that_is_nowhere_are_told() {
    let mut facts = well();
    facts.containers = ContainerFacts::Daemon {
        version: "27.3.1".to_owned(),
        images: vec![("neo4j:5.26-community".to_owned(), ImagePlace::Nowhere)],
    };
    check("doctor_image_nowhere", &shown(&facts, EnginesKind::Containers));
    facts.containers = ContainerFacts::Unreachable("no Docker daemon answers: no such file".to_owned());
    check("doctor_no_daemon", &shown(&facts, EnginesKind::Containers));
}

#[test]
fn the_engines_that_were_asked_for_decide() {
    let works = |facts: &Facts, kind| diagnose(facts, kind).chosen_works();
    assert!(works(&well(), EnginesKind::Process) && works(&well(), EnginesKind::External));
    assert!(works(&well(), EnginesKind::Containers) && !works(&bare(), EnginesKind::Containers));
    assert!(works(&bare(), EnginesKind::Embedded));
    assert!(!works(&bare(), EnginesKind::Process) && !works(&bare(), EnginesKind::External));
}

#[test]
fn jars_that_are_there_need_neither_a_compiler_nor_maven() {
    let facts = Facts { java: yes("21"), jars: well().jars, ..bare() };
    assert!(diagnose(&facts, EnginesKind::Process).chosen_works());
    assert!(!diagnose(&Facts { java: yes("11.0.2"), ..facts }, EnginesKind::Process).chosen_works());
}

#[test]
fn the_exit_code_is_about_the_engines_that_were_asked_for() {
    let sandbox = Sandbox::new();
    // There is no Java in the sandbox.
    let run =
        |args: &[&str]| sandbox.cutover(args).env("PATH", sandbox.path()).output().expect("the command runs");
    assert_eq!(run(&["doctor"]).status.code(), Some(i32::from(exit_code::PASS)));
    let output = run(&["doctor", "--engines", "process", "--format", "json"]);
    assert_eq!(output.status.code(), Some(i32::from(exit_code::ENVIRONMENT)));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a JSON diagnosis");
    assert_eq!(json["chosen"], "process");
    let process = json["engines"].as_array().expect("kinds").iter().find(|kind| kind["name"] == "process");
    assert_eq!(process.expect("process")["works"], false, "{json:#}");
}
