//! What stands around a difference, on both sides: a few nodes and relationships, so that a person sees where in the graph it
//! is. The main type is [`Neighbourhood`].
//!
//! Only the first findings of a check get one, a few of each kind, so that a result stays small however much differs. Which
//! elements differ is asked of the same policy as in the comparison; nothing is decided here.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::graph::{Label, Properties, Rel};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::compiled::CompiledPolicy;
use super::difference::{Difference, Side, Subject};
use super::element::{Element, Name, NodeName};

/// How many neighbourhoods are kept of a check.
pub const NEIGHBOURHOODS_KEPT: usize = 12;

/// How many of them are about anything but a whole interview, which has its place after whatever else differs.
const OF_PARTS_MAX: usize = 10;

/// How many of them are about relationships, which differ in greater numbers than nodes.
const OF_RELATIONSHIPS_MAX: usize = 6;

/// How many of them are of one kind and subject.
const OF_A_KIND_MAX: usize = 2;

/// How many nodes a neighbourhood has at most, those that differ first.
const NODES_MAX: usize = 14;

/// How many relationships a neighbourhood has at most.
const RELATIONSHIPS_MAX: usize = 40;

/// How many characters of a node's text are kept.
const TEXT_CHARS_MAX: usize = 60;

/// What the two sides make of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Both have it, once and with the same properties.
    Same,
    /// Both have it, with other properties or another number of times.
    Differs,
    /// Only the left side has it.
    OnlyLeft,
    /// Only the right side has it.
    OnlyRight,
    /// A node that belongs to no interview: it is compared elsewhere, and here only stands at the end of a relationship.
    Outside,
}

/// A node of a neighbourhood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NearNode {
    /// Its label.
    pub label: SmolStr,
    /// Its key, in the form that both sides share.
    pub key: String,
    /// The beginning of what it says, if it says anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What the sides make of it.
    pub state: State,
    /// How often the left side has it; of a node outside, whether a relationship leads there.
    pub left: u64,
    /// The same on the right side.
    pub right: u64,
    /// Whether the finding is about it.
    pub is_centre: bool,
}

/// A relationship of a neighbourhood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NearRelationship {
    /// Its type.
    pub rel: SmolStr,
    /// The node where it begins, by its place among the nodes.
    pub from: usize,
    /// The node where it ends, by its place among the nodes.
    pub to: usize,
    /// What the sides make of it.
    pub state: State,
    /// How often the left side has it.
    pub left: u64,
    /// How often the right side has it.
    pub right: u64,
    /// Whether the finding is about it.
    pub is_centre: bool,
}

/// What stands around a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Neighbourhood {
    /// The label or the relationship type that the finding is about.
    pub subject: Subject,
    /// Which element of them.
    pub key: String,
    /// The id of the interview that it belongs to.
    pub interview: Option<SmolStr>,
    /// The nodes: the centre first, then by their distance.
    pub nodes: Vec<NearNode>,
    /// The relationships between these nodes.
    pub relationships: Vec<NearRelationship>,
    /// How many nodes stand around it besides, and were left out.
    #[serde(default)]
    pub left_out: u64,
}

/// Collects the neighbourhoods of a check.
#[derive(Debug, Default)]
pub(super) struct Neighbourhoods {
    kept: Vec<(Kind, Neighbourhood)>,
    of_a_kind: BTreeMap<Kind, usize>,
}

/// The subject and the kind of a difference.
type Kind = (SmolStr, SmolStr);

impl Neighbourhoods {
    /// Returns those that were kept.
    pub(super) fn into_kept(self) -> Vec<Neighbourhood> {
        self.kept.into_iter().map(|(_, near)| near).collect()
    }

    /// Returns those that were kept so far.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Neighbourhood> {
        self.kept.iter().map(|(_, near)| near)
    }

    /// Takes up those that a run kept which was broken off.
    pub(super) fn kept_before(neighbourhoods: Vec<Neighbourhood>) -> Self {
        let kind = |near: &Neighbourhood| (near.subject.name().clone(), SmolStr::default());
        let kept = neighbourhoods.into_iter().map(|near| (kind(&near), near)).collect();
        Self { kept, of_a_kind: BTreeMap::new() }
    }

    /// Adds those that were kept elsewhere, as far as there is room.
    pub(super) fn absorb(&mut self, others: Self) {
        for (kind, near) in others.kept {
            if self.has_room(&near.subject, &kind) {
                *self.of_a_kind.entry(kind.clone()).or_default() += 1;
                self.kept.push((kind, near));
            }
        }
    }

    fn has_room(&self, subject: &Subject, kind: &Kind) -> bool {
        if self.of_a_kind.get(kind).is_some_and(|count| *count >= OF_A_KIND_MAX) {
            return false;
        }
        let kept = self.kept.len();
        match subject {
            Subject::Node(label) if label == Label::Interview.as_str() => kept < NEIGHBOURHOODS_KEPT,
            Subject::Node(_) | Subject::Query(_) | Subject::Figure(_) => kept < OF_PARTS_MAX,
            Subject::Relationship(_) => {
                let of_relationships =
                    self.kept().filter(|near| matches!(near.subject, Subject::Relationship(_))).count();
                kept < OF_PARTS_MAX && of_relationships < OF_RELATIONSHIPS_MAX
            }
        }
    }

    /// Keeps what stands around the first of these differences, which were found in this part of both graphs.
    pub(super) fn collect(
        &mut self,
        policy: &CompiledPolicy,
        sides: [&[Element]; 2],
        differences: &[Difference],
    ) {
        let mut part = None;
        for difference in differences {
            let kind = (difference.subject.name().clone(), SmolStr::new_static(difference.kind.name()));
            let is_kept = |near: &Neighbourhood| {
                (&near.subject, &near.key, &near.interview)
                    == (&difference.subject, &difference.key, &difference.interview)
            };
            if !self.has_room(&difference.subject, &kind) || self.kept().any(is_kept) {
                continue;
            }
            let part = part.get_or_insert_with(|| Part::new(policy, sides));
            // A topic that one side lacks stands alone here: what leads to it is found in the interviews.
            if let Some(neighbourhood) = part.around(difference).filter(|near| near.nodes.len() > 1) {
                *self.of_a_kind.entry(kind.clone()).or_default() += 1;
                self.kept.push((kind, neighbourhood));
            }
        }
    }
}

/// How often each side has an element, and whether that is the same.
#[derive(Debug, Clone, Copy)]
struct Standing {
    state: State,
    counts: [u64; 2],
}

/// A part of both graphs, by the names of its elements.
struct Part<'e> {
    nodes: BTreeMap<&'e NodeName, (Standing, Option<String>)>,
    links: Vec<(Link<'e>, Standing)>,
    /// The interview of each element, to tell the elements of several interviews apart.
    names: BTreeMap<&'e Name, &'e Option<SmolStr>>,
}

#[derive(Debug, Clone, Copy)]
struct Link<'e> {
    rel: &'e SmolStr,
    from: &'e NodeName,
    to: &'e NodeName,
}

impl<'e> Link<'e> {
    /// Returns the node at the other end; `None` where that node is at neither.
    fn other_end(&self, node: &NodeName) -> Option<&'e NodeName> {
        if self.from == node { Some(self.to) } else { (self.to == node).then_some(self.from) }
    }
}

impl<'e> Part<'e> {
    fn new(policy: &CompiledPolicy, sides: [&'e [Element]; 2]) -> Self {
        let mut by_name: BTreeMap<&Name, [Vec<&Element>; 2]> = BTreeMap::new();
        for (side, elements) in sides.into_iter().enumerate() {
            for element in elements {
                by_name.entry(&element.name).or_default()[side].push(element);
            }
        }
        let (mut nodes, mut links, mut names) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        for (name, twins) in by_name {
            let standing = standing(policy, name, &twins);
            let Some(first) = twins.iter().flatten().next() else { continue };
            names.insert(name, &first.interview);
            match name {
                Name::Node(node) => {
                    drop(
                        nodes.insert(node, (standing, twins.iter().flatten().find_map(|node| text_of(node)))),
                    );
                }
                Name::Link { rel, from, to } => links.push((Link { rel, from, to }, standing)),
            }
        }
        Self { nodes, links, names }
    }

    fn around(&self, difference: &Difference) -> Option<Neighbourhood> {
        let is_meant = |name: &Name, interview: &Option<SmolStr>| {
            name.subject() == difference.subject
                && *interview == difference.interview
                && name.to_string() == difference.key
        };
        let (centre, _) = self.names.iter().find(|(name, interview)| is_meant(name, interview))?;
        let (chosen, left_out) = self.choose(centre);
        let places: BTreeMap<&NodeName, usize> = (0..).zip(&chosen).map(|(at, node)| (*node, at)).collect();
        let mut reached = vec![[0, 0]; chosen.len()];
        let mut relationships = Vec::new();
        for (link, Standing { state, counts: [left, right] }) in &self.links {
            let (Some(&from), Some(&to)) = (places.get(link.from), places.get(link.to)) else { continue };
            for end in [from, to] {
                reached[end] = [reached[end][0].max(*left).min(1), reached[end][1].max(*right).min(1)];
            }
            let is_centre = matches!(centre, Name::Link { rel, from, to }
                if (rel, from, to) == (link.rel, link.from, link.to));
            let (rel, state, left, right) = (link.rel.clone(), *state, *left, *right);
            relationships.push(NearRelationship { rel, from, to, state, left, right, is_centre });
        }
        // What differs must not be what is cut off.
        relationships.sort_by_key(|near| (!near.is_centre, near.state == State::Same));
        relationships.truncate(RELATIONSHIPS_MAX);
        let nodes = chosen.iter().zip(reached).map(|(&node, reached)| {
            let outside = || (Standing { state: State::Outside, counts: reached }, None);
            let (Standing { state, counts: [left, right] }, text) =
                self.nodes.get(node).cloned().unwrap_or_else(outside);
            let is_centre = matches!(centre, Name::Node(centre) if centre == node);
            let (label, key) = (node.label.clone(), node.to_string());
            NearNode { label, key, text, state, left, right, is_centre }
        });
        Some(Neighbourhood {
            subject: difference.subject.clone(),
            key: difference.key.clone(),
            interview: difference.interview.clone(),
            nodes: nodes.collect(),
            relationships,
            left_out,
        })
    }

    /// Chooses the nodes: the centre, what is related to it, and what its analysis or the sentence of that says. Returns how
    /// many were left out, too.
    fn choose(&self, centre: &'e Name) -> (Vec<&'e NodeName>, u64) {
        let mut chosen = match centre {
            Name::Node(node) => vec![node],
            Name::Link { from, to, .. } => vec![from, to],
        };
        chosen.dedup();
        // Of a relationship's ends, only those that are near the interview's parts: a topic has a thousand others.
        let is_narrow = |node: &&NodeName| chosen.len() == 1 || is_part(&node.label);
        let mut from: Vec<&NodeName> = chosen.iter().copied().filter(is_narrow).collect();
        let mut left_out = 0;
        for _ in 0..2 {
            let mut found: BTreeSet<(bool, bool, &NodeName)> = BTreeSet::new();
            let mut next = Vec::new();
            for (link, Standing { state, .. }) in &self.links {
                for node in &from {
                    let Some(other) = link.other_end(node).filter(|other| !chosen.contains(other)) else {
                        continue;
                    };
                    let is_same = *state == State::Same
                        && self.nodes.get(other).is_none_or(|(standing, _)| standing.state == State::Same);
                    found.insert((is_same, !is_structure(&other.label), other));
                    if *link.rel == Rel::HasAnalysis.as_str() {
                        next.push(other);
                    }
                }
            }
            // A node may have been found twice, once by a relationship that differs.
            let mut known = BTreeSet::new();
            for (_, _, node) in found {
                if known.insert(node) {
                    if chosen.len() < NODES_MAX {
                        chosen.push(node);
                    } else {
                        left_out += 1;
                    }
                }
            }
            from = next;
        }
        (chosen, left_out)
    }
}

/// Returns whether nodes of a label have a handful of neighbours that belong to them.
fn is_part(label: &str) -> bool {
    matches!(Label::from_name(label), Some(Label::Sentence | Label::Analysis))
}

fn is_structure(label: &str) -> bool {
    is_part(label) || label == Label::Interview.as_str()
}

fn standing(policy: &CompiledPolicy, name: &Name, twins: &[Vec<&Element>; 2]) -> Standing {
    let counts = [twins[0].len() as u64, twins[1].len() as u64];
    let state = match counts {
        [_, 0] => State::OnlyLeft,
        [0, _] => State::OnlyRight,
        [1, 1] if is_same(policy, name, &twins[0][0].properties, &twins[1][0].properties) => State::Same,
        _ => State::Differs,
    };
    Standing { state, counts }
}

fn is_same(policy: &CompiledPolicy, name: &Name, left: &Properties, right: &Properties) -> bool {
    // What the policy is asked here counts for nothing: the comparison has counted it.
    let mut uses = policy.unused();
    let names = left.iter().chain(right.iter()).map(|(property, _)| property);
    names.into_iter().all(|property| {
        policy.same(name.kind(), property, left.get(property), right.get(property), &mut uses)
    })
}

fn text_of(element: &Element) -> Option<String> {
    let text = ["text", "title"].iter().find_map(|property| element.properties.get(property)?.as_text())?;
    Some(match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    })
}

impl State {
    /// Returns whether a side has what is in this state.
    pub const fn is_on(self, side: Side) -> bool {
        match side {
            Side::Left => !matches!(self, Self::OnlyRight),
            Side::Right => !matches!(self, Self::OnlyLeft),
        }
    }
}

#[cfg(test)]
#[path = "neighbourhood_tests.rs"]
mod tests;
