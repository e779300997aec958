//! Changes to a graph, as data. The set is closed and small, so that a batch of thousands becomes a handful of bulk
//! statements on a database, and two interpreters can be held equal.
//!
//! Every change is total: where a node that it starts from is missing, it does nothing. A missing node is a removed one
//! ("deleted stays deleted"), because the order of events is restored before changes are made of them.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use crate::graph::{Label, Properties, Rel, Value};
use crate::ids::{AggregateId, InterviewId, ProjectId, SentenceId};

/// Names a node, there or not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeRef {
    /// The node with this label and this value of [`Label::key_property`].
    Keyed {
        /// Its label.
        label: Label,
        /// The value of its key property.
        key: Value,
    },
    /// The node that `parent` owns through `rel`, with this value of its key property, or the only one there.
    ///
    /// Names what has no key of its own: a sentence of the direct path (an integer within its interview), or the
    /// analysis of a sentence, of which there is at most one.
    Child {
        /// The owner.
        parent: Arc<NodeRef>,
        /// The owning relationship ([`Rel::is_owning`]).
        rel: Rel,
        /// The value of the child's key property; `None` for the only child.
        key: Option<Value>,
    },
}

impl NodeRef {
    /// Names a project.
    pub fn project(id: &ProjectId) -> Self {
        Self::Keyed { label: Label::Project, key: Value::Text(id.to_smol_str()) }
    }

    /// Names an interview.
    pub fn interview(id: InterviewId) -> Self {
        Self::Keyed { label: Label::Interview, key: Value::Text(id.to_smol_str()) }
    }

    /// Names a sentence of the projected graph.
    pub fn sentence(id: SentenceId) -> Self {
        Self::Keyed { label: Label::Sentence, key: Value::Text(id.to_smol_str()) }
    }

    /// Names a value node: a topic, a keyword, a file …
    pub fn value(label: Label, key: SmolStr) -> Self {
        Self::Keyed { label, key: Value::Text(key) }
    }

    /// Names the child of this node with that key.
    #[must_use]
    pub fn child(self, rel: Rel, key: impl Into<Value>) -> Self {
        Self::Child { parent: Arc::new(self), rel, key: Some(key.into()) }
    }

    /// Names the only child of this node.
    #[must_use]
    pub fn only_child(self, rel: Rel) -> Self {
        Self::Child { parent: Arc::new(self), rel, key: None }
    }

    /// Returns the label of the node.
    pub const fn label(&self) -> Label {
        match self {
            Self::Keyed { label, .. } => *label,
            Self::Child { rel, .. } => rel.target(),
        }
    }
}

/// Who wants a dimension's link: what a person set, a machine does not replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// An analysis. Its links carry `is_edited = false`.
    Analysis,
    /// A person. The links carry `is_edited = true`, and are protected.
    Person,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Creates the node if it is missing, then sets properties. A child is created together with the relationship
    /// from its parent; without the parent nothing happens. The key property is set by the interpreter.
    ///
    /// Of two sets that name the same property the later one wins. Where the child's label has a unique key, a node with
    /// that key that somebody else owns, or nobody, is not created twice: it gets the relationship from this parent.
    Upsert {
        /// The node.
        node: NodeRef,
        /// Set only when this change creates the node.
        on_create: Properties,
        /// Set always.
        set: Properties,
        /// Set unless the node is there and has `is_edited = true`: what a person wrote is kept.
        unless_edited: Properties,
    },
    /// Sets properties of a node, and removes others.
    Update {
        /// The node.
        node: NodeRef,
        /// Set.
        set: Properties,
        /// Removed.
        unset: Vec<SmolStr>,
    },
    /// Removes a node with its relationships, and all that it owns ([`Rel::is_owning`]). Value nodes
    /// ([`Label::is_value`]) that nothing points at any longer go too, as after any change: at the end of the batch, those
    /// that lost their last relationship in it are gone.
    Remove {
        /// The node.
        node: NodeRef,
    },
    /// Makes sure that there is exactly this relationship between two nodes. A value node at the far end is created;
    /// otherwise both ends must be there.
    Link {
        /// The near end.
        from: NodeRef,
        /// Its type; none of [`Rel::DIMENSIONS`].
        rel: Rel,
        /// The far end.
        to: NodeRef,
    },
    /// Makes sure that a node is linked to the value node that a property of another node names: the text after the
    /// last `/` of that property, see [`last_component`]. Both nodes must be there, and the text not be empty.
    ///
    /// This is how a sentence finds its file: the file's name came with the interview, not with the sentence. A
    /// database does it in one statement, without asking first.
    LinkNamedBy {
        /// The near end.
        from: NodeRef,
        /// Its type; leads to a value node ([`Label::is_value`]), and is none of [`Rel::DIMENSIONS`].
        rel: Rel,
        /// The node that bears the property.
        owner: NodeRef,
        /// The property, text.
        property: SmolStr,
    },
    /// Sets a property to the least of its value and this one, or to this one when it is not there. A missing node is
    /// not created. Whoever comes first, the outcome is the same.
    SetLeast {
        /// The node.
        node: NodeRef,
        /// The property.
        property: SmolStr,
        /// The value, of the same kind as the one that is there.
        value: Value,
    },
    /// Merges keys into a property that holds a JSON object as text, see [`merge_json`].
    ///
    /// A database that cannot merge JSON by itself reads the property in the transaction, under the lock that the
    /// guard's check took, merges, and sets it. Such changes are rare.
    MergeJson {
        /// The node.
        node: NodeRef,
        /// The property.
        property: SmolStr,
        /// Keys to set; a `null` removes its key.
        diff: Map<String, Json>,
    },
    /// Sets the values of one dimension of an analysis.
    ///
    /// With [`Origin::Analysis`], the unprotected links of that type are removed, the protected ones stay and use up
    /// slots, and then the values are linked in their order, without those that are linked already, until `limit`
    /// links of that type are there. With [`Origin::Person`], all links of that type are removed, and the first
    /// `limit` distinct values are linked, protected.
    SetDimension {
        /// The analysis.
        analysis: NodeRef,
        /// The dimension, one of [`Rel::DIMENSIONS`].
        rel: Rel,
        /// The values, in order of importance; may hold twins.
        values: Vec<SmolStr>,
        /// How many links of that type there may be; `None` for no limit.
        limit: Option<u32>,
        /// Who wants it.
        origin: Origin,
    },
    /// Links one value to an analysis, protected, beyond any limit; a link that is there becomes protected.
    Tag {
        /// The analysis.
        analysis: NodeRef,
        /// The dimension.
        rel: Rel,
        /// The value.
        value: SmolStr,
    },
    /// Removes the link of one value from an analysis, protected or not.
    Untag {
        /// The analysis.
        analysis: NodeRef,
        /// The dimension.
        rel: Rel,
        /// The value.
        value: SmolStr,
    },
    /// Gives a sentence a new analysis node in place of the one that it has, if any. Protected links move over to the
    /// new node; the old one goes, and with it its other links. Without the sentence nothing happens.
    ReplaceAnalysis {
        /// The sentence.
        sentence: NodeRef,
        /// The key of the new node.
        analysis_id: SmolStr,
        /// All properties of the new node but its key.
        properties: Properties,
    },
    /// Makes the sequence links of an interview follow from its sentences: ordered by `sequence_order`, then by key,
    /// [`Rel::FirstSentence`] leads to the first one, and [`Rel::NextSentence`] and [`Rel::Follows`] from each to the
    /// next. Sentences without an integer there come last. Sequence links that begin or end at one of those sentences, or
    /// lead from the interview, and do not follow from that order are removed. It is done once, at the end of the batch.
    Chain {
        /// The interview.
        interview: NodeRef,
    },
}

/// A change set is applied only if the aggregate has exactly the version before this one: `None` before version 0.
///
/// The check is part of the transaction, so that two services at once can neither apply an event twice nor skip one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guard {
    /// The aggregate whose event it was.
    pub aggregate: AggregateId,
    /// The version of that event; stored as the aggregate's version when the set is applied.
    pub version: u64,
}

/// The changes of one event or one direct write: all of them or none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangeSet {
    /// The version guard; `None` on the direct path.
    pub guard: Option<Guard>,
    /// What to do, in order. Empty for an event that projects nothing: it still advances the version.
    pub changes: Vec<Change>,
}

/// Returns a JSON object as text, keys sorted, without blanks: equal objects give equal texts.
pub fn canonical_json(object: &Map<String, Json>) -> SmolStr {
    // The map of `serde_json` sorts its keys as long as its feature `preserve_order` is off; a test holds it so.
    smol_str::format_smolstr!("{}", Json::Object(object.clone()))
}

/// Returns what [`Change::MergeJson`] sets: the object that `text` holds with the keys of `diff` set, or removed where
/// `diff` says `null`. Nested objects are replaced, not merged. A text that is missing or holds no object counts as an
/// empty one.
pub fn merge_json(text: Option<&str>, diff: &Map<String, Json>) -> SmolStr {
    let mut object: Map<String, Json> =
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    for (key, value) in diff {
        match value {
            Json::Null => object.remove(key),
            _ => object.insert(key.clone(), value.clone()),
        };
    }
    canonical_json(&object)
}

/// Returns the text after the last `/`, or all of it, unless that is empty: what [`Change::LinkNamedBy`] links to.
pub fn last_component(text: &str) -> Option<&str> {
    text.rsplit('/').next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn object(text: &str) -> Map<String, Json> {
        serde_json::from_str(text).expect("a JSON object")
    }

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let text = canonical_json(&object(r#"{"b": {"z": 1, "a": [2]}, "a": "x"}"#));
        assert_eq!(text, r#"{"a":"x","b":{"a":[2],"z":1}}"#);
    }

    #[test]
    fn merging_sets_and_removes_keys() {
        let merged = merge_json(Some(r#"{"a":1,"b":2}"#), &object(r#"{"b": null, "c": {"d": null}}"#));
        assert_eq!(merged, r#"{"a":1,"c":{"d":null}}"#);
    }

    #[test]
    fn merging_into_nothing_gives_the_keys_that_are_set() {
        assert_eq!(merge_json(None, &object(r#"{"a": 1, "b": null}"#)), r#"{"a":1}"#);
        assert_eq!(merge_json(Some("no object"), &object(r#"{"a": 1}"#)), r#"{"a":1}"#);
    }

    #[test]
    fn the_last_component_of_a_path_is_the_file_name() {
        assert_eq!(last_component("a.txt"), Some("a.txt"));
        assert_eq!(last_component("/in/2024/a.txt"), Some("a.txt"));
        assert_eq!(last_component("/in/"), None);
        assert_eq!(last_component(""), None);
    }
}
