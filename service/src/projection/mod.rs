//! The projection service: drives core's projector with real subscriptions, transactions and timers.
//!
//! It decides nothing. What to apply, acknowledge, hold, retry or park, and when to pause, is the
//! [`Projector`](cutover_core::projector::Projector)'s to say; this module carries it out and reports back. The main type is
//! [`ProjectionService`].

mod driver;
mod feed;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backon::Retryable;
use cutover_core::ids::StreamName;
use cutover_core::projector::{Metrics, Settings as ProjectorSettings, Subscription};
use cutover_engines::event_log::{EventLog, GroupId, GroupSettings, LogError};
use cutover_engines::graph::{Graph, GraphError, Schema};
use tokio::time::Instant;

/// The two consumer groups of one projection. Each projection of a log has a pair of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// Follows the category stream of interviews.
    pub interview: GroupId,
    /// Follows the category stream of sentences.
    pub sentence: GroupId,
}

impl Groups {
    /// Returns the groups that the running service uses, `neo4j-projection-interview-v1` and its twin.
    pub fn in_production() -> Self {
        Self::named("v1")
    }

    /// Returns a pair of groups of another projection of the same log.
    pub fn named(name: &str) -> Self {
        let group = |category: &str| GroupId {
            stream: StreamName::new(format!("$ce-{category}")),
            group: format!("neo4j-projection-{}-{name}", category.to_lowercase()).into(),
        };
        Self { interview: group("Interview"), sentence: group("Sentence") }
    }

    /// Returns the group behind one of the two subscriptions.
    pub const fn of(&self, subscription: Subscription) -> &GroupId {
        match subscription {
            Subscription::Interview => &self.interview,
            Subscription::Sentence => &self.sentence,
        }
    }
}

/// How the service works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The projector's own settings.
    pub projector: ProjectorSettings,
    /// The consumer groups.
    pub groups: Groups,
    /// How the groups are made when they are not there.
    pub group_settings: GroupSettings,
    /// How many unanswered events each subscription holds at most.
    pub buffer: usize,
    /// How long a transaction may take before it counts as unanswered.
    pub apply_timeout: Duration,
    /// How long the store or the graph may be unavailable before the run ends with an error; `None` to wait for ever, as a service
    /// does.
    pub patience: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            projector: ProjectorSettings::default(),
            groups: Groups::in_production(),
            group_settings: GroupSettings::default(),
            buffer: 5_000,
            apply_timeout: Duration::from_secs(30),
            patience: None,
        }
    }
}

/// When a run ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When everything that is in the log has been applied, or parked.
    CaughtUp,
    /// Never: a service runs until it is told to stop.
    Stopped,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What the projector counted.
    pub metrics: Metrics,
    /// Deliveries whose link led nowhere, because the event's stream was deleted or truncated. They are acknowledged.
    pub dangling_links: u64,
}

/// Why a run ended before its time. Nothing is lost by it: what was not acknowledged is delivered again.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The event store refused.
    #[error("the projection cannot go on without its event store")]
    Log(#[from] LogError),
    /// The graph refused.
    #[error("the projection cannot go on without its graph")]
    Graph(#[from] GraphError),
    /// The store or the graph was unavailable for longer than the settings allow.
    #[error("the projection gave up after waiting {} ms for {what}", waited.as_millis())]
    OutOfPatience {
        /// What it waited for, with what was said last.
        what: String,
        /// How long it waited.
        waited: Duration,
    },
}

/// Is told how a projection goes while it goes on.
pub trait Watcher: Send + Sync {
    /// Takes notice of how many events wait or are under way, lane by lane. Called often: it must not take long.
    fn queue_depth(&self, depth: &[usize]);
}

/// A projection of one event log into one graph.
pub struct ProjectionService {
    log: Arc<dyn EventLog>,
    graph: Arc<dyn Graph>,
    settings: Settings,
    watcher: Option<Arc<dyn Watcher>>,
}

impl ProjectionService {
    /// Makes a service that is not running yet.
    pub fn new(log: Arc<dyn EventLog>, graph: Arc<dyn Graph>, settings: Settings) -> Self {
        Self { log, graph, settings, watcher: None }
    }

    /// Has somebody told how it goes.
    pub fn watched_by(mut self, watcher: Arc<dyn Watcher>) -> Self {
        self.watcher = Some(watcher);
        self
    }

    /// Prepares the graph, creates the groups where they are missing, and projects until the end that was asked for, or until
    /// `stop` completes. Batches under way are waited for before it returns, so that what is committed is also acknowledged; a store
    /// or a graph that is not there yet is not.
    ///
    /// # Errors
    ///
    /// Fails when the store or the graph refuses for good, or stays away for longer than [`Settings::patience`].
    pub async fn run(&self, until: Until, stop: impl Future<Output = ()>) -> Result<Report, ProjectionError> {
        let mut stop = std::pin::pin!(stop);
        tokio::select! {
            biased;
            () = &mut stop => return Ok(Report { metrics: Metrics::default(), dangling_links: 0 }),
            prepared = self.prepare() => prepared?,
        }
        driver::Driver::start(
            self.log.clone(),
            self.graph.clone(),
            self.settings.clone(),
            self.watcher.clone(),
        )
        .run(until, stop)
        .await
    }

    /// Makes what the graph and the event store must have.
    async fn prepare(&self) -> Result<(), ProjectionError> {
        self.patiently("the graph", GraphError::is_transient, || self.graph.prepare(Schema::Projected))
            .await?;
        for group in [&self.settings.groups.interview, &self.settings.groups.sentence] {
            let create = || self.log.ensure_group(group, &self.settings.group_settings);
            self.patiently("the event store", LogError::is_transient, create).await?;
        }
        Ok(())
    }

    /// Tries something again for as long as it fails for a reason that passes, and patience lasts.
    async fn patiently<T, E, F>(
        &self,
        what: &str,
        is_transient: impl Fn(&E) -> bool,
        operation: impl FnMut() -> F,
    ) -> Result<T, ProjectionError>
    where
        E: std::error::Error + Into<ProjectionError>,
        F: Future<Output = Result<T, E>>,
    {
        let started = Instant::now();
        let mut backoff = feed::joining_backoff();
        if let Some(patience) = self.settings.patience {
            backoff = backoff.with_total_delay(Some(patience));
        }
        let told = |error: &E, pause: Duration| {
            tracing::warn!(%what, said = %driver::describe(error), ?pause, "waiting");
        };
        operation.retry(backoff).when(&is_transient).notify(told).await.map_err(|error| {
            if is_transient(&error) {
                ProjectionError::OutOfPatience {
                    what: format!("{what} ({})", driver::describe(&error)),
                    waited: started.elapsed(),
                }
            } else {
                error.into()
            }
        })
    }

    /// Projects everything that is in the log, and returns.
    ///
    /// # Errors
    ///
    /// As [`ProjectionService::run`].
    pub async fn catch_up(&self) -> Result<Report, ProjectionError> {
        self.run(Until::CaughtUp, std::future::pending()).await
    }
}
