//! What runs in production.

pub mod pipeline;
