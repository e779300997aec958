//! Reads: pages in the order of keys, trees, orphans, versions, the census. Every answer is bounded by what was asked for.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::graph::{Label, Value};
use cutover_core::ids::AggregateId;
use neo4rs::{BoltType, Query, Row, query};
use smol_str::SmolStr;

use super::{Neo4jGraph, convert};
use crate::graph::{Census, Cursor, Endpoint, GraphError, NodeRow, Page, RelationshipRow, Tree, TreeNode};

/// An answer that is not of the form that was asked for.
pub(super) fn unreadable(source: Box<dyn std::error::Error + Send + Sync>) -> GraphError {
    GraphError::Refused { during: "answer in the form that was asked for", source }
}

/// One row of an answer, read column by column.
struct Columns<'a>(&'a Row);

impl Columns<'_> {
    fn get(&self, name: &str) -> Result<BoltType, GraphError> {
        self.0.get(name).map_err(|error| unreadable(error.into()))
    }

    fn id(&self, name: &str) -> Result<u64, GraphError> {
        let id = convert::integer(&self.get(name)?);
        id.and_then(|id| u64::try_from(id).ok())
            .ok_or_else(|| unreadable(format!("`{name}` is no id").into()))
    }

    fn text(&self, name: &str) -> Result<SmolStr, GraphError> {
        convert::text(&self.get(name)?).ok_or_else(|| unreadable(format!("`{name}` is no text").into()))
    }
}

pub(super) async fn versions(
    graph: &Neo4jGraph,
    aggregates: &[AggregateId],
) -> Result<Vec<Option<u64>>, GraphError> {
    let names = aggregates.iter().map(|aggregate| BoltType::from(aggregate.to_string()));
    let asked = query(
        "UNWIND range(0, size($names) - 1) AS at \
         MATCH (v:_AggregateVersion {aggregate: $names[at]}) RETURN at, v.version AS version",
    )
    .param("names", convert::list(names));
    let mut versions = vec![None; aggregates.len()];
    for row in graph.rows("read versions", asked).await? {
        let row = Columns(&row);
        let at = row.id("at")? as usize;
        versions[at] = convert::integer(&row.get("version")?).and_then(convert::version_from_bolt);
    }
    Ok(versions)
}

pub(super) async fn census(graph: &Neo4jGraph) -> Result<Census, GraphError> {
    let mut census = Census::default();
    let nodes = query("MATCH (n) UNWIND labels(n) AS label RETURN label AS name, count(*) AS count");
    let relationships = query("MATCH ()-[l]->() RETURN type(l) AS name, count(*) AS count");
    for (query, counts) in [(nodes, &mut census.nodes), (relationships, &mut census.relationships)] {
        for row in graph.rows("count", query).await? {
            let row = Columns(&row);
            let name = row.text("name")?;
            if !name.starts_with('_') {
                counts.insert(name, row.id("count")?);
            }
        }
    }
    Ok(census)
}

/// Reads a page of the nodes of a label that fulfil a condition: those with a key in its order, then those without one.
pub(super) async fn nodes(
    graph: &Neo4jGraph,
    label: &str,
    condition: &str,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<NodeRow>, GraphError> {
    let limit = limit.max(1);
    // One row more than the page holds tells whether there is a next page.
    let mut wanted = limit as i64 + 1;
    let mut rows = Vec::new();
    let key = Label::from_name(label).map(Label::key_property);
    if let Some(key) = key
        && after.is_none_or(|cursor| cursor.key.is_some())
    {
        let text = format!(
            "MATCH (n:`{label}`) WHERE n.{key} IS NOT NULL AND {} AND {condition} \
             WITH n ORDER BY n.{key}, id(n) LIMIT $limit {ROW}",
            match after {
                Some(_) => format!("n.{key} >= $key AND (n.{key} > $key OR id(n) > $id)"),
                None => "true".to_owned(),
            }
        );
        let mut query = query(&text).param("limit", wanted);
        if let Some(Cursor { key: Some(key), id }) = after {
            query = query.param("key", convert::to_bolt(key)).param("id", *id as i64);
        }
        rows.extend(node_rows(graph, label, query).await?);
        wanted -= rows.len() as i64;
    }
    if wanted > 0 {
        let text = format!(
            "MATCH (n:`{label}`) WHERE {} AND id(n) > $id AND {condition} WITH n ORDER BY id(n) LIMIT $limit {ROW}",
            key.map_or_else(|| "true".to_owned(), |key| format!("n.{key} IS NULL")),
        );
        let id = after.filter(|cursor| cursor.key.is_none()).map_or(-1, |cursor| cursor.id as i64);
        rows.extend(node_rows(graph, label, query(&text).param("limit", wanted).param("id", id)).await?);
    }
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows
        .last()
        .filter(|_| has_more)
        .map(|row| Cursor { key: key.and_then(|key| row.properties.get(key).cloned()), id: row.id });
    Ok(Page { rows, next })
}

const ROW: &str = "RETURN id(n) AS id, properties(n) AS properties, COUNT { (n)--() } AS degree";

async fn node_rows(graph: &Neo4jGraph, label: &str, query: Query) -> Result<Vec<NodeRow>, GraphError> {
    let label = SmolStr::new(label);
    let node = |row: Row| {
        let row = Columns(&row);
        Ok(NodeRow {
            id: row.id("id")?,
            label: label.clone(),
            properties: convert::from_bolt_map(&row.get("properties")?),
            degree: row.id("degree")?,
        })
    };
    graph.read("read nodes", query, node).await
}

/// Everything that an interview owns, with the place of the interview in the question.
const MEMBERS: &str = "UNWIND range(0, size($keys) - 1) AS at \
    MATCH (i:Interview {interview_id: $keys[at]}) \
    CALL (i) { \
      RETURN i AS n \
      UNION MATCH (i)-[:HAS_SENTENCE]->(n) RETURN n \
      UNION MATCH (i)-[:HAS_SENTENCE]->()-[:HAS_ANALYSIS]->(n) RETURN n } \
    RETURN at, id(i) AS root, id(n) AS id, labels(n)[0] AS label, properties(n) AS properties";

/// Every relationship that begins or ends at one of the nodes; one that does both is told once, from where it begins.
const RELATIONSHIPS: &str = "UNWIND $ids AS id MATCH (n) WHERE id(n) = id \
    CALL (n) { \
      MATCH (n)-[l]->(m) RETURN l, n AS a, m AS b, m AS other \
      UNION ALL MATCH (n)<-[l]-(m) WHERE NOT id(m) IN $ids RETURN l, m AS a, n AS b, m AS other } \
    RETURN type(l) AS rel, properties(l) AS properties, id(a) AS a, id(b) AS b, id(other) AS other, \
      labels(other)[0] AS label, \
      CASE WHEN id(other) IN $ids THEN {} ELSE properties(other) END AS other_properties";

pub(super) async fn trees(graph: &Neo4jGraph, interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
    let keys = convert::list(interviews.iter().map(convert::to_bolt));
    let mut trees: BTreeMap<(u64, u64), Tree> = BTreeMap::new();
    for row in graph.rows("read trees", query(MEMBERS).param("keys", keys)).await? {
        let row = Columns(&row);
        let (at, root) = (row.id("at")?, row.id("root")?);
        let tree = trees.entry((at, root)).or_insert_with(|| Tree {
            root,
            nodes: Vec::new(),
            relationships: Vec::new(),
        });
        tree.nodes.push(TreeNode {
            id: row.id("id")?,
            label: row.text("label")?,
            properties: convert::from_bolt_map(&row.get("properties")?),
        });
    }
    for tree in trees.values_mut() {
        tree.relationships = relationships(graph, &tree.nodes).await?;
    }
    Ok(trees.into_values().collect())
}

async fn relationships(graph: &Neo4jGraph, nodes: &[TreeNode]) -> Result<Vec<RelationshipRow>, GraphError> {
    let inside: BTreeSet<u64> = nodes.iter().map(|node| node.id).collect();
    let ids = convert::list(inside.iter().map(|id| BoltType::from(*id as i64)));
    let relationship = |row: Row| {
        let row = Columns(&row);
        let other = row.id("other")?;
        let endpoint = |id: u64| -> Result<Endpoint, GraphError> {
            if inside.contains(&id) {
                return Ok(Endpoint::Inside(id));
            }
            debug_assert_eq!(id, other, "one end of a tree's relationship is inside");
            let label = row.text("label")?;
            let properties = convert::from_bolt_map(&row.get("other_properties")?);
            let key =
                Label::from_name(&label).and_then(|label| properties.get(label.key_property()).cloned());
            Ok(Endpoint::Outside { label, key })
        };
        Ok(RelationshipRow {
            rel: row.text("rel")?,
            from: endpoint(row.id("a")?)?,
            to: endpoint(row.id("b")?)?,
            properties: convert::from_bolt_map(&row.get("properties")?),
        })
    };
    graph.read("read relationships", query(RELATIONSHIPS).param("ids", ids), relationship).await
}
