//! The sequence links of interviews ([`Change::Chain`](cutover_core::graph::Change::Chain)), at the end of a batch.
//!
//! To look an interview's sentences over costs more the more of them there are, and most batches only append some. So an interview
//! bears the key of its last sentence (`_last_sentence`) for as long as its links are known to be right: then new sentences are put
//! in from there, and no more is looked at than what comes after the first of them. Whatever may make the links wrong takes the key away,
//! and then all of them are looked over.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::graph::Value;
use neo4rs::{BoltType, Txn, query};

use super::{convert, rows};

/// The property of a sentence that decides where it stands.
pub(super) const ORDER: &str = "sequence_order";

/// The interviews whose links are to be made to follow from their sentences, by their keys, with the sentences that the batch put
/// there.
pub(super) type Chained = BTreeMap<Value, BTreeSet<Value>>;

/// Writes the links of interviews.
pub(super) async fn write(txn: &mut Txn, chained: &Chained) -> neo4rs::Result<()> {
    if chained.is_empty() {
        return Ok(());
    }
    let parameters = chained.iter().enumerate().map(|(at, (interview, sentences))| {
        convert::map([
            ("at", BoltType::from(at as i64)),
            ("interview", convert::to_bolt(interview)),
            ("sentences", convert::list(sentences.iter().map(convert::to_bolt))),
        ])
    });
    let others = rows(txn, query(EXTEND).param("rows", convert::list(parameters))).await?;
    if others.is_empty() {
        return Ok(());
    }
    let interviews: Vec<_> = chained.keys().map(convert::to_bolt).collect();
    let mut remade = Vec::with_capacity(others.len());
    for row in others {
        let at: i64 = row.get("at")?;
        remade.push(interviews[at as usize].clone());
    }
    rows(txn, query(REMAKE).param("interviews", convert::list(remade))).await?;
    Ok(())
}

/// Puts sentences that have no links yet between those at the end of an interview that they belong between, or in a row where they are
/// all that there are. Answers with the interviews that this does not cover: sentences moved, or belong further to the front.
const EXTEND: &str = "UNWIND $rows AS r \
    MATCH (i:Interview {interview_id: r.interview}) SET i._lock = true \
    WITH i, r \
    CALL (i, r) { \
      UNWIND r.sentences AS key MATCH (s:Sentence {sentence_id: key}) WHERE (i)-[:HAS_SENTENCE]->(s) \
      WITH s, s.sequence_order IS :: INTEGER NOT NULL AND COUNT { (s)<-[:HAS_SENTENCE]-() } = 1 \
        AND NOT EXISTS { (s)-[:NEXT_SENTENCE|FOLLOWS]-() } AND NOT EXISTS { (s)<-[:FIRST_SENTENCE]-() } AS is_fresh \
      RETURN collect(s) AS fresh, min(s.sequence_order) AS least, collect(is_fresh) AS are_fresh } \
    CALL (i) { \
      MATCH (s:Sentence {sentence_id: i._last_sentence}) WHERE (i)-[:HAS_SENTENCE]->(s) \
      RETURN collect(s) AS lasts } \
    CALL (lasts, least) { \
      UNWIND CASE size(lasts) WHEN 1 THEN lasts ELSE [] END AS last \
      MATCH (last) ((b)<-[:NEXT_SENTENCE]-(a) WHERE b.sequence_order >= least){0,1000} (s) \
      RETURN collect(s) AS tail } \
    WITH i, r, fresh, tail, any(s IN tail WHERE s.sequence_order < least) AS is_anchored, \
      size(fresh) > 0 AND NOT false IN are_fresh AS are_fresh, size(lasts) AS lasts \
    WITH i, r, fresh, tail, is_anchored, coalesce(are_fresh AND CASE lasts \
      WHEN 1 THEN is_anchored OR EXISTS { MATCH (i)-[:FIRST_SENTENCE]->(s) WHERE s IN tail } \
      WHEN 0 THEN COUNT { (i)-[:HAS_SENTENCE]->() } = size(fresh) AND NOT EXISTS { (i)-[:FIRST_SENTENCE]->() } \
      ELSE false END, false) AS is_extended \
    CALL (fresh, tail, is_extended) { \
      UNWIND CASE WHEN is_extended THEN tail + fresh ELSE [] END AS s \
      WITH s ORDER BY s.sequence_order, s.sentence_id \
      RETURN collect(s) AS members } \
    CALL (i, members, is_anchored) { \
      UNWIND CASE WHEN is_anchored THEN [] ELSE members[0..1] END AS first \
      CALL (i, first) { MATCH (i)-[l:FIRST_SENTENCE]->(s) WHERE s <> first DELETE l } \
      MERGE (i)-[:FIRST_SENTENCE]->(first) } \
    FOREACH (s IN members[-1..] | SET i._last_sentence = s.sentence_id) \
    WITH r, members, tail, is_extended \
    CALL (members, tail) { \
      UNWIND range(0, size(members) - 2) AS at \
      WITH members[at] AS s, members[at + 1] AS next, members[at] IN tail OR members[at + 1] IN tail AS may_have_links \
      FOREACH (_ IN CASE WHEN may_have_links THEN [] ELSE [1] END | \
        CREATE (s)-[:NEXT_SENTENCE]->(next) CREATE (s)-[:FOLLOWS]->(next)) \
      WITH s, next, may_have_links WHERE may_have_links \
      CALL (s, next) { MATCH (s)-[l:NEXT_SENTENCE|FOLLOWS]->(t) WHERE t <> next DELETE l } \
      MERGE (s)-[:NEXT_SENTENCE]->(next) MERGE (s)-[:FOLLOWS]->(next) } \
    WITH r, is_extended WHERE NOT is_extended \
    RETURN r.at AS at";

/// Looks all sentences of interviews over, and touches only links that are wrong or missing.
const REMAKE: &str = "UNWIND $interviews AS key \
    MATCH (i:Interview {interview_id: key}) \
    WITH i, COLLECT { MATCH (i)-[:HAS_SENTENCE]->(s:Sentence) \
      RETURN s ORDER BY s.sequence_order, s.sentence_id } AS members \
    SET i._last_sentence = members[-1].sentence_id \
    WITH i, members \
    CALL (i, members) { \
      UNWIND members AS s MATCH (other:Interview)-[:HAS_SENTENCE]->(s) WHERE other <> i \
      REMOVE other._last_sentence } \
    CALL (i, members) { \
      MATCH (i)-[l:FIRST_SENTENCE]->(s) WHERE members[0] IS NULL OR s <> members[0] DELETE l } \
    CALL (i, members) { \
      UNWIND members AS s MATCH (other)-[l:FIRST_SENTENCE]->(s) WHERE other <> i DELETE l } \
    FOREACH (s IN members[0..1] | MERGE (i)-[:FIRST_SENTENCE]->(s)) \
    WITH members UNWIND range(0, size(members) - 1) AS at \
    WITH members[at] AS s, members[at + 1] AS next, CASE at WHEN 0 THEN null ELSE members[at - 1] END AS last \
    CALL (s, next) { \
      MATCH (s)-[l:NEXT_SENTENCE|FOLLOWS]->(t) WHERE next IS NULL OR t <> next DELETE l } \
    CALL (s, last) { \
      MATCH (s)<-[l:NEXT_SENTENCE|FOLLOWS]-(t) WHERE last IS NULL OR t <> last DELETE l } \
    WITH s, next WHERE next IS NOT NULL \
    MERGE (s)-[:NEXT_SENTENCE]->(next) MERGE (s)-[:FOLLOWS]->(next)";
