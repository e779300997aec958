//! The rules of a sentence, one test each.

use cutover_core::interview::Reason;
use cutover_core::sentence::{
    AnalysisOverridden, EditorType, OverriddenFields, Rejection, SentenceCommand, SentenceEvent,
    SentenceRelocated, SentenceState, SentenceStatus, SentenceStatusChanged,
};
use cutover_core::testing::build::{
    create_sentence, created, created_at, edit, edit_by_program, edited, findings, generate, generated,
    interview_id, keyword, regenerate, regenerated, topic,
};
use cutover_core::testing::{given, given_nothing};

use EditorType::{Ai, Human};

fn override_with(fields: OverriddenFields) -> SentenceCommand {
    SentenceCommand::OverrideAnalysis { fields, note: None }
}

fn overridden(fields: OverriddenFields) -> SentenceEvent {
    SentenceEvent::AnalysisOverridden(AnalysisOverridden { fields_overridden: fields, note: None })
}

fn keywords(values: &[&str]) -> OverriddenFields {
    let keywords = values.iter().map(|&value| value.into()).collect();
    OverriddenFields { keywords: Some(keywords), ..OverriddenFields::default() }
}

fn cleared() -> SentenceEvent {
    SentenceEvent::AnalysisCleared(Reason::default())
}

fn deleted() -> SentenceEvent {
    SentenceEvent::Deleted(Reason::default())
}

fn relocate(new_index: u32) -> SentenceCommand {
    SentenceCommand::Relocate { new_index }
}

/// Every command that changes an analysis.
fn corrections() -> Vec<SentenceCommand> {
    vec![
        regenerate(findings(&["moon"])),
        override_with(keywords(&["moon"])),
        SentenceCommand::ClearAnalysis { reason: None },
        SentenceCommand::Tag(keyword("moon")),
        SentenceCommand::Untag(keyword("moon")),
    ]
}

/// Every command but the creation.
fn commands() -> Vec<SentenceCommand> {
    let mut commands = corrections();
    commands.extend([edit("Bye."), generate(findings(&[])), relocate(7)]);
    commands.push(SentenceCommand::Delete { reason: None });
    commands
}

#[test]
fn a_sentence_is_created() {
    given_nothing::<SentenceEvent>().when(create_sentence(3, "Hi.")).then([created_at(3, "Hi.")]);
}

#[test]
fn a_sentence_is_created_once() {
    given([created("Hi.")]).when(create_sentence(0, "Hi.")).then_rejected(Rejection::AlreadyExists);
}

#[test]
fn a_sentence_has_a_text() {
    for text in ["", " \t\n", "\u{a0}"] {
        given_nothing::<SentenceEvent>().when(create_sentence(0, text)).then_rejected(Rejection::EmptyText);
        given([created("Hi.")]).when(edit(text)).then_rejected(Rejection::EmptyText);
    }
}

#[test]
fn a_sentence_does_not_end_before_it_starts() {
    let from_to = |start_ms, end_ms| SentenceCommand::Create {
        interview_id: interview_id(),
        index: 0,
        text: "Hi.".into(),
        speaker: None,
        start_ms,
        end_ms,
    };
    let rejection = Rejection::EndsBeforeStart { start_ms: 2, end_ms: 1 };
    given_nothing::<SentenceEvent>().when(from_to(Some(2), Some(1))).then_rejected(rejection);
    for (start_ms, end_ms) in [(Some(1), Some(1)), (Some(1), Some(2)), (Some(2), None), (None, Some(1))] {
        let mut expected = created("Hi.");
        if let SentenceEvent::Created(created) = &mut expected {
            (created.start_ms, created.end_ms) = (start_ms, end_ms);
        }
        given_nothing::<SentenceEvent>().when(from_to(start_ms, end_ms)).then([expected]);
    }
}

#[test]
fn nothing_is_done_to_what_does_not_exist() {
    for command in commands() {
        given_nothing::<SentenceEvent>().when(command).then_rejected(Rejection::DoesNotExist);
    }
}

#[test]
fn nothing_is_done_to_what_is_deleted() {
    for command in commands().into_iter().chain([create_sentence(0, "Hi.")]) {
        given([created("Hi."), generated(findings(&["moon"])), deleted()])
            .when(command)
            .then_rejected(Rejection::Deleted);
    }
}

#[test]
fn a_status_that_was_set_to_deleted_leaves_only_the_removal() {
    let set_to_deleted = SentenceEvent::StatusChanged(SentenceStatusChanged {
        from_status: SentenceStatus::Created,
        to_status: SentenceStatus::Deleted,
        reason: None,
    });
    let past = [created("Hi."), set_to_deleted];
    given(past.clone()).when(edit("Bye.")).then_rejected(Rejection::Deleted);
    given(past).when(SentenceCommand::Delete { reason: None }).then([deleted()]);
}

#[test]
fn an_edit_names_the_text_that_it_replaces() {
    given([created("Hi."), edited("Hi.", "Hi!", Ai)])
        .when(edit("Hello!"))
        .then([edited("Hi!", "Hello!", Human)]);
}

#[test]
fn an_edit_to_the_same_text_is_rejected() {
    given([created("Hi.")]).when(edit("Hi.")).then_rejected(Rejection::TextUnchanged);
}

#[test]
fn a_program_does_not_replace_what_a_person_wrote() {
    let past = [created("Hi."), edited("Hi.", "Hi!", Human)];
    given(past.clone()).when(edit_by_program("Bye.")).then_rejected(Rejection::ProtectedByHuman);
    given(past).when(edit("Bye.")).then([edited("Hi!", "Bye.", Human)]);
}

#[test]
fn a_program_replaces_what_a_program_wrote() {
    given([created("Hi."), edited("Hi.", "Hi!", Ai)])
        .when(edit_by_program("Bye."))
        .then([edited("Hi!", "Bye.", Ai)]);
}

#[test]
fn a_sentence_moves_to_another_place() {
    let relocated =
        |old_index, new_index| SentenceEvent::Relocated(SentenceRelocated { old_index, new_index });
    given([created_at(3, "Hi.")]).when(relocate(4)).then([relocated(3, 4)]);
    given([created_at(3, "Hi."), relocated(3, 4)])
        .when(relocate(4))
        .then_rejected(Rejection::IndexUnchanged { index: 4 });
}

#[test]
fn a_sentence_is_analysed_for_the_first_time_once() {
    let analysis = findings(&["moon"]);
    given([created("Hi.")]).when(generate(analysis.clone())).then([generated(analysis.clone())]);
    given([created("Hi."), generated(analysis.clone())])
        .when(generate(analysis))
        .then_rejected(Rejection::AlreadyAnalysed);
}

#[test]
fn a_cleared_analysis_may_be_generated_anew() {
    let analysis = findings(&["moon"]);
    given([created("Hi."), generated(analysis.clone()), cleared()])
        .when(generate(analysis.clone()))
        .then([generated(analysis)]);
}

#[test]
fn an_analysis_is_changed_only_where_there_is_one() {
    for command in corrections() {
        given([created("Hi.")]).when(command.clone()).then_rejected(Rejection::NotAnalysed);
        given([created("Hi."), generated(findings(&["moon"])), cleared()])
            .when(command)
            .then_rejected(Rejection::NotAnalysed);
    }
}

#[test]
fn an_analysed_sentence_is_analysed_again() {
    given([created("Hi."), generated(findings(&["moon"]))])
        .when(regenerate(findings(&["earth"])))
        .then([regenerated(findings(&["earth"]))]);
}

#[test]
fn a_confidence_lies_within_zero_and_one() {
    for confidence in [-0.1, 1.000_001, f64::INFINITY, f64::NEG_INFINITY] {
        let unsure = cutover_core::sentence::Findings { confidence: Some(confidence), ..findings(&[]) };
        let rejection = || Rejection::ConfidenceOutOfRange { confidence };
        given([created("Hi.")]).when(generate(unsure.clone())).then_rejected(rejection());
        given([created("Hi."), generated(findings(&[]))]).when(regenerate(unsure)).then_rejected(rejection());
    }
    for confidence in [Some(0.0), Some(1.0), None] {
        let sure = cutover_core::sentence::Findings { confidence, ..findings(&[]) };
        given([created("Hi.")]).when(generate(sure.clone())).then([generated(sure)]);
    }
}

#[test]
fn a_confidence_that_is_no_number_is_rejected() {
    let unsure = cutover_core::sentence::Findings { confidence: Some(f64::NAN), ..findings(&[]) };
    let state = given([created("Hi.")]).state();
    let decided = cutover_core::sentence::decide(&state, generate(unsure));
    assert!(matches!(decided, Err(Rejection::ConfidenceOutOfRange { confidence }) if confidence.is_nan()));
}

#[test]
fn an_override_names_a_field() {
    let past = [created("Hi."), generated(findings(&["moon"]))];
    given(past.clone())
        .when(override_with(OverriddenFields::default()))
        .then_rejected(Rejection::EmptyOverride);
    // To set a list to nothing is to name it.
    given(past).when(override_with(keywords(&[]))).then([overridden(keywords(&[]))]);
}

#[test]
fn a_tag_has_a_text() {
    given([created("Hi."), generated(findings(&[]))])
        .when(SentenceCommand::Tag(keyword(" ")))
        .then_rejected(Rejection::EmptyTag);
}

#[test]
fn the_same_tag_is_attached_by_hand_once() {
    let past = [created("Hi."), generated(findings(&[])), SentenceEvent::Tagged(keyword("moon"))];
    given(past.clone())
        .when(SentenceCommand::Tag(keyword("moon")))
        .then_rejected(Rejection::AlreadyTagged { tag: keyword("moon") });
    given(past).when(SentenceCommand::Tag(topic("moon"))).then([SentenceEvent::Tagged(topic("moon"))]);
}

#[test]
fn what_a_model_found_may_be_tagged_to_protect_it() {
    given([created("Hi."), generated(findings(&["moon"]))])
        .when(SentenceCommand::Tag(keyword("moon")))
        .then([SentenceEvent::Tagged(keyword("moon"))]);
}

#[test]
fn what_an_override_set_is_attached_by_hand() {
    given([created("Hi."), generated(findings(&[])), overridden(keywords(&["moon"]))])
        .when(SentenceCommand::Tag(keyword("moon")))
        .then_rejected(Rejection::AlreadyTagged { tag: keyword("moon") });
}

#[test]
fn a_tag_outlives_another_analysis() {
    let past = [
        created("Hi."),
        generated(findings(&[])),
        SentenceEvent::Tagged(keyword("moon")),
        regenerated(findings(&["earth"])),
    ];
    given(past)
        .when(SentenceCommand::Untag(keyword("moon")))
        .then([SentenceEvent::Untagged(keyword("moon"))]);
}

#[test]
fn whatever_is_attached_may_be_taken_off_once() {
    let past = [created("Hi."), generated(findings(&["moon"]))];
    given(past.clone())
        .when(SentenceCommand::Untag(keyword("moon")))
        .then([SentenceEvent::Untagged(keyword("moon"))]);
    given(past.into_iter().chain([SentenceEvent::Untagged(keyword("moon"))]))
        .when(SentenceCommand::Untag(keyword("moon")))
        .then_rejected(Rejection::NotTagged { tag: keyword("moon") });
}

#[test]
fn what_an_override_replaced_is_no_longer_attached() {
    given([created("Hi."), generated(findings(&["moon"])), overridden(keywords(&["earth"]))])
        .when(SentenceCommand::Untag(keyword("moon")))
        .then_rejected(Rejection::NotTagged { tag: keyword("moon") });
}

#[test]
fn the_state_tells_the_pipeline_what_it_compares_with() {
    let state = given([
        created_at(3, "Hi."),
        edited("Hi.", "Hi!", Human),
        edited("Hi!", "Hi?", Ai),
        generated(findings(&["moon"])),
    ])
    .state();
    let SentenceState::Existing(sentence) = state else { panic!("the sentence exists") };
    assert_eq!((sentence.text.as_str(), sentence.index), ("Hi?", 3));
    assert_eq!((sentence.interview_id, sentence.status), (interview_id(), SentenceStatus::Analyzed));
    assert!(sentence.edited_by_human && sentence.has_analysis());
}
