//! Constraints and indexes. Without uniqueness, two transactions that MERGE the same node at once make twins, and every MERGE
//! is a scan.

use cutover_core::graph::Label;
use neo4rs::query;

use super::{Neo4jGraph, convert, read};
use crate::graph::{GraphError, Schema};

/// The label of the nodes that hold aggregates' versions, by `aggregate`. They outlive what they count.
pub(super) const VERSION: &str = "_AggregateVersion";

/// Why a key is not unique.
#[derive(Debug, thiserror::Error)]
enum NotUnique {
    #[error(
        "several nodes {label} have the {property} `{key}`, so that no constraint can make it unique; remove all but one of each, \
         found by MATCH (n:{label}) WITH n.{property} AS key, count(*) AS nodes WHERE nodes > 1 RETURN key, nodes"
    )]
    Twins { label: &'static str, property: &'static str, key: String, source: Box<GraphError> },
    #[error(
        "the plain index `{index}` on {label}.{property} is in the way of a uniqueness constraint, which brings an index of its own; \
         remove it with DROP INDEX `{index}`"
    )]
    PlainIndex { label: &'static str, property: &'static str, index: String, source: Box<GraphError> },
    #[error(
        "something else bears the name `{name}`, so that there is no uniqueness constraint on {label}.{property}; remove that with \
         DROP CONSTRAINT `{name}` or DROP INDEX `{name}`"
    )]
    NameTaken { label: &'static str, property: &'static str, name: String },
}

/// A key that must be unique.
#[derive(Debug, Clone, Copy)]
struct Key {
    label: &'static str,
    property: &'static str,
}

impl Key {
    /// Returns the name of the constraint, or of the index where there can be none.
    fn name(self) -> String {
        format!("cutover_{}_{}", self.label.to_lowercase(), self.property)
    }
}

/// Creates what a schema needs, each part unless it is there already, and checks that it is there.
pub(super) async fn prepare(graph: &Neo4jGraph, schema: Schema) -> Result<(), GraphError> {
    let (unique, plain) = keys(schema);
    for key in &unique {
        let Key { label, property } = *key;
        let statement = format!(
            "CREATE CONSTRAINT {} IF NOT EXISTS FOR (n:{label}) REQUIRE n.{property} IS UNIQUE",
            key.name()
        );
        if let Err(error) = graph.rows("create a constraint", query(&statement)).await {
            return Err(explain(graph, *key, error).await?);
        }
    }
    for key in plain {
        let Key { label, property } = key;
        let statement =
            format!("CREATE INDEX {} IF NOT EXISTS FOR (n:{label}) ON (n.{property})", key.name());
        graph.rows("create an index", query(&statement)).await?;
    }
    graph.rows("wait for indexes", query("CALL db.awaitIndexes(60)")).await?;
    check(graph, &unique).await
}

/// Returns the keys that must be unique in a schema, and those that are only looked up.
fn keys(schema: Schema) -> (Vec<Key>, Vec<Key>) {
    let version = Key { label: VERSION, property: "aggregate" };
    let (mut unique, mut plain) = (vec![version], Vec::new());
    for label in Label::ALL {
        let key = Key { label: label.as_str(), property: label.key_property() };
        if schema.is_unique(label) { unique.push(key) } else { plain.push(key) }
    }
    (unique, plain)
}

/// Finds out why a constraint could not be created, where that is for what is there already.
async fn explain(graph: &Neo4jGraph, key: Key, error: GraphError) -> Result<GraphError, GraphError> {
    if !matches!(error, GraphError::Refused { .. }) {
        return Ok(error);
    }
    let Key { label, property } = key;
    let indexes = query(
        "SHOW INDEXES YIELD name, labelsOrTypes, properties, owningConstraint \
         WHERE owningConstraint IS NULL AND labelsOrTypes = [$label] AND properties = [$property] RETURN name",
    )
    .param("label", label)
    .param("property", property);
    if let Some(row) = graph.rows("list the indexes", indexes).await?.first() {
        let index = row.get("name").map_err(|error| read::unreadable(error.into()))?;
        return Ok(refused(NotUnique::PlainIndex { label, property, index, source: error.into() }));
    }
    let twins = format!(
        "MATCH (n:{label}) WITH n.{property} AS key, count(*) AS nodes WHERE key IS NOT NULL AND nodes > 1 \
         RETURN key ORDER BY key LIMIT 1"
    );
    if let Some(row) = graph.rows("look for twins", query(&twins)).await?.first() {
        let key = row.get("key").map_err(|error| read::unreadable(error.into()))?;
        let key = convert::text(&key).map_or_else(|| format!("{key:?}"), |text| text.to_string());
        return Ok(refused(NotUnique::Twins { label, property, key, source: error.into() }));
    }
    Ok(error)
}

/// Checks that the constraints are there: one of that name that is about something else looks to the server like one that is there.
async fn check(graph: &Neo4jGraph, unique: &[Key]) -> Result<(), GraphError> {
    let there = query(
        "SHOW CONSTRAINTS YIELD type, labelsOrTypes, properties \
         WHERE type CONTAINS 'UNIQUENESS' OR type CONTAINS 'KEY' \
         RETURN labelsOrTypes[0] AS label, properties AS properties",
    );
    let mut found = Vec::new();
    for row in graph.rows("check the constraints", there).await? {
        let label: String = row.get("label").map_err(|error| read::unreadable(error.into()))?;
        let properties: Vec<String> =
            row.get("properties").map_err(|error| read::unreadable(error.into()))?;
        found.push((label, properties));
    }
    let is_there = |key: &Key| {
        found.iter().any(|(label, properties)| label == key.label && properties == &[key.property])
    };
    match unique.iter().find(|key| !is_there(key)) {
        None => Ok(()),
        Some(key) => {
            let Key { label, property } = *key;
            Err(refused(NotUnique::NameTaken { label, property, name: key.name() }))
        }
    }
}

fn refused(source: NotUnique) -> GraphError {
    GraphError::Refused { during: "create the constraints that keep nodes unique", source: source.into() }
}
