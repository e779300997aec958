//! Help texts, and what they promise.

use clap::CommandFactory;
use cutover_harness::cli::flags::Cli;
use cutover_harness::exit_code;

use crate::common::{Sandbox, check};

#[test]
fn help_texts_are_what_was_reviewed() {
    let sandbox = Sandbox::new();
    check("help", &sandbox.transcript(&["--help"]));
    for subcommand in Cli::command().get_subcommands() {
        let name = subcommand.get_name();
        check(&format!("help_{name}"), &sandbox.transcript(&[name, "--help"]));
        for below in subcommand.get_subcommands() {
            let below = below.get_name();
            check(&format!("help_{name}_{below}"), &sandbox.transcript(&[name, below, "--help"]));
        }
    }
}

#[test]
fn every_exit_code_is_documented() {
    let help = Sandbox::new().transcript(&["--help"]);
    let readme = include_str!("../../../README.md");
    for (code, meaning) in exit_code::ALL {
        assert!(help.contains(&format!("{code:>3}  {meaning}")), "{code} is not in --help");
        assert!(readme.contains(&format!("| {code} | {meaning} |")), "{code} is not in README.md");
    }
}

#[test]
fn the_version_is_printed() {
    Sandbox::new().cutover(&["--version"]).assert().success().stdout(concat!(
        "cutover ",
        env!("CARGO_PKG_VERSION"),
        "\n"
    ));
}

#[test]
fn a_completion_script_names_every_subcommand() {
    let script = Sandbox::new().transcript(&["completions", "bash"]);
    for subcommand in Cli::command().get_subcommands() {
        assert!(script.contains(subcommand.get_name()), "{}", subcommand.get_name());
    }
}

#[test]
fn the_scenarios_are_listed() {
    let sandbox = Sandbox::new();
    check("list", &sandbox.transcript(&["list"]));
    let output = sandbox.cutover(&["list", "--format", "json"]).output().expect("the command runs");
    let entries: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).expect("a JSON list");
    assert!(entries.iter().any(|entry| entry["name"] == "dual-write"));
}
