//! `cutover project` up to where it needs a Neo4j server: what it asks for, and how it ends while it waits.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use cutover_harness::exit_code;

use crate::common::{Sandbox, check};

/// What no output may hold.
const PASSWORD: &str = "hush-77001";

/// A projection between servers that are not there. It is killed when the test is over, however that ends.
struct Waiting(Child);

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Waiting {
    /// Starts it, and returns when it has said what it is about to do.
    fn start(arguments: &[&str]) -> Self {
        let nobody = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a port");
        let child = Command::new(assert_cmd::cargo::cargo_bin!("cutover"))
            .env_clear()
            .env("CUTOVER_EVENTSTORE_URL", format!("esdb://me:{PASSWORD}@{nobody}?tls=false"))
            .env("CUTOVER_PROJECTED_URL", format!("bolt://me:{PASSWORD}@{nobody}"))
            .env("RUST_LOG", "trace")
            .arg("project")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command runs");
        let mut waiting = Self(child);
        let mut said = String::new();
        let stderr = waiting.0.stderr.as_mut().expect("stderr is a pipe");
        BufReader::with_capacity(1, stderr).read_line(&mut said).expect("it says what it is about to do");
        assert!(said.starts_with("projecting esdb://127.0.0.1:") && !said.contains(PASSWORD), "{said}");
        waiting
    }

    /// Waits for its end, and returns its exit code with what it wrote to stdout.
    fn end(mut self) -> (Option<i32>, String) {
        let status = self.0.wait().expect("it ends");
        let mut said = String::new();
        self.0.stderr.as_mut().expect("stderr is a pipe").read_to_string(&mut said).expect("text");
        assert!(!said.contains(PASSWORD), "{said}");
        let mut done = String::new();
        self.0.stdout.as_mut().expect("stdout is a pipe").read_to_string(&mut done).expect("text");
        (status.code(), done)
    }
}

#[test]
fn servers_that_were_not_named_are_missed_by_their_flags() {
    let sandbox = Sandbox::new();
    check("project_missing_store", &sandbox.transcript(&["project"]));
    let store = "esdb://store:2113";
    check("project_missing_graph", &sandbox.transcript(&["project", "--eventstore-url", store]));
}

#[test]
fn no_event_at_a_time_is_a_usage_error() {
    let output = Sandbox::new().cutover(&["project", "--batch", "0"]).output().expect("the command runs");
    assert_eq!(output.status.code(), Some(i32::from(exit_code::USAGE)));
}

#[cfg(unix)]
#[test]
fn sigterm_ends_a_projection_well_even_while_it_waits_for_its_servers() {
    let waiting = Waiting::start(&[]);
    let killed = Command::new("kill").arg(waiting.0.id().to_string()).status().expect("kill runs");
    assert!(killed.success());
    let (code, done) = waiting.end();
    assert_eq!(code, Some(i32::from(exit_code::PASS)));
    assert_eq!(done, "stopped: processed 0, skipped 0, duplicates 0, failed 0, retries 0, parked 0\n");
}

#[cfg(unix)]
#[test]
fn a_projection_that_is_interrupted_before_it_has_caught_up_says_so() {
    let waiting = Waiting::start(&["--until", "caught-up"]);
    let killed =
        Command::new("kill").args(["-INT", &waiting.0.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
    assert_eq!(waiting.end().0, Some(i32::from(exit_code::INTERRUPTED)));
}

#[test]
fn a_projection_whose_input_ends_ends_if_it_was_told_to() {
    let mut waiting = Waiting::start(&["--until", "input-ends", "--format", "json"]);
    drop(waiting.0.stdin.take());
    let (code, done) = waiting.end();
    assert_eq!(code, Some(i32::from(exit_code::PASS)));
    let done: serde_json::Value = serde_json::from_str(&done).expect("one JSON value");
    assert_eq!((&done["ended"], &done["metrics"]["processed"]), (&"stopped".into(), &0.into()));
}

#[test]
fn a_projection_that_never_catches_up_ends_when_its_time_is_over() {
    let (code, done) = Waiting::start(&["--until", "caught-up", "--timeout", "1s"]).end();
    assert_eq!(code, Some(i32::from(exit_code::TIMED_OUT)));
    assert!(done.starts_with("timed out: "), "{done}");
}
