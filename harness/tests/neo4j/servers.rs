//! Two servers for all tests of this process, one for each schema, and one test at a time on each.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use cutover_engines::graph::{Graph, Interposed, Neo4jGraph, Neo4jSettings, Schema};
use cutover_harness::provision::process::{Installation, Server, ServerSettings, cache_folder};
use tokio::sync::{Mutex, MutexGuard};

static PROJECTED: Mutex<()> = Mutex::const_new(());
static DIRECT: Mutex<()> = Mutex::const_new(());

struct Uris {
    projected: String,
    direct: String,
}

/// Returns where the servers listen. They live on a thread of their own, since a test's runtime ends with the test.
fn uris() -> &'static Uris {
    static URIS: OnceLock<Uris> = OnceLock::new();
    URIS.get_or_init(|| {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let cache = cache_folder(|name| std::env::var_os(name)).expect("a cache folder");
                let installation = Installation::ensure(&cache).expect("Neo4j's jars");
                let folder = tempfile::tempdir().expect("a folder");
                let start = |name: &'static str| {
                    let (home, log) = (folder.path().join(name), folder.path().join(format!("{name}.log")));
                    let installation = installation.clone();
                    async move { Server::start(&installation, &ServerSettings::default(), &home, 0, &log).await }
                };
                let (projected, direct) = tokio::join!(start("projected"), start("direct"));
                let (projected, direct) = (projected.expect("a server"), direct.expect("a server"));
                let uris = Uris { projected: projected.uri().to_owned(), direct: direct.uri().to_owned() };
                tell.send(uris).expect("somebody asked");
                std::future::pending::<()>().await;
            });
        });
        told.recv().expect("servers that have started")
    })
}

/// An empty graph in one of the servers, for one test alone.
pub(crate) struct Exclusive {
    graph: Neo4jGraph,
    address: SocketAddr,
    _turn: MutexGuard<'static, ()>,
}

/// Returns where the server for a schema listens, for who connects in another way. To be used by who has the turn.
pub(crate) fn uri(schema: Schema) -> String {
    match schema {
        Schema::Projected => uris().projected.clone(),
        Schema::Direct => uris().direct.clone(),
    }
}

/// Waits for its turn, and empties the graph.
pub(crate) async fn graph(schema: Schema) -> Exclusive {
    let turn = match schema {
        Schema::Projected => PROJECTED.lock().await,
        Schema::Direct => DIRECT.lock().await,
    };
    let settings = Neo4jSettings {
        uri: uri(schema),
        user: "neo4j".to_owned(),
        password: "neo4j".to_owned(),
        database: None,
        schema,
        timeout: Duration::from_secs(60),
    };
    let graph = Neo4jGraph::new(settings).expect("an address");
    graph.erase().await.expect("an empty graph");
    graph.prepare(schema).await.expect("constraints");
    let address = uri(schema).strip_prefix("bolt://").expect("an address").parse().expect("an address");
    Exclusive { graph, address, _turn: turn }
}

impl Exclusive {
    /// Returns where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Interposed for Exclusive {
    fn inner(&self) -> &dyn Graph {
        &self.graph
    }
}
