//! Connections whose requests are sent at once.
//!
//! The clients of both engines leave Nagle's algorithm on and write a request in several pieces: EventStoreDB's always, Neo4j's when
//! it has more than 8 KiB. The system holds each piece back until the one before was acknowledged, which the other side does only
//! after 40 ms while it has nothing to say itself: an append would take 44 ms, and a batch of ten statements lose 400. The clients
//! have no setting for it and do not show their sockets, so they are looked up among those that this process has open.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long new connections may go unnoticed.
const LOOKED_UP_EVERY: Duration = Duration::from_secs(1);

/// Returns the ports that an address names, `scheme://user:password@host:port,host:port/path?query`.
pub(crate) fn ports_of(address: &str) -> impl Iterator<Item = u16> {
    let authority = address.split("://").last().and_then(|rest| rest.split(['/', '?']).next());
    let hosts = authority.unwrap_or_default().split(',');
    hosts.filter_map(|host| host.rsplit_once(':')?.1.parse().ok())
}

/// Turns Nagle's algorithm off for every connection of this process to one of these ports, and returns how many there are. Where the
/// system does not permit it (a container's security profile may not; other systems than Linux have no such call), requests
/// take longer and nothing else changes.
#[cfg(target_os = "linux")]
pub fn send_at_once(ports: &[u16]) -> usize {
    linux::send_at_once(ports).unwrap_or_else(|error| {
        tracing::debug!(%error, "large requests may wait for acknowledgements");
        0
    })
}

/// Does nothing: only Linux has such a call.
#[cfg(not(target_os = "linux"))]
pub fn send_at_once(_ports: &[u16]) -> usize {
    0
}

/// Does so now and then, for a client that makes its connections when it likes.
#[derive(Debug)]
pub(crate) struct SendAtOnce {
    ports: Vec<u16>,
    due: Mutex<Option<Instant>>,
}

impl SendAtOnce {
    pub(crate) fn new(ports: Vec<u16>) -> Self {
        Self { ports, due: Mutex::new(None) }
    }

    /// Looks connections up, unless that was done not long ago and found some.
    pub(crate) fn look_up(&self) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if due.is_none_or(|due| due <= now) {
            *due = (send_at_once(&self.ports) > 0).then_some(now + LOOKED_UP_EVERY);
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::net::SocketAddr;

    use rustix::io;
    use rustix::net::{getpeername, sockopt};
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

    pub(super) fn send_at_once(ports: &[u16]) -> io::Result<usize> {
        let this = pidfd_open(getpid(), PidfdFlags::empty())?;
        let entries = fs::read_dir("/proc/self/fd").map_err(|_| io::Errno::NOENT)?;
        let mut found = 0;
        for number in entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()) {
            // A second handle of the same socket. One that was closed meanwhile has none, and whatever is no socket no peer.
            let descriptor = match pidfd_getfd(&this, number, PidfdGetfdFlags::empty()) {
                Err(io::Errno::BADF) => continue,
                descriptor => descriptor?,
            };
            let Ok(Some(peer)) = getpeername(&descriptor) else { continue };
            if SocketAddr::try_from(peer).is_ok_and(|peer| ports.contains(&peer.port())) {
                sockopt::set_tcp_nodelay(&descriptor, true)?;
                found += 1;
            }
        }
        Ok(found)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn connections_to_the_port_send_at_once_and_others_as_before() {
        let [wanted, other] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
        let [to_wanted, to_other] = [&wanted, &other]
            .map(|listener| TcpStream::connect(listener.local_addr().expect("an address")).expect("a peer"));
        let ports = [wanted.local_addr().expect("an address").port()];
        assert_eq!(super::linux::send_at_once(&ports).expect("permission"), 1);
        assert!(to_wanted.nodelay().expect("an open socket"));
        assert!(!to_other.nodelay().expect("an open socket"));
    }
}
