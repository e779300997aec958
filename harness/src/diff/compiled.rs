//! A policy made ready for use: looked up by label or type and side, with a counter for each rule.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::graph::{Properties, Value};
use cutover_core::timestamp::Timestamp;
use smol_str::SmolStr;

use super::accept::{Acceptance, CompiledAccept};
use super::canonical::Identity;
use super::difference::{Difference, Side};
use super::element::{Element, Name, NodeName};
use super::normal::Normal;
use super::policy::{Policy, Unlisted};
use crate::result::{Accepted, RuleUse};

/// A policy, looked up by label or type.
#[derive(Debug)]
pub struct CompiledPolicy {
    pub(super) identity: Identity,
    unlisted: Unlisted,
    rules: Vec<(SmolStr, String)>,
    subjects: BTreeMap<SmolStr, SubjectRules>,
    accepts: Vec<CompiledAccept>,
}

/// Where a rule counts its uses.
type RuleAt = usize;

/// The rules of one label or type; those with a side are indexed by it.
#[derive(Debug, Default)]
struct SubjectRules {
    compared: BTreeSet<SmolStr>,
    /// Whether the policy lists this label or type at all.
    known: bool,
    sides: [SideRules; 2],
    tolerances: BTreeMap<SmolStr, (f64, RuleAt)>,
}

#[derive(Debug, Default)]
struct SideRules {
    ignored: BTreeMap<SmolStr, RuleAt>,
    renamed: Vec<(SmolStr, SmolStr, RuleAt)>,
    defaults: Vec<(SmolStr, Value, RuleAt)>,
    normals: Vec<(SmolStr, Normal, RuleAt)>,
    hidden_having: Vec<(SmolStr, RuleAt)>,
    hidden_unreferenced: Option<RuleAt>,
}

/// How often each rule was used.
#[derive(Debug, Clone)]
pub(super) struct Uses(Vec<u64>);

impl Uses {
    fn count(&mut self, rule: RuleAt) {
        self.0[rule] += 1;
    }

    /// Adds uses of the same rules.
    pub(super) fn add(&mut self, others: &Self) {
        for (own, others) in self.0.iter_mut().zip(&others.0) {
            *own += others;
        }
    }
}

impl CompiledPolicy {
    /// Makes a policy ready for use. The time is not known, so that all that was accepted for a while counts again.
    pub fn new(policy: &Policy) -> Self {
        Self::at(policy, None)
    }

    /// Makes a policy ready for use at a time, which decides what is accepted still.
    pub fn at(policy: &Policy, now: Option<Timestamp>) -> Self {
        let rules = policy.rules().map(|(id, reason, _)| (id.clone(), reason.to_owned())).collect();
        let mut subjects: BTreeMap<SmolStr, SubjectRules> = BTreeMap::new();
        for (name, properties) in &policy.compare {
            let subject = subjects.entry(name.clone()).or_default();
            subject.known = true;
            subject.compared.clone_from(properties);
        }
        let accepts = policy.accept.iter().map(|accept| CompiledAccept::new(accept, now)).collect();
        let (identity, unlisted) = (policy.identity, policy.unlisted);
        let mut compiled = Self { identity, unlisted, rules, subjects, accepts };
        compiled.add_rules(policy);
        compiled
    }

    /// Adds the rules in the order of [`Policy::rules`], which numbers them.
    fn add_rules(&mut self, policy: &Policy) {
        let mut at = 0..;
        let mut next = || at.next().expect("there are more numbers than rules");
        for rule in &policy.ignore {
            let at = next();
            self.each(&rule.on, rule.side, |side| {
                side.ignored.extend(rule.properties.iter().map(|property| (property.clone(), at)));
            });
        }
        for rule in &policy.rename {
            let at = next();
            self.each(&rule.on, Some(rule.side), |side| {
                side.renamed.push((rule.from.clone(), rule.to.clone(), at));
            });
        }
        for rule in &policy.default {
            let at = next();
            self.each(&rule.on, rule.side, |side| {
                side.defaults.push((rule.property.clone(), rule.value.clone(), at));
            });
        }
        for rule in &policy.normalise {
            let at = next();
            let normal = Normal::new(rule);
            self.each(&rule.on, rule.side, |side| {
                side.normals.push((rule.property.clone(), normal.clone(), at));
            });
        }
        for rule in &policy.tolerance {
            let at = next();
            for name in &rule.on {
                let subject = self.subjects.entry(name.clone()).or_default();
                subject.tolerances.insert(rule.property.clone(), (rule.within, at));
            }
        }
        for rule in &policy.ignore_having {
            let at = next();
            self.each(&rule.on, rule.side, |side| side.hidden_having.push((rule.property.clone(), at)));
        }
        for rule in &policy.ignore_unreferenced {
            let at = next();
            self.each(&rule.on, rule.side, |side| side.hidden_unreferenced = Some(at));
        }
    }

    fn each(&mut self, on: &[SmolStr], side: Option<Side>, mut add: impl FnMut(&mut SideRules)) {
        for name in on {
            let subject = self.subjects.entry(name.clone()).or_default();
            for each in Side::BOTH {
                if side.is_none_or(|side| side == each) {
                    add(&mut subject.sides[each as usize]);
                }
            }
        }
    }

    pub(super) fn unused(&self) -> Uses {
        Uses(vec![0; self.rules.len()])
    }

    pub(super) fn none_accepted(&self) -> Vec<u64> {
        vec![0; self.accepts.len()]
    }

    /// Returns which of the accepted differences a finding is: the first that it fits.
    pub(super) fn accepting(&self, difference: &Difference) -> Option<Acceptance> {
        self.accepts.iter().position(|accept| accept.fits(difference))
    }

    /// Returns whether a difference was accepted for too long.
    pub(super) fn has_expired(&self, at: Acceptance) -> bool {
        self.accepts[at].has_expired
    }

    /// Returns the accepted differences that were found.
    pub(super) fn accepted(&self, counts: &[u64]) -> Vec<Accepted> {
        let found = self.accepts.iter().zip(counts).filter(|(_, count)| **count > 0);
        found.map(|(accept, count)| accept.result(*count)).collect()
    }

    /// Counts uses of a rule by its name; one that this policy does not have is none.
    pub(super) fn add_uses(&self, uses: &mut Uses, rule: &str, count: u64) {
        if let Some(at) = self.rules.iter().position(|(name, _)| name == rule) {
            uses.0[at] += count;
        }
    }

    /// Counts what was accepted, by name.
    pub(super) fn add_accepted(&self, counts: &mut [u64], id: &str, count: u64) {
        if let Some(at) = self.accepts.iter().position(|accept| accept.id() == id) {
            counts[at] += count;
        }
    }

    /// Returns the rules that were used.
    pub(super) fn used(&self, uses: &Uses) -> Vec<RuleUse> {
        let used = self.rules.iter().zip(&uses.0).filter(|(_, count)| **count > 0);
        used.map(|((rule, reason), count)| RuleUse {
            rule: rule.clone(),
            reason: reason.clone(),
            count: *count,
        })
        .collect()
    }

    /// Returns whether the policy says anything of that label or type.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.subjects.get(name).is_some_and(|subject| subject.known)
    }

    /// Takes out the nodes that are not to be compared, and the relationships that begin or end at them.
    pub(super) fn hide(&self, side: Side, elements: &mut Vec<Element>, uses: &mut Uses) {
        let mut hidden: BTreeMap<NodeName, RuleAt> = BTreeMap::new();
        let mut kept_twins: BTreeSet<NodeName> = BTreeSet::new();
        elements.retain(|element| {
            let Name::Node(node) = &element.name else { return true };
            match self.hiding_rule(side, element) {
                Some(rule) => {
                    uses.count(rule);
                    hidden.insert(node.clone(), rule);
                    false
                }
                None => {
                    if self.hides_any(side, &node.label) {
                        kept_twins.insert(node.clone());
                    }
                    true
                }
            }
        });
        // A relationship does not say which of two twins it touches: while one of them is compared, so is it.
        hidden.retain(|node, _| !kept_twins.contains(node));
        if hidden.is_empty() {
            return;
        }
        elements.retain(|element| {
            let Name::Link { from, to, .. } = &element.name else { return true };
            match hidden.get(from).or_else(|| hidden.get(to)) {
                Some(rule) => {
                    uses.count(*rule);
                    false
                }
                None => true,
            }
        });
    }

    fn hides_any(&self, side: Side, label: &str) -> bool {
        self.side(label, side).is_some_and(|rules| !rules.hidden_having.is_empty())
    }

    fn hiding_rule(&self, side: Side, element: &Element) -> Option<RuleAt> {
        let rules = self.side(element.name.kind(), side)?;
        let having =
            rules.hidden_having.iter().find(|(property, _)| element.properties.get(property).is_some());
        having.map(|(_, rule)| *rule)
    }

    /// Returns whether a value node that nothing points at is left out, and counts it.
    pub(super) fn hides_unreferenced(&self, side: Side, label: &str, uses: &mut Uses) -> bool {
        let rule = self.side(label, side).and_then(|rules| rules.hidden_unreferenced);
        rule.into_iter().inspect(|rule| uses.count(*rule)).next().is_some()
    }

    fn side(&self, name: &str, side: Side) -> Option<&SideRules> {
        self.subjects.get(name).map(|subject| &subject.sides[side as usize])
    }

    /// Brings the properties of an element of one side to the form in which they are compared: without the ignored ones,
    /// under the common names, with what a missing one stands for. Calls `unknown` for each that the policy does not know.
    pub(super) fn normalise(
        &self,
        side: Side,
        element: &mut Element,
        uses: &mut Uses,
        mut unknown: impl FnMut(&SmolStr, &Value),
    ) {
        let Some(subject) = self.subjects.get(element.name.kind()) else { return };
        let rules = &subject.sides[side as usize];
        let mut properties = Properties::new();
        for (name, value) in element.properties.iter() {
            if let Some(rule) = rules.ignored.get(name) {
                uses.count(*rule);
            } else if let Some((_, to, rule)) = rules.renamed.iter().find(|(from, _, _)| from == name) {
                uses.count(*rule);
                properties.set(to.clone(), value.clone());
            } else if subject.compared.contains(name) || self.unlisted == Unlisted::Compare {
                properties.set(name.clone(), value.clone());
            } else {
                unknown(name, value);
            }
        }
        for (name, normal, rule) in &rules.normals {
            if let Some(value) = properties.get(name)
                && let Some(changed) = normal.of(value)
            {
                uses.count(*rule);
                properties.set(name.clone(), changed);
            }
        }
        for (name, value, rule) in &rules.defaults {
            if properties.get(name).is_none() {
                uses.count(*rule);
                properties.set(name.clone(), value.clone());
            }
        }
        element.properties = properties;
    }

    /// Returns the rules by which a property has the name that it has in the comparison, or by which its values were held to
    /// be near each other or not.
    pub(super) fn rules_of_property(&self, name: &str, property: &str) -> Vec<SmolStr> {
        let Some(subject) = self.subjects.get(name) else { return Vec::new() };
        let renamed = subject.sides.iter().flat_map(|side| &side.renamed);
        let renamed = renamed.filter(|(_, to, _)| to == property).map(|(_, _, rule)| *rule);
        let normals = subject.sides.iter().flat_map(|side| &side.normals);
        let normals = normals.filter(|(name, _, _)| name == property).map(|(_, _, rule)| *rule);
        let tolerated = subject.tolerances.get(property).map(|(_, rule)| *rule);
        let mut rules: Vec<RuleAt> = renamed.chain(normals).chain(tolerated).collect();
        // A rule for both sides stands at each of them.
        rules.dedup();
        rules.into_iter().map(|rule| self.rules[rule].0.clone()).collect()
    }

    /// Returns whether different values of a property may count as the same.
    pub(super) fn tolerates(&self, name: &str, property: &str) -> bool {
        self.subjects.get(name).is_some_and(|subject| subject.tolerances.contains_key(property))
    }

    /// Returns whether two values of a property are the same, and counts the tolerance if it takes one to say so.
    pub(super) fn same(
        &self,
        name: &str,
        property: &str,
        left: Option<&Value>,
        right: Option<&Value>,
        uses: &mut Uses,
    ) -> bool {
        if left == right {
            return true;
        }
        let tolerance = self.subjects.get(name).and_then(|subject| subject.tolerances.get(property));
        let (Some((within, rule)), Some(left), Some(right)) =
            (tolerance, left.and_then(number), right.and_then(number))
        else {
            return false;
        };
        let same = (left - right).abs() <= *within;
        if same {
            uses.count(*rule);
        }
        same
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}
