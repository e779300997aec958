//! Watches: one round after the other, each remembered before anybody is told of it. The main type is [`Watch`].
//!
//! It may be killed at any point. What a round saw is written down with the alerts that it gives before they are told, so that one that
//! was not told is told by whoever goes on; it may be told twice then.

use std::path::PathBuf;
use std::time::Duration;

use cutover_core::timestamp::Timestamp;
use cutover_service::pipeline::Clock;
use serde::Serialize;

use super::alert::{Alert, AlertKind};
use super::criteria::Criteria;
use super::file::{About, Lock, StateError, StateFile};
use super::observation::{Cursor, Figures, Observation};
use super::phase::Phase;
use super::rollback::Rollback;
use super::round::Watched;
use super::standing::Standing;
use super::state::{Record, Tally};
use super::webhook::{Hook, Note};
use crate::certificate::policy_digest;
use crate::error::chain;
use crate::provision::external::ExternalError;

/// So many alerts wait for a webhook at most; the oldest go first.
const UNTOLD_MAX: usize = 100;

/// What is to be opened.
pub struct Opened<'a> {
    /// What is watched.
    pub watched: Watched<'a>,
    /// The name of the flag.
    pub flag: &'a str,
    /// Where the soak is kept.
    pub file: PathBuf,
    /// What it is held against; as before when left out, and as it ships where there is none before.
    pub criteria: Option<Criteria>,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Who is told of alerts besides.
    pub hook: Option<&'a dyn Hook>,
    /// Who throws the flag back when a soak after the flip is broken.
    pub rollback: Option<&'a dyn Rollback>,
}

/// Watches a system.
pub struct Watch<'a> {
    opened: Opened<'a>,
    state: StateFile,
    /// Alerts that came about before the first round.
    first: Vec<Alert>,
    _lock: Lock,
}

/// Why a soak is not gone on with.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The servers cannot be asked which they are.
    #[error(transparent)]
    External(#[from] ExternalError),
    /// What is kept cannot be read or written, or is about something else.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What a round came to, for whoever wants to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Round {
    /// The version of this form.
    pub schema_version: u32,
    /// When it began.
    pub at: Timestamp,
    /// Which soak.
    pub phase: Option<Phase>,
    /// How the projection stood.
    pub figures: Option<Figures>,
    /// How many elements were compared; none where it came to nothing.
    pub compared: Option<u64>,
    /// How many differences are known to be there.
    pub differing: u64,
    /// Why it came to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<String>,
    /// Whether that was because a server did not answer.
    #[serde(skip)]
    pub is_environment: bool,
    /// How long it was watched, in milliseconds.
    pub watched_ms: u64,
    /// What was counted since it began.
    pub total: Tally,
    /// How it stands.
    pub soak: Standing,
    /// What came about.
    pub alerts: Vec<Alert>,
    /// Why the webhook has not taken an alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// How many alerts it has not taken yet.
    pub untold: usize,
}

/// When watching comes to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until {
    /// After so long; `None` for not at all.
    pub after: Option<Duration>,
    /// As soon as the soak is fulfilled, or broken.
    pub fulfilled: bool,
}

/// How it came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The time is over.
    Time,
    /// The soak is fulfilled or broken.
    Decided,
}

impl<'a> Watch<'a> {
    /// Goes on with the soak that is kept, or begins one. Under other criteria, or another policy, than before it begins anew.
    ///
    /// # Errors
    ///
    /// [`WatchError`], before anything is watched.
    pub async fn open(opened: Opened<'a>) -> Result<Self, WatchError> {
        let lock = Lock::take(&opened.file)?;
        let about = about(&opened).await?;
        let now = opened.clock.now();
        let mut first = Vec::new();
        let state = match StateFile::read_if_there(&opened.file)? {
            None => StateFile::new(about, opened.criteria.clone().unwrap_or_else(Criteria::bundled)),
            Some(mut kept) => {
                kept.is_about(&opened.file, &about)?;
                let criteria = opened.criteria.clone().unwrap_or_else(|| kept.criteria.clone());
                let other = match (kept.criteria == criteria, kept.about.policy == about.policy) {
                    (true, true) => None,
                    (false, _) => Some("it is held against other criteria than before"),
                    (_, false) => Some("something else counts as the same than before"),
                };
                if let Some(told) = other {
                    kept.record = anew(kept.record);
                    let kind = AlertKind::BeganAnew { told: told.to_owned() };
                    first.push(Alert { at: now, kind });
                }
                if let Some(told) = not_thrown_back(&kept) {
                    first.push(Alert { at: now, kind: AlertKind::NotRolledBack { told } });
                }
                kept.criteria = criteria;
                kept.about = about;
                kept
            }
        };
        Ok(Self { opened, state, first, _lock: lock })
    }

    /// Returns all that is kept.
    pub const fn state(&self) -> &StateFile {
        &self.state
    }

    /// Watches until it is to come to an end, a round each `every`, and tells of each round.
    ///
    /// # Errors
    ///
    /// As [`Watch::round`].
    pub async fn run(
        &mut self,
        every: Duration,
        until: Until,
        mut tell: impl FnMut(&Round),
    ) -> Result<End, WatchError> {
        let begun = tokio::time::Instant::now();
        loop {
            let round = self.round().await?;
            tell(&round);
            if until.fulfilled && !matches!(round.soak, Standing::NotYet { .. }) {
                return Ok(End::Decided);
            }
            let left = until.after.map(|after| after.saturating_sub(begun.elapsed()));
            match left {
                Some(left) if left <= every => {
                    // A round that would come after the end is not waited for, the end is.
                    tokio::time::sleep(left).await;
                    return Ok(End::Time);
                }
                _ => tokio::time::sleep(every).await,
            }
        }
    }

    /// Watches one round.
    ///
    /// # Errors
    ///
    /// [`WatchError`] when it cannot be kept, or the servers are others than before. That they do not answer is no error: such a round
    /// comes to nothing, and is counted.
    pub async fn round(&mut self) -> Result<Round, WatchError> {
        let now = self.opened.clock.now();
        match about(&self.opened).await {
            Ok(found) => {
                self.state.is_about(&self.opened.file, &found)?;
                self.state.about = found;
            }
            // The round will say so.
            Err(ExternalError::Settings(error)) => return Err(ExternalError::Settings(error).into()),
            Err(_) => {}
        }
        let shards = self.state.criteria.rounds.shards;
        let seen = self.opened.watched.look(&self.state.record.cursor, shards).await;
        let mut round = self.told(&seen, now);
        let mut soak = self.state.soak();
        let mut alerts = std::mem::take(&mut self.first);
        alerts.extend(soak.observe(seen, now));
        self.state.record = soak.record().clone();
        self.remember(&alerts)?;
        if let Some(alert) = self.roll_back(&soak.standing(now), now).await? {
            self.remember(std::slice::from_ref(&alert))?;
            alerts.push(alert);
        }
        round.soak = soak.standing(now);
        round.webhook = self.deliver(&round.soak).await?;
        round.untold = self.state.untold.len();
        (round.watched_ms, round.total) = (self.state.record.watched_ms, self.state.record.total);
        round.alerts = alerts;
        Ok(round)
    }

    fn told(&self, seen: &Observation, at: Timestamp) -> Round {
        let compared = seen.comparison.as_ref().ok();
        let miss = seen.comparison.as_ref().err();
        let differing = match compared {
            Some(compared) => compared.differing.values().sum(),
            None => self.state.record.cursor.differing.values().sum(),
        };
        Round {
            schema_version: 1,
            at,
            phase: seen.phase,
            figures: seen.figures,
            compared: compared.map(|compared| compared.elements),
            differing,
            missed: miss.map(|miss| miss.reason.clone()),
            is_environment: miss.is_some_and(|miss| miss.is_environment),
            watched_ms: 0,
            total: Tally::default(),
            soak: Standing::Fulfilled,
            alerts: Vec::new(),
            webhook: None,
            untold: 0,
        }
    }

    /// Writes down what is known, with what the webhook is to be told.
    fn remember(&mut self, alerts: &[Alert]) -> Result<(), StateError> {
        if self.opened.hook.is_some() {
            self.state.untold.extend(alerts.iter().cloned());
            let beyond = self.state.untold.len().saturating_sub(UNTOLD_MAX);
            self.state.untold.drain(..beyond);
        }
        self.state.write(&self.opened.file)
    }

    /// Throws the flag back if a soak after the flip is broken: once for each throw, and not again if that fails.
    async fn roll_back(&mut self, standing: &Standing, now: Timestamp) -> Result<Option<Alert>, StateError> {
        let (Some(rollback), Standing::Broken { why, .. }) = (self.opened.rollback, standing) else {
            return Ok(None);
        };
        let Some(Phase::AfterTheFlip { operation }) = self.state.record.phase else { return Ok(None) };
        if self.state.rolled_back == Some(operation) {
            return Ok(None);
        }
        self.state.rolled_back = Some(operation);
        self.state.write(&self.opened.file)?;
        let why = why.iter().map(|breach| breach.told.as_str()).collect::<Vec<_>>().join("; ");
        let kind = match rollback.back(&why, now).await {
            Ok(report) => {
                let told = format!("{why}; writers were held up for {} ms", report.fenced.as_millis());
                AlertKind::RolledBack { told }
            }
            Err(error) => AlertKind::NotRolledBack { told: format!("{}; {}", chain(&error), error.hint()) },
        };
        Ok(Some(Alert { at: now, kind }))
    }

    /// Tells the webhook what it has not been told, the oldest first, until it does not take one. Returns why it did not.
    async fn deliver(&mut self, standing: &Standing) -> Result<Option<String>, StateError> {
        let Some(hook) = self.opened.hook else { return Ok(None) };
        let (mut taken, mut failed) = (0, None);
        for alert in &self.state.untold {
            let note = Note {
                schema_version: 1,
                text: alert.to_string(),
                alert,
                is_bad: alert.kind.is_bad(),
                soak: standing,
                flag: &self.state.about.flag,
                eventstore_url: &self.state.about.system.event_store.url,
            };
            match hook.call(&note).await {
                Ok(()) => taken += 1,
                Err(error) => {
                    failed = Some(chain(&error));
                    break;
                }
            }
        }
        if taken > 0 || failed.is_some() {
            self.state.untold.drain(..taken);
            self.state.webhook_failures += u64::from(failed.is_some());
            self.state.write(&self.opened.file)?;
        }
        Ok(failed)
    }
}

async fn about(opened: &Opened<'_>) -> Result<About, ExternalError> {
    let live = opened.watched.live;
    Ok(About {
        system: live.identities().await?,
        groups: live.groups.clone(),
        flag: opened.flag.into(),
        policy: policy_digest(opened.watched.policy),
    })
}

/// Forgets what was watched, and keeps where to go on from: no change is left out.
fn anew(record: Record) -> Record {
    let Record { phase, cursor, begun_anew, .. } = record;
    let Cursor { positions, mut differing, changing, .. } = cursor;
    // Shards may be others under other criteria.
    differing.retain(|name, _| name.parse::<cutover_core::ids::InterviewId>().is_ok());
    let cursor = Cursor { positions, differing, changing, shards: 0 };
    Record { phase, cursor, begun_anew: begun_anew + 1, ..Record::default() }
}

/// Returns what to tell of a throw back that was begun, and has not come about.
fn not_thrown_back(kept: &StateFile) -> Option<String> {
    match kept.record.phase {
        Some(Phase::AfterTheFlip { operation }) if kept.rolled_back == Some(operation) => {
            Some("it was attempted before; `cutover switch status` says how far it came".to_owned())
        }
        _ => None,
    }
}
