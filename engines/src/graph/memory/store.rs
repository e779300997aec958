//! Nodes and relationships in slabs: [`Store`]. Knows no rule; whoever changes it keeps the indexes in step.
//!
//! The relationships of a node are two doubly linked lists through the relationship slab, those that begin at it and those
//! that end there. So a relationship comes and goes in constant time, also at a node that a hundred thousand others
//! point at, and a node needs no memory of its own for them.

use cutover_core::graph::{Properties, Rel, Value};
use smol_str::SmolStr;

use super::family::Family;
use super::names::{LabelId, RelId};

/// The property of a dimension's link that protects it, and of a sentence whose text a person wrote.
pub(super) const IS_EDITED: &str = "is_edited";

/// A node's place in the slab. Reused after the node is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(pub(super) u32);

/// A relationship's place in the slab. Reused after the relationship is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EdgeId(u32);

const NIL: EdgeId = EdgeId(u32::MAX);

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    /// Its label.
    pub(super) label: LabelId,
    /// Its properties, its key among them.
    pub(super) properties: Properties,
    /// What it owns by `HAS_SENTENCE`, if it has ever owned something.
    pub(super) family: Option<Box<Family>>,
    first_out: EdgeId,
    first_in: EdgeId,
    degree: u32,
}

impl Node {
    /// Returns the value of its key property.
    pub(super) fn key(&self) -> Option<&Value> {
        self.properties.get(self.label.known()?.key_property())
    }

    /// Returns how many relationships begin and end at it.
    pub(super) const fn degree(&self) -> u32 {
        self.degree
    }
}

/// Properties of a relationship. Nearly all have none or just `is_edited`, and need no allocation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum EdgeProperties {
    /// None.
    Bare,
    /// `is_edited` and no other.
    Edited(bool),
    /// Any. Only a snapshot has these.
    Other(Box<Properties>),
}

impl EdgeProperties {
    /// Takes any properties.
    pub(super) fn new(properties: Properties) -> Self {
        match (properties.len(), properties.get(IS_EDITED)) {
            (0, _) => Self::Bare,
            (1, Some(Value::Bool(edited))) => Self::Edited(*edited),
            _ => Self::Other(Box::new(properties)),
        }
    }

    /// Returns whether a machine may neither remove nor replace the relationship.
    pub(super) fn is_protected(&self) -> bool {
        match self {
            Self::Bare => false,
            Self::Edited(edited) => *edited,
            Self::Other(properties) => properties.get(IS_EDITED).is_some_and(Value::is_true),
        }
    }

    /// Sets `is_edited = true`.
    pub(super) fn protect(&mut self) {
        match self {
            Self::Bare | Self::Edited(_) => *self = Self::Edited(true),
            Self::Other(properties) => properties.set(SmolStr::new_static(IS_EDITED), Value::Bool(true)),
        }
    }

    /// Returns them as a reader sees them.
    pub(super) fn to_properties(&self) -> Properties {
        match self {
            Self::Bare => Properties::new(),
            Self::Edited(edited) => Properties::new().with(IS_EDITED, *edited),
            Self::Other(properties) => (**properties).clone(),
        }
    }
}

/// A relationship.
#[derive(Debug)]
pub(super) struct Edge {
    /// Where it begins.
    pub(super) from: NodeId,
    /// Where it ends.
    pub(super) to: NodeId,
    /// Its type.
    pub(super) rel: RelId,
    /// Its properties.
    pub(super) properties: EdgeProperties,
    next_out: EdgeId,
    prev_out: EdgeId,
    next_in: EdgeId,
    prev_in: EdgeId,
}

/// The two slabs.
#[derive(Debug, Default)]
pub(super) struct Store {
    nodes: Vec<Option<Node>>,
    vacant_nodes: Vec<NodeId>,
    edges: Vec<Edge>,
    vacant_edges: Vec<EdgeId>,
    edges_by_rel: Vec<u64>,
}

impl Store {
    /// Adds a node without relationships.
    pub(super) fn insert_node(&mut self, label: LabelId, properties: Properties) -> NodeId {
        let node = Node { label, properties, family: None, first_out: NIL, first_in: NIL, degree: 0 };
        if let Some(id) = self.vacant_nodes.pop() {
            self.nodes[id.0 as usize] = Some(node);
            return id;
        }
        let id = NodeId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 nodes"));
        self.nodes.push(Some(node));
        id
    }

    /// Removes a node, which must have no relationships left.
    pub(super) fn remove_node(&mut self, id: NodeId) {
        let node = self.nodes[id.0 as usize].take().expect("a node is removed once");
        assert_eq!(node.degree, 0, "a node goes after its relationships");
        self.vacant_nodes.push(id);
    }

    /// Returns whether there is such a node.
    pub(super) fn contains(&self, id: NodeId) -> bool {
        self.nodes[id.0 as usize].is_some()
    }

    /// Returns a node, which must be there.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        self.nodes[id.0 as usize].as_ref().expect("the node is there")
    }

    /// Returns a node, which must be there, to change it.
    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes[id.0 as usize].as_mut().expect("the node is there")
    }

    /// Iterates over all nodes, in the order of their places.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0..).map(NodeId).zip(&self.nodes).filter_map(|(id, node)| Some((id, node.as_ref()?)))
    }

    /// Adds a relationship between two nodes that are there.
    pub(super) fn insert_edge(
        &mut self,
        from: NodeId,
        rel: RelId,
        to: NodeId,
        properties: EdgeProperties,
    ) -> EdgeId {
        let id = self.vacant_edges.pop().unwrap_or_else(|| {
            EdgeId(u32::try_from(self.edges.len()).expect("fewer than 2^32 relationships"))
        });
        let start = self.node_mut(from);
        start.degree += 1;
        let next_out = std::mem::replace(&mut start.first_out, id);
        let end = self.node_mut(to);
        end.degree += 1;
        let next_in = std::mem::replace(&mut end.first_in, id);
        if next_out != NIL {
            self.edges[next_out.0 as usize].prev_out = id;
        }
        if next_in != NIL {
            self.edges[next_in.0 as usize].prev_in = id;
        }
        let edge = Edge { from, to, rel, properties, next_out, prev_out: NIL, next_in, prev_in: NIL };
        match self.edges.get_mut(id.0 as usize) {
            Some(vacant) => *vacant = edge,
            None => self.edges.push(edge),
        }
        if self.edges_by_rel.len() <= rel.index() {
            self.edges_by_rel.resize(rel.index() + 1, 0);
        }
        self.edges_by_rel[rel.index()] += 1;
        id
    }

    /// Removes a relationship, and returns where it began, its type, and where it ended.
    pub(super) fn remove_edge(&mut self, id: EdgeId) -> (NodeId, RelId, NodeId) {
        let Edge { from, to, rel, next_out, prev_out, next_in, prev_in, .. } = self.edges[id.0 as usize];
        let start = self.node_mut(from);
        start.degree -= 1;
        if prev_out == NIL {
            start.first_out = next_out;
        }
        let end = self.node_mut(to);
        end.degree -= 1;
        if prev_in == NIL {
            end.first_in = next_in;
        }
        if prev_out != NIL {
            self.edges[prev_out.0 as usize].next_out = next_out;
        }
        if next_out != NIL {
            self.edges[next_out.0 as usize].prev_out = prev_out;
        }
        if prev_in != NIL {
            self.edges[prev_in.0 as usize].next_in = next_in;
        }
        if next_in != NIL {
            self.edges[next_in.0 as usize].prev_in = prev_in;
        }
        self.edges[id.0 as usize].properties = EdgeProperties::Bare;
        self.edges_by_rel[rel.index()] -= 1;
        self.vacant_edges.push(id);
        (from, rel, to)
    }

    /// Returns a relationship, which must be there.
    pub(super) fn edge(&self, id: EdgeId) -> &Edge {
        &self.edges[id.0 as usize]
    }

    /// Returns a relationship, which must be there, to change its properties.
    pub(super) fn edge_properties_mut(&mut self, id: EdgeId) -> &mut EdgeProperties {
        &mut self.edges[id.0 as usize].properties
    }

    /// Iterates over the relationships that begin at a node, the latest first.
    pub(super) fn outgoing(&self, node: NodeId) -> impl Iterator<Item = (EdgeId, &Edge)> {
        self.list(self.node(node).first_out, |edge| edge.next_out)
    }

    /// Iterates over the relationships that end at a node, the latest first.
    pub(super) fn incoming(&self, node: NodeId) -> impl Iterator<Item = (EdgeId, &Edge)> {
        self.list(self.node(node).first_in, |edge| edge.next_in)
    }

    fn list(&self, first: EdgeId, next: fn(&Edge) -> EdgeId) -> impl Iterator<Item = (EdgeId, &Edge)> {
        let mut at = first;
        std::iter::from_fn(move || {
            let edge = self.edges.get(at.0 as usize)?;
            Some((std::mem::replace(&mut at, next(edge)), edge))
        })
    }

    /// Returns the first of the relationships that begin at a node.
    pub(super) fn first_outgoing(&self, node: NodeId) -> Option<EdgeId> {
        Some(self.node(node).first_out).filter(|&edge| edge != NIL)
    }

    /// Returns the first of the relationships that end at a node.
    pub(super) fn first_incoming(&self, node: NodeId) -> Option<EdgeId> {
        Some(self.node(node).first_in).filter(|&edge| edge != NIL)
    }

    /// Returns the relationship that comes after this one among those that begin at the same node.
    pub(super) fn next_outgoing(&self, edge: EdgeId) -> Option<EdgeId> {
        Some(self.edge(edge).next_out).filter(|&edge| edge != NIL)
    }

    /// Returns the relationship that comes after this one among those that end at the same node.
    pub(super) fn next_incoming(&self, edge: EdgeId) -> Option<EdgeId> {
        Some(self.edge(edge).next_in).filter(|&edge| edge != NIL)
    }

    /// Finds a relationship of that type between two nodes. Takes as long as the smaller end has relationships.
    pub(super) fn find(&self, from: NodeId, rel: Rel, to: NodeId) -> Option<EdgeId> {
        if self.node(from).degree <= self.node(to).degree {
            self.outgoing(from).find(|(_, edge)| edge.to == to && edge.rel == rel).map(|(id, _)| id)
        } else {
            self.incoming(to).find(|(_, edge)| edge.from == from && edge.rel == rel).map(|(id, _)| id)
        }
    }

    /// Counts the relationships of a type.
    pub(super) fn count_edges(&self, rel: usize) -> u64 {
        self.edges_by_rel.get(rel).copied().unwrap_or(0)
    }
}
