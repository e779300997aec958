//! What subscriptions deliver, disturbed: late, again, in another order, or not at all because the connection is lost.
//!
//! Deliveries and answers go over one connection, as they do on the wire: whoever cannot answer gets nothing more either, and
//! what was not answered comes again after the consumer has joined again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{Answers, Delivered, GroupId, LogError, Receiver, Subscription};
use rand::RngExt;
use rand::seq::SliceRandom;
use smol_str::SmolStr;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::injector::{Effect, Injected, Injector, Unavailable, pause};
use super::operation::{Operation, Site};
use super::rule::Kind;
use crate::seed::Stream;

/// How many deliveries are put into another order together, at most.
const REORDERED_TOGETHER: usize = 512;

/// How many deliveries are remembered to be delivered again.
const REMEMBERED: usize = 256;

/// Returns the name that a rule has for a group's subscription.
pub(super) fn name(group: &GroupId) -> &str {
    match group.stream.as_str() {
        "$ce-Interview" => "interviews",
        "$ce-Sentence" => "sentences",
        other => other,
    }
}

/// How much every subscription of a log has delivered, so that one can wait for another.
#[derive(Debug, Default)]
pub(super) struct Traffic(watch::Sender<BTreeMap<SmolStr, u64>>);

impl Traffic {
    fn delivered(&self, of: &SmolStr, events: usize) {
        self.0.send_modify(|delivered| *delivered.entry(of.clone()).or_default() += events as u64);
    }

    /// Waits until another subscription than this one has delivered something from now on. Says whether it has, in that time.
    async fn other_than(&self, of: &SmolStr, at_most: Duration) -> bool {
        let others = |delivered: &BTreeMap<SmolStr, u64>| -> u64 {
            delivered.iter().filter(|(name, _)| *name != of).map(|(_, events)| events).sum()
        };
        let mut changes = self.0.subscribe();
        let before = others(&changes.borrow());
        let waited = changes.wait_for(|delivered| others(delivered) > before);
        matches!(tokio::time::timeout(at_most, waited).await, Ok(Ok(_)))
    }
}

/// The connection that both halves of a subscription share.
#[derive(Debug, Default)]
struct Connection {
    is_lost: AtomicBool,
    lost: Notify,
}

impl Connection {
    fn lose(&self) {
        self.is_lost.store(true, Ordering::SeqCst);
        self.lost.notify_waiters();
    }

    fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::SeqCst)
    }

    async fn is_lost_at_last(&self) {
        let lost = self.lost.notified();
        if !self.is_lost() {
            lost.await;
        }
    }
}

fn connection_lost() -> LogError {
    LogError::unavailable(
        "deliver events of a persistent subscription",
        Injected { fault: SmolStr::new_static("the connection of the subscription is lost") },
    )
}

/// Puts faults in front of both halves of a subscription.
pub(super) fn disturbed(
    subscription: Subscription,
    group: &GroupId,
    injector: Arc<Injector>,
    traffic: Arc<Traffic>,
) -> Subscription {
    let of = SmolStr::new(name(group));
    let connection = Arc::new(Connection::default());
    let receiver = FaultyReceiver {
        inner: subscription.receiver,
        of: of.clone(),
        random: injector.stream(&of),
        injector: injector.clone(),
        traffic,
        connection: connection.clone(),
        ready: VecDeque::new(),
        remembered: VecDeque::new(),
    };
    let answers = FaultyAnswers { inner: subscription.answers, of, injector, connection };
    Subscription { receiver: Box::new(receiver), answers: Box::new(answers) }
}

struct FaultyReceiver {
    inner: Box<dyn Receiver>,
    of: SmolStr,
    random: Stream,
    injector: Arc<Injector>,
    traffic: Arc<Traffic>,
    connection: Arc<Connection>,
    /// What has come in and was not handed out yet: a caller that stops waiting loses none of it.
    ready: VecDeque<Delivered>,
    remembered: VecDeque<Delivered>,
}

#[async_trait]
impl Receiver for FaultyReceiver {
    async fn next(&mut self, limit: usize) -> Result<Vec<Delivered>, LogError> {
        if self.ready.is_empty() {
            self.take_in(limit).await?;
        }
        if self.connection.is_lost() {
            return Err(connection_lost());
        }
        let handed_out: Vec<Delivered> = self.ready.drain(..self.ready.len().min(limit.max(1))).collect();
        self.traffic.delivered(&self.of, handed_out.len());
        for delivered in &handed_out {
            if self.remembered.len() == REMEMBERED {
                self.remembered.pop_front();
            }
            self.remembered.push_back(delivered.clone());
        }
        Ok(handed_out)
    }
}

impl FaultyReceiver {
    /// Waits for deliveries, and lets happen to them what is decided.
    async fn take_in(&mut self, limit: usize) -> Result<(), LogError> {
        let delivered = tokio::select! {
            delivered = self.inner.next(limit) => delivered?,
            () = self.connection.is_lost_at_last() => return Err(connection_lost()),
        };
        self.ready.extend(delivered);
        match self.injector.decide(Site::of(Operation::Deliver, &self.of)) {
            Effect::Pass => {}
            Effect::Fails { takes, .. } => {
                // Whether they were lost on the way or never sent makes no difference.
                self.connection.lose();
                pause(takes).await;
                return Err(connection_lost());
            }
            Effect::Slow(takes) => pause(takes).await,
            Effect::Twice => self.ready.extend(again(self.ready.clone())),
            Effect::Crash { .. } => self.injector.die().await,
            Effect::Dead => std::future::pending().await,
            Effect::Deliveries { rule, kind, takes } => {
                let times = match kind {
                    Kind::Reorder => self.reorder(limit, takes).await?,
                    Kind::Redeliver => self.redeliver(),
                    _ => u64::from(self.traffic.other_than(&self.of, takes).await),
                };
                self.injector.struck(rule, times);
            }
        }
        Ok(())
    }

    /// Takes in what else comes in the meantime, and mixes all of it. Says how many events came after a later one of their
    /// stream.
    async fn reorder(&mut self, limit: usize, meanwhile: Duration) -> Result<u64, LogError> {
        while self.ready.len() < REORDERED_TOGETHER {
            match tokio::time::timeout(meanwhile, self.inner.next(limit)).await {
                Ok(delivered) => self.ready.extend(delivered?),
                Err(_) => break,
            }
        }
        self.ready.make_contiguous().shuffle(&mut self.random);
        Ok(overtaken(&self.ready))
    }

    /// Delivers some of what was delivered before once more, and some of what is new twice. Says how many.
    fn redeliver(&mut self) -> u64 {
        let mut copies: Vec<Delivered> = again(self.remembered.iter().chain(&self.ready).cloned().collect());
        copies.retain(|_| self.random.random_range(0..3) == 0);
        copies.shuffle(&mut self.random);
        let times = copies.len() as u64;
        self.ready.extend(copies);
        times
    }
}

/// Makes deliveries what they are when they come again.
fn again(deliveries: VecDeque<Delivered>) -> Vec<Delivered> {
    let again = |delivered: Delivered| Delivered { retry_count: delivered.retry_count + 1, ..delivered };
    deliveries.into_iter().map(again).collect()
}

/// Counts the events that come after a later one of their stream.
fn overtaken(deliveries: &VecDeque<Delivered>) -> u64 {
    let mut latest: BTreeMap<&StreamName, u64> = BTreeMap::new();
    let mut overtaken = 0;
    for event in deliveries.iter().filter_map(|delivered| delivered.event.as_ref()) {
        let latest = latest.entry(&event.stream).or_insert(event.revision);
        overtaken += u64::from(*latest > event.revision);
        *latest = (*latest).max(event.revision);
    }
    overtaken
}

struct FaultyAnswers {
    inner: Box<dyn Answers>,
    of: SmolStr,
    injector: Arc<Injector>,
    connection: Arc<Connection>,
}

impl FaultyAnswers {
    /// Sends an answer, the way that was decided.
    async fn send<F>(&self, operation: Operation, send: impl Fn() -> F + Send + Sync) -> Result<(), LogError>
    where
        F: Future<Output = Result<(), LogError>> + Send,
    {
        if self.connection.is_lost() {
            return Err(connection_lost());
        }
        let sent =
            self.injector.call(Site::of(operation, &self.of), "answer a persistent subscription", send).await;
        if sent.is_err() {
            self.connection.lose();
        }
        sent
    }
}

#[async_trait]
impl Answers for FaultyAnswers {
    async fn acknowledge(&self, ack_ids: Vec<Uuid>) -> Result<(), LogError> {
        self.send(Operation::Acknowledge, || self.inner.acknowledge(ack_ids.clone())).await
    }

    async fn park(&self, ack_id: Uuid, reason: &str) -> Result<(), LogError> {
        self.send(Operation::Park, || self.inner.park(ack_id, reason)).await
    }

    async fn retry(&self, ack_id: Uuid, reason: &str) -> Result<(), LogError> {
        self.send(Operation::Retry, || self.inner.retry(ack_id, reason)).await
    }
}
