//! Reads: pages, trees, orphans, the census; and erasing everything.

use cutover_core::graph::{Label, Origin, Properties, Rel, Value};

use super::super::testing::{
    a_sentence, an_interview, analysis_of, chain, dimension, guarded, interview, keyed, link, put,
    put_analysis, put_sentence, remove, sentence,
};
use super::super::{Cursor, Endpoint, Graph, NodeRow, Schema};
use super::{apply, expect};

/// Reads all pages of a label, and asserts that each but the last is full.
async fn read_all(graph: &dyn Graph, label: &str, limit: usize) -> Vec<NodeRow> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = graph.nodes(label, after.as_ref(), limit).await.expect("the graph can be read");
        assert!(page.rows.len() <= limit);
        assert!(page.next.is_none() || page.rows.len() == limit, "only the last page may be short");
        rows.extend(page.rows);
        match page.next {
            Some(next) => after = Some(next),
            None => return rows,
        }
    }
}

fn keys(rows: &[NodeRow], property: &str) -> Vec<Value> {
    rows.iter().map(|row| row.properties.get(property).expect("the row has its key").clone()).collect()
}

/// Whatever the size of a page, and whatever order they were written in.
pub async fn nodes_are_read_in_pages_in_the_order_of_keys(graph: &dyn Graph) {
    apply(graph, ["c", "a", "e", "b", "d"].map(|key| put(interview(key), Properties::new()))).await;
    for limit in [1, 2, 5, 9] {
        let rows = read_all(graph, "Interview", limit).await;
        assert_eq!(keys(&rows, "interview_id"), ["a", "b", "c", "d", "e"].map(Value::from), "limit {limit}");
        assert!(rows.iter().all(|row| row.label == "Interview"));
    }
}

/// As who goes on where another reader has stopped does.
pub async fn a_read_goes_on_past_a_key(graph: &dyn Graph) {
    apply(graph, ["a", "b", "c"].map(|key| put(interview(key), Properties::new()))).await;
    for (key, expected) in
        [("", vec!["a", "b", "c"]), ("a", vec!["b", "c"]), ("bb", vec!["c"]), ("c", vec![])]
    {
        let page = graph.nodes("Interview", Some(&Cursor::past(key.into())), 9).await;
        let page = page.expect("the graph can be read");
        assert_eq!(
            keys(&page.rows, "interview_id"),
            expected.into_iter().map(Value::from).collect::<Vec<_>>()
        );
    }
}

/// As who drains an outbox does: it removes what it has read.
pub async fn a_page_reads_on_after_writes(graph: &dyn Graph) {
    let entry = |key| keyed(Label::OutboxEntry, key);
    apply(graph, ["a", "b", "c"].map(|key| put(entry(key), Properties::new()))).await;
    let first = graph.nodes("_OutboxEntry", None, 1).await.expect("the graph can be read");
    assert_eq!(keys(&first.rows, "entry_id"), [Value::from("a")]);
    apply(graph, [remove(entry("a")), put(entry("bb"), Properties::new()), remove(entry("c"))]).await;
    let rest = graph.nodes("_OutboxEntry", first.next.as_ref(), 9).await.expect("the graph can be read");
    assert_eq!(keys(&rest.rows, "entry_id"), ["b", "bb"].map(Value::from));
    assert_eq!(rest.next, None);
}

/// It is no error to ask.
pub async fn an_unknown_label_reads_as_empty(graph: &dyn Graph) {
    let page = graph.nodes("NoSuchLabel", None, 10).await.expect("the graph can be read");
    assert_eq!((page.rows, page.next), (vec![], None));
}

/// Both ends of a relationship count it.
pub async fn a_row_tells_its_degree(graph: &dyn Graph) {
    let sentences = [0, 1, 2].map(|n| put_sentence("i", &format!("s{n}"), n));
    let file = || keyed(Label::SourceFile, "f");
    let to_file = ["s0", "s1"].map(|key| link(sentence(key), Rel::PartOfFile, file()));
    let changes = [put(interview("i"), Properties::new())].into_iter().chain(sentences).chain(to_file);
    apply(graph, changes).await;
    let degrees = async |label| {
        let rows = read_all(graph, label, 10).await;
        rows.iter().map(|row| row.degree).collect::<Vec<_>>()
    };
    assert_eq!(degrees("Interview").await, [3]);
    assert_eq!(degrees("Sentence").await, [2, 2, 1]);
    assert_eq!(degrees("SourceFile").await, [2]);
}

/// Two interviews, with everything that there can be.
async fn with_two_interviews(graph: &dyn Graph) {
    let project = keyed(Label::Project, "p");
    apply(graph, [put(project.clone(), Properties::new())]).await;
    for (owner, key) in [("i", "s"), ("j", "t")] {
        let analysis_id = format!("{key}-a");
        let second = format!("{key}2");
        apply(
            graph,
            [
                put(interview(owner), Properties::new().with("title", owner)),
                link(project.clone(), Rel::ContainsInterview, interview(owner)),
                put_sentence(owner, key, 0),
                put_sentence(owner, &second, 1),
                link(sentence(key), Rel::PartOfFile, keyed(Label::SourceFile, "f")),
                put_analysis(key, &analysis_id),
                dimension(analysis_of(key), Rel::MentionsTopic, &["x"], None, Origin::Analysis),
                chain(owner),
            ],
        )
        .await;
    }
}

/// Relationships that come in from outside too, and nothing of another interview.
pub async fn a_tree_holds_all_that_an_interview_owns_and_touches(graph: &dyn Graph) {
    with_two_interviews(graph).await;
    let trees = graph.trees(&["i".into()]).await.expect("the graph can be read");
    assert_eq!(trees.len(), 1);
    let tree = &trees[0];
    let root = tree.nodes.iter().find(|node| node.id == tree.root).expect("the root is one of the nodes");
    assert_eq!(root.properties, Properties::new().with("interview_id", "i").with("title", "i"));
    let mut labels: Vec<_> = tree.nodes.iter().map(|node| node.label.as_str()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["Analysis", "Interview", "Sentence", "Sentence"]);
    let mut rels: Vec<_> = tree.relationships.iter().map(|row| row.rel.as_str()).collect();
    rels.sort_unstable();
    assert_eq!(
        rels,
        [
            "CONTAINS_INTERVIEW",
            "FIRST_SENTENCE",
            "FOLLOWS",
            "HAS_ANALYSIS",
            "HAS_SENTENCE",
            "HAS_SENTENCE",
            "MENTIONS_TOPIC",
            "NEXT_SENTENCE",
            "PART_OF_FILE",
        ]
    );
    let contains =
        tree.relationships.iter().find(|row| row.rel == "CONTAINS_INTERVIEW").expect("it is there");
    assert_eq!(contains.from, Endpoint::Outside { label: "Project".into(), key: Some("p".into()) });
    assert_eq!(contains.to, Endpoint::Inside(tree.root));
    let topic = tree.relationships.iter().find(|row| row.rel == "MENTIONS_TOPIC").expect("it is there");
    assert_eq!(topic.to, Endpoint::Outside { label: "Topic".into(), key: Some("x".into()) });
    assert_eq!(topic.properties, Properties::new().with("is_edited", false));
}

/// Nobody is left out, and who is not there has no tree.
pub async fn trees_come_in_the_order_of_the_question(graph: &dyn Graph) {
    with_two_interviews(graph).await;
    let asked = ["j", "nobody", "i"].map(Value::from);
    let trees = graph.trees(&asked).await.expect("the graph can be read");
    let found: Vec<_> = trees
        .iter()
        .map(|tree| {
            let root =
                tree.nodes.iter().find(|node| node.id == tree.root).expect("the root is one of the nodes");
            root.properties.get("interview_id").cloned()
        })
        .collect();
    assert_eq!(found, [Some("j".into()), Some("i".into())]);
}

/// What is bookkeeping is named with an underscore in front.
pub async fn the_census_counts_all_but_bookkeeping(graph: &dyn Graph) {
    with_two_interviews(graph).await;
    apply(graph, [put(keyed(Label::OutboxEntry, "e"), Properties::new())]).await;
    graph.apply(&[guarded(an_interview("i"), 0, [])]).await.expect("the guard fits");
    let census = graph.census().await.expect("the graph can be read");
    let nodes: Vec<_> = census.nodes.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(
        nodes,
        [("Analysis", 2), ("Interview", 2), ("Project", 1), ("Sentence", 4), ("SourceFile", 1), ("Topic", 1)]
    );
    let relationships: Vec<_> =
        census.relationships.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(
        relationships,
        [
            ("CONTAINS_INTERVIEW", 2),
            ("FIRST_SENTENCE", 2),
            ("FOLLOWS", 2),
            ("HAS_ANALYSIS", 2),
            ("HAS_SENTENCE", 4),
            ("MENTIONS_TOPIC", 2),
            ("NEXT_SENTENCE", 2),
            ("PART_OF_FILE", 2),
        ]
    );
}

/// What is gone is not there with a count of zero.
pub async fn an_emptied_graph_counts_nothing(graph: &dyn Graph) {
    with_two_interviews(graph).await;
    apply(graph, [remove(interview("i")), remove(interview("j")), remove(keyed(Label::Project, "p"))]).await;
    let census = graph.census().await.expect("the graph can be read");
    assert!(census.nodes.is_empty() && census.relationships.is_empty(), "{census:?}");
}

/// A sentence that was upserted by its key alone has no owner; labels that are never owned have no orphans.
pub async fn owned_nodes_are_no_orphans(graph: &dyn Graph) {
    with_two_interviews(graph).await;
    apply(graph, ["o2", "o1", "o3"].map(|key| put(sentence(key), Properties::new()))).await;
    let page = graph.orphans(Label::Sentence, None, 2).await.expect("the graph can be read");
    assert_eq!(keys(&page.rows, "sentence_id"), ["o1", "o2"].map(Value::from));
    let page = graph.orphans(Label::Sentence, page.next.as_ref(), 2).await.expect("the graph can be read");
    assert_eq!(keys(&page.rows, "sentence_id"), ["o3"].map(Value::from));
    assert_eq!(page.next, None);
    for label in [Label::Analysis, Label::Interview, Label::Topic] {
        let page = graph.orphans(label, None, 10).await.expect("the graph can be read");
        assert_eq!((page.rows, page.next), (vec![], None), "{label}");
    }
}

/// The graph can be used again, from version 0.
pub async fn erasing_removes_everything_and_all_versions(graph: &dyn Graph) {
    with_two_interviews(graph).await;
    let (i, s) = (an_interview("i"), a_sentence("i", 0));
    apply(graph, [put(keyed(Label::OutboxEntry, "e"), Properties::new())]).await;
    graph.apply(&[guarded(i, 0, []), guarded(s, 0, [])]).await.expect("the guards fit");
    graph.erase().await.expect("the graph can be erased");
    expect(graph, "").await;
    assert_eq!(read_all(graph, "_OutboxEntry", 10).await, []);
    assert_eq!(graph.versions(&[i, s]).await.expect("the graph can be read"), [None, None]);
    let set = Properties::new().with("title", "x");
    graph.apply(&[guarded(i, 0, [put(interview("i"), set)])]).await.expect("the guard fits");
    expect(graph, r#"Interview "i" {interview_id: "i", title: "x"}"#).await;
}

/// Also when there is something already.
pub async fn preparing_twice_is_the_same_as_once(graph: &dyn Graph) {
    apply(graph, [put(interview("i"), Properties::new())]).await;
    graph.prepare(Schema::Projected).await.expect("it is prepared");
    expect(graph, r#"Interview "i" {interview_id: "i"}"#).await;
}

async fn with_integer_keys(graph: &dyn Graph, interviews: &[&str], keys: &[i64]) {
    for &owner in interviews {
        let sentences =
            keys.iter().map(|&at| put(interview(owner).child(Rel::HasSentence, at), Properties::new()));
        apply(graph, [put(interview(owner), Properties::new())].into_iter().chain(sentences)).await;
    }
}

/// 2 comes before 10.
pub async fn integer_keys_are_read_in_the_order_of_numbers(graph: &dyn Graph) {
    with_integer_keys(graph, &["i"], &[10, 2, 33, 0]).await;
    let rows = read_all(graph, "Sentence", 2).await;
    assert_eq!(keys(&rows, "sentence_id"), [0, 2, 10, 33].map(Value::Int));
}

/// None is lost, and none read twice.
pub async fn twins_on_the_border_of_a_page_are_read_once_each(graph: &dyn Graph) {
    with_integer_keys(graph, &["i", "j", "k"], &[0, 1, 2]).await;
    for limit in 1..=10 {
        let rows = read_all(graph, "Sentence", limit).await;
        let expected = [0, 0, 0, 1, 1, 1, 2, 2, 2].map(Value::Int);
        assert_eq!(keys(&rows, "sentence_id"), expected, "limit {limit}");
        let mut ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 9, "limit {limit}");
    }
}
