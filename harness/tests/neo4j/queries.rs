//! The readers' queries on real servers: each answers, a difference turns those red that show it and no others, and nothing is changed by asking.

use std::future::pending;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use cutover_engines::graph::{Contents, Graph, Neo4jGraph, Neo4jSettings, Schema};
use cutover_harness::exit_code;
use cutover_harness::queries::{AnswerLimits, Asking, Catalogue, Readers, ask_all};
use cutover_harness::result::{Outcome, ScenarioResult};
use cutover_harness::seed::Seed;
use neo4rs::query;

use crate::servers::{graph, uri};

/// Two interviews of four sentences each, written by hand in either schema. The last sentence has no analysis: it failed.
fn statements(schema: Schema) -> Vec<String> {
    let (key, start, end, model) = match schema {
        Schema::Direct => ("at", "start_time", "end_time", "model_name"),
        Schema::Projected => ("'interview-' + file + '-' + at", "start_ms", "end_ms", "model"),
    };
    let mut statements = vec![
        format!(
            "MERGE (p:Project {{project_id: 'apollo'}}) WITH p UNWIND ['a', 'b'] AS file \
             CREATE (p)-[:CONTAINS_INTERVIEW]->(i:Interview {{interview_id: 'interview-' + file}}) \
             CREATE (f:SourceFile {{filename: file + '.txt'}}) WITH i, f, file UNWIND range(0, 3) AS at \
             CREATE (i)-[:HAS_SENTENCE]->(s:Sentence {{sentence_id: {key}, sequence_order: at, text: 'Time ' + at, \
             speaker: ['CC', 'CDR'][at % 2], {start}: at * 1000, {end}: at * 1000 + 900, is_edited: at = 3}}) \
             CREATE (s)-[:PART_OF_FILE]->(f) \
             FOREACH (_ IN CASE at WHEN 0 THEN [1] ELSE [] END | CREATE (i)-[:FIRST_SENTENCE]->(s))"
        ),
        "MATCH (i:Interview)-[:HAS_SENTENCE]->(s:Sentence), (i)-[:HAS_SENTENCE]->(n:Sentence) \
         WHERE n.sequence_order = s.sequence_order + 1 CREATE (s)-[:NEXT_SENTENCE]->(n)"
            .to_owned(),
        format!(
            "MERGE (t:Topic {{name: 'fuel'}}) MERGE (f:FunctionType {{name: 'question'}}) \
             MERGE (x:StructureType {{name: 'simple'}}) MERGE (u:Purpose {{name: 'inform'}}) \
             MERGE (k:Keyword {{text: 'oxygen'}}) MERGE (d:DomainKeyword {{text: 'LM', is_custom: false}}) \
             WITH * MATCH (i:Interview)-[:HAS_SENTENCE]->(s:Sentence) WHERE s.sequence_order < 3 \
             CREATE (s)-[:HAS_ANALYSIS]->(a:Analysis {{analysis_id: i.interview_id + s.sequence_order, {model}: 'm'}}) \
             CREATE (a)-[:HAS_FUNCTION {{is_edited: s.sequence_order = 1}}]->(f), (a)-[:HAS_STRUCTURE]->(x), \
             (a)-[:HAS_PURPOSE]->(u), (a)-[:MENTIONS_TOPIC]->(t), (a)-[:MENTIONS_OVERALL_KEYWORD]->(k), \
             (a)-[:MENTIONS_DOMAIN_KEYWORD]->(d)"
        ),
    ];
    if schema == Schema::Direct {
        statements.push(
            "MATCH (s:Sentence {sequence_order: 3}) CREATE (s)-[:HAS_ANALYSIS]->(:Analysis {error_data: '{}'})"
                .to_owned(),
        );
    }
    statements
}

fn client(schema: Schema) -> Neo4jGraph {
    let (user, password) = ("neo4j".to_owned(), "neo4j".to_owned());
    let timeout = Duration::from_secs(60);
    Neo4jGraph::new(Neo4jSettings { uri: uri(schema), user, password, database: None, schema, timeout })
        .expect("an address")
}

/// Runs statements as somebody else would, past this program.
async fn write(schema: Schema, statements: &[String]) {
    let server = neo4rs::Graph::new(uri(schema), "neo4j", "neo4j").expect("an address");
    for statement in statements {
        server.run(query(statement)).await.expect("a statement that is taken");
    }
}

async fn fill() {
    for schema in [Schema::Direct, Schema::Projected] {
        client(schema).erase().await.expect("an empty graph");
        write(schema, &statements(schema)).await;
    }
}

async fn ask_bundled() -> ScenarioResult {
    let queries = Catalogue::bundled().expect("no mistake");
    let (direct, projected) = (client(Schema::Direct), client(Schema::Projected));
    let readers = Readers { direct: &direct, projected: &projected };
    let asking = Asking { seed: Seed::new(7301), sample: 5, limits: AnswerLimits::default(), settle: None };
    ask_all(queries.all(), readers, &asking, pending()).await
}

fn with(result: &ScenarioResult, outcome: Outcome) -> Vec<&str> {
    let checks = result.checks.iter().filter(|check| check.outcome == outcome);
    checks.map(|check| check.id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_turns_the_queries_red_that_show_it_and_no_others() {
    let _turns = (graph(Schema::Direct).await, graph(Schema::Projected).await);
    fill().await;
    let contents = async |schema| client(schema).contents().await.expect("contents");
    let before = (contents(Schema::Direct).await, contents(Schema::Projected).await);
    let result = ask_bundled().await;
    let not_passed: Vec<_> = result.checks.iter().filter(|check| check.outcome != Outcome::Pass).collect();
    assert!(not_passed.is_empty(), "{not_passed:#?}");
    let after: (Contents, Contents) = (contents(Schema::Direct).await, contents(Schema::Projected).await);
    assert_eq!(before, after);

    let of_a = "(:Interview {interview_id: 'interview-a'})-[:HAS_SENTENCE]->(s:Sentence {sequence_order: 1})";
    for (schema, statement, red) in [
        (
            Schema::Projected,
            "MATCH ()-[link:HAS_FUNCTION {is_edited: true}]->() SET link.is_edited = false".to_owned(),
            &["corrections"][..],
        ),
        (Schema::Projected, format!("MATCH {of_a}-[link:NEXT_SENTENCE]->() DELETE link"), &["next-sentences"]),
        (Schema::Direct, format!("MATCH {of_a}-[link:PART_OF_FILE]->() DELETE link"), &["files"]),
        (Schema::Direct, format!("MATCH {of_a} SET s.is_edited = true"), &["edited-sentences"]),
        (
            Schema::Projected,
            format!("MATCH {of_a}-[:HAS_ANALYSIS]->()-[link:MENTIONS_TOPIC]->() DELETE link"),
            &["analyses", "topics"],
        ),
        (Schema::Projected, format!("MATCH {of_a} SET s.end_ms = 0"), &["sentences"]),
        (
            Schema::Direct,
            "CREATE (:Project {project_id: 'gemini'})-[:CONTAINS_INTERVIEW]->(:Interview {interview_id: 'c'})".to_owned(),
            &["projects"],
        ),
    ] {
        fill().await;
        write(schema, std::slice::from_ref(&statement)).await;
        let result = ask_bundled().await;
        assert_eq!(with(&result, Outcome::Fail), red, "{statement}");
        assert_eq!(with(&result, Outcome::Unknown), [""; 0], "{statement}");
    }
}

/// Runs the command about both servers, with query files of its own.
async fn cutover(folder: &Path, queries: &[(&str, &str)], urls: [String; 2]) -> (u8, String) {
    let own = folder.join("own");
    drop(std::fs::remove_dir_all(&own));
    std::fs::create_dir(&own).expect("a folder");
    for (name, text) in queries {
        let text = format!("// title: {name}\n// why: a test\n{text}\n");
        std::fs::write(own.join(format!("{name}.cypher")), text).expect("a file");
    }
    let [direct, projected] = urls;
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("cutover"));
    command.current_dir(folder).args(["queries", "--queries", "own", "--seed", "1", "--rounds", "0"]);
    command.args(["--direct-url", &direct, "--projected-url", &projected]);
    let output = tokio::task::spawn_blocking(move || command.output().expect("the command runs")).await;
    let output = output.expect("the command runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let code = output.status.code().and_then(|code| u8::try_from(code).ok());
    (code.expect("an exit code"), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_what_came_of_each_query() {
    let _turns = (graph(Schema::Direct).await, graph(Schema::Projected).await);
    fill().await;
    let folder = tempfile::tempdir().expect("a folder");
    let urls =
        || [uri(Schema::Direct), uri(Schema::Projected)].map(|uri| uri.replace("://", "://neo4j:neo4j@"));
    let ask = async |queries: &[(&str, &str)]| cutover(folder.path(), queries, urls()).await;
    let texts = "MATCH (s:Sentence) RETURN s.sequence_order AS at, s.text AS text";
    let ordered = &format!("{texts} ORDER BY at DESC, elementId(s)");

    let (code, said) = ask(&[("texts", texts), ("topics", "MATCH (t:Topic) RETURN t")]).await;
    assert_eq!(code, exit_code::PASS, "{said}");
    assert!(said.contains("queries   texts   pass           1     8            0"), "{said}");

    write(Schema::Projected, &["MATCH (s:Sentence {sequence_order: 2}) SET s.text = 'Thyme'".to_owned()])
        .await;
    let (code, said) = ask(&[("texts", ordered), ("topics", "MATCH (t:Topic) RETURN t.name AS name")]).await;
    assert_eq!(code, exit_code::DIFFERENCES, "{said}");
    assert!(said.contains("queries, texts: 4 differences in 6 rows\n  texts: a test\n"), "{said}");
    assert!(said.contains(r#"texts row {at: 2, text: "Time 2"}: only in direct"#), "{said}");
    assert!(said.contains(r#"texts row {at: 2, text: "Thyme"}: only in projected"#), "{said}");
    assert!(said.contains("queries   topics  pass "), "{said}");

    let (code, said) = ask(&[("none", "MATCH (g:Ghost) RETURN g.name AS name")]).await;
    assert_eq!(code, exit_code::INCONCLUSIVE, "{said}");
    assert!(said.contains("nothing was compared: neither graph has a row for it in 1 answer"), "{said}");

    for writing in
        ["CREATE (g:Ghost) RETURN 1 AS a", "MATCH (n) DETACH DELETE n", "CREATE INDEX FOR (g:Ghost) ON (g.a)"]
    {
        let before = client(Schema::Direct).contents().await.expect("contents");
        let (code, said) = ask(&[("writes", writing)]).await;
        assert_eq!(code, exit_code::INCONCLUSIVE, "{said}");
        assert!(said.contains("the query writes, and was refused"), "{said}");
        assert_eq!(client(Schema::Direct).contents().await.expect("contents"), before);
    }

    let (code, said) = ask(&[("wrong", "MATCH (s:Sentence)\nRETRN s.text AS text")]).await;
    assert_eq!(code, exit_code::INCONCLUSIVE, "{said}");
    // The lines are those of the file.
    assert!(said.contains("the server refused the query") && said.contains("line 4"), "{said}");

    let slow = "// timeout: 1s\nUNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b WHERE a * b = -1 RETURN a";
    let (code, said) = ask(&[("slow", slow)]).await;
    assert_eq!(code, exit_code::TIMED_OUT, "{said}");
    assert!(said.contains("no whole answer within 1 s"), "{said}");

    let gone = ["bolt://127.0.0.1:9".to_owned(), uri(Schema::Projected)];
    let (code, said) = cutover(folder.path(), &[("texts", texts)], gone).await;
    assert_eq!(code, exit_code::ENVIRONMENT, "{said}");
}
