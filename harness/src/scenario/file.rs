//! What a scenario file says. The main type is [`Scenario`]; the words are the ones that a user writes. Steps are in
//! [`step`](super::step), what must hold in [`expectations`](super::expectations).

use std::collections::BTreeMap;

use cutover_core::ids::ProjectId;
use cutover_core::limits::{self, LimitsTable};
use cutover_core::projector::Backoff;
use cutover_service::projection;
use schemars::JsonSchema;
use serde::Deserialize;
use smol_str::SmolStr;

use super::expectations::Expectations;
use super::step::Step;

/// A scenario: steps in order, and what is expected at the end.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub description: String,
    /// Which transcripts it works on, by file name: of the run's, or else of the bundled ones. All of the run's when left out.
    #[serde(default)]
    pub transcripts: Vec<SmolStr>,
    /// Transcripts that are made up from the seed, instead of files.
    pub generated: Option<Generated>,
    /// The project that the interviews belong to.
    #[serde(default = "default_project")]
    pub project: SmolStr,
    /// More projects, by name: the transcripts are dealt out to `project` and to these in turn.
    #[serde(default)]
    pub projects: BTreeMap<SmolStr, Project>,
    /// How many values of each dimension an analysis keeps, in every project that says nothing else.
    #[serde(default)]
    pub limits: Limits,
    /// How the projection service works, where that is not as in production.
    #[serde(default)]
    pub projection: Projection,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What must hold at the end.
    pub expect: Expectations,
}

fn default_project() -> SmolStr {
    "cutover".into()
}

impl Scenario {
    /// Returns the limits of all projects.
    pub fn limits(&self) -> LimitsTable {
        let everywhere = self.limits.over(&limits::Limits::default());
        let own = self.projects.iter();
        own.fold(LimitsTable::new(everywhere), |table, (name, project)| {
            table.with(ProjectId::new(name.clone()), project.limits.over(&everywhere))
        })
    }

    /// Returns the project of each transcript, by its number (0-based).
    pub fn project_of(&self, transcript: usize) -> ProjectId {
        let mut names = std::iter::once(&self.project).chain(self.projects.keys()).cycle();
        ProjectId::new(names.nth(transcript % (self.projects.len() + 1)).unwrap_or(&self.project).clone())
    }
}

/// Transcripts that are made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Generated {
    /// How many; at least 1.
    pub files: u32,
    /// How many utterances each of them has; at least 1.
    pub utterances: u32,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Project {
    /// Its own limits; those that it does not name are as everywhere.
    #[serde(default)]
    pub limits: Limits,
}

/// How many values of a dimension an analysis keeps; 0 for none. What is left out is as in production.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Of functions.
    pub functions: Option<u32>,
    /// Of structures.
    pub structures: Option<u32>,
    /// Of purposes.
    pub purposes: Option<u32>,
    /// Of overall keywords.
    pub keywords: Option<u32>,
    /// Of topics.
    pub topics: Option<u32>,
    /// Of keywords of the trade.
    pub domain_keywords: Option<u32>,
}

impl Limits {
    /// Puts these limits over others: those that are left out stay as they were.
    fn over(&self, others: &limits::Limits) -> limits::Limits {
        limits::Limits {
            functions: self.functions.or(others.functions),
            structures: self.structures.or(others.structures),
            purposes: self.purposes.or(others.purposes),
            keywords: self.keywords.or(others.keywords),
            topics: self.topics.or(others.topics),
            domain_keywords: self.domain_keywords.or(others.domain_keywords),
        }
    }
}

/// How the projection service works. What is left out is as in production; times are in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Projection {
    /// How many lanes there are; at least 1.
    pub lanes: Option<u16>,
    /// How many events a batch holds at most; at least 1.
    pub batch_events: Option<u32>,
    /// How many unanswered events each subscription holds at most; at least 1.
    pub buffer: Option<u32>,
    /// How often a failing event is tried again before it is parked.
    pub retries: Option<u32>,
    /// How long a failing event waits before it is tried again; twice as long each time.
    pub retry_backoff_ms: Option<u64>,
    /// How long an event that came too early waits for what is missing.
    pub hold_ms: Option<u64>,
    /// How long to wait before the graph is asked whether somebody else has applied what is missing.
    pub hold_check_ms: Option<u64>,
    /// How long to wait before a graph that was out of reach is tried again; twice as long each time.
    pub breaker_backoff_ms: Option<u64>,
    /// How long the event store waits for an answer before it delivers an event again.
    pub message_timeout_ms: Option<u32>,
}

impl Projection {
    /// Puts these settings over others: those that are left out stay as they were.
    pub fn over(&self, mut settings: projection::Settings) -> projection::Settings {
        fn set<T>(setting: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *setting = value;
            }
        }
        let doubled = |first_ms| Backoff { first_ms, factor: 2, max_ms: 60_000 };
        let projector = &mut settings.projector;
        set(&mut projector.lanes, self.lanes.map(usize::from));
        set(&mut projector.batch_events_max, self.batch_events.map(|events| events as usize));
        set(&mut projector.retries_max, self.retries);
        set(&mut projector.retry_backoff, self.retry_backoff_ms.map(doubled));
        set(&mut projector.hold_ms_max, self.hold_ms);
        set(&mut projector.hold_check_ms, self.hold_check_ms);
        set(&mut projector.breaker_backoff, self.breaker_backoff_ms.map(doubled));
        set(&mut settings.buffer, self.buffer.map(|events| events as usize));
        set(&mut settings.group_settings.message_timeout_ms, self.message_timeout_ms);
        settings
    }
}
