//! Persistent subscriptions through the official client, and through the generated one where it cannot ask.
//!
//! Time is the test's: the server's clock stands still until [`Consumers::pass`] moves it and ticks.

mod delivery;
mod management;
mod progress;
mod strategies;

use std::sync::Arc;
use std::time::Duration;

use cutover_engines::event_log::eventstoredb::grpc::wire::persistent_subscriptions::persistent_subscriptions_client::PersistentSubscriptionsClient;
use cutover_engines::event_log::eventstoredb::grpc::{ManualClock, Options, Ticks};
use cutover_engines::event_log::eventstoredb::Timestamp;
use eventstore::{
    NakAction, PersistentSubscription, PersistentSubscriptionEvent, PersistentSubscriptionInfo,
    PersistentSubscriptionOptions, ResolvedEvent, SubscribeToPersistentSubscriptionOptions, StreamPosition,
};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::support::{PATIENCE, Server, server_with, soon};

/// The stream and the group of most tests.
const STREAM: &str = "orders-1";
const GROUP: &str = "consumers";

/// A server whose clock stands still.
struct Consumers {
    server: Server,
    clock: Arc<ManualClock>,
}

/// One delivery: the revision of the original event, and how often it was sent before.
type Delivery = (u64, usize);

/// Returns the default settings of the client, but from the start.
fn from_start() -> PersistentSubscriptionOptions {
    PersistentSubscriptionOptions::default().start_from(StreamPosition::Start)
}

/// Starts a server whose clock stands still.
async fn consumers() -> Consumers {
    let clock = Arc::new(ManualClock::new(Timestamp::since_unix_epoch(Duration::from_secs(1_700_000_000))));
    let options = Options { clock: Arc::clone(&clock) as _, ticks: Ticks::ByHand, ..Options::default() };
    Consumers { server: server_with(options).await, clock }
}

/// Starts a server with `events` events in [`STREAM`] and a group on it.
async fn group(events: u128, options: &PersistentSubscriptionOptions) -> Consumers {
    let consumers = consumers().await;
    if events > 0 {
        consumers.server.fill(STREAM, events).await;
    }
    consumers.create(options).await.expect("the group can be created");
    consumers
}

impl Consumers {
    async fn create(&self, options: &PersistentSubscriptionOptions) -> eventstore::Result<()> {
        self.server.client.create_persistent_subscription(STREAM, GROUP, options).await
    }

    /// Lets a client in that may hold `slots` events.
    async fn try_connect(&self, slots: usize) -> eventstore::Result<Consumer> {
        let options = SubscribeToPersistentSubscriptionOptions::default().buffer_size(slots);
        let subscription =
            self.server.client.subscribe_to_persistent_subscription(STREAM, GROUP, &options).await?;
        Ok(Consumer { subscription })
    }

    async fn connect(&self, slots: usize) -> Consumer {
        self.try_connect(slots).await.expect("the group lets the client in")
    }

    /// Lets a client read the group on `$all`.
    async fn connect_to_all(&self) -> Consumer {
        let read = SubscribeToPersistentSubscriptionOptions::default();
        let client = &self.server.client;
        let subscription = client.subscribe_to_persistent_subscription_to_all(GROUP, &read).await;
        Consumer { subscription: subscription.expect("the group lets the client in") }
    }

    /// Waits until the group on `$all` has stored a checkpoint.
    async fn until_checkpoint_in_all(&self) {
        let asking = async {
            let client = &self.server.client;
            loop {
                let info = client.get_persistent_subscription_info_to_all(GROUP, &Default::default()).await;
                if info.expect("the group is there").stats.last_checkpointed_position.is_some() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        soon(tokio::time::timeout(PATIENCE, asking).await);
    }

    /// Moves the clock on and lets the server see it.
    fn pass(&self, duration: Duration) {
        self.clock.advance(duration);
        self.server.handle.tick();
    }

    async fn info(&self) -> eventstore::Result<PersistentSubscriptionInfo<u64>> {
        self.server.client.get_persistent_subscription_info(STREAM, GROUP, &Default::default()).await
    }

    /// Asks for group information until it is as expected: answers of clients are taken whenever they arrive.
    async fn until(
        &self,
        is_expected: impl Fn(&PersistentSubscriptionInfo<u64>) -> bool,
    ) -> PersistentSubscriptionInfo<u64> {
        let asking = async {
            loop {
                let info = self.info().await.expect("the group is there");
                if is_expected(&info) {
                    return info;
                }
                tokio::task::yield_now().await;
            }
        };
        soon(tokio::time::timeout(PATIENCE, asking).await)
    }

    /// Waits until clients and group have nothing in flight but `count` events.
    async fn until_outstanding(&self, count: usize) -> PersistentSubscriptionInfo<u64> {
        self.until(|info| info.stats.outstanding_messages_count == count).await
    }

    /// Waits until `count` events are parked.
    async fn until_parked(&self, count: usize) -> PersistentSubscriptionInfo<u64> {
        self.until(|info| info.stats.parked_message_count == count).await
    }

    /// Returns the checkpoint that is stored, once `acknowledged` events have been taken.
    async fn checkpoint_after(&self, acknowledged: usize) -> Option<u64> {
        let info = self.until(|info| info.stats.total_items == acknowledged).await;
        info.stats.last_checkpointed_event_revision
    }

    /// Returns the generated client.
    async fn raw(&self) -> PersistentSubscriptionsClient<Channel> {
        let address = format!("http://{}", self.server.handle.address());
        PersistentSubscriptionsClient::connect(address).await.expect("the server listens")
    }
}

/// A client of a group.
struct Consumer {
    subscription: PersistentSubscription,
}

impl Consumer {
    /// Waits for what comes next, whatever it is.
    async fn next(&mut self) -> eventstore::Result<PersistentSubscriptionEvent> {
        soon(tokio::time::timeout(PATIENCE, self.subscription.next_subscription_event()).await)
    }

    /// Waits for the next event.
    async fn next_event(&mut self) -> eventstore::Result<(ResolvedEvent, usize)> {
        loop {
            if let PersistentSubscriptionEvent::EventAppeared { event, retry_count } = self.next().await? {
                return Ok((event, retry_count));
            }
        }
    }

    /// Waits for that many events, and returns them.
    async fn take(&mut self, count: usize) -> Vec<(ResolvedEvent, usize)> {
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(self.next_event().await.expect("an event comes"));
        }
        events
    }

    /// Waits for one event, and returns it.
    async fn one(&mut self) -> ResolvedEvent {
        self.next_event().await.expect("an event comes").0
    }

    async fn ack(&mut self, events: &[&ResolvedEvent]) {
        self.subscription.ack_ids(ids(events)).await.expect("the answer is sent");
    }

    async fn nack(&mut self, events: &[&ResolvedEvent], action: NakAction) {
        self.subscription.nack_ids(ids(events), action, "because").await.expect("the answer is sent");
    }

    /// Waits for that many events, acknowledges each when it comes, and says which they were.
    async fn take_and_ack(&mut self, count: usize) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for _ in 0..count {
            let (event, retry_count) = self.next_event().await.expect("an event comes");
            deliveries.push((revision(&event), retry_count));
            self.ack(&[&event]).await;
        }
        deliveries
    }
}

fn ids(events: &[&ResolvedEvent]) -> Vec<Uuid> {
    events.iter().map(|event| event.get_original_event().id).collect()
}

/// Returns the revision of the event, not of its link.
fn revision(event: &ResolvedEvent) -> u64 {
    event.event.as_ref().expect("the event can be read").revision
}

fn deliveries(events: &[(ResolvedEvent, usize)]) -> Vec<Delivery> {
    events.iter().map(|(event, retry_count)| (revision(event), *retry_count)).collect()
}

/// Returns first deliveries of these revisions.
fn first(revisions: std::ops::Range<u64>) -> Vec<Delivery> {
    revisions.map(|revision| (revision, 0)).collect()
}
