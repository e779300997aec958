//! Graphs that are being written to: a difference is looked at again, after both sides have taken in what was written before,
//! and counts when nothing has changed about it since. The main types are [`Settle`] and [`Watermark`].
//!
//! What differs and goes on changing is neither equal nor different: it leaves the comparison unknown.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use cutover_core::graph::Value;
use cutover_engines::graph::GraphError;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::difference::Side;
use crate::digest::Digest;
use crate::result::counted;
use crate::snapshot::lossless;

/// How many differing parts are looked at again; those beyond count at once, so that memory stays bounded.
const SUSPECTS_MAX: usize = 100_000;
/// How many of them are named where they kept changing.
const NAMED_MAX: usize = 10;

/// Waits for both sides.
#[async_trait]
pub trait Watermark: Send + Sync {
    /// Returns when both sides have taken in everything that was written before the call.
    ///
    /// # Errors
    ///
    /// When that is not to be had.
    async fn passed(&self) -> Result<(), GraphError>;
}

/// How often differences are looked at again, and what is waited for before.
#[derive(Clone, Copy)]
pub struct Settle<'s> {
    /// How often at most, at least 2: the first look finds what is there, another that it has not changed.
    pub rounds: u32,
    /// What is waited for before each.
    pub watermark: &'s dyn Watermark,
}

/// What differed when it was looked at last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Suspects {
    /// Interviews.
    pub(super) interviews: Vec<Suspect>,
    /// Projects and value nodes, by label.
    pub(super) nodes: BTreeMap<SmolStr, Vec<Suspect>>,
    /// What should be owned and is not: it counts when it is there on two looks.
    pub(super) orphans: BTreeSet<OrphanSeen>,
}

/// A key of which the sides differed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Suspect {
    #[serde(with = "lossless")]
    pub(super) key: Option<Value>,
    /// What was there at the last look; not known after the first one.
    pub(super) seen: Option<[Digest; 2]>,
}

/// A node that nobody owned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct OrphanSeen {
    pub(super) side: Side,
    pub(super) label: SmolStr,
    pub(super) name: String,
    pub(super) degree: u64,
}

impl Suspects {
    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.interviews.len() + self.nodes.values().map(Vec::len).sum::<usize>() + self.orphans.len()
    }

    /// Returns whether there is room for another one.
    pub(super) fn has_room(&self) -> bool {
        self.len() < SUSPECTS_MAX
    }

    /// Returns in words what kept changing.
    pub(super) fn told(&self, rounds: u32) -> String {
        let key = |suspect: &Suspect| match &suspect.key {
            Some(Value::Text(text)) => text.to_string(),
            Some(key) => key.to_string(),
            None => "without a key".to_owned(),
        };
        let interviews = self.interviews.iter().map(|suspect| format!("interview {}", key(suspect)));
        let nodes = self.nodes.iter().flat_map(|(label, suspects)| {
            suspects.iter().map(move |suspect| format!("{label} {}", key(suspect)))
        });
        let orphans = self.orphans.iter().map(|orphan| format!("{} {}", orphan.label, orphan.name));
        let mut named: Vec<String> = interviews.chain(nodes).chain(orphans).take(NAMED_MAX).collect();
        let more = self.len().saturating_sub(NAMED_MAX);
        if more > 0 {
            named.push(format!("{more} more"));
        }
        let looks = counted(u64::from(rounds), "look");
        format!("what differed was still changing after {looks}: {}", named.join(", "))
    }
}
