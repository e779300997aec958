//! What tests inside this crate share: snapshots, and a result that has something of everything.

use cutover_core::timestamp::Timestamp;

use crate::diff::{
    Below, Difference, DifferenceKind, NearNode, NearRelationship, Neighbourhood, Orientation, Side, State,
    Subject,
};
use crate::gate::Judgement;
use crate::result::{
    Accepted, Cause, CheckResult, Compared, Differences, FaultCount, LaneSample, ProjectorMetrics, RuleUse,
    RunResult, SCHEMA_VERSION, Sample, ScenarioResult, StepDuration, Tally, Transcript,
};

/// Holds a text against its snapshot in a folder of the workspace's `snapshots/`.
#[track_caller]
pub(crate) fn check(folder: &str, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("{}/../snapshots/{folder}", env!("CARGO_MANIFEST_DIR")));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Returns a result with a check that passed, one that failed, and one that could not be told.
pub(crate) fn run_result() -> RunResult {
    let interview = Some("20d2e4d1-6c00-5b51-8d5d-96818d796b5a".into());
    let finding = |label: &str, key: &str, kind| {
        Difference::new(Subject::Node(label.into()), key, interview.clone(), kind)
    };
    let mut differences = Differences::default();
    differences.push(finding(
        "Sentence",
        "#3",
        DifferenceKind::PropertyDiffers {
            property: "text".into(),
            left: Some("We are go.".into()),
            right: Some("We were go.".into()),
        },
    ));
    let start = DifferenceKind::PropertyDiffers {
        property: "start_ms".into(),
        left: Some(1500_i64.into()),
        right: None,
    };
    differences.push(Difference { rules: vec!["start-time".into()], ..finding("Sentence", "#5", start) });
    differences.push(finding("Sentence", "#12", DifferenceKind::MissingRight));
    let other = "7f3c0b52-2a53-5b0e-9f0c-0a2c3f6f1c11";
    let mut below = Below::default();
    below.add(&Subject::Node("Sentence".into()), 210);
    below.add(&Subject::Relationship("HAS_SENTENCE".into()), 210);
    differences.push(Difference {
        interview: Some(other.into()),
        below,
        ..finding("Interview", &format!("\"{other}\""), DifferenceKind::MissingRight)
    });
    differences.push(finding("Analysis", "of #4", DifferenceKind::Multiplicity { left: 1, right: 2 }));
    differences.extend((0..9).map(|slot| {
        let kind = DifferenceKind::Orphan { side: Side::Right, degree: 1 };
        Difference { interview: None, ..finding("Sentence", &format!("\"lost {slot}\""), kind) }
    }));
    let sides = Orientation::new("direct", "projected");
    let mut failed = CheckResult::concluded("direct-vs-projected", sides, compared(1204, 1203), differences);
    failed.neighbourhoods.push(neighbourhood(interview));
    failed.rules.push(RuleUse {
        rule: "start-time".into(),
        reason: "the projected schema puts the unit into the name".to_owned(),
        count: 1204,
    });
    failed.accepted = accepted();
    let sides = Orientation::new("projected", "rebuilt");
    let passed =
        CheckResult::concluded("projected-vs-rebuilt", sides, compared(1203, 1203), Differences::default());
    let error =
        "projected: failed to read the right graph: the graph is unavailable while it should read trees";
    let unknown = CheckResult::unknown(
        "model-vs-projected",
        Orientation::new("model", "projected"),
        Cause::EngineFailed,
        error.to_owned(),
    );
    let mut dual_write = ScenarioResult::concluded("dual-write", vec![failed, unknown]);
    dual_write.events_appended = 4810;
    dual_write.sentences = 1204;
    for (step, began_ms, duration_ms, events_appended) in [
        ("ingest", 2, 310, 4000),
        ("edit 24 sentences", 312, 40, 4810),
        ("project into projected", 352, 900, 4810),
    ] {
        let step = step.to_owned();
        dual_write.steps.push(StepDuration { step, duration_ms, began_ms, events_appended });
    }
    let metrics = ProjectorMetrics {
        processed: 4810,
        duplicates: 3,
        latency_p50_ms: 2.25,
        latency_p95_ms: 7.5,
        latency_p99_ms: 11.0,
        queue_depth: vec![0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0],
        lag: 4,
        committed: [(400, 900), (700, 2400), (1200, 4806)]
            .map(|(at_ms, events)| Sample { at_ms, events })
            .to_vec(),
        lanes: [(360, [0, 7, 3]), (800, [0, 2, 3]), (1200, [0, 0, 3])]
            .map(|(at_ms, waiting)| LaneSample { at_ms, waiting: waiting.to_vec() })
            .to_vec(),
        ..ProjectorMetrics::default()
    };
    dual_write.projections.insert("projected".into(), metrics);
    let mut replay = ScenarioResult::concluded("replay-from-zero", vec![passed]);
    replay.faults.push(FaultCount {
        fault: "append reply-lost (one in 6)".into(),
        times: 1066,
        at_ms: vec![12, 40, 41, 95, 160, 171],
    });
    let stopped = ScenarioResult::stopped("long-run", Cause::TimedOut, "no end within 60 s", vec![]);
    let scenarios = vec![dual_write, replay, stopped];
    RunResult {
        schema_version: SCHEMA_VERSION,
        program_version: "0.1.0".into(),
        seed: 7301,
        started_at: Timestamp::from_unix_ms(1_790_000_000_000),
        duration_ms: 2150,
        command: "cutover run dual-write replay-from-zero long-run --seed 7301".to_owned(),
        engines: "embedded".into(),
        transcripts: vec![Transcript {
            file: "apollo.txt".into(),
            digest: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262".into(),
            utterances: 800,
            sentences: 1204,
        }],
        verdict: Judgement::of(&scenarios),
        scenarios,
    }
}

/// Returns a difference that somebody still answers for, and one whose day is past.
fn accepted() -> Vec<Accepted> {
    let one = |id: &str, expires: &str, has_expired, count| Accepted {
        id: id.into(),
        reason: "imported | before there was a key".to_owned(),
        owner: "ann".to_owned(),
        expires: expires.into(),
        has_expired,
        count,
    };
    vec![one("old-imports", "2026-12-31", false, 1210), one("second-analysis", "2026-08-31", true, 1)]
}

/// Returns what stands around the sentence that is missing on the right: its analysis is missing too, and one beside it differs.
fn neighbourhood(interview: Option<smol_str::SmolStr>) -> Neighbourhood {
    let node = |label: &str, key: &str, state, [left, right]: [u64; 2]| NearNode {
        label: label.into(),
        key: key.to_owned(),
        text: (label == "Sentence").then(|| "We are go, and so is the <booster>.".to_owned()),
        state,
        left,
        right,
        is_centre: state == State::OnlyLeft && label == "Sentence",
    };
    let link = |rel: &str, from, to, state, [left, right]: [u64; 2]| NearRelationship {
        rel: rel.into(),
        from,
        to,
        state,
        left,
        right,
        is_centre: false,
    };
    let id = interview.clone().unwrap_or_default();
    Neighbourhood {
        subject: Subject::Node("Sentence".into()),
        key: "#12".to_owned(),
        interview,
        nodes: vec![
            node("Sentence", "#12", State::OnlyLeft, [1, 0]),
            node("Interview", &format!("\"{id}\""), State::Same, [1, 1]),
            node("Sentence", "#11", State::Same, [1, 1]),
            node("Sentence", "#13", State::Differs, [1, 1]),
            node("Analysis", "of #12", State::OnlyLeft, [1, 0]),
            node("Topic", "\"fuel & oxygen\"", State::Outside, [1, 0]),
        ],
        relationships: vec![
            link("HAS_SENTENCE", 1, 0, State::OnlyLeft, [1, 0]),
            link("NEXT_SENTENCE", 2, 0, State::OnlyLeft, [1, 0]),
            link("NEXT_SENTENCE", 0, 3, State::OnlyLeft, [1, 0]),
            link("HAS_ANALYSIS", 0, 4, State::OnlyLeft, [1, 0]),
            link("MENTIONS_TOPIC", 4, 5, State::OnlyLeft, [1, 0]),
            link("NEXT_SENTENCE", 2, 3, State::OnlyRight, [0, 1]),
            link("HAS_SENTENCE", 1, 2, State::Same, [1, 1]),
            link("HAS_SENTENCE", 1, 3, State::Same, [1, 1]),
        ],
        left_out: 2,
    }
}

/// Returns what the readers' queries came to: one answer is the same, one differs, one query has no answer and one was refused.
pub(crate) fn queries_result() -> ScenarioResult {
    let sides = || Orientation::new("direct", "projected");
    let rows =
        |left, right, both| Compared { answers: 5, rows: Tally { left, right, both }, ..Compared::default() };
    let mut differences = Differences::default();
    let interview = Some("b3b1a8f2-0b0b-5d0e-9a53-0f2f6f0c1f11".into());
    for (row, kind) in [
        (r#"row {sentences: 41, topic: "fuel"}"#, DifferenceKind::MissingRight),
        (r#"row {sentences: 40, topic: "fuel"}"#, DifferenceKind::MissingLeft),
    ] {
        differences.push(Difference::new(Subject::Query("topics".into()), row, interview.clone(), kind));
    }
    let about = |what: &str| Some(what.to_owned());
    let same = CheckResult::concluded("sentences", sides(), rows(1204, 1204, 1204), Differences::default());
    let differs = CheckResult::concluded("topics", sides(), rows(90, 90, 89), differences);
    let nothing = "neither graph has a row for it in 5 answers".to_owned();
    let mut empty = CheckResult::unknown("corrections", sides(), Cause::NothingCompared, nothing);
    empty.compared.answers = 5;
    let refused =
        "projected: the query writes, and was refused: readers' queries are asked in read mode".to_owned();
    let refused = CheckResult::unknown("tidy-up", sides(), Cause::QueryRefused, refused);
    let checks = vec![
        CheckResult {
            about: about("Sentences of an interview, in order: the transcript view shows them"),
            ..same
        },
        CheckResult {
            about: about("Topics of an interview, the most frequent first: its overview"),
            ..differs
        },
        CheckResult {
            about: about("What people have corrected in an interview: a reviewer checks it"),
            ..empty
        },
        refused,
    ];
    ScenarioResult::concluded("queries", checks)
}

fn compared(left: u64, right: u64) -> Compared {
    let both = left.min(right);
    let mut compared = Compared { properties: 7 * both, ..Compared::default() };
    compared.nodes.insert("Sentence".into(), Tally { left, right, both });
    compared.relationships.insert("HAS_SENTENCE".into(), Tally { left, right, both });
    compared
}
