//! The server's handle: starts it, names its address, stops it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;
use tonic::transport::Server;
use tonic::transport::server::{Router, TcpIncoming};
use uuid::Uuid;

use super::super::ids::SeededIds;
use super::super::in_process::InProcessLog;
use super::super::persistent::ConfigError;
use super::super::settings::Settings;
use super::super::store::Store;
use super::clock::{Clock, SystemClock};
use super::features::FeaturesService;
use super::gate::{Gate, OpenGate};
use super::gossip::GossipService;
use super::monitoring::MonitoringService;
use super::operations::OperationsService;
use super::persistent::{Host, PersistentService};
use super::prompt::PromptConnection;
use super::shared::SharedStore;
use super::streams::StreamsService;
use super::wire::gossip::gossip_server::GossipServer;
use super::wire::monitoring::monitoring_server::MonitoringServer;
use super::wire::operations::operations_server::OperationsServer;
use super::wire::persistent_subscriptions::persistent_subscriptions_server::PersistentSubscriptionsServer;
use super::wire::server_features::server_features_server::ServerFeaturesServer;
use super::wire::streams::streams_server::StreamsServer;

/// The largest message that is received, in bytes: what a real server accepts.
pub(super) const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024 - 10_000;

/// How long a shutdown waits for connections to end well.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// How often connections are checked, and how long they may take to answer.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something else listens there.
    #[error("address {address} is in use")]
    AddressInUse {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The system does not let it listen there.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The configuration of persistent subscriptions that the store holds cannot be understood.
    #[error("failed to start the persistent subscriptions")]
    Subscriptions {
        /// What is wrong with it.
        source: ConfigError,
    },
}

impl StartError {
    /// Tells whether the same start may succeed later: when what occupies the address goes away.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::AddressInUse { .. })
    }
}

/// What drives what the store does every second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ticks {
    /// Real time.
    #[default]
    EverySecond,
    /// [`EmbeddedEventStore::tick`], called by hand.
    ByHand,
}

/// Where the ids come from that the server itself gives: of links, deletions and subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ids {
    /// The randomness of the system.
    #[default]
    Random,
    /// A seed: the same requests in the same order get the same ids.
    Seeded(u64),
}

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The limits of the store.
    pub settings: Settings,
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where its own ids come from.
    pub ids: Ids,
    /// What drives the store's timers.
    pub ticks: Ticks,
    /// Who may refuse calls.
    pub gate: Arc<dyn Gate>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            clock: Arc::new(SystemClock),
            ids: Ids::default(),
            ticks: Ticks::default(),
            gate: Arc::new(OpenGate),
        }
    }
}

/// A running server. It stops when this is dropped.
#[derive(Debug)]
pub struct EmbeddedEventStore {
    address: SocketAddr,
    shared: Arc<SharedStore>,
    host: Arc<Host>,
    serving: Option<JoinHandle<()>>,
    ticking: Option<JoinHandle<()>>,
}

impl EmbeddedEventStore {
    /// Starts a server on `listen`; port 0 takes a free one. When this returns, clients can connect.
    pub async fn start(listen: SocketAddr) -> Result<Self, StartError> {
        Self::start_with(listen, Options::default()).await
    }

    /// Starts a server that is set up otherwise.
    pub async fn start_with(listen: SocketAddr, options: Options) -> Result<Self, StartError> {
        let listener = TcpListener::bind(listen).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::AddressInUse { address: listen, source },
            _ => StartError::Listen { address: listen, source },
        })?;
        let address =
            listener.local_addr().map_err(|source| StartError::Listen { address: listen, source })?;
        let incoming = TcpIncoming::from_listener(listener, true, None)
            .map_err(|error| StartError::Listen { address, source: io::Error::other(error) })?;
        let incoming = incoming.map(|connection| connection.map(PromptConnection::new));

        let Options { settings, clock, ids, ticks, gate } = options;
        let store = match ids {
            Ids::Random => Store::new(settings, Uuid::new_v4, clock.now()),
            Ids::Seeded(seed) => Store::new(settings, SeededIds::new(seed), clock.now()),
        };
        let shared = Arc::new(SharedStore::new(store, clock, gate));
        let host = Host::start(Arc::clone(&shared)).map_err(|source| StartError::Subscriptions { source })?;
        let router = services(&shared, &host, dialable(address));
        let closing = Arc::clone(&shared);
        let serving = tokio::spawn(async move {
            let served =
                router.serve_with_incoming_shutdown(incoming, async move { closing.closing().await }).await;
            if let Err(error) = served {
                tracing::error!(%address, %error, "the embedded event store stopped serving");
            }
        });
        let ticking =
            (ticks == Ticks::EverySecond).then(|| tokio::spawn(tick_every_second(Arc::clone(&shared))));
        Ok(Self { address, shared, host, serving: Some(serving), ticking })
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the connection string for clients on this machine.
    ///
    /// A client waits one discovery interval before it first connects, so the interval is zero.
    pub fn connection_string(&self) -> String {
        format!("esdb://{}?tls=false&discoveryInterval=0", dialable(self.address))
    }

    /// Returns the way to this server's store that needs no wire. What is written one way is read and delivered the
    /// other way too.
    pub fn in_process(&self) -> InProcessLog {
        InProcessLog::new(Arc::clone(&self.shared), Arc::clone(&self.host))
    }

    /// Returns the store behind the server.
    pub fn store(&self) -> &Arc<SharedStore> {
        &self.shared
    }

    /// Does what the store does every second.
    pub fn tick(&self) {
        self.shared.tick();
    }

    /// Waits until the server has stopped, because a client asked it to.
    pub async fn stopped(&mut self) {
        if let Some(serving) = &mut self.serving {
            // An error is a panic or a cancellation: stopped all the same.
            let _ = serving.await;
            self.serving = None;
        }
    }

    /// Stops the server: subscriptions end with an error, running calls are answered, then connections close.
    pub async fn shutdown(mut self) {
        self.shared.close();
        let Some(mut serving) = self.serving.take() else { return };
        if tokio::time::timeout(SHUTDOWN_GRACE, &mut serving).await.is_err() {
            serving.abort();
        }
    }
}

impl Drop for EmbeddedEventStore {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(ticking) = &self.ticking {
            ticking.abort();
        }
    }
}

/// Registers every service.
fn services(shared: &Arc<SharedStore>, host: &Arc<Host>, address: SocketAddr) -> Router {
    let features = ServerFeaturesServer::new(FeaturesService);
    let streams = StreamsServer::new(StreamsService::new(Arc::clone(shared)))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(usize::MAX);
    let persistent = PersistentSubscriptionsServer::new(PersistentService::new(Arc::clone(host)))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(usize::MAX);
    let gossip =
        GossipServer::new(GossipService { shared: Arc::clone(shared), instance: shared.new_id(), address });
    let monitoring = MonitoringServer::new(MonitoringService { shared: Arc::clone(shared) });
    let operations =
        OperationsServer::new(OperationsService { shared: Arc::clone(shared), host: Arc::clone(host) });
    Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .add_service(features)
        .add_service(streams)
        .add_service(persistent)
        .add_service(gossip)
        .add_service(monitoring)
        .add_service(operations)
}

async fn tick_every_second(shared: Arc<SharedStore>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if shared.is_closing() {
            return;
        }
        shared.tick();
    }
}

/// Returns the address under which clients on this machine reach a server that may listen on all interfaces.
fn dialable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_dial_this_machine_where_the_server_listens_on_all_interfaces() {
        let dialed = |address: &str| dialable(address.parse().unwrap()).to_string();
        assert_eq!(dialed("0.0.0.0:2113"), "127.0.0.1:2113");
        assert_eq!(dialed("[::]:2113"), "[::1]:2113");
        assert_eq!(dialed("192.0.2.7:2113"), "192.0.2.7:2113");
        assert_eq!(dialed("[2001:db8::7]:2113"), "[2001:db8::7]:2113");
    }
}
