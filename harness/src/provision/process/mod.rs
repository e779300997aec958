//! Real Neo4j Community servers as local processes, one for each graph, from Maven Central where a JDK and Maven are. The
//! EventStoreDB is the embedded one, over the wire.
//!
//! Servers are started once, side by side, and lent to one scenario after the other: each begins with a graph that was erased.

mod home;
mod installation;
mod server;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cutover_engines::event_log::EventLog;
use cutover_engines::graph::{Graph, GraphError, Neo4jGraph, Neo4jSettings, Schema};
use tokio::sync::Mutex;

pub use home::sweep;
pub use installation::{InstallError, Installation, cache_folder};
pub use server::{Server, ServerError, ServerSettings};

use super::{Embedded, Engines, Provision, ProvisionError};

const NEO4J: &str = "Neo4j server";

/// How long a read of the graph may take.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Provides real Neo4j servers as local processes.
pub struct Process {
    servers: Arc<Servers>,
}

/// The servers that run, by the name of the graph that each one holds.
struct Servers {
    installation: Installation,
    settings: ServerSettings,
    /// Where servers keep their data while they run, and their logs.
    folder: PathBuf,
    running: Mutex<BTreeMap<String, Server>>,
}

impl Servers {
    async fn start(&self, name: &str) -> Result<Server, ProvisionError> {
        let home = self.folder.join(format!("neo4j-{name}"));
        let log = self.folder.join(format!("neo4j-{name}.log"));
        Server::start(&self.installation, &self.settings, &home, 0, &log)
            .await
            .map_err(|source| not_ready(source.into()))
    }

    /// Returns where the server of a graph listens; starts it when it does not run.
    async fn uri(&self, name: &str) -> Result<String, ProvisionError> {
        let mut running = self.running.lock().await;
        if !running.contains_key(name) {
            running.insert(name.to_owned(), self.start(name).await?);
        }
        Ok(running[name].uri().to_owned())
    }

    /// Starts the servers of these graphs side by side, those among them that do not run.
    async fn warm_up(&self, [one, other]: [&str; 2]) -> Result<(), ProvisionError> {
        let mut running = self.running.lock().await;
        let start = async |name: &str| match running.contains_key(name) {
            true => Ok(None),
            false => self.start(name).await.map(Some),
        };
        let started = tokio::join!(start(one), start(other));
        for (name, server) in [(one, started.0), (other, started.1)] {
            running.extend(server?.map(|server| (name.to_owned(), server)));
        }
        Ok(())
    }
}

impl Process {
    /// Takes jars that are there. Nothing is started before it is needed.
    pub fn new(installation: Installation, settings: ServerSettings, folder: PathBuf) -> Self {
        Self { servers: Arc::new(Servers { installation, settings, folder, running: Mutex::default() }) }
    }
}

fn not_ready(source: Box<dyn std::error::Error + Send + Sync>) -> ProvisionError {
    ProvisionError { engine: NEO4J, source }
}

#[async_trait]
impl Provision for Process {
    fn name(&self) -> &'static str {
        "process"
    }

    async fn start(&self) -> Result<Box<dyn Engines>, ProvisionError> {
        // Every scenario needs both.
        self.servers.warm_up(["direct", "projected"]).await?;
        Ok(Box::new(Running { store: Embedded.start().await?, servers: self.servers.clone() }))
    }

    async fn cypher(&self, graph: &str, schema: Schema) -> Option<Neo4jGraph> {
        let uri = self.servers.running.lock().await.get(graph)?.uri().to_owned();
        client(uri, schema).ok()
    }
}

/// Makes a client of a server of this run. Nothing is connected before its first call.
fn client(uri: String, schema: Schema) -> Result<Neo4jGraph, GraphError> {
    let (user, password) = ("neo4j".to_owned(), "neo4j".to_owned());
    Neo4jGraph::new(Neo4jSettings { uri, user, password, database: None, schema, timeout: READ_TIMEOUT })
}

struct Running {
    store: Box<dyn Engines>,
    servers: Arc<Servers>,
}

#[async_trait]
impl Engines for Running {
    fn log(&self) -> Arc<dyn EventLog> {
        self.store.log()
    }

    async fn graph(&self, name: &str, schema: Schema) -> Result<Arc<dyn Graph>, ProvisionError> {
        let uri = self.servers.uri(name).await?;
        let graph = client(uri, schema).map_err(|source| not_ready(source.into()))?;
        // What a scenario before this one left behind. The server is ours, from its first byte.
        graph.erase().await.map_err(|source| not_ready(source.into()))?;
        graph.prepare(schema).await.map_err(|source| not_ready(source.into()))?;
        Ok(Arc::new(graph))
    }

    fn store_url(&self) -> Option<String> {
        self.store.store_url()
    }

    async fn graph_url(&self, name: &str) -> Option<String> {
        Some(self.servers.running.lock().await.get(name)?.uri().to_owned())
    }

    async fn stop(self: Box<Self>) {
        self.store.stop().await;
    }
}
