//! The wire over the state machine: gRPC services, errors with their trailers, and the server's handle.

/// The messages and services of the wire, generated from `proto/`.
#[expect(
    missing_docs,
    clippy::large_enum_variant,
    clippy::allow_attributes_without_reason,
    reason = "generated from the protobuf files, which explain them"
)]
pub mod wire {
    include!(concat!(env!("OUT_DIR"), "/wire.rs"));

    pub use event_store::client::*;
}
