//! Waiting until both graphs of a live system have taken in what was written: the outbox first, then the projection. The main
//! type is [`CaughtUp`].

use std::time::Duration;

use async_trait::async_trait;
use cutover_engines::graph::GraphError;

use super::{GroupFigures, LiveFigures, LiveSystem};
use crate::diff::Watermark;

/// How long it is between two questions.
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// Waits for a live system. It need not come to rest: who goes on writing is not waited for.
#[derive(Clone)]
pub struct CaughtUp {
    system: LiveSystem,
    /// How long is waited at most.
    within: Duration,
}

/// What has not come about in time.
#[derive(Debug, thiserror::Error)]
enum NotInTime {
    #[error("the outbox of the direct graph still held {entries} entries after {} s", within.as_secs())]
    Outbox { entries: u64, within: Duration },
    #[error("{group} had answered {answered} of {of} events after {} s", within.as_secs())]
    Projection { group: String, answered: u64, of: u64, within: Duration },
    #[error("there is no consumer group {group}: nothing projects")]
    NoGroup { group: String },
}

impl CaughtUp {
    /// Waits for that system, so long at most.
    pub const fn new(system: LiveSystem, within: Duration) -> Self {
        Self { system, within }
    }

    async fn figures(&self) -> Result<LiveFigures, GraphError> {
        self.system.figures().await.map_err(|error| unavailable(error.into()))
    }
}

#[async_trait]
impl Watermark for CaughtUp {
    async fn passed(&self) -> Result<(), GraphError> {
        let begin = tokio::time::Instant::now();
        let within = self.within;
        // What waits in the outbox is in the direct graph already, and not in the log yet.
        let mut figures = self.figures().await?;
        while figures.outbox > 0 {
            if begin.elapsed() >= within {
                return Err(unavailable(NotInTime::Outbox { entries: figures.outbox, within }.into()));
            }
            tokio::time::sleep(ASKED_EVERY).await;
            figures = self.figures().await?;
        }
        // What is appended from now on is no matter of this watermark.
        let ends = [figures.interview.events, figures.sentence.events];
        loop {
            let mut behind = None;
            for (figures, of) in [&figures.interview, &figures.sentence].into_iter().zip(ends) {
                let answered = answered(figures)?;
                if answered < of {
                    let group = figures.group.to_string();
                    behind = Some(NotInTime::Projection { group, answered, of, within });
                }
            }
            match behind {
                None => return Ok(()),
                Some(behind) if begin.elapsed() >= within => return Err(unavailable(behind.into())),
                Some(_) => tokio::time::sleep(ASKED_EVERY).await,
            }
            figures = self.figures().await?;
        }
    }
}

/// Returns how many events a group has answered.
fn answered(GroupFigures { group, events, standing }: &GroupFigures) -> Result<u64, GraphError> {
    match standing {
        Some(standing) => Ok(events.saturating_sub(standing.lag)),
        // Without an event there need be no group.
        None if *events == 0 => Ok(0),
        None => Err(unavailable(NotInTime::NoGroup { group: group.to_string() }.into())),
    }
}

fn unavailable(source: Box<dyn std::error::Error + Send + Sync>) -> GraphError {
    GraphError::Unavailable { during: "take in what was written", source }
}
