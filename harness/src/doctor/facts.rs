//! What was found on this machine: facts, not yet judged.

/// Something that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is there; says what it is, such as a version.
    Yes(String),
    /// It is not; says why.
    No(String),
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// An embedded EventStoreDB that was started, asked and stopped.
    pub embedded: Found,
    /// The version of `java`, such as `17.0.15`.
    pub java: Found,
    /// The version of `javac`.
    pub javac: Found,
    /// The version of Maven.
    pub maven: Found,
    /// The folder with Neo4j's jars.
    pub jars: Found,
    /// The memory that programs can have, in MiB; `None` where that cannot be told.
    pub memory_mib: Option<u64>,
    /// The space where run folders are made, in MiB; `None` where that cannot be told.
    pub disk_mib: Option<u64>,
    /// What containers need.
    pub containers: ContainerFacts,
    /// The servers that were named.
    pub external: ExternalFacts,
}

/// What was found about containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerFacts {
    /// This build knows nothing of them.
    NotBuilt,
    /// No daemon answers; says why.
    Unreachable(String),
    /// A daemon answers.
    Daemon {
        /// Its version.
        version: String,
        /// The images that a run needs, each with where it is.
        images: Vec<(String, ImagePlace)>,
    },
}

/// Where an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImagePlace {
    /// In the daemon.
    Here,
    /// In its registry, which the daemon reaches.
    InRegistry,
    /// Nowhere that the daemon reaches without an account.
    Nowhere,
}

/// What was found about servers that are there already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExternalFacts {
    /// The servers, in the order in which they were asked.
    pub servers: Vec<ServerFacts>,
    /// Why a run would not begin on them, if it would not.
    pub refusal: Option<Refusal>,
}

/// A server that was asked what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// What a run uses it for.
    pub what: &'static str,
    /// Where it is; without credentials.
    pub address: String,
    /// What it answered.
    pub answer: Found,
}

/// Why a run would not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, with its causes.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}
