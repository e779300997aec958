//! Throws the flag that says which path is the truth: approaches it while everybody writes, fences the writers, and lets them go on
//! in the new mode once both graphs are known to be the same. The main type is [`Conductor`].
//!
//! | file | what it answers for |
//! |---|---|
//! | `precheck` | what is looked at before |
//! | `watched` | the soak among it |
//! | `conduct` | a throw, step by step, and giving it up |
//! | `approach` | all that can be done before anybody has to wait |
//! | `way_back` | what has to be right on the way back |
//! | `path` | waiting for the projected graph to have everything |
//! | `barrier` | knowing that the category streams have everything |
//! | `error` | why a throw was given up |
//!
//! What must not take long is kept behind the fence: draining what is left, waiting for the projection to apply it, and comparing
//! the interviews that have changed since all of them were compared.

mod approach;
mod barrier;
mod conduct;
mod error;
mod path;
mod precheck;
mod watched;
mod way_back;

use std::sync::Arc;

use cutover_engines::event_log::EventLog;
use cutover_engines::graph::Graph;
use cutover_service::pipeline;
use cutover_service::reverse;

pub use conduct::{Conductor, Order, Proof, Report, Settings, StepDone, Witness};
pub use error::SwitchError;
pub use path::{PathError, ProjectedPath, Service};
pub use precheck::{Precheck, Presented, of_the_figures, of_the_flag, of_the_scenarios, prechecks};
pub use watched::{PresentedSoak, of_the_soak};

use crate::diff::Policy;

/// What a flag is thrown for: an event store, and the two graphs.
#[derive(Clone)]
pub struct System {
    /// The event store.
    pub log: Arc<dyn EventLog>,
    /// The graph that the direct path writes.
    pub direct: Arc<dyn Graph>,
    /// The graph that the projection service writes.
    pub projected: Arc<dyn Graph>,
    /// What counts as the same between the two.
    pub policy: Policy,
    /// How the outbox is drained.
    pub pipeline: pipeline::Settings,
    /// How the direct graph is brought up to date on the way back.
    pub reverse: reverse::Settings,
}
