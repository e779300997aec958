//! A comparison of two graphs on real servers, beside merely reading both: the same pages and trees, and nothing made of them.
//!
//! Both graphs come of the same transcript, cut into interviews: one by the direct writer, one by the projection.

use std::sync::Arc;
use std::time::Instant;

use cutover_benches::apollo_13;
use cutover_core::graph::{Label, Value};
use cutover_core::ids::ProjectId;
use cutover_engines::graph::{Census, Cursor, Graph, Schema};
use cutover_harness::diff::{GraphSource, Limits, Orientation, Policy, diff};
use cutover_harness::provision::Provision;
use cutover_harness::provision::process::{Process, ServerSettings};
use cutover_harness::result::Outcome;
use cutover_service::pipeline::analyse::Lexical;
use cutover_service::pipeline::{Pipeline, RequestContext, SeededIds, analyse_file};
use cutover_service::projection::{ProjectionService, Settings};

use crate::events::Fixed;
use crate::server::installation;
use crate::show;

/// How many utterances of the transcript make an interview.
const UTTERANCES: usize = 60;
/// How often reading and comparing take turns.
const ROUNDS: usize = 5;

pub(crate) async fn measure() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::new(installation(), ServerSettings::default(), folder.path().to_owned());
    let engines = process.start().await.expect("engines");
    let direct = engines.graph("direct", Schema::Direct).await.expect("a graph");
    let projected = engines.graph("projected", Schema::Projected).await.expect("a graph");
    let ids = Arc::new(SeededIds::new(uuid::Uuid::from_u128(7)));
    let pipeline =
        Pipeline::new(Arc::clone(&direct), engines.log(), Arc::new(Fixed), ids, Default::default());
    let transcript = String::from_utf8(apollo_13()).expect("a transcript in UTF-8");
    let lines: Vec<&str> = transcript.lines().collect();
    for (number, lines) in lines.chunks(UTTERANCES).enumerate() {
        let (name, text) = (format!("apollo13-{number:03}.txt"), lines.join("\n"));
        let project = ProjectId::new("apollo");
        let file = analyse_file(&name, text.as_bytes(), &project, Some("en"), &Lexical).expect("utterances");
        pipeline.ingest(&file, &RequestContext::system()).await.expect("a written file");
    }
    pipeline.drain().await.expect("an empty outbox");
    let projection = ProjectionService::new(engines.log(), Arc::clone(&projected), Settings::default());
    projection.catch_up().await.expect("a projected log");

    // Once unmeasured: the servers compile their plans and fill their caches.
    let elements = read_both(&*direct, &*projected).await;
    compare(&*direct, &*projected).await;
    let (mut reading, mut comparing) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        read_both(&*direct, &*projected).await;
        reading.push(begin.elapsed().as_secs_f64());
        let begin = Instant::now();
        compare(&*direct, &*projected).await;
        comparing.push(begin.elapsed().as_secs_f64());
    }
    engines.stop().await;
    process.finish().await;
    let [reading, comparing] = [reading, comparing].map(|seconds| elements as f64 / median(seconds));
    show(&format!("diff: reading both graphs, {elements} elements"), &format!("{reading:.0} elements/s"));
    show("diff: comparing them", &format!("{comparing:.0} elements/s"));
    show("diff: comparing / reading, medians", &format!("{:.2} (goal: 0.8)", comparing / reading));
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

async fn compare(direct: &dyn Graph, projected: &dyn Graph) {
    let (left, right) =
        (GraphSource::new(direct, Schema::Direct), GraphSource::new(projected, Schema::Projected));
    let sides = Orientation::new("direct", "projected");
    let check =
        diff("direct-vs-projected", sides, &left, &right, &Policy::direct_vs_projected(), Limits::default())
            .await;
    assert_eq!(check.outcome, Outcome::Pass, "{:?} {:?}", check.error, check.differences.first.first());
    assert!(check.compared.total() > 100_000, "{} elements", check.compared.total());
}

/// Reads both graphs side by side, and returns how many elements both have.
async fn read_both(direct: &dyn Graph, projected: &dyn Graph) -> u64 {
    let (direct, projected) = tokio::join!(read(direct), read(projected));
    direct + projected
}

/// Reads all that a comparison reads of a graph, in the same pages and batches.
async fn read(graph: &dyn Graph) -> u64 {
    let Limits { interviews, page_rows, .. } = Limits::default();
    let census = graph.census().await.expect("a census");
    let key = Label::Interview.key_property();
    let mut after: Option<Cursor> = None;
    loop {
        let page = graph.nodes(Label::Interview.as_str(), after.as_ref(), page_rows).await.expect("a page");
        let keys: Vec<Value> = page.rows.iter().filter_map(|row| row.properties.get(key).cloned()).collect();
        for keys in keys.chunks(interviews) {
            graph.trees(keys).await.expect("trees");
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let in_trees = [Label::Interview, Label::Sentence, Label::Analysis].map(Label::as_str);
    for label in census.nodes.keys().filter(|label| !in_trees.contains(&label.as_str())) {
        let mut after: Option<Cursor> = None;
        loop {
            after = graph.nodes(label, after.as_ref(), page_rows).await.expect("a page").next;
            if after.is_none() {
                break;
            }
        }
    }
    for label in [Label::Sentence, Label::Analysis] {
        graph.orphans(label, None, page_rows).await.expect("no orphans");
    }
    total(&graph.census().await.expect("a census"))
}

fn total(census: &Census) -> u64 {
    census.nodes.values().chain(census.relationships.values()).sum()
}
