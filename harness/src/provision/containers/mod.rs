//! EventStoreDB and Neo4j in containers, through whatever Docker daemon `DOCKER_HOST` leads to.
//!
//! Every container bears the mark of its owner. They are removed at the end of the run, however it ends; what a program that was
//! killed left behind is removed when the next one begins.

#[cfg(feature = "containers")]
mod daemon;
#[cfg(feature = "containers")]
mod run;
mod settings;

#[cfg(feature = "containers")]
pub use daemon::{Daemon, DaemonError};
#[cfg(feature = "containers")]
pub use run::Containers;
pub use settings::{ContainerSettings, EVENTSTORE_IMAGE, NEO4J_IMAGE, NEO4J_MEMORY_MIB, name_and_tag};
