//! Nodes that everybody writes to: twelve writers that link to the same few topics and keywords, each in an order of its own.

use std::sync::Arc;

use cutover_core::graph::{ChangeSet, Origin, Rel};
use cutover_engines::graph::testing::{analysis_of, dimension, interview, put, put_analysis, put_sentence};
use cutover_engines::graph::{Graph, MemoryGraph, Schema, dump};
use rand::seq::SliceRandom;

use super::{PLENTY, SEED, graph_at};
use crate::servers;

const WRITERS: usize = 12;
const BATCHES: usize = 8;
const SENTENCES: usize = 20;
const HUBS: [&str; 6] = ["moon", "sea", "fuel", "lander", "oxygen", "water"];

/// Makes the batches of one writer: an interview of its own, and analyses that link to everybody's topics and keywords, made twice
/// so that links go away, too.
fn batches(writer: usize) -> Vec<Vec<ChangeSet>> {
    let mut order = SEED.stream(&format!("writer {writer}"));
    let key = format!("i{writer}");
    let mut hubs = HUBS;
    let mut batches =
        vec![vec![ChangeSet { guard: None, changes: vec![put(interview(&key), Default::default())] }]];
    for batch in 0..BATCHES {
        let mut changes = Vec::new();
        for at in 0..SENTENCES {
            let sentence = format!("{key}-s{}", (batch / 2) * SENTENCES + at);
            changes.push(put_sentence(&key, &sentence, at as i64));
            changes.push(put_analysis(&sentence, &format!("{sentence}-analysis-{batch}")));
            for rel in [Rel::MentionsTopic, Rel::MentionsOverallKeyword] {
                hubs.shuffle(&mut order);
                let analysis = analysis_of(&sentence);
                changes.push(dimension(analysis, rel, &hubs[..4], None, Origin::Analysis));
            }
        }
        batches.push(vec![ChangeSet { guard: None, changes }]);
    }
    batches
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_writers_of_the_same_hubs_all_get_through() {
    let server = servers::graph(Schema::Projected).await;
    let graph = graph_at(server.address(), PLENTY);
    let memory = MemoryGraph::new(Schema::Projected);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let graph = Arc::clone(&graph);
        writers.spawn(async move {
            for (at, batch) in batches(writer).iter().enumerate() {
                graph.apply(batch).await.unwrap_or_else(|error| panic!("batch {at} of {writer}: {error:?}"));
            }
        });
        for batch in batches(writer) {
            memory.apply(&batch).await.expect("a batch");
        }
    }
    writers.join_all().await;
    let (real, expected) = (dump(&*graph).await.expect("a graph"), dump(&memory).await.expect("a graph"));
    assert!(real == expected, "the graphs differ");
}
