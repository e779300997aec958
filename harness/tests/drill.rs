//! The drill: every defect is caught by the finding that names it, and the alarm itself works.

use std::path::Path;

use cutover_harness::defect::drill::{Drill, transcripts};
use cutover_harness::defect::result::{Caught, DrillResult};
use cutover_harness::defect::{Defect, catalogue};
use cutover_harness::report;
use cutover_harness::result::Outcome;
use cutover_harness::scenario::load::Catalogue;
use cutover_harness::seed::Seed;

/// The seed of every drill here: a failure repeats with `cutover drill --seed 7301`.
const SEED: Seed = Seed::new(7301);

fn drill(defects: &[Defect]) -> DrillResult {
    let scenarios = Catalogue::bundled().expect("no mistake");
    let transcripts = transcripts();
    let drill = Drill {
        scenarios: scenarios.all(),
        transcripts: &transcripts,
        seed: SEED,
        is_matrix: false,
        // The program's own drill looks in two hundred, in an optimised build.
        schedules: 0,
        until: None,
        observer: &|_| (),
    };
    drill.run(defects, format!("cutover drill --seed {SEED}"))
}

#[test]
fn every_defect_is_caught_by_the_finding_that_names_it() {
    let result = drill(&catalogue::all());
    let others: Vec<_> = result.defects.iter().filter(|defect| defect.caught != Caught::ByName).collect();
    assert!(others.is_empty(), "seed {SEED}: {others:#?}");
    assert_eq!(result.outcome, Outcome::Pass, "seed {SEED}: {:#?} {:#?}", result.baselines, result.canaries);
}

#[test]
fn the_same_seed_finds_the_same() {
    let ids = ["loose-guard", "applied-twice", "conflict-taken-for-done"].map(str::to_owned);
    let defects = catalogue::select(&ids).expect("there are such");
    assert_eq!(drill(&defects), drill(&defects));
}

#[test]
fn the_document_lists_every_defect_as_it_is() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/drill.md");
    let text = std::fs::read_to_string(file).expect("the document");
    let listed = report::defects_to_markdown(&catalogue::all());
    assert!(
        text.contains(&listed),
        "docs/drill.md is not what `cutover drill --matrix --seed {SEED} --document docs/drill.md` makes"
    );
}
