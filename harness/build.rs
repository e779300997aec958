//! Embeds the scenario files, the small transcripts and the readers' queries, and names a test for each scenario file.
//!
//! What is written is generated from the folder, so that a file that was added cannot be forgotten.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let scenarios = files(&root.join("scenarios"), "toml");
    let transcripts = files(&root.join("scenarios/transcripts"), "txt");
    let queries = files(&root.join("queries"), "cypher");
    write(&out.join("bundled_queries.rs"), &embed(&queries, "queries"));
    write(&out.join("bundled_scenarios.rs"), &embed(&scenarios, "scenarios"));
    write(&out.join("bundled_transcripts.rs"), &embed(&transcripts, "scenarios/transcripts"));

    let mut tests = String::from("scenario_tests! {\n");
    for name in &scenarios {
        let stem = name.strip_suffix(".toml").expect("only .toml files are listed");
        writeln!(tests, "    {} => \"{stem}\",", stem.replace('-', "_")).expect("a string takes text");
    }
    tests += "}\n";
    write(&out.join("scenario_tests.rs"), &tests);
}

/// Lists the bare names of a folder's files with that extension, sorted.
fn files(folder: &Path, extension: &str) -> Vec<String> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.file_name().expect("a file has a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Writes an expression: a list of names with what is in the files.
fn embed(names: &[String], folder: &str) -> String {
    let mut list = String::from("&[\n");
    for name in names {
        writeln!(
            list,
            "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../{folder}/{name}\"))),"
        )
        .expect("a string takes text");
    }
    list + "]\n"
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
