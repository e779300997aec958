//! `cutover run` and `cutover readiness` from the outside: what they leave behind, and what they refuse before they start.

use std::process::{Command, Stdio};

use cutover_harness::exit_code;
use cutover_harness::result::{Outcome, RunResult};

use crate::common::{Sandbox, check};

/// A transcript that a debug build runs in no time.
const SHORT: &str = "CC: Roger. We copy, and the TV show was great.\nCDR: Okay. What is the oxygen pressure?\n\
                     CC: It reads 2.0, and the tank is fine.\nCDR: We have a problem here.\n";

fn short() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.txt", SHORT);
    sandbox
}

#[test]
fn a_run_leaves_its_result_and_says_how_to_repeat_it() {
    let sandbox = short();
    let args = ["run", "dual-write", "--seed", "7301", "--transcripts", "mine", "--format", "json"];
    let output = sandbox.cutover(&args).output().expect("the command runs");
    assert_eq!(output.status.code(), Some(i32::from(exit_code::PASS)), "{output:?}");
    let printed: RunResult = serde_json::from_slice(&output.stdout).expect("stdout is the result");
    let kept = std::fs::read(sandbox.path().join("runs/latest/result.json")).expect("the result is kept");
    let kept: RunResult = serde_json::from_slice(&kept).expect("the result is JSON");
    assert_eq!(printed, kept);
    assert_eq!(kept.command, "cutover run dual-write --seed 7301 --transcripts mine");
    assert_eq!(kept.transcripts[0].utterances, 4);
    assert_eq!(kept.scenarios[0].outcome, Outcome::Pass);
}

#[test]
fn readiness_runs_every_scenario_and_gives_the_verdict() {
    let sandbox = short();
    let args = ["readiness", "--seed", "7301", "--transcripts", "mine", "--certificate", "certificate.json"];
    let output = sandbox.cutover(&args).env("HOME", sandbox.path()).output().expect("the command runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    for name in ["dual-write", "replay-from-zero", "GO"] {
        assert!(stdout.contains(name), "{name} is not in {stdout}");
    }
    assert_eq!(output.status.code(), Some(i32::from(exit_code::PASS)));
    let certificate = std::fs::read(sandbox.path().join("certificate.json")).expect("a certificate");
    let certificate: serde_json::Value = serde_json::from_slice(&certificate).expect("JSON");
    assert_eq!(certificate["certificate"]["scenario_set"], "bundled");
}

#[test]
fn the_same_seed_appends_the_same_events() {
    let sandbox = short();
    let args = ["run", "dual-write", "--seed", "11", "--transcripts", "mine", "--format", "json"];
    let run = || -> RunResult {
        let output = sandbox.cutover(&args).output().expect("the command runs");
        serde_json::from_slice(&output.stdout).expect("stdout is the result")
    };
    let (one, other) = (run(), run());
    let figures = |result: &RunResult| {
        let scenario = &result.scenarios[0];
        (
            scenario.events_appended,
            scenario.checks.iter().map(|check| check.compared.clone()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(figures(&one), figures(&other));
}

#[test]
fn an_unknown_scenario_is_answered_with_the_nearest_one() {
    check("run_unknown_scenario", &Sandbox::new().transcript(&["run", "dual-writes"]));
}

#[test]
fn a_run_of_nothing_is_a_usage_error() {
    check("run_nothing", &Sandbox::new().transcript(&["run"]));
}

#[test]
fn a_transcript_in_another_encoding_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.txt", b"A: One.\nA: Caf\xe9.\n");
    check("transcript_not_utf8", &sandbox.transcript(&["run", "dual-write", "--transcripts", "mine"]));
}

#[test]
fn a_line_that_is_no_utterance_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.txt", "A: One.\nand then\n");
    check("transcript_no_utterance", &sandbox.transcript(&["run", "dual-write", "--transcripts", "mine"]));
}

#[test]
fn an_empty_transcript_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.txt", "");
    check("transcript_empty", &sandbox.transcript(&["run", "dual-write", "--transcripts", "mine"]));
}

#[test]
fn a_folder_without_a_transcript_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/notes.md", "x");
    check("transcripts_none", &sandbox.transcript(&["run", "dual-write", "--transcripts", "mine"]));
}

#[test]
fn a_sentence_over_the_append_limit_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.txt", format!("A: One.\nA: {}\n", "word ".repeat(200_000)));
    check("transcript_too_large", &sandbox.transcript(&["run", "dual-write", "--transcripts", "mine"]));
}

#[test]
fn a_scenario_that_asks_for_a_transcript_that_is_not_there_is_refused() {
    let sandbox = short();
    sandbox.write(
        "scenarios/s.toml",
        "description = \"x\"\ntranscripts = [\"b.txt\"]\n\
         steps = [\"ingest\", { compare = { left = \"model\", right = \"direct\" } }]\nexpect = { parked = 0 }\n",
    );
    let args = ["run", "s", "--scenarios", "scenarios", "--transcripts", "mine"];
    check("scenario_unknown_transcript", &sandbox.transcript(&args));
}

#[test]
fn a_run_folder_that_cannot_be_written_to_is_refused_before_anything_runs() {
    let sandbox = short();
    sandbox.write("taken", "a file, not a folder");
    check(
        "runs_unwritable",
        &sandbox.transcript(&["run", "dual-write", "--transcripts", "mine", "--runs", "taken"]),
    );
}

#[test]
fn nothing_is_left_behind_by_what_was_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.txt", "");
    sandbox.transcript(&["run", "dual-write", "--transcripts", "mine"]);
    assert!(!sandbox.path().join("runs").exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_nothing_and_says_so() {
    let sandbox = Sandbox::new();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("cutover"))
        .args(["readiness", "--seed", "7301"])
        .current_dir(sandbox.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the run starts");
    // The first line is written when the run begins: from then on it can be interrupted.
    let mut stderr = std::io::BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut line).expect("the run says that it begins");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
    let status = child.wait().expect("the run ends");
    assert_eq!(status.code(), Some(i32::from(exit_code::INTERRUPTED)), "after {line}");
    let left: Vec<_> = std::fs::read_dir(sandbox.path().join("runs")).expect("the runs").collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Runs in a shell, over the transcript of [`short`]; `before` is said to the shell, `after` stands behind the command.
#[cfg(target_os = "linux")]
fn in_shell(sandbox: &Sandbox, before: &str, after: &str) -> std::process::Output {
    let program = assert_cmd::cargo::cargo_bin!("cutover").display();
    let script = format!("{before} '{program}' run dual-write --seed 7301 --transcripts mine {after}");
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).current_dir(sandbox.path()).output().expect("a shell")
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_does_not_fit_on_the_disk_is_shown_and_not_half_kept() {
    let sandbox = short();
    // No file may be larger than 1 KiB, and to try says so instead of ending the program.
    let output = in_shell(&sandbox, "trap '' XFSZ; ulimit -f 1;", "");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(i32::from(exit_code::ENVIRONMENT)), "{stderr}");
    assert!(stdout.contains("verdict: GO"), "{stdout}");
    assert!(stderr.contains("cannot write to the run folder") && stderr.contains("hint: "), "{stderr}");
    let left: Vec<_> = std::fs::read_dir(sandbox.path().join("runs")).expect("the runs").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_that_goes_away_is_no_error_and_the_result_is_kept() {
    let sandbox = short();
    let output = in_shell(&sandbox, "set -o pipefail;", "| head -1");
    assert_eq!(output.status.code(), Some(i32::from(exit_code::PASS)), "{output:?}");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert!(sandbox.path().join("runs/latest/result.json").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_an_error_and_the_result_is_kept_all_the_same() {
    let sandbox = short();
    let output = in_shell(&sandbox, "", "> /dev/full");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(i32::from(exit_code::ENVIRONMENT)), "{stderr}");
    assert!(stderr.contains("cannot write to stdout"), "{stderr}");
    assert!(sandbox.path().join("runs/latest/result.json").exists());
}
