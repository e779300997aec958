//! Which commands an interview accepts, and what happens then.
//!
//! | from | to |
//! |---|---|
//! | created | processing, failed |
//! | processing | completed, failed |
//! | completed | processing: its file is processed again |
//! | failed | processing: another try |
//! | archived | |
//!
//! `archived` is entered by archiving alone, from any status, and only deletion leads out of it.

use smol_str::SmolStr;

use crate::interview::{
    Interview, InterviewCommand, InterviewCreated, InterviewEvent, InterviewState, InterviewStatus,
    InterviewStatusChanged, InterviewUpdated, Reason,
};

/// The rule that a command to an interview would break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// An interview is created once.
    #[error("the interview exists already")]
    AlreadyExists,
    /// Nothing can be done to what does not exist.
    #[error("there is no such interview")]
    DoesNotExist,
    /// Nothing can be done to what is deleted, and it is not created again.
    #[error("the interview is deleted")]
    Deleted,
    /// An archived interview can only be deleted.
    #[error("the interview is archived")]
    Archived,
    /// A title has letters.
    #[error("the title is empty")]
    EmptyTitle,
    /// A source has letters: sentences are linked to the file that it names.
    #[error("the source is empty")]
    EmptySource,
    /// An update changes something.
    #[error("the update changes nothing")]
    NothingUpdated,
    /// A change of status changes it.
    #[error("the status is `{status}` already")]
    StatusUnchanged {
        /// The status.
        status: InterviewStatus,
    },
    /// A change of status follows the table of transitions.
    #[error("the status cannot change from `{from}` to `{to}`")]
    IllegalTransition {
        /// The status that would be left.
        from: InterviewStatus,
        /// The status that would be entered.
        to: InterviewStatus,
    },
}

/// Decides a command: what happens, or which rule forbids it.
///
/// # Errors
///
/// Returns the first rule that the command would break.
pub fn decide(state: &InterviewState, command: InterviewCommand) -> Result<Vec<InterviewEvent>, Rejection> {
    let event = match (state, command) {
        (
            InterviewState::NotCreated,
            InterviewCommand::Create { title, source, language, started_at, metadata },
        ) => create(InterviewCreated { title, source, language, started_at, metadata })?,
        (InterviewState::NotCreated, _) => return Err(Rejection::DoesNotExist),
        (InterviewState::Deleted, _) => return Err(Rejection::Deleted),
        (InterviewState::Existing(interview), command) => decide_existing(interview, command)?,
    };
    Ok(vec![event])
}

fn decide_existing(interview: &Interview, command: InterviewCommand) -> Result<InterviewEvent, Rejection> {
    match command {
        InterviewCommand::Create { .. } => Err(Rejection::AlreadyExists),
        InterviewCommand::Delete { reason } => Ok(InterviewEvent::Deleted(Reason { reason })),
        _ if interview.status == InterviewStatus::Archived => Err(Rejection::Archived),
        InterviewCommand::Update { title, language, metadata_diff } => {
            update(interview, InterviewUpdated { title, language, metadata_diff })
        }
        InterviewCommand::ChangeStatus { to_status, reason } => change_status(interview, to_status, reason),
        InterviewCommand::Archive { reason } => Ok(InterviewEvent::Archived(Reason { reason })),
    }
}

fn create(created: InterviewCreated) -> Result<InterviewEvent, Rejection> {
    if is_blank(&created.title) {
        return Err(Rejection::EmptyTitle);
    }
    if is_blank(&created.source) {
        return Err(Rejection::EmptySource);
    }
    Ok(InterviewEvent::Created(created))
}

fn update(interview: &Interview, updated: InterviewUpdated) -> Result<InterviewEvent, Rejection> {
    if updated.title.as_deref().is_some_and(is_blank) {
        return Err(Rejection::EmptyTitle);
    }
    if interview.updated(&updated) == *interview {
        return Err(Rejection::NothingUpdated);
    }
    Ok(InterviewEvent::Updated(updated))
}

fn change_status(
    interview: &Interview,
    to: InterviewStatus,
    reason: Option<SmolStr>,
) -> Result<InterviewEvent, Rejection> {
    let from = interview.status;
    if from == to {
        return Err(Rejection::StatusUnchanged { status: to });
    }
    if !may_follow(from, to) {
        return Err(Rejection::IllegalTransition { from, to });
    }
    Ok(InterviewEvent::StatusChanged(InterviewStatusChanged { from_status: from, to_status: to, reason }))
}

/// The table of transitions, as the module's documentation has it.
const fn may_follow(from: InterviewStatus, to: InterviewStatus) -> bool {
    use InterviewStatus::{Archived, Completed, Created, Failed, Processing};
    match from {
        Created => matches!(to, Processing | Failed),
        Processing => matches!(to, Completed | Failed),
        Completed | Failed => matches!(to, Processing),
        Archived => false,
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
