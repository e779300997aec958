//! Each safeguard is taken out in turn, and the scenarios must go red with the finding that names what is missing; or an
//! engine refuses in the middle, and the verdict must be unknown.
//!
//! A scenario that stays green here would prove nothing when it is green elsewhere.

use std::future::pending;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cutover_core::graph::{Change, ChangeSet, Label};
use cutover_core::ids::StreamName;
use cutover_core::projector::Backoff;
use cutover_engines::event_log::{Delivered, GroupId, LogError, NewEvent};
use cutover_engines::graph::{ApplyError, GraphError};
use cutover_harness::defect::catalogue;
use cutover_harness::exit_code;
use cutover_harness::gate::{Judgement, Verdict};
use cutover_harness::provision::hooks::{GraphHook, Hooks, LogHook};
use cutover_harness::provision::wrapped::Wrapped;
use cutover_harness::provision::{Embedded, Provision};
use cutover_harness::result::{Cause, CheckResult, ScenarioResult};
use cutover_harness::scenario::event::Silent;
use cutover_harness::scenario::load::{self, Catalogue};
use cutover_harness::scenario::run::{Cut, Runner};
use cutover_harness::seed::Seed;
use cutover_harness::transcripts::{self, Transcript};

const SEED: Seed = Seed::new(7301);

/// One short transcript: what is taken out here shows in any.
fn transcripts() -> Vec<Transcript> {
    transcripts::bundled().into_iter().filter(|transcript| transcript.name.starts_with("12_")).collect()
}

/// How long the projection waits for what may come, or pass.
#[derive(Clone, Copy, PartialEq)]
enum Patience {
    /// As in production: for runs that must stay green, however busy the machine is.
    Long,
    /// Hardly at all: what is parked fails every time, and short waits come to the same.
    Short,
}

/// Runs a bundled scenario until it is cut.
fn run_until(
    scenario: &str,
    provision: &dyn Provision,
    patience: Patience,
    cut: impl Future<Output = Cut>,
) -> ScenarioResult {
    let scenarios =
        Catalogue::bundled().and_then(|all| all.select(&[scenario.to_owned()])).expect("the scenario");
    let transcripts = transcripts();
    let mut runner = Runner::new(provision, &transcripts, SEED, &Silent);
    if patience == Patience::Short {
        let at_once = Backoff { first_ms: 1, factor: 1, max_ms: 1 };
        let projector = &mut runner.projection.projector;
        (projector.retry_backoff, projector.hold_ms_max, projector.hold_check_ms) = (at_once, 200, 50);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(runner.run(&scenarios, cut)).remove(0)
}

/// Runs a scenario that is expected to go red.
fn run(scenario: &str, provision: &dyn Provision) -> ScenarioResult {
    run_until(scenario, provision, Patience::Short, pending())
}

/// Runs a scenario that is expected to stay green.
fn run_patiently(scenario: &str, provision: &dyn Provision) -> ScenarioResult {
    run_until(scenario, provision, Patience::Long, pending())
}

fn verdict(result: &ScenarioResult) -> Verdict {
    Judgement::of(std::slice::from_ref(result)).verdict
}

#[track_caller]
fn check<'a>(result: &'a ScenarioResult, id: &str) -> &'a CheckResult {
    let found = result.checks.iter().find(|check| check.id == id);
    found.unwrap_or_else(|| panic!("no check {id} in {result:#?}"))
}

/// Asserts that a check found what it should, and a scenario failed by it.
#[track_caller]
fn assert_found(result: &ScenarioResult, id: &str, kind: &str, subject: &str) {
    assert_eq!(verdict(result), Verdict::NoGo, "{:?}", result.reason);
    let differences = &check(result, id).differences;
    assert!(
        differences.by_kind.contains_key(kind) && differences.by_subject.contains_key(subject),
        "no {kind} of {subject} in {id}: {:?} {:?}",
        differences.by_kind,
        differences.by_subject
    );
}

#[test]
fn with_hooks_that_let_everything_pass_both_scenarios_stay_green() {
    for scenario in ["dual-write", "replay-from-zero"] {
        let result = run_patiently(scenario, &Wrapped::new(Embedded, Hooks::default));
        assert_eq!(verdict(&result), Verdict::Go, "{:?}", result.reason);
    }
}

/// Commits direct writes without those outbox entries whose text says so.
#[derive(Clone, Copy)]
struct OutboxForgotten {
    of: &'static str,
}

impl GraphHook for OutboxForgotten {
    fn apply(&self, mut batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        for set in &mut batch {
            set.changes.retain(|change| match change {
                Change::Upsert { node, on_create, .. } if node.label() == Label::OutboxEntry => {
                    let body = on_create.get("body").and_then(|body| body.as_text()).unwrap_or_default();
                    !body.contains(self.of)
                }
                _ => true,
            });
        }
        Ok(batch)
    }
}

#[test]
fn without_the_outbox_entries_of_removals_the_projected_graph_keeps_the_sentences() {
    let forgotten = OutboxForgotten { of: "remove_sentence" };
    let result = run(
        "replay-from-zero",
        &Wrapped::new(Embedded, move || Hooks::default().with_graph("direct", forgotten)),
    );
    assert_found(&result, "direct-vs-rebuilt", "missing-left", "Sentence");
    assert_found(&result, "model-vs-rebuilt", "missing-left", "Sentence");
    assert!(check(&result, "model-vs-direct").differences.is_empty(), "the direct path itself is whole");
}

#[test]
fn without_the_outbox_entries_of_those_who_make_way_the_projected_graph_has_another_order() {
    let forgotten = OutboxForgotten { of: r#""intent":"place""# };
    let result = run(
        "replay-from-zero",
        &Wrapped::new(Embedded, move || Hooks::default().with_graph("direct", forgotten)),
    );
    assert_found(&result, "direct-vs-rebuilt", "property-differs", "Sentence");
    assert_found(&result, "direct-vs-rebuilt", "missing-left", "NEXT_SENTENCE");
    assert!(check(&result, "model-vs-direct").differences.is_empty(), "the direct path itself is whole");
}

#[test]
fn without_the_outbox_the_first_edit_is_refused_because_the_store_knows_no_sentence() {
    let forgotten = OutboxForgotten { of: "" };
    let result =
        run("dual-write", &Wrapped::new(Embedded, move || Hooks::default().with_graph("direct", forgotten)));
    assert_eq!(verdict(&result), Verdict::NoGo, "{:?}", result.reason);
    let reason = result.reason.unwrap_or_default();
    assert!(reason.contains("edit 24 sentences") && reason.contains("there is no such"), "{reason}");
}

#[test]
fn without_link_resolution_nothing_is_projected_and_the_scenario_is_red() {
    let result = run_with_defect("dual-write", "links-taken-for-events");
    assert_found(&result, "expectations", "figure", "parked events");
}

/// Takes the version guards off every change: the graph then knows no version.
struct GuardsOff;

impl GraphHook for GuardsOff {
    fn apply(&self, mut batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        for set in &mut batch {
            set.guard = None;
        }
        Ok(batch)
    }
}

#[test]
fn without_version_guards_a_projection_that_starts_again_is_found_out() {
    let result = run(
        "replay-from-zero",
        &Wrapped::new(Embedded, || Hooks::default().with_graph("projected", GuardsOff)),
    );
    assert_found(&result, "projected-vs-rebuilt", "property-differs", "Analysis");
    assert_found(&result, "expectations", "figure", "parked events");
    assert!(check(&result, "direct-vs-rebuilt").differences.is_empty(), "the rebuilt graph has its guards");
}

/// Delivers what came together in the opposite order, and says that it is the right one: the versions follow the arrival.
#[derive(Default)]
struct ArrivalOrder {
    next: Mutex<std::collections::BTreeMap<StreamName, u64>>,
}

impl LogHook for ArrivalOrder {
    fn deliver(&self, _group: &GroupId, mut delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        delivered.reverse();
        let mut next = self.next.lock().expect("no thread panics with it");
        for delivery in &mut delivered {
            let Some(event) = &mut delivery.event else { continue };
            let version = next.entry(event.stream.clone()).or_default();
            let mut metadata: serde_json::Value =
                serde_json::from_slice(&event.metadata).expect("metadata is JSON");
            metadata["version"] = (*version).into();
            event.metadata = serde_json::to_vec(&metadata).expect("metadata is JSON").into();
            event.revision = *version;
            *version += 1;
        }
        Ok(delivered)
    }
}

#[test]
fn without_the_order_of_versions_what_was_said_last_is_not_what_stays() {
    let result =
        run("dual-write", &Wrapped::new(Embedded, || Hooks::default().with_log(ArrivalOrder::default())));
    assert_found(&result, "direct-vs-projected", "property-differs", "Sentence");
    assert!(check(&result, "model-vs-direct").differences.is_empty(), "the direct path itself is whole");
}

/// Delivers what came together in the opposite order, as the world may: a persistent subscription promises no order.
struct Reversed;

impl LogHook for Reversed {
    fn deliver(&self, _group: &GroupId, mut delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        delivered.reverse();
        Ok(delivered)
    }
}

#[test]
fn deliveries_in_the_opposite_order_are_put_right() {
    let result = run_patiently("dual-write", &Wrapped::new(Embedded, || Hooks::default().with_log(Reversed)));
    assert_eq!(verdict(&result), Verdict::Go, "{:?}", result.reason);
}

/// Refuses every call after the first `after`.
struct Refusing {
    calls: AtomicUsize,
    after: usize,
}

impl Refusing {
    const fn after(after: usize) -> Self {
        Self { calls: AtomicUsize::new(0), after }
    }

    fn refuses(&self) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed) >= self.after
    }
}

impl LogHook for Refusing {
    fn append(&self, _stream: &StreamName, events: Vec<NewEvent>) -> Result<Vec<NewEvent>, LogError> {
        match self.refuses() {
            true => Err(LogError::Refused { during: "append events", source: "disk full".into() }),
            false => Ok(events),
        }
    }
}

impl GraphHook for Refusing {
    fn apply(&self, batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        let refused = || GraphError::Refused { during: "apply changes", source: "disk full".into() };
        if self.refuses() { Err(refused().into()) } else { Ok(batch) }
    }
}

#[track_caller]
fn assert_unknown(result: &ScenarioResult) {
    let judgement = Judgement::of(std::slice::from_ref(result));
    assert_eq!(judgement.verdict, Verdict::Unknown, "{result:#?}");
    assert_eq!(result.cause, Some(Cause::EngineFailed));
    assert_eq!(judgement.exit_code(), exit_code::INCONCLUSIVE);
    assert!(result.reason.as_ref().is_some_and(|reason| reason.contains("disk full")), "{:?}", result.reason);
}

#[test]
fn a_store_that_refuses_in_the_middle_leaves_the_verdict_unknown() {
    assert_unknown(&run(
        "dual-write",
        &Wrapped::new(Embedded, || Hooks::default().with_log(Refusing::after(50))),
    ));
}

#[test]
fn a_direct_graph_that_refuses_in_the_middle_leaves_the_verdict_unknown() {
    assert_unknown(&run(
        "dual-write",
        &Wrapped::new(Embedded, || Hooks::default().with_graph("direct", Refusing::after(5))),
    ));
}

/// Answers no question of the comparison.
struct Unreadable;

impl GraphHook for Unreadable {
    fn read(&self) -> Result<(), GraphError> {
        Err(GraphError::Refused { during: "read nodes", source: "disk full".into() })
    }
}

#[test]
fn a_graph_that_cannot_be_read_leaves_the_verdict_unknown() {
    let result = run(
        "replay-from-zero",
        &Wrapped::new(Embedded, || Hooks::default().with_graph("direct", Unreadable)),
    );
    assert_eq!(verdict(&result), Verdict::Unknown, "{result:#?}");
}

#[test]
fn a_run_whose_time_is_over_is_unknown_with_an_exit_code_of_its_own() {
    let cut = async { Cut::TimedOut { limit: Duration::ZERO } };
    let result = run_until("dual-write", &Embedded, Patience::Short, cut);
    let judgement = Judgement::of(std::slice::from_ref(&result));
    assert_eq!((judgement.verdict, judgement.exit_code()), (Verdict::Unknown, exit_code::TIMED_OUT));
}

/// Writes no analysis that failed, as a writer does that takes an error for nothing at all.
struct FailuresForgotten;

impl GraphHook for FailuresForgotten {
    fn apply(&self, mut batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        let is_failed = |change: &Change| match change {
            Change::ReplaceAnalysis { properties, .. } => properties.get("error_data").is_some(),
            _ => false,
        };
        // Not the error alone is left out, but the sentence with it.
        batch.retain(|set| !set.changes.iter().any(is_failed));
        Ok(batch)
    }
}

#[test]
fn without_the_sentences_whose_analysis_failed_both_graphs_lack_them_and_the_model_tells() {
    let failures = || Hooks::default().with_graph("direct", FailuresForgotten);
    let result = run("failed-analysis", &Wrapped::new(Embedded, failures));
    assert_found(&result, "model-vs-direct", "missing-right", "Sentence");
    assert_found(&result, "model-vs-projected", "missing-right", "Sentence");
    assert!(check(&result, "direct-vs-projected").differences.is_empty(), "nothing tells them apart");
}

#[test]
fn without_version_guards_what_is_delivered_onto_a_populated_graph_is_found_out() {
    let guards_off = || Hooks::default().with_graph("projected", GuardsOff);
    let result = run("replay-onto-populated", &Wrapped::new(Embedded, guards_off));
    assert_found(&result, "expectations", "figure", "version of projected");
    assert!(check(&result, "model-vs-direct").differences.is_empty(), "the direct path itself is whole");
}

/// Runs a scenario with a defect of the drill, over embedded engines.
fn run_with_defect(scenario: &str, defect: &str) -> ScenarioResult {
    let defects = catalogue::select(&[defect.to_owned()]).expect("the defect");
    run(scenario, &Wrapped::new(Embedded, defects[0].hooks))
}

#[test]
fn what_is_acknowledged_before_it_is_committed_is_lost_when_the_lanes_change_after_a_death() {
    let result = run_with_defect("lane-count-change", "ack-on-enqueue");
    assert_found(&result, "expectations-at-15", "figure", "version of projected");
    assert!(check(&result, "model-vs-direct").differences.is_empty(), "the direct path itself is whole");
}

#[test]
fn a_fault_that_never_strikes_leaves_the_verdict_unknown() {
    let text = r#"
        description = "A fault of what never happens."
        generated = { files = 1, utterances = 2 }
        steps = [
            { fault = { on = ["erase"], kind = "fails" } },
            "ingest",
            { project = {} },
            { compare = { left = "direct", right = "projected" } },
        ]
        expect = { parked = 0 }
    "#;
    let named = load::parse(Path::new("never.toml"), text).expect("no mistake");
    let runner = Runner::new(&Embedded, &[], SEED, &Silent);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let result = runtime.block_on(runner.run(&[named], pending())).remove(0);
    assert_eq!(verdict(&result), Verdict::Unknown, "{result:#?}");
    let faults = check(&result, "faults");
    assert_eq!(faults.cause, Some(Cause::FaultNeverStruck));
    assert!(faults.error.as_ref().is_some_and(|error| error.contains("erase fails (always)")));
}
