//! A persistent subscription without a wire: what a group sends comes out of a channel, answers are calls.

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::super::grpc::{Host, Inbox, shutting_down};
use super::super::log::Timestamp;
use super::super::persistent::{ClientId, NackAction, Subscriptions, ToClient};
use super::super::store::Store;
use super::{delivered, unavailable};
use crate::event_log::port::{Answers, Delivered, GroupId, LogError, Receiver, Subscription};

/// Hands out both halves of a consumer that the host has let in.
pub(super) fn of_client(host: Arc<Host>, client: ClientId, inbox: Inbox, group: &GroupId) -> Subscription {
    let membership = Arc::new(Membership { host, client, group: group.clone() });
    Subscription {
        receiver: Box::new(Deliveries { inbox, membership: Arc::clone(&membership) }),
        answers: Box::new(DirectAnswers { membership }),
    }
}

/// A consumer's place in its group, which both halves hold: it is given up with the last of them.
#[derive(Debug)]
struct Membership {
    host: Arc<Host>,
    client: ClientId,
    group: GroupId,
}

impl Membership {
    /// Says why the subscription has ended.
    fn ended(&self) -> LogError {
        if self.host.shared().is_closing() {
            return unavailable("deliver events of a persistent subscription", shutting_down());
        }
        LogError::Dropped { group: self.group.clone() }
    }

    /// Answers the group. A consumer that was dropped answers too late, and the group takes no notice.
    fn answer(
        &self,
        tell: impl FnOnce(&mut Subscriptions, ClientId, &mut Store, Timestamp),
    ) -> Result<(), LogError> {
        if self.host.shared().is_closing() {
            return Err(self.ended());
        }
        self.host.with(|groups, store, now| tell(groups, self.client, store, now));
        Ok(())
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.host.disconnect(self.client);
    }
}

struct Deliveries {
    inbox: Inbox,
    membership: Arc<Membership>,
}

impl Deliveries {
    /// Makes a delivery of what the group sent. Nothing comes after the store has dropped the consumer, or has shut down.
    fn delivered(&mut self, message: Option<ToClient>) -> Result<Delivered, LogError> {
        let Some(ToClient::Event { event, retry_count }) = message else {
            self.inbox.close();
            return Err(self.membership.ended());
        };
        Ok(delivered(&event, retry_count))
    }
}

#[async_trait]
impl Receiver for Deliveries {
    async fn next(&mut self, limit: usize) -> Result<Vec<Delivered>, LogError> {
        let first = self.inbox.recv().await;
        let mut batch = vec![self.delivered(first)?];
        while batch.len() < limit {
            let Ok(message) = self.inbox.try_recv() else { break };
            match self.delivered(Some(message)) {
                Ok(delivered) => batch.push(delivered),
                // What came before the end is handed out first; the end is told at the next call.
                Err(_) => break,
            }
        }
        Ok(batch)
    }
}

struct DirectAnswers {
    membership: Arc<Membership>,
}

#[async_trait]
impl Answers for DirectAnswers {
    async fn acknowledge(&self, ack_ids: Vec<Uuid>) -> Result<(), LogError> {
        self.membership.answer(|groups, client, store, now| groups.acknowledge(client, ack_ids, store, now))
    }

    async fn park(&self, ack_id: Uuid, reason: &str) -> Result<(), LogError> {
        self.membership.answer(|groups, client, store, now| {
            groups.refuse(client, vec![ack_id], NackAction::Park, reason, store, now);
        })
    }

    async fn retry(&self, ack_id: Uuid, reason: &str) -> Result<(), LogError> {
        self.membership.answer(|groups, client, store, now| {
            groups.refuse(client, vec![ack_id], NackAction::Retry, reason, store, now);
        })
    }
}
