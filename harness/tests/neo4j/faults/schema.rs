//! What is in the way of the constraints, and what is said about it. Without them nothing is written.

use std::net::SocketAddr;

use cutover_engines::graph::{Graph, GraphError, Schema};

use super::{ask, chain};
use crate::servers;

const DROPPED: &str = "DROP CONSTRAINT cutover_interview_interview_id IF EXISTS";

async fn run(address: SocketAddr, statements: &[&str]) {
    for statement in statements {
        ask(address, "neo4j", "neo4j", statement).await;
    }
}

/// Checks that a graph is not prepared, and that the error has all of this in it.
async fn check(graph: &dyn Graph, said: &[&str]) {
    let error = graph.prepare(Schema::Projected).await.expect_err("something in the way of a constraint");
    assert!(matches!(error, GraphError::Refused { .. }), "{error:?}");
    let text = chain(&error);
    for part in said {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_the_way_of_a_constraint_is_named_with_the_remedy() {
    let graph = servers::graph(Schema::Projected).await;
    let address = graph.address();

    run(address, &[DROPPED, "UNWIND ['a', 'b', 'b'] AS id CREATE (:Interview {interview_id: id})"]).await;
    check(
        &graph,
        &["several nodes Interview", "interview_id `b`", "remove all but one", "MATCH (n:Interview)"],
    )
    .await;
    graph.erase().await.expect("an empty graph");

    run(address, &["CREATE INDEX mine FOR (n:Interview) ON (n.interview_id)"]).await;
    check(&graph, &["plain index `mine`", "Interview.interview_id", "DROP INDEX `mine`"]).await;
    run(address, &["DROP INDEX mine"]).await;

    let taken = "CREATE CONSTRAINT cutover_interview_interview_id FOR (n:Other) REQUIRE n.key IS UNIQUE";
    run(address, &[taken]).await;
    check(&graph, &["`cutover_interview_interview_id`", "Interview.interview_id", "DROP CONSTRAINT"]).await;
    run(address, &[DROPPED]).await;

    graph.prepare(Schema::Projected).await.expect("nothing is in the way any more");
}
