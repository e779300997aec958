//! Compiles the wire's messages and services from `proto/`, with a protobuf compiler written in Rust: building needs no `protoc`.

use std::error::Error;

/// The files, each of one service or of what several share.
const PROTOS: [&str; 8] = [
    "proto/shared.proto",
    "proto/status.proto",
    "proto/serverfeatures.proto",
    "proto/streams.proto",
    "proto/persistent.proto",
    "proto/gossip.proto",
    "proto/monitoring.proto",
    "proto/operations.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    // Payloads stay slices of the buffer that they arrived in. Clients are built too: the conformance tests ask
    // some questions that the official client cannot put.
    tonic_build::configure().bytes(["."]).include_file("wire.rs").compile_fds(descriptors)?;
    Ok(())
}
