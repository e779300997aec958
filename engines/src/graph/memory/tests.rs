//! What the graph in memory does by itself. What it promises as any graph does is in the contract.

use cutover_core::graph::{Change, Label, Properties, Rel};

use super::*;
use crate::graph::dump;
use crate::graph::testing::{interview, keyed, put};

async fn apply(graph: &MemoryGraph, changes: Vec<Change>) {
    graph.apply(&[ChangeSet { guard: None, changes }]).await.expect("changes without a guard");
}

#[tokio::test]
async fn an_empty_graph_takes_another_schema_and_one_that_holds_a_node_does_not() {
    let graph = MemoryGraph::new(Schema::Direct);
    assert!(graph.with(|graph| graph.is_empty()));
    graph.prepare(Schema::Projected).await.expect("it is empty");
    assert_eq!(graph.with(|graph| graph.schema()), Schema::Projected);
    apply(&graph, vec![put(interview("i"), Properties::new())]).await;
    assert!(!graph.with(|graph| graph.is_empty()));
    graph.prepare(Schema::Projected).await.expect("it is prepared already");
    let refused = graph.prepare(Schema::Direct).await.expect_err("it holds a node of the other one");
    assert!(matches!(refused, GraphError::Refused { .. }), "{refused}");
    assert_eq!(graph.with(|graph| graph.schema()), Schema::Projected);
}

#[tokio::test]
async fn a_node_without_a_key_of_its_own_is_not_made_without_its_owner() {
    let graph = MemoryGraph::new(Schema::Direct);
    // In the direct schema a sentence is named by its number, which another interview has, too.
    apply(&graph, vec![put(keyed(Label::Sentence, "1"), Properties::new())]).await;
    assert_eq!(dump(&graph).await.expect("a graph"), "");
    let owned = interview("i").child(Rel::HasSentence, "1");
    apply(&graph, vec![put(interview("i"), Properties::new()), put(owned, Properties::new())]).await;
    assert!(!dump(&graph).await.expect("a graph").is_empty());
}
