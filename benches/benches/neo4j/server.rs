//! The server that all passes share, one after the other.

use std::path::PathBuf;
use std::time::Duration;

use cutover_engines::graph::{Graph, Neo4jGraph, Neo4jSettings, Schema};
use cutover_engines::sockets::send_at_once;
use cutover_harness::provision::process::{Installation, Server, ServerSettings, cache_folder};

/// A Neo4j server, with the folder that it keeps its data in.
pub(crate) struct Measured {
    server: Server,
    folder: tempfile::TempDir,
}

pub(crate) fn installation() -> Installation {
    let cache = cache_folder(|name| std::env::var_os(name)).expect("a cache folder");
    Installation::ensure(&cache).expect("Neo4j's jars")
}

pub(crate) async fn start() -> Measured {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, log): (PathBuf, PathBuf) = (folder.path().join("data"), folder.path().join("log"));
    let server =
        Server::start(&installation(), &ServerSettings::default(), &home, 0, &log).await.expect("a server");
    Measured { server, folder }
}

impl Measured {
    pub(crate) fn uri(&self) -> &str {
        self.server.uri()
    }

    /// Connects to the graph as it is.
    pub(crate) fn graph(&self) -> Neo4jGraph {
        graph_at(self.uri())
    }

    /// Empties the graph, and makes its constraints.
    pub(crate) async fn empty_graph(&self) -> Neo4jGraph {
        let graph = self.graph();
        graph.erase().await.expect("an empty graph");
        graph.prepare(Schema::Projected).await.expect("constraints");
        graph
    }

    /// Connects without this program's graph.
    pub(crate) fn client(&self) -> neo4rs::Graph {
        client_at(self.uri())
    }

    /// Has connections not wait for acknowledgements, as the graph has its own do it: the limit is to be that of the server.
    pub(crate) fn send_at_once(&self) {
        let port = self.uri().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        send_at_once(&[port.expect("an address with a port")]);
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await.expect("a stopped server");
        drop(self.folder);
    }
}

pub(crate) fn client_at(uri: &str) -> neo4rs::Graph {
    neo4rs::Graph::new(uri, "neo4j", "neo4j").expect("an address")
}

pub(crate) fn graph_at(uri: &str) -> Neo4jGraph {
    Neo4jGraph::new(Neo4jSettings {
        uri: uri.to_owned(),
        user: "neo4j".to_owned(),
        password: "neo4j".to_owned(),
        database: None,
        schema: Schema::Projected,
        timeout: Duration::from_secs(120),
    })
    .expect("an address")
}
