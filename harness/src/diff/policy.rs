//! The equivalence policy: what counts as the same, as data. The main type is [`Policy`], read from TOML.
//!
//! A policy lists what is compared; everything else is a finding, unless a rule says why not. Each rule bears its reason, and
//! is counted when it is used. What is equal after the rules is decided in [`super::compare`].

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::graph::{Label, Rel, Value};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::accept::Accept;
use super::canonical::Identity;
use super::difference::Side;
use super::normal;
use crate::digest::Digest;

/// What to do with a property of a known label or type that the policy does not list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlisted {
    /// It is a finding.
    #[default]
    Finding,
    /// It is compared: for two graphs of one schema.
    Compare,
}

/// Does not compare some properties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ignore {
    /// The rule's name.
    pub id: SmolStr,
    /// The labels and relationship types that it holds for.
    pub on: Vec<SmolStr>,
    /// The side that it holds for; both when left out.
    #[serde(default)]
    pub side: Option<Side>,
    /// The properties, by the names that the side has them under.
    pub properties: Vec<SmolStr>,
    /// Why.
    pub reason: String,
}

/// Compares a property under another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// The rule's name.
    pub id: SmolStr,
    /// The labels and relationship types that it holds for.
    pub on: Vec<SmolStr>,
    /// The side that has the other name.
    pub side: Side,
    /// The name there.
    pub from: SmolStr,
    /// The name in the comparison.
    pub to: SmolStr,
    /// Why.
    pub reason: String,
}

/// Takes a missing property for one that has this value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultValue {
    /// The rule's name.
    pub id: SmolStr,
    /// The labels and relationship types that it holds for.
    pub on: Vec<SmolStr>,
    /// The side that it holds for; both when left out.
    #[serde(default)]
    pub side: Option<Side>,
    /// The property, by its name in the comparison.
    pub property: SmolStr,
    /// The value.
    pub value: Value,
    /// Why.
    pub reason: String,
}

/// Which values are the same, though they are written in different ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NormalForm {
    /// Points in time: text in RFC 3339 with whatever offset, or without one where the rule names a zone.
    Time,
    /// Numbers: `1`, `1.0` and the text `"1"` are one.
    Number,
    /// JSON text: blanks and the order of names do not matter.
    Json,
}

/// Brings the values of a property to one form before they are compared. A value that does not have the form stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalise {
    /// The rule's name.
    pub id: SmolStr,
    /// The labels and relationship types that it holds for.
    pub on: Vec<SmolStr>,
    /// The side that it holds for; both when left out.
    #[serde(default)]
    pub side: Option<Side>,
    /// The property, by its name in the comparison.
    pub property: SmolStr,
    /// What its values are.
    #[serde(rename = "as")]
    pub form: NormalForm,
    /// The offset of times that are told without one, such as `+02:00`.
    #[serde(default)]
    pub zone: Option<SmolStr>,
    /// Why.
    pub reason: String,
}

/// Takes numbers for equal that differ by no more than this. Whole numbers and fractions compare as numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// The rule's name.
    pub id: SmolStr,
    /// The labels and relationship types that it holds for.
    pub on: Vec<SmolStr>,
    /// The property, by its name in the comparison.
    pub property: SmolStr,
    /// The largest difference that does not count, not negative.
    pub within: f64,
    /// Why.
    pub reason: String,
}

/// Does not compare nodes that bear a property, nor the relationships that begin or end at them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnoreHaving {
    /// The rule's name.
    pub id: SmolStr,
    /// The labels that it holds for.
    pub on: Vec<SmolStr>,
    /// The side that it holds for; both when left out.
    #[serde(default)]
    pub side: Option<Side>,
    /// The property, by the name that the side has it under.
    pub property: SmolStr,
    /// Why.
    pub reason: String,
}

/// Does not compare value nodes that nothing points at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnoreUnreferenced {
    /// The rule's name.
    pub id: SmolStr,
    /// The labels that it holds for.
    pub on: Vec<SmolStr>,
    /// The side that it holds for; both when left out.
    #[serde(default)]
    pub side: Option<Side>,
    /// Why.
    pub reason: String,
}

/// What counts as the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// The policy's name.
    pub name: SmolStr,
    /// How sentences and analyses are told apart.
    pub identity: Identity,
    /// What to do with properties that are not listed.
    #[serde(default)]
    pub unlisted: Unlisted,
    /// The properties that are compared, by label and relationship type. What has no entry is unknown.
    pub compare: BTreeMap<SmolStr, BTreeSet<SmolStr>>,
    /// Properties that are not compared.
    #[serde(default)]
    pub ignore: Vec<Ignore>,
    /// Properties that have two names.
    #[serde(default)]
    pub rename: Vec<Rename>,
    /// Properties whose absence has a meaning.
    #[serde(default)]
    pub default: Vec<DefaultValue>,
    /// Values that are written in different ways.
    #[serde(default)]
    pub normalise: Vec<Normalise>,
    /// Numbers that need not be the same to the last digit.
    #[serde(default)]
    pub tolerance: Vec<Tolerance>,
    /// Nodes that are not compared.
    #[serde(default)]
    pub ignore_having: Vec<IgnoreHaving>,
    /// Value nodes that are not compared.
    #[serde(default)]
    pub ignore_unreferenced: Vec<IgnoreUnreferenced>,
    /// Differences that somebody answers for, for a while.
    #[serde(default)]
    pub accept: Vec<Accept>,
}

/// What is wrong with a policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is no TOML, or not of this form.
    #[error("failed to read the policy")]
    Syntax(#[from] toml::de::Error),
    /// A rule, or the list of what is compared, speaks of what no graph has.
    #[error("rule `{rule}` is about `{name}`, which is no label and no relationship type")]
    UnknownName {
        /// The rule; `compare` for the list.
        rule: SmolStr,
        /// The name.
        name: SmolStr,
    },
    /// Two rules bear one name: their uses could not be told apart.
    #[error("two rules are named `{rule}`")]
    TwinRules {
        /// The name.
        rule: SmolStr,
    },
    /// A rule does not say why.
    #[error("rule `{rule}` has no reason")]
    NoReason {
        /// The rule.
        rule: SmolStr,
    },
    /// A tolerance is negative, or no number.
    #[error("rule `{rule}` tolerates {within}, which is not a distance")]
    NoDistance {
        /// The rule.
        rule: SmolStr,
        /// The figure.
        within: f64,
    },
    /// A zone is no offset.
    #[error("rule `{rule}` is about the zone `{zone}`, which is no offset such as `+02:00`")]
    NoZone {
        /// The rule.
        rule: SmolStr,
        /// The zone.
        zone: SmolStr,
    },
    /// Nobody answers for an accepted difference.
    #[error("the accepted difference `{rule}` has no owner")]
    NoOwner {
        /// Its name.
        rule: SmolStr,
    },
    /// There is no such kind of finding.
    #[error("the accepted difference `{rule}` is of the kind `{kind}`, which no finding is of")]
    UnknownKind {
        /// Its name.
        rule: SmolStr,
        /// The kind.
        kind: SmolStr,
    },
}

impl Policy {
    /// The text of [`Policy::direct_vs_projected`].
    pub const DIRECT_VS_PROJECTED: &str = include_str!("direct-vs-projected.toml");

    /// Reads and checks a policy.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] when it is malformed, speaks of unknown labels or types, or has rules without names of their own
    /// or without reasons.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let policy: Self = toml::from_str(text)?;
        policy.check()?;
        Ok(policy)
    }

    /// Returns the policy for the direct graph (left) against the projected one (right).
    pub fn direct_vs_projected() -> Self {
        Self::shipped(Self::DIRECT_VS_PROJECTED)
    }

    /// Returns the policy for the model (left) against the direct graph (right).
    pub fn model_vs_direct() -> Self {
        Self::shipped(include_str!("model-vs-direct.toml"))
    }

    /// Returns the policy for the model (left) against the projected graph (right).
    pub fn model_vs_projected() -> Self {
        Self::shipped(include_str!("model-vs-projected.toml"))
    }

    /// Returns the policy for two graphs of the projected schema: everything is compared as it is, by the keys that it has.
    pub fn same_schema() -> Self {
        let labels = Label::ALL.into_iter().filter(|label| !label.is_bookkeeping()).map(Label::as_str);
        let names = labels.chain(Rel::ALL.into_iter().map(Rel::as_str));
        Self {
            name: SmolStr::new_static("same-schema"),
            identity: Identity::Keys,
            unlisted: Unlisted::Compare,
            compare: names.map(|name| (SmolStr::new_static(name), BTreeSet::new())).collect(),
            ignore: Vec::new(),
            rename: Vec::new(),
            default: Vec::new(),
            tolerance: Vec::new(),
            ignore_having: Vec::new(),
            ignore_unreferenced: Vec::new(),
            normalise: Vec::new(),
            accept: Vec::new(),
        }
    }

    /// Returns the digest of all that the policy says about elements. Its name, and what is accepted, are no part of it:
    /// they change nothing about what is the same.
    pub fn digest(&self) -> Digest {
        let policy = Self { name: SmolStr::default(), accept: Vec::new(), ..self.clone() };
        Digest::of(&serde_json::to_vec(&policy).expect("a policy is JSON"))
    }

    /// Returns whether all rules are the same for both sides.
    pub fn is_symmetric(&self) -> bool {
        let sides = self.ignore.iter().map(|rule| rule.side);
        let sides = sides.chain(self.default.iter().map(|rule| rule.side));
        let sides = sides.chain(self.normalise.iter().map(|rule| rule.side));
        let sides = sides.chain(self.ignore_having.iter().map(|rule| rule.side));
        let mut sides = sides.chain(self.ignore_unreferenced.iter().map(|rule| rule.side));
        self.rename.is_empty() && sides.all(|side| side.is_none())
    }

    fn shipped(text: &str) -> Self {
        Self::from_toml(text).expect("the shipped policies are valid: a test reads each of them")
    }

    /// Returns name, reason and subjects of every rule, in the order in which uses are counted.
    pub(super) fn rules(&self) -> impl Iterator<Item = (&SmolStr, &str, &[SmolStr])> {
        let ignore = self.ignore.iter().map(|r| (&r.id, r.reason.as_str(), r.on.as_slice()));
        let rename = self.rename.iter().map(|r| (&r.id, r.reason.as_str(), r.on.as_slice()));
        let default = self.default.iter().map(|r| (&r.id, r.reason.as_str(), r.on.as_slice()));
        let normalise = self.normalise.iter().map(|r| (&r.id, r.reason.as_str(), r.on.as_slice()));
        let tolerance = self.tolerance.iter().map(|r| (&r.id, r.reason.as_str(), r.on.as_slice()));
        let having = self.ignore_having.iter().map(|r| (&r.id, r.reason.as_str(), r.on.as_slice()));
        let unreferenced =
            self.ignore_unreferenced.iter().map(|r| (&r.id, r.reason.as_str(), r.on.as_slice()));
        ignore
            .chain(rename)
            .chain(default)
            .chain(normalise)
            .chain(tolerance)
            .chain(having)
            .chain(unreferenced)
    }

    fn check(&self) -> Result<(), PolicyError> {
        let known = |name: &SmolStr| Label::from_name(name).is_some() || Rel::from_name(name).is_some();
        if let Some(name) = self.compare.keys().find(|name| !known(name)) {
            return Err(PolicyError::UnknownName { rule: "compare".into(), name: name.clone() });
        }
        let mut seen = BTreeSet::new();
        for (rule, reason, on) in self.rules() {
            let rule = rule.clone();
            if let Some(name) = on.iter().find(|name| !known(name)) {
                return Err(PolicyError::UnknownName { rule, name: name.clone() });
            }
            if reason.trim().is_empty() {
                return Err(PolicyError::NoReason { rule });
            }
            if !seen.insert(rule.clone()) {
                return Err(PolicyError::TwinRules { rule });
            }
        }
        for rule in &self.normalise {
            if let Some(zone) = rule.zone.as_ref().filter(|zone| normal::offset(zone).is_none()) {
                return Err(PolicyError::NoZone { rule: rule.id.clone(), zone: zone.clone() });
            }
        }
        for accept in &self.accept {
            accept.check(known)?;
            if !seen.insert(accept.id.clone()) {
                return Err(PolicyError::TwinRules { rule: accept.id.clone() });
            }
        }
        match self.tolerance.iter().find(|rule| rule.within.is_nan() || rule.within < 0.0) {
            Some(Tolerance { id, within, .. }) => {
                Err(PolicyError::NoDistance { rule: id.clone(), within: *within })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "name = \"p\"\nidentity = \"slots\"\ncompare = { Sentence = [\"text\"] }\n";

    fn read(rules: &str) -> Result<Policy, PolicyError> {
        Policy::from_toml(&format!("{MINIMAL}{rules}"))
    }

    #[test]
    fn every_shipped_policy_is_valid_and_knows_every_label_and_type() {
        let shipped = [
            Policy::direct_vs_projected(),
            Policy::model_vs_direct(),
            Policy::model_vs_projected(),
            Policy::same_schema(),
        ];
        for policy in shipped {
            policy.check().unwrap();
            let labels = Label::ALL.into_iter().filter(|label| !label.is_bookkeeping()).map(Label::as_str);
            for name in labels.chain(Rel::ALL.into_iter().map(Rel::as_str)) {
                assert!(policy.compare.contains_key(name), "{name} is missing in {}", policy.name);
            }
        }
    }

    #[test]
    fn a_rule_about_what_no_graph_has_is_refused() {
        let rules =
            "[[ignore]]\nid = \"r\"\non = [\"Sentense\"]\nproperties = [\"text\"]\nreason = \"why\"\n";
        assert!(matches!(read(rules), Err(PolicyError::UnknownName { name, .. }) if name == "Sentense"));
    }

    #[test]
    fn a_rule_without_a_reason_is_refused() {
        let rules = "[[ignore]]\nid = \"r\"\non = [\"Sentence\"]\nproperties = [\"text\"]\nreason = \" \"\n";
        assert!(matches!(read(rules), Err(PolicyError::NoReason { .. })));
    }

    #[test]
    fn two_rules_of_one_name_are_refused() {
        let rule = "[[ignore]]\nid = \"r\"\non = [\"Sentence\"]\nproperties = [\"text\"]\nreason = \"why\"\n";
        assert!(matches!(read(&rule.repeat(2)), Err(PolicyError::TwinRules { .. })));
    }

    #[test]
    fn a_misspelt_field_is_refused_with_its_place() {
        let rules = "[[ignore]]\nid = \"r\"\non = [\"Sentence\"]\npropertys = [\"text\"]\nreason = \"why\"\n";
        let Err(PolicyError::Syntax(error)) = read(rules) else { panic!("it should be refused") };
        assert!(error.to_string().contains("propertys"), "{error}");
    }

    #[test]
    fn a_tolerance_that_is_no_distance_is_refused() {
        let within = |figure: &str| {
            read(&format!(
                "[[tolerance]]\nid = \"r\"\non = [\"Sentence\"]\nproperty = \"x\"\nwithin = {figure}\nreason = \"why\"\n"
            ))
        };
        assert!(matches!(within("nan"), Err(PolicyError::NoDistance { .. })));
        assert!(matches!(within("-0.5"), Err(PolicyError::NoDistance { .. })));
        assert!(within("0.0").is_ok() && within("0.5").is_ok());
    }
}
