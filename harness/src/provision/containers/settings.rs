//! What containers are made of. Known to every build, so that the flags are the same in all of them.

/// The image of Neo4j, unless another is named.
pub const NEO4J_IMAGE: &str = "neo4j:5.26-community";
/// The image of EventStoreDB, unless another is named.
pub const EVENTSTORE_IMAGE: &str = "eventstore/eventstore:24.10";
/// The Java heap of a Neo4j server in MiB, unless another is named.
pub const NEO4J_MEMORY_MIB: u32 = 1_024;

/// The images and the memory of containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSettings {
    /// The image of Neo4j. It takes the settings of the official one, and says `Started.` when it is ready.
    pub neo4j_image: String,
    /// The image of EventStoreDB. It takes the settings of the official one.
    pub eventstore_image: String,
    /// The Java heap of a Neo4j server, in MiB; a quarter as much caches files.
    pub neo4j_memory_mib: u32,
}

impl Default for ContainerSettings {
    fn default() -> Self {
        Self {
            neo4j_image: NEO4J_IMAGE.to_owned(),
            eventstore_image: EVENTSTORE_IMAGE.to_owned(),
            neo4j_memory_mib: NEO4J_MEMORY_MIB,
        }
    }
}

/// Returns name and tag of an image: `registry:5000/neo4j:5.26` and `neo4j@sha256:12ab` have a tag, `registry:5000/neo4j` has
/// none, which means `latest`.
pub fn name_and_tag(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_registry_is_no_tag() {
        assert_eq!(name_and_tag("neo4j:5.26-community"), ("neo4j", "5.26-community"));
        assert_eq!(name_and_tag("registry:5000/neo4j:5"), ("registry:5000/neo4j", "5"));
        assert_eq!(name_and_tag("registry:5000/neo4j"), ("registry:5000/neo4j", "latest"));
        assert_eq!(name_and_tag("neo4j@sha256:12ab"), ("neo4j@sha256", "12ab"));
    }
}
