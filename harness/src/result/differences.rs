//! What differed: all of it counted, the first ones of each kind kept.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::diff::Difference;

/// How many differences of one kind and subject are kept in the result of a check; all of them are counted.
pub const DIFFERENCES_KEPT: u64 = 50;

/// What differed: all of it counted, the first ones of each kind kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Differences {
    /// How many there are.
    pub total: u64,
    /// How many by label, relationship type or figure.
    pub by_subject: BTreeMap<SmolStr, u64>,
    /// How many by kind.
    pub by_kind: BTreeMap<SmolStr, u64>,
    /// How many of each kind, by label, relationship type or figure.
    pub by_subject_and_kind: BTreeMap<SmolStr, BTreeMap<SmolStr, u64>>,
    /// The first ones of each kind and subject, in the order of the comparison.
    pub first: Vec<Difference>,
}

impl Differences {
    /// Counts a difference, and keeps it if it is among the first [`DIFFERENCES_KEPT`] of its kind and subject.
    pub fn push(&mut self, difference: Difference) {
        let (subject, kind) = (difference.subject.name().clone(), difference.kind.name());
        self.total += 1;
        *self.by_subject.entry(subject.clone()).or_default() += 1;
        *self.by_kind.entry(SmolStr::new_static(kind)).or_default() += 1;
        let of_subject = self.by_subject_and_kind.entry(subject).or_default();
        let of_a_kind = of_subject.entry(SmolStr::new_static(kind)).or_default();
        *of_a_kind += 1;
        if *of_a_kind <= DIFFERENCES_KEPT {
            self.first.push(difference);
        }
    }

    /// Adds what was found elsewhere: all of it counted, the first ones of each kind kept.
    pub fn merge(&mut self, others: Self) {
        self.total += others.total;
        for (own, others) in [(&mut self.by_subject, others.by_subject), (&mut self.by_kind, others.by_kind)]
        {
            for (name, count) in others {
                *own.entry(name).or_default() += count;
            }
        }
        for (subject, kinds) in others.by_subject_and_kind {
            let of_subject = self.by_subject_and_kind.entry(subject).or_default();
            for (kind, count) in kinds {
                *of_subject.entry(kind).or_default() += count;
            }
        }
        for difference in others.first {
            let is_like = |kept: &&Difference| {
                (&kept.subject, kept.kind.name()) == (&difference.subject, difference.kind.name())
            };
            if (self.first.iter().filter(is_like).count() as u64) < DIFFERENCES_KEPT {
                self.first.push(difference);
            }
        }
    }

    /// Returns how many there are of one kind and subject.
    pub fn count(&self, subject: &str, kind: &str) -> u64 {
        self.by_subject_and_kind.get(subject).and_then(|kinds| kinds.get(kind)).copied().unwrap_or(0)
    }

    /// Returns whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl Extend<Difference> for Differences {
    fn extend<I: IntoIterator<Item = Difference>>(&mut self, differences: I) {
        differences.into_iter().for_each(|difference| self.push(difference));
    }
}
