//! The projector as a state machine without I/O: events in, guarded batches and acknowledgements out.

mod message;
mod metrics;
mod parking;
mod retry;
mod settings;

pub use message::{Action, BatchId, Delivery, DeliveryId, Failure, Input, Subscription};
pub use metrics::{Counters, Histogram, LatencySummary, Metrics};
pub use parking::{ParkReason, WaitedFor};
pub use retry::Backoff;
pub use settings::{AllowedTypes, Settings};
