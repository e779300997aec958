//! Drives a comparison over two sources that may be larger than memory. The entry is [`diff`].
//!
//! Both sides are read in the order of keys: interviews in batches, tree against tree; then projects and value nodes page by
//! page; then orphans, each a finding; and at last the census of both sides, since what was not reached was not compared.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cutover_core::graph::{Label, Value};
use cutover_engines::graph::{Census, GraphError, NodeRow};
use smol_str::SmolStr;

use super::canonical::{Identity, Interview, canonical_node};
use super::compare::Comparison;
use super::compiled::CompiledPolicy;
use super::difference::{Difference, DifferenceKind, Orientation, Side, Subject};
use super::element::{Element, Key, NodeName};
use super::policy::Policy;
use super::rows::Rows;
use super::source::Source;
use crate::result::{Cause, CheckResult, Outcome};

/// How much is held in memory at once, and what is worked out besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many interviews are compared at once, at least 1.
    pub interviews: usize,
    /// How many nodes are read at once, at least 1.
    pub page_rows: usize,
    /// Whether the result also says what each side is, in a digest.
    pub digests: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { interviews: 16, page_rows: 5000, digests: false }
    }
}

/// Why a comparison did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// A graph could not be read.
    #[error("failed to read the {side} graph")]
    Graph {
        /// Which.
        side: Side,
        /// Why.
        source: GraphError,
    },
    /// A graph does not read its nodes in the order of their keys, so that nothing can be said to be missing.
    #[error("the {side} graph reads nodes of label {label} out of order, at key {key}")]
    Unordered {
        /// Which.
        side: Side,
        /// The label.
        label: SmolStr,
        /// The key that should have come earlier.
        key: Value,
    },
}

impl DiffError {
    /// Returns the side that did it.
    pub const fn side(&self) -> Side {
        match self {
            Self::Graph { side, .. } | Self::Unordered { side, .. } => *side,
        }
    }
}

/// The labels that are compared as parts of their interview.
const IN_TREES: [Label; 3] = [Label::Interview, Label::Sentence, Label::Analysis];

/// Compares two sources under a policy. Never green when nothing was compared: a side that is empty makes it unknown, and so
/// does a side that cannot be read to its end, unless something differed before.
pub async fn diff(
    id: impl Into<SmolStr>,
    sides: Orientation,
    left: &dyn Source,
    right: &dyn Source,
    policy: &Policy,
    limits: Limits,
) -> CheckResult {
    let begin = Instant::now();
    let policy = CompiledPolicy::new(policy);
    let mut run = Run {
        sources: [left, right],
        limits,
        identity: policy.identity,
        comparison: if limits.digests { Comparison::digesting(&policy) } else { Comparison::new(&policy) },
        read: Default::default(),
        orphans_degree: [0, 0],
    };
    let ended = run.run().await;
    let mut comparison = run.comparison;
    let rules = comparison.rules_used();
    let neighbourhoods = comparison.take_neighbourhoods();
    let digests = comparison.digests();
    let mut check = CheckResult::concluded(id, sides, comparison.compared, comparison.differences);
    (check.rules, check.neighbourhoods) = (rules, neighbourhoods);
    match ended {
        // A side that was not read to its end has none.
        Ok(Ended::Compared) => check.digests = digests,
        Ok(Ended::Empty(empty)) => {
            check.outcome = Outcome::Unknown;
            check.cause = Some(Cause::NothingCompared);
            let names: Vec<&str> = empty.iter().map(|side| check.sides.name(*side)).collect();
            check.error = Some(format!("no node in {}", names.join(", none in ")));
        }
        Err(error) => {
            if check.outcome != Outcome::Fail {
                check.outcome = Outcome::Unknown;
                check.cause = Some(Cause::EngineFailed);
            }
            check.error = Some(format!("{}: {}", check.sides.name(error.side()), with_causes(&error)));
        }
    }
    check.duration_ms = milliseconds(begin.elapsed());
    check
}

enum Ended {
    Compared,
    Empty(Vec<Side>),
}

struct Run<'a> {
    sources: [&'a dyn Source; 2],
    limits: Limits,
    identity: Identity,
    comparison: Comparison<'a>,
    /// What was read of each side, to be held against its census.
    read: [Census; 2],
    /// The relationships of orphans, which belong to no tree.
    orphans_degree: [u64; 2],
}

impl<'a> Run<'a> {
    async fn run(&mut self) -> Result<Ended, DiffError> {
        let before = self.census().await?;
        let empty = |side: &Side| before[*side as usize].nodes.values().all(|count| *count == 0);
        let empty: Vec<Side> = Side::BOTH.into_iter().filter(empty).collect();
        if !empty.is_empty() {
            return Ok(Ended::Empty(empty));
        }
        self.compare_interviews().await?;
        for label in labels_outside_trees(&before) {
            self.compare_nodes(&label).await?;
        }
        for side in Side::BOTH {
            for label in [Label::Sentence, Label::Analysis] {
                self.find_orphans(side, label).await?;
            }
        }
        let after = self.census().await?;
        for side in Side::BOTH {
            self.find_unknown(side, &after[side as usize]);
            self.find_unreached(side, &after[side as usize]);
        }
        Ok(Ended::Compared)
    }

    async fn census(&self) -> Result<[Census; 2], DiffError> {
        let [left, right] = self.sources;
        let (left, right) = tokio::join!(left.census(), right.census());
        Ok([at(Side::Left, left)?, at(Side::Right, right)?])
    }

    async fn compare_interviews(&mut self) -> Result<(), DiffError> {
        let label = SmolStr::new_static(Label::Interview.as_str());
        let [mut left, mut right] = self.rows(&label);
        loop {
            let mut keys: [Vec<Value>; 2] = Default::default();
            let mut batch = 0;
            while batch < self.limits.interviews {
                let Some(key) = least(&mut left, &mut right).await? else { break };
                for (rows, keys) in [&mut left, &mut right].into_iter().zip(&mut keys) {
                    if !rows.take(&key).await?.is_empty() {
                        keys.push(key.clone());
                    }
                }
                batch += 1;
            }
            if batch == 0 {
                break;
            }
            self.compare_batch(&keys).await?;
        }
        self.find_without_key([&left, &right]);
        Ok(())
    }

    async fn compare_batch(&mut self, [left_keys, right_keys]: &[Vec<Value>; 2]) -> Result<(), DiffError> {
        let [left, right] = self.sources;
        let (left, right) = tokio::join!(
            left.interviews(left_keys, self.identity),
            right.interviews(right_keys, self.identity)
        );
        let mut by_id: BTreeMap<SmolStr, [Vec<Element>; 2]> = BTreeMap::new();
        for (side, interviews) in [(Side::Left, left), (Side::Right, right)] {
            for Interview { id, elements, unidentified, read } in at(side, interviews)? {
                self.count_read(side, &read);
                for node in &unidentified {
                    self.comparison.find_unidentified(side, node, Some(&id));
                }
                let of_side = &mut by_id.entry(id).or_default()[side as usize];
                // Nearly always the only one of its id, and too large to be copied.
                if of_side.is_empty() {
                    *of_side = elements;
                } else {
                    of_side.extend(elements);
                }
            }
        }
        for [left, right] in by_id.into_values() {
            self.comparison.compare(left, right);
        }
        Ok(())
    }

    /// Compares projects or value nodes, key by key.
    async fn compare_nodes(&mut self, label: &SmolStr) -> Result<(), DiffError> {
        let [mut left, mut right] = self.rows(label);
        while let Some(key) = least(&mut left, &mut right).await? {
            let on_left = self.elements_of(Side::Left, left.take(&key).await?);
            let on_right = self.elements_of(Side::Right, right.take(&key).await?);
            self.comparison.compare(on_left, on_right);
        }
        self.find_without_key([&left, &right]);
        for (side, rows) in [(Side::Left, &left), (Side::Right, &right)] {
            *self.read[side as usize].nodes.entry(label.clone()).or_default() += rows.read;
        }
        Ok(())
    }

    fn elements_of(&mut self, side: Side, rows: Vec<NodeRow>) -> Vec<Element> {
        let rows =
            rows.iter().filter(|row| row.degree > 0 || !self.comparison.hides_unreferenced(side, &row.label));
        rows.map(canonical_node).collect()
    }

    async fn find_orphans(&mut self, side: Side, label: Label) -> Result<(), DiffError> {
        let mut cursor = None;
        loop {
            let source = self.sources[side as usize];
            let page = at(side, source.orphans(label, cursor.as_ref(), self.limits.page_rows).await)?;
            for row in page.rows {
                *self.read[side as usize].nodes.entry(row.label.clone()).or_default() += 1;
                self.orphans_degree[side as usize] += row.degree;
                let key = row.properties.get(label.key_property()).cloned();
                let name = NodeName { label: row.label.clone(), key: key.map_or(Key::None, Key::Value) };
                let kind = DifferenceKind::Orphan { side, degree: row.degree };
                self.find(Subject::Node(row.label), name.to_string(), kind);
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Reports labels that nobody knows. Relationships of an unknown type are reported one by one where they are met, and as
    /// unreached where they are not.
    fn find_unknown(&mut self, side: Side, census: &Census) {
        for (label, &count) in census.nodes.iter().filter(|(_, count)| **count > 0) {
            if Label::from_name(label).is_none() {
                let kind = DifferenceKind::UnknownLabel { side, count };
                self.find(Subject::Node(label.clone()), String::new(), kind);
            }
        }
    }

    /// Holds what was read against what there is. Relationships of orphans belong to no tree: as long as no more are missing
    /// than the orphans have, the orphans tell of them.
    fn find_unreached(&mut self, side: Side, census: &Census) {
        let read = std::mem::take(&mut self.read[side as usize]);
        for (label, counted, read) in discrepancies(&census.nodes, &read.nodes) {
            let kind = DifferenceKind::Unreached { side, counted, read };
            self.find(Subject::Node(label), String::new(), kind);
        }
        let missing = discrepancies(&census.relationships, &read.relationships);
        let explained = missing.iter().all(|(_, counted, read)| counted > read)
            && missing.iter().map(|(_, counted, read)| counted - read).sum::<u64>()
                <= self.orphans_degree[side as usize];
        if !explained {
            for (rel, counted, read) in missing {
                let kind = DifferenceKind::Unreached { side, counted, read };
                self.find(Subject::Relationship(rel), String::new(), kind);
            }
        }
    }

    fn find_without_key(&mut self, rows: [&Rows<'_>; 2]) {
        for (side, rows) in Side::BOTH.into_iter().zip(rows) {
            for row in &rows.without_key {
                let node = NodeName { label: row.label.clone(), key: Key::None };
                // A label that nobody knows is one finding of its own, not one for each of its nodes.
                if Label::from_name(&row.label).is_some() {
                    self.comparison.find_unidentified(side, &node, None);
                }
            }
        }
    }

    fn find(&mut self, subject: Subject, key: String, kind: DifferenceKind) {
        self.comparison.find(Difference::new(subject, key, None, kind));
    }

    fn rows(&self, label: &SmolStr) -> [Rows<'a>; 2] {
        Side::BOTH.map(|side| Rows::new(self.sources[side as usize], side, label, self.limits.page_rows))
    }

    fn count_read(&mut self, side: Side, read: &Census) {
        let total = &mut self.read[side as usize];
        for (label, count) in &read.nodes {
            *total.nodes.entry(label.clone()).or_default() += count;
        }
        for (rel, count) in &read.relationships {
            *total.relationships.entry(rel.clone()).or_default() += count;
        }
    }
}

async fn least(left: &mut Rows<'_>, right: &mut Rows<'_>) -> Result<Option<Value>, DiffError> {
    let (left, right) = (left.peek().await?, right.peek().await?);
    Ok(left.into_iter().chain(right).min().cloned())
}

/// Returns the labels of either side that are not compared as part of an interview, known or not.
fn labels_outside_trees([left, right]: &[Census; 2]) -> Vec<SmolStr> {
    let mut labels: Vec<SmolStr> = left.nodes.keys().chain(right.nodes.keys()).cloned().collect();
    labels.sort_unstable();
    labels.dedup();
    labels.retain(|label| !IN_TREES.into_iter().any(|in_tree| in_tree.as_str() == label));
    labels
}

/// Returns the names whose counts differ, with both counts.
fn discrepancies(
    counted: &BTreeMap<SmolStr, u64>,
    read: &BTreeMap<SmolStr, u64>,
) -> Vec<(SmolStr, u64, u64)> {
    let of = |counts: &BTreeMap<SmolStr, u64>, name: &SmolStr| counts.get(name).copied().unwrap_or(0);
    let mut names: Vec<&SmolStr> = counted.keys().chain(read.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let both = names.into_iter().map(|name| (name.clone(), of(counted, name), of(read, name)));
    both.filter(|(_, counted, read)| counted != read).collect()
}

fn at<T>(side: Side, answer: Result<T, GraphError>) -> Result<T, DiffError> {
    answer.map_err(|source| DiffError::Graph { side, source })
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
