//! Nodes: created, updated, removed.

use cutover_core::graph::{Change, Label, Properties, Rel, Value};

use super::super::Graph;
use super::super::testing::{interview, keyed, link, put, put_analysis, put_sentence, remove, sentence};
use super::{apply, expect};

/// The key is set by the interpreter, beside what is asked for.
pub async fn upserting_creates_a_node_with_its_key(graph: &dyn Graph) {
    let on_create = Properties::new().with("created_by", "system");
    let set = Properties::new().with("title", "x");
    let unless_edited = Properties::new().with("text", "t");
    apply(graph, [Change::Upsert { node: interview("i"), on_create, set, unless_edited }]).await;
    expect(graph, r#"Interview "i" {created_by: "system", interview_id: "i", text: "t", title: "x"}"#).await;
}

/// `on_create` is for the first time only.
pub async fn upserting_again_sets_but_does_not_create(graph: &dyn Graph) {
    for (created, title) in [(1_i64, "x"), (2, "y")] {
        let on_create = Properties::new().with("created", created);
        let set = Properties::new().with("title", title);
        let node = interview("i");
        apply(graph, [Change::Upsert { node, on_create, set, unless_edited: Properties::new() }]).await;
    }
    expect(graph, r#"Interview "i" {created: 1, interview_id: "i", title: "y"}"#).await;
}

/// `set` wins over `on_create`, and `unless_edited` over both.
pub async fn the_later_of_two_sets_wins(graph: &dyn Graph) {
    let change = Change::Upsert {
        node: interview("i"),
        on_create: Properties::new().with("a", 1_i64).with("b", 1_i64).with("c", 1_i64),
        set: Properties::new().with("b", 2_i64).with("c", 2_i64),
        unless_edited: Properties::new().with("c", 3_i64),
    };
    apply(graph, [change]).await;
    expect(graph, r#"Interview "i" {a: 1, b: 2, c: 3, interview_id: "i"}"#).await;
}

/// `unless_edited` leaves a node with `is_edited = true` alone; `set` does not.
pub async fn a_persons_text_is_kept(graph: &dyn Graph) {
    let write = |text, speaker| Change::Upsert {
        node: interview("i").child(Rel::HasSentence, "s"),
        on_create: Properties::new().with("is_edited", true),
        set: Properties::new().with("speaker", speaker),
        unless_edited: Properties::new().with("text", text),
    };
    apply(graph, [put(interview("i"), Properties::new()), write("by hand", "A"), write("by machine", "B")])
        .await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
          Sentence "s" {is_edited: true, sentence_id: "s", speaker: "B", text: "by hand"}
        "#,
    )
    .await;
}

/// What decides is whether the node was edited before this change.
pub async fn what_is_edited_in_the_same_change_was_not_edited_before(graph: &dyn Graph) {
    let write = |is_edited, text| Change::Upsert {
        node: interview("i"),
        on_create: Properties::new(),
        set: Properties::new().with("is_edited", is_edited),
        unless_edited: Properties::new().with("text", text),
    };
    apply(graph, [write(false, "one"), write(true, "two"), write(false, "three")]).await;
    expect(graph, r#"Interview "i" {interview_id: "i", is_edited: false, text: "two"}"#).await;
}

/// One relationship, however often the child is upserted.
pub async fn a_child_is_created_with_the_relationship_from_its_parent(graph: &dyn Graph) {
    apply(
        graph,
        [put(interview("i"), Properties::new()), put_sentence("i", "s", 0), put_sentence("i", "s", 1)],
    )
    .await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
          Sentence "s" {sentence_id: "s", sequence_order: 1}
        "#,
    )
    .await;
}

/// A missing parent is a removed one.
pub async fn a_child_without_its_parent_is_not_created(graph: &dyn Graph) {
    let analysis = interview("i").child(Rel::HasSentence, "s").only_child(Rel::HasAnalysis);
    apply(graph, [put_sentence("i", "s", 0), put(analysis, Properties::new())]).await;
    expect(graph, "").await;
}

/// A uniquely keyed node is never created twice, whoever owns it.
pub async fn a_child_that_nobody_owns_is_adopted(graph: &dyn Graph) {
    let unowned = put(sentence("s"), Properties::new().with("text", "t"));
    apply(graph, [unowned, put(interview("i"), Properties::new()), put_sentence("i", "s", 3)]).await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
          Sentence "s" {sentence_id: "s", sequence_order: 3, text: "t"}
        "#,
    )
    .await;
}

/// A child is named together with its owner.
pub async fn a_keyed_child_of_another_is_not_meant(graph: &dyn Graph) {
    let elsewhere = interview("j").child(Rel::HasSentence, "s");
    let set = Properties::new().with("text", "t");
    apply(
        graph,
        [
            put(interview("i"), Properties::new()),
            put(interview("j"), Properties::new()),
            put_sentence("i", "s", 0),
            Change::Update { node: elsewhere.clone(), set, unset: vec![] },
            remove(elsewhere),
        ],
    )
    .await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
          Sentence "s" {sentence_id: "s", sequence_order: 0}
        Interview "j" {interview_id: "j"}
        "#,
    )
    .await;
}

/// What is named in neither list stays.
pub async fn updating_sets_and_unsets(graph: &dyn Graph) {
    let before = Properties::new().with("a", 1_i64).with("b", 1_i64).with("c", 1_i64);
    let update = Change::Update {
        node: interview("i"),
        set: Properties::new().with("b", 2_i64).with("d", 2_i64),
        unset: vec!["c".into(), "never there".into()],
    };
    apply(graph, [put(interview("i"), before), update]).await;
    expect(graph, r#"Interview "i" {a: 1, b: 2, d: 2, interview_id: "i"}"#).await;
}

/// Updates of one node count in their order, also within a batch and where the node is one that batches often speak of.
pub async fn a_later_update_in_a_batch_wins(graph: &dyn Graph) {
    for node in [interview("i"), keyed(Label::Project, "p")] {
        let update = |set, unset: &[&str]| Change::Update {
            node: node.clone(),
            set,
            unset: unset.iter().map(|name| (*name).into()).collect(),
        };
        apply(graph, [put(node.clone(), Properties::new().with("c", 1_i64))]).await;
        let updates = [
            update(Properties::new().with("a", 1_i64), &[]),
            update(Properties::new().with("b", 1_i64), &["a", "c"]),
            update(Properties::new().with("c", 2_i64), &["b"]),
        ];
        apply(graph, updates).await;
    }
    expect(graph, "Interview \"i\" {c: 2, interview_id: \"i\"}\nProject \"p\" {c: 2, project_id: \"p\"}")
        .await;
}

/// Nothing is created by an update.
pub async fn updating_what_is_not_there_does_nothing(graph: &dyn Graph) {
    let set = Properties::new().with("title", "x");
    apply(graph, [Change::Update { node: interview("i"), set, unset: vec![] }]).await;
    expect(graph, "").await;
}

/// Sentences go with their interview, analyses with their sentence, values with their last relationship.
pub async fn removing_takes_what_is_owned_along(graph: &dyn Graph) {
    let topics = |of| Change::Tag {
        analysis: sentence(of).only_child(Rel::HasAnalysis),
        rel: Rel::MentionsTopic,
        value: of.into(),
    };
    apply(
        graph,
        [
            put(interview("i"), Properties::new()),
            put(interview("j"), Properties::new()),
            put_sentence("i", "s", 0),
            put_sentence("j", "t", 0),
            put_analysis("s", "a"),
            put_analysis("t", "b"),
            topics("s"),
            topics("t"),
            remove(interview("i")),
        ],
    )
    .await;
    expect(
        graph,
        r#"
        Interview "j" {interview_id: "j"}
          Sentence "t" {sentence_id: "t", sequence_order: 0}
            Analysis "b" {analysis_id: "b"}
              -MENTIONS_TOPIC-> Topic "t" {is_edited: true}
        Topic "t" {name: "t"}
        "#,
    )
    .await;
}

/// A project does not own its interviews.
pub async fn removing_a_project_leaves_its_interviews(graph: &dyn Graph) {
    let project = keyed(Label::Project, "p");
    apply(
        graph,
        [
            put(project.clone(), Properties::new()),
            put(interview("i"), Properties::new()),
            link(project.clone(), Rel::ContainsInterview, interview("i")),
            remove(project),
        ],
    )
    .await;
    expect(graph, r#"Interview "i" {interview_id: "i"}"#).await;
}

/// Also when the owner is missing.
pub async fn removing_what_is_not_there_does_nothing(graph: &dyn Graph) {
    apply(graph, [remove(interview("i")), remove(sentence("s").only_child(Rel::HasAnalysis))]).await;
    expect(graph, "").await;
}

/// Who comes first does not matter.
pub async fn the_least_value_wins_in_either_order(graph: &dyn Graph) {
    let least = |node, value: i64| Change::SetLeast { node, property: "at".into(), value: value.into() };
    apply(graph, [put(interview("i"), Properties::new()), put(interview("j"), Properties::new())]).await;
    apply(graph, [least(interview("i"), 2), least(interview("i"), 5)]).await;
    apply(graph, [least(interview("j"), 5), least(interview("j"), 2)]).await;
    expect(
        graph,
        r#"
        Interview "i" {at: 2, interview_id: "i"}
        Interview "j" {at: 2, interview_id: "j"}
        "#,
    )
    .await;
}

/// A node that is missing is not created.
pub async fn the_least_value_is_set_where_there_is_none(graph: &dyn Graph) {
    let least = |node| Change::SetLeast { node, property: "at".into(), value: Value::from("2024") };
    apply(graph, [put(interview("i"), Properties::new()), least(interview("i")), least(interview("j"))])
        .await;
    expect(graph, r#"Interview "i" {at: "2024", interview_id: "i"}"#).await;
}

/// `null` removes a key, other keys stay, the text is canonical.
pub async fn json_is_merged_key_by_key(graph: &dyn Graph) {
    let merge = |diff: &str| Change::MergeJson {
        node: interview("i"),
        property: "metadata".into(),
        diff: serde_json::from_str(diff).expect("an object"),
    };
    apply(
        graph,
        [
            put(interview("i"), Properties::new()),
            merge(r#"{"b": 1, "a": {"x": 1}}"#),
            merge(r#"{"b": null, "c": "z", "a": {"y": 2}}"#),
        ],
    )
    .await;
    let page = graph.nodes("Interview", None, 10).await.expect("the graph can be read");
    assert_eq!(page.rows[0].properties.get("metadata"), Some(&Value::from(r#"{"a":{"y":2},"c":"z"}"#)));
}

/// A missing node is a removed one.
pub async fn merging_json_into_what_is_not_there_does_nothing(graph: &dyn Graph) {
    let diff = serde_json::Map::from_iter([("a".to_owned(), 1.into())]);
    apply(graph, [Change::MergeJson { node: interview("i"), property: "metadata".into(), diff }]).await;
    expect(graph, "").await;
}

/// An integer names a sentence within its interview only.
pub async fn sentences_of_two_interviews_may_share_a_key(graph: &dyn Graph) {
    let put_at = |owner, text: &str| {
        put(interview(owner).child(Rel::HasSentence, 0_i64), Properties::new().with("text", text))
    };
    apply(
        graph,
        [
            put(interview("i"), Properties::new()),
            put(interview("j"), Properties::new()),
            put_at("i", "one"),
            put_at("j", "two"),
            put_at("i", "three"),
        ],
    )
    .await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
          Sentence 0 {sentence_id: 0, text: "three"}
        Interview "j" {interview_id: "j"}
          Sentence 0 {sentence_id: 0, text: "two"}
        "#,
    )
    .await;
}

/// The same key under another interview is another sentence, and stays.
pub async fn a_sentence_of_the_direct_path_is_removed_with_all_it_has(graph: &dyn Graph) {
    let at = |owner| interview(owner).child(Rel::HasSentence, 0_i64);
    let analysis = |owner| Change::ReplaceAnalysis {
        sentence: at(owner),
        analysis_id: owner.into(),
        properties: Properties::new(),
    };
    apply(
        graph,
        [
            put(interview("i"), Properties::new()),
            put(interview("j"), Properties::new()),
            put(at("i"), Properties::new()),
            put(at("j"), Properties::new()),
            analysis("i"),
            analysis("j"),
            remove(at("i")),
        ],
    )
    .await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
        Interview "j" {interview_id: "j"}
          Sentence 0 {sentence_id: 0}
            Analysis "j" {analysis_id: "j"}
        "#,
    )
    .await;
}
