//! Commands to the flag, and the rules against them. Whoever appends the answer does so right after the events that it was decided
//! on: of two operators at once, one is told that the other was first.

use smol_str::SmolStr;
use uuid::Uuid;

use super::event::{CategoryPositions, Started, SwitchEvent};
use super::mode::Mode;
use super::state::{Step, SwitchState, UnderWay};
use crate::timestamp::Timestamp;

/// A wish to throw the flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Names the operation.
    pub operation: Uuid,
    /// The mode to throw it to.
    pub to: Mode,
    /// Who.
    pub actor: SmolStr,
    /// Why.
    pub reason: SmolStr,
    /// The digest of the certificate that it relies on.
    pub certificate: Option<SmolStr>,
    /// When.
    pub at: Timestamp,
}

/// A rule against a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The flag is in that mode.
    #[error("the mode is `{0}` already")]
    AlreadyThere(Mode),
    /// The one mode does not follow the other.
    #[error("there is no way from `{from}` to `{to}` but by `dual`, where the two graphs can be compared")]
    NoWay {
        /// The mode that it is in.
        from: Mode,
        /// The mode that was asked for.
        to: Mode,
    },
    /// A throw is under way: somebody else's, or one that was cut off.
    #[error(
        "a switch from `{}` to `{}` is under way: {} began it at {} (operation {})",
        .0.from, .0.to, .0.actor, .0.at, .0.operation
    )]
    UnderWay(Box<Started>),
    /// Nobody is named.
    #[error("a switch needs somebody who does it")]
    NoActor,
    /// No reason is given.
    #[error("a switch needs a reason: whoever looks at its history will want to know it")]
    NoReason,
    /// There is no certificate.
    #[error("a switch from `{from}` to `{to}` needs a certificate")]
    NoCertificate {
        /// The mode that it is in.
        from: Mode,
        /// The mode that was asked for.
        to: Mode,
    },
    /// The operation is not the one under way: it was given up, or is done.
    #[error("operation {0} is not under way any more")]
    NotUnderWay(Uuid),
    /// A step does not follow from the one before.
    #[error("a switch that has come as far as {at:?} cannot take this step")]
    OutOfOrder {
        /// How far it has come.
        at: Step,
    },
}

/// Begins to throw the flag.
///
/// # Errors
///
/// The rule against it.
pub fn start(state: &SwitchState, command: Start) -> Result<SwitchEvent, Rejection> {
    let Start { operation, to, actor, reason, certificate, at } = command;
    let from = state.mode;
    if let Some(under_way) = &state.under_way {
        return Err(Rejection::UnderWay(Box::new(under_way.started.clone())));
    }
    if from == to {
        return Err(Rejection::AlreadyThere(to));
    }
    if !to.may_follow(from) {
        return Err(Rejection::NoWay { from, to });
    }
    if actor.trim().is_empty() {
        return Err(Rejection::NoActor);
    }
    if reason.trim().is_empty() {
        return Err(Rejection::NoReason);
    }
    if to.needs_certificate(from) && certificate.is_none() {
        return Err(Rejection::NoCertificate { from, to });
    }
    Ok(SwitchEvent::Started(Started { operation, from, to, actor, reason, certificate, at }))
}

/// Stops all writers.
///
/// # Errors
///
/// The rule against it.
pub fn confirm_fence(state: &SwitchState, operation: Uuid, at: Timestamp) -> Result<SwitchEvent, Rejection> {
    at_step(state, operation, Step::Started)?;
    Ok(SwitchEvent::WritersFenced { operation, at })
}

/// Says that all that had been written is in the event store.
///
/// # Errors
///
/// The rule against it.
pub fn confirm_drained(
    state: &SwitchState,
    operation: Uuid,
    at: Timestamp,
) -> Result<SwitchEvent, Rejection> {
    at_step(state, operation, Step::Fenced)?;
    Ok(SwitchEvent::Drained { operation, at })
}

/// Says that the two graphs are the same.
///
/// # Errors
///
/// The rule against it.
pub fn confirm_verified(
    state: &SwitchState,
    operation: Uuid,
    positions: CategoryPositions,
    interviews: u64,
    at: Timestamp,
) -> Result<SwitchEvent, Rejection> {
    at_step(state, operation, Step::Drained)?;
    Ok(SwitchEvent::Verified { operation, positions, interviews, at })
}

/// Throws the flag.
///
/// # Errors
///
/// The rule against it: before the graphs were verified, for instance.
pub fn change_mode(state: &SwitchState, operation: Uuid, at: Timestamp) -> Result<SwitchEvent, Rejection> {
    let under_way = at_step(state, operation, Step::Verified)?;
    let positions = under_way.positions.ok_or(Rejection::OutOfOrder { at: under_way.step })?;
    Ok(SwitchEvent::ModeChanged { operation, mode: under_way.started.to, positions, at })
}

/// Gives a throw up, however far it has come.
///
/// # Errors
///
/// [`Rejection::NotUnderWay`] when there is nothing to give up.
pub fn abandon(
    state: &SwitchState,
    operation: Uuid,
    reason: impl Into<SmolStr>,
    at: Timestamp,
) -> Result<SwitchEvent, Rejection> {
    under_way(state, operation)?;
    Ok(SwitchEvent::Abandoned { operation, reason: reason.into(), at })
}

fn under_way(state: &SwitchState, operation: Uuid) -> Result<&UnderWay, Rejection> {
    let found = state.under_way.as_ref();
    found
        .filter(|under_way| under_way.started.operation == operation)
        .ok_or(Rejection::NotUnderWay(operation))
}

fn at_step(state: &SwitchState, operation: Uuid, step: Step) -> Result<&UnderWay, Rejection> {
    let under_way = under_way(state, operation)?;
    if under_way.step == step { Ok(under_way) } else { Err(Rejection::OutOfOrder { at: under_way.step }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATION: Uuid = Uuid::from_u128(7);
    const AT: Timestamp = Timestamp::EPOCH;

    fn wish(to: Mode) -> Start {
        Start {
            operation: OPERATION,
            to,
            actor: "ada".into(),
            reason: "the soak is over".into(),
            certificate: Some("digest".into()),
            at: AT,
        }
    }

    /// The flag after a throw to `to` that came as far as `step`.
    fn at(to: Mode, step: Step) -> SwitchState {
        let mut state = SwitchState::default();
        state = state.evolve(&start(&SwitchState::default(), wish(to)).expect("a start"));
        if step >= Step::Fenced {
            state = state.clone().evolve(&confirm_fence(&state, OPERATION, AT).expect("a fence"));
        }
        if step >= Step::Drained {
            state = state.clone().evolve(&confirm_drained(&state, OPERATION, AT).expect("drained"));
        }
        if step >= Step::Verified {
            let ends = CategoryPositions { interview: Some(1), sentence: Some(2) };
            state =
                state.clone().evolve(&confirm_verified(&state, OPERATION, ends, 3, AT).expect("verified"));
        }
        state
    }

    #[test]
    fn a_throw_that_goes_all_the_way_changes_the_mode_and_keeps_where_it_did() {
        let state = at(Mode::Projected, Step::Verified);
        assert_eq!(state.mode, Mode::Dual, "it is not thrown before it is thrown");
        let thrown = state.clone().evolve(&change_mode(&state, OPERATION, AT).expect("a change"));
        assert_eq!((thrown.mode, &thrown.under_way), (Mode::Projected, &None));
        let positions = CategoryPositions { interview: Some(1), sentence: Some(2) };
        assert_eq!(thrown.thrown.map(|thrown| thrown.positions), Some(positions));
        assert!(!thrown.is_fenced());
    }

    #[test]
    fn a_throw_that_is_given_up_leaves_the_mode_and_lifts_the_fence_wherever_it_was() {
        for step in [Step::Started, Step::Fenced, Step::Drained, Step::Verified] {
            let state = at(Mode::Projected, step);
            assert_eq!(state.is_fenced(), step >= Step::Fenced, "{step:?}");
            let after = state.clone().evolve(&abandon(&state, OPERATION, "too slow", AT).expect("given up"));
            assert_eq!((after.mode, after.under_way.is_none(), after.is_fenced()), (Mode::Dual, true, false));
        }
    }

    #[test]
    fn a_second_operator_is_told_who_was_first() {
        let state = at(Mode::Projected, Step::Fenced);
        let second = Start { operation: Uuid::from_u128(8), actor: "eve".into(), ..wish(Mode::Direct) };
        let Err(Rejection::UnderWay(started)) = start(&state, second) else { panic!("it was let through") };
        assert_eq!((started.operation, started.actor.as_str()), (OPERATION, "ada"));
    }

    #[test]
    fn no_step_is_skipped_and_none_is_taken_twice() {
        let (state, ends) = (at(Mode::Projected, Step::Fenced), CategoryPositions::default());
        assert!(matches!(confirm_fence(&state, OPERATION, AT), Err(Rejection::OutOfOrder { .. })));
        assert!(matches!(
            confirm_verified(&state, OPERATION, ends, 0, AT),
            Err(Rejection::OutOfOrder { .. })
        ));
        assert!(matches!(change_mode(&state, OPERATION, AT), Err(Rejection::OutOfOrder { .. })));
    }

    #[test]
    fn a_step_of_an_operation_that_is_over_is_refused() {
        let other = Uuid::from_u128(8);
        let state = at(Mode::Projected, Step::Verified);
        assert_eq!(change_mode(&state, other, AT), Err(Rejection::NotUnderWay(other)));
        assert_eq!(abandon(&SwitchState::default(), other, "r", AT), Err(Rejection::NotUnderWay(other)));
    }

    #[test]
    fn what_a_throw_needs_is_asked_for() {
        let dual = SwitchState::default();
        let refused = |wish: Start| start(&dual, wish).expect_err("a rule against it");
        assert_eq!(refused(wish(Mode::Dual)), Rejection::AlreadyThere(Mode::Dual));
        assert_eq!(refused(Start { actor: " ".into(), ..wish(Mode::Projected) }), Rejection::NoActor);
        assert_eq!(refused(Start { reason: "".into(), ..wish(Mode::Projected) }), Rejection::NoReason);
        let bare = Start { certificate: None, ..wish(Mode::Projected) };
        assert_eq!(refused(bare), Rejection::NoCertificate { from: Mode::Dual, to: Mode::Projected });
        let projected = SwitchState { mode: Mode::Projected, ..SwitchState::default() };
        let no_way = Rejection::NoWay { from: Mode::Projected, to: Mode::Direct };
        assert_eq!(start(&projected, wish(Mode::Direct)), Err(no_way));
        let back = Start { certificate: None, ..wish(Mode::Dual) };
        assert!(start(&projected, back).is_ok(), "the way back is never barred by a paper");
    }
}
