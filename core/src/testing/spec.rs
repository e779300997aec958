//! Given, when, then: the rules of an aggregate as sentences.

use std::fmt::Debug;

use crate::interview::{self, InterviewCommand, InterviewEvent, InterviewState};
use crate::sentence::{self, SentenceCommand, SentenceEvent, SentenceState};

/// Names the rules that an event belongs to.
pub trait Rules: Sized + Debug + PartialEq {
    /// What decisions need to know.
    type State: Default;
    /// What may be asked.
    type Command;
    /// The rule that would be broken.
    type Rejection: Debug + PartialEq;

    /// Decides a command.
    ///
    /// # Errors
    ///
    /// Returns the rule that the command would break.
    fn decide(state: &Self::State, command: Self::Command) -> Result<Vec<Self>, Self::Rejection>;

    /// Applies an event.
    fn evolve(state: Self::State, event: &Self) -> Self::State;
}

impl Rules for InterviewEvent {
    type State = InterviewState;
    type Command = InterviewCommand;
    type Rejection = interview::Rejection;

    fn decide(state: &InterviewState, command: InterviewCommand) -> Result<Vec<Self>, interview::Rejection> {
        interview::decide(state, command)
    }

    fn evolve(state: InterviewState, event: &Self) -> InterviewState {
        interview::evolve(state, event)
    }
}

impl Rules for SentenceEvent {
    type State = SentenceState;
    type Command = SentenceCommand;
    type Rejection = sentence::Rejection;

    fn decide(state: &SentenceState, command: SentenceCommand) -> Result<Vec<Self>, sentence::Rejection> {
        sentence::decide(state, command)
    }

    fn evolve(state: SentenceState, event: &Self) -> SentenceState {
        sentence::evolve(state, event)
    }
}

/// An aggregate with a past.
#[derive(Debug, Clone)]
pub struct Given<E: Rules>(E::State);

/// An aggregate that was asked something.
#[derive(Debug)]
pub struct When<E: Rules>(Result<Vec<E>, E::Rejection>);

/// Takes the events that have happened.
pub fn given<E: Rules>(events: impl IntoIterator<Item = E>) -> Given<E> {
    Given(events.into_iter().fold(E::State::default(), |state, event| E::evolve(state, &event)))
}

/// Takes an aggregate to which nothing has happened.
pub fn given_nothing<E: Rules>() -> Given<E> {
    given([])
}

impl<E: Rules> Given<E> {
    /// Asks something of it.
    #[must_use]
    pub fn when(self, command: E::Command) -> When<E> {
        When(E::decide(&self.0, command))
    }

    /// Returns the state that the events led to.
    pub fn state(self) -> E::State {
        self.0
    }
}

impl<E: Rules> When<E> {
    /// Expects exactly these events.
    ///
    /// # Panics
    ///
    /// Panics when others were decided, or a rejection.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = E>) {
        let expected: Vec<E> = expected.into_iter().collect();
        match self.0 {
            Ok(events) => assert_eq!(events, expected),
            Err(rejection) => panic!("expected {expected:?}, but it was rejected: {rejection:?}"),
        }
    }

    /// Expects a rejection by this rule.
    ///
    /// # Panics
    ///
    /// Panics when events were decided, or another rejection.
    #[track_caller]
    pub fn then_rejected(self, expected: E::Rejection) {
        match self.0 {
            Err(rejection) => assert_eq!(rejection, expected),
            Ok(events) => panic!("expected {expected:?}, but it was accepted: {events:?}"),
        }
    }
}
