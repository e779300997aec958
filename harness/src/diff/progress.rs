//! How far a comparison has come, so that it can be gone on with after a kill. The main type is [`Progress`].

use std::collections::BTreeMap;

use cutover_core::graph::Value;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::form::Counts;
use super::neighbourhood::Neighbourhood;
use super::settle::Suspects;
use crate::result::{Compared, Differences};
use crate::snapshot::lossless;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    /// Interviews, those after a key.
    Interviews {
        /// The last one that was compared.
        #[serde(with = "lossless")]
        after: Option<Value>,
    },
    /// Projects and value nodes, the labels after one.
    Nodes {
        /// The last one that was compared.
        after: Option<SmolStr>,
    },
    /// Orphans, and the end.
    Orphans,
}

/// How far a comparison has come, and what it has found so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub(super) stage: Stage,
    /// What was counted in the beginning.
    pub(super) before: [Counts; 2],
    pub(super) compared: Compared,
    pub(super) differences: Differences,
    pub(super) rules: BTreeMap<SmolStr, u64>,
    pub(super) accepted: BTreeMap<SmolStr, u64>,
    /// What was read.
    pub(super) read: [Counts; 2],
    pub(super) neighbourhoods: Vec<Neighbourhood>,
    pub(super) suspects: Suspects,
}

/// Keeps how far a comparison has come.
pub trait Keep: Send + Sync {
    /// Returns after how many interviews the next one is kept.
    fn after_interviews(&self) -> usize {
        256
    }

    /// Keeps this instead of what was kept before. Who cannot, has to tell it elsewhere: the comparison goes on.
    fn keep(&self, progress: &Progress);
}
