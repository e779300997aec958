//! Analyses, of which a sentence has at most one.

use cutover_core::graph::{Change, Origin, Properties, Rel};

use super::super::Graph;
use super::super::testing::{
    analysis_of, dimension, interview, put, put_analysis, put_sentence, remove, sentence,
};
use super::{apply, expect};

async fn with_sentence(graph: &dyn Graph) {
    apply(graph, [put(interview("i"), Properties::new()), put_sentence("i", "s", 0)]).await;
}

fn replace(analysis_id: &str, properties: Properties) -> Change {
    Change::ReplaceAnalysis { sentence: sentence("s"), analysis_id: analysis_id.into(), properties }
}

/// Its key is a property like the others.
pub async fn a_sentence_gets_its_first_analysis(graph: &dyn Graph) {
    with_sentence(graph).await;
    apply(graph, [replace("a", Properties::new().with("model", "m"))]).await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
          Sentence "s" {sentence_id: "s", sequence_order: 0}
            Analysis "a" {analysis_id: "a", model: "m"}
        "#,
    )
    .await;
}

/// Neither properties nor unprotected links.
pub async fn a_new_analysis_has_nothing_of_the_old_one(graph: &dyn Graph) {
    with_sentence(graph).await;
    let function = dimension(analysis_of("s"), Rel::HasFunction, &["question"], Some(1), Origin::Analysis);
    apply(graph, [replace("a", Properties::new().with("model", "m").with("note", "n")), function]).await;
    apply(graph, [replace("b", Properties::new().with("model", "l"))]).await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
          Sentence "s" {sentence_id: "s", sequence_order: 0}
            Analysis "b" {analysis_id: "b", model: "l"}
        "#,
    )
    .await;
}

/// What a person set outlives the analysis that it was set on.
pub async fn protected_links_move_to_the_new_analysis(graph: &dyn Graph) {
    with_sentence(graph).await;
    let by = |rel, values: &[&str], origin| dimension(analysis_of("s"), rel, values, None, origin);
    apply(
        graph,
        [
            replace("a", Properties::new()),
            by(Rel::HasFunction, &["question"], Origin::Person),
            by(Rel::HasPurpose, &["to ask"], Origin::Analysis),
            by(Rel::MentionsTopic, &["x", "y"], Origin::Analysis),
            Change::Tag { analysis: analysis_of("s"), rel: Rel::MentionsTopic, value: "y".into() },
            replace("b", Properties::new()),
        ],
    )
    .await;
    expect(
        graph,
        r#"
        FunctionType "question" {name: "question"}
        Interview "i" {interview_id: "i"}
          Sentence "s" {sentence_id: "s", sequence_order: 0}
            Analysis "b" {analysis_id: "b"}
              -HAS_FUNCTION-> FunctionType "question" {is_edited: true}
              -MENTIONS_TOPIC-> Topic "y" {is_edited: true}
        Topic "y" {name: "y"}
        "#,
    )
    .await;
}

/// As if the id were a new one.
pub async fn replacing_under_the_same_id_starts_anew(graph: &dyn Graph) {
    with_sentence(graph).await;
    let topics =
        |values: &[&str], origin| dimension(analysis_of("s"), Rel::MentionsTopic, values, None, origin);
    apply(graph, [replace("a", Properties::new().with("model", "m")), topics(&["x"], Origin::Analysis)])
        .await;
    apply(
        graph,
        [
            Change::Tag { analysis: analysis_of("s"), rel: Rel::MentionsTopic, value: "y".into() },
            replace("a", Properties::new().with("version", "2")),
        ],
    )
    .await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
          Sentence "s" {sentence_id: "s", sequence_order: 0}
            Analysis "a" {analysis_id: "a", version: "2"}
              -MENTIONS_TOPIC-> Topic "y" {is_edited: true}
        Topic "y" {name: "y"}
        "#,
    )
    .await;
}

/// No analysis comes to be that nobody owns.
pub async fn a_missing_sentence_gets_no_analysis(graph: &dyn Graph) {
    apply(graph, [put(interview("i"), Properties::new()), put_analysis("s", "a")]).await;
    expect(graph, r#"Interview "i" {interview_id: "i"}"#).await;
}

/// A failed analysis of the direct path: it is named by its sentence alone.
pub async fn an_analysis_without_a_key_is_the_only_child(graph: &dyn Graph) {
    let sentence = interview("i").child(Rel::HasSentence, 0_i64);
    let analysis = sentence.clone().only_child(Rel::HasAnalysis);
    let failed = |error: &str| put(analysis.clone(), Properties::new().with("error_data", error));
    apply(
        graph,
        [
            put(interview("i"), Properties::new()),
            put(sentence.clone(), Properties::new()),
            failed("one"),
            failed("two"),
        ],
    )
    .await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
          Sentence 0 {sentence_id: 0}
            Analysis {error_data: "two"}
        "#,
    )
    .await;
    apply(graph, [remove(analysis)]).await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
          Sentence 0 {sentence_id: 0}
        "#,
    )
    .await;
}
