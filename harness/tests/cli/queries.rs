//! `cutover queries` as far as it needs no server: what it lists, and what it refuses before anybody is asked.

use crate::common::{Sandbox, check};

#[test]
fn the_queries_that_come_with_the_program_are_listed_with_what_they_ask() {
    check("queries_list", &Sandbox::new().transcript(&["queries", "--list"]));
}

#[test]
fn who_asks_the_graph_in_memory_is_told_what_to_ask_instead() {
    let sandbox = Sandbox::new();
    check("queries_no_cypher", &sandbox.transcript(&["queries"]));
    check("queries_one_graph", &sandbox.transcript(&["queries", "--direct-url", "bolt://localhost:9"]));
    assert!(!sandbox.path().join("runs/latest").exists());
}

#[test]
fn a_mistake_in_a_query_file_is_named_with_line_and_remedy() {
    let sandbox = Sandbox::new();
    let file = "// title: Topics\n// why: the overview begins with them\n// drow: $interview from Interview.interview_id\n";
    sandbox.write("mine/topics.cypher", file.to_owned() + "MATCH (t:Topic) RETURN t.name AS name\n");
    check("queries_mistake", &sandbox.transcript(&["queries", "--queries", "mine"]));
    let file = file.replace("drow", "draw");
    sandbox.write("mine/topics.cypher", file + "MATCH (t:Topic {name: $topic}) RETURN t.name AS name\n");
    check("queries_no_value", &sandbox.transcript(&["queries", "--queries", "mine"]));
}

#[test]
fn an_unknown_query_is_answered_with_the_nearest_one() {
    check("queries_unknown", &Sandbox::new().transcript(&["queries", "topic"]));
}
