//! Runs on recorded analyses.

use crate::common::Sandbox;

const SCENARIO: &str = r#"
description = "Recorded analyses, one of them failed."
steps = [
    "ingest",
    { project = { into = "projected" } },
    { compare = { left = "direct", right = "projected" } },
    { compare = { left = "model", right = "direct" } },
    { compare = { left = "model", right = "projected" } },
]
expect = { parked = 0 }
"#;

#[test]
fn recorded_analyses_take_the_place_of_the_bundled_analyser_and_may_have_failed() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/recorded.toml", SCENARIO);
    sandbox.write("files/talk.txt", "A: Roger.\nB: Copy that.\n");
    let found = r#"{"index": 0, "text": "Roger.", "model": "oracle", "version": "3",
        "classification": {"function_type": "f", "structure_type": "s", "purpose": "p"}, "keywords": ["delphi"]}"#;
    let failed = r#"{"index": 1, "error": {"code": "timeout"}}"#;
    sandbox.write("answers.jsonl", format!("{}\n{failed}\n", found.replace('\n', "")));
    let arguments = ["run", "recorded", "--scenarios", "mine", "--transcripts", "files", "--format", "json"];
    let output =
        sandbox.cutover(&arguments).args(["--analyses", "answers.jsonl"]).output().expect("the command runs");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a JSON result");
    assert_eq!(output.status.code(), Some(0), "{json:#}");
    let checks = json["scenarios"][0]["checks"].as_array().expect("checks");
    let direct_vs_projected =
        checks.iter().find(|check| check["id"] == "direct-vs-projected").expect("a check");
    // One keyword, of the one analysis that there is on both sides.
    assert_eq!(direct_vs_projected["compared"]["nodes"]["Keyword"]["both"], 1, "{direct_vs_projected:#}");
    assert_eq!(direct_vs_projected["compared"]["nodes"]["Analysis"]["both"], 1, "{direct_vs_projected:#}");
    assert!(direct_vs_projected.to_string().contains("failed-analysis"), "{direct_vs_projected:#}");
}
