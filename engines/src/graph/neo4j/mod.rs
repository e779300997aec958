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

use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// How long a call may take before it counts as unanswered.
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
    config: neo4rs::Config,
    connections: Mutex<Connections>,
    schema: Schema,
    timeout: Duration,
}

/// The connections of the present. After a call that came to no end they are given up for new ones.
struct Connections {
    client: neo4rs::Graph,
    /// How often they were given up.
    generation: u64,
}

/// A call under way. If it comes to no end, because it fails, takes too long or is dropped, the connections are given up: only when
/// its own closes does the server end what it still does for the call, and let go of the locks that it holds for it.
struct Call<'a> {
    graph: &'a Neo4jGraph,
    generation: u64,
    has_ended: bool,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.graph.reconnect(self.generation);
        }
    }
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
        let failed = |error| fault::graph_error("connect", error);
        let config = config.build().map_err(failed)?;
        let client = neo4rs::Graph::connect(config.clone()).map_err(failed)?;
        let connections = Mutex::new(Connections { client, generation: 0 });
        Ok(Self { config, connections, schema: settings.schema, timeout: settings.timeout })
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call.
    fn begin(&self) -> (neo4rs::Graph, Call<'_>) {
        let connections = self.connections();
        let call = Call { graph: self, generation: connections.generation, has_ended: false };
        (connections.client.clone(), call)
    }

    /// Gives up the connections of a generation, unless somebody has done it before. Those that are in use close when they are
    /// given back.
    fn reconnect(&self, generation: u64) {
        let mut connections = self.connections();
        // The address was good enough before.
        if connections.generation == generation
            && let Ok(client) = neo4rs::Graph::connect(self.config.clone())
        {
            *connections = Connections { client, generation: generation + 1 };
        }
    }

    /// Runs a query in a transaction of its own and returns its rows.
    async fn rows(&self, during: &'static str, query: Query) -> Result<Vec<Row>, GraphError> {
        let (client, mut call) = self.begin();
        let read = async {
            let mut txn = client.start_txn().await?;
            let rows = rows(&mut txn, query).await?;
            txn.commit().await?;
            call.has_ended = true;
            Ok(rows)
        };
        match tokio::time::timeout(self.timeout, read).await {
            Ok(rows) => rows.map_err(|error| fault::graph_error(during, error)),
            Err(elapsed) => Err(GraphError::Unavailable { during, source: elapsed.into() }),
        }
    }

    async fn attempt(&self, plan: &Plan) -> Result<(), Attempt> {
        let (client, mut call) = self.begin();
        let mut txn = client.start_txn().await?;
        let conflicts = check_guards(&mut txn, &plan.guards).await?;
        if !conflicts.is_empty() {
            txn.rollback().await?;
            call.has_ended = true;
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
        call.has_ended = true;
        Ok(())
    }

    /// Attempts a batch until it is applied, or fails for another reason than that it lost to another one.
    async fn attempt_until_it_ends(&self, plan: &Plan) -> Result<(), ApplyError> {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(Duration::from_secs(1))
            .with_max_times(8)
            .with_jitter()
            .build();
        loop {
            match self.attempt(plan).await {
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
                    return Err(fault::graph_error(APPLY, error).into());
                }
            }
        }
    }
}

/// What [`Graph::apply`] does, for its errors.
const APPLY: &str = "apply a batch";

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
        schema::prepare(self, schema).await
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        let plan = plan::plan(batch);
        match tokio::time::timeout(self.timeout, self.attempt_until_it_ends(&plan)).await {
            Ok(outcome) => outcome,
            Err(elapsed) => Err(GraphError::Unavailable { during: APPLY, source: elapsed.into() }.into()),
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
