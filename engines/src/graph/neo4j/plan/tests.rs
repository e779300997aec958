use cutover_core::graph::{Label, Origin, Properties, Rel};
use cutover_core::ids::{InterviewId, SentenceId};

use super::*;

fn interview(file: &str) -> InterviewId {
    InterviewId::for_file(file)
}

fn sentence_ref(file: &str, index: u32) -> NodeRef {
    NodeRef::sentence(SentenceId::at(interview(file), index))
}

fn create_interview(file: &str) -> Vec<Change> {
    let project = NodeRef::Keyed { label: Label::Project, key: "p".into() };
    let upsert = |node| Change::Upsert {
        node,
        on_create: Properties::new(),
        set: Properties::new(),
        unless_edited: Properties::new(),
    };
    let node = NodeRef::interview(interview(file));
    vec![
        upsert(project.clone()),
        upsert(node.clone()),
        Change::Link { from: project, rel: Rel::ContainsInterview, to: node },
    ]
}

fn create_sentence(file: &str, index: u32) -> Vec<Change> {
    let id = SentenceId::at(interview(file), index).to_string();
    let node = NodeRef::interview(interview(file)).child(Rel::HasSentence, id.as_str());
    vec![
        Change::Upsert {
            node,
            on_create: Properties::new(),
            set: Properties::new(),
            unless_edited: Properties::new(),
        },
        Change::Chain { interview: NodeRef::interview(interview(file)) },
    ]
}

fn analyse(file: &str, index: u32) -> Vec<Change> {
    let sentence = sentence_ref(file, index);
    vec![
        Change::ReplaceAnalysis {
            sentence: sentence.clone(),
            analysis_id: "a".into(),
            properties: Properties::new(),
        },
        Change::SetDimension {
            analysis: sentence.only_child(Rel::HasAnalysis),
            rel: Rel::MentionsTopic,
            values: vec!["space".into()],
            limit: None,
            origin: Origin::Analysis,
        },
    ]
}

fn planned(changes: Vec<Vec<Change>>) -> Vec<(String, usize)> {
    let batch: Vec<_> = changes.into_iter().map(|changes| ChangeSet { guard: None, changes }).collect();
    plan(&batch, Schema::Projected)
        .steps
        .iter()
        .map(|step| match step {
            Step::Bulk { kind, rows } => {
                let name = format!("{kind:?}");
                (name.split('(').next().unwrap_or_default().to_owned(), rows.len())
            }
            Step::Analyses(analyses) => ("Analyses".to_owned(), analyses.len()),
            Step::MergeJson { .. } => ("MergeJson".to_owned(), 1),
        })
        .collect()
}

#[test]
fn many_sentences_of_many_interviews_become_one_statement_of_each_kind() {
    let mut changes = Vec::new();
    for file in ["a.txt", "b.txt", "c.txt"] {
        changes.push(create_interview(file));
        for index in 0..100 {
            changes.push(create_sentence(file, index));
            changes.push(analyse(file, index));
        }
    }
    let steps = planned(changes);
    let expected = [("Upsert", 3), ("Upsert", 3), ("Link", 3), ("Upsert", 300), ("Analyses", 300)];
    assert_eq!(steps, expected.map(|(kind, rows)| (kind.to_owned(), rows)));
}

#[test]
fn changes_about_one_sentence_keep_their_order() {
    let steps = planned(vec![analyse("a.txt", 0), analyse("a.txt", 0)]);
    let expected = [("Analyses", 1), ("Analyses", 1)];
    assert_eq!(steps, expected.map(|(kind, rows)| (kind.to_owned(), rows)));
}

#[test]
fn what_comes_after_the_removal_of_an_interview_stays_after_it() {
    let removal = vec![Change::Remove { node: NodeRef::interview(interview("a.txt")) }];
    let steps = planned(vec![create_sentence("a.txt", 0), removal, create_sentence("a.txt", 1)]);
    let expected = [("Upsert", 1), ("Remove", 1), ("Upsert", 1)];
    assert_eq!(steps, expected.map(|(kind, rows)| (kind.to_owned(), rows)));
}

#[test]
fn a_sentence_that_came_before_its_interview_stays_before_it() {
    let steps = planned(vec![
        create_interview("b.txt"),
        create_sentence("a.txt", 0),
        create_interview("a.txt"),
        create_sentence("a.txt", 1),
    ]);
    // The upsert of a.txt must not join that of b.txt: then it would be there when the first sentence asks for it.
    let kinds = ["Upsert", "Upsert", "Upsert", "Upsert", "Link", "Upsert"];
    assert_eq!(steps.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), kinds);
}

#[test]
fn an_interview_is_chained_once_however_many_sentences_asked_for_it() {
    let batch: Vec<_> =
        (0..5).map(|index| ChangeSet { guard: None, changes: create_sentence("a.txt", index) }).collect();
    let chained: Vec<_> =
        plan(&batch, Schema::Projected).chained.into_values().map(|sentences| sentences.len()).collect();
    assert_eq!(chained, [5]);
}

#[test]
fn what_belongs_to_the_batch_before_joins_the_statements_of_the_others() {
    let steps = planned(vec![
        analyse("a.txt", 0),
        create_sentence("a.txt", 1),
        analyse("a.txt", 1),
        create_sentence("a.txt", 2),
    ]);
    let expected = [("Upsert", 2), ("Analyses", 2)];
    assert_eq!(steps, expected.map(|(kind, rows)| (kind.to_owned(), rows)));
}

#[test]
fn steps_are_not_joined_across_what_has_to_stay_between_them() {
    let removal = vec![Change::Remove { node: sentence_ref("a.txt", 0) }];
    let steps = planned(vec![analyse("a.txt", 0), removal, create_sentence("a.txt", 1), analyse("a.txt", 1)]);
    let expected = [("Analyses", 1), ("Remove", 1), ("Upsert", 1), ("Analyses", 1)];
    assert_eq!(steps, expected.map(|(kind, rows)| (kind.to_owned(), rows)));
}
