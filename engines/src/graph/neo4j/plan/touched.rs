//! What a change has to do with: which other changes it must stay behind, or before.

use cutover_core::graph::{Change, Label, NodeRef, Rel, Value};

/// The nodes that a change has to do with. A sentence stands for its analysis too.
#[derive(Default)]
pub(super) struct Touched {
    /// What it makes something of: two such changes keep their order.
    pub(super) writes: Vec<NodeRef>,
    /// What it needs to be there: it stays on its side of whatever makes something of that.
    pub(super) reads: Vec<NodeRef>,
    /// Whether it reaches so far that everything keeps its order with it.
    pub(super) all: bool,
}

impl Touched {
    pub(super) fn by(change: &Change) -> Self {
        let node = match change {
            // Relationships are merged, so that their order among each other does not matter.
            Change::Link { from, to, .. } => return Self::reading([from, to]),
            Change::LinkNamedBy { from, owner, .. } => return Self::reading([from, owner]),
            // Takes its sentences along, or the relationships of others.
            Change::Remove { node } if !is_of_a_sentence(node) => {
                return Self { all: true, ..Self::default() };
            }
            Change::Upsert { node, .. }
            | Change::Update { node, .. }
            | Change::Remove { node }
            | Change::SetLeast { node, .. }
            | Change::MergeJson { node, .. } => node,
            Change::SetDimension { analysis, .. }
            | Change::Tag { analysis, .. }
            | Change::Untag { analysis, .. } => analysis,
            Change::ReplaceAnalysis { sentence, .. } => sentence,
            Change::Chain { interview } => interview,
        };
        // Others may link to it, or have just ceased to.
        if node.label().is_value() {
            return Self { all: true, ..Self::default() };
        }
        Self { writes: vec![subject(node)], reads: owners(node).collect(), all: false }
    }

    fn reading(nodes: [&NodeRef; 2]) -> Self {
        let nodes = nodes.into_iter().filter(|node| !node.label().is_value());
        Self {
            reads: nodes.flat_map(|node| std::iter::once(subject(node)).chain(owners(node))).collect(),
            ..Self::default()
        }
    }
}

/// Returns the key of a node that has one.
pub(super) fn key_of(node: &NodeRef) -> Option<&Value> {
    match node {
        NodeRef::Keyed { key, .. } => Some(key),
        NodeRef::Child { key, .. } => key.as_ref(),
    }
}

/// Returns the key of the interview that a sentence is named as a child of.
pub(super) fn interview_of(sentence: &NodeRef) -> Option<&Value> {
    match sentence {
        NodeRef::Child { parent, rel: Rel::HasSentence, key: Some(_) } => match &**parent {
            NodeRef::Keyed { label: Label::Interview, key } => Some(key),
            _ => None,
        },
        _ => None,
    }
}

/// Returns whether a node is one that many change sets of a batch speak of.
pub(super) fn is_shared(node: &NodeRef) -> bool {
    node.label() == Label::Project
}

fn is_of_a_sentence(node: &NodeRef) -> bool {
    matches!(node.label(), Label::Sentence | Label::Analysis)
}

/// Returns the interviews that a node is found through.
fn owners(node: &NodeRef) -> impl Iterator<Item = NodeRef> {
    let mut next = Some(node);
    std::iter::from_fn(move || {
        let NodeRef::Child { parent, .. } = next? else { return None };
        next = Some(parent);
        Some(&**parent)
    })
    .filter(|owner| !is_of_a_sentence(owner))
    .cloned()
}

/// Returns the sentence that a node belongs to, or the node when it belongs to none.
pub(super) fn subject(node: &NodeRef) -> NodeRef {
    match node {
        NodeRef::Child { parent, rel: Rel::HasAnalysis, .. } => subject(parent),
        NodeRef::Keyed { label: Label::Analysis, key } => {
            // A projected analysis is named after its sentence.
            match key.as_text().and_then(|id| id.split_once("-analysis-")) {
                Some((sentence, _)) => NodeRef::Keyed { label: Label::Sentence, key: sentence.into() },
                None => node.clone(),
            }
        }
        // A sentence with a key of its own has two names; this is the one.
        NodeRef::Child { rel: Rel::HasSentence, key: Some(key), .. } if key.as_text().is_some() => {
            NodeRef::Keyed { label: Label::Sentence, key: key.clone() }
        }
        node => node.clone(),
    }
}
