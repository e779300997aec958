//! `cutover crash-test` up to where it needs servers; what it does with them is tried in `tests/neo4j/crash.rs`.

use cutover_harness::exit_code;

use crate::common::{Sandbox, check};

#[test]
fn engines_that_end_with_the_process_are_refused_with_the_remedy() {
    let sandbox = Sandbox::new();
    check("crash_test_embedded", &sandbox.transcript(&["crash-test"]));
    assert!(!sandbox.path().join("runs").exists(), "nothing is left of a run that did not begin");
}

#[test]
fn no_kill_at_all_is_a_usage_error() {
    for arguments in [["crash-test", "--cycles", "0"], ["crash-test", "--batch", "0"]] {
        let output = Sandbox::new().cutover(&arguments).output().expect("the command runs");
        assert_eq!(output.status.code(), Some(i32::from(exit_code::USAGE)), "{arguments:?}");
    }
}
