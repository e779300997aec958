//! A TCP proxy that stands in front of a server, and does what networks and servers do at the worst moment: it falls silent, cuts
//! every connection, or loses one reply to a commit. It also tells how much has passed, so that a test can act in the middle.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// What Bolt's message COMMIT is on the wire: a chunk of two bytes, a structure without fields, the end of the message.
const COMMIT: [u8; 6] = [0x00, 0x02, 0xB0, 0x12, 0x00, 0x00];

/// What the proxy does with what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Passes everything on.
    Open,
    /// Accepts connections and keeps what comes to itself, until it is open again.
    Silent,
    /// Ends every connection, those to come as well.
    Cut,
}

/// What has passed, from clients to the server if nothing else is said.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Passed {
    pub(crate) bytes: u64,
    /// What has passed the other way.
    pub(crate) bytes_back: u64,
    /// How often the client asked the server to commit.
    pub(crate) commits: u64,
    /// How many connections clients have made, those that were never passed on among them.
    pub(crate) connections: u64,
}

struct Shared {
    upstream: SocketAddr,
    mode: watch::Sender<Mode>,
    /// How often everything was cut: a connection must not miss it for looking too late.
    cuts: watch::Sender<u64>,
    passed: watch::Sender<Passed>,
    /// The commit whose reply is lost, counted from 1; 0 for none.
    commit_to_lose: AtomicU64,
    lost: AtomicU64,
}

/// A running proxy. It ends, with its connections, when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

impl Proxy {
    /// Starts a proxy in front of a server, which need not be there yet.
    pub(crate) async fn before(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            upstream,
            mode: watch::Sender::new(Mode::Open),
            cuts: watch::Sender::new(0),
            passed: watch::Sender::new(Passed::default()),
            commit_to_lose: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Self { address, shared, accepting }
    }

    /// Returns where clients connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has it do something else from now on.
    pub(crate) fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
        if mode == Mode::Cut {
            self.shared.cuts.send_modify(|cuts| *cuts += 1);
        }
    }

    /// Returns what has passed so far.
    pub(crate) fn passed(&self) -> Passed {
        *self.shared.passed.borrow()
    }

    /// Waits until enough has passed.
    pub(crate) async fn until(&self, is_enough: impl FnMut(&Passed) -> bool) {
        let mut passed = self.shared.passed.subscribe();
        passed.wait_for(is_enough).await.map(drop).expect("a running proxy");
    }

    /// Loses the reply to a commit that is still to come, counted from 1: the server commits, and its client never knows.
    pub(crate) fn lose_reply_to_commit(&self, commit: u64) {
        self.shared.commit_to_lose.store(commit, Ordering::SeqCst);
    }

    /// Returns how many replies were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.set(Mode::Cut);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        shared.passed.send_modify(|passed| passed.connections += 1);
        let cuts = shared.cuts.subscribe();
        tokio::spawn(serve(client, cuts, shared.clone()));
    }
}

/// Passes on what comes, until one of both ends closes or the proxy cuts; then both connections close.
async fn serve(client: TcpStream, mut cuts: watch::Receiver<u64>, shared: Arc<Shared>) {
    let mut mode = shared.mode.subscribe();
    let connection = async {
        // One that is silent does not even seem to know the server.
        wait_until_open(&shared).await;
        let Ok(server) = TcpStream::connect(shared.upstream).await else { return };
        let (client_reads, client_writes) = client.into_split();
        let (server_reads, server_writes) = server.into_split();
        let loses_reply = AtomicBool::new(false);
        tokio::select! {
            () = pass_requests(client_reads, server_writes, &shared, &loses_reply) => {}
            () = pass_replies(server_reads, client_writes, &shared, &loses_reply) => {}
        }
    };
    tokio::select! {
        () = connection => {}
        _ = cuts.changed() => {}
        _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

async fn wait_until_open(shared: &Shared) {
    drop(shared.mode.subscribe().wait_for(|mode| *mode == Mode::Open).await);
}

async fn pass_requests(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    shared: &Shared,
    loses_reply: &AtomicBool,
) {
    let mut buffer = vec![0; 16 * 1_024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        wait_until_open(shared).await;
        let bytes = &buffer[..count];
        // A client sends it alone, when everything before it was answered.
        let is_commit = bytes.ends_with(&COMMIT);
        let commit = shared.passed.borrow().commits + u64::from(is_commit);
        if is_commit && commit == shared.commit_to_lose.load(Ordering::SeqCst) {
            loses_reply.store(true, Ordering::SeqCst);
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
        shared.passed.send_modify(|passed| {
            passed.bytes += count as u64;
            passed.commits += u64::from(is_commit);
        });
    }
}

async fn pass_replies(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    shared: &Shared,
    loses_reply: &AtomicBool,
) {
    let mut buffer = vec![0; 16 * 1_024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        wait_until_open(shared).await;
        if loses_reply.load(Ordering::SeqCst) {
            shared.lost.fetch_add(1, Ordering::SeqCst);
            return;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
        shared.passed.send_modify(|passed| passed.bytes_back += count as u64);
    }
}
