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
        let ready = self.ready.make_contiguous();
        ready.shuffle(&mut self.random);
        // Few events may come out in the order of their streams by chance: the opposite is the order that is asked for, then.
        if overtaken(ready) == 0 {
            ready.reverse();
        }
        Ok(overtaken(ready))
    }

    /// Delivers some of what was delivered before once more, and some of what is new twice. Says how many.
    fn redeliver(&mut self) -> u64 {
        let mut copies: Vec<Delivered> = again(self.remembered.iter().chain(&self.ready).cloned().collect());
        let always = self.random.random_range(0..copies.len().max(1));
        let mut at = 0..copies.len();
        copies.retain(|_| at.next() == Some(always) || self.random.random_range(0..3) == 0);
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
fn overtaken(deliveries: &[Delivered]) -> u64 {
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use cutover_core::event::RecordedEvent;

    use super::*;
    use crate::fault::rule::{Rule, When};
    use crate::seed::Seed;

    /// Delivers what it was given, page by page, and then nothing more.
    struct Pages(VecDeque<Vec<Delivered>>);

    #[async_trait]
    impl Receiver for Pages {
        async fn next(&mut self, _limit: usize) -> Result<Vec<Delivered>, LogError> {
            match self.0.pop_front() {
                Some(page) => Ok(page),
                None => std::future::pending().await,
            }
        }
    }

    /// Takes note of what is acknowledged.
    #[derive(Default)]
    struct Acknowledged(Arc<Mutex<Vec<Uuid>>>);

    #[async_trait]
    impl Answers for Acknowledged {
        async fn acknowledge(&self, ack_ids: Vec<Uuid>) -> Result<(), LogError> {
            self.0.lock().expect("no thread panics with it").extend(ack_ids);
            Ok(())
        }

        async fn park(&self, _ack_id: Uuid, _reason: &str) -> Result<(), LogError> {
            Ok(())
        }

        async fn retry(&self, _ack_id: Uuid, _reason: &str) -> Result<(), LogError> {
            Ok(())
        }
    }

    fn delivered(position: u64) -> Delivered {
        let event = RecordedEvent {
            stream: StreamName::new("Sentence-1"),
            revision: position,
            id: Uuid::from_u128(u128::from(position)),
            event_type: "E".into(),
            data: b"{}".to_vec().into(),
            metadata: b"{}".to_vec().into(),
        };
        Delivered { ack_id: event.id, event: Some(event), replayed: false, retry_count: 0, position }
    }

    /// A subscription to three pages of one event each, with a fault; and what it gets to acknowledge.
    fn subscription(kind: Kind, on: Operation) -> (Subscription, Arc<Injector>, Arc<Mutex<Vec<Uuid>>>) {
        let injector = Arc::new(Injector::new(Seed::new(1)));
        injector.ask_for(Rule {
            on: vec![on],
            of: None,
            kind,
            when: When::OneIn(1),
            times: None,
            takes: Duration::from_millis(1),
        });
        let pages = Pages((0..3).map(|position| vec![delivered(position)]).collect());
        let answers = Acknowledged::default();
        let acknowledged = answers.0.clone();
        let subscription = Subscription { receiver: Box::new(pages), answers: Box::new(answers) };
        let group = GroupId { stream: StreamName::new("$ce-Sentence"), group: "g".into() };
        (disturbed(subscription, &group, injector.clone(), Arc::default()), injector, acknowledged)
    }

    fn positions(deliveries: &[Delivered]) -> Vec<u64> {
        deliveries.iter().map(|delivered| delivered.position).collect()
    }

    #[tokio::test]
    async fn what_comes_together_is_delivered_in_another_order_and_all_of_it() {
        let (mut subscription, injector, _) = subscription(Kind::Reorder, Operation::Deliver);
        let mut positions = positions(&subscription.receiver.next(10).await.expect("deliveries"));
        assert_ne!(positions, [0, 1, 2]);
        assert!(injector.struck_in_all() > 0);
        positions.sort_unstable();
        assert_eq!(positions, [0, 1, 2]);
    }

    #[tokio::test]
    async fn what_is_delivered_again_says_so_and_the_first_delivery_is_not_missing() {
        let (mut subscription, injector, _) = subscription(Kind::Redeliver, Operation::Deliver);
        let deliveries = subscription.receiver.next(10).await.expect("deliveries");
        assert_eq!((deliveries[0].position, deliveries[0].retry_count), (0, 0));
        assert_eq!((deliveries[1].position, deliveries[1].retry_count), (0, 1));
        assert_eq!(injector.struck_in_all(), 1);
    }

    #[tokio::test]
    async fn whoever_cannot_answer_gets_nothing_more_either() {
        let (mut subscription, _, acknowledged) = subscription(Kind::Fails, Operation::Acknowledge);
        let first = subscription.receiver.next(10).await.expect("deliveries");
        subscription.answers.acknowledge(vec![first[0].ack_id]).await.expect_err("the fault");
        assert!(subscription.receiver.next(10).await.is_err_and(|error| error.is_transient()));
        assert!(acknowledged.lock().expect("no thread panics with it").is_empty());
    }

    #[tokio::test]
    async fn an_answer_whose_reply_is_lost_has_arrived() {
        let (mut subscription, _, acknowledged) = subscription(Kind::ReplyLost, Operation::Acknowledge);
        let first = subscription.receiver.next(10).await.expect("deliveries");
        subscription.answers.acknowledge(vec![first[0].ack_id]).await.expect_err("the fault");
        assert_eq!(*acknowledged.lock().expect("no thread panics with it"), [first[0].ack_id]);
    }

    #[tokio::test]
    async fn what_is_held_back_comes_when_the_other_subscription_has_delivered_or_the_time_is_over() {
        let (mut subscription, injector, _) = subscription(Kind::HoldBack, Operation::Deliver);
        assert_eq!(positions(&subscription.receiver.next(10).await.expect("deliveries")), [0]);
        assert_eq!(injector.struck_in_all(), 0, "there was no other subscription to wait for");
    }
}
