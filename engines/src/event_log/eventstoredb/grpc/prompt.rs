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
