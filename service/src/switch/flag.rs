//! The flag in the event store. The main type is [`Flag`].

use std::sync::Arc;

use cutover_core::ids::StreamName;
use cutover_core::switch::{self, Rejection, SwitchEvent, SwitchState, UnreadableEvent};
use cutover_engines::event_log::{EventLog, ExpectedRevision, LogError, NewEvent};

/// How many events are read at once. A throw has five.
const PAGE: usize = 256;

/// A flag, by its name.
#[derive(Clone)]
pub struct Flag {
    log: Arc<dyn EventLog>,
    stream: StreamName,
}

/// What was last seen of a flag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The flag.
    pub state: SwitchState,
    /// How many events led to it.
    pub events: u64,
}

/// Why a flag cannot be read, or does not take an event.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    /// The event store could not.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Another version of this program wrote there.
    #[error(transparent)]
    Unreadable(#[from] UnreadableEvent),
    /// A rule forbids it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Somebody else was first.
    #[error("somebody else has thrown the flag, or given it up, in the meantime")]
    Overtaken,
}

impl FlagError {
    /// Returns whether the same may go through later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Log(error) if error.is_transient())
    }
}

impl Flag {
    /// Names the flag of a store.
    pub fn new(log: Arc<dyn EventLog>, name: &str) -> Self {
        Self { log, stream: switch::stream(name) }
    }

    /// Returns its stream.
    pub const fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// Reads what has happened since it was last seen. One request, when nothing has.
    ///
    /// # Errors
    ///
    /// Fails when the store does not answer, or holds what cannot be read.
    pub async fn look(&self, mut seen: Seen) -> Result<Seen, FlagError> {
        loop {
            let page = self.log.read(&self.stream, seen.events, PAGE).await?;
            for recorded in &page {
                seen.state = seen.state.evolve(&SwitchEvent::from_json(&recorded.data)?);
                seen.events = recorded.revision + 1;
            }
            if page.len() < PAGE {
                return Ok(seen);
            }
        }
    }

    /// Reads everything that has ever happened to it.
    ///
    /// # Errors
    ///
    /// As [`Flag::look`].
    pub async fn history(&self) -> Result<Vec<SwitchEvent>, FlagError> {
        let mut history = Vec::new();
        loop {
            let page = self.log.read(&self.stream, history.len() as u64, PAGE).await?;
            for recorded in &page {
                history.push(SwitchEvent::from_json(&recorded.data)?);
            }
            if page.len() < PAGE {
                return Ok(history);
            }
        }
    }

    /// Appends what was decided on what was seen. An append whose answer was lost may be repeated.
    ///
    /// # Errors
    ///
    /// [`FlagError::Overtaken`] when something has happened since.
    pub async fn append(&self, seen: Seen, event: &SwitchEvent) -> Result<Seen, FlagError> {
        let expected = match seen.events.checked_sub(1) {
            Some(last) => ExpectedRevision::Exact(last),
            None => ExpectedRevision::NoStream,
        };
        let new = NewEvent {
            id: event.id(),
            event_type: event.event_type().into(),
            data: event.to_json(),
            metadata: b"{}".to_vec(),
        };
        match self.log.append(&self.stream, expected, vec![new]).await {
            Ok(_) => Ok(Seen { state: seen.state.evolve(event), events: seen.events + 1 }),
            Err(LogError::Conflict { .. }) => Err(FlagError::Overtaken),
            Err(error) => Err(error.into()),
        }
    }
}
