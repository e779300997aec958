// title: How often each function, structure and purpose occurs in an interview
// why: the charts of an interview are drawn from it
// draw: $interview from Interview.interview_id

MATCH (:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(:Sentence)-[:HAS_ANALYSIS]->(:Analysis)
      -[link:HAS_FUNCTION|HAS_STRUCTURE|HAS_PURPOSE]->(v)
RETURN type(link) AS dimension, v.name AS value, count(*) AS sentences
ORDER BY dimension, value
