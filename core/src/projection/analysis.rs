//! The events that concern a sentence's analysis: the node `Analysis`, and the six dimensions that hang from it.
//!
//! An analysis by a machine replaces the node and what machines linked; what a person linked moves over to the new node.
//! The flags of an override (`is_overridden` …) speak of the analysis that the person saw, and end with it.

use smol_str::SmolStr;

use super::{stamp, update, version_only};
use crate::dimensions;
use crate::graph::{Change, NodeRef, Properties, Rel};
use crate::ids::{AnalysisId, SentenceId};
use crate::limits::Limits;
use crate::metadata::Metadata;
use crate::sentence::{AnalysisGenerated, AnalysisOverridden, AnalysisRegenerated, Findings, Tag};

/// What an analysis by a machine says, whichever event carries it.
pub(super) struct Found<'a> {
    model: &'a SmolStr,
    model_version: Option<&'a SmolStr>,
    raw_ref: Option<&'a SmolStr>,
    findings: &'a Findings,
}

impl<'a> Found<'a> {
    pub(super) fn generated(event: &'a AnalysisGenerated) -> Self {
        Self {
            model: &event.model,
            model_version: Some(&event.version),
            raw_ref: event.raw_ref.as_ref(),
            findings: &event.findings,
        }
    }

    /// The event names neither the model's version nor the raw answer: the new node has neither.
    pub(super) fn regenerated(event: &'a AnalysisRegenerated) -> Self {
        Self { model: &event.model, model_version: None, raw_ref: None, findings: &event.findings }
    }
}

/// A new analysis node in place of the old one, and the six dimensions.
pub(super) fn project_generated(
    sentence: &NodeRef,
    found: Found<'_>,
    status: Change,
    (id, metadata): (SentenceId, &Metadata),
    limits: &Limits,
) -> Vec<Change> {
    let Found { model, model_version, raw_ref, findings } = found;
    let analysis_id = AnalysisId::of_event(id, metadata.version).to_smol_str();
    let properties = Properties::with_capacity(6)
        .with_some("confidence", findings.confidence)
        .with("created_at", metadata.occurred_at)
        .with("is_overridden", false)
        .with("model", model.clone())
        .with_some("model_version", model_version.cloned())
        .with_some("raw_ref", raw_ref.cloned());
    let analysis = sentence.clone().only_child(Rel::HasAnalysis);
    let replaced = Change::ReplaceAnalysis { sentence: sentence.clone(), analysis_id, properties };
    let mut changes = Vec::with_capacity(8);
    changes.extend([status, replaced]);
    changes.extend(dimensions::found(&analysis, findings, limits));
    changes
}

/// Flags on the analysis, and links in place of those of each dimension that the person named: an override changes what
/// readers follow, not only a flag. The flags are those of the latest override.
pub(super) fn project_overridden(
    sentence: NodeRef,
    overridden: &AnalysisOverridden,
    metadata: &Metadata,
    limits: &Limits,
) -> Vec<Change> {
    let analysis = sentence.clone().only_child(Rel::HasAnalysis);
    let by = metadata.actor.as_ref().and_then(|actor| actor.user_id.clone());
    let flags = Properties::new()
        .with("is_overridden", true)
        .with_some("override_note", overridden.note.clone())
        .with("overridden_at", metadata.occurred_at)
        .with_some("overridden_by", by);
    let unset = ["override_note", "overridden_by"]
        .into_iter()
        .filter(|name| flags.get(name).is_none())
        .map(SmolStr::new_static)
        .collect();
    let mut changes =
        vec![version_only(sentence, metadata), Change::Update { node: analysis.clone(), set: flags, unset }];
    changes.extend(dimensions::overridden(&analysis, &overridden.fields_overridden, limits));
    changes
}

/// One more link, protected.
pub(super) fn project_tagged(sentence: NodeRef, tag: &Tag, metadata: &Metadata) -> Vec<Change> {
    let analysis = sentence.clone().only_child(Rel::HasAnalysis);
    vec![
        update(sentence, stamp(metadata)),
        Change::Tag { analysis, rel: dimensions::of_tag(tag.tag_type), value: tag.value.clone() },
    ]
}

/// One link less.
pub(super) fn project_untagged(sentence: NodeRef, tag: &Tag, metadata: &Metadata) -> Vec<Change> {
    let analysis = sentence.clone().only_child(Rel::HasAnalysis);
    vec![
        update(sentence, stamp(metadata)),
        Change::Untag { analysis, rel: dimensions::of_tag(tag.tag_type), value: tag.value.clone() },
    ]
}
