// title: Interviews that share topics with an interview
// why: the page of an interview leads to those about the same
// draw: $interview from Interview.interview_id
// sets: topics

MATCH (i:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(:Sentence)-[:HAS_ANALYSIS]->(:Analysis)-[:MENTIONS_TOPIC]->(t:Topic)
WITH DISTINCT i, t
MATCH (t)<-[:MENTIONS_TOPIC]-(:Analysis)<-[:HAS_ANALYSIS]-(:Sentence)<-[:HAS_SENTENCE]-(other:Interview)
WHERE other <> i
WITH DISTINCT other, t
RETURN other.interview_id AS interview, count(t) AS shared, collect(t.name) AS topics
ORDER BY shared DESC, interview
