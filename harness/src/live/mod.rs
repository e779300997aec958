//! A live system, looked at without changing anything in it: which servers these are, how far the projection is, and whether the two
//! graphs are the same. The main type is [`LiveSystem`].
//!
//! What it finds is a scenario's result like any other, named [`SCENARIO`], so that the verdict follows from it in the same way. Single
//! answers are for whoever has to know before it acts, as a switch has.

mod figures;
mod identity;
mod look;
#[cfg(test)]
mod tests;
mod watermark;

use std::sync::Arc;

use cutover_engines::event_log::{EventLog, LogError};
use cutover_engines::graph::{Graph, GraphError, Schema};
use cutover_service::projection::Groups;
use smol_str::SmolStr;

pub use figures::{GroupFigures, LiveFigures, Standing};
pub use identity::Identify;
pub use look::{Looked, Patience};
pub use watermark::CaughtUp;

use crate::provision::external::{
    ANSWER_WITHIN, Address, ExternalError, ExternalSettings, READ_TIMEOUT, SettingsError, connect_graph,
    connect_store,
};

/// The name of the result that a look at a live system comes to.
pub const SCENARIO: &str = "live";

/// The check of how the projection and the outbox stand.
pub const STANDING: &str = "standing";

/// A graph of a live system.
#[derive(Clone)]
pub struct LiveGraph {
    /// Where it is.
    pub address: Address,
    /// A client of it. Nothing is called that changes the graph.
    pub graph: Arc<dyn Graph>,
    /// Who says which database it is.
    pub identify: Arc<dyn Identify>,
}

/// The servers of a live system, and the consumer groups of its projection.
#[derive(Clone)]
pub struct LiveSystem {
    /// Where the event store is.
    pub store: Address,
    /// A client of it. Nothing is called that changes the store.
    pub log: Arc<dyn EventLog>,
    /// The graph that the direct path writes.
    pub direct: LiveGraph,
    /// The graph that the projection writes.
    pub projected: LiveGraph,
    /// The name of the projection's consumer groups, such as `v1`.
    pub groups: SmolStr,
}

impl LiveSystem {
    /// Makes clients of the servers that were named. Nothing is connected before the first question.
    ///
    /// # Errors
    ///
    /// [`ExternalError::Settings`] when one of the three was not named.
    pub fn connect(settings: &ExternalSettings, groups: impl Into<SmolStr>) -> Result<Self, ExternalError> {
        settings.check_complete()?;
        let missing = |engine, flag| ExternalError::Settings(SettingsError::MissingUrl { engine, flag });
        let store = settings.store.as_ref().ok_or_else(|| missing("the event store", "--eventstore-url"))?;
        let graph = |name: &'static str, schema| {
            let server = &settings.graphs[name];
            Ok::<_, ExternalError>(LiveGraph {
                address: server.address.clone(),
                graph: Arc::new(connect_graph(name, server, schema, READ_TIMEOUT)?),
                identify: Arc::new(connect_graph(name, server, schema, ANSWER_WITHIN)?),
            })
        };
        Ok(Self {
            store: store.address.clone(),
            log: Arc::new(connect_store(store)?),
            direct: graph("direct", Schema::Direct)?,
            projected: graph("projected", Schema::Projected)?,
            groups: groups.into(),
        })
    }

    /// Returns the consumer groups of the projection.
    pub fn consumer_groups(&self) -> Groups {
        Groups::named(&self.groups)
    }

    fn store_failed(&self, source: LogError) -> ExternalError {
        ExternalError::Store { address: self.store.clone(), source }
    }

    fn graph_failed(&self, name: &'static str, source: GraphError) -> ExternalError {
        let graph = if name == "direct" { &self.direct } else { &self.projected };
        ExternalError::Graph { graph: name, address: graph.address.clone(), source }
    }
}
