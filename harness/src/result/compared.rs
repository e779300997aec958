//! How much a check compared: the denominator of its verdict.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::diff::Subject;

/// How often elements of one label or type were compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// How many the left side has, those that the policy hides left out.
    pub left: u64,
    /// How many the right side has, those that the policy hides left out.
    pub right: u64,
    /// How many were found on both sides and compared with each other.
    pub both: u64,
}

impl Tally {
    /// Returns whether nothing was there.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: Self) {
        self.left += other.left;
        self.right += other.right;
        self.both += other.both;
    }
}

/// The denominator: how much a check compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// Nodes by label.
    pub nodes: BTreeMap<SmolStr, Tally>,
    /// Relationships by type.
    pub relationships: BTreeMap<SmolStr, Tally>,
    /// Properties of elements that are on both sides.
    pub properties: u64,
    /// Single figures.
    pub figures: u64,
    /// Answers to queries, one of each side.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub answers: u64,
    /// The rows of these answers.
    #[serde(default, skip_serializing_if = "Tally::is_zero")]
    pub rows: Tally,
    /// How many of these elements were found to be the same by their digests.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub by_digest: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Compared {
    /// Returns the tally of a label or a relationship type; figures have none.
    pub fn tally_mut(&mut self, subject: &Subject) -> Option<&mut Tally> {
        match subject {
            Subject::Node(label) => Some(entry(&mut self.nodes, label)),
            Subject::Relationship(rel) => Some(entry(&mut self.relationships, rel)),
            Subject::Query(_) => Some(&mut self.rows),
            Subject::Figure(_) => None,
        }
    }

    /// Returns how many nodes, relationships, rows of answers and figures were looked at on both sides and compared.
    pub fn total(&self) -> u64 {
        let elements = self.nodes.values().chain(self.relationships.values()).chain([&self.rows]);
        elements.map(|tally| tally.both).sum::<u64>() + self.figures
    }

    /// Returns what [`Compared::total`] counts, in the singular.
    pub const fn noun(&self) -> &'static str {
        if self.answers > 0 { "row" } else { "element" }
    }

    /// Returns how many nodes there were, on the left and on the right.
    pub fn node_totals(&self) -> (u64, u64) {
        totals(&self.nodes)
    }

    /// Returns how many relationships there were, on the left and on the right.
    pub fn relationship_totals(&self) -> (u64, u64) {
        totals(&self.relationships)
    }

    /// Adds what another part of the same check compared.
    pub fn add(&mut self, other: &Self) {
        for (label, tally) in &other.nodes {
            entry(&mut self.nodes, label).add(*tally);
        }
        for (rel, tally) in &other.relationships {
            entry(&mut self.relationships, rel).add(*tally);
        }
        self.properties += other.properties;
        self.figures += other.figures;
        self.answers += other.answers;
        self.rows.add(other.rows);
        self.by_digest += other.by_digest;
    }
}

fn entry<'a>(tallies: &'a mut BTreeMap<SmolStr, Tally>, name: &SmolStr) -> &'a mut Tally {
    if !tallies.contains_key(name) {
        tallies.insert(name.clone(), Tally::default());
    }
    tallies.get_mut(name).expect("it was just put there")
}

fn totals(tallies: &BTreeMap<SmolStr, Tally>) -> (u64, u64) {
    tallies.values().fold((0, 0), |(left, right), tally| (left + tally.left, right + tally.right))
}
