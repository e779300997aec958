//! How a node is found: the part of a [`NodeRef`] that is Cypher text, apart from the keys that are parameters.

use cutover_core::graph::{Label, NodeRef, Rel, Value};

/// One step from a root to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Step {
    /// The owning relationship that leads here; `None` at the root.
    via: Option<Rel>,
    label: Label,
    /// Whether the step is narrowed down by a key.
    keyed: bool,
}

/// The shape of a [`NodeRef`]: references of one shape are matched by one pattern, and differ in parameters alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shape(Vec<Step>);

impl Shape {
    /// Takes a reference apart into its shape and its keys, outermost first.
    pub(super) fn of(node: &NodeRef) -> (Self, Vec<Value>) {
        let (mut steps, mut keys) = (Vec::new(), Vec::new());
        collect(node, &mut steps, &mut keys);
        (Self(steps), keys)
    }

    /// Returns the label of the node itself.
    pub(super) fn label(&self) -> Label {
        self.last().label
    }

    /// Returns the shape of the owner; `None` for a node that is found by its own key.
    pub(super) fn parent(&self) -> Option<(Self, Rel)> {
        let via = self.last().via?;
        Some((Self(self.0[..self.0.len() - 1].to_vec()), via))
    }

    /// Returns how many keys it has.
    pub(super) fn keys(&self) -> usize {
        self.0.iter().filter(|step| step.keyed).count()
    }

    /// Returns whether the node itself has a key.
    pub(super) fn is_keyed(&self) -> bool {
        self.last().keyed
    }

    /// Returns the pattern that matches the node as `name`, its keys being `{row}.{name}0`, `{row}.{name}1` …
    pub(super) fn pattern(&self, name: &str, row: &str) -> String {
        self.pattern_by(name, &format!("{row}.{name}"))
    }

    /// Returns the pattern that matches the node as `name`, its keys being `{keys}0`, `{keys}1` … A child's row begins with the
    /// keys of its owner, so that the owner is matched by those of the child.
    pub(super) fn pattern_by(&self, name: &str, keys: &str) -> String {
        let mut text = String::new();
        let mut key = 0;
        for (at, step) in self.0.iter().enumerate() {
            if let Some(via) = step.via {
                text.push_str(&format!("-[:{via}]->"));
            }
            let variable = if at + 1 == self.0.len() { name } else { "" };
            text.push_str(&format!("({variable}:{}", step.label));
            if step.keyed {
                text.push_str(&format!(" {{{}: {keys}{key}}}", step.label.key_property()));
                key += 1;
            }
            text.push(')');
        }
        text
    }

    fn last(&self) -> Step {
        *self.0.last().expect("a shape has a root")
    }
}

fn collect(node: &NodeRef, steps: &mut Vec<Step>, keys: &mut Vec<Value>) {
    match node {
        NodeRef::Keyed { label, key } => {
            steps.push(Step { via: None, label: *label, keyed: true });
            keys.push(key.clone());
        }
        NodeRef::Child { parent, rel, key } => {
            collect(parent, steps, keys);
            steps.push(Step { via: Some(*rel), label: rel.target(), keyed: key.is_some() });
            keys.extend(key.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use cutover_core::ids::InterviewId;

    use super::*;

    #[test]
    fn a_child_is_matched_through_its_owners() {
        let interview = NodeRef::interview(InterviewId::for_file("a.txt"));
        let analysis = interview.child(Rel::HasSentence, 3_i64).only_child(Rel::HasAnalysis);
        let (shape, keys) = Shape::of(&analysis);
        assert_eq!(
            shape.pattern("n", "r"),
            "(:Interview {interview_id: r.n0})-[:HAS_SENTENCE]->(:Sentence {sentence_id: r.n1})-[:HAS_ANALYSIS]->(n:Analysis)"
        );
        assert_eq!(keys.len(), 2);
        assert!(!shape.is_keyed());
    }
}
