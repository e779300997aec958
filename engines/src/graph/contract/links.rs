//! Relationships that are made sure of, and value nodes that live as long as their relationships.

use cutover_core::graph::{Change, Label, NodeRef, Origin, Properties, Rel};

use super::super::Graph;
use super::super::testing::{
    analysis_of, dimension, interview, keyed, link, put, put_analysis, put_sentence, remove, sentence,
    unguarded,
};
use super::{apply, expect};

fn file(name: &str) -> NodeRef {
    keyed(Label::SourceFile, name)
}

async fn with_sentence(graph: &dyn Graph, source: &str) {
    let source = Properties::new().with("source", source);
    apply(graph, [put(interview("i"), source), put_sentence("i", "s", 0)]).await;
}

/// In one batch or in two.
pub async fn linking_twice_leaves_one_relationship(graph: &dyn Graph) {
    with_sentence(graph, "").await;
    let to_file = link(sentence("s"), Rel::PartOfFile, file("f"));
    apply(graph, [to_file.clone(), to_file.clone()]).await;
    apply(graph, [to_file]).await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i", source: ""}
          Sentence "s" {sentence_id: "s", sequence_order: 0}
            -PART_OF_FILE-> SourceFile "f"
        SourceFile "f" {filename: "f"}
        "#,
    )
    .await;
}

/// From a node that is not there nothing is linked, and no value made.
pub async fn linking_creates_a_value_at_the_far_end_only(graph: &dyn Graph) {
    apply(graph, [link(sentence("s"), Rel::PartOfFile, file("f"))]).await;
    expect(graph, "").await;
}

/// Only values are created by a link.
pub async fn linking_needs_both_ends(graph: &dyn Graph) {
    let project = keyed(Label::Project, "p");
    apply(graph, [put(project.clone(), Properties::new())]).await;
    apply(graph, [link(project, Rel::ContainsInterview, interview("i"))]).await;
    expect(graph, r#"Project "p" {project_id: "p"}"#).await;
}

/// A relationship may begin and end at one node.
pub async fn a_node_may_be_linked_to_itself(graph: &dyn Graph) {
    with_sentence(graph, "").await;
    apply(graph, [link(sentence("s"), Rel::NextSentence, sentence("s"))]).await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i", source: ""}
          Sentence "s" {sentence_id: "s", sequence_order: 0}
            -NEXT_SENTENCE-> Sentence "s"
        "#,
    )
    .await;
    apply(graph, [remove(sentence("s"))]).await;
    expect(graph, r#"Interview "i" {interview_id: "i", source: ""}"#).await;
}

/// The file's name is what stands after the last slash.
pub async fn a_sentence_finds_its_file_by_a_property_of_its_interview(graph: &dyn Graph) {
    with_sentence(graph, "in/2024/f.txt").await;
    let named = |owner| Change::LinkNamedBy {
        from: sentence("s"),
        rel: Rel::PartOfFile,
        owner: interview(owner),
        property: "source".into(),
    };
    apply(graph, [named("i"), named("i"), named("no such interview")]).await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i", source: "in/2024/f.txt"}
          Sentence "s" {sentence_id: "s", sequence_order: 0}
            -PART_OF_FILE-> SourceFile "f.txt"
        SourceFile "f.txt" {filename: "f.txt"}
        "#,
    )
    .await;
}

/// Nor does a property that is missing.
pub async fn a_property_without_a_file_name_links_nothing(graph: &dyn Graph) {
    with_sentence(graph, "in/").await;
    for property in ["source", "missing"] {
        let (from, owner) = (sentence("s"), interview("i"));
        let named = Change::LinkNamedBy { from, rel: Rel::PartOfFile, owner, property: property.into() };
        apply(graph, [named]).await;
    }
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i", source: "in/"}
          Sentence "s" {sentence_id: "s", sequence_order: 0}
        "#,
    )
    .await;
}

/// As long as one points at it, a value stays.
pub async fn a_value_goes_with_its_last_relationship(graph: &dyn Graph) {
    with_sentence(graph, "").await;
    apply(graph, [put_sentence("i", "t", 1)]).await;
    apply(graph, ["s", "t"].map(|key| link(sentence(key), Rel::PartOfFile, file("f")))).await;
    apply(graph, [remove(sentence("s"))]).await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i", source: ""}
          Sentence "t" {sentence_id: "t", sequence_order: 1}
            -PART_OF_FILE-> SourceFile "f"
        SourceFile "f" {filename: "f"}
        "#,
    )
    .await;
    apply(graph, [remove(sentence("t"))]).await;
    expect(graph, r#"Interview "i" {interview_id: "i", source: ""}"#).await;
}

/// Values are swept when a batch is done, not in the middle of it.
pub async fn a_value_that_is_linked_anew_in_the_same_batch_stays(graph: &dyn Graph) {
    with_sentence(graph, "").await;
    apply(graph, [put_analysis("s", "a")]).await;
    let topics = |values: &[&str]| {
        unguarded([dimension(analysis_of("s"), Rel::MentionsTopic, values, None, Origin::Analysis)])
    };
    apply(graph, topics(&["x", "y"]).changes).await;
    graph.apply(&[topics(&[]), topics(&["y"])]).await.expect("what has no guard is applied");
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i", source: ""}
          Sentence "s" {sentence_id: "s", sequence_order: 0}
            Analysis "a" {analysis_id: "a"}
              -MENTIONS_TOPIC-> Topic "y" {is_edited: false}
        Topic "y" {name: "y"}
        "#,
    )
    .await;
}

/// Even what is protected cannot point at nothing.
pub async fn removing_a_value_removes_its_relationships(graph: &dyn Graph) {
    with_sentence(graph, "").await;
    apply(graph, [link(sentence("s"), Rel::PartOfFile, file("f")), remove(file("f"))]).await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i", source: ""}
          Sentence "s" {sentence_id: "s", sequence_order: 0}
        "#,
    )
    .await;
}
