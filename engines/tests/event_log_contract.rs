//! Every promise of the event log port, kept by the official client with the embedded EventStoreDB behind it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::event_log::{EventLog, EventStoreDb};

async fn connect() -> (Arc<dyn EventLog>, EmbeddedEventStore) {
    let server = EmbeddedEventStore::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let log = EventStoreDb::new(&server.connection_string()).unwrap();
    (Arc::new(log), server)
}

cutover_engines::event_log_contract!(connect());
