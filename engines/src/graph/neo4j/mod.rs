//! Neo4j behind the graph port: a batch is a few bulk statements in one transaction, its version guards inside.
//!
//! The main type is [`Neo4jGraph`]. What a change means as Cypher is in `statement.rs`, `analyses.rs` and `sequence.rs`, the order of
//! statements in `plan/`.

mod analyses;
mod apply;
mod ask;
mod convert;
mod fault;
mod inspect;
mod plan;
mod read;
mod schema;
mod sequence;
mod shape;
mod statement;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::graph::{ChangeSet, Label, Value};
use cutover_core::ids::AggregateId;
use neo4rs::{Query, Row, Txn, query};

pub use self::ask::{AnswerRow, AskError, Cell, Question};
pub use self::inspect::{Contents, Neo4jServer};

use super::port::{ApplyError, Census, Cursor, Graph, GraphError, NodeRow, Page, Schema, Tree};
use crate::sockets;

/// How many rows the server is asked for at once.
const FETCH_SIZE: usize = 5_000;
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
    /// Where the server listens.
    port: u16,
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

impl Neo4jGraph {
    /// Takes a server's address. Nothing is connected before the first call.
    ///
    /// # Errors
    ///
    /// Fails when the address is none.
    pub fn new(settings: Neo4jSettings) -> Result<Self, GraphError> {
        let port = port_of(&settings.uri);
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
        Ok(Self { config, connections, port, schema: settings.schema, timeout: settings.timeout })
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
        self.read(during, query, Ok).await
    }

    /// Runs a query in a transaction of its own and returns what is made of its rows, each as it comes: the server goes on
    /// meanwhile.
    async fn read<T>(
        &self,
        during: &'static str,
        query: Query,
        make: impl FnMut(Row) -> Result<T, GraphError>,
    ) -> Result<Vec<T>, GraphError> {
        let (client, mut call) = self.begin();
        let read = async {
            let mut txn = client.start_txn().await?;
            let made = made_of_rows(&mut txn, query, make).await?;
            txn.commit().await?;
            call.has_ended = true;
            Ok(made)
        };
        match tokio::time::timeout(self.timeout, read).await {
            Ok(Ok(made)) => made.into_iter().collect(),
            Ok(Err(error)) => Err(fault::graph_error(during, error)),
            Err(elapsed) => Err(GraphError::Unavailable { during, source: elapsed.into() }),
        }
    }
}

/// Bolt's port, where an address names none.
const BOLT_PORT: u16 = 7_687;

/// Returns the port that an address names.
fn port_of(uri: &str) -> u16 {
    sockets::ports_of(uri).next().unwrap_or(BOLT_PORT)
}

/// Runs a query to its last row: an error in a row that nobody asked for would otherwise never be seen.
async fn rows(txn: &mut Txn, query: Query) -> neo4rs::Result<Vec<Row>> {
    made_of_rows(txn, query, std::convert::identity).await
}

/// Does so, and returns what is made of the rows, each as it comes.
async fn made_of_rows<T>(
    txn: &mut Txn,
    query: Query,
    mut make: impl FnMut(Row) -> T,
) -> neo4rs::Result<Vec<T>> {
    let mut stream = txn.execute(query).await?;
    let mut made = Vec::new();
    while let Some(row) = stream.next(txn.handle()).await? {
        made.push(make(row));
    }
    Ok(made)
}

#[async_trait]
impl Graph for Neo4jGraph {
    async fn prepare(&self, schema: Schema) -> Result<(), GraphError> {
        schema::prepare(self, schema).await
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        match tokio::time::timeout(self.timeout, apply::until_it_ends(self, batch)).await {
            Ok(outcome) => outcome,
            Err(elapsed) => {
                Err(GraphError::Unavailable { during: apply::APPLY, source: elapsed.into() }.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_the_one_that_an_address_names_or_bolts() {
        assert_eq!(port_of("bolt://localhost:7688"), 7_688);
        assert_eq!(port_of("neo4j+s://user:word@graph.example:17687/?policy=eu"), 17_687);
        assert_eq!(port_of("bolt://[::1]:7689"), 7_689);
        assert_eq!(port_of("bolt://[::1]"), BOLT_PORT);
        assert_eq!(port_of("neo4j://graph.example"), BOLT_PORT);
    }
}
