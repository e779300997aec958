//! Neo4j behind the graph port: a batch is a few bulk statements in one transaction, its version guards inside.
//!
//! The main type is [`Neo4jGraph`]. What a change means as Cypher is in `statement.rs`, the order of statements in `plan.rs`.

mod convert;
mod fault;
mod inspect;
mod plan;
mod read;
mod schema;
mod shape;
mod statement;

use std::time::Duration;

use async_trait::async_trait;
use backon::{BackoffBuilder, ExponentialBuilder};
use cutover_core::graph::{ChangeSet, Label, NodeRef, Value, merge_json};
use cutover_core::ids::AggregateId;
use neo4rs::{BoltType, Query, Row, Txn, query};

pub use self::inspect::{Contents, Neo4jServer};

use self::fault::Remedy;
use self::plan::{Guards, Plan, Span, Step};
use self::shape::Shape;
use super::port::{
    ApplyError, Census, Cursor, Graph, GraphError, NodeRow, Page, Schema, Tree, VersionConflict,
};

/// How many rows the server is asked for at once.
const FETCH_SIZE: usize = 2_000;
/// How many connections are kept at most: one for each lane, and some for reading.
const CONNECTIONS_MAX: usize = 24;
/// How many nodes one transaction removes at most when a graph is erased: a larger one outgrows the server's memory pool.
const ERASED_AT_ONCE: i64 = 10_000;

/// Where a Neo4j server is, and who asks.
#[derive(Clone)]
pub struct Neo4jSettings {
    /// `bolt://host:port` or `neo4j://host:port`, with `+s` for TLS.
    pub uri: String,
    /// The account.
    pub user: String,
    /// Its password; never printed.
    pub password: String,
    /// The database; `None` for the server's default.
    pub database: Option<String>,
    /// Which of the two schemas this graph holds.
    pub schema: Schema,
    /// How long a read may take before it counts as unanswered.
    pub timeout: Duration,
}

impl std::fmt::Debug for Neo4jSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Neo4jSettings")
            .field("uri", &self.uri)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A graph in a Neo4j server.
pub struct Neo4jGraph {
    client: neo4rs::Graph,
    schema: Schema,
    timeout: Duration,
}

/// Why an attempt at a batch came to nothing.
enum Attempt {
    Conflict(Vec<VersionConflict>),
    Failed(neo4rs::Error),
}

impl From<neo4rs::Error> for Attempt {
    fn from(error: neo4rs::Error) -> Self {
        Self::Failed(error)
    }
}

impl Neo4jGraph {
    /// Takes a server's address. Nothing is connected before the first call.
    ///
    /// # Errors
    ///
    /// Fails when the address is none.
    pub fn new(settings: Neo4jSettings) -> Result<Self, GraphError> {
        let mut config = neo4rs::ConfigBuilder::default()
            .uri(settings.uri)
            .user(settings.user)
            .password(settings.password)
            .fetch_size(FETCH_SIZE)
            .max_connections(CONNECTIONS_MAX)
            .connection_timeout(settings.timeout);
        if let Some(database) = settings.database {
            config = config.db(database);
        }
        let client = config
            .build()
            .and_then(neo4rs::Graph::connect)
            .map_err(|error| fault::graph_error("connect", error))?;
        Ok(Self { client, schema: settings.schema, timeout: settings.timeout })
    }

    /// Runs a query in a transaction of its own and returns its rows.
    async fn rows(&self, during: &'static str, query: Query) -> Result<Vec<Row>, GraphError> {
        let read = async {
            let mut txn = self.client.start_txn().await?;
            let rows = rows(&mut txn, query).await?;
            txn.commit().await?;
            Ok(rows)
        };
        match tokio::time::timeout(self.timeout, read).await {
            Ok(rows) => rows.map_err(|error| fault::graph_error(during, error)),
            Err(elapsed) => Err(GraphError::Unavailable { during, source: elapsed.into() }),
        }
    }

    async fn attempt(&self, plan: &Plan) -> Result<(), Attempt> {
        let mut txn = self.client.start_txn().await?;
        let conflicts = check_guards(&mut txn, &plan.guards).await?;
        if !conflicts.is_empty() {
            txn.rollback().await?;
            return Err(Attempt::Conflict(conflicts));
        }
        for step in &plan.steps {
            match step {
                Step::Bulk { kind, rows: parameters } => {
                    let query = query(&kind.cypher(self.schema)).param("rows", parameters.clone());
                    rows(&mut txn, query).await?;
                }
                Step::MergeJson { node, property, diff } => merge(&mut txn, node, property, diff).await?,
            }
        }
        if !plan.chained.is_empty() {
            rows(&mut txn, chain(&plan.chained)).await?;
        }
        if plan.may_unlink() {
            rows(&mut txn, query(SWEEP)).await?;
        }
        txn.commit().await?;
        Ok(())
    }
}

/// Runs a query to its last row: an error in a row that nobody asked for would otherwise never be seen.
async fn rows(txn: &mut Txn, query: Query) -> neo4rs::Result<Vec<Row>> {
    let mut stream = txn.execute(query).await?;
    let mut rows = Vec::new();
    while let Some(row) = stream.next(txn.handle()).await? {
        rows.push(row);
    }
    Ok(rows)
}

/// Locks the versions of a batch's aggregates, in their order, sets them, and answers with those that do not fit.
///
/// The lock comes before the version is read: at Neo4j's isolation level a value that was read without it may be old by the
/// time that it is compared.
const GUARDS: &str = "UNWIND $rows AS r \
    MERGE (v:_AggregateVersion {aggregate: r.aggregate}) \
    SET v._lock = true \
    WITH r, v, coalesce(v.version, -1) AS current \
    SET v.version = CASE WHEN current = r.before THEN r.after ELSE v.version END \
    WITH r, current WHERE current <> r.before \
    RETURN r.at AS at, current";

async fn check_guards(txn: &mut Txn, guards: &Guards) -> neo4rs::Result<Vec<VersionConflict>> {
    if guards.is_empty() {
        return Ok(Vec::new());
    }
    let parameters = guards.iter().enumerate().map(|(at, (aggregate, span))| {
        let (before, after) = match span {
            Span::Advance { before, after } => (version_to_bolt(*before), *after as i64),
            Span::Broken => (NO_VERSION, NO_VERSION),
        };
        convert::map([
            ("at", BoltType::from(at as i64)),
            ("aggregate", BoltType::from(aggregate.to_string())),
            ("before", BoltType::from(before)),
            ("after", BoltType::from(after)),
        ])
    });
    let refused = rows(txn, query(GUARDS).param("rows", convert::list(parameters))).await?;
    let aggregates: Vec<_> = guards.keys().copied().collect();
    refused
        .iter()
        .map(|row| {
            let (at, current): (i64, i64) = (row.get("at")?, row.get("current")?);
            Ok(VersionConflict { aggregate: aggregates[at as usize], current: version_from_bolt(current) })
        })
        .collect()
}

/// What no aggregate's version ever is.
const NO_VERSION: i64 = -2;

/// -1 stands for "before version 0": a comparison with `null` would be neither true nor false.
fn version_to_bolt(version: Option<u64>) -> i64 {
    version.map_or(-1, |version| version as i64)
}

fn version_from_bolt(version: i64) -> Option<u64> {
    u64::try_from(version).ok()
}

async fn merge(
    txn: &mut Txn,
    node: &NodeRef,
    property: &str,
    diff: &serde_json::Map<String, serde_json::Value>,
) -> neo4rs::Result<()> {
    let (shape, keys) = Shape::of(node);
    let parameters = || {
        let names: Vec<_> = (0..keys.len()).map(|at| format!("n{at}")).collect();
        convert::map(names.iter().map(String::as_str).zip(keys.iter().map(convert::to_bolt)))
    };
    let pattern = shape.pattern("n", "$node");
    let read = format!("MATCH {pattern} SET n._lock = true RETURN n.{property} AS text");
    for row in rows(txn, query(&read).param("node", parameters())).await? {
        let text: Option<String> = row.get("text")?;
        let merged = merge_json(text.as_deref(), diff);
        let write = format!("MATCH {pattern} SET n.{property} = $text");
        rows(txn, query(&write).param("node", parameters()).param("text", merged.as_str())).await?;
    }
    Ok(())
}

/// Removes value nodes that were marked and turn out to have no relationship left.
const SWEEP: &str =
    "MATCH (v:_MaybeUnreferenced) REMOVE v:_MaybeUnreferenced WITH v WHERE NOT (v)--() DELETE v";

/// Makes the sequence links of interviews follow from their sentences, touching only links that are wrong or missing.
fn chain(interviews: &[NodeRef]) -> Query {
    let keys = interviews.iter().filter_map(|node| match node {
        NodeRef::Keyed { label: Label::Interview, key } => Some(convert::to_bolt(key)),
        _ => None,
    });
    query(
        "UNWIND $interviews AS key \
         MATCH (i:Interview {interview_id: key}) SET i._lock = true \
         WITH i, COLLECT { MATCH (i)-[:HAS_SENTENCE]->(s:Sentence) \
           RETURN s ORDER BY s.sequence_order, s.sentence_id } AS members \
         CALL (i, members) { \
           MATCH (i)-[l:FIRST_SENTENCE]->(s) WHERE members[0] IS NULL OR s <> members[0] DELETE l } \
         CALL (i, members) { \
           UNWIND members AS s MATCH (other)-[l:FIRST_SENTENCE]->(s) WHERE other <> i DELETE l } \
         FOREACH (s IN members[0..1] | MERGE (i)-[:FIRST_SENTENCE]->(s)) \
         WITH members UNWIND range(0, size(members) - 1) AS at \
         WITH members[at] AS s, members[at + 1] AS next, CASE at WHEN 0 THEN null ELSE members[at - 1] END AS last \
         CALL (s, next) { \
           MATCH (s)-[l:NEXT_SENTENCE|FOLLOWS]->(t) WHERE next IS NULL OR t <> next DELETE l } \
         CALL (s, last) { \
           MATCH (s)<-[l:NEXT_SENTENCE|FOLLOWS]-(t) WHERE last IS NULL OR t <> last DELETE l } \
         WITH s, next WHERE next IS NOT NULL \
         MERGE (s)-[:NEXT_SENTENCE]->(next) MERGE (s)-[:FOLLOWS]->(next)",
    )
    .param("interviews", convert::list(keys))
}

#[async_trait]
impl Graph for Neo4jGraph {
    async fn prepare(&self, schema: Schema) -> Result<(), GraphError> {
        for statement in schema::statements(schema) {
            self.rows("create a constraint", query(&statement)).await?;
        }
        self.rows("wait for indexes", query("CALL db.awaitIndexes(60)")).await?;
        let there = self
            .rows(
                "check the constraints",
                query(
                    "SHOW CONSTRAINTS YIELD type, labelsOrTypes, properties \
                     WHERE type CONTAINS 'UNIQUENESS' OR type CONTAINS 'KEY' \
                     RETURN labelsOrTypes[0] AS label, properties AS properties",
                ),
            )
            .await?;
        let mut found = Vec::new();
        for row in &there {
            let label: String = row.get("label").map_err(|error| read::unreadable(error.into()))?;
            let properties: Vec<String> =
                row.get("properties").map_err(|error| read::unreadable(error.into()))?;
            found.push((label, properties));
        }
        for (label, property) in schema::unique_keys(schema) {
            if !found.iter().any(|(of, properties)| of == label && properties == &[property]) {
                return Err(GraphError::Refused {
                    during: "create the constraints that keep nodes unique",
                    source: format!(
                        "there is no uniqueness constraint on {label}.{property}; remove twins and a plain index \
                         on that property, then try again"
                    )
                    .into(),
                });
            }
        }
        Ok(())
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        let plan = plan::plan(batch);
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(Duration::from_secs(1))
            .with_max_times(8)
            .with_jitter()
            .build();
        loop {
            match self.attempt(&plan).await {
                Ok(()) => return Ok(()),
                Err(Attempt::Conflict(conflicts)) => return Err(ApplyError::Conflict(conflicts)),
                Err(Attempt::Failed(error)) => {
                    if fault::remedy(&error) == Remedy::RunAgain
                        && let Some(pause) = pauses.next()
                    {
                        tracing::debug!(%error, "a transaction lost to another one; running it again");
                        tokio::time::sleep(pause).await;
                        continue;
                    }
                    return Err(fault::graph_error("apply a batch", error).into());
                }
            }
        }
    }

    async fn versions(&self, aggregates: &[AggregateId]) -> Result<Vec<Option<u64>>, GraphError> {
        read::versions(self, aggregates).await
    }

    async fn census(&self) -> Result<Census, GraphError> {
        read::census(self).await
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        read::nodes(self, label, "true", after, limit).await
    }

    async fn orphans(
        &self,
        label: Label,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        let owned = match label {
            Label::Sentence => "NOT (n)<-[:HAS_SENTENCE]-()",
            Label::Analysis => "NOT (n)<-[:HAS_ANALYSIS]-()",
            _ => return Ok(Page { rows: Vec::new(), next: None }),
        };
        read::nodes(self, label.as_str(), owned, after, limit).await
    }

    async fn trees(&self, interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
        read::trees(self, interviews).await
    }

    async fn erase(&self) -> Result<(), GraphError> {
        loop {
            let query = query("MATCH (n) WITH n LIMIT $limit DETACH DELETE n RETURN count(*) AS removed")
                .param("limit", ERASED_AT_ONCE);
            let rows = self.rows("erase", query).await?;
            let removed: i64 = match rows.first() {
                Some(row) => row.get("removed").map_err(|error| read::unreadable(error.into()))?,
                None => 0,
            };
            if removed < ERASED_AT_ONCE {
                return Ok(());
            }
        }
    }
}
