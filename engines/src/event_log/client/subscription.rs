//! A persistent subscription as two halves. The client has one object that both delivers and answers and that needs exclusive
//! access for either; a task owns it, so that a consumer that waits for a delivery can still answer.

use async_trait::async_trait;
use eventstore::{NakAction, PersistentSubscription, PersistentSubscriptionEvent};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::convert;
use crate::event_log::port::{Answers, Delivered, GroupId, LogError, Receiver, Subscription};

/// How many ids one message of acknowledgements names at most.
const ACKNOWLEDGED_AT_ONCE: usize = 2_000;

enum Answer {
    Acknowledge(Vec<Uuid>),
    Refuse { ack_id: Uuid, action: NakAction, reason: String },
}

/// Starts the task and hands out both halves.
///
/// Deliveries need no bound of their own: the store sends no more than the buffer size that the subscription was made with
/// before it has answers.
pub(super) fn start(inner: PersistentSubscription, group: GroupId) -> Subscription {
    let (deliver, deliveries) = mpsc::unbounded_channel();
    let (answer, answers) = mpsc::unbounded_channel();
    tokio::spawn(run(inner, group.clone(), deliver, answers));
    Subscription {
        receiver: Box::new(Deliveries { deliveries, group: group.clone() }),
        answers: Box::new(AnswerSender { answer, group }),
    }
}

/// Carries deliveries out and answers in, until both halves are dropped or the subscription ends.
async fn run(
    mut inner: PersistentSubscription,
    group: GroupId,
    deliver: mpsc::UnboundedSender<Result<Delivered, LogError>>,
    mut answers: mpsc::UnboundedReceiver<Answer>,
) {
    loop {
        tokio::select! {
            // Answers first: they make room for deliveries.
            biased;
            answer = answers.recv() => {
                let Some(answer) = answer else { return };
                if send(&mut inner, answer, &mut answers).await.is_err() {
                    let _ = deliver.send(Err(lost(&group)));
                    return;
                }
            }
            () = deliver.closed() => {
                // Nobody listens any more; answers that were given still go out.
                while let Some(answer) = answers.recv().await {
                    if send(&mut inner, answer, &mut answers).await.is_err() {
                        return;
                    }
                }
                return;
            }
            event = inner.next_subscription_event() => match event {
                Ok(PersistentSubscriptionEvent::EventAppeared { retry_count, event }) => {
                    let _ = deliver.send(Ok(convert::delivered(retry_count, &event)));
                }
                Ok(PersistentSubscriptionEvent::Confirmed(_)) => {}
                Err(error) => {
                    let _ = deliver.send(Err(ended(&group, error)));
                    return;
                }
            }
        }
    }
}

/// Sends an answer, together with the acknowledgements that wait behind it: one message for many ids.
async fn send(
    inner: &mut PersistentSubscription,
    answer: Answer,
    waiting: &mut mpsc::UnboundedReceiver<Answer>,
) -> eventstore::Result<()> {
    let mut next = Some(answer);
    let mut acknowledged = Vec::new();
    while let Some(answer) = next {
        match answer {
            Answer::Acknowledge(ids) => acknowledged.extend(ids),
            Answer::Refuse { ack_id, action, reason } => {
                inner.nack_ids([ack_id], action, reason).await?;
            }
        }
        next = waiting.try_recv().ok();
    }
    for ids in acknowledged.chunks(ACKNOWLEDGED_AT_ONCE) {
        inner.ack_ids(ids.to_vec()).await?;
    }
    Ok(())
}

fn ended(group: &GroupId, error: eventstore::Error) -> LogError {
    match error {
        eventstore::Error::IllegalStateError(_) => LogError::Dropped { group: group.clone() },
        eventstore::Error::ResourceNotFound => LogError::NoSuchGroup { group: group.clone() },
        error => convert::log_error("deliver events of a persistent subscription", error),
    }
}

fn lost(group: &GroupId) -> LogError {
    LogError::Dropped { group: group.clone() }
}

struct Deliveries {
    deliveries: mpsc::UnboundedReceiver<Result<Delivered, LogError>>,
    group: GroupId,
}

#[async_trait]
impl Receiver for Deliveries {
    async fn next(&mut self, limit: usize) -> Result<Vec<Delivered>, LogError> {
        // The task ends without a word only when the client's own code panics on a stream that was closed.
        let first = self.deliveries.recv().await.unwrap_or_else(|| Err(lost(&self.group)))?;
        let mut batch = vec![first];
        while batch.len() < limit {
            match self.deliveries.try_recv() {
                Ok(Ok(delivered)) => batch.push(delivered),
                // What came before the error is handed out first; the error is told at the next call, as the loss that it is.
                Ok(Err(_)) => {
                    self.deliveries.close();
                    break;
                }
                Err(_) => break,
            }
        }
        Ok(batch)
    }
}

struct AnswerSender {
    answer: mpsc::UnboundedSender<Answer>,
    group: GroupId,
}

impl AnswerSender {
    fn send(&self, answer: Answer) -> Result<(), LogError> {
        self.answer.send(answer).map_err(|_| lost(&self.group))
    }
}

#[async_trait]
impl Answers for AnswerSender {
    async fn acknowledge(&self, ack_ids: Vec<Uuid>) -> Result<(), LogError> {
        self.send(Answer::Acknowledge(ack_ids))
    }

    async fn park(&self, ack_id: Uuid, reason: &str) -> Result<(), LogError> {
        self.send(Answer::Refuse { ack_id, action: NakAction::Park, reason: reason.to_owned() })
    }

    async fn retry(&self, ack_id: Uuid, reason: &str) -> Result<(), LogError> {
        self.send(Answer::Refuse { ack_id, action: NakAction::Retry, reason: reason.to_owned() })
    }
}
