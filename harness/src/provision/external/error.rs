//! Why servers that somebody else runs cannot be used, each with what was found and what to do. Shows no credentials.

use cutover_engines::event_log::{GroupId, LogError};
use cutover_engines::graph::{Contents, GraphError};

use super::address::Address;
use super::settings::SettingsError;

/// Why existing servers are not used.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// A server that every run needs was not named, or its settings mean nothing.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The event store does not answer, or refuses.
    #[error("the event store at {address} cannot be used")]
    Store {
        /// Where it is.
        address: Address,
        /// What it said.
        source: LogError,
    },
    /// The server of a graph does not answer, or refuses.
    #[error("the server of the graph `{graph}` at {address} cannot be used")]
    Graph {
        /// The graph.
        graph: &'static str,
        /// Where it is.
        address: Address,
        /// What it said.
        source: GraphError,
    },
    /// A graph takes no writes.
    #[error("the graph `{graph}` at {address} takes no writes (database `{database}`)")]
    ReadOnly {
        /// The graph.
        graph: &'static str,
        /// Where it is.
        address: Address,
        /// The database.
        database: String,
    },
    /// A graph that should be empty is not.
    #[error("the graph `{graph}` at {address} is not empty: it holds {}", told(contents))]
    NotEmpty {
        /// The graph.
        graph: &'static str,
        /// Where it is.
        address: Address,
        /// What is in it.
        contents: Contents,
    },
    /// The event store holds interviews or sentences of somebody else.
    #[error("the event store at {address} holds {events} events of others in `{category}`")]
    StoreInUse {
        /// Where it is.
        address: Address,
        /// The category stream.
        category: &'static str,
        /// How many events it holds.
        events: u64,
    },
    /// Somebody follows interviews or sentences.
    #[error(
        "somebody follows the interviews or sentences of the event store at {address}: {}",
        listed(groups)
    )]
    StoreFollowed {
        /// Where it is.
        address: Address,
        /// Their groups.
        groups: Vec<GroupId>,
    },
}

impl ExternalError {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Settings(error) => error.hint(),
            Self::Store { .. } | Self::Graph { .. } => {
                "see whether the server runs and is reached from here, whether its URL asks for TLS or not, and whether the \
                 account is right; `cutover doctor` asks every server"
                    .to_owned()
            }
            Self::ReadOnly { .. } => {
                "name a server that takes writes: of a cluster the leader, with a database that is not read-only"
                    .to_owned()
            }
            Self::NotEmpty { graph, address, .. } => format!(
                "name an empty server, or let this run erase all that is in this one with --erase {graph}={address}"
            ),
            Self::StoreInUse { address, .. } => format!(
                "names of streams are part of the wire format, so what a run appends stays among them for ever: name a \
                 store that is there for such runs; if this one is, say so with --append-to '{address}'"
            ),
            Self::StoreFollowed { .. } => {
                "they would get the events of this run and act on them: name a store that nobody follows, or delete the \
                 groups if nobody needs them"
                    .to_owned()
            }
        }
    }
}

/// Returns what a graph holds, in words.
fn told(contents: &Contents) -> String {
    let nodes: Vec<String> = contents
        .nodes
        .iter()
        .map(|(label, count)| match label.as_str() {
            "" => format!("{count} without a label"),
            label => format!("{count} {label}"),
        })
        .collect();
    let relationships: u64 = contents.relationships.values().sum();
    format!("{}; {relationships} relationships", nodes.join(", "))
}

fn listed(groups: &[GroupId]) -> String {
    groups.iter().map(GroupId::to_string).collect::<Vec<_>>().join(", ")
}
