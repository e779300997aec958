// title: What people have corrected in an interview
// why: a reviewer checks the corrections, which no re-analysis may undo
// draw: $interview from Interview.interview_id

MATCH (:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(s:Sentence)-[:HAS_ANALYSIS]->(:Analysis)-[link]->(v)
WHERE link.is_edited = true
RETURN s.sequence_order AS position, type(link) AS correction, coalesce(v.name, v.text) AS value
ORDER BY position, correction, value
