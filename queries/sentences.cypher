// title: Sentences of an interview, in order
// why: the transcript view shows them
// draw: $interview from Interview.interview_id

// in direct:
MATCH (:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(s:Sentence)
RETURN s.sequence_order AS position, s.speaker AS speaker, s.text AS text,
       s.start_time AS start_ms, s.end_time AS end_ms
ORDER BY position

// in projected:
MATCH (:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(s:Sentence)
RETURN s.sequence_order AS position, s.speaker AS speaker, s.text AS text,
       s.start_ms AS start_ms, s.end_ms AS end_ms
ORDER BY position
