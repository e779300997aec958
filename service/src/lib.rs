//! What runs in production.

pub mod command_handler;
pub mod counter;
pub mod history;
pub mod pipeline;
pub mod projection;
pub mod reverse;
pub mod switch;
