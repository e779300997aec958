//! Servers that are there already and that somebody else runs: an EventStoreDB and two Neo4j servers, by their URLs.
//!
//! Nothing is erased or overwritten that this run did not create, unless the user named it to the letter: a graph that is not
//! empty is refused, and so is an event store that holds or hands out interviews of others. What a scenario leaves in the graphs
//! is erased when the next one begins, if it is still what this run left there.

mod address;
mod credentials;
mod error;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cutover_core::graph::{Label, Value};
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{EventLog, EventStoreDb};
use cutover_engines::graph::{Contents, Graph, MemoryGraph, Neo4jGraph, Neo4jServer, Neo4jSettings, Schema};
use tokio::sync::Mutex;

pub use address::{Address, AddressError, EVENTSTORE_SCHEMES, NEO4J_SCHEMES};
pub use credentials::{Account, Credentials, CredentialsError, Secret};
pub use error::ExternalError;
pub use settings::{ExternalSettings, Given, GraphServer, SettingsError, Store};

use super::shared_store::{CATEGORIES, ScenarioLog, SharedStore};
use super::{Engines, Provision, ProvisionError};

/// How long a read of a graph may take.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a server may take to say what it is.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How many interviews are looked at at once.
const PAGE: usize = 1_000;

/// Provides servers that are there already.
pub struct External {
    settings: ExternalSettings,
    store: Store,
    run: String,
    scenarios: AtomicU64,
    shared: Mutex<Option<Arc<SharedStore>>>,
    left: Arc<Left>,
}

/// What this run's scenarios left in the graphs, by graph: what may be erased when the next scenario begins.
type Left = Mutex<BTreeMap<&'static str, Contents>>;

impl External {
    /// Takes settings. Nothing is connected before the first scenario, or [`External::check`].
    ///
    /// # Errors
    ///
    /// [`SettingsError::MissingUrl`] when a server that every run needs is missing.
    pub fn new(settings: ExternalSettings) -> Result<Self, SettingsError> {
        settings.check_complete()?;
        let store = settings.store.clone();
        let store =
            store.ok_or(SettingsError::MissingUrl { engine: "the event store", flag: "--eventstore-url" })?;
        let run = run_name();
        let (scenarios, shared, left) = (AtomicU64::new(0), Mutex::default(), Arc::default());
        Ok(Self { settings, store, run, scenarios, shared, left })
    }

    /// Asks every server whether a run may begin, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`ExternalError`] for the first that it may not use.
    pub async fn check(&self) -> Result<(), ExternalError> {
        self.shared_store().await?;
        for (name, server) in &self.settings.graphs {
            self.check_graph(name, server).await?;
        }
        Ok(())
    }

    /// Returns the store, after it was looked at once.
    async fn shared_store(&self) -> Result<Arc<SharedStore>, ExternalError> {
        let mut shared = self.shared.lock().await;
        if let Some(shared) = &*shared {
            return Ok(shared.clone());
        }
        let address = || self.store.address.clone();
        let unusable = |source| ExternalError::Store { address: address(), source };
        let log = Arc::new(connect_store(&self.store)?);
        let mut groups = Vec::new();
        for category in CATEGORIES {
            groups.extend(log.followers(&StreamName::new(category)).await.map_err(unusable)?);
        }
        if !groups.is_empty() {
            return Err(ExternalError::StoreFollowed { address: address(), groups });
        }
        let opened = Arc::new(SharedStore::new(log, self.run.clone()).await.map_err(unusable)?);
        if !self.store.may_hold_others {
            for category in CATEGORIES {
                let events = opened.held_before(category);
                if events > 0 {
                    return Err(ExternalError::StoreInUse { address: address(), category, events });
                }
            }
        }
        Ok(shared.insert(opened).clone())
    }

    /// Returns whether a graph holds something that may be erased.
    async fn check_graph(&self, name: &'static str, server: &GraphServer) -> Result<bool, ExternalError> {
        let failed = |source| ExternalError::Graph { graph: name, address: server.address.clone(), source };
        let (described, contents) = {
            let graph = connect_graph(name, server, Schema::Projected, ANSWER_WITHIN)?;
            (graph.server().await.map_err(failed)?, graph.contents().await.map_err(failed)?)
        };
        if !described.is_writable {
            let (address, database) = (server.address.clone(), described.database);
            return Err(ExternalError::ReadOnly { graph: name, address, database });
        }
        let is_ours = self.left.lock().await.get(name) == Some(&contents);
        if contents.is_empty() || is_ours || server.may_be_erased {
            return Ok(!contents.is_empty());
        }
        Err(ExternalError::NotEmpty { graph: name, address: server.address.clone(), contents })
    }

    async fn open(&self) -> Result<Running, ExternalError> {
        let shared = self.shared_store().await?;
        for (name, server) in &self.settings.graphs {
            if self.check_graph(name, server).await? {
                let graph = connect_graph(name, server, Schema::Projected, READ_TIMEOUT)?;
                let failed =
                    |source| ExternalError::Graph { graph: name, address: server.address.clone(), source };
                graph.erase().await.map_err(failed)?;
            }
        }
        self.left.lock().await.clear();
        let number = self.scenarios.fetch_add(1, Ordering::Relaxed) + 1;
        let log = shared
            .scenario(number)
            .await
            .map_err(|source| ExternalError::Store { address: self.store.address.clone(), source })?;
        Ok(Running {
            log: Arc::new(log),
            servers: self.settings.graphs.clone(),
            used: Mutex::default(),
            left: self.left.clone(),
        })
    }
}

#[async_trait]
impl Provision for External {
    fn name(&self) -> &'static str {
        "external"
    }

    async fn start(&self) -> Result<Box<dyn Engines>, ProvisionError> {
        match self.open().await {
            Ok(running) => Ok(Box::new(running)),
            Err(error) => Err(ProvisionError { engine: "set of existing servers", source: error.into() }),
        }
    }
}

/// Returns a name that no other run has. What is kept in servers that others use too must be told apart from every other run's,
/// those of the same seed among them, so it is drawn from the operating system.
fn run_name() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// Makes a client of the store. Nothing is connected before its first call.
pub(crate) fn connect_store(store: &Store) -> Result<EventStoreDb, ExternalError> {
    let url = match &store.credentials {
        Some(credentials) => store.address.with_credentials(credentials),
        None => Secret::new(store.address.as_str()),
    };
    EventStoreDb::new(url.reveal()).map_err(|_| {
        ExternalError::Settings(SettingsError::Address(AddressError {
            redacted: store.address.to_string(),
            engine: "an EventStoreDB",
            schemes: EVENTSTORE_SCHEMES,
        }))
    })
}

/// Makes a client of a graph's server. Nothing is connected before its first call.
pub(crate) fn connect_graph(
    name: &'static str,
    server: &GraphServer,
    schema: Schema,
    timeout: Duration,
) -> Result<Neo4jGraph, ExternalError> {
    Neo4jGraph::new(Neo4jSettings {
        uri: server.address.to_string(),
        user: server.credentials.user.clone(),
        password: server.credentials.password.reveal().to_owned(),
        database: server.database.clone(),
        schema,
        timeout,
    })
    .map_err(|source| ExternalError::Graph { graph: name, address: server.address.clone(), source })
}

/// What a projection works on, where it is, and clients of it.
pub struct ProjectionServers {
    /// Where the event store is.
    pub store: Address,
    /// A client of it.
    pub log: Arc<dyn EventLog>,
    /// Where the graph's server is.
    pub server: Address,
    /// A client of it.
    pub graph: Arc<dyn Graph>,
}

/// Makes the clients of a projection: of the event store, and of the projected graph, whatever they hold. Nothing is connected before
/// the first call.
///
/// # Errors
///
/// [`ExternalError::Settings`] when one of the two was not named.
pub fn projection_servers(settings: &ExternalSettings) -> Result<ProjectionServers, ExternalError> {
    let missing = |engine, flag| ExternalError::Settings(SettingsError::MissingUrl { engine, flag });
    let store = settings.store.as_ref().ok_or_else(|| missing("the event store", "--eventstore-url"))?;
    let (&name, server) = settings
        .graphs
        .get_key_value("projected")
        .ok_or_else(|| missing("the graph of the projected path", "--projected-url"))?;
    Ok(ProjectionServers {
        store: store.address.clone(),
        log: Arc::new(connect_store(store)?),
        server: server.address.clone(),
        graph: Arc::new(connect_graph(name, server, Schema::Projected, READ_TIMEOUT)?),
    })
}

/// A graph that is read, and where it is.
pub struct ReadGraph {
    /// Its server.
    pub server: GraphServer,
    /// A client of it.
    pub graph: Arc<dyn Graph>,
}

/// Makes a client of a graph that is only read, and asks its server whether it is there. The account is taken from the URL, or is
/// that of the server of this schema's graph.
///
/// # Errors
///
/// [`ExternalError`] when the URL is none, or the server does not answer.
pub async fn read_graph(
    url: &str,
    schema: Schema,
    credentials: Option<&Path>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<ReadGraph, ExternalError> {
    let name = match schema {
        Schema::Direct => "direct",
        Schema::Projected => "projected",
    };
    let given = Given {
        graph_urls: [(name, url.to_owned())].into(),
        credentials: credentials.map(Path::to_owned),
        ..Given::default()
    };
    let settings = ExternalSettings::new(given, variable)?;
    let server = &settings.graphs[name];
    describe_graph(name, server).await?;
    let graph = connect_graph(name, server, schema, READ_TIMEOUT)?;
    Ok(ReadGraph { server: server.clone(), graph: Arc::new(graph) })
}

/// The two graphs of a system, for whoever asks them in Cypher.
pub struct CypherGraphs {
    /// The graph of the direct path.
    pub direct: Neo4jGraph,
    /// The graph of the projection.
    pub projected: Neo4jGraph,
}

/// Makes clients of both graphs, and asks their servers whether they are there.
///
/// # Errors
///
/// [`ExternalError`] when one was not named, or does not answer.
pub async fn cypher_graphs(settings: &ExternalSettings) -> Result<CypherGraphs, ExternalError> {
    let missing = |engine, flag| ExternalError::Settings(SettingsError::MissingUrl { engine, flag });
    let named = |name, engine, flag| settings.graphs.get(name).ok_or_else(|| missing(engine, flag));
    let direct = named("direct", "the graph of the direct path", "--direct-url")?;
    let projected = named("projected", "the graph of the projected path", "--projected-url")?;
    tokio::try_join!(describe_graph("direct", direct), describe_graph("projected", projected))?;
    Ok(CypherGraphs {
        direct: connect_graph("direct", direct, Schema::Direct, READ_TIMEOUT)?,
        projected: connect_graph("projected", projected, Schema::Projected, READ_TIMEOUT)?,
    })
}

/// Returns a URL without what may be credentials; any other text as it is.
pub fn without_credentials(url: &str) -> String {
    if url.contains("://") { address::redact(url).replace("***@", "") } else { url.to_owned() }
}

/// Asks a store what version it is.
///
/// # Errors
///
/// [`ExternalError`] when it does not answer.
pub async fn describe_store(store: &Store) -> Result<String, ExternalError> {
    let failed = |source| ExternalError::Store { address: store.address.clone(), source };
    connect_store(store)?.server_version().await.map_err(failed)
}

/// Asks a graph's server what it is.
///
/// # Errors
///
/// [`ExternalError`] when it does not answer.
pub async fn describe_graph(name: &'static str, server: &GraphServer) -> Result<Neo4jServer, ExternalError> {
    let failed = |source| ExternalError::Graph { graph: name, address: server.address.clone(), source };
    connect_graph(name, server, Schema::Projected, ANSWER_WITHIN)?.server().await.map_err(failed)
}

/// The servers, as one scenario has them.
struct Running {
    log: Arc<ScenarioLog>,
    servers: BTreeMap<&'static str, GraphServer>,
    /// The graphs that the scenario asked for.
    used: Mutex<BTreeMap<&'static str, Arc<Neo4jGraph>>>,
    left: Arc<Left>,
}

impl Running {
    /// Returns what is in a graph, if all of it can be of this run: labels that it writes, interviews that it wrote.
    async fn of_this_run(graph: &Neo4jGraph, interviews: &BTreeSet<String>) -> Option<Contents> {
        let contents = graph.contents().await.ok()?;
        let is_ours =
            |label: &String| label.starts_with('_') || Label::ALL.iter().any(|ours| ours.as_str() == label);
        if !contents.nodes.keys().all(is_ours) {
            return None;
        }
        let mut after = None;
        loop {
            let page = graph.nodes(Label::Interview.as_str(), after.as_ref(), PAGE).await.ok()?;
            let key = Label::Interview.key_property();
            let is_written = page.rows.iter().all(|row| match row.properties.get(key) {
                Some(Value::Text(id)) => interviews.contains(id.as_str()),
                _ => false,
            });
            match (is_written, page.next) {
                (false, _) => return None,
                (true, None) => return Some(contents),
                (true, next) => after = next,
            }
        }
    }
}

#[async_trait]
impl Engines for Running {
    fn log(&self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    async fn graph(&self, name: &str, schema: Schema) -> Result<Arc<dyn Graph>, ProvisionError> {
        let Some((&name, server)) = self.servers.get_key_value(name) else {
            // A server for each graph that a scenario may think of is too much to ask for.
            tracing::info!(graph = name, "kept inside this process: no server was named for it");
            return Ok(Arc::new(MemoryGraph::new(schema)));
        };
        let not_ready =
            |error: ExternalError| ProvisionError { engine: "Neo4j server", source: error.into() };
        let graph = Arc::new(connect_graph(name, server, schema, READ_TIMEOUT).map_err(not_ready)?);
        let failed = |source| ExternalError::Graph { graph: name, address: server.address.clone(), source };
        graph.prepare(schema).await.map_err(|source| not_ready(failed(source)))?;
        self.used.lock().await.insert(name, graph.clone());
        Ok(graph)
    }

    fn namespace(&self) -> Option<&str> {
        Some(self.log.namespace())
    }

    async fn stop(self: Box<Self>) {
        self.log.close().await;
        let interviews = self.log.interviews();
        for (name, graph) in std::mem::take(&mut *self.used.lock().await) {
            if let Some(contents) = Self::of_this_run(&graph, &interviews).await {
                self.left.lock().await.insert(name, contents);
            }
        }
    }
}
