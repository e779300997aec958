//! The containers of one run: an EventStoreDB, and a Neo4j for each graph. The main type is [`Containers`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use backon::{ConstantBuilder, Retryable};
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{EventLog, EventStoreDb, LogError};
use cutover_engines::graph::{Graph, GraphError, Neo4jGraph, Neo4jSettings, Schema};
use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt, TestcontainersError};
use tokio::sync::Mutex;

use super::daemon::{Daemon, DaemonError, OWNER_LABEL};
use super::settings::{ContainerSettings, name_and_tag};
use crate::provision::owner::Owner;
use crate::provision::shared_store::{ScenarioLog, SharedStore};
use crate::provision::{Engines, Provision, ProvisionError};

const BOLT: ContainerPort = ContainerPort::Tcp(7687);
const GRPC: ContainerPort = ContainerPort::Tcp(2113);

/// How long a container may take until it is ready, the time to pull its image included.
const READY_WITHIN: Duration = Duration::from_secs(300);
/// How long to wait before an event store that did not answer is asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(250);
/// How often it is asked again once its container runs: that takes a minute at least.
const ASKED_AGAIN_MAX: usize = 240;
/// How long a read of a graph may take.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Why there is no container.
#[derive(Debug, thiserror::Error)]
enum ContainerError {
    /// It does not start, or is not ready in time.
    #[error(
        "a container of `{image}` did not become ready (is the image in the daemon, or its registry in reach? {flag} names \
         another)"
    )]
    Start { image: String, flag: &'static str, source: TestcontainersError },
    /// The event store in it does not answer.
    #[error("the event store in a container of `{image}` does not answer")]
    Store { image: String, source: LogError },
    /// The graph in it does not answer.
    #[error("the Neo4j server in a container of `{image}` does not answer")]
    Graph { image: String, source: GraphError },
}

type Container = ContainerAsync<GenericImage>;

/// Provides engines in containers.
pub struct Containers {
    inner: Arc<Inner>,
}

struct Inner {
    settings: ContainerSettings,
    owner: String,
    scenarios: AtomicU64,
    store: Mutex<Option<(Container, Arc<SharedStore>)>>,
    /// The servers of the graphs, with where they listen.
    graphs: Mutex<BTreeMap<String, (Container, String)>>,
}

impl Containers {
    /// Connects to the daemon, and removes what programs left there that were killed. Nothing is started before it is needed.
    ///
    /// # Errors
    ///
    /// [`DaemonError`] when no daemon answers.
    pub async fn connect(settings: ContainerSettings) -> Result<Self, DaemonError> {
        let swept = Daemon::connect().await?.sweep().await?;
        if swept > 0 {
            tracing::info!(containers = swept, "removed what a program that was killed had left behind");
        }
        // Where nobody can tell whether this program still runs, nobody else removes its containers.
        let owner = Owner::this()
            .map_or_else(|| format!("unknown/{}", std::process::id()), |owner| owner.to_string());
        let (scenarios, store, graphs) = (AtomicU64::new(0), Mutex::default(), Mutex::default());
        Ok(Self { inner: Arc::new(Inner { settings, owner, scenarios, store, graphs }) })
    }
}

impl Drop for Containers {
    /// After a panic nobody has waited for the end of the containers: it is waited for here.
    fn drop(&mut self) {
        let inner = self.inner.clone();
        let is_over = inner.graphs.try_lock().is_ok_and(|graphs| graphs.is_empty())
            && inner.store.try_lock().is_ok_and(|store| store.is_none());
        if is_over {
            return;
        }
        // The runtime that this run was on may be gone.
        let removing = std::thread::spawn(move || {
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
                runtime.block_on(inner.remove_all());
            }
        });
        // What cannot be removed now is removed when the next run begins.
        drop(removing.join());
    }
}

impl Inner {
    fn request(
        &self,
        image: &str,
        port: ContainerPort,
        ready: Option<WaitFor>,
    ) -> ContainerRequest<GenericImage> {
        let (name, tag) = name_and_tag(image);
        let mut image = GenericImage::new(name, tag).with_exposed_port(port);
        if let Some(ready) = ready {
            image = image.with_wait_for(ready);
        }
        image.with_label(OWNER_LABEL, &self.owner).with_startup_timeout(READY_WITHIN)
    }

    /// Returns the event store; starts its container first, if need be.
    async fn store(&self) -> Result<Arc<SharedStore>, ContainerError> {
        let mut slot = self.store.lock().await;
        if let Some((_, store)) = &*slot {
            return Ok(store.clone());
        }
        let image = self.settings.eventstore_image.clone();
        let failed =
            |source| ContainerError::Start { image: image.clone(), flag: "--eventstore-image", source };
        let container = self
            .request(&image, GRPC, None)
            .with_env_var("EVENTSTORE_INSECURE", "true")
            .with_env_var("EVENTSTORE_MEM_DB", "true")
            .with_env_var("EVENTSTORE_RUN_PROJECTIONS", "System")
            .with_env_var("EVENTSTORE_START_STANDARD_PROJECTIONS", "true")
            .with_env_var("EVENTSTORE_TELEMETRY_OPTOUT", "true")
            .start()
            .await
            .map_err(failed)?;
        let (host, port) = reached_at(&container, GRPC).await.map_err(failed)?;
        let unanswered = |source| ContainerError::Store { image: image.clone(), source };
        let log = EventStoreDb::new(&format!("esdb://{host}:{port}?tls=false"))
            .map_err(|error| LogError::Refused { during: "connect", source: error.into() })
            .map_err(unanswered)?;
        // Ready is who answers. Images differ in what they log.
        let every_so_often =
            ConstantBuilder::new().with_delay(ASK_AGAIN_AFTER).with_max_times(ASKED_AGAIN_MAX);
        let category = StreamName::new("$ce-Interview");
        (|| log.last_revision(&category)).retry(every_so_often).await.map_err(unanswered)?;
        let store = SharedStore::new(Arc::new(log), "containers".to_owned()).await.map_err(unanswered)?;
        Ok(slot.insert((container, Arc::new(store))).1.clone())
    }

    /// Returns where the server of a graph listens; starts its container first, if need be.
    async fn server(&self, name: &str) -> Result<String, ContainerError> {
        if let Some((_, uri)) = self.graphs.lock().await.get(name) {
            return Ok(uri.clone());
        }
        let image = &self.settings.neo4j_image;
        let failed = |source| ContainerError::Start { image: image.clone(), flag: "--neo4j-image", source };
        let heap_mib = self.settings.neo4j_memory_mib;
        let container = self
            .request(image, BOLT, Some(WaitFor::message_on_stdout("Started.")))
            .with_env_var("NEO4J_AUTH", "none")
            .with_env_var("NEO4J_server_memory_heap_max__size", format!("{heap_mib}m"))
            .with_env_var("NEO4J_server_memory_pagecache_size", format!("{}m", heap_mib.div_ceil(4)))
            .start()
            .await
            .map_err(failed)?;
        let (host, port) = reached_at(&container, BOLT).await.map_err(failed)?;
        let uri = format!("bolt://{host}:{port}");
        self.graphs.lock().await.insert(name.to_owned(), (container, uri.clone()));
        Ok(uri)
    }

    /// Removes every container of this run, those among them whose start was cut off.
    async fn remove_all(&self) {
        let graphs = std::mem::take(&mut *self.graphs.lock().await);
        let store = self.store.lock().await.take();
        let containers =
            graphs.into_values().map(|(container, _)| container).chain(store.map(|(store, _)| store));
        for container in containers {
            if let Err(error) = container.rm().await {
                tracing::warn!(%error, "a container of this run was not removed");
            }
        }
        let rest = async { Daemon::connect().await?.remove_all_of(&self.owner).await };
        if let Err(error) = rest.await {
            tracing::warn!(%error, "containers of this run may be left; the next run removes them");
        }
    }
}

async fn reached_at(
    container: &Container,
    port: ContainerPort,
) -> Result<(String, u16), TestcontainersError> {
    Ok((container.get_host().await?.to_string(), container.get_host_port_ipv4(port).await?))
}

fn not_ready(source: ContainerError) -> ProvisionError {
    ProvisionError { engine: "set of containers", source: source.into() }
}

#[async_trait]
impl Provision for Containers {
    fn name(&self) -> &'static str {
        "containers"
    }

    async fn start(&self) -> Result<Box<dyn Engines>, ProvisionError> {
        // Every scenario needs these three, so they are started side by side.
        let inner = &self.inner;
        let (store, direct, projected) =
            tokio::join!(inner.store(), inner.server("direct"), inner.server("projected"));
        let store = store.map_err(not_ready)?;
        direct.and(projected).map_err(not_ready)?;
        let number = self.inner.scenarios.fetch_add(1, Ordering::Relaxed) + 1;
        let log = store.scenario(number).await.map_err(|source| {
            not_ready(ContainerError::Store { image: self.inner.settings.eventstore_image.clone(), source })
        })?;
        Ok(Box::new(Running { log: Arc::new(log), inner: self.inner.clone() }))
    }

    async fn cypher(&self, graph: &str, schema: Schema) -> Option<Neo4jGraph> {
        let uri = self.inner.graphs.lock().await.get(graph)?.1.clone();
        client(uri, schema).ok()
    }

    async fn finish(&self) {
        self.inner.remove_all().await;
    }
}

/// Makes a client of a server of this run. Nothing is connected before its first call.
fn client(uri: String, schema: Schema) -> Result<Neo4jGraph, GraphError> {
    let (user, password) = ("neo4j".to_owned(), String::new());
    Neo4jGraph::new(Neo4jSettings { uri, user, password, database: None, schema, timeout: READ_TIMEOUT })
}

/// The containers, as one scenario has them.
struct Running {
    log: Arc<ScenarioLog>,
    inner: Arc<Inner>,
}

#[async_trait]
impl Engines for Running {
    fn log(&self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    async fn graph(&self, name: &str, schema: Schema) -> Result<Arc<dyn Graph>, ProvisionError> {
        let uri = self.inner.server(name).await.map_err(not_ready)?;
        let image = &self.inner.settings.neo4j_image;
        let unanswered = |source| not_ready(ContainerError::Graph { image: image.clone(), source });
        let graph = client(uri, schema).map_err(unanswered)?;
        // What a scenario before this one left behind. The server is ours, from its first byte.
        graph.erase().await.map_err(unanswered)?;
        graph.prepare(schema).await.map_err(unanswered)?;
        Ok(Arc::new(graph))
    }

    fn namespace(&self) -> Option<&str> {
        Some(self.log.namespace())
    }

    async fn stop(self: Box<Self>) {
        self.log.close().await;
    }
}
