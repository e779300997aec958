//! The JSON form of results, and the schema that is published for programs that read them: neither may say what the other does not.

use std::fs;
use std::path::Path;

use cutover_harness::report::result_schema;
use serde_json::Value;

use crate::common::Sandbox;
use crate::validator;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn schema() -> Value {
    serde_json::from_str(&result_schema()).expect("a schema is JSON")
}

/// Returns the sample that the views are tested with: it has something of everything.
fn sample() -> Value {
    let snapshot = read("snapshots/report/json.snap");
    let (_, json) = snapshot.split_once("---\n{").expect("a snapshot has a head");
    serde_json::from_str(&format!("{{{json}")).expect("the sample is JSON")
}

#[test]
fn the_published_schema_is_the_one_of_the_program() {
    let kept = read("docs/result.schema.json");
    assert_eq!(kept, result_schema(), "run `cutover report --schema > docs/result.schema.json`");
}

#[test]
fn the_sample_is_as_the_schema_says() {
    validator::validate(&schema(), &sample(), "result").expect("the sample is a result");
}

#[test]
fn the_result_of_a_run_is_as_the_schema_says() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.txt", "CC: Roger. We copy.\nCDR: Okay. What is the oxygen pressure?\n");
    let args = ["run", "lost-acknowledgement", "--seed", "7301", "--transcripts", "mine", "--format", "json"];
    let output = sandbox.cutover(&args).output().expect("the command runs");
    let result = serde_json::from_slice(&output.stdout).expect("stdout is the result");
    validator::validate(&schema(), &result, "result").expect("it is a result");
}

#[test]
fn the_schema_refuses_what_is_no_result() {
    type Damage = fn(&mut Value);
    let damages: [(&str, Damage); 5] = [
        ("an outcome that there is none of", |sample| sample["scenarios"][0]["outcome"] = "green".into()),
        ("a seed that is text", |sample| sample["seed"] = "7301".into()),
        ("a difference of no kind", |sample| {
            let first = &mut sample["scenarios"][0]["checks"][0]["differences"]["first"][0];
            first["kind"] = "other".into();
        }),
        ("no verdict", |sample| drop(sample.as_object_mut().and_then(|fields| fields.remove("verdict")))),
        ("a neighbour in no state", |sample| {
            sample["scenarios"][0]["checks"][0]["neighbourhoods"][0]["nodes"][0]["state"] = "lost".into();
        }),
    ];
    for (what, damage) in damages {
        let mut sample = sample();
        damage(&mut sample);
        validator::validate(&schema(), &sample, "result").expect_err(what);
    }
}

#[test]
fn the_command_line_prints_it() {
    let printed = Sandbox::new().cutover(&["report", "--schema"]).output().expect("the command runs");
    assert_eq!(String::from_utf8_lossy(&printed.stdout), result_schema());
}
