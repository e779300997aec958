//! Which servers these are: what each says that stays the same for as long as it holds the same data.

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_engines::graph::{GraphError, Neo4jGraph};

use super::LiveSystem;
use crate::certificate::{Engine, LogPosition, System};
use crate::provision::external::ExternalError;

/// Says which database a graph is in.
#[async_trait]
pub trait Identify: Send + Sync {
    /// Returns what the database is known by, whatever it holds.
    ///
    /// # Errors
    ///
    /// Fails when the server does not answer.
    async fn identity(&self) -> Result<String, GraphError>;
}

#[async_trait]
impl Identify for Neo4jGraph {
    async fn identity(&self) -> Result<String, GraphError> {
        Ok(format!("neo4j database {}", self.database_id().await?))
    }
}

impl LiveSystem {
    /// Asks every server which one it is.
    ///
    /// # Errors
    ///
    /// [`ExternalError`] for the first that does not answer, or refuses.
    pub async fn identities(&self) -> Result<System, ExternalError> {
        let (store, direct, projected) = tokio::join!(
            self.store_identity(),
            self.direct.identify.identity(),
            self.projected.identify.identity()
        );
        let direct = direct.map_err(|source| self.graph_failed("direct", source))?;
        let projected = projected.map_err(|source| self.graph_failed("projected", source))?;
        Ok(System {
            event_store: Engine { url: self.store.to_string(), identity: store? },
            direct: Engine { url: self.direct.address.to_string(), identity: Some(direct) },
            projected: Engine { url: self.projected.address.to_string(), identity: Some(projected) },
        })
    }

    /// Asks how far the log is.
    ///
    /// # Errors
    ///
    /// [`ExternalError`] when the event store does not answer.
    pub async fn position(&self) -> Result<LogPosition, ExternalError> {
        let groups = self.consumer_groups();
        let last =
            async |stream| self.log.last_revision(stream).await.map_err(|error| self.store_failed(error));
        Ok(LogPosition {
            interview: last(&groups.interview.stream).await?,
            sentence: last(&groups.sentence.stream).await?,
        })
    }

    /// Returns what the event store is known by: the id that it drew for its first link of `$ce-Interview`, and what that leads to. A
    /// store has no name of its own that everybody may ask for and that outlives a restart; its links stay for as long as it does,
    /// those to deleted streams included.
    async fn store_identity(&self) -> Result<Option<String>, ExternalError> {
        let stream = self.consumer_groups().interview.stream;
        let links = self.log.read(&stream, 0, 1).await.map_err(|error| self.store_failed(error))?;
        let told = |link: &RecordedEvent| {
            format!("first link of {stream}: {} to {}", link.id, String::from_utf8_lossy(&link.data))
        };
        Ok(links.first().map(told))
    }
}
