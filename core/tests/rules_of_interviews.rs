//! The rules of an interview, one test each.

use cutover_core::interview::{
    InterviewCommand, InterviewEvent, InterviewStatus, InterviewStatusChanged, InterviewUpdated, Reason,
    Rejection,
};
use cutover_core::testing::build::{create_interview, interview_created};
use cutover_core::testing::{given, given_nothing};
use serde_json::json;

use InterviewStatus::{Archived, Completed, Created, Failed, Processing};

fn changed(from_status: InterviewStatus, to_status: InterviewStatus) -> InterviewEvent {
    InterviewEvent::StatusChanged(InterviewStatusChanged { from_status, to_status, reason: None })
}

fn change(to_status: InterviewStatus) -> InterviewCommand {
    InterviewCommand::ChangeStatus { to_status, reason: None }
}

fn archived() -> InterviewEvent {
    InterviewEvent::Archived(Reason::default())
}

fn deleted() -> InterviewEvent {
    InterviewEvent::Deleted(Reason::default())
}

fn delete() -> InterviewCommand {
    InterviewCommand::Delete { reason: None }
}

fn update(title: Option<&str>, language: Option<&str>, diff: &serde_json::Value) -> InterviewCommand {
    InterviewCommand::Update {
        title: title.map(Into::into),
        language: language.map(Into::into),
        metadata_diff: diff.as_object().unwrap().clone(),
    }
}

fn updated(title: Option<&str>, language: Option<&str>, diff: &serde_json::Value) -> InterviewEvent {
    InterviewEvent::Updated(InterviewUpdated {
        title: title.map(Into::into),
        language: language.map(Into::into),
        metadata_diff: diff.as_object().unwrap().clone(),
    })
}

/// Every command but the creation.
fn commands() -> Vec<InterviewCommand> {
    vec![
        update(Some("B"), None, &json!({})),
        change(Processing),
        InterviewCommand::Archive { reason: None },
        delete(),
    ]
}

#[test]
fn an_interview_is_created() {
    given_nothing::<InterviewEvent>().when(create_interview("A")).then([interview_created("A")]);
}

#[test]
fn an_interview_is_created_once() {
    given([interview_created("A")]).when(create_interview("B")).then_rejected(Rejection::AlreadyExists);
}

#[test]
fn an_interview_has_a_title_and_a_source() {
    given_nothing::<InterviewEvent>().when(create_interview(" ")).then_rejected(Rejection::EmptyTitle);
    let InterviewCommand::Create { title, language, started_at, metadata, .. } = create_interview("A") else {
        unreachable!("the builder creates");
    };
    let command = InterviewCommand::Create { title, source: "".into(), language, started_at, metadata };
    given_nothing::<InterviewEvent>().when(command).then_rejected(Rejection::EmptySource);
}

#[test]
fn nothing_is_done_to_what_does_not_exist() {
    for command in commands() {
        given_nothing::<InterviewEvent>().when(command).then_rejected(Rejection::DoesNotExist);
    }
}

#[test]
fn nothing_is_done_to_what_is_deleted() {
    for command in commands().into_iter().chain([create_interview("A")]) {
        given([interview_created("A"), deleted()]).when(command).then_rejected(Rejection::Deleted);
    }
}

#[test]
fn an_archived_interview_can_only_be_deleted() {
    for command in commands().into_iter().filter(|command| *command != delete()) {
        given([interview_created("A"), archived()]).when(command).then_rejected(Rejection::Archived);
    }
    given([interview_created("A"), archived()])
        .when(create_interview("A"))
        .then_rejected(Rejection::AlreadyExists);
    given([interview_created("A"), archived()]).when(delete()).then([deleted()]);
}

#[test]
fn a_status_that_was_set_to_archived_counts_as_archived() {
    given([interview_created("A"), changed(Created, Archived)])
        .when(change(Processing))
        .then_rejected(Rejection::Archived);
}

#[test]
fn an_update_sets_what_it_names() {
    let diff = json!({ "crew": 3 });
    given([interview_created("A")]).when(update(Some("B"), Some("fr"), &diff)).then([updated(
        Some("B"),
        Some("fr"),
        &diff,
    )]);
}

#[test]
fn an_update_must_change_something() {
    let nothing = json!({});
    for command in [
        update(None, None, &nothing),
        update(Some("A"), Some("en"), &nothing),
        update(None, None, &json!({ "gone": null })),
    ] {
        given([interview_created("A")]).when(command).then_rejected(Rejection::NothingUpdated);
    }
}

#[test]
fn an_update_is_compared_with_what_earlier_updates_left() {
    let (set, unset) = (json!({ "crew": 3 }), json!({ "crew": null }));
    let past = [interview_created("A"), updated(Some("B"), None, &set)];
    given(past.clone()).when(update(Some("B"), None, &set)).then_rejected(Rejection::NothingUpdated);
    given(past).when(update(None, None, &unset)).then([updated(None, None, &unset)]);
}

#[test]
fn an_update_does_not_take_the_title_away() {
    given([interview_created("A")])
        .when(update(Some("\t"), None, &json!({})))
        .then_rejected(Rejection::EmptyTitle);
}

#[test]
fn a_status_must_change() {
    given([interview_created("A")])
        .when(change(Created))
        .then_rejected(Rejection::StatusUnchanged { status: Created });
}

#[test]
fn a_status_changes_along_the_table_and_in_no_other_way() {
    let legal = [
        (Created, Processing),
        (Created, Failed),
        (Processing, Completed),
        (Processing, Failed),
        (Completed, Processing),
        (Failed, Processing),
    ];
    for from in [Created, Processing, Completed, Failed] {
        for to in [Created, Processing, Completed, Failed, Archived] {
            let case = given([interview_created("A"), changed(Created, from)]).when(change(to));
            if from == to {
                case.then_rejected(Rejection::StatusUnchanged { status: to });
            } else if legal.contains(&(from, to)) {
                case.then([changed(from, to)]);
            } else {
                case.then_rejected(Rejection::IllegalTransition { from, to });
            }
        }
    }
}

#[test]
fn an_interview_is_archived_from_any_status() {
    for from in [Created, Processing, Completed, Failed] {
        given([interview_created("A"), changed(Created, from)])
            .when(InterviewCommand::Archive { reason: None })
            .then([archived()]);
    }
}
