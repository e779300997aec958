//! Flags about engines: of which kind, which images, which servers.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::provision::containers::{ContainerSettings, EVENTSTORE_IMAGE, NEO4J_IMAGE, NEO4J_MEMORY_MIB};

/// Which engines scenarios run on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum EnginesKind {
    /// Inside this process; they need no set-up.
    #[default]
    Embedded,
    /// Real Neo4j servers as local processes, where a JDK and Maven are; EventStoreDB is embedded.
    Process,
    /// Everything in containers, where a Docker daemon is.
    Containers,
    /// Servers that are there already, by their URLs; what is in them is not touched.
    External,
}

impl EnginesKind {
    /// Returns the name, as it is given on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Process => "process",
            Self::Containers => "containers",
            Self::External => "external",
        }
    }
}

/// Flags about containers.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Containers, for --engines containers")]
pub struct ContainerFlags {
    /// The image of Neo4j; it takes the settings of the official one.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_NEO4J_IMAGE",
        value_name = "IMAGE",
        default_value = NEO4J_IMAGE,
        hide_env_values = true
    )]
    pub neo4j_image: String,
    /// The image of EventStoreDB; it takes the settings of the official one.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_EVENTSTORE_IMAGE",
        value_name = "IMAGE",
        default_value = EVENTSTORE_IMAGE,
        hide_env_values = true
    )]
    pub eventstore_image: String,
    /// The Java heap of each Neo4j server, in MiB.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_NEO4J_MEMORY",
        value_name = "MIB",
        default_value_t = NEO4J_MEMORY_MIB,
        value_parser = clap::value_parser!(u32).range(256..=65_536),
        hide_env_values = true
    )]
    pub neo4j_memory: u32,
}

impl Default for ContainerFlags {
    fn default() -> Self {
        let ContainerSettings { neo4j_image, eventstore_image, neo4j_memory_mib } =
            ContainerSettings::default();
        Self { neo4j_image, eventstore_image, neo4j_memory: neo4j_memory_mib }
    }
}

/// Flags about servers that are there already. Accounts are no flags: whoever lists processes would see them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Existing servers, for --engines external and readiness --live")]
pub struct ExternalFlags {
    /// The event store, such as esdb://host:2113?tls=false or esdb+discover://cluster.
    #[arg(long, global = true, env = "CUTOVER_EVENTSTORE_URL", value_name = "URL", hide_env_values = true)]
    pub eventstore_url: Option<String>,
    /// The Neo4j server of the direct path's graph, such as bolt://host:7687 or neo4j+s://host.
    #[arg(long, global = true, env = "CUTOVER_DIRECT_URL", value_name = "URL", hide_env_values = true)]
    pub direct_url: Option<String>,
    /// The Neo4j server of the projected graph.
    #[arg(long, global = true, env = "CUTOVER_PROJECTED_URL", value_name = "URL", hide_env_values = true)]
    pub projected_url: Option<String>,
    /// The Neo4j server in which a graph is rebuilt; kept inside this process when left out.
    #[arg(long, global = true, env = "CUTOVER_REBUILT_URL", value_name = "URL", hide_env_values = true)]
    pub rebuilt_url: Option<String>,
    /// TOML with user, password and database of each server; CUTOVER_DIRECT_PASSWORD and the like go before it.
    #[arg(long, global = true, env = "CUTOVER_CREDENTIALS", value_name = "FILE", hide_env_values = true)]
    pub credentials: Option<PathBuf>,
    /// Erase what is in this graph first, such as direct=bolt://host:7687; the URL as it was given, to the letter.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_ERASE",
        value_name = "GRAPH=URL",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    pub erase: Vec<String>,
    /// Put interviews beside those of others into this event store; the URL as it was given, to the letter.
    #[arg(long, global = true, env = "CUTOVER_APPEND_TO", value_name = "URL", hide_env_values = true)]
    pub append_to: Option<String>,
}
