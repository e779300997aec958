//! What is said about bad input, and the exit code that goes with it. Nothing is written, nothing is started.

use crate::common::{Sandbox, check};

#[test]
fn an_unknown_flag_is_a_usage_error() {
    check("unknown_flag", &Sandbox::new().transcript(&["list", "--sead", "1"]));
}

#[test]
fn a_seed_that_is_no_number_is_a_usage_error() {
    check("seed_no_number", &Sandbox::new().transcript(&["list", "--seed", "abc"]));
}

#[test]
fn a_time_that_is_none_is_a_usage_error() {
    check("timeout_no_time", &Sandbox::new().transcript(&["list", "--timeout", "soon"]));
}

#[test]
fn a_variable_stands_in_for_a_flag_and_the_flag_goes_first() {
    let sandbox = Sandbox::new();
    let list = |args: &[&str]| {
        sandbox.cutover(args).env("CUTOVER_FORMAT", "json").output().expect("the command runs").stdout
    };
    assert!(list(&["list"]).starts_with(b"["));
    assert!(!list(&["list", "--format", "human"]).starts_with(b"["));
}

#[test]
fn a_scenario_file_with_an_unknown_step_is_named_with_line_column_and_the_nearest_word() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.toml", "description = \"x\"\nsteps = [\n    \"injest\",\n]\n");
    check("scenario_unknown_step", &sandbox.transcript(&["list", "--scenarios", "mine"]));
}

#[test]
fn a_scenario_file_that_is_no_toml_is_named_with_line_and_column() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.toml", "description = \"x\nsteps = []\n");
    check("scenario_no_toml", &sandbox.transcript(&["list", "--scenarios", "mine"]));
}

#[test]
fn a_scenario_folder_that_is_not_there_or_empty_is_a_usage_error() {
    let sandbox = Sandbox::new();
    check("scenarios_missing", &sandbox.transcript(&["list", "--scenarios", "nowhere"]));
    check("scenarios_none", &sandbox.transcript(&["list", "--scenarios", "."]));
}

#[test]
fn a_recorded_analysis_that_is_none_is_named_with_line_and_path() {
    let sandbox = Sandbox::new();
    sandbox.write("answers.jsonl", "{\"index\": 0, \"error\": \"timeout\"}\n{\"index\": 1, \"model\": 7}\n");
    check("analyses_malformed", &sandbox.transcript(&["run", "dual-write", "--analyses", "answers.jsonl"]));
    check("analyses_missing", &sandbox.transcript(&["run", "dual-write", "--analyses", "nowhere.jsonl"]));
}
