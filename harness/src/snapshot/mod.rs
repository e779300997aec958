//! Snapshots: a graph as one file of JSON Lines, in the order of keys, with a digest of each part.
//! `docs/snapshot-format.md` says what is where.
//!
//! [`save`] writes one, whole or not at all; [`Snapshot`] reads one, as a side of a comparison.
//!
//! | file | what it answers for |
//! |---|---|
//! | `value`, `line` | values, nodes and relationships as JSON, and back |
//! | `layout` | the first line, the index and the last line |
//! | `write` | a graph to a file |
//! | `read` | parts of a file, each held against its digest |
//! | `source` | a file as a side of a comparison |

mod layout;
mod line;
mod read;
mod source;
#[cfg(test)]
mod tests;
mod value;
mod write;

use std::io;
use std::path::PathBuf;

use cutover_engines::graph::GraphError;
use smol_str::SmolStr;

pub use layout::{Header, VERSION};
pub use read::Snapshot;
pub use source::SnapshotSource;
pub(crate) use value::lossless;
pub use write::{About, Written, save, write};

/// A snapshot that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file cannot be read.
    #[error("cannot read the snapshot {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no snapshot at all.
    #[error("{} is no snapshot: its first line is none of one", path.display())]
    NoSnapshot {
        /// The file.
        path: PathBuf,
    },
    /// Another version of this program has written it, in a form that this one does not know.
    #[error("{} is a snapshot of version {version}; this program reads version {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version of its form.
        version: u64,
    },
    /// It does not end as a snapshot ends: it was cut off.
    #[error("the snapshot {} is cut off: it ends at byte {bytes}, and not with the last line of a snapshot", path.display())]
    CutOff {
        /// The file.
        path: PathBuf,
        /// How long it is.
        bytes: u64,
    },
    /// A part is not what was written.
    #[error("the snapshot {} was altered: {part}, bytes {at} to {end}, {how}", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// Which part.
        part: SmolStr,
        /// Where it begins.
        at: u64,
        /// Where it ends.
        end: u64,
        /// What is wrong with it.
        how: String,
    },
}

impl SnapshotError {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "name a snapshot that can be read, or the URL of a server",
            Self::NoSnapshot { .. } => {
                "name a file that `cutover snapshot` has written, or the URL of a server"
            }
            Self::Version { .. } => "write it anew with this version of the program",
            Self::CutOff { .. } => "write it anew, or copy it again: a part of it proves nothing",
            Self::Altered { .. } => {
                "write it anew, or copy it again: what it says of this part cannot be trusted"
            }
        }
    }
}

impl SaveError {
    /// Returns what to do about it, if something can be done.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Graph(_) => Some("see whether the server answers; nothing was left behind"),
            Self::Exists { .. } => Some("name another one, or remove it first: a snapshot replaces nothing"),
            Self::Write { .. } => Some(
                "see whether the disk has room and the folder can be written to; nothing was left behind",
            ),
            Self::Empty => None,
        }
    }
}

/// A snapshot that was not written. No file was left behind.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The graph cannot be read.
    #[error("cannot read the graph")]
    Graph(#[from] GraphError),
    /// There is something of that name.
    #[error("there is a file {} already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written: the disk is full, for instance.
    #[error("cannot write the snapshot {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The graph holds nothing.
    #[error("the graph is empty: there is nothing to write")]
    Empty,
}
