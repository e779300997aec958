//! One subscription that stays joined: a task that takes deliveries in, and joins again after it was cut off.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use cutover_core::projector::Subscription;
use cutover_engines::event_log::{Answers, Delivered, EventLog, GroupId, LogError};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

/// How many deliveries are handed over at once.
const HANDED_OVER_AT_ONCE: usize = 1_024;

/// What a feed tells the driver.
pub(super) enum FeedEvent {
    /// It has joined the group; answers to what it delivers from now on go here.
    Joined(Subscription, Arc<dyn Answers>),
    /// Deliveries.
    Delivered(Subscription, Vec<Delivered>),
    /// It was cut off, and tries to join again.
    Lost(Subscription, LogError),
    /// It cannot go on.
    Failed(LogError),
}

/// Returns how to wait for a store that is not there: 50 ms, then doubled, at most 5 s.
pub(super) fn joining_backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(5))
        .without_max_times()
}

/// Starts a feed. It takes nothing in while the gate is closed (`false`), and ends when the receiver of `events` is dropped.
pub(super) fn start(
    subscription: Subscription,
    log: Arc<dyn EventLog>,
    group: GroupId,
    buffer: usize,
    gate: watch::Receiver<bool>,
    events: mpsc::Sender<FeedEvent>,
) -> AbortHandle {
    let feed = Feed { subscription, log, group, buffer, gate, events };
    tokio::spawn(async move {
        // The driver is gone: so is the need for a feed.
        let _ = feed.run().await;
    })
    .abort_handle()
}

struct Feed {
    subscription: Subscription,
    log: Arc<dyn EventLog>,
    group: GroupId,
    buffer: usize,
    gate: watch::Receiver<bool>,
    events: mpsc::Sender<FeedEvent>,
}

/// The driver no longer listens.
struct DriverGone;

impl Feed {
    async fn run(mut self) -> Result<(), DriverGone> {
        loop {
            match self.join_and_deliver().await? {
                error if error.is_transient() => self.tell(FeedEvent::Lost(self.subscription, error)).await?,
                error => return self.tell(FeedEvent::Failed(error)).await,
            }
        }
    }

    /// Joins, and hands deliveries over until the subscription ends; answers with the reason.
    async fn join_and_deliver(&mut self) -> Result<LogError, DriverGone> {
        // Without end: how long to wait for a store is the driver's to say, which ends this task.
        let joined = (|| self.log.subscribe(&self.group, self.buffer))
            .retry(joining_backoff())
            .when(LogError::is_transient)
            .await;
        let mut subscription = match joined {
            Ok(subscription) => subscription,
            Err(error) => return Ok(error),
        };
        self.tell(FeedEvent::Joined(self.subscription, subscription.answers.into())).await?;
        loop {
            self.gate.wait_for(|open| *open).await.map_err(|_| DriverGone)?;
            match subscription.receiver.next(HANDED_OVER_AT_ONCE).await {
                Ok(deliveries) => self.tell(FeedEvent::Delivered(self.subscription, deliveries)).await?,
                Err(error) => return Ok(error),
            }
        }
    }

    async fn tell(&self, event: FeedEvent) -> Result<(), DriverGone> {
        self.events.send(event).await.map_err(|_| DriverGone)
    }
}
