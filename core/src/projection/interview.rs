//! The events of an interview: the nodes `Project` and `Interview`, and the relationship between them.

use smol_str::SmolStr;

use super::{stamp, update, version_only};
use crate::graph::{Change, NodeRef, Properties, Rel, canonical_json};
use crate::ids::InterviewId;
use crate::interview::{InterviewCreated, InterviewEvent, InterviewStatus, InterviewUpdated};
use crate::metadata::Metadata;

/// Returns the changes of one event of an interview.
pub(super) fn project(id: InterviewId, event: &InterviewEvent, metadata: &Metadata) -> Vec<Change> {
    let node = NodeRef::interview(id);
    match event {
        InterviewEvent::Created(created) => project_created(node, created, metadata),
        InterviewEvent::Updated(updated) => project_updated(node, updated, metadata),
        InterviewEvent::StatusChanged(changed) => vec![set_status(node, changed.to_status, metadata)],
        InterviewEvent::Archived(_) => vec![set_status(node, InterviewStatus::Archived, metadata)],
        // The sentences go with it, and theirs: it owns them.
        InterviewEvent::Deleted(_) => vec![Change::Remove { node }],
    }
}

/// An interview, and the project that the metadata names, if it does.
///
/// A project has no events of its own: it comes into being with the first interview in it. Interviews are applied in
/// parallel, so "the first" is the one that happened first, not the one that is applied first.
fn project_created(node: NodeRef, created: &InterviewCreated, metadata: &Metadata) -> Vec<Change> {
    let set = stamp(metadata)
        .with("title", created.title.clone())
        .with("source", created.source.clone())
        .with_some("language", created.language.clone())
        .with_some("started_at", created.started_at)
        .with("status", InterviewStatus::Created.as_str())
        .with("metadata", canonical_json(&created.metadata))
        .with("created_at", metadata.occurred_at);
    let upsert = Change::Upsert {
        node: node.clone(),
        on_create: Properties::new(),
        set,
        unless_edited: Properties::new(),
    };
    let Some(project) = &metadata.project_id else {
        return vec![upsert];
    };
    let project = NodeRef::project(project);
    vec![
        Change::Upsert {
            node: project.clone(),
            on_create: Properties::new(),
            set: Properties::new(),
            unless_edited: Properties::new(),
        },
        Change::SetLeast {
            node: project.clone(),
            property: SmolStr::new_static("created_at"),
            value: metadata.occurred_at.into(),
        },
        upsert,
        Change::Link { from: project, rel: Rel::ContainsInterview, to: node },
    ]
}

/// What the event leaves out stays as it is; the keys of `metadata_diff` go into the one property `metadata`.
fn project_updated(node: NodeRef, updated: &InterviewUpdated, metadata: &Metadata) -> Vec<Change> {
    let set = stamp(metadata)
        .with_some("title", updated.title.clone())
        .with_some("language", updated.language.clone());
    let mut changes = vec![update(node.clone(), set)];
    if !updated.metadata_diff.is_empty() {
        changes.push(Change::MergeJson {
            node,
            property: SmolStr::new_static("metadata"),
            diff: updated.metadata_diff.clone(),
        });
    }
    changes
}

fn set_status(node: NodeRef, status: InterviewStatus, metadata: &Metadata) -> Change {
    let mut change = version_only(node, metadata);
    if let Change::Update { set, .. } = &mut change {
        set.set(SmolStr::new_static("status"), status.as_str().into());
    }
    change
}
