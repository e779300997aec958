//! The way of a service without batches: a transaction for each event, and in it a statement for each node and each relationship.

use std::time::Instant;

use neo4rs::{Query, Txn, query};

use crate::events::Row;
use crate::server::Measured;

/// Writes sentences, two events each, and returns events a second. The interview is there already.
pub(crate) async fn write(server: &Measured, interview: &str, rows: &[Row]) -> f64 {
    let client = server.client();
    let started = Instant::now();
    let mut last: Option<&Row> = None;
    for row in rows {
        let mut transaction = client.start_txn().await.expect("a transaction");
        create(&mut transaction, interview, row, last).await;
        transaction.commit().await.expect("a committed transaction");
        let mut transaction = client.start_txn().await.expect("a transaction");
        analyse(&mut transaction, row).await;
        transaction.commit().await.expect("a committed transaction");
        last = Some(row);
    }
    (2 * rows.len()) as f64 / started.elapsed().as_secs_f64()
}

async fn run(transaction: &mut Txn, query: Query) {
    transaction.run(query).await.expect("a statement that is carried out");
}

/// What is applied already is not applied again.
async fn check_version(transaction: &mut Txn, row: &Row) {
    let version = query("MATCH (s:Sentence {sentence_id: $id}) RETURN s.event_version");
    run(transaction, version.param("id", row.sentence.as_str())).await;
}

async fn create(transaction: &mut Txn, interview: &str, row: &Row, last: Option<&Row>) {
    check_version(transaction, row).await;
    let id = row.sentence.as_str();
    let sentence = query("MERGE (s:Sentence {sentence_id: $id}) SET s += $properties");
    run(transaction, sentence.param("id", id).param("properties", row.properties.clone())).await;
    let owner = query(
        "MATCH (i:Interview {interview_id: $interview}) MATCH (s:Sentence {sentence_id: $id}) MERGE (i)-[:HAS_SENTENCE]->(s)",
    );
    run(transaction, owner.param("interview", interview).param("id", id)).await;
    let file = query(
        "MATCH (i:Interview {interview_id: $interview}) MATCH (s:Sentence {sentence_id: $id}) \
         MERGE (f:SourceFile {filename: last(split(i.source, '/'))}) MERGE (s)-[:PART_OF_FILE]->(f)",
    );
    run(transaction, file.param("interview", interview).param("id", id)).await;
    let step = match last {
        Some(last) => query(
            "MATCH (l:Sentence {sentence_id: $last}) MATCH (s:Sentence {sentence_id: $id}) \
             MERGE (l)-[:NEXT_SENTENCE]->(s) MERGE (l)-[:FOLLOWS]->(s)",
        )
        .param("last", last.sentence.as_str()),
        None => query(
            "MATCH (i:Interview {interview_id: $interview}) MATCH (s:Sentence {sentence_id: $id}) MERGE (i)-[:FIRST_SENTENCE]->(s)",
        )
        .param("interview", interview),
    };
    run(transaction, step.param("id", id)).await;
}

async fn analyse(transaction: &mut Txn, row: &Row) {
    check_version(transaction, row).await;
    let analysis = query(
        "MATCH (s:Sentence {sentence_id: $sentence}) MERGE (a:Analysis {analysis_id: $id}) SET a += $properties \
         MERGE (s)-[:HAS_ANALYSIS]->(a)",
    );
    let (sentence, id) = (row.sentence.as_str(), row.analysis.as_str());
    let properties = row.analysis_properties.clone();
    run(transaction, analysis.param("sentence", sentence).param("id", id).param("properties", properties))
        .await;
    for (rel, values) in &row.dimensions {
        let (label, key) = (rel.target(), rel.target().key_property());
        let link = format!(
            "MATCH (a:Analysis {{analysis_id: $id}}) MERGE (v:{label} {{{key}: $value}}) MERGE (a)-[l:{rel}]->(v) SET l.is_edited = false"
        );
        for value in values {
            run(transaction, query(&link).param("id", id).param("value", value.as_str())).await;
        }
    }
}
