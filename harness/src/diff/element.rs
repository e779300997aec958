//! An element of a graph under the name that both sides of a comparison share. The main type is [`Element`].
//!
//! How a node of either schema comes to its name is said in [`super::canonical`].

use std::fmt;

use cutover_core::graph::{Label, Properties, Rel, Value};
use smol_str::SmolStr;

use super::difference::Subject;

/// What names a node among those of its label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A sentence, or the analysis of one, by the sentence's slot: its index in the file when it was first read.
    Slot(u32),
    /// The value of the key property.
    Value(Value),
    /// Nothing: the node has no key.
    None,
}

/// Which node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName {
    /// Its label.
    pub label: SmolStr,
    /// Its key.
    pub key: Key,
}

impl NodeName {
    /// Names the sentence of a slot.
    pub const fn sentence(slot: u32) -> Self {
        Self { label: SmolStr::new_static(Label::Sentence.as_str()), key: Key::Slot(slot) }
    }

    /// Names the analysis of the sentence of a slot.
    pub const fn analysis(slot: u32) -> Self {
        Self { label: SmolStr::new_static(Label::Analysis.as_str()), key: Key::Slot(slot) }
    }

    /// Names a node by the value of its key property.
    pub fn keyed(label: Label, key: impl Into<Value>) -> Self {
        Self { label: SmolStr::new_static(label.as_str()), key: Key::Value(key.into()) }
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Key::Slot(slot) if self.label == Label::Analysis.as_str() => write!(f, "of #{slot}"),
            Key::Slot(slot) => write!(f, "#{slot}"),
            Key::Value(value) => value.fmt(f),
            Key::None => f.write_str("without a key"),
        }
    }
}

/// Which element. Nodes come before relationships.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A node.
    Node(NodeName),
    /// A relationship.
    Link {
        /// Its type.
        rel: SmolStr,
        /// Where it begins.
        from: NodeName,
        /// Where it ends.
        to: NodeName,
    },
}

impl Name {
    /// Names a relationship.
    pub const fn link(rel: Rel, from: NodeName, to: NodeName) -> Self {
        Self::Link { rel: SmolStr::new_static(rel.as_str()), from, to }
    }

    /// Returns the label or the type.
    pub const fn kind(&self) -> &SmolStr {
        match self {
            Self::Node(node) => &node.label,
            Self::Link { rel, .. } => rel,
        }
    }

    /// Returns the label or the type, as findings name it.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Node(node) => Subject::Node(node.label.clone()),
            Self::Link { rel, .. } => Subject::Relationship(rel.clone()),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => node.fmt(f),
            Self::Link { from, to, .. } => {
                write!(f, "({} {from})-->({} {to})", from.label, to.label)
            }
        }
    }
}

/// A node or a relationship. Twins are several elements of one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    /// Which one.
    pub name: Name,
    /// The interview that it belongs to, if it belongs to one.
    pub interview: Option<SmolStr>,
    /// Its properties without the one that the name was made of.
    pub properties: Properties,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_ordered_as_numbers() {
        assert!(NodeName::sentence(9) < NodeName::sentence(10));
    }

    #[test]
    fn a_relationship_is_shown_by_its_two_ends() {
        let name = Name::link(
            Rel::MentionsTopic,
            NodeName::analysis(3),
            NodeName::keyed(Label::Topic, SmolStr::new("fuel")),
        );
        assert_eq!(name.to_string(), r#"(Analysis of #3)-->(Topic "fuel")"#);
    }
}
