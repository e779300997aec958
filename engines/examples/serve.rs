//! Serves the embedded EventStoreDB until it is interrupted: `cargo run -p cutover-engines --example serve -- 127.0.0.1:2113`.

use std::net::SocketAddr;

use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example tells its user where to connect")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen: SocketAddr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2113".into()).parse()?;
    let server = EmbeddedEventStore::start(listen).await?;
    println!("{}", server.connection_string());
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
