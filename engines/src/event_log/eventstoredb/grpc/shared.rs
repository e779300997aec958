//! The store that all services share: one mutex, and a signal for those who follow.
//!
//! [`SharedStore`] holds the lock for the length of one closure and never across a wait. Whoever follows the store is
//! woken when the log grew, and reads on from its own place: no event is copied or queued per follower.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use uuid::Uuid;

use super::super::log::Timestamp;
use super::super::store::Store;
use super::clock::Clock;
use super::gate::Gate;

/// What followers are woken by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signal {
    /// How many records the log has.
    pub log_len: usize,
    /// How many seconds the server has counted.
    pub ticks: u64,
    /// Whether the server shuts down.
    pub is_closing: bool,
}

/// The store behind its mutex, with the clock that times what happens to it.
#[derive(Debug)]
pub struct SharedStore {
    store: Mutex<Store>,
    clock: Arc<dyn Clock>,
    gate: Arc<dyn Gate>,
    signal: watch::Sender<Signal>,
}

impl SharedStore {
    /// Puts `store` behind a mutex.
    pub fn new(store: Store, clock: Arc<dyn Clock>, gate: Arc<dyn Gate>) -> Self {
        let signal = watch::Sender::new(Signal { log_len: store.log().len(), ..Signal::default() });
        Self { store: Mutex::new(store), clock, gate, signal }
    }

    /// Returns the present moment by the store's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns who may refuse calls.
    pub fn gate(&self) -> &dyn Gate {
        &*self.gate
    }

    /// Looks at the store.
    pub fn read<T>(&self, look: impl FnOnce(&Store, Timestamp) -> T) -> T {
        let now = self.now();
        look(&self.lock(), now)
    }

    /// Changes the store, and wakes the followers if the log grew.
    pub fn write<T>(&self, change: impl FnOnce(&mut Store, Timestamp) -> T) -> T {
        let now = self.now();
        let (result, log_len) = {
            let mut store = self.lock();
            let result = change(&mut store, now);
            (result, store.log().len())
        };
        // Writers may get here in another order than they had the lock: the length never goes back.
        self.signal.send_if_modified(|signal| {
            let grew = log_len > signal.log_len;
            signal.log_len = signal.log_len.max(log_len);
            grew
        });
        result
    }

    /// Returns an id from the store's source.
    pub fn new_id(&self) -> Uuid {
        self.lock().new_id()
    }

    /// Wakes whoever goes by the second, to look at the clock.
    pub fn tick(&self) {
        self.signal.send_modify(|signal| signal.ticks += 1);
    }

    /// Returns the signal as it is now.
    pub fn signal(&self) -> Signal {
        *self.signal.borrow()
    }

    /// Returns the signals from now on.
    pub fn signals(&self) -> WatchStream<Signal> {
        WatchStream::from_changes(self.signal.subscribe())
    }

    /// Tells whether the server shuts down.
    pub fn is_closing(&self) -> bool {
        self.signal.borrow().is_closing
    }

    /// Waits until the server shuts down.
    pub async fn closing(&self) {
        // The sender is in `self`, so the wait can only end as it should.
        let _ = self.signal.subscribe().wait_for(|signal| signal.is_closing).await;
    }

    /// Lets the server shut down: whoever follows is told, and every call ends.
    pub fn close(&self) {
        self.signal.send_modify(|signal| signal.is_closing = true);
    }

    /// A panic inside the state machine is a bug that its caller reports; the other calls can go on.
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::Settings;
    use super::super::clock::SystemClock;
    use super::super::gate::OpenGate;
    use super::*;

    fn shared() -> SharedStore {
        let store = Store::new(Settings::default(), Uuid::new_v4, Timestamp::default());
        SharedStore::new(store, Arc::new(SystemClock), Arc::new(OpenGate))
    }

    #[test]
    fn no_id_is_given_twice() {
        let shared = shared();
        assert_ne!(shared.new_id(), shared.new_id());
    }

    #[test]
    fn followers_are_woken_when_the_log_grew_and_not_otherwise() {
        let shared = shared();
        let mut follower = shared.signal.subscribe();

        shared.write(|_, _| ());
        assert!(!follower.has_changed().unwrap());

        let len = shared.write(|store, now| {
            store.append_json_as_system("s", "T", &serde_json::json!({}), now);
            store.log().len()
        });
        assert_eq!(follower.borrow_and_update().log_len, len);
        assert!(!follower.has_changed().unwrap());

        shared.tick();
        assert_eq!(follower.borrow_and_update().ticks, 1);
    }
}
