//! Every scenario file is a test of its own name, on embedded engines and the bundled transcripts.
//!
//! The list is generated from the folder when the crate is built; a tidy test holds the two against each other.

use std::collections::BTreeSet;
use std::future::pending;
use std::path::Path;

use cutover_harness::gate::{Judgement, Verdict};
use cutover_harness::provision::Embedded;
use cutover_harness::scenario::event::Silent;
use cutover_harness::scenario::load::Catalogue;
use cutover_harness::scenario::run::Runner;
use cutover_harness::seed::Seed;
use cutover_harness::transcripts;

/// The seed of every scenario here: a failure repeats with `cutover run NAME --seed 7301`.
const SEED: Seed = Seed::new(7301);

/// The scenarios that work on every transcript there is; the others make do with one, or make their own up.
const ON_ALL_TRANSCRIPTS: &[&str] = &["dual-write", "replay-from-zero"];

macro_rules! scenario_tests {
    ($($test:ident => $name:literal,)*) => {
        const TESTED: &[&str] = &[$($name),*];
        $(
            #[test]
            fn $test() {
                passes($name);
            }
        )*
    };
}

include!(concat!(env!("OUT_DIR"), "/scenario_tests.rs"));

#[track_caller]
fn passes(name: &str) {
    let scenarios =
        Catalogue::bundled().and_then(|all| all.select(&[name.to_owned()])).expect("the scenario");
    let transcripts = transcripts::bundled();
    let runner = Runner::new(&Embedded, &transcripts, SEED, &Silent);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let results = runtime.block_on(runner.run(&scenarios, pending()));
    let judgement = Judgement::of(&results);
    assert_eq!(judgement.verdict, Verdict::Go, "seed {SEED}: {:#?}", judgement.reasons);
    for result in &results {
        let least = if ON_ALL_TRANSCRIPTS.contains(&name) { 1000 } else { 150 };
        assert!(result.events_appended > least, "{name} appended {} events only", result.events_appended);
        let elements: u64 = result.checks.iter().map(|check| check.compared.total()).sum();
        assert!(elements > least, "{name} compared {elements} elements only");
    }
}

#[test]
fn no_scenario_file_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the scenarios")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let tested: BTreeSet<String> = TESTED.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(files, tested);
}
