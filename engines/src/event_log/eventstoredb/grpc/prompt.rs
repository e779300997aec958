//! Connections whose data are acknowledged at once.
//!
//! The official client leaves Nagle's algorithm on and writes a request in several pieces: it holds each piece back
//! until the one before was acknowledged, which the system by default does only after 40 ms. [`PromptConnection`] asks
//! for the acknowledgement after each read, or every append would wait that long.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// A connection that does not delay acknowledgements, where the system lets it.
#[derive(Debug)]
pub(super) struct PromptConnection(TcpStream);

impl PromptConnection {
    /// Takes over a connection.
    pub(super) fn new(connection: TcpStream) -> Self {
        acknowledge(&connection);
        Self(connection)
    }
}

/// Has the system acknowledge what it received. It falls back to delaying by itself, so this is asked again and again.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn acknowledge(connection: &TcpStream) {
    // A refusal costs time and nothing else: the acknowledgement comes later.
    let _ = connection.set_quickack(true);
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn acknowledge(_connection: &TcpStream) {}

impl Connected for PromptConnection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.0.connect_info()
    }
}

impl AsyncRead for PromptConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(context, buffer);
        if read.is_ready() {
            acknowledge(&self.0);
        }
        read
    }
}

impl AsyncWrite for PromptConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{IoSlice, Read};
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_is_written_arrives_as_it_is_and_then_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut connection = PromptConnection::new(listener.accept().await.unwrap().0);

        assert!(connection.is_write_vectored(), "several pieces go at once");
        let pieces = [IoSlice::new(b"two, "), IoSlice::new(b"three")];
        let piece = poll_fn(|context| Pin::new(&mut connection).poll_write(context, b"one, ")).await;
        let several =
            poll_fn(|context| Pin::new(&mut connection).poll_write_vectored(context, &pieces)).await;
        poll_fn(|context| Pin::new(&mut connection).poll_shutdown(context)).await.unwrap();

        assert_eq!((piece.unwrap(), several.unwrap()), (5, 10));
        let mut received = String::new();
        peer.read_to_string(&mut received).unwrap();
        assert_eq!(received, "one, two, three");
    }
}
