//! `cutover diff` and `cutover snapshot` on real servers: each against the other, whole and in shards, and what changes meanwhile.

use std::path::Path;

use assert_cmd::Command;
use cutover_core::graph::{Change, ChangeSet, NodeRef, Properties, Rel, Value};
use cutover_core::ids::{InterviewId, SentenceId};
use cutover_engines::graph::{Graph, Schema};
use cutover_harness::exit_code;
use serde_json::Value as Json;

use crate::interviews::interview;
use crate::servers::{graph, uri};

const PASSWORD: &str = "hush-77001";

/// Runs a command and returns its exit code and its result.
async fn cutover(folder: &Path, args: &[&str]) -> (i32, Json) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("cutover"));
    command.current_dir(folder).args(args).args(["--seed", "1", "--format", "json"]);
    let output = tokio::task::spawn_blocking(move || command.output().expect("the command runs")).await;
    let output = output.expect("the command runs");
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains(PASSWORD) && !told.contains(PASSWORD), "{said}{told}");
    let result = serde_json::from_str(&said).unwrap_or_else(|_| Json::from(told.into_owned()));
    (output.status.code().expect("an exit code"), result)
}

fn check(result: &Json) -> &Json {
    &result["scenarios"][0]["checks"][0]
}

fn elements(check: &Json) -> u64 {
    let of = |what: &str| {
        let tallies = check["compared"][what].as_object().into_iter().flatten();
        tallies.map(|(_, tally)| tally["both"].as_u64().unwrap_or(0)).sum::<u64>()
    };
    of("nodes") + of("relationships")
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_and_snapshots_of_them_are_compared_with_each_other() {
    let graphs = [graph(Schema::Direct).await, graph(Schema::Projected).await];
    for (graph, schema) in graphs.iter().zip([Schema::Direct, Schema::Projected]) {
        let sets: Vec<ChangeSet> = (0..40).map(|number| interview(schema, number, "Hi.")).collect();
        Graph::apply(graph, &sets).await.expect("what has no guard is applied");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let [direct, projected] = [Schema::Direct, Schema::Projected]
        .map(|schema| uri(schema).replace("://", &format!("://neo4j:{PASSWORD}@")));
    let (direct, projected) = (direct.as_str(), projected.as_str());

    let (code, result) = cutover(folder, &["diff", direct, projected]).await;
    assert_eq!(code, i32::from(exit_code::PASS), "{result}");
    let whole = elements(check(&result));
    assert!(whole > 40 * 15, "{whole} elements");

    for (url, file) in [(direct, "direct.jsonl"), (projected, "projected.jsonl")] {
        let (code, written) = cutover(folder, &["snapshot", url, file]).await;
        assert_eq!((code, &written["interviews"]), (0, &Json::from(40)), "{written}");
    }
    for (left, right, more) in [
        ("direct.jsonl", "projected.jsonl", &[][..]),
        ("direct.jsonl", projected, &[]),
        (direct, "projected.jsonl", &[]),
        ("direct.jsonl", direct, &["--right-schema", "direct"]),
        (projected, "projected.jsonl", &["--left-schema", "projected"]),
    ] {
        let (code, result) = cutover(folder, &[&["diff", left, right], more].concat()).await;
        assert_eq!(code, i32::from(exit_code::PASS), "{result}");
        assert_eq!(elements(check(&result)), whole);
        assert!(check(&result)["compared"]["by_digest"].as_u64() > Some(whole / 2), "{}", check(&result));
    }

    // One text is another now: servers, and a snapshot of what was, agree about it.
    let id = InterviewId::for_file("7.txt");
    let key = Value::Text(SentenceId::at(id, 1).to_string().into());
    let sentence = NodeRef::interview(id).child(Rel::HasSentence, key);
    let set = Properties::new().with("text", "Oh.");
    let change = Change::Update { node: sentence, set, unset: vec![] };
    let sets = [ChangeSet { guard: None, changes: vec![change] }];
    Graph::apply(&graphs[1], &sets).await.expect("what has no guard is applied");
    let settle = ["--rounds", "2", "--settle", "1s"];
    for left in [direct, "direct.jsonl"] {
        let (code, result) = cutover(folder, &[&["diff", left, projected], &settle[..]].concat()).await;
        assert_eq!(code, i32::from(exit_code::DIFFERENCES), "{result}");
        let first = &check(&result)["differences"]["first"];
        assert_eq!(first.as_array().map(Vec::len), Some(1), "{first}");
        assert_eq!(
            (&first[0]["kind"], &first[0]["interview"]),
            (&Json::from("property-differs"), &Json::from(id.to_string()))
        );
    }

    let mut shards = Vec::new();
    for number in 1..=3 {
        let (shard, runs) = (format!("{number}/3"), format!("runs-{number}"));
        let shard = ["diff", direct, projected, "--shard", &shard, "--runs", &runs, "--rounds", "0"];
        cutover(folder, &shard).await;
        shards.push(format!("{runs}/latest/shard.json"));
    }
    let shards: Vec<&str> = shards.iter().map(String::as_str).collect();
    let (code, merged) = cutover(folder, &[&["diff", "--merge"], &shards[..]].concat()).await;
    assert_eq!(code, i32::from(exit_code::DIFFERENCES), "{merged}");
    assert_eq!(check(&merged)["differences"]["total"], 1);
    assert_eq!(elements(check(&merged)), whole);

    let (code, told) = cutover(folder, &["diff", "bolt://127.0.0.1:9", projected]).await;
    assert_eq!(code, i32::from(exit_code::ENVIRONMENT), "{told}");
}
