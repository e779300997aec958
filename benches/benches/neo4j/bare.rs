//! The limit: the rows of a replay written by hand-made UNWIND statements, prepared in memory. No guards, no decoding, no
//! acknowledgements, and nothing is asked of the graph before it is written.

use std::time::Instant;

use cutover_core::graph::Rel;
use neo4rs::{BoltType, query};

use crate::events::{Row, list, map};
use crate::server::Measured;

/// Writes so many sentences in each transaction, and returns events a second. The interview is there already.
pub(crate) async fn write(server: &Measured, interview: &str, rows: &[Row], size: usize) -> f64 {
    let client = server.client();
    let batches: Vec<[BoltType; 5]> =
        (0..rows.len()).step_by(size).map(|from| parameters(rows, from, size)).collect();
    let started = Instant::now();
    for batch in batches {
        let mut transaction = client.start_txn().await.expect("a transaction");
        server.send_at_once();
        for (statement, rows) in STATEMENTS.into_iter().zip(batch) {
            let query = query(statement).param("rows", rows).param("interview", interview);
            transaction.run(query).await.expect("written rows");
        }
        transaction.commit().await.expect("a committed transaction");
    }
    // Two events make a sentence with its analysis.
    (2 * rows.len()) as f64 / started.elapsed().as_secs_f64()
}

fn parameters(all: &[Row], from: usize, size: usize) -> [BoltType; 5] {
    let rows = &all[from..all.len().min(from + size)];
    let text = |text: &str| BoltType::from(text);
    let sentences =
        rows.iter().map(|row| map([("id", text(&row.sentence)), ("properties", row.properties.clone())]));
    let analyses = rows.iter().map(|row| {
        map([
            ("sentence", text(&row.sentence)),
            ("id", text(&row.analysis)),
            ("properties", row.analysis_properties.clone()),
        ])
    });
    let values = |row: &Row, rel: Rel| {
        let of_rel = row.dimensions.iter().filter(|(of, _)| *of == rel).flat_map(|(_, values)| values);
        list(of_rel.map(|value| text(value)))
    };
    let single = rows.iter().map(|row| {
        map([
            ("id", text(&row.analysis)),
            ("function", values(row, Rel::HasFunction)),
            ("structure", values(row, Rel::HasStructure)),
            ("purpose", values(row, Rel::HasPurpose)),
        ])
    });
    let several = rows.iter().map(|row| {
        map([
            ("id", text(&row.analysis)),
            ("keywords", values(row, Rel::MentionsOverallKeyword)),
            ("topics", values(row, Rel::MentionsTopic)),
            ("domain_keywords", values(row, Rel::MentionsDomainKeyword)),
        ])
    });
    let before = all[from.saturating_sub(1)..].iter().take(rows.len() + usize::from(from > 0));
    let pairs = before.clone().zip(before.skip(1));
    let steps = pairs.map(|(from, to)| list([text(&from.sentence), text(&to.sentence)]));
    [list(sentences), list(analyses), list(single), list(several), list(steps)]
}

const STATEMENTS: [&str; 5] = [
    "MATCH (i:Interview {interview_id: $interview}) MERGE (f:SourceFile {filename: last(split(i.source, '/'))}) \
     WITH i, f UNWIND $rows AS r MERGE (s:Sentence {sentence_id: r.id}) SET s += r.properties \
     MERGE (i)-[:HAS_SENTENCE]->(s) MERGE (s)-[:PART_OF_FILE]->(f) \
     FOREACH (_ IN CASE r.properties.sequence_order WHEN 0 THEN [1] ELSE [] END | MERGE (i)-[:FIRST_SENTENCE]->(s))",
    "UNWIND $rows AS r MATCH (s:Sentence {sentence_id: r.sentence}) \
     MERGE (a:Analysis {analysis_id: r.id}) SET a += r.properties MERGE (s)-[:HAS_ANALYSIS]->(a)",
    "UNWIND $rows AS r MATCH (a:Analysis {analysis_id: r.id}) \
     FOREACH (value IN r.function | MERGE (f:FunctionType {name: value}) CREATE (a)-[:HAS_FUNCTION {is_edited: false}]->(f)) \
     FOREACH (value IN r.structure | MERGE (s:StructureType {name: value}) CREATE (a)-[:HAS_STRUCTURE {is_edited: false}]->(s)) \
     FOREACH (value IN r.purpose | MERGE (p:Purpose {name: value}) CREATE (a)-[:HAS_PURPOSE {is_edited: false}]->(p))",
    "UNWIND $rows AS r MATCH (a:Analysis {analysis_id: r.id}) \
     FOREACH (value IN r.keywords | MERGE (k:Keyword {text: value}) \
       CREATE (a)-[:MENTIONS_OVERALL_KEYWORD {is_edited: false}]->(k)) \
     FOREACH (value IN r.topics | MERGE (t:Topic {name: value}) \
       CREATE (a)-[:MENTIONS_TOPIC {is_edited: false}]->(t)) \
     FOREACH (value IN r.domain_keywords | MERGE (d:DomainKeyword {text: value}) ON CREATE SET d.is_custom = false \
       CREATE (a)-[:MENTIONS_DOMAIN_KEYWORD {is_edited: false}]->(d))",
    "UNWIND $rows AS r MATCH (s:Sentence {sentence_id: r[0]}) MATCH (t:Sentence {sentence_id: r[1]}) \
     CREATE (s)-[:NEXT_SENTENCE]->(t) CREATE (s)-[:FOLLOWS]->(t)",
];
