//! What the direct path writes, and for what.

use serde_json::Map;

use super::edit::update;
use super::*;
use crate::graph::{Origin, Value};
use crate::sentence::{Classification, OverriddenFields};

#[test]
fn an_edit_tells_the_sentence_that_it_concerns() {
    let of_sentence = [
        Edit::Text { slot: 7, text: "x".into() },
        Edit::Clear { slot: 7, reason: None },
        Edit::Relocate { slot: 7, new_index: 3 },
        Edit::DeleteSentence { slot: 7, reason: None },
    ];
    assert!(of_sentence.iter().all(|edit| edit.slot() == Some(7)));
    let of_interview = [
        Edit::ArchiveInterview { reason: None },
        Edit::DeleteInterview { reason: None },
        Edit::UpdateInterview { title: None, language: None, metadata_diff: Map::new() },
    ];
    assert!(of_interview.iter().all(|edit| edit.slot().is_none()));
}

#[test]
fn a_sentence_pushes_those_aside_that_are_known_to_have_a_place() {
    let at = |place| ExistingSentence { place, ..ExistingSentence::default() };
    let sentences = BTreeMap::from([(0, at(Some(0))), (1, at(Some(1))), (2, at(None))]);
    let moves = Existing { sentences }.places().moves(1, 0);
    assert_eq!(moves, [Move { slot: 1, place: 0 }, Move { slot: 0, place: 1 }]);
}

fn at() -> WrittenAt {
    WrittenAt { time: Timestamp::from_unix_ms(1_700_000_000_000), local_text: "2023-11-14T23:13:20".into() }
}

fn found() -> AnalysisOutcome {
    let classification = Classification {
        function_type: "declarative".into(),
        structure_type: "simple".into(),
        purpose: "report".into(),
    };
    AnalysisOutcome::Found {
        model: "lexical".into(),
        version: "1".into(),
        findings: Findings {
            classification,
            keywords: vec!["b".into(), "a".into(), "b".into()],
            topics: vec![],
            domain_keywords: vec!["burn".into()],
            confidence: Some(0.5),
        },
    }
}

fn failed() -> AnalysisOutcome {
    AnalysisOutcome::Failed { error_data: r#"{"code":7}"#.into() }
}

fn file(outcomes: &[AnalysisOutcome]) -> AnalysedFile {
    let sentence = |outcome: &AnalysisOutcome| AnalysedSentence {
        text: "Hi.".into(),
        speaker: Some("CC".into()),
        start_ms: Some(5),
        end_ms: None,
        analysis: outcome.clone(),
    };
    AnalysedFile {
        project: ProjectId::new("p"),
        interview: InterviewId::for_file("a.txt"),
        file_name: "a.txt".into(),
        language: None,
        sentences: outcomes.iter().map(sentence).collect(),
    }
}

fn put(outcome: AnalysisOutcome, existing: Option<&ExistingSentence>) -> Vec<Change> {
    let file = file(&[outcome]);
    put_sentence(&file, (0, &file.sentences[0]), existing, 4, Uuid::nil(), &Limits::default(), &at())
}

fn analyses(changes: &[Change]) -> Vec<&Properties> {
    changes
        .iter()
        .filter_map(|change| match change {
            Change::ReplaceAnalysis { properties, .. } => Some(properties),
            _ => None,
        })
        .collect()
}

#[test]
fn an_interview_comes_with_its_project_and_the_properties_of_the_running_pipeline() {
    let file = file(&[]);
    let changes = put_interview(&file, &at());
    let [
        Change::Upsert { on_create: project, .. },
        Change::Upsert { on_create: interview, .. },
        Change::Link { .. },
    ] = &changes[..]
    else {
        panic!("{changes:?}");
    };
    assert_eq!(project.get("created_by"), Some(&"system".into()));
    assert_eq!(interview.get("filename"), Some(&Value::Text(file.interview.to_string().into())));
    assert_eq!(interview.get("source"), Some(&SOURCE.into()));
    assert_eq!(interview.get("event_version"), Some(&Value::Int(0)));
}

#[test]
fn a_text_is_set_unless_a_person_wrote_it_and_a_place_is_set_once() {
    let changes = put(found(), None);
    let Change::Upsert { node, on_create, set, unless_edited } = &changes[0] else { panic!("{changes:?}") };
    assert_eq!(*node, sentence_ref(InterviewId::for_file("a.txt"), 0));
    assert!(set.is_empty());
    assert_eq!(*unless_edited, Properties::new().with("text", "Hi."));
    assert_eq!(on_create.get("sequence_order"), Some(&Value::Int(4)));
    assert_eq!(on_create.get("start_time"), Some(&Value::Int(5)));
    assert_eq!(on_create.get("end_time"), None);
}

#[test]
fn every_dimension_is_set_in_order_under_its_limit() {
    let limits = Limits { keywords: Some(2), domain_keywords: Some(0), ..Limits::default() };
    let file = file(&[found()]);
    let changes = put_sentence(&file, (0, &file.sentences[0]), None, 0, Uuid::nil(), &limits, &at());
    let dimensions: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            Change::SetDimension { rel, values, limit, origin: Origin::Analysis, .. } => {
                Some((*rel, values.join(" "), *limit))
            }
            _ => None,
        })
        .collect();
    let expected = [
        (Rel::HasFunction, "declarative", Some(1)),
        (Rel::HasStructure, "simple", Some(1)),
        (Rel::HasPurpose, "report", Some(1)),
        (Rel::MentionsTopic, "", None),
        (Rel::MentionsOverallKeyword, "b a b", Some(2)),
        (Rel::MentionsDomainKeyword, "burn", Some(0)),
    ];
    assert_eq!(dimensions, expected.map(|(rel, values, limit)| (rel, values.to_owned(), limit)));
}

#[test]
fn a_first_analysis_that_fails_leaves_a_node_with_the_error_alone() {
    let changes = put(failed(), None);
    assert_eq!(analyses(&changes), [&Properties::new().with("error_data", r#"{"code":7}"#)]);
    assert!(!changes.iter().any(|change| matches!(change, Change::SetDimension { .. })));
    let only_an_error = ExistingSentence { is_analysed: false, ..ExistingSentence::default() };
    assert_eq!(analyses(&put(failed(), Some(&only_an_error))).len(), 1);
}

#[test]
fn a_later_analysis_that_fails_keeps_the_good_one() {
    let good = ExistingSentence { is_analysed: true, ..ExistingSentence::default() };
    assert!(analyses(&put(failed(), Some(&good))).is_empty());
    assert_eq!(analyses(&put(found(), Some(&good))).len(), 1);
}

#[test]
fn slots_past_the_end_of_a_shorter_file_are_the_ones_to_remove() {
    let sentences = (0..4).map(|slot| (slot, ExistingSentence::default())).collect();
    let existing = Existing { sentences };
    assert_eq!(existing.slots_past(&file(&[found(), found()])).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(existing.slots_past(&file(&vec![found(); 5])).count(), 0);
}

#[test]
fn a_new_sentence_goes_where_nobody_is_who_stays() {
    let at = |place| ExistingSentence { place: Some(place), ..ExistingSentence::default() };
    // Slot 0 was moved to the end; slot 5 is gone with the file, and its place is free for slot 2.
    let existing = Existing { sentences: [(0, at(3)), (1, at(1)), (5, at(2))].into() };
    let places = existing.places_of_new(&file(&vec![found(); 5]));
    assert_eq!(places, [(2, 2), (3, 4), (4, 5)].into());
}

#[test]
fn an_override_changes_the_links_of_the_named_dimensions_and_the_flag() {
    let fields = OverriddenFields { keywords: Some(vec!["x".into()]), ..OverriddenFields::default() };
    let interview = InterviewId::for_file("a.txt");
    let changes = edit(interview, &Edit::Override { slot: 3, fields, note: None }, &Limits::default());
    let analysis = analysis_ref(interview, 3);
    let expected = [
        update(analysis.clone(), Properties::new().with("is_edited", true)),
        Change::SetDimension {
            analysis,
            rel: Rel::MentionsOverallKeyword,
            values: vec!["x".into()],
            limit: Some(6),
            origin: Origin::Person,
        },
    ];
    assert_eq!(changes, expected);
}

#[test]
fn what_changes_membership_or_order_mends_the_chain() {
    let interview = InterviewId::for_file("a.txt");
    for change in [Edit::DeleteSentence { slot: 1, reason: None }, Edit::Relocate { slot: 1, new_index: 0 }] {
        assert_eq!(edit(interview, &change, &Limits::default()).last(), Some(&chain(interview)));
    }
}

#[test]
fn what_only_an_event_can_say_changes_nothing_here() {
    let archive = Edit::ArchiveInterview { reason: None };
    assert!(edit(InterviewId::for_file("a.txt"), &archive, &Limits::default()).is_empty());
}
