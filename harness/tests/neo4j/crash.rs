//! `cutover crash-test` on real servers, as a process of its own: what it finds, and what it leaves behind however it ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use cutover_harness::exit_code;
use cutover_harness::result::{Outcome, RunResult};
use tempfile::TempDir;

use crate::leftovers::{servers_below, wait_for};

struct Sandbox(TempDir);

impl Sandbox {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn runs(&self) -> PathBuf {
        self.0.path().join("runs")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command
            .args(["crash-test", "--engines", "process", "--seed", "7301", "--runs"])
            .arg(self.runs())
            .args(arguments)
            .current_dir(self.0.path())
            // Servers that run for seconds: what it takes to compile for speed is not won back.
            .env("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the command runs")
    }

    fn start(&self) -> Child {
        let mut command = self.command(&["--cycles", "100000"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program")
    }

    fn result(&self) -> RunResult {
        let kept = std::fs::read(self.runs().join("latest/result.json")).expect("the result is kept");
        serde_json::from_slice(&kept).expect("the result is JSON")
    }

    /// Returns how often a projection process has said that it begins.
    fn begun(&self) -> usize {
        let logs = std::fs::read_dir(self.runs()).into_iter().flatten().filter_map(Result::ok);
        let logs = logs.filter_map(|run| std::fs::read_to_string(run.path().join("projection.log")).ok());
        logs.map(|log| log.lines().filter(|line| line.starts_with("projecting ")).count()).max().unwrap_or(0)
    }
}

/// Returns the process ids of projections that a program has started.
fn projections_of(parent: u32) -> Vec<String> {
    let is_one = |pid: &Path| {
        let line = std::fs::read(pid.join("cmdline")).unwrap_or_default();
        let is_projection = line.split(|byte| *byte == 0).nth(1) == Some(b"project".as_slice());
        let status = std::fs::read_to_string(pid.join("stat")).unwrap_or_default();
        let parent_of =
            status.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        is_projection && parent_of == Some(parent)
    };
    let processes = std::fs::read_dir("/proc").expect("a list of processes").filter_map(Result::ok);
    processes
        .map(|entry| entry.path())
        .filter(|path| is_one(path))
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}

/// Returns whether a process is there still, and no zombie.
fn is_alive(process: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new(process).join("stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[test]
fn a_projection_that_is_killed_again_and_again_loses_nothing_and_does_nothing_twice() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(&["--cycles", "6"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(i32::from(exit_code::PASS)), "{said}");
    let result = sandbox.result();
    assert_eq!(result.command, "cutover crash-test --cycles 6 --batch 10 --seed 7301 --engines process");
    let scenario = &result.scenarios[0];
    assert!(scenario.checks.len() == 7 && scenario.checks.iter().all(|check| check.outcome == Outcome::Pass));
    let crashes = scenario.crashes.as_ref().expect("what was done");
    assert_eq!(crashes.kills, 6);
    assert!(crashes.with_events_under_way > 0, "{crashes:?}");
    // Six that were killed, and the one that came to an end. Who is killed a few milliseconds after the start may not have said yet that
    // it begins.
    let begun = sandbox.begun() as u64;
    assert!((7 - crashes.after_start..=7).contains(&begun), "{begun} have begun: {crashes:?}");
    assert_eq!(servers_below(&sandbox.runs()), Vec::<String>::new(), "servers");
}

#[test]
fn a_test_that_is_out_of_time_leaves_the_result_unknown() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(&["--cycles", "100000", "--timeout", "25s"]);
    assert_eq!(output.status.code(), Some(i32::from(exit_code::TIMED_OUT)), "{output:?}");
    assert_eq!(servers_below(&sandbox.runs()), Vec::<String>::new(), "servers");
}

#[test]
fn no_process_outlives_a_test_that_is_interrupted_or_killed() {
    for (signal, code) in [(rustix::process::Signal::INT, Some(130)), (rustix::process::Signal::KILL, None)] {
        let sandbox = Sandbox::new();
        let mut test = sandbox.start();
        wait_for("a projection that has been killed and started again", || {
            (sandbox.begun() > 2).then_some(())
        });
        let projections = wait_for("a projection", || {
            let projections = projections_of(test.id());
            (!projections.is_empty()).then_some(projections)
        });
        let pid = rustix::process::Pid::from_child(&test);
        rustix::process::kill_process(pid, signal).expect("a signal that is sent");
        let status = test.wait().expect("a test that ends");
        assert_eq!(status.code(), code);
        wait_for("the end of the projection", || {
            (!projections.iter().any(|process| is_alive(process))).then_some(())
        });
        wait_for("the end of the servers", || servers_below(&sandbox.runs()).is_empty().then_some(()));
    }
}
