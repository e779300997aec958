//! Connections whose requests are sent at once.
//!
//! The client leaves Nagle's algorithm on and writes a request of more than 8 KiB in several pieces: the system holds each piece
//! back until the one before was acknowledged, which the other side does only after 40 ms while it has nothing to say itself. A
//! batch of ten statements would lose 400 ms. The client has no setting for it and does not show its sockets, so they are looked up
//! among those that this process has open.

/// Turns Nagle's algorithm off for every connection of this process to a port. Where the system does not permit it (a container's
/// security profile may not; other systems than Linux have no such call), requests take longer and nothing else changes.
#[cfg(target_os = "linux")]
pub fn send_at_once(port: u16) {
    if let Err(error) = linux::send_at_once(port) {
        tracing::debug!(%error, "large requests may wait for acknowledgements");
    }
}

/// Does nothing: only Linux has such a call.
#[cfg(not(target_os = "linux"))]
pub fn send_at_once(_port: u16) {}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::net::SocketAddr;

    use rustix::io;
    use rustix::net::{getpeername, sockopt};
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

    pub(super) fn send_at_once(port: u16) -> io::Result<()> {
        let this = pidfd_open(getpid(), PidfdFlags::empty())?;
        let entries = fs::read_dir("/proc/self/fd").map_err(|_| io::Errno::NOENT)?;
        for number in entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()) {
            // A second handle of the same socket. One that was closed meanwhile has none, and whatever is no socket no peer.
            let descriptor = match pidfd_getfd(&this, number, PidfdGetfdFlags::empty()) {
                Err(io::Errno::BADF) => continue,
                descriptor => descriptor?,
            };
            let Ok(Some(peer)) = getpeername(&descriptor) else { continue };
            if SocketAddr::try_from(peer).is_ok_and(|peer| peer.port() == port) {
                sockopt::set_tcp_nodelay(&descriptor, true)?;
            }
        }
        Ok(())
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
        super::linux::send_at_once(wanted.local_addr().expect("an address").port()).expect("permission");
        assert!(to_wanted.nodelay().expect("an open socket"));
        assert!(!to_other.nodelay().expect("an open socket"));
    }
}
