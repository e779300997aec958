//! The groups of a running server: [`Host`] locks them together with the store and brings clients what is theirs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;
use tonic::Status;

use super::super::super::log::Timestamp;
use super::super::super::persistent::{
    ClientId, ClientIdentity, ConfigError, GroupKey, SubscriptionError, Subscriptions, ToClient,
};
use super::super::super::store::Store;
use super::super::shared::{SharedStore, Signal};
use super::super::wire::Empty;

/// What a client receives: bounded by its slots, so the channel needs no bound of its own.
pub(in crate::event_log::eventstoredb) type Inbox = UnboundedReceiver<ToClient>;

/// All groups, and the ways to their clients.
#[derive(Debug)]
struct Hosted {
    subscriptions: Subscriptions,
    inboxes: FxHashMap<ClientId, UnboundedSender<ToClient>>,
    ticks: u64,
}

/// The persistent subscriptions of one server. Its lock is always taken before the store's.
#[derive(Debug)]
pub(in crate::event_log::eventstoredb) struct Host {
    shared: Arc<SharedStore>,
    hosted: Mutex<Hosted>,
}

impl Host {
    /// Starts the groups that the store holds, and follows the store until it closes.
    pub(in crate::event_log::eventstoredb) fn start(
        shared: Arc<SharedStore>,
    ) -> Result<Arc<Self>, ConfigError> {
        let subscriptions = shared.write(Subscriptions::load)?;
        let hosted = Hosted { subscriptions, inboxes: FxHashMap::default(), ticks: shared.signal().ticks };
        // From now on and not from when the task first runs: what is committed in between would be waited for.
        let signals = shared.signals();
        let host = Arc::new(Self { shared, hosted: Mutex::new(hosted) });
        tokio::spawn(Arc::clone(&host).follow(signals));
        Ok(host)
    }

    /// Works on the groups and the store as they are now, then sends what has come of it.
    pub(in crate::event_log::eventstoredb) fn with<T>(
        &self,
        work: impl FnOnce(&mut Subscriptions, &mut Store, Timestamp) -> T,
    ) -> T {
        let mut hosted = self.lock();
        let result = self.advance(&mut hosted, work);
        hosted.send();
        result
    }

    /// Lets a client in, and returns its number with the channel of what it gets.
    pub(in crate::event_log::eventstoredb) fn connect(
        &self,
        key: &GroupKey,
        slots: usize,
        identity: ClientIdentity,
    ) -> Result<(ClientId, Inbox), SubscriptionError> {
        let mut hosted = self.lock();
        let client = self.advance(&mut hosted, |subscriptions, store, now| {
            subscriptions.connect(key, slots, identity, store, now)
        })?;
        let (sender, inbox) = unbounded_channel();
        hosted.inboxes.insert(client, sender);
        hosted.send();
        Ok((client, inbox))
    }

    /// Takes back what a client held.
    pub(in crate::event_log::eventstoredb) fn disconnect(&self, client: ClientId) {
        let mut hosted = self.lock();
        hosted.inboxes.remove(&client);
        self.advance(&mut hosted, |subscriptions, store, now| subscriptions.disconnect(client, store, now));
        hosted.send();
    }

    /// Drops all clients, and starts every group again from what the store holds.
    pub(in crate::event_log::eventstoredb) fn restart(&self) -> Result<Empty, Status> {
        self.with(Subscriptions::restart).map_err(|error| {
            tracing::error!(%error, "persistent subscriptions cannot be restarted");
            Status::internal(error.to_string())
        })?;
        Ok(Empty {})
    }

    /// Returns the store.
    pub(in crate::event_log::eventstoredb) fn shared(&self) -> &SharedStore {
        &self.shared
    }

    /// Works on the groups after they have seen the seconds and commits that they missed.
    fn advance<T>(
        &self,
        hosted: &mut Hosted,
        work: impl FnOnce(&mut Subscriptions, &mut Store, Timestamp) -> T,
    ) -> T {
        let ticks = self.shared.signal().ticks;
        let is_late = std::mem::replace(&mut hosted.ticks, ticks) != ticks;
        self.shared.write(|store, now| {
            hosted.subscriptions.advance(store, now);
            if is_late {
                hosted.subscriptions.tick(store, now);
            }
            work(&mut hosted.subscriptions, store, now)
        })
    }

    /// Lets the groups see every commit and every second, until the server closes; then every client's stream ends.
    async fn follow(self: Arc<Self>, mut signals: WatchStream<Signal>) {
        while !self.shared.is_closing() && signals.next().await.is_some() {
            self.with(|_, _, _| ());
        }
        self.lock().inboxes.clear();
    }

    /// A panic inside the state machine is a bug that its caller reports; the other calls can go on.
    fn lock(&self) -> MutexGuard<'_, Hosted> {
        self.hosted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hosted {
    /// Empties the outbox. A client that is gone gets nothing: its disconnection is on the way.
    fn send(&mut self) {
        for (client, message) in self.subscriptions.take_outbox() {
            if let Some(inbox) = self.inboxes.get(&client) {
                let _ = inbox.send(message);
            }
        }
    }
}
