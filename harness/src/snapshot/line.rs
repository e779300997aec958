//! Nodes and relationships as lines of JSON, and back.
//!
//! ```text
//! {"node":0,"label":"Interview","properties":{"interview_id":"i"}}
//! {"relationship":"HAS_SENTENCE","from":0,"to":1}
//! {"relationship":"PART_OF_FILE","from":1,"to":{"label":"SourceFile","key":"a.txt"}}
//! {"label":"Topic","properties":{"name":"fuel"},"degree":2}
//! ```

use std::fmt;

use cutover_core::graph::{Label, Properties, Rel};
use cutover_engines::graph::{Endpoint, NodeRow, RelationshipRow, Tree, TreeNode};
use rustc_hash::FxHashMap;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use smol_str::SmolStr;

use super::value::{Read, ReadProperties, write_json, write_properties, write_to, write_value};

/// Appends an interview with all that it owns. Its nodes are numbered in the order of label and key, the interview first, so that
/// equal interviews are written alike, whatever ids their databases have given them.
pub(super) fn write_tree(out: &mut Vec<u8>, tree: &Tree) {
    let mut nodes: Vec<&TreeNode> = tree.nodes.iter().collect();
    nodes.sort_by(|a, b| order(tree.root, a).cmp(&order(tree.root, b)));
    let mut numbers: FxHashMap<u64, usize> = FxHashMap::default();
    for (number, node) in nodes.into_iter().enumerate() {
        numbers.insert(node.id, number);
        write_to(out, format_args!("{{\"node\":{number},\"label\":"));
        write_json(out, node.label.as_str());
        out.extend_from_slice(b",\"properties\":");
        write_properties(out, &node.properties);
        out.extend_from_slice(b"}\n");
    }
    let mut lines = Vec::new();
    let mut ends = Vec::with_capacity(tree.relationships.len());
    for row in &tree.relationships {
        let begin = lines.len();
        write_relationship(&mut lines, row, &numbers);
        ends.push((begin, lines.len()));
    }
    ends.sort_unstable_by(|a, b| lines[a.0..a.1].cmp(&lines[b.0..b.1]));
    for (begin, end) in ends {
        out.extend_from_slice(&lines[begin..end]);
    }
}

/// The order in which the nodes of an interview are written.
fn order(root: u64, node: &TreeNode) -> (bool, &str, Option<&cutover_core::graph::Value>, &Properties) {
    let key = Label::from_name(&node.label).and_then(|label| node.properties.get(label.key_property()));
    (node.id != root, &node.label, key, &node.properties)
}

fn write_relationship(out: &mut Vec<u8>, row: &RelationshipRow, numbers: &FxHashMap<u64, usize>) {
    out.extend_from_slice(b"{\"relationship\":");
    write_json(out, row.rel.as_str());
    for (name, end) in [("from", &row.from), ("to", &row.to)] {
        write_to(out, format_args!(",\"{name}\":"));
        match end {
            Endpoint::Inside(id) => match numbers.get(id) {
                Some(number) => write_to(out, format_args!("{number}")),
                None => out.extend_from_slice(b"{\"label\":\"\"}"),
            },
            Endpoint::Outside { label, key } => {
                out.extend_from_slice(b"{\"label\":");
                write_json(out, label.as_str());
                if let Some(key) = key {
                    out.extend_from_slice(b",\"key\":");
                    write_value(out, key);
                }
                out.push(b'}');
            }
        }
    }
    if !row.properties.is_empty() {
        out.extend_from_slice(b",\"properties\":");
        write_properties(out, &row.properties);
    }
    out.extend_from_slice(b"}\n");
}

/// Appends a node that is part of no interview.
pub(super) fn write_row(out: &mut Vec<u8>, row: &NodeRow) {
    out.extend_from_slice(b"{\"label\":");
    write_json(out, row.label.as_str());
    out.extend_from_slice(b",\"properties\":");
    write_properties(out, &row.properties);
    write_to(out, format_args!(",\"degree\":{}}}\n", row.degree));
}

/// Any line of the body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    node: Option<u64>,
    label: Option<SmolStr>,
    #[serde(default)]
    properties: ReadProperties,
    degree: Option<u64>,
    relationship: Option<SmolStr>,
    from: Option<End>,
    to: Option<End>,
}

/// Reads an interview.
///
/// # Errors
///
/// What is wrong, with the line, 1-based.
pub(super) fn read_tree(bytes: &[u8]) -> Result<Tree, String> {
    let mut tree = Tree { root: 0, nodes: Vec::new(), relationships: Vec::new() };
    for (at, line) in lines(bytes).enumerate() {
        let wrong = |what: &dyn fmt::Display| format!("line {}: {what}", at + 1);
        let line: Line = serde_json::from_slice(line).map_err(|error| wrong(&error))?;
        match line {
            Line { node: Some(id), label: Some(label), properties, .. } => {
                tree.nodes.push(TreeNode { id, label: known_label(label), properties: properties.0 });
            }
            Line { relationship: Some(rel), from: Some(from), to: Some(to), properties, .. } => {
                let rel = Rel::from_name(&rel).map_or(rel, |rel| SmolStr::new_static(rel.as_str()));
                let properties = properties.0;
                tree.relationships.push(RelationshipRow { rel, from: from.0, to: to.0, properties });
            }
            _ => return Err(wrong(&"neither a node nor a relationship")),
        }
    }
    Ok(tree)
}

/// Reads nodes that are part of no interview, and gives them ids from a number on.
///
/// # Errors
///
/// What is wrong, with the line, 1-based.
pub(super) fn read_rows(bytes: &[u8], first_id: u64) -> Result<Vec<NodeRow>, String> {
    let mut rows = Vec::new();
    for (at, line) in lines(bytes).enumerate() {
        let wrong = |what: &dyn fmt::Display| format!("line {}: {what}", at + 1);
        let line: Line = serde_json::from_slice(line).map_err(|error| wrong(&error))?;
        let Line { label: Some(label), properties, degree: Some(degree), .. } = line else {
            return Err(wrong(&"no node"));
        };
        let id = first_id + at as u64;
        rows.push(NodeRow { id, label: known_label(label), properties: properties.0, degree });
    }
    Ok(rows)
}

/// Returns a label that this program knows without a copy of its own.
fn known_label(label: SmolStr) -> SmolStr {
    Label::from_name(&label).map_or(label, |label| SmolStr::new_static(label.as_str()))
}

pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// One end of a relationship: a number within the interview, or label and key.
#[derive(Debug)]
struct End(Endpoint);

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EndVisitor).map(Self)
    }
}

struct EndVisitor;

impl<'de> Visitor<'de> for EndVisitor {
    type Value = Endpoint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number of a node, or label and key of one")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Endpoint, E> {
        Ok(Endpoint::Inside(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Endpoint, A::Error> {
        let (mut label, mut key) = (None, None);
        while let Some(name) = entries.next_key::<SmolStr>()? {
            match name.as_str() {
                "label" => label = Some(known_label(entries.next_value()?)),
                "key" => key = Some(entries.next_value::<Read>()?.0),
                _ => return Err(A::Error::unknown_field(&name, &["label", "key"])),
            }
        }
        let label = label.ok_or_else(|| A::Error::missing_field("label"))?;
        Ok(Endpoint::Outside { label, key })
    }
}
