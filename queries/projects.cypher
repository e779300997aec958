// title: Interviews, sentences and speakers of each project
// why: the start page shows them

MATCH (p:Project)-[:CONTAINS_INTERVIEW]->(i:Interview)
OPTIONAL MATCH (i)-[:HAS_SENTENCE]->(s:Sentence)
RETURN p.project_id AS project, count(DISTINCT i) AS interviews, count(s) AS sentences,
       count(DISTINCT s.speaker) AS speakers
ORDER BY project
