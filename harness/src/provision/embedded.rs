//! Engines inside this process: an EventStoreDB on a free port of the loopback, reached through the real client, and
//! graphs in memory. They need no set-up.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use cutover_core::ids::StreamName;
use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::event_log::{EventLog, EventStoreDb};
use cutover_engines::graph::{Graph, MemoryGraph, Schema};

use super::{Engines, Provision, ProvisionError};

const STORE: &str = "embedded EventStoreDB";

/// Provides engines inside this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Embedded;

struct Running {
    server: EmbeddedEventStore,
    log: Arc<EventStoreDb>,
}

#[async_trait]
impl Provision for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    async fn start(&self) -> Result<Box<dyn Engines>, ProvisionError> {
        let server = EmbeddedEventStore::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await
            .map_err(|source| ProvisionError { engine: STORE, source: source.into() })?;
        let log = EventStoreDb::new(&server.connection_string())
            .map_err(|source| ProvisionError { engine: STORE, source: source.into() })?;
        // Ready is who answers: the first call shows that the client has come through.
        if let Err(source) = log.read(&StreamName::new("$streams"), 0, 1).await {
            server.shutdown().await;
            return Err(ProvisionError { engine: STORE, source: source.into() });
        }
        Ok(Box::new(Running { server, log: Arc::new(log) }))
    }
}

#[async_trait]
impl Engines for Running {
    fn log(&self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    async fn graph(&self, _name: &str, schema: Schema) -> Result<Arc<dyn Graph>, ProvisionError> {
        Ok(Arc::new(MemoryGraph::new(schema)))
    }

    fn store_url(&self) -> Option<String> {
        Some(self.server.connection_string())
    }

    async fn stop(self: Box<Self>) {
        let Self { server, log } = *self;
        drop(log);
        server.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use cutover_engines::event_log::{ExpectedRevision, NewEvent};
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn embedded_engines_are_ready_when_they_have_started_and_gone_when_they_have_stopped() {
        let engines = Embedded.start().await.expect("engines");
        let log = engines.log();
        let stream = StreamName::new("a-1");
        let event = NewEvent {
            id: Uuid::from_u128(1),
            event_type: "E".into(),
            data: b"{}".to_vec(),
            metadata: b"{}".to_vec(),
        };
        log.append(&stream, ExpectedRevision::NoStream, vec![event]).await.expect("an append");
        assert_eq!(log.read(&stream, 0, 10).await.expect("a read").len(), 1);
        assert_eq!(
            engines.graph("direct", Schema::Direct).await.expect("a graph").census().await.expect("a census"),
            cutover_engines::graph::Census::default()
        );
        engines.stop().await;
        let error = log.read(&stream, 0, 10).await.expect_err("nobody is there");
        assert!(error.is_transient(), "{error}");
    }
}
