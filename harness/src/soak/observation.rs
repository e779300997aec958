//! What one round of watching saw. The main type is [`Observation`]; how it is come by is up to [`round`](super::round).

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::ids::InterviewId;
use cutover_core::switch::CategoryPositions;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::phase::Phase;
use crate::live::LiveFigures;

/// What one round of watching saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Which soak it belongs to; `None` where the flag could not be read, or nothing can be compared in its mode.
    pub phase: Option<Phase>,
    /// How the projection stood; `None` where it could not be asked.
    pub figures: Option<Figures>,
    /// What was compared, or why nothing was. What was not compared counts as not watched.
    pub comparison: Result<Comparison, Miss>,
}

/// How the projection stood: of what goes up and down, the least that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// How many events and outbox entries waited.
    pub lag: u64,
    /// How many events were parked.
    pub parked: u64,
}

/// What was compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// How many elements were compared that had not been found to differ before.
    pub elements: u64,
    /// Everything that is known to differ, with the number of differences: interviews by their ids, and parts of a sweep in which
    /// something differs that belongs to no interview.
    pub differing: BTreeMap<SmolStr, u64>,
    /// The first difference in words, for whoever is woken by it.
    pub told: Option<String>,
    /// Interviews that were changing each time that they were looked at: they are neither equal nor different yet.
    pub changing: BTreeSet<InterviewId>,
    /// Up to where in the log what changed was compared.
    pub positions: CategoryPositions,
    /// Whether the shard of the sweep whose turn it was has been compared.
    pub swept: bool,
}

/// Why nothing was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// What went wrong, with its causes, in one line.
    pub reason: String,
    /// Whether a server did not answer.
    pub is_environment: bool,
}

/// Where a round goes on from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Up to where in the log what changed was compared; `None` before the first round.
    pub positions: Option<CategoryPositions>,
    /// What is known to differ, with the number of differences.
    pub differing: BTreeMap<SmolStr, u64>,
    /// What was changing when it was looked at.
    pub changing: BTreeSet<InterviewId>,
    /// How many shards of the sweep have been compared since its first: it says whose turn it is.
    pub shards: u32,
}

impl From<&LiveFigures> for Figures {
    fn from(figures: &LiveFigures) -> Self {
        let groups = [&figures.interview, &figures.sentence];
        let of = |count: fn(crate::live::Standing) -> u64| -> u64 {
            groups.iter().filter_map(|group| group.standing.map(count)).sum()
        };
        Self { lag: figures.outbox + of(|standing| standing.lag), parked: of(|standing| standing.parked) }
    }
}
