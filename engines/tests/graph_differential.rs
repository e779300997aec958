//! The graph in memory and a naive reference stay equal under any batches.

mod graph_reference;

use cutover_core::graph::ChangeSet;
use cutover_core::ids::AggregateId;
use cutover_engines::graph::testing::{a_sentence, an_interview, batches};
use cutover_engines::graph::{ApplyError, Graph, MemoryGraph, Schema, VersionConflict, dump};
use proptest::prelude::*;

use graph_reference::ReferenceGraph;

/// Returns which aggregates refused a batch, sorted.
async fn apply(graph: &dyn Graph, batch: &[ChangeSet]) -> Vec<VersionConflict> {
    match graph.apply(batch).await {
        Ok(()) => Vec::new(),
        Err(ApplyError::Conflict(mut conflicts)) => {
            conflicts.sort();
            conflicts
        }
        Err(ApplyError::Graph(error)) => panic!("a graph in memory does not fail: {error}"),
    }
}

/// Returns everything that can be read, as text.
async fn everything(graph: &dyn Graph) -> String {
    let aggregates: Vec<AggregateId> =
        vec![an_interview("i0"), an_interview("i1"), a_sentence("i0", 0), a_sentence("i0", 1)];
    let versions = graph.versions(&aggregates).await.expect("the graph can be read");
    let census = graph.census().await.expect("the graph can be read");
    let outbox = graph.nodes("_OutboxEntry", None, 10).await.expect("the graph can be read");
    let outbox: Vec<_> = outbox.rows.iter().map(|row| &row.properties).collect();
    let text = dump(graph).await.expect("the graph can be read");
    format!("{text}\n{versions:?}\n{census:?}\n{outbox:?}")
}

fn stay_equal(schema: Schema, batches: &[Vec<ChangeSet>]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    runtime.block_on(async {
        let (memory, reference) = (MemoryGraph::new(schema), ReferenceGraph::new(schema));
        for (at, batch) in batches.iter().enumerate() {
            prop_assert_eq!(apply(&memory, batch).await, apply(&reference, batch).await, "batch {}", at);
            let (ours, theirs) = (everything(&memory).await, everything(&reference).await);
            prop_assert!(ours == theirs, "after batch {at}, in memory:\n{ours}\nthe reference:\n{theirs}");
            prop_assert_eq!(
                memory.with(|graph| graph.dump()),
                dump(&memory).await.expect("the graph can be read"),
                "both ways of writing a graph down"
            );
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_projected_graph_equals_the_reference(batches in batches(Schema::Projected)) {
        stay_equal(Schema::Projected, &batches)?;
    }

    #[test]
    fn the_direct_graph_equals_the_reference(batches in batches(Schema::Direct)) {
        stay_equal(Schema::Direct, &batches)?;
    }
}
