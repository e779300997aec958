//! What runs in production.

pub mod pipeline;
pub mod projection;
