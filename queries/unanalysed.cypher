// title: Interviews with sentences that have no analysis
// why: the operator has them analysed again
// A failed analysis leaves a node with its error on the direct path, and nothing on the other.

// in direct:
MATCH (i:Interview)-[:HAS_SENTENCE]->(s:Sentence)
WHERE NOT EXISTS { MATCH (s)-[:HAS_ANALYSIS]->(a:Analysis) WHERE a.error_data IS NULL }
RETURN i.interview_id AS interview, count(s) AS sentences, min(s.sequence_order) AS first
ORDER BY interview

// in projected:
MATCH (i:Interview)-[:HAS_SENTENCE]->(s:Sentence)
WHERE NOT EXISTS { (s)-[:HAS_ANALYSIS]->(:Analysis) }
RETURN i.interview_id AS interview, count(s) AS sentences, min(s.sequence_order) AS first
ORDER BY interview
