//! What decisions about an interview need to know, as its events left it.

use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::interview::{InterviewEvent, InterviewStatus, InterviewUpdated};

/// An interview as its events left it.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum InterviewState {
    /// Nothing has happened yet.
    #[default]
    NotCreated,
    /// It exists, archived perhaps.
    Existing(Interview),
    /// It was removed, for ever.
    Deleted,
}

/// An interview that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Interview {
    /// The title that readers see.
    pub title: SmolStr,
    /// BCP 47 language tag.
    pub language: Option<SmolStr>,
    /// Where it stands.
    pub status: InterviewStatus,
    /// Whatever else is known.
    pub metadata: Map<String, Value>,
}

impl InterviewState {
    /// Returns the interview, if it exists.
    pub const fn existing(&self) -> Option<&Interview> {
        match self {
            Self::Existing(interview) => Some(interview),
            Self::NotCreated | Self::Deleted => None,
        }
    }
}

impl Interview {
    /// Applies an update: what it names, it sets; a `null` in the metadata removes its key.
    fn update(&mut self, updated: &InterviewUpdated) {
        if let Some(title) = &updated.title {
            self.title = title.clone();
        }
        if let Some(language) = &updated.language {
            self.language = Some(language.clone());
        }
        for (key, value) in &updated.metadata_diff {
            if value.is_null() {
                self.metadata.remove(key);
            } else {
                self.metadata.insert(key.clone(), value.clone());
            }
        }
    }

    /// Returns the interview with that update applied.
    pub(super) fn updated(&self, updated: &InterviewUpdated) -> Self {
        let mut interview = self.clone();
        interview.update(updated);
        interview
    }
}

/// Applies an event. It cannot fail: the event has already happened. What makes no sense after the events before it
/// leaves the state as it is.
#[must_use]
pub fn evolve(state: InterviewState, event: &InterviewEvent) -> InterviewState {
    let mut interview = match (state, event) {
        (InterviewState::NotCreated, InterviewEvent::Created(created)) => {
            return InterviewState::Existing(Interview {
                title: created.title.clone(),
                language: created.language.clone(),
                status: InterviewStatus::Created,
                metadata: created.metadata.clone(),
            });
        }
        (InterviewState::Existing(interview), _) => interview,
        (state @ (InterviewState::NotCreated | InterviewState::Deleted), _) => return state,
    };
    match event {
        InterviewEvent::Created(_) => {}
        InterviewEvent::Updated(updated) => interview.update(updated),
        InterviewEvent::StatusChanged(changed) => interview.status = changed.to_status,
        InterviewEvent::Archived(_) => interview.status = InterviewStatus::Archived,
        InterviewEvent::Deleted(_) => return InterviewState::Deleted,
    }
    InterviewState::Existing(interview)
}
