//! The two signals that stop the program, as a future.

use std::io;

use tokio::signal;

/// Waits until somebody asks the program to stop: SIGINT or SIGTERM, or Ctrl-C where there are no signals.
///
/// # Errors
///
/// When the operating system lets nobody listen.
#[cfg(unix)]
pub async fn interrupted() -> io::Result<()> {
    use signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits until somebody asks the program to stop.
///
/// # Errors
///
/// When the operating system lets nobody listen.
#[cfg(not(unix))]
pub async fn interrupted() -> io::Result<()> {
    signal::ctrl_c().await
}
