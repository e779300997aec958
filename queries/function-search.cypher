// title: Sentences of a function, in every interview
// why: a researcher compares how people ask, answer and object
// draw: $function from FunctionType.name

MATCH (i:Interview)-[:HAS_SENTENCE]->(s:Sentence)-[:HAS_ANALYSIS]->(:Analysis)-[:HAS_FUNCTION]->(:FunctionType {name: $function})
RETURN i.interview_id AS interview, s.sequence_order AS position, s.text AS text
ORDER BY interview, position
