//! A graph as sorted text: [`dump`]. Equal graphs give equal text, whatever ids their databases assigned.
//!
//! Interviews are written as trees, sentences under them, analyses under those; a relationship stands under the node that it
//! begins at, and one that comes from outside the tree also under the node where it ends. Bookkeeping is left out.
//!
//! ```text
//! Interview "i1" {interview_id: "i1"}
//!   -FIRST_SENTENCE-> Sentence "s1"
//!   <-CONTAINS_INTERVIEW- Project "p"
//!   Sentence "s1" {sentence_id: "s1", sequence_order: 0}
//! Project "p" {project_id: "p"}
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cutover_core::graph::{Label, Properties, Rel, Value};
use smol_str::SmolStr;

use super::memory::PropertyGraph;
use super::{Cursor, Endpoint, Graph, GraphError, NodeRow, Page, RelationshipRow, Tree, TreeNode};

/// Rows fetched at once.
const PAGE: usize = 1000;

/// Writes a graph as sorted text, without bookkeeping.
///
/// # Errors
///
/// Fails when the graph cannot be read.
pub async fn dump(graph: &dyn Graph) -> Result<String, GraphError> {
    let mut entries = Entries::default();
    for (name, _) in graph.census().await?.nodes {
        let label = Label::from_name(&name);
        if label.is_some_and(is_owned) {
            continue;
        }
        let mut after = None;
        loop {
            let Page { rows, next } = graph.nodes(&name, after.as_ref(), PAGE).await?;
            if label == Some(Label::Interview) {
                entries.add_trees(graph.trees(&distinct_keys(&rows, after.as_ref())).await?);
            } else {
                entries.add_nodes("", &rows);
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
    }
    for label in Label::ALL.into_iter().filter(|&label| is_owned(label)) {
        let mut after = None;
        loop {
            let Page { rows, next } = graph.orphans(label, after.as_ref(), PAGE).await?;
            entries.add_nodes("orphan ", &rows);
            after = next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(entries.into_text())
}

impl PropertyGraph {
    /// Writes the graph as sorted text, as [`dump`] does.
    pub fn dump(&self) -> String {
        let mut entries = Entries::default();
        for (name, _) in self.census().nodes {
            let rows = self.nodes(&name, None, usize::MAX).rows;
            match Label::from_name(&name) {
                Some(Label::Interview) => {
                    for key in distinct_keys(&rows, None) {
                        entries.add_trees(self.trees(&key));
                    }
                }
                Some(label) if is_owned(label) => {
                    entries.add_nodes("orphan ", &self.orphans(label, None, usize::MAX).rows);
                }
                _ => entries.add_nodes("", &rows),
            }
        }
        entries.into_text()
    }
}

fn is_owned(label: Label) -> bool {
    Rel::ALL.into_iter().any(|rel| rel.is_owning() && rel.target() == label)
}

/// Returns the keys of a page of interviews, each once. The key that the page before ended with has been seen, with
/// all who bear it.
fn distinct_keys(rows: &[NodeRow], after: Option<&Cursor>) -> Vec<Value> {
    let key_property = Label::Interview.key_property();
    let mut keys: Vec<_> = rows.iter().filter_map(|row| row.properties.get(key_property).cloned()).collect();
    keys.dedup();
    keys.retain(|key| Some(key) != after.and_then(|cursor| cursor.key.as_ref()));
    keys
}

/// What stands at the left margin, sorted by label, key and text.
#[derive(Default)]
struct Entries(Vec<Entry>);

type Entry = (SmolStr, Option<Value>, String);

impl Entries {
    fn add_nodes(&mut self, mark: &str, rows: &[NodeRow]) {
        for NodeRow { label, properties, .. } in rows {
            let text = format!("{mark}{}\n", line(label, properties));
            self.0.push((label.clone(), key_of(label, properties), text));
        }
    }

    fn add_trees(&mut self, trees: impl IntoIterator<Item = Tree>) {
        self.0.extend(trees.into_iter().map(|tree| Writer::new(&tree).entry(tree.root, 0)));
    }

    fn into_text(mut self) -> String {
        self.0.sort();
        self.0.into_iter().map(|(_, _, text)| text).collect()
    }
}

/// Writes one tree.
struct Writer<'a> {
    nodes: BTreeMap<u64, &'a TreeNode>,
    relationships: BTreeMap<u64, Vec<&'a RelationshipRow>>,
    written: BTreeSet<u64>,
}

impl<'a> Writer<'a> {
    fn new(tree: &'a Tree) -> Self {
        let mut relationships: BTreeMap<u64, Vec<&RelationshipRow>> = BTreeMap::new();
        for row in &tree.relationships {
            if let (Endpoint::Inside(at), _) | (_, Endpoint::Inside(at)) = (&row.from, &row.to) {
                relationships.entry(*at).or_default().push(row);
            }
        }
        let nodes = tree.nodes.iter().map(|node| (node.id, node)).collect();
        Self { nodes, relationships, written: BTreeSet::from([tree.root]) }
    }

    fn entry(&mut self, id: u64, depth: usize) -> Entry {
        let node = self.nodes[&id];
        let mut links = Vec::new();
        let mut children = Vec::new();
        for row in self.relationships.remove(&id).unwrap_or_default() {
            let is_owning = Rel::from_name(&row.rel).is_some_and(Rel::is_owning);
            match (&row.from, &row.to) {
                // What it owns stands below it; nothing else need be said of a bare relationship.
                (Endpoint::Inside(_), Endpoint::Inside(to))
                    if is_owning && row.properties.is_empty() && self.written.insert(*to) =>
                {
                    children.push(self.entry(*to, depth + 1));
                }
                (Endpoint::Inside(_), to) => {
                    links.push(self.link(&format!("-{}->", row.rel), to, &row.properties))
                }
                (from, _) => links.push(self.link(&format!("<-{}-", row.rel), from, &row.properties)),
            }
        }
        links.sort();
        children.sort();
        let mut text = format!("{:indent$}{}\n", "", line(&node.label, &node.properties), indent = depth * 2);
        for link in links {
            let _ = writeln!(text, "{:indent$}{link}", "", indent = (depth + 1) * 2);
        }
        text.extend(children.into_iter().map(|(_, _, text)| text));
        (node.label.clone(), key_of(&node.label, &node.properties), text)
    }

    fn link(&self, arrow: &str, end: &Endpoint, properties: &Properties) -> String {
        let mut text = String::from(arrow);
        match end {
            Endpoint::Inside(id) => {
                let node = self.nodes[id];
                let _ =
                    write!(text, " {}", name(&node.label, key_of(&node.label, &node.properties).as_ref()));
            }
            Endpoint::Outside { label, key } => {
                let _ = write!(text, " {}", name(label, key.as_ref()));
            }
        }
        if !properties.is_empty() {
            let _ = write!(text, " {}", braces(properties));
        }
        text
    }
}

fn line(label: &SmolStr, properties: &Properties) -> String {
    format!("{} {}", name(label, key_of(label, properties).as_ref()), braces(properties))
}

fn name(label: &SmolStr, key: Option<&Value>) -> String {
    key.map_or_else(|| label.to_string(), |key| format!("{label} {key}"))
}

fn key_of(label: &SmolStr, properties: &Properties) -> Option<Value> {
    properties.get(Label::from_name(label)?.key_property()).cloned()
}

fn braces(properties: &Properties) -> String {
    let each: Vec<_> = properties.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{{{}}}", each.join(", "))
}
