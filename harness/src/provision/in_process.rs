//! Engines inside this process without a wire between: the embedded event store is called directly, and its clock is that of the
//! runtime.
//!
//! Where the runtime's time stands still while there is something to do (tokio's `start_paused`), waits of minutes cost nothing,
//! and the same run is the same again to the event: nothing here asks the system for the time, for randomness, or for a socket's
//! pleasure.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use cutover_engines::event_log::eventstoredb::grpc::{Clock, EmbeddedEventStore, Ids, Options};
use cutover_engines::event_log::eventstoredb::log::Timestamp;
use cutover_engines::event_log::{EventLog, InProcessLog};
use cutover_engines::graph::{Graph, MemoryGraph, Schema};
use tokio::time::Instant;

use super::{Engines, Provision, ProvisionError};

/// Provides engines inside this process, called directly.
#[derive(Debug, Clone, Copy, Default)]
pub struct InProcess;

struct Running {
    server: EmbeddedEventStore,
    log: Arc<InProcessLog>,
}

/// The clock of the runtime, from the moment at which it was made.
#[derive(Debug)]
struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        Timestamp::since_unix_epoch(self.0.elapsed())
    }
}

#[async_trait]
impl Provision for InProcess {
    fn name(&self) -> &'static str {
        "in-process"
    }

    async fn start(&self) -> Result<Box<dyn Engines>, ProvisionError> {
        let options = Options {
            clock: Arc::new(RuntimeClock(Instant::now())),
            ids: Ids::Seeded(0),
            ..Options::default()
        };
        let server = EmbeddedEventStore::start_with(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options)
            .await
            .map_err(|source| ProvisionError { engine: "embedded EventStoreDB", source: source.into() })?;
        let log = Arc::new(server.in_process());
        Ok(Box::new(Running { server, log }))
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

    async fn stop(self: Box<Self>) {
        self.server.shutdown().await;
    }
}
