//! The graph in memory and a real server stay equal under any batches: twin values, self links, removals, refused guards.

use cutover_core::graph::ChangeSet;
use cutover_core::ids::AggregateId;
use cutover_engines::graph::testing::{a_sentence, an_interview, batches};
use cutover_engines::graph::{ApplyError, Graph, MemoryGraph, Schema, VersionConflict, dump};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::servers::graph;

/// Returns which aggregates refused a batch, sorted.
async fn apply(graph: &dyn Graph, batch: &[ChangeSet]) -> Vec<VersionConflict> {
    match graph.apply(batch).await {
        Ok(()) => Vec::new(),
        Err(ApplyError::Conflict(mut conflicts)) => {
            conflicts.sort();
            conflicts
        }
        Err(ApplyError::Graph(error)) => panic!("no batch of these is refused: {error:?}"),
    }
}

/// Returns everything that can be read, as text.
async fn everything(graph: &dyn Graph) -> String {
    let aggregates: [AggregateId; 4] =
        [an_interview("i0"), an_interview("i1"), a_sentence("i0", 0), a_sentence("i0", 1)];
    let versions = graph.versions(&aggregates).await.expect("the graph can be read");
    let census = graph.census().await.expect("the graph can be read");
    let outbox = graph.nodes("_OutboxEntry", None, 10).await.expect("the graph can be read");
    let outbox: Vec<_> = outbox.rows.iter().map(|row| &row.properties).collect();
    let text = dump(graph).await.expect("the graph can be read");
    format!("{text}\n{versions:?}\n{census:?}\n{outbox:?}")
}

fn stay_equal(runtime: &Runtime, schema: Schema, batches: &[Vec<ChangeSet>]) -> Result<(), TestCaseError> {
    runtime.block_on(async {
        let (memory, real) = (MemoryGraph::new(schema), graph(schema).await);
        for (at, batch) in batches.iter().enumerate() {
            prop_assert_eq!(apply(&memory, batch).await, apply(&real, batch).await, "batch {}", at);
            let (ours, theirs) = (everything(&memory).await, everything(&real).await);
            prop_assert!(ours == theirs, "after batch {at} {batch:#?}, in memory:\n{ours}\nNeo4j:\n{theirs}");
        }
        Ok(())
    })
}

/// Runs a property over a hundred random cases, or as many as `PROPTEST_CASES` says, on one runtime: connections are made
/// once.
fn for_any_batches(schema: Schema) {
    let runtime = Runtime::new().expect("a runtime");
    let mut config = ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 100;
    }
    proptest!(config, |(batches in batches(schema))| {
        stay_equal(&runtime, schema, &batches)?;
    });
}

#[test]
fn the_projected_graph_in_neo4j_equals_the_one_in_memory() {
    for_any_batches(Schema::Projected);
}

#[test]
fn the_direct_graph_in_neo4j_equals_the_one_in_memory() {
    for_any_batches(Schema::Direct);
}
