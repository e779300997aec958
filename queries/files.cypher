// title: Files, and how many sentences come from each
// why: whoever uploads a file looks whether it is there

MATCH (f:SourceFile)<-[:PART_OF_FILE]-(s:Sentence)<-[:HAS_SENTENCE]-(i:Interview)
RETURN f.filename AS file, i.interview_id AS interview, count(s) AS sentences
ORDER BY file, interview
