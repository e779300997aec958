//! What becomes of an interview as a whole: what a person says of it, its status, its end.

use cutover_core::graph::{Label, Value};

use super::*;
use crate::diff::{Identity, Name, Source};

/// Returns what the graph should hold of the interview itself, as text.
async fn properties(model: &Model) -> Vec<(String, String)> {
    let key = Value::Text(id().to_string().into());
    let found = model.expected().interviews(&[key], Identity::Slots).await.expect("a model answers");
    let is_interview =
        |name: &Name| matches!(name, Name::Node(node) if node.label == Label::Interview.as_str());
    let interview = found[0].elements.iter().find(|element| is_interview(&element.name));
    let properties = &interview.expect("the interview").properties;
    properties
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_text().unwrap_or("?").to_owned()))
        .collect()
}

#[track_caller]
fn check(found: &[(String, String)], name: &str, expected: &str) {
    let value = found.iter().find(|(property, _)| property == name).map(|(_, value)| value.as_str());
    assert_eq!(value, Some(expected), "{name} of {found:?}");
}

fn update(title: Option<&str>, language: Option<&str>, metadata: serde_json::Value) -> Action {
    let serde_json::Value::Object(metadata_diff) = metadata else { panic!("metadata is an object") };
    edit(Edit::UpdateInterview {
        title: title.map(Into::into),
        language: language.map(Into::into),
        metadata_diff,
    })
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_leaves_the_rest() {
    let first = ingest(vec![sentence("a", &[])]);
    let named = update(Some("Apollo"), Some("en"), serde_json::json!({ "crew": 3, "moon": true }));
    let model_of = |later: &[Action]| model(&[&[first.clone(), named.clone()], later].concat());
    let found = properties(&model_of(&[])).await;
    check(&found, "title", "Apollo");
    check(&found, "language", "en");
    check(&found, "metadata", r#"{"crew":3,"moon":true}"#);
    // Null takes an entry away; what is not named stays.
    let found =
        properties(&model_of(&[update(None, None, serde_json::json!({ "crew": null, "year": 1970 }))])).await;
    check(&found, "title", "Apollo");
    check(&found, "language", "en");
    check(&found, "metadata", r#"{"moon":true,"year":1970}"#);
}

#[tokio::test]
async fn a_status_that_a_person_sets_is_the_status() {
    let completed = Edit::ChangeInterviewStatus { to_status: InterviewStatus::Completed, reason: None };
    let model = model(&[ingest(vec![sentence("a", &[])]), edit(completed)]);
    assert_eq!(model.status(id()), Some(InterviewStatus::Completed));
    assert!(model.is_open(id()) && model.may_be_ingested(id()));
    check(&properties(&model).await, "status", InterviewStatus::Completed.as_str());
}

#[test]
fn an_archived_interview_is_there_and_changes_no_more() {
    let archive = edit(Edit::ArchiveInterview { reason: None });
    let again = ingest(vec![sentence("new", &[]), sentence("b", &[])]);
    let back = edit(Edit::ChangeInterviewStatus { to_status: InterviewStatus::Created, reason: None });
    let model = model(&[ingest(vec![sentence("old", &[])]), archive, again, text(0, "mine"), back]);
    assert_eq!(model.status(id()), Some(InterviewStatus::Archived));
    assert!(!model.is_open(id()) && !model.may_be_ingested(id()));
    assert_eq!((model.slots(id()), model.text(id(), 0).unwrap().as_str()), (vec![0], "old"));
}

#[test]
fn a_new_interview_may_be_ingested_and_one_that_was_deleted_not_again() {
    let unknown = model(&[]);
    assert_eq!((unknown.status(id()), unknown.is_open(id())), (None, false));
    assert!(unknown.may_be_ingested(id()));
    let deleted = model(&[ingest(vec![sentence("a", &[])]), edit(Edit::DeleteInterview { reason: None })]);
    assert_eq!((deleted.status(id()), deleted.is_open(id())), (None, false));
    assert!(!deleted.may_be_ingested(id()));
}

#[test]
fn a_sentence_is_analysed_when_something_was_found_in_it() {
    let model = model(&[ingest(vec![sentence("a", &["x"]), failed("b")])]);
    assert_eq!([0, 1, 2].map(|slot| model.is_analysed(id(), slot)), [true, false, false]);
}
