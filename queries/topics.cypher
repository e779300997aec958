// title: Topics of an interview, the most frequent first
// why: the overview of an interview begins with them
// draw: $interview from Interview.interview_id

MATCH (:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(:Sentence)-[:HAS_ANALYSIS]->(:Analysis)-[:MENTIONS_TOPIC]->(t:Topic)
RETURN t.name AS topic, count(*) AS sentences
ORDER BY sentences DESC, topic
