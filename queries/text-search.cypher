// title: Sentences with a word in their text, the first hundred
// why: whoever finds no keyword searches the text
// set: $word = "time"

MATCH (i:Interview)-[:HAS_SENTENCE]->(s:Sentence)
WHERE toLower(s.text) CONTAINS toLower($word)
RETURN i.interview_id AS interview, s.sequence_order AS position, s.text AS text
ORDER BY interview, position
LIMIT 100
