//! `cutover eventstore`: the embedded EventStoreDB on its own, for clients of any language.

use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use serde_json::json;

use crate::cli::config::Config;
use crate::cli::flags::{EventstoreArgs, Format};
use crate::cli::signals::Signals;
use crate::cli::{output, runtime};
use crate::error::ExpectedError;
use crate::exit_code;

/// Serves until SIGINT or SIGTERM, or until a client asks the server to shut down. The line that says that it is ready is
/// written when clients can connect, not before.
///
/// # Errors
///
/// [`ExpectedError::Listen`] when the address is taken or is not this machine's.
pub fn execute(config: &Config, args: &EventstoreArgs) -> Result<u8, ExpectedError> {
    runtime()?.block_on(serve(config.format, args))
}

async fn serve(format: Format, args: &EventstoreArgs) -> Result<u8, ExpectedError> {
    let mut signals =
        Signals::listen().map_err(|source| ExpectedError::System { doing: "listen to signals", source })?;
    let mut server = EmbeddedEventStore::start(args.listen)
        .await
        .map_err(|source| ExpectedError::Listen { listen: args.listen, source })?;
    let connection = server.connection_string();
    output::print(&match format {
        Format::Human => {
            format!("ready: {connection}\nStop it with Ctrl-C. What it holds is kept in memory only.\n")
        }
        Format::Json => format!("{}\n", json!({ "connection_string": connection })),
    })?;
    tokio::select! {
        () = signals.received() => {}
        () = server.stopped() => {}
    }
    server.shutdown().await;
    Ok(exit_code::PASS)
}
