//! What is known of an aggregate once its events are applied, and the words for it.

use cutover_core::interview::{self, InterviewEvent, InterviewState, InterviewStatus, Reason};
use cutover_core::sentence::{self, SentenceEvent, SentenceState, SentenceStatus};
use cutover_core::testing::build::{created_at, findings, generated, interview_created};

#[test]
fn an_interview_exists_between_its_creation_and_its_deletion() {
    let created = interview::evolve(InterviewState::default(), &interview_created("A"));
    assert_eq!(InterviewState::default().existing(), None);
    assert_eq!(created.existing().map(|interview| interview.title.as_str()), Some("A"));
    let deleted = interview::evolve(created, &InterviewEvent::Deleted(Reason::default()));
    assert_eq!(deleted.existing(), None);
}

#[test]
fn a_sentence_exists_between_its_creation_and_its_deletion_and_is_analysed_when_something_was_found() {
    let created = sentence::evolve(SentenceState::default(), &created_at(3, "Hi."));
    assert_eq!(SentenceState::default().existing(), None);
    let sentence = created.existing().expect("a sentence");
    assert_eq!((sentence.index, sentence.text.as_str(), sentence.has_analysis()), (3, "Hi.", false));
    let analysed = sentence::evolve(created, &generated(findings(&["moon"])));
    assert!(analysed.existing().is_some_and(|sentence| sentence.has_analysis()));
    let deleted = sentence::evolve(analysed, &SentenceEvent::Deleted(Reason::default()));
    assert_eq!(deleted.existing(), None);
}

#[test]
fn a_status_is_shown_by_the_name_that_payloads_use() {
    let of_interviews = [
        InterviewStatus::Created,
        InterviewStatus::Processing,
        InterviewStatus::Completed,
        InterviewStatus::Failed,
        InterviewStatus::Archived,
    ];
    let shown = of_interviews.map(|status| status.to_string());
    assert_eq!(shown, ["created", "processing", "completed", "failed", "archived"]);
    let of_sentences =
        [SentenceStatus::Created, SentenceStatus::Analyzed, SentenceStatus::Edited, SentenceStatus::Deleted];
    let shown = of_sentences.map(|status| status.to_string());
    assert_eq!(shown, ["created", "analyzed", "edited", "deleted"]);
}
