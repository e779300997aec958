// title: Sentences that mention a keyword, in every interview
// why: the search box asks it
// draw: $keyword from Keyword.text

MATCH (i:Interview)-[:HAS_SENTENCE]->(s:Sentence)-[:HAS_ANALYSIS]->(:Analysis)-[:MENTIONS_OVERALL_KEYWORD]->(:Keyword {text: $keyword})
RETURN i.interview_id AS interview, s.sequence_order AS position, s.speaker AS speaker, s.text AS text
ORDER BY interview, position
