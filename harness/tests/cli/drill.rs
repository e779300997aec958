//! `cutover drill` from the outside: what it lists, what it refuses, and what it ends with.

use cutover_harness::exit_code;

use crate::common::{Sandbox, check};

#[test]
fn an_unknown_defect_is_answered_with_the_nearest_one() {
    check("drill_unknown_defect", &Sandbox::new().transcript(&["drill", "--defect", "loose-gard"]));
}

#[test]
fn the_defects_are_listed() {
    let sandbox = Sandbox::new();
    let args = ["drill", "--list", "--defect", "times-swapped", "--defect", "loose-guard"];
    check("drill_list", &sandbox.transcript(&args));
    let output =
        sandbox.cutover(&["drill", "--list", "--format", "json"]).output().expect("the command runs");
    let entries: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).expect("a JSON list");
    assert!(entries.len() >= 40, "{} defects", entries.len());
}

#[test]
fn a_defect_that_is_caught_ends_well_and_says_how_to_repeat_it() {
    let sandbox = Sandbox::new();
    let args = ["drill", "--defect", "status-key-misread", "--seed", "7301", "--format", "json"];
    let output = sandbox.cutover(&args).output().expect("the command runs");
    assert_eq!(output.status.code(), Some(i32::from(exit_code::PASS)), "{output:?}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("stdout is the result");
    assert_eq!(result["schema_version"], 1);
    assert_eq!(result["summary"]["by_name"], 1);
    assert_eq!(result["command"], "cutover drill --defect status-key-misread --seed 7301");
}

#[test]
fn a_drill_whose_scenarios_are_not_there_says_nothing() {
    let sandbox = Sandbox::new();
    let scenario = "description = 'x'\nsteps = ['ingest', { project = {} }, { compare = { left = 'direct', right = \
                    'projected' } }]\nexpect = { parked = 0 }\n";
    sandbox.write("mine/a.toml", scenario);
    let args = ["drill", "--defect", "loose-guard", "--seed", "7301", "--scenarios", "mine"];
    let output = sandbox.cutover(&args).output().expect("the command runs");
    assert_eq!(output.status.code(), Some(i32::from(exit_code::INCONCLUSIVE)), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("there is no scenario `ordering`"),
        "{output:?}"
    );
}

#[test]
fn a_document_without_a_place_for_the_defects_is_refused_before_anything_runs() {
    let sandbox = Sandbox::new();
    sandbox.write("drill.md", "# Mine\n");
    check("drill_no_marks", &sandbox.transcript(&["drill", "--document", "drill.md"]));
}
