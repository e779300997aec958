//! The metadata that accompanies every event: who caused it, when, and which aggregate's which version it is.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use uuid::Uuid;

use crate::ids::{AggregateId, EventId, ProjectId};
use crate::timestamp::Timestamp;

/// What kind of actor caused an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorType {
    /// A person.
    Human,
    /// A program that acts by rule.
    System,
    /// A model.
    Ai,
}

impl ActorType {
    /// Returns the kind that metadata names so.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "human" => Some(Self::Human),
            "system" => Some(Self::System),
            "ai" => Some(Self::Ai),
            _ => None,
        }
    }
}

/// Who caused an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The account that acted.
    #[serde(default)]
    pub user_id: Option<SmolStr>,
    /// The name to show.
    #[serde(default)]
    pub display: Option<SmolStr>,
    /// Person, program or model.
    pub actor_type: ActorType,
}

impl Actor {
    /// Returns the actor that stands for the pipeline itself.
    pub fn system() -> Self {
        Self { user_id: None, display: Some("pipeline".into()), actor_type: ActorType::System }
    }

    /// Returns a person, named by account.
    pub fn human(user_id: impl Into<SmolStr>) -> Self {
        Self { user_id: Some(user_id.into()), display: None, actor_type: ActorType::Human }
    }
}

/// The metadata of one event. The wire form is frozen; see the wire module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The event's id, in the envelope and in the store alike.
    pub event_id: EventId,
    /// Whose event it is.
    pub aggregate: AggregateId,
    /// The event's place in its stream, 0-based: the stream revision.
    pub version: u64,
    /// When it happened; every timestamp of the projected graph comes from here.
    pub occurred_at: Timestamp,
    /// The version of the payload's schema, `1.0.0` today.
    pub schema_version: SmolStr,
    /// Who caused it, if that is known.
    pub actor: Option<Actor>,
    /// Ties together what one request led to.
    pub correlation_id: Option<Uuid>,
    /// The event or command that led to this one.
    pub causation_id: Option<Uuid>,
    /// The program that wrote it, `interview_analyzer` unless told.
    pub source: SmolStr,
    /// The distributed trace that it belongs to.
    pub trace_id: Option<SmolStr>,
    /// The project: it lives here and not in the payload.
    pub project_id: Option<ProjectId>,
    /// Free labels.
    pub tags: Vec<SmolStr>,
}

/// The schema version that this program writes.
pub const SCHEMA_VERSION: &str = "1.0.0";

/// The value of `source` for events written without one.
pub const DEFAULT_SOURCE: &str = "interview_analyzer";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_acts_is_told_by_name() {
        let kinds = ["human", "system", "ai", "robot"].map(ActorType::from_name);
        assert_eq!(kinds, [Some(ActorType::Human), Some(ActorType::System), Some(ActorType::Ai), None]);
    }
}
