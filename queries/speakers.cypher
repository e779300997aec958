// title: Who speaks in an interview, how often, and when first
// why: the list of speakers filters the transcript
// draw: $interview from Interview.interview_id

MATCH (:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(s:Sentence)
RETURN s.speaker AS speaker, count(*) AS sentences, min(s.sequence_order) AS first
ORDER BY first
