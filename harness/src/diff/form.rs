//! The form in which a part of a graph is compared, as a digest: parts of equal digests need no second look. The main types are
//! [`Form`] and [`Summary`].
//!
//! A form belongs to a policy and to a side of it: ignored properties are gone, others have their common names. Equal digests
//! must mean that a comparison would find nothing, so that a part which is a finding by itself (twins, what the policy does
//! not know, nodes without a name) has none.

use std::collections::BTreeMap;

use cutover_core::graph::Label;
use cutover_engines::graph::{Census, NodeRow};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::canonical::{Interview, canonical_node, count};
use super::compare::Comparison;
use super::compiled::CompiledPolicy;
use super::difference::{Side, Subject};
use super::digest::encode;
use super::element::{Element, Name};
use super::policy::Policy;
use crate::digest::Digest;

/// Numbers of nodes and relationships.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Nodes by label.
    #[serde(default)]
    pub nodes: BTreeMap<SmolStr, u64>,
    /// Relationships by type.
    #[serde(default)]
    pub relationships: BTreeMap<SmolStr, u64>,
}

impl Counts {
    /// Adds others to these.
    pub fn add(&mut self, others: &Self) {
        for (own, others) in
            [(&mut self.nodes, &others.nodes), (&mut self.relationships, &others.relationships)]
        {
            for (name, number) in others {
                *own.entry(name.clone()).or_default() += number;
            }
        }
    }

    /// Returns how many there are in all.
    pub fn total(&self) -> u64 {
        self.nodes.values().chain(self.relationships.values()).sum()
    }
}

impl From<Census> for Counts {
    fn from(Census { nodes, relationships }: Census) -> Self {
        Self { nodes, relationships }
    }
}

impl From<Counts> for Census {
    fn from(Counts { nodes, relationships }: Counts) -> Self {
        Self { nodes, relationships }
    }
}

/// Which form: the same policy on the same side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormId {
    /// The policy's name, for people.
    pub policy: SmolStr,
    /// The digest of all that the policy says about elements.
    pub digest: Digest,
    /// The side; `None` where the policy has the same rules for both.
    pub side: Option<Side>,
}

impl FormId {
    /// Returns whether this is the form of that policy and side, whatever the policy is called.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.digest, self.side) == (other.digest, other.side)
    }
}

/// What a comparison has to know about a part whose elements it does not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The digest of the form.
    pub digest: Digest,
    /// How many elements are compared.
    #[serde(flatten)]
    pub compared: Counts,
    /// How many properties are.
    pub properties: u64,
    /// How often each rule was used.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<SmolStr, u64>,
}

/// Brings parts to the form of a policy and a side.
#[derive(Debug)]
pub struct Form {
    id: FormId,
    side: Side,
    policy: CompiledPolicy,
}

impl Form {
    /// Takes a policy, and the side that is read.
    pub fn new(policy: &Policy, side: Side) -> Self {
        let id = FormId {
            policy: policy.name.clone(),
            digest: policy.digest(),
            side: (!policy.is_symmetric()).then_some(side),
        };
        Self { id, side, policy: CompiledPolicy::new(policy) }
    }

    /// Returns which form it is.
    pub const fn id(&self) -> &FormId {
        &self.id
    }

    /// Returns how its policy tells elements apart.
    pub const fn identity(&self) -> super::Identity {
        self.policy.identity
    }

    /// Sums an interview up; `None` when it is a finding by itself.
    pub fn of_interview(&self, interview: Interview) -> Option<Summary> {
        if !interview.unidentified.is_empty() {
            return None;
        }
        let mut part = self.part();
        part.add(interview.elements);
        part.finish()
    }

    /// Begins to sum up nodes that belong to no interview.
    pub fn part(&self) -> Part<'_> {
        Part {
            form: self,
            scratch: Comparison::new(&self.policy),
            hasher: blake3::Hasher::new(),
            bytes: Vec::new(),
            compared: Counts::default(),
            properties: 0,
            last: None,
            is_finding: false,
        }
    }
}

/// A part of a graph while it is summed up.
#[derive(Debug)]
pub struct Part<'f> {
    form: &'f Form,
    scratch: Comparison<'f>,
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
    compared: Counts,
    properties: u64,
    last: Option<Name>,
    is_finding: bool,
}

impl Part<'_> {
    /// Adds nodes that belong to no interview, in the order of their keys.
    pub fn add_rows(&mut self, rows: &[NodeRow]) {
        for row in rows {
            let key = Label::from_name(&row.label).and_then(|label| row.properties.get(label.key_property()));
            // Known labels only: what has no key has no counterpart.
            self.is_finding |= key.is_none();
            if row.degree > 0 || !self.scratch.hides_unreferenced(self.form.side, &row.label) {
                self.add(vec![canonical_node(row)]);
            }
        }
    }

    /// Adds elements, all of one interview or all of one key.
    fn add(&mut self, elements: Vec<Element>) {
        let elements = self.scratch.prepare(self.form.side, elements);
        for element in elements {
            match element.name.subject() {
                Subject::Node(label) => count(&mut self.compared.nodes, &label),
                Subject::Relationship(rel) => count(&mut self.compared.relationships, &rel),
                Subject::Query(_) | Subject::Figure(_) => {}
            }
            self.properties += element.properties.len() as u64;
            self.bytes.clear();
            encode(None, &element, &mut self.bytes);
            self.hasher.update(&self.bytes);
            self.is_finding |= self.last.as_ref() == Some(&element.name);
            self.last = Some(element.name);
        }
    }

    /// Returns the summary; `None` when the part is a finding by itself.
    pub fn finish(self) -> Option<Summary> {
        if self.is_finding || !self.scratch.differences.is_empty() {
            return None;
        }
        let rules = self.scratch.rules_used().into_iter().map(|used| (used.rule, used.count)).collect();
        Some(Summary {
            digest: self.hasher.finalize().into(),
            compared: self.compared,
            properties: self.properties,
            rules,
        })
    }
}

/// Returns the digest of elements as they are, whatever a policy makes of them.
pub(super) fn digest_of(elements: &[Element]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    let mut bytes = Vec::new();
    for element in elements {
        bytes.clear();
        encode(None, element, &mut bytes);
        hasher.update(&bytes);
    }
    hasher.finalize().into()
}
