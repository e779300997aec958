//! `cutover diff` on snapshots: exit codes, policies, shards, and a comparison that is killed and gone on with.

use std::path::Path;

use cutover_core::graph::ChangeSet;
use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::{Graph, MemoryGraph, Schema};
use cutover_harness::diff::{Form, Policy, Side};
use cutover_harness::snapshot::{self, About};
use serde_json::Value as Json;

use crate::common::interviews::interview;
use crate::common::{Sandbox, check};

/// Writes a snapshot of interviews; `text` says what is said in each.
fn write(sandbox: &Sandbox, name: &str, schema: Schema, texts: impl IntoIterator<Item = String>) {
    let sets: Vec<ChangeSet> =
        (0..).zip(texts).map(|(number, text)| interview(schema, number, &text)).collect();
    let side = if schema == Schema::Direct { Side::Left } else { Side::Right };
    let policies = [Policy::same_schema(), Policy::direct_vs_projected()];
    let about = About {
        schema,
        source: format!("bolt://{name}"),
        now: Timestamp::from_unix_ms(1_714_557_600_000),
        forms: policies.iter().map(|policy| Form::new(policy, side)).collect(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let graph = MemoryGraph::new(schema);
        graph.apply(&sets).await.expect("what has no guard is applied");
        snapshot::save(&graph, about, &sandbox.path().join(name)).await.expect("a snapshot");
    });
}

fn same(count: usize) -> impl Iterator<Item = String> {
    std::iter::repeat_n("Hi.".to_owned(), count)
}

/// Writes two snapshots, a direct and a projected one, that differ in as many interviews.
fn write_two(sandbox: &Sandbox, interviews: usize, differing: usize) {
    write(sandbox, "direct.jsonl", Schema::Direct, same(interviews));
    let others = std::iter::repeat_n("Oh.".to_owned(), differing);
    write(sandbox, "projected.jsonl", Schema::Projected, others.chain(same(interviews - differing)));
}

/// Runs a comparison and returns its exit code and its result.
fn diff(sandbox: &Sandbox, args: &[&str]) -> (i32, Json) {
    let fixed = ["diff", "--seed", "1", "--format", "json"];
    let output = sandbox.cutover(&[&fixed, args].concat()).output().expect("the command runs");
    let result = serde_json::from_slice(&output.stdout).unwrap_or(Json::Null);
    (output.status.code().expect("an exit code"), result)
}

const TWO: [&str; 2] = ["direct.jsonl", "projected.jsonl"];

#[test]
fn equal_graphs_of_both_schemas_are_equal_by_digest() {
    let sandbox = Sandbox::new();
    write_two(&sandbox, 5, 0);
    let (code, result) = diff(&sandbox, &TWO);
    assert_eq!((code, &result["verdict"]["verdict"]), (0, &Json::from("go")));
    let check = &result["scenarios"][0]["checks"][0];
    assert_eq!((&check["id"], &check["outcome"]), (&"direct-vs-projected".into(), &"pass".into()));
    assert_eq!(check["compared"]["nodes"]["Sentence"]["both"], 10);
    assert!(check["compared"]["by_digest"].as_u64() > Some(40), "{check}");
    let run = sandbox.path().join("runs/latest");
    assert!(run.join("result.json").exists() && !run.join("progress.json").exists());
}

#[test]
fn what_differs_is_told_and_the_exit_code_is_1() {
    let sandbox = Sandbox::new();
    write_two(&sandbox, 3, 1);
    let text = sandbox.transcript(&["diff", "direct.jsonl", "projected.jsonl", "--seed", "1"]);
    assert!(text.contains("[exit code 1]"), "{text}");
    assert!(text.contains(r#"text is "Hi." in direct, "Oh." in projected"#), "{text}");
    assert!(text.contains("reproduce: cutover diff direct.jsonl projected.jsonl --seed 1"), "{text}");
}

#[test]
fn bad_input_is_refused_before_anything_is_compared() {
    let sandbox = Sandbox::new();
    write_two(&sandbox, 3, 0);
    let bytes = std::fs::read(sandbox.path().join("direct.jsonl")).expect("the snapshot");
    sandbox.write("cut.jsonl", &bytes[..bytes.len() / 2]);
    sandbox.write("text.jsonl", "{\"a\":1}\n");
    sandbox.write("policy.toml", "name = \"p\"\nidentity = \"slots\"\n[compares]\n");
    let [direct, projected] = TWO;
    for (name, args) in [
        ("diff_missing", &["nowhere.jsonl", projected][..]),
        ("diff_no_snapshot", &["text.jsonl", projected]),
        ("diff_cut_off", &["cut.jsonl", projected]),
        ("diff_wrong_way_round", &[projected, direct]),
        ("diff_other_schema", &[direct, projected, "--left-schema", "projected"]),
        ("diff_no_policy", &[direct, projected, "--policy", "policy.toml"]),
        ("diff_no_shard", &[direct, projected, "--shard", "17/16"]),
        ("diff_nothing_to_resume", &[direct, projected, "--resume", "runs/latest"]),
        ("diff_no_address", &["ftp://host", projected]),
    ] {
        let text = sandbox.transcript(&[&["diff", "--seed", "1"], args].concat());
        assert!(text.contains("[exit code 64]"), "{text}");
        check(name, &text);
    }
    assert!(!sandbox.path().join("runs/latest").exists(), "no result was kept");
}

#[test]
fn an_altered_snapshot_proves_nothing_and_its_place_is_told() {
    let sandbox = Sandbox::new();
    write_two(&sandbox, 3, 0);
    let path = sandbox.path().join("projected.jsonl");
    let text = std::fs::read_to_string(&path).expect("the snapshot");
    std::fs::write(&path, text.replacen("Hi.", "Oh.", 1)).expect("the snapshot");
    let (code, result) = diff(&sandbox, &TWO);
    assert_eq!(code, 2);
    let detail = result["verdict"]["reasons"][0]["detail"].as_str().expect("a reason");
    assert!(detail.contains("was altered: interview") && detail.contains("bytes "), "{detail}");
}

#[test]
fn a_policy_that_hides_everything_is_inconclusive() {
    let sandbox = Sandbox::new();
    write_two(&sandbox, 2, 0);
    let labels = ["Project", "Interview", "Sentence", "Analysis", "Topic"];
    let rels =
        ["CONTAINS_INTERVIEW", "HAS_SENTENCE", "HAS_ANALYSIS", "FIRST_SENTENCE", "NEXT_SENTENCE", "FOLLOWS"];
    let all = labels.iter().chain(&rels).chain(&["MENTIONS_TOPIC"]);
    let accepted: String = all.map(|subject| accept(subject, "2999-12-31")).collect();
    sandbox.write("policy.toml", format!("name = \"p\"\nidentity = \"slots\"\n[compare]\n{accepted}"));
    let (code, result) = diff(&sandbox, &[&TWO[..], &["--policy", "policy.toml"]].concat());
    assert_eq!(code, 2, "{result}");
    assert_eq!(result["scenarios"][0]["checks"][0]["cause"], "nothing-compared");
}

fn accept(subject: &str, expires: &str) -> String {
    format!(
        "[[accept]]\nid = \"accept-{subject}\"\nsubject = \"{subject}\"\nreason = \"known since Monday\"\nowner = \
         \"Ada\"\nexpires = {expires}\n"
    )
}

#[test]
fn an_accepted_difference_is_shown_and_does_not_fail_until_its_day_is_past() {
    let sandbox = Sandbox::new();
    write_two(&sandbox, 3, 1);
    let policy = |expires| format!("{}\n{}", Policy::DIRECT_VS_PROJECTED, accept("Sentence", expires));
    sandbox.write("valid.toml", policy("2999-12-31"));
    sandbox.write("expired.toml", policy("2020-01-31"));
    for (file, code, told) in [
        (
            "valid.toml",
            0,
            "accept-Sentence, 2 times, until 2999-12-31, Ada answers for it: known since Monday",
        ),
        ("expired.toml", 1, "accept-Sentence, 2 times, EXPIRED on 2020-01-31, so that they count again, Ada"),
    ] {
        let text = sandbox.transcript(&["diff", TWO[0], TWO[1], "--seed", "1", "--policy", file]);
        assert!(text.contains(&format!("[exit code {code}]")), "{text}");
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn the_policy_that_comes_with_the_program_is_printed_and_can_be_used() {
    let sandbox = Sandbox::new();
    write_two(&sandbox, 2, 0);
    let output = sandbox.cutover(&["diff", "--print-policy"]).output().expect("the command runs");
    sandbox.write("policy.toml", &output.stdout);
    let (code, result) = diff(&sandbox, &[&TWO[..], &["--policy", "policy.toml"]].concat());
    assert_eq!(code, 0);
    let by_digest = result["scenarios"][0]["checks"][0]["compared"]["by_digest"].as_u64();
    assert!(by_digest > Some(0), "it is the policy of the digests");
}

/// Returns the shard.json that the newest run of a folder has left.
fn shard_file(sandbox: &Sandbox, runs: &str) -> String {
    let run = std::fs::canonicalize(sandbox.path().join(runs).join("latest")).expect("a run");
    run.join("shard.json").to_string_lossy().into_owned()
}

#[test]
fn shards_are_put_together_again_and_not_when_one_is_missing_or_there_twice() {
    let sandbox = Sandbox::new();
    write_two(&sandbox, 9, 4);
    let mut files = Vec::new();
    for number in 1..=3 {
        let (shard, runs) = (format!("{number}/3"), format!("runs-{number}"));
        diff(&sandbox, &[&TWO[..], &["--shard", &shard, "--runs", &runs]].concat());
        files.push(shard_file(&sandbox, &runs));
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let (_, whole) = diff(&sandbox, &TWO);
    let (code, merged) = diff(&sandbox, &[&["--merge"], &files[..]].concat());
    assert_eq!(code, 1);
    let of = |result: &Json, what: &str| result["scenarios"][0]["checks"][0][what].clone();
    assert_eq!(of(&merged, "differences")["by_kind"], of(&whole, "differences")["by_kind"]);
    assert_eq!(of(&merged, "compared")["nodes"], of(&whole, "compared")["nodes"]);
    assert_eq!(of(&merged, "id"), of(&whole, "id"));
    let (code, merged) = diff(&sandbox, &["--merge", files[0], files[0]]);
    assert_eq!((code, merged), (64, Json::Null), "one is there twice");

    write_two_equal(&sandbox);
    let (code, _) = diff(&sandbox, &["a.jsonl", "b.jsonl", "--shard", "1/2", "--runs", "runs-4"]);
    assert_eq!(code, 0);
    let (code, merged) = diff(&sandbox, &["--merge", &shard_file(&sandbox, "runs-4")]);
    assert_eq!((code, of(&merged, "cause")), (2, "incomplete".into()));
}

fn write_two_equal(sandbox: &Sandbox) {
    for name in ["a.jsonl", "b.jsonl"] {
        write(sandbox, name, Schema::Projected, same(6));
    }
}

/// Waits until a file is there, or the process has ended.
fn wait_for(path: &Path, child: &mut std::process::Child) {
    while !path.exists() && child.try_wait().expect("the process can be asked").is_none() {
        std::thread::yield_now();
    }
}

#[test]
fn a_comparison_that_is_killed_is_gone_on_with_and_comes_to_the_same() {
    let sandbox = Sandbox::new();
    write_two(&sandbox, 2_000, 2_000);
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("cutover"))
        .env_clear()
        .current_dir(sandbox.path())
        .args(["diff", TWO[0], TWO[1], "--seed", "1", "--runs", "killed"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the command runs");
    let killed = sandbox.path().join("killed");
    while !killed.exists() || std::fs::read_dir(&killed).expect("the runs").next().is_none() {
        assert!(child.try_wait().expect("the process can be asked").is_none(), "it goes on");
        std::thread::yield_now();
    }
    let run = std::fs::read_dir(&killed).expect("the runs").next().expect("a run").expect("a run").path();
    wait_for(&run.join("progress.json"), &mut child);
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert!(!run.join("result.json").exists(), "it was killed in the middle");
    let run = run.to_string_lossy().into_owned();
    let (code, resumed) = diff(&sandbox, &[&TWO[..], &["--resume", &run]].concat());
    let (_, whole) = diff(&sandbox, &TWO);
    assert_eq!(code, 1);
    let check = |result: &Json| {
        let mut check = result["scenarios"][0]["checks"][0].clone();
        check["duration_ms"] = Json::Null;
        check["neighbourhoods"] = Json::Null;
        check
    };
    assert_eq!(check(&resumed), check(&whole));
    // What was kept is of that comparison alone.
    write_two_equal(&sandbox);
    let (code, _) = diff(&sandbox, &["a.jsonl", "b.jsonl", "--resume", &run]);
    assert_eq!(code, 64);
}
