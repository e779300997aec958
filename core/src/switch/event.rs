//! What can have happened to the flag, under the names that its stream holds.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use uuid::Uuid;

use super::mode::Mode;
use crate::timestamp::Timestamp;

/// The last revision of each of the two category streams that projections follow; `None` where a stream has no event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryPositions {
    /// Of `$ce-Interview`.
    pub interview: Option<u64>,
    /// Of `$ce-Sentence`.
    pub sentence: Option<u64>,
}

/// Somebody began to throw the flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Names the operation.
    pub operation: Uuid,
    /// The mode that the flag was in.
    pub from: Mode,
    /// The mode that it is thrown to.
    pub to: Mode,
    /// Who does it.
    pub actor: SmolStr,
    /// Why.
    pub reason: SmolStr,
    /// The digest of the certificate that it relies on, where it needs one.
    pub certificate: Option<SmolStr>,
    /// When.
    pub at: Timestamp,
}

/// Something that has happened to the flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum SwitchEvent {
    /// Somebody began to throw it.
    Started(Started),
    /// From here on nobody writes: writers wait.
    WritersFenced {
        /// The operation.
        operation: Uuid,
        /// When.
        at: Timestamp,
    },
    /// All that had been written is in the event store.
    Drained {
        /// The operation.
        operation: Uuid,
        /// When.
        at: Timestamp,
    },
    /// All of that is in both graphs, which were compared once more, behind the fence, and are the same.
    Verified {
        /// The operation.
        operation: Uuid,
        /// Where the category streams end. Nothing was appended to them since.
        positions: CategoryPositions,
        /// How many interviews were compared behind the fence: those that had changed since all were.
        interviews: u64,
        /// When.
        at: Timestamp,
    },
    /// The flag is thrown, and writers go on in the new mode.
    ModeChanged {
        /// The operation.
        operation: Uuid,
        /// The new mode.
        mode: Mode,
        /// Where the category streams ended: all before it is on both paths.
        positions: CategoryPositions,
        /// When.
        at: Timestamp,
    },
    /// It was given up, and writers go on in the mode that was never left.
    Abandoned {
        /// The operation.
        operation: Uuid,
        /// Why.
        reason: SmolStr,
        /// When.
        at: Timestamp,
    },
}

/// An event of the flag's stream that this program cannot read: another version of it wrote there.
#[derive(Debug, thiserror::Error)]
#[error("the flag's stream holds an event that cannot be read")]
pub struct UnreadableEvent(#[from] serde_json::Error);

impl SwitchEvent {
    /// Returns the type that the event store has it under.
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Started(_) => "SwitchStarted",
            Self::WritersFenced { .. } => "WritersFenced",
            Self::Drained { .. } => "WritesDrained",
            Self::Verified { .. } => "GraphsVerified",
            Self::ModeChanged { .. } => "ModeChanged",
            Self::Abandoned { .. } => "SwitchAbandoned",
        }
    }

    /// Returns the operation that it belongs to.
    pub const fn operation(&self) -> Uuid {
        match self {
            Self::Started(Started { operation, .. })
            | Self::WritersFenced { operation, .. }
            | Self::Drained { operation, .. }
            | Self::Verified { operation, .. }
            | Self::ModeChanged { operation, .. }
            | Self::Abandoned { operation, .. } => *operation,
        }
    }

    /// Returns the id that the event store has it under. Each step comes once in an operation: an append that is repeated is
    /// recognised.
    pub fn id(&self) -> Uuid {
        Uuid::new_v5(&self.operation(), self.event_type().as_bytes())
    }

    /// Returns when it happened.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Started(Started { at, .. })
            | Self::WritersFenced { at, .. }
            | Self::Drained { at, .. }
            | Self::Verified { at, .. }
            | Self::ModeChanged { at, .. }
            | Self::Abandoned { at, .. } => *at,
        }
    }

    /// Returns the payload.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an event has text keys and no other obstacle")
    }

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// [`UnreadableEvent`] when it is none. The flag is not to be thrown, nor followed, by whoever cannot read all of it.
    pub fn from_json(bytes: &[u8]) -> Result<Self, UnreadableEvent> {
        Ok(serde_json::from_slice(bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_stored_under_names_that_stay() {
        let event = SwitchEvent::ModeChanged {
            operation: Uuid::from_u128(1),
            mode: Mode::Projected,
            positions: CategoryPositions { interview: Some(3), sentence: None },
            at: Timestamp::EPOCH,
        };
        let stored = json!({
            "event": "mode_changed",
            "operation": "00000000-0000-0000-0000-000000000001",
            "mode": "projected",
            "positions": {"interview": 3, "sentence": null},
            "at": "1970-01-01T00:00:00Z",
        });
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&event.to_json()).unwrap(), stored);
        assert_eq!(SwitchEvent::from_json(&event.to_json()).unwrap(), event);
        assert!(SwitchEvent::from_json(br#"{"event": "mode_guessed"}"#).is_err());
    }

    #[test]
    fn each_step_of_an_operation_has_an_id_of_its_own() {
        let (operation, at) = (Uuid::from_u128(1), Timestamp::EPOCH);
        let fenced = SwitchEvent::WritersFenced { operation, at };
        let given_up = SwitchEvent::Abandoned { operation, reason: "r".into(), at };
        assert_ne!(fenced.id(), given_up.id());
        assert_ne!(fenced.id(), SwitchEvent::WritersFenced { operation: Uuid::from_u128(2), at }.id());
    }
}
