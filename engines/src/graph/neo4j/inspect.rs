//! What a server says of itself, and all that is in its graph, this program's bookkeeping included: asked before a graph that
//! somebody else runs is used.

use std::collections::BTreeMap;

use neo4rs::{Row, query};

use super::{Neo4jGraph, read::unreadable};
use crate::graph::GraphError;

/// A server, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neo4jServer {
    /// Its version, such as `5.26.18`.
    pub version: String,
    /// Its edition, such as `community`.
    pub edition: String,
    /// The database that is used.
    pub database: String,
    /// Whether that database takes writes on this server.
    pub is_writable: bool,
}

/// How much is in a graph: everything, whoever wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Nodes by label; one without a label counts under the empty name, one with several under the first.
    pub nodes: BTreeMap<String, u64>,
    /// Relationships by type.
    pub relationships: BTreeMap<String, u64>,
}

impl Contents {
    /// Returns whether there is nothing. A relationship needs nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

impl Neo4jGraph {
    /// Asks the server what it is, and whether it can be written to.
    ///
    /// # Errors
    ///
    /// Fails when the server does not answer, or lets this account not ask.
    pub async fn server(&self) -> Result<Neo4jServer, GraphError> {
        const DURING: &str = "say what it is";
        let components = query(
            "CALL dbms.components() YIELD versions, edition RETURN versions[0] AS version, edition LIMIT 1",
        );
        let component = one(self.rows(DURING, components).await?)?;
        let database: String =
            column(&one(self.rows(DURING, query("CALL db.info() YIELD name RETURN name")).await?)?, "name")?;
        let access = query(
            "SHOW DATABASES YIELD name, access, writer WHERE name = $name \
             RETURN access = 'read-write' AND writer AS is_writable",
        );
        // A cluster has a row for each of its members.
        let members = self.rows(DURING, access.param("name", database.as_str())).await?;
        let mut is_writable = false;
        for member in &members {
            is_writable |= column::<bool>(member, "is_writable")?;
        }
        Ok(Neo4jServer {
            version: column(&component, "version")?,
            edition: column(&component, "edition")?,
            database,
            is_writable,
        })
    }

    /// Asks for the id that the database got when it was made. It stays the same for as long as the database is there, and a copy of
    /// its files has it too.
    ///
    /// # Errors
    ///
    /// Fails when the server does not answer.
    pub async fn database_id(&self) -> Result<String, GraphError> {
        let rows = self.rows("say which database it is", query("CALL db.info() YIELD id RETURN id")).await?;
        column(&one(rows)?, "id")
    }

    /// Counts everything that is in the graph.
    ///
    /// # Errors
    ///
    /// Fails when the server does not answer.
    pub async fn contents(&self) -> Result<Contents, GraphError> {
        let nodes = query("MATCH (n) RETURN coalesce(head(labels(n)), '') AS name, count(*) AS count");
        let relationships = query("MATCH ()-[l]->() RETURN type(l) AS name, count(*) AS count");
        let mut contents = Contents::default();
        for (query, counts) in [(nodes, &mut contents.nodes), (relationships, &mut contents.relationships)] {
            for row in self.rows("count what it holds", query).await? {
                let count: i64 = column(&row, "count")?;
                counts.insert(column(&row, "name")?, count.unsigned_abs());
            }
        }
        Ok(contents)
    }
}

fn one(rows: Vec<Row>) -> Result<Row, GraphError> {
    rows.into_iter().next().ok_or_else(|| unreadable("there is no row".into()))
}

fn column<T: serde::de::DeserializeOwned>(row: &Row, name: &str) -> Result<T, GraphError> {
    row.get(name).map_err(|error| unreadable(error.into()))
}
