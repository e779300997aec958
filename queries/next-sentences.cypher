// title: What is said after each sentence
// why: the player goes on with the next sentence, and quotes show what follows
// draw: $interview from Interview.interview_id

MATCH (i:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(s:Sentence)
OPTIONAL MATCH (s)-[:NEXT_SENTENCE]->(next:Sentence)
RETURN s.sequence_order AS position, next.sequence_order AS next, next.text AS text,
       EXISTS { (i)-[:FIRST_SENTENCE]->(s) } AS is_first
ORDER BY position, next
