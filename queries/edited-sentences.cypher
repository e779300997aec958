// title: Sentences whose text a person has edited
// why: the transcript view marks them
// draw: $interview from Interview.interview_id

MATCH (:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(s:Sentence)
WHERE s.is_edited = true
RETURN s.sequence_order AS position, s.text AS text
ORDER BY position
