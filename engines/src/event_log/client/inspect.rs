//! What a store says of itself, and who follows a stream of it: asked before a store that somebody else runs is used.

use cutover_core::ids::StreamName;
use eventstore::ListPersistentSubscriptionsOptions;

use super::{EventStoreDb, Failure};
use crate::event_log::port::{GroupId, LogError};

impl EventStoreDb {
    /// Asks for the server's version, such as `24.10.0`; one older than 21.6 answers `0.0.0`.
    ///
    /// # Errors
    ///
    /// Fails when the store does not answer.
    pub async fn server_version(&self) -> Result<String, LogError> {
        let info = self.call("say what it is", async |client| client.server_info().await).await;
        Ok(info.map_err(Failure::into_log_error)?.version().to_string())
    }

    /// Asks for the consumer groups that follow a stream.
    ///
    /// # Errors
    ///
    /// Fails when the store does not answer, or lets this account not ask.
    pub async fn followers(&self, stream: &StreamName) -> Result<Vec<GroupId>, LogError> {
        let options = ListPersistentSubscriptionsOptions::default();
        let listed = self
            .call("list persistent subscriptions", async |client| {
                client.list_persistent_subscriptions_for_stream(stream.as_str(), &options).await
            })
            .await;
        match listed {
            Ok(groups) => Ok(groups
                .into_iter()
                .map(|info| GroupId { stream: stream.clone(), group: info.group_name.into() })
                .collect()),
            // That is how a store without a group on the stream answers.
            Err(Failure { source: eventstore::Error::ResourceNotFound, .. }) => Ok(Vec::new()),
            Err(failure) => Err(failure.into_log_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::event_log::eventstoredb::grpc::EmbeddedEventStore;
    use crate::event_log::{EventLog, GroupSettings};

    #[tokio::test]
    async fn the_followers_of_a_stream_are_listed_and_nobody_elses() {
        let server = EmbeddedEventStore::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let store = EventStoreDb::new(&server.connection_string()).unwrap();
        let followed = StreamName::new("$ce-Sentence");
        assert_eq!(store.followers(&followed).await.unwrap(), []);
        let group = |stream: &str| GroupId { stream: StreamName::new(stream), group: "g".into() };
        for stream in ["$ce-Sentence", "$ce-Interview"] {
            store.ensure_group(&group(stream), &GroupSettings::default()).await.unwrap();
        }
        assert_eq!(store.followers(&followed).await.unwrap(), [group("$ce-Sentence")]);
        assert_eq!(store.server_version().await.unwrap().split('.').count(), 3);
        server.shutdown().await;
    }
}
