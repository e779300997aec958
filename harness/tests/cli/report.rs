//! `cutover report` from the outside: every form of a result that was kept, and files that are none.

use std::fs;

use cutover_harness::exit_code;

use crate::common::{Sandbox, check};

/// Returns a folder in which a short run has left its result.
fn after_a_run() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "mine/a.txt",
        "CC: Roger. We copy, and the TV show was great.\nCDR: Okay. What is the pressure?\n",
    );
    let args = ["run", "dual-write", "--seed", "7301", "--transcripts", "mine"];
    let output = sandbox.cutover(&args).output().expect("the command runs");
    assert_eq!(output.status.code(), Some(i32::from(exit_code::PASS)), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("/report.html (report.md and junit.xml beside it)\n"), "{stderr}");
    sandbox
}

#[test]
fn a_run_leaves_every_report_and_they_are_those_that_can_be_asked_for_later() {
    let sandbox = after_a_run();
    for (file, form) in
        [("result.json", "json"), ("junit.xml", "junit"), ("report.md", "markdown"), ("report.html", "html")]
    {
        let kept = fs::read_to_string(sandbox.path().join("runs/latest").join(file)).expect("it is kept");
        let shown = sandbox.cutover(&["report", "--format", form]).output().expect("the command runs");
        assert_eq!(shown.status.code(), Some(0), "{form}");
        assert_eq!(String::from_utf8_lossy(&shown.stdout), kept, "{form}");
    }
    let names = fs::read_dir(sandbox.path().join("runs/latest")).expect("a folder");
    assert_eq!(names.count(), 4, "no draft is left behind");
}

#[test]
fn a_result_is_shown_as_its_run_showed_it_and_written_to_a_file_whole() {
    let sandbox = after_a_run();
    for form in [&[][..], &["--format", "terminal"], &["--format", "human"]] {
        let mut args = vec!["report", "runs/latest/result.json"];
        args.extend(form);
        let shown = sandbox.cutover(&args).output().expect("the command runs");
        assert!(String::from_utf8_lossy(&shown.stdout).contains("verdict: GO"));
    }
    let args = ["report", "--format", "html", "--output", "page.html"];
    let written = sandbox.cutover(&args).output().expect("the command runs");
    assert_eq!((written.status.code(), written.stdout.as_slice()), (Some(0), &b""[..]));
    let page = fs::read_to_string(sandbox.path().join("page.html")).expect("the page");
    assert!(page.ends_with("</html>\n"));
}

#[test]
fn a_file_that_is_no_result_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write("old.json", "{\n  \"schema_version\": 99,\n  \"seed\": 1\n}\n");
    sandbox.write("cut.json", "{\n  \"schema_version\": 1,\n  \"seed\": 73");
    check("report_other_version", &sandbox.transcript(&["report", "old.json"]));
    check("report_cut_off", &sandbox.transcript(&["report", "cut.json"]));
}

#[test]
fn where_there_was_no_run_there_is_nothing_to_show() {
    check("report_nothing", &Sandbox::new().transcript(&["report"]));
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_of_the_environment() {
    let sandbox = after_a_run();
    check("report_unwritable", &sandbox.transcript(&["report", "--output", "nowhere/report.txt"]));
}

#[test]
fn forms_that_only_runs_have_are_refused_elsewhere() {
    check("report_of_no_run", &Sandbox::new().transcript(&["list", "--format", "html"]));
}
