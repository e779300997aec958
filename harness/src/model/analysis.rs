//! The analysis of a sentence in the model: what a machine found, and what people made of it.

use std::collections::BTreeMap;

use cutover_core::graph::Rel;
use cutover_core::limits::Limits;
use cutover_core::sentence::{Findings, OverriddenFields, Tag, TagType};
use smol_str::SmolStr;

/// An analysis.
#[derive(Debug, Clone)]
pub(super) struct Analysis {
    pub(super) model: SmolStr,
    pub(super) model_version: Option<SmolStr>,
    pub(super) confidence: Option<f64>,
    pub(super) correction: Option<Correction>,
    /// The values of each dimension, and whether a person wants them.
    pub(super) dimensions: BTreeMap<Rel, BTreeMap<SmolStr, bool>>,
}

/// Who corrected an analysis last.
#[derive(Debug, Clone)]
pub(super) struct Correction {
    pub(super) note: Option<SmolStr>,
    pub(super) by: Option<SmolStr>,
}

impl Analysis {
    pub(super) fn first(model: &SmolStr, version: &SmolStr, findings: &Findings, limits: &Limits) -> Self {
        let mut analysis = Self {
            model: model.clone(),
            model_version: Some(version.clone()),
            confidence: findings.confidence,
            correction: None,
            dimensions: BTreeMap::new(),
        };
        analysis.fill(findings, limits);
        analysis
    }

    /// The sentence was analysed again: only what a person linked stays.
    pub(super) fn again(mut self, model: &SmolStr, findings: &Findings, limits: &Limits) -> Self {
        for values in self.dimensions.values_mut() {
            values.retain(|_, by_person| *by_person);
        }
        self.fill(findings, limits);
        Self {
            model: model.clone(),
            model_version: None,
            confidence: findings.confidence,
            correction: None,
            dimensions: self.dimensions,
        }
    }

    /// A person set whole dimensions.
    pub(super) fn correct(
        &mut self,
        fields: &OverriddenFields,
        note: Option<&SmolStr>,
        by: Option<&SmolStr>,
        limits: &Limits,
    ) {
        let single = [
            (Rel::HasFunction, limits.functions, &fields.function_type),
            (Rel::HasStructure, limits.structures, &fields.structure_type),
            (Rel::HasPurpose, limits.purposes, &fields.purpose),
        ];
        let several = [
            (Rel::MentionsTopic, limits.topics, &fields.topics),
            (Rel::MentionsOverallKeyword, limits.keywords, &fields.keywords),
            (Rel::MentionsDomainKeyword, limits.domain_keywords, &fields.domain_keywords),
        ];
        for (rel, limit, value) in single {
            if let Some(value) = value {
                self.dimensions.remove(&rel);
                self.add(rel, limit, [value], true);
            }
        }
        for (rel, limit, values) in several {
            if let Some(values) = values {
                self.dimensions.remove(&rel);
                self.add(rel, limit, values, true);
            }
        }
        let is_empty = *fields == OverriddenFields::default();
        if !is_empty {
            self.correction = Some(Correction { note: note.cloned(), by: by.cloned() });
        }
    }

    /// A person wants a value, whatever the limit says.
    pub(super) fn tag(&mut self, tag: &Tag) {
        self.dimensions.entry(dimension(tag)).or_default().insert(tag.value.clone(), true);
    }

    /// A person does not want a value.
    pub(super) fn untag(&mut self, tag: &Tag) {
        self.dimensions.entry(dimension(tag)).or_default().remove(&tag.value);
    }

    fn fill(&mut self, findings: &Findings, limits: &Limits) {
        let class = &findings.classification;
        self.add(Rel::HasFunction, limits.functions, [&class.function_type], false);
        self.add(Rel::HasStructure, limits.structures, [&class.structure_type], false);
        self.add(Rel::HasPurpose, limits.purposes, [&class.purpose], false);
        self.add(Rel::MentionsTopic, limits.topics, &findings.topics, false);
        self.add(Rel::MentionsOverallKeyword, limits.keywords, &findings.keywords, false);
        self.add(Rel::MentionsDomainKeyword, limits.domain_keywords, &findings.domain_keywords, false);
    }

    /// Adds values from the front while there is room; one that is there already takes up none.
    fn add<'v>(
        &mut self,
        rel: Rel,
        limit: Option<u32>,
        values: impl IntoIterator<Item = &'v SmolStr>,
        by_person: bool,
    ) {
        let linked = self.dimensions.entry(rel).or_default();
        let room_max = limit.map_or(usize::MAX, |limit| limit as usize);
        for value in values {
            if linked.len() < room_max && !linked.contains_key(value) {
                linked.insert(value.clone(), by_person);
            }
        }
    }
}

const fn dimension(tag: &Tag) -> Rel {
    match tag.tag_type {
        TagType::Keyword => Rel::MentionsOverallKeyword,
        TagType::Topic => Rel::MentionsTopic,
    }
}
