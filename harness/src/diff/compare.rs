//! Compares two sequences of elements, element by element. Pure: no graph, no I/O. The main type is [`Comparison`].
//!
//! Both sequences are merged in the order of their names. Twins are matched with equal ones first, so that a twin too many is
//! one finding, and a twin that differs is told from one that is missing.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use cutover_core::graph::{Label, Properties};
use smol_str::SmolStr;

use super::compiled::{CompiledPolicy, Uses};
use super::difference::{Below, Difference, DifferenceKind, Side, Subject};
use super::digest::{Digester, Digests};
use super::element::{Element, Name, NodeName};
use super::form::Summary;
use super::neighbourhood::{Neighbourhood, Neighbourhoods};
use crate::result::{Accepted, Compared, Differences, RuleUse, Tally};

/// A comparison as it goes on: what was compared so far, what differed, which rules were used. Its size does not depend on how
/// much is compared.
#[derive(Debug)]
pub struct Comparison<'a> {
    policy: &'a CompiledPolicy,
    uses: Uses,
    /// What both sides come to, where somebody wants to know.
    digesters: Option<[Digester; 2]>,
    accepted: Vec<u64>,
    /// How much was compared.
    pub compared: Compared,
    /// What differed.
    pub differences: Differences,
    neighbourhoods: Neighbourhoods,
}

impl<'a> Comparison<'a> {
    /// Begins a comparison.
    pub fn new(policy: &'a CompiledPolicy) -> Self {
        let (compared, differences) = (Compared::default(), Differences::default());
        let (uses, accepted) = (policy.unused(), policy.none_accepted());
        let neighbourhoods = Neighbourhoods::default();
        Self { policy, uses, accepted, digesters: None, compared, differences, neighbourhoods }
    }

    /// Begins a comparison that also says what each side is, in a digest.
    pub fn digesting(policy: &'a CompiledPolicy) -> Self {
        Self { digesters: Some(Default::default()), ..Self::new(policy) }
    }

    /// Returns what both sides come to so far; `None` where nobody asked for it in the beginning.
    pub fn digests(&self) -> Option<Digests> {
        let [left, right] = self.digesters.as_ref()?;
        Some(Digests { left: left.finish(), right: right.finish() })
    }

    /// Returns the rules that were used so far.
    pub fn rules_used(&self) -> Vec<RuleUse> {
        self.policy.used(&self.uses)
    }

    /// Returns what stands around the first differences so far.
    pub(super) fn neighbourhoods(&self) -> Vec<Neighbourhood> {
        self.neighbourhoods.kept().cloned().collect()
    }

    /// Takes what stands around the first differences.
    pub fn take_neighbourhoods(&mut self) -> Vec<Neighbourhood> {
        std::mem::take(&mut self.neighbourhoods).into_kept()
    }

    /// Returns the accepted differences that were found so far.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.policy.accepted(&self.accepted)
    }

    /// Adds a finding: a difference, unless the policy accepts it. One that it has accepted for too long is both.
    pub fn find(&mut self, difference: Difference) {
        if let Some(at) = self.policy.accepting(&difference) {
            self.accepted[at] += 1;
            if !self.policy.has_expired(at) {
                return;
            }
        }
        self.differences.push(difference);
    }

    /// Goes on where another run has stopped.
    pub(super) fn resume(
        &mut self,
        compared: Compared,
        differences: Differences,
        rules: &BTreeMap<SmolStr, u64>,
        accepted: &BTreeMap<SmolStr, u64>,
        neighbourhoods: Vec<Neighbourhood>,
    ) {
        // What was digested before is not known any more.
        self.digesters = None;
        self.neighbourhoods = Neighbourhoods::kept_before(neighbourhoods);
        self.compared = compared;
        self.differences = differences;
        for (rule, count) in rules {
            self.policy.add_uses(&mut self.uses, rule, *count);
        }
        for (id, count) in accepted {
            self.policy.add_accepted(&mut self.accepted, id, *count);
        }
    }

    /// Adds what another comparison under the same policy came to.
    pub fn absorb(&mut self, other: Self) {
        self.compared.add(&other.compared);
        self.differences.merge(other.differences);
        self.uses.add(&other.uses);
        for (own, other) in self.digesters.iter_mut().flatten().zip(other.digesters.iter().flatten()) {
            own.merge(other);
        }
        self.neighbourhoods.absorb(other.neighbourhoods);
        for (own, others) in self.accepted.iter_mut().zip(other.accepted) {
            *own += others;
        }
    }

    /// Counts a part that is the same on both sides, as their digests say, as if its elements had been compared.
    pub(super) fn count_alike(&mut self, left: &Summary, right: &Summary) {
        for (label, &count) in &left.compared.nodes {
            self.count_subject(&Subject::Node(label.clone()), count, count);
        }
        for (rel, &count) in &left.compared.relationships {
            self.count_subject(&Subject::Relationship(rel.clone()), count, count);
        }
        self.compared.properties += left.properties;
        self.compared.by_digest += left.compared.total();
        for (rule, count) in left.rules.iter().chain(&right.rules) {
            self.policy.add_uses(&mut self.uses, rule, *count);
        }
    }

    /// Adds the finding that a node's key leads nowhere.
    pub fn find_unidentified(&mut self, side: Side, node: &NodeName, interview: Option<&SmolStr>) {
        let subject = Subject::Node(node.label.clone());
        let kind = DifferenceKind::Unidentified { side };
        self.find(Difference::new(subject, node.to_string(), interview.cloned(), kind));
    }

    /// Returns whether a value node that nothing points at is left out by a rule, and counts that.
    pub fn hides_unreferenced(&mut self, side: Side, label: &str) -> bool {
        self.policy.hides_unreferenced(side, label, &mut self.uses)
    }

    /// Compares all elements of one part of both graphs: an interview, or the value nodes of one key. In any order. An
    /// interview that one side does not have at all is one finding.
    pub fn compare(&mut self, left: Vec<Element>, right: Vec<Element>) {
        let kept = self.differences.first.len();
        let left = self.prepare(Side::Left, left);
        let right = self.prepare(Side::Right, right);
        if let Some(digesters) = &mut self.digesters {
            digesters[Side::Left as usize].add(self.policy, &left);
            digesters[Side::Right as usize].add(self.policy, &right);
        }
        if left.is_empty() != right.is_empty() && left.iter().chain(&right).any(is_interview) {
            self.find_missing_interview(&left, &right);
        } else {
            self.compare_in_order(&left, &right);
        }
        self.neighbourhoods.collect(self.policy, [&left, &right], &self.differences.first[kept..]);
    }

    fn compare_in_order(&mut self, mut left: &[Element], mut right: &[Element]) {
        loop {
            let order = match (left.first(), right.first()) {
                (None, None) => return,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => (&a.interview, &a.name).cmp(&(&b.interview, &b.name)),
            };
            let on_left = if order == Ordering::Greater { &[][..] } else { split_twins(&mut left) };
            let on_right = if order == Ordering::Less { &[][..] } else { split_twins(&mut right) };
            debug_assert!(!(on_left.is_empty() && on_right.is_empty()), "every round takes something off");
            self.compare_twins(on_left, on_right);
        }
    }

    /// Brings elements to the form in which they are compared, and reports what the policy does not know.
    pub(super) fn prepare(&mut self, side: Side, mut elements: Vec<Element>) -> Vec<Element> {
        self.policy.hide(side, &mut elements, &mut self.uses);
        let mut unknown: Vec<Difference> = Vec::new();
        elements.retain(|element| {
            let is_known = self.policy.knows(element.name.kind());
            if !is_known {
                let kind = match element.name {
                    Name::Node(_) => DifferenceKind::UnknownLabel { side, count: 1 },
                    Name::Link { .. } => DifferenceKind::UnknownRelationshipType { side, count: 1 },
                };
                unknown.push(finding(&element.name, &element.interview, kind));
            }
            is_known
        });
        for element in &mut elements {
            let mut properties = Vec::new();
            self.policy.normalise(side, element, &mut self.uses, |property, value| {
                properties.push((property.clone(), value.clone()));
            });
            for (property, value) in properties {
                let kind = DifferenceKind::UnknownProperty { side, property, value };
                unknown.push(finding(&element.name, &element.interview, kind));
            }
        }
        unknown.into_iter().for_each(|difference| self.find(difference));
        elements.sort_unstable_by(|a, b| {
            (&a.interview, &a.name, &a.properties).cmp(&(&b.interview, &b.name, &b.properties))
        });
        elements
    }

    /// Finds that all of an interview is on one side only, and counts what it owns there.
    fn find_missing_interview(&mut self, left: &[Element], right: &[Element]) {
        let mut below = Below::default();
        let mut missing = None;
        for (mut elements, is_left) in [(left, true), (right, false)] {
            while !elements.is_empty() {
                let twins = split_twins(&mut elements);
                let count = twins.len() as u64;
                let (on_left, on_right) = if is_left { (count, 0) } else { (0, count) };
                self.count(&twins[0].name, on_left, on_right);
                if is_interview(&twins[0]) {
                    missing = presence(on_left, on_right).map(|kind| (&twins[0], kind));
                } else {
                    below.add(&twins[0].name.subject(), count);
                }
            }
        }
        if let Some((Element { name, interview, .. }, kind)) = missing {
            let difference = Difference { below, ..finding(name, interview, kind) };
            self.find(difference);
        }
    }

    /// Compares all elements of one name; one of the sides may have none.
    fn compare_twins(&mut self, left: &[Element], right: &[Element]) {
        let Some(element) = left.first().or(right.first()) else { return };
        let (name, interview) = (&element.name, &element.interview);
        let (on_left, on_right) = (left.len() as u64, right.len() as u64);
        self.count(name, on_left, on_right);
        if let Some(kind) = presence(on_left, on_right) {
            self.push(name, interview, kind);
        }
        for (left, right) in pairs(left, right) {
            self.compare_properties(name, interview, left, right);
        }
    }

    fn compare_properties(
        &mut self,
        name: &Name,
        interview: &Option<SmolStr>,
        left: &Properties,
        right: &Properties,
    ) {
        let only_right = right.iter().filter(|(property, _)| left.get(property).is_none());
        let mut names: Vec<&SmolStr> = left.iter().chain(only_right).map(|(property, _)| property).collect();
        names.sort_unstable();
        for property in names {
            self.compared.properties += 1;
            let (left, right) = (left.get(property), right.get(property));
            if !self.policy.same(name.kind(), property, left, right, &mut self.uses) {
                let rules = self.policy.rules_of_property(name.kind(), property);
                let (property, left, right) = (property.clone(), left.cloned(), right.cloned());
                let kind = DifferenceKind::PropertyDiffers { property, left, right };
                self.find(Difference { rules, ..finding(name, interview, kind) });
            }
        }
    }

    fn count(&mut self, name: &Name, on_left: u64, on_right: u64) {
        self.count_subject(&name.subject(), on_left, on_right);
    }

    fn count_subject(&mut self, subject: &Subject, on_left: u64, on_right: u64) {
        let tally = self.compared.tally_mut(subject).expect("elements are nodes or relationships");
        tally.add(Tally { left: on_left, right: on_right, both: on_left.min(on_right) });
    }

    fn push(&mut self, name: &Name, interview: &Option<SmolStr>, kind: DifferenceKind) {
        self.find(finding(name, interview, kind));
    }
}

/// Returns the finding that it is to have so many elements of one name on the two sides; none when there is one on each.
const fn presence(on_left: u64, on_right: u64) -> Option<DifferenceKind> {
    match (on_left, on_right) {
        (0, 1) => Some(DifferenceKind::MissingLeft),
        (1, 0) => Some(DifferenceKind::MissingRight),
        (1, 1) => None,
        (left, right) => Some(DifferenceKind::Multiplicity { left, right }),
    }
}

fn is_interview(element: &Element) -> bool {
    matches!(&element.name, Name::Node(node) if node.label == Label::Interview.as_str())
}

fn finding(name: &Name, interview: &Option<SmolStr>, kind: DifferenceKind) -> Difference {
    Difference::new(name.subject(), name.to_string(), interview.clone(), kind)
}

/// Takes the elements that bear the first one's name off the front.
fn split_twins<'e>(elements: &mut &'e [Element]) -> &'e [Element] {
    let first = &elements[0];
    let same = |other: &&Element| other.name == first.name && other.interview == first.interview;
    let (twins, rest) = elements.split_at(elements.iter().take_while(same).count());
    *elements = rest;
    twins
}

/// Pairs twins off: equal ones with each other, then the others in order. Those too many are left out.
fn pairs<'e>(left: &'e [Element], right: &'e [Element]) -> Vec<(&'e Properties, &'e Properties)> {
    let mut rest: Vec<&Properties> = right.iter().map(|element| &element.properties).collect();
    let mut found = Vec::new();
    let mut unmatched = Vec::new();
    for element in left {
        match rest.iter().position(|properties| **properties == element.properties) {
            Some(at) => found.push((&element.properties, rest.remove(at))),
            None => unmatched.push(&element.properties),
        }
    }
    found.extend(unmatched.into_iter().zip(rest));
    found
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
