//! The loop between the projector and the world: inputs in, actions out.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::event::Body;
use cutover_core::ids::{AggregateId, SentenceId};
use cutover_core::projector::{
    Action, Delivery, DeliveryId, Failure, Input, ParkReason, Projector, Subscription,
};
use cutover_core::wire;
use cutover_engines::event_log::{Answers, Delivered, EventLog, LogError};
use cutover_engines::graph::{ApplyError, Graph, GraphError};
use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use uuid::Uuid;

use super::feed::{self, FeedEvent};
use super::{ProjectionError, Report, Settings, Until, Watcher};

/// How long to wait before the store is asked again whether the groups have caught up: longer each time that nothing had come.
const PROBE_PAUSES: [Duration; 4] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(100),
];

/// What a task that the driver started came to.
enum Done {
    /// Something for the projector.
    Input(Input),
    /// How far the groups are, by subscription: events that are still to be answered.
    Lag([u64; 2]),
    /// The store did not say how far the groups are.
    LagUnknown(LogError),
    /// The graph cannot be used any more, whatever is asked of it.
    GraphUnusable(GraphError),
}

pub(super) struct Driver {
    log: Arc<dyn EventLog>,
    graph: Arc<dyn Graph>,
    settings: Settings,
    projector: Projector,
    started: Instant,
    feeds: Vec<AbortHandle>,
    feed_events: mpsc::Receiver<FeedEvent>,
    /// Of each feed one of its own: who waits at a gate with others goes on in any order.
    gates: Vec<watch::Sender<bool>>,
    answers: BTreeMap<Subscription, Arc<dyn Answers>>,
    /// What the store calls each delivery that is not answered yet.
    unanswered: FxHashMap<DeliveryId, (Subscription, Uuid)>,
    next_delivery: u64,
    tasks: JoinSet<Done>,
    wake_at: Option<Instant>,
    /// When to ask the store again whether the groups have caught up, and how often that came to nothing.
    probe_at: Option<Instant>,
    probes_in_vain: usize,
    probing: bool,
    caught_up: bool,
    /// What the run waits for, and since when.
    unavailable: BTreeMap<&'static str, (Instant, String)>,
    dangling_links: u64,
    watcher: Option<Arc<dyn Watcher>>,
}

impl Driver {
    /// Joins both groups and begins to take events in.
    pub(super) fn start(
        log: Arc<dyn EventLog>,
        graph: Arc<dyn Graph>,
        settings: Settings,
        watcher: Option<Arc<dyn Watcher>>,
    ) -> Self {
        let mut gates = Vec::new();
        // Few: what waits here is delivered and not answered, and counts against the subscription's buffer.
        let (events, feed_events) = mpsc::channel(4);
        let feeds = [Subscription::Interview, Subscription::Sentence]
            .map(|subscription| {
                let group = settings.groups.of(subscription).clone();
                let (gate, open) = watch::channel(true);
                gates.push(gate);
                feed::start(subscription, log.clone(), group, settings.buffer, open, events.clone())
            })
            .into();
        let started = Instant::now();
        // Until they have joined, the run waits for them, and a feed says nothing while it tries.
        let not_joined = [Subscription::Interview, Subscription::Sentence]
            .map(|subscription| (feed_name(subscription), (started, "not joined yet".to_owned())));
        Self {
            projector: Projector::new(settings.projector.clone()),
            log,
            graph,
            settings,
            started,
            feeds,
            feed_events,
            gates,
            answers: BTreeMap::new(),
            unanswered: FxHashMap::default(),
            next_delivery: 0,
            tasks: JoinSet::new(),
            wake_at: None,
            probe_at: None,
            probes_in_vain: 0,
            probing: false,
            caught_up: false,
            unavailable: BTreeMap::from(not_joined),
            dangling_links: 0,
            watcher,
        }
    }

    pub(super) async fn run(
        mut self,
        until: Until,
        stop: impl Future<Output = ()>,
    ) -> Result<Report, ProjectionError> {
        let mut stop = std::pin::pin!(stop);
        loop {
            if until == Until::CaughtUp {
                if self.caught_up {
                    break;
                }
                self.probe_when_idle();
            }
            let (wake_at, probe_at, out_of_patience_at) =
                (self.wake_at, self.probe_at, self.out_of_patience_at());
            // In this order, not in any: so that the same happens again in a simulation. What comes before deliveries ends by itself.
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = at(wake_at) => {
                    self.wake_at = None;
                    self.tell(Input::Tick).await;
                }
                Some(done) = self.tasks.join_next() => self.on_done(done).await?,
                Some(event) = self.feed_events.recv() => self.on_feed(event).await?,
                () = at(probe_at) => {
                    self.probe_at = None;
                    self.probe();
                }
                () = at(out_of_patience_at) => return Err(self.out_of_patience()),
            }
            self.show();
        }
        self.finish().await
    }

    /// Lets deliveries in, or no more of them. A feed that has ended takes no notice.
    fn let_in(&self, is_open: bool) {
        for gate in &self.gates {
            gate.send_replace(is_open);
        }
    }

    /// Lets batches under way come to their end, so that what is committed is acknowledged too.
    async fn finish(mut self) -> Result<Report, ProjectionError> {
        for feed in &self.feeds {
            feed.abort();
        }
        self.let_in(false);
        while let Some(done) = self.tasks.join_next().await {
            self.on_done(done).await?;
            self.show();
            if self.unavailable.contains_key(GRAPH) {
                break;
            }
        }
        Ok(Report { metrics: self.projector.metrics(), dangling_links: self.dangling_links })
    }

    /// Tells whoever watches how it goes.
    fn show(&self) {
        if let Some(watcher) = &self.watcher {
            watcher.queue_depth(&self.projector.queue_depth());
        }
    }

    async fn on_feed(&mut self, event: FeedEvent) -> Result<(), ProjectionError> {
        match event {
            FeedEvent::Joined(subscription, answers) => {
                self.unavailable.remove(feed_name(subscription));
                self.answers.insert(subscription, answers);
            }
            FeedEvent::Delivered(subscription, deliveries) => {
                self.probes_in_vain = 0;
                for delivered in deliveries {
                    self.on_delivered(subscription, delivered).await;
                }
                self.carry_out().await;
            }
            FeedEvent::Lost(subscription, error) => {
                tracing::warn!(?subscription, %error, "cut off from the event store; joining again");
                self.wait_for(feed_name(subscription), &describe(&error));
                self.answers.remove(&subscription);
                self.unanswered.retain(|_, (of, _)| *of != subscription);
                self.tell(Input::SubscriptionLost(subscription)).await;
            }
            FeedEvent::Failed(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn on_delivered(&mut self, subscription: Subscription, delivered: Delivered) {
        let Some(event) = delivered.event else {
            self.dangling_links += 1;
            self.acknowledge(subscription, vec![delivered.ack_id]).await;
            return;
        };
        let id = DeliveryId(self.next_delivery);
        self.next_delivery += 1;
        self.unanswered.insert(id, (subscription, delivered.ack_id));
        let (replayed, retry_count) = (delivered.replayed, delivered.retry_count);
        let delivery = Delivery { id, subscription, event, replayed, retry_count };
        self.projector.handle(self.now_ms(), Input::Delivered(delivery));
    }

    async fn on_done(&mut self, done: Result<Done, tokio::task::JoinError>) -> Result<(), ProjectionError> {
        // A task of ours panics only on a mistake in our code, and then the run must not go on as if nothing had happened.
        match done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())) {
            Done::Input(input) => {
                match &input {
                    Input::Committed { .. } | Input::Versions(_) => {
                        self.unavailable.remove(GRAPH);
                    }
                    Input::Failed {
                        failure: Failure::Unavailable { reason } | Failure::TooLarge { reason },
                        ..
                    }
                    | Input::CheckFailed { reason, .. } => self.wait_for(GRAPH, reason),
                    _ => {}
                }
                self.tell(input).await;
            }
            Done::Lag(lag) => {
                self.probing = false;
                self.unavailable.remove(STATUS);
                let is_idle = self.is_idle();
                for (subscription, events) in
                    [Subscription::Interview, Subscription::Sentence].into_iter().zip(lag)
                {
                    self.tell(Input::Lag { subscription, events }).await;
                }
                self.caught_up = is_idle && lag == [0, 0];
                self.probe_later();
            }
            Done::LagUnknown(error) => {
                self.probing = false;
                if !error.is_transient() {
                    return Err(error.into());
                }
                self.wait_for(STATUS, &describe(&error));
                self.probe_later();
            }
            Done::GraphUnusable(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Tells the projector something, and carries out what it says to that.
    async fn tell(&mut self, input: Input) {
        self.projector.handle(self.now_ms(), input);
        self.carry_out().await;
    }

    async fn carry_out(&mut self) {
        while let Some(action) = self.projector.poll() {
            match action {
                Action::Apply { batch, change_sets, .. } => {
                    let (graph, limit) = (self.graph.clone(), self.settings.apply_timeout);
                    self.tasks.spawn(async move {
                        let applied = tokio::time::timeout(limit, graph.apply(&change_sets)).await;
                        let failure = match applied {
                            Ok(Ok(())) => return Done::Input(Input::Committed { batch }),
                            Ok(Err(error)) => failure(error),
                            Err(_) => {
                                Ok(Failure::Unavailable { reason: format!("no answer within {limit:?}") })
                            }
                        };
                        match failure {
                            Ok(failure) => Done::Input(Input::Failed { batch, failure }),
                            Err(error) => Done::GraphUnusable(error),
                        }
                    });
                }
                Action::Acknowledge(deliveries) => {
                    let mut ids: BTreeMap<Subscription, Vec<Uuid>> = BTreeMap::new();
                    for delivery in deliveries {
                        if let Some((subscription, ack_id)) = self.unanswered.remove(&delivery) {
                            ids.entry(subscription).or_default().push(ack_id);
                        }
                    }
                    for (subscription, ids) in ids {
                        self.acknowledge(subscription, ids).await;
                    }
                }
                Action::Park { delivery, reason } => self.park(delivery, &reason).await,
                Action::Locate { sentence } => {
                    let log = self.log.clone();
                    self.tasks.spawn(async move { Done::Input(locate(&*log, sentence).await) });
                }
                Action::Check { aggregates } => {
                    let graph = self.graph.clone();
                    self.tasks.spawn(async move {
                        match graph.versions(&aggregates).await {
                            Ok(versions) => {
                                Done::Input(Input::Versions(aggregates.into_iter().zip(versions).collect()))
                            }
                            Err(error) if error.is_transient() => {
                                Done::Input(Input::CheckFailed { aggregates, reason: describe(&error) })
                            }
                            // There is nothing that could be asked more simply.
                            Err(error) => Done::GraphUnusable(error),
                        }
                    });
                }
                Action::WakeAt(ms) => self.wake_at = Some(self.started + Duration::from_millis(ms)),
                Action::Pause => self.let_in(false),
                Action::Resume => self.let_in(true),
            }
        }
    }

    /// An answer that cannot be given is one that the store did not get: it delivers the event again.
    async fn acknowledge(&self, subscription: Subscription, ids: Vec<Uuid>) {
        if let Some(answers) = self.answers.get(&subscription)
            && let Err(error) = answers.acknowledge(ids).await
        {
            tracing::debug!(?subscription, %error, "an acknowledgement did not go out; the events will come again");
        }
    }

    async fn park(&mut self, delivery: DeliveryId, reason: &ParkReason) {
        let Some((subscription, ack_id)) = self.unanswered.remove(&delivery) else { return };
        tracing::warn!(?subscription, %reason, "parking an event");
        if let Some(answers) = self.answers.get(&subscription)
            && let Err(error) = answers.park(ack_id, &reason.to_string()).await
        {
            tracing::debug!(?subscription, %error, "a parking did not go out; the event will come again");
        }
    }

    fn is_idle(&self) -> bool {
        self.unanswered.is_empty() && self.tasks.is_empty()
    }

    fn probe_when_idle(&mut self) {
        if self.is_idle() && self.probe_at.is_none() && self.answers.len() == 2 {
            self.probe_later();
        }
    }

    fn probe_later(&mut self) {
        let pause = PROBE_PAUSES[self.probes_in_vain.min(PROBE_PAUSES.len() - 1)];
        self.probes_in_vain += 1;
        self.probe_at = Some(Instant::now() + pause);
    }

    fn probe(&mut self) {
        if self.probing || !self.is_idle() {
            return;
        }
        self.probing = true;
        let (log, groups) = (self.log.clone(), self.settings.groups.clone());
        self.tasks.spawn(async move {
            let mut lag = [0, 0];
            for (lag, group) in lag.iter_mut().zip([&groups.interview, &groups.sentence]) {
                // The end of the stream first: what is appended after that is the next probe's business.
                let asked = async {
                    let last = log.last_revision(&group.stream).await?;
                    let info = log.group_info(group).await?;
                    Ok((last, info))
                };
                match asked.await {
                    Ok((last, info)) => *lag = info.lag(last),
                    Err(error) => return Done::LagUnknown(error),
                }
            }
            Done::Lag(lag)
        });
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn wait_for(&mut self, what: &'static str, said: &str) {
        if self.unavailable.get(what).is_none_or(|(_, before)| before != said) {
            tracing::warn!(%what, %said, "waiting");
        }
        self.unavailable.entry(what).or_insert_with(|| (Instant::now(), String::new())).1 = said.to_owned();
    }

    fn out_of_patience_at(&self) -> Option<Instant> {
        let patience = self.settings.patience?;
        self.unavailable.values().map(|(since, _)| *since + patience).min()
    }

    fn out_of_patience(&self) -> ProjectionError {
        let (what, (since, said)) = self
            .unavailable
            .iter()
            .min_by_key(|(_, (since, _))| *since)
            .expect("patience runs out only while something is unavailable");
        ProjectionError::OutOfPatience { what: format!("{what} ({said})"), waited: since.elapsed() }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        for feed in &self.feeds {
            feed.abort();
        }
    }
}

const GRAPH: &str = "the graph";
const STATUS: &str = "the event store's word on how far the groups are";

const fn feed_name(subscription: Subscription) -> &'static str {
    match subscription {
        Subscription::Interview => "the subscription to interviews",
        Subscription::Sentence => "the subscription to sentences",
    }
}

/// Waits until then; for ever when there is no such time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Returns what a refused batch is to the projector; an error where it is neither the batch's fault nor one that passes.
fn failure(error: ApplyError) -> Result<Failure, GraphError> {
    let error = match error {
        ApplyError::Conflict(conflicts) => {
            let versions = conflicts.into_iter().map(|conflict| (conflict.aggregate, conflict.current));
            return Ok(Failure::Conflict(versions.collect()));
        }
        ApplyError::Graph(error) => error,
    };
    let reason = describe(&error);
    match error {
        GraphError::Unavailable { .. } => Ok(Failure::Unavailable { reason }),
        GraphError::TooLarge { .. } => Ok(Failure::TooLarge { reason }),
        GraphError::Refused { .. } => Ok(Failure::Rejected { reason }),
        GraphError::Unusable { .. } => Err(error),
    }
}

/// Puts an error and its causes on one line.
pub(super) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Reads a sentence's interview from the first event of its stream.
async fn locate(log: &dyn EventLog, sentence: SentenceId) -> Input {
    let stream = AggregateId::Sentence(sentence).stream_name();
    match log.read(&stream, 0, 1).await {
        Ok(events) => {
            // The first event of a sentence is its creation, which names the interview.
            let interview = match events.first().map(wire::decode) {
                Some(Ok(event)) => match event.body {
                    Body::Sentence { interview, .. } => interview,
                    Body::Interview(_) | Body::Unknown { .. } => None,
                },
                Some(Err(_)) | None => None,
            };
            Input::Located { sentence, interview }
        }
        Err(error) if error.is_transient() => Input::LocateFailed { sentence },
        Err(_) => Input::Located { sentence, interview: None },
    }
}
