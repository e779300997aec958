//! A part of a comparison, chosen by key, and how parts come together again. The main types are [`Shard`] and [`ShardResult`].
//!
//! What is in no interview belongs to a shard by its own key. What can only be told of the whole graph (that everything was
//! reached, labels that nobody knows) is told when all shards are together.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use cutover_core::graph::{Label, Value};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::difference::{Difference, DifferenceKind, Orientation, Side, Subject};
use super::form::Counts;
use super::neighbourhood::NEIGHBOURHOODS_KEPT;
use super::stream::{doubt_acceptance, nothing_in};
use crate::digest::Digest;
use crate::result::{Accepted, Cause, CheckResult, Compared, Differences, Outcome, RuleUse};

/// One of several parts of a comparison: `3/16` is the third of sixteen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// Which, from 1.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}

/// A text that is no shard.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is no shard: it must be like 3/16, the third of sixteen")]
pub struct ShardError {
    text: String,
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError { text: text.to_owned() };
        let (number, of) = text.split_once('/').ok_or_else(wrong)?;
        let (number, of) = (number.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
        if number == 0 || number > of { Err(wrong()) } else { Ok(Self { number, of }) }
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Self, ShardError> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl Shard {
    /// Returns whether a key belongs to this shard. What has no key belongs to the first.
    pub fn has(self, key: Option<&Value>) -> bool {
        let Some(key) = key else { return self.number == 1 };
        // The same on every machine and in every version: shards may be run apart.
        let digest = blake3::hash(key.to_string().as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&digest.as_bytes()[..8]);
        u64::from_le_bytes(first) % u64::from(self.of) == u64::from(self.number - 1)
    }
}

/// What can be told when all parts are there: how much the graphs count, and how much was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// What the sides counted in the beginning.
    pub before: [Counts; 2],
    /// What they counted in the end.
    pub after: [Counts; 2],
    /// What was read of them.
    pub read: [Counts; 2],
    /// How many relationships begin and end at orphans, which belong to no interview.
    pub orphans_degree: [u64; 2],
    /// Whether they were being written to, as far as was known.
    pub is_live: bool,
}

impl Rest {
    /// Returns what was not reached and what nobody knows.
    pub(super) fn findings(&self) -> Vec<Difference> {
        let mut findings = Vec::new();
        for side in Side::BOTH {
            self.find_unknown(side, &mut findings);
            self.find_unreached(side, &mut findings);
        }
        findings
    }

    /// Reports labels that nobody knows. Relationships of an unknown type are reported one by one where they are met, and as
    /// unreached where they are not.
    fn find_unknown(&self, side: Side, findings: &mut Vec<Difference>) {
        for (label, &count) in self.after[side as usize].nodes.iter().filter(|(_, count)| **count > 0) {
            if Label::from_name(label).is_none() {
                let kind = DifferenceKind::UnknownLabel { side, count };
                findings.push(Difference::new(Subject::Node(label.clone()), "", None, kind));
            }
        }
    }

    /// Holds what was read against what there is. Relationships of orphans belong to no tree: as long as no more are missing
    /// than the orphans have, the orphans tell of them.
    fn find_unreached(&self, side: Side, findings: &mut Vec<Difference>) {
        let [before, after, read] = [&self.before, &self.after, &self.read].map(|of| &of[side as usize]);
        let nodes = self.discrepancies(&before.nodes, &after.nodes, &read.nodes);
        for (label, counted, read) in nodes {
            let kind = DifferenceKind::Unreached { side, counted, read };
            findings.push(Difference::new(Subject::Node(label), "", None, kind));
        }
        let missing = self.discrepancies(&before.relationships, &after.relationships, &read.relationships);
        let explained = missing.iter().all(|(_, counted, read)| counted > read)
            && missing.iter().map(|(_, counted, read)| counted - read).sum::<u64>()
                <= self.orphans_degree[side as usize];
        if !explained {
            for (rel, counted, read) in missing {
                let kind = DifferenceKind::Unreached { side, counted, read };
                findings.push(Difference::new(Subject::Relationship(rel), "", None, kind));
            }
        }
    }

    /// Returns the names whose counts differ, with what was counted and what was read. While a graph is written to, its counts
    /// move: what was read has to lie between those of the beginning and of the end.
    fn discrepancies(
        &self,
        before: &BTreeMap<SmolStr, u64>,
        after: &BTreeMap<SmolStr, u64>,
        read: &BTreeMap<SmolStr, u64>,
    ) -> Vec<(SmolStr, u64, u64)> {
        let of = |counts: &BTreeMap<SmolStr, u64>, name: &SmolStr| counts.get(name).copied().unwrap_or(0);
        let mut names: Vec<&SmolStr> = after.keys().chain(read.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let differs = |name: &SmolStr| {
            let (before, after, read) = (of(before, name), of(after, name), of(read, name));
            let moved = self.is_live && (before.min(after)..=before.max(after)).contains(&read);
            (after != read && !moved).then(|| (name.clone(), after, read))
        };
        names.into_iter().filter_map(differs).collect()
    }
}

/// The version of the form of [`ShardResult`].
const SCHEMA_VERSION: u32 = 1;

/// What one shard of a comparison came to, with all that is needed to put it together with the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardResult {
    /// The version of this form.
    pub schema_version: u32,
    /// Which.
    pub shard: Shard,
    /// What was compared with what: where the graphs are, and the digests of snapshots.
    pub of: [String; 2],
    /// The digest of the policy, with what it accepts.
    pub policy: Digest,
    /// What it came to.
    pub check: CheckResult,
    /// What the others are needed for.
    pub rest: Rest,
}

impl ShardResult {
    /// Takes what a comparison of a shard came to.
    pub const fn new(shard: Shard, of: [String; 2], policy: Digest, check: CheckResult, rest: Rest) -> Self {
        Self { schema_version: SCHEMA_VERSION, shard, of, policy, check, rest }
    }
}

/// Shards that do not belong together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MergeError {
    /// There is none.
    #[error("there is no shard to merge")]
    None,
    /// Another version of this program wrote one.
    #[error("shard {shard} has a form of version {version}; this program reads {SCHEMA_VERSION}")]
    Version {
        /// Which.
        shard: Shard,
        /// Its version.
        version: u32,
    },
    /// Two are of different comparisons.
    #[error("shards {one} and {other} differ in {what}")]
    Strangers {
        /// One of them.
        one: Shard,
        /// Another.
        other: Shard,
        /// In what they differ.
        what: &'static str,
    },
    /// One is there twice.
    #[error("shard {shard} is there twice")]
    Twice {
        /// Which.
        shard: Shard,
    },
}

/// Puts shards together: what all of them come to is what the whole comparison would have come to. Where some are missing, what is
/// there decides only if it differs; else the whole is unknown.
///
/// # Errors
///
/// [`MergeError`] when they do not belong together.
pub fn merge(mut shards: Vec<ShardResult>) -> Result<CheckResult, MergeError> {
    shards.sort_by_key(|result| result.shard);
    let first = shards.first().ok_or(MergeError::None)?.clone();
    for pair in shards.windows(2) {
        if pair[0].shard == pair[1].shard {
            return Err(MergeError::Twice { shard: pair[0].shard });
        }
    }
    for other in &shards {
        let strangers = |what| MergeError::Strangers { one: first.shard, other: other.shard, what };
        if other.schema_version != SCHEMA_VERSION {
            return Err(MergeError::Version { shard: other.shard, version: other.schema_version });
        }
        if other.shard.of != first.shard.of {
            return Err(strangers("how many shards there are"));
        }
        if other.of != first.of {
            return Err(strangers("what is compared"));
        }
        if other.policy != first.policy {
            return Err(strangers("the policy"));
        }
    }
    Ok(merge_alike(first.check.id, first.check.sides, first.shard.of, shards))
}

fn merge_alike(id: SmolStr, sides: Orientation, of: u32, shards: Vec<ShardResult>) -> CheckResult {
    let missing: Vec<u32> =
        (1..=of).filter(|number| !shards.iter().any(|result| result.shard.number == *number)).collect();
    let (mut compared, mut differences) = (Compared::default(), Differences::default());
    let (mut rules, mut accepted) =
        (BTreeMap::<SmolStr, RuleUse>::new(), BTreeMap::<SmolStr, Accepted>::new());
    let mut neighbourhoods = Vec::new();
    let mut rest: Option<Rest> = None;
    let (mut undecided, mut duration_ms) = (None, 0);
    for ShardResult { shard, check, rest: of_shard, .. } in shards {
        compared.add(&check.compared);
        differences.merge(check.differences);
        duration_ms += check.duration_ms;
        neighbourhoods.extend(check.neighbourhoods);
        for used in check.rules {
            rules.entry(used.rule.clone()).and_modify(|known| known.count += used.count).or_insert(used);
        }
        for one in check.accepted {
            let known = accepted.entry(one.id.clone());
            known
                .and_modify(|known| {
                    known.count += one.count;
                    known.has_expired |= one.has_expired;
                })
                .or_insert(one);
        }
        // A shard in which nothing is has nothing to compare; the whole has.
        if check.cause != Some(Cause::NothingCompared)
            && let Some(told) = check.error
        {
            let cause = check.cause.unwrap_or(Cause::Incomplete);
            undecided.get_or_insert((cause, format!("shard {shard}: {told}")));
        }
        match &mut rest {
            None => rest = Some(of_shard),
            Some(rest) => {
                for side in 0..2 {
                    rest.read[side].add(&of_shard.read[side]);
                    rest.orphans_degree[side] += of_shard.orphans_degree[side];
                }
                if rest.after != of_shard.after || rest.before != of_shard.before {
                    let told = format!("shard {shard}: the graphs count something else than for shard 1");
                    undecided.get_or_insert((Cause::KeptChanging, told));
                }
            }
        }
    }
    let rest = rest.unwrap_or_default();
    if missing.is_empty() && undecided.is_none() {
        differences.extend(rest.findings());
    }
    let mut check = CheckResult::concluded(id, sides, compared, differences);
    check.rules = rules.into_values().collect();
    check.accepted = accepted.into_values().collect();
    check.duration_ms = duration_ms;
    neighbourhoods.truncate(NEIGHBOURHOODS_KEPT);
    check.neighbourhoods = neighbourhoods;
    doubt_acceptance(&mut check);
    let empty = |side: &Side| rest.before[*side as usize].nodes.values().all(|count| *count == 0);
    let empty: Vec<Side> = Side::BOTH.into_iter().filter(empty).collect();
    let doubt = if !missing.is_empty() {
        let numbers: Vec<String> = missing.iter().map(|number| format!("{number}/{of}")).collect();
        Some((Cause::Incomplete, format!("missing shards: {}", numbers.join(", "))))
    } else if !empty.is_empty() {
        Some((Cause::NothingCompared, nothing_in(&check.sides, &empty)))
    } else {
        undecided
    };
    if let Some((cause, told)) = doubt {
        if check.outcome != Outcome::Fail {
            check.outcome = Outcome::Unknown;
            check.cause = Some(cause);
        }
        check.error = Some(told);
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_nobody_knows_is_told_where_there_is_a_node_of_it() {
        let with = |count| {
            let mut rest = Rest::default();
            for counts in [&mut rest.before[1], &mut rest.after[1], &mut rest.read[1]] {
                counts.nodes.insert("Ghost".into(), count);
            }
            rest.findings().len()
        };
        assert_eq!((with(0), with(1)), (0, 1));
    }

    #[test]
    fn a_shard_is_a_number_of_a_number() {
        assert_eq!("3/16".parse(), Ok(Shard { number: 3, of: 16 }));
        for text in ["", "3", "0/16", "17/16", "3/0", "a/b", "3/16/2", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_key_belongs_to_one_shard_and_none_gets_nearly_all() {
        let mut held = [0; 16];
        for number in 0..1_600_i64 {
            let key = Value::Int(number);
            let has = |number: &u32| Shard { number: *number, of: 16 }.has(Some(&key));
            let shards: Vec<u32> = (1..=16).filter(has).collect();
            assert_eq!(shards.len(), 1);
            held[shards[0] as usize - 1] += 1;
        }
        assert!(held.iter().all(|held| (50..200).contains(held)), "{held:?}");
    }
}
