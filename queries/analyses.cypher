// title: Analyses of an interview, sentence by sentence
// why: the analysis view shows them beside the transcript
// draw: $interview from Interview.interview_id
// sets: functions, structures, purposes, topics, keywords, domain_keywords
// A failed analysis is a node with its error on the direct path, and none at all on the other. Readers skip it.

// in direct:
MATCH (:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(s:Sentence)-[:HAS_ANALYSIS]->(a:Analysis)
WHERE a.error_data IS NULL
RETURN s.sequence_order AS position, a.model_name AS model,
       [(a)-[:HAS_FUNCTION]->(v) | v.name] AS functions,
       [(a)-[:HAS_STRUCTURE]->(v) | v.name] AS structures,
       [(a)-[:HAS_PURPOSE]->(v) | v.name] AS purposes,
       [(a)-[:MENTIONS_TOPIC]->(v) | v.name] AS topics,
       [(a)-[:MENTIONS_OVERALL_KEYWORD]->(v) | v.text] AS keywords,
       [(a)-[:MENTIONS_DOMAIN_KEYWORD]->(v) | v.text] AS domain_keywords
ORDER BY position

// in projected:
MATCH (:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(s:Sentence)-[:HAS_ANALYSIS]->(a:Analysis)
RETURN s.sequence_order AS position, a.model AS model,
       [(a)-[:HAS_FUNCTION]->(v) | v.name] AS functions,
       [(a)-[:HAS_STRUCTURE]->(v) | v.name] AS structures,
       [(a)-[:HAS_PURPOSE]->(v) | v.name] AS purposes,
       [(a)-[:MENTIONS_TOPIC]->(v) | v.name] AS topics,
       [(a)-[:MENTIONS_OVERALL_KEYWORD]->(v) | v.text] AS keywords,
       [(a)-[:MENTIONS_DOMAIN_KEYWORD]->(v) | v.text] AS domain_keywords
ORDER BY position
