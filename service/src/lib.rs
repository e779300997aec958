//! What runs in production.
