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

#[test]
fn a_scenario_that_compares_what_nothing_wrote_is_named_with_the_place_of_the_step() {
    let sandbox = Sandbox::new();
    let text = "description = \"x\"\nsteps = [\n    \"ingest\",\n    { compare = { left = \"direkt\", right = \
                \"model\" } },\n]\nexpect = { parked = 0 }\n";
    sandbox.write("mine/a.toml", text);
    check("scenario_unknown_graph", &sandbox.transcript(&["list", "--scenarios", "mine"]));
}

#[test]
fn a_value_of_the_wrong_kind_and_a_missing_key_are_said_in_plain_words() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.toml", "description = \"x\"\nsteps = [{ edit = { sentences = -3 } }]\n");
    check("scenario_wrong_value", &sandbox.transcript(&["list", "--scenarios", "mine"]));
    sandbox.write("mine/a.toml", "description = \"x\"\nsteps = [\"ingest\"]\n");
    check("scenario_missing_key", &sandbox.transcript(&["list", "--scenarios", "mine"]));
}

#[test]
fn a_number_of_lanes_that_is_none_is_a_usage_error() {
    check("lanes_none", &Sandbox::new().transcript(&["list", "--lanes", "0"]));
}

#[test]
fn a_packed_transcript_that_is_cut_off_is_named_with_a_remedy() {
    let sandbox = Sandbox::new();
    // A header and no end.
    sandbox.write("mine/a.txt.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x73, 0xb4, 0x52]);
    check("transcript_cut_off", &sandbox.transcript(&["run", "dual-write", "--transcripts", "mine"]));
}

#[test]
fn two_transcripts_of_one_interview_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.txt", "A: One.\n");
    // The same text, packed.
    let packed = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0x73, 0xb4, 0x52, 0xf0, 0xcf, 0x4b, 0xd5, 0xe3, 2, 0, 0x61, 0x44,
        0x3e, 0x2f, 8, 0, 0, 0,
    ];
    sandbox.write("mine/a.txt.gz", packed);
    check("transcript_twins", &sandbox.transcript(&["run", "dual-write", "--transcripts", "mine"]));
}

#[test]
fn a_file_where_a_folder_of_transcripts_should_be_is_answered_with_what_to_name() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", "A: One.\n");
    check("transcripts_file", &sandbox.transcript(&["run", "dual-write", "--transcripts", "a.txt"]));
}

#[test]
fn a_run_folder_below_a_file_is_refused_before_anything_runs() {
    let sandbox = Sandbox::new();
    sandbox.write("taken", "a file, not a folder");
    let args = ["run", "dual-write", "--runs", "taken/below"];
    check("runs_below_file", &sandbox.transcript(&args));
}
