//! Engines for a scenario: started, waited for until they answer, and always stopped.
//!
//! [`Provision`] is the seam at which engines are chosen, and at which tests put wrappers round the ports: a fault of the
//! world, or a defect of the code, is never a switch in production code.

pub mod containers;
mod embedded;
pub mod external;
pub mod hooks;
mod in_process;
pub mod owner;
pub mod process;
mod shared_store;
pub mod wrapped;

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use cutover_engines::event_log::EventLog;
use cutover_engines::graph::{Graph, Neo4jGraph, Schema};

pub use embedded::Embedded;
pub use external::External;
pub use in_process::InProcess;
pub use process::Process;

/// Engines that are not there when they are needed.
#[derive(Debug, thiserror::Error)]
#[error("the {engine} is not ready")]
pub struct ProvisionError {
    /// Which one.
    pub engine: &'static str,
    /// Why not.
    pub source: Box<dyn Error + Send + Sync>,
}

/// Starts engines.
#[async_trait]
pub trait Provision: Send + Sync {
    /// Returns the name that the result has for this kind of engines.
    fn name(&self) -> &'static str;

    /// Starts the engines of one scenario, empty, and waits until they answer.
    ///
    /// # Errors
    ///
    /// [`ProvisionError`] when one does not come up. Those that did are stopped.
    async fn start(&self) -> Result<Box<dyn Engines>, ProvisionError>;

    /// Returns a client of the server that holds what the last scenario left in a graph, for whoever asks it in Cypher; `None` where
    /// there is none: a graph in memory knows no Cypher.
    async fn cypher(&self, graph: &str, schema: Schema) -> Option<Neo4jGraph> {
        let _ = (graph, schema);
        None
    }

    /// Ends what was kept from one scenario to the next, and returns when it has ended. To be called after the last one.
    async fn finish(&self) {}
}

/// The engines of one scenario.
#[async_trait]
pub trait Engines: Send + Sync {
    /// Returns the event store.
    fn log(&self) -> Arc<dyn EventLog>;

    /// Makes an empty graph.
    ///
    /// # Errors
    ///
    /// [`ProvisionError`] when there can be none.
    async fn graph(&self, name: &str, schema: Schema) -> Result<Arc<dyn Graph>, ProvisionError>;

    /// Returns what the ids of the scenario's interviews must also be derived from, where the event store holds those of others;
    /// `None` where it holds this scenario's alone.
    fn namespace(&self) -> Option<&str> {
        None
    }

    /// Returns where another process finds the event store, with nothing in between; `None` where it cannot.
    fn store_url(&self) -> Option<String> {
        None
    }

    /// Returns where another process finds a graph that was made; `None` where it cannot.
    async fn graph_url(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    /// Stops everything, and returns when it has stopped.
    async fn stop(self: Box<Self>);
}
