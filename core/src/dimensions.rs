//! The dimensions of an analysis as graph changes, for both paths: one place says which field is which relationship, and that
//! limits apply. A limit that one path alone kept would make two graphs of one analysis.

use smol_str::SmolStr;

use crate::graph::{Change, NodeRef, Origin, Rel};
use crate::limits::Limits;
use crate::sentence::{Findings, OverriddenFields, TagType};

/// Returns the changes that set what an analysis found: all six dimensions.
pub(crate) fn found(analysis: &NodeRef, findings: &Findings, limits: &Limits) -> [Change; 6] {
    let one = |value: &SmolStr| vec![value.clone()];
    let classification = &findings.classification;
    [
        (Rel::HasFunction, one(&classification.function_type)),
        (Rel::HasStructure, one(&classification.structure_type)),
        (Rel::HasPurpose, one(&classification.purpose)),
        (Rel::MentionsTopic, findings.topics.clone()),
        (Rel::MentionsOverallKeyword, findings.keywords.clone()),
        (Rel::MentionsDomainKeyword, findings.domain_keywords.clone()),
    ]
    .map(|(rel, values)| set(analysis, rel, values, limits, Origin::Analysis))
}

/// Returns the changes that set what a person corrected: the dimensions that were named, and no other.
pub(crate) fn overridden(
    analysis: &NodeRef,
    fields: &OverriddenFields,
    limits: &Limits,
) -> impl Iterator<Item = Change> {
    let one = |value: &Option<SmolStr>| value.clone().map(|value| vec![value]);
    [
        (Rel::HasFunction, one(&fields.function_type)),
        (Rel::HasStructure, one(&fields.structure_type)),
        (Rel::HasPurpose, one(&fields.purpose)),
        (Rel::MentionsTopic, fields.topics.clone()),
        (Rel::MentionsOverallKeyword, fields.keywords.clone()),
        (Rel::MentionsDomainKeyword, fields.domain_keywords.clone()),
    ]
    .into_iter()
    .filter_map(|(rel, values)| Some(set(analysis, rel, values?, limits, Origin::Person)))
}

/// Returns the dimension that a tag belongs to.
pub(crate) const fn of_tag(tag_type: TagType) -> Rel {
    match tag_type {
        TagType::Keyword => Rel::MentionsOverallKeyword,
        TagType::Topic => Rel::MentionsTopic,
    }
}

fn set(analysis: &NodeRef, rel: Rel, values: Vec<SmolStr>, limits: &Limits, origin: Origin) -> Change {
    Change::SetDimension { analysis: analysis.clone(), rel, values, limit: limits.of(rel), origin }
}
