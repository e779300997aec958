//! The path from the event store to the projected graph: behind the fence, everything has to have gone it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::switch::CategoryPositions;
use cutover_engines::event_log::{EventLog, GroupId, LogError};
use cutover_service::projection::{Groups, ProjectionError};

/// How often the groups are asked.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// Why the projected graph does not have everything, and will not have it by waiting.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// The event store could not say.
    #[error("the event store could not say how far the projection has come")]
    Log(#[from] LogError),
    /// Events are parked.
    #[error("{parked} events of {group} are parked: the projected graph does not have them")]
    Parked {
        /// The group.
        group: GroupId,
        /// How many.
        parked: u64,
    },
    /// The projection failed.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
}

/// The path from the event store to the projected graph.
#[async_trait]
pub trait ProjectedPath: Send + Sync {
    /// Returns when every event up to these positions of the category streams is applied.
    ///
    /// # Errors
    ///
    /// [`PathError`] when waiting does not help.
    async fn has_applied(&self, positions: CategoryPositions) -> Result<(), PathError>;
}

/// A projection service that somebody else runs: its consumer groups tell how far it has come.
pub struct Service {
    log: Arc<dyn EventLog>,
    groups: Groups,
}

impl Service {
    /// Watches these groups.
    pub fn new(log: Arc<dyn EventLog>, groups: Groups) -> Self {
        Self { log, groups }
    }

    async fn is_behind(&self, group: &GroupId, last: Option<u64>) -> Result<bool, PathError> {
        let info = self.log.group_info(group).await?;
        if info.parked > 0 {
            return Err(PathError::Parked { group: group.clone(), parked: info.parked });
        }
        Ok(!info.is_caught_up_with(last))
    }
}

#[async_trait]
impl ProjectedPath for Service {
    async fn has_applied(&self, positions: CategoryPositions) -> Result<(), PathError> {
        loop {
            let behind = self.is_behind(&self.groups.interview, positions.interview).await?
                || self.is_behind(&self.groups.sentence, positions.sentence).await?;
            if !behind {
                return Ok(());
            }
            tokio::time::sleep(ASK_AGAIN_AFTER).await;
        }
    }
}
