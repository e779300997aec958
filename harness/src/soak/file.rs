//! What a soak remembers between two rounds: a file that is there whole or not at all. The main type is [`StateFile`].
//!
//! The file bears the digest of its own content, so that an altered one is no proof of anything; it is no signature, and whoever wants
//! to deceive himself can.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::alert::Alert;
use super::criteria::Criteria;
use super::state::{Record, Soak};
use crate::certificate::{Mismatch, System};
use crate::digest::Digest;
use crate::result_file::without_place;
use crate::run_folder::write_whole;

/// The version of the form of the file.
const SCHEMA_VERSION: u32 = 1;

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The servers.
    pub system: System,
    /// The name of the projection's consumer groups.
    pub groups: SmolStr,
    /// The name of the flag.
    pub flag: SmolStr,
    /// The digest of what counts as the same.
    pub policy: Digest,
}

/// All that is kept of a soak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateFile {
    /// What is watched.
    pub about: About,
    /// What it is held against.
    pub criteria: Criteria,
    /// What is remembered.
    pub record: Record,
    /// Alerts that the webhook has not taken yet.
    pub untold: Vec<Alert>,
    /// How many attempts to call it have failed.
    pub webhook_failures: u64,
    /// The throw after which the flag was to be thrown back once, and was attempted to be.
    pub rolled_back: Option<uuid::Uuid>,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema_version: u32,
    /// The digest of `soak`, as this program writes it.
    digest: Digest,
    soak: StateFile,
}

/// What is looked at before anything else.
#[derive(Deserialize)]
struct Version {
    schema_version: u64,
}

/// Why a file holds no soak that can be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be read.
    #[error("cannot read the soak {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the soak {}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no JSON, or no soak.
    #[error("{}:{line}:{column}: {what}", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// The line, 1-based.
        line: usize,
        /// The column, 1-based.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// It was changed after it was written.
    #[error("the soak {} was changed after it was written", file.display())]
    Altered {
        /// The file.
        file: PathBuf,
    },
    /// It is in another form.
    #[error("{} is a soak of version {found}; this program reads version {SCHEMA_VERSION}", file.display())]
    OtherVersion {
        /// The file.
        file: PathBuf,
        /// The version of its form.
        found: u64,
    },
    /// It is about something else.
    #[error("the soak {} is about another system: {what}", file.display())]
    OtherSystem {
        /// The file.
        file: PathBuf,
        /// In what it differs.
        what: String,
    },
    /// Somebody else watches with it.
    #[error("somebody else watches with {}", file.display())]
    InUse {
        /// The file.
        file: PathBuf,
    },
}

impl StateError {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "begin one with `cutover watch`, or name its file with --state",
            Self::Unwritable { .. } => "name a file in a folder that can be written to with --state",
            Self::Broken { .. } | Self::Altered { .. } => {
                "nothing was changed in it: put it back as it was written, or move it away and begin a new soak"
            }
            Self::OtherVersion { .. } => {
                "go on with the version of cutover that wrote it, or move it away and begin a new soak"
            }
            Self::OtherSystem { .. } => {
                "name the servers, groups and flag that it is about, or another file with --state for these"
            }
            Self::InUse { .. } => "end that one first, or name another file with --state",
        }
    }
}

impl StateFile {
    /// Begins a soak of a system.
    pub fn new(about: About, criteria: Criteria) -> Self {
        let record = Record::default();
        Self { about, criteria, record, untold: Vec::new(), webhook_failures: 0, rolled_back: None }
    }

    /// Returns the soak that it holds.
    pub fn soak(&self) -> Soak {
        Soak::resume(self.criteria.clone(), self.record.clone())
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`StateError`], with the place in the file where there is one.
    pub fn read(file: &Path) -> Result<Self, StateError> {
        let bytes =
            fs::read(file).map_err(|source| StateError::Unreadable { file: file.to_owned(), source })?;
        Self::from_json(file, &bytes)
    }

    /// Reads a file if it is there.
    ///
    /// # Errors
    ///
    /// As [`StateFile::read`].
    pub fn read_if_there(file: &Path) -> Result<Option<Self>, StateError> {
        match Self::read(file) {
            Err(StateError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    fn from_json(file: &Path, bytes: &[u8]) -> Result<Self, StateError> {
        let broken = |error: serde_json::Error| StateError::Broken {
            file: file.to_owned(),
            line: error.line().max(1),
            column: error.column().max(1),
            what: without_place(&error),
        };
        let Version { schema_version: found } = serde_json::from_slice(bytes).map_err(broken)?;
        if found != u64::from(SCHEMA_VERSION) {
            return Err(StateError::OtherVersion { file: file.to_owned(), found });
        }
        let document: Document = serde_json::from_slice(bytes).map_err(broken)?;
        if document.soak.digest() != document.digest {
            return Err(StateError::Altered { file: file.to_owned() });
        }
        Ok(document.soak)
    }

    fn to_json(&self) -> Vec<u8> {
        let document = Document { schema_version: SCHEMA_VERSION, digest: self.digest(), soak: self.clone() };
        let mut bytes = serde_json::to_vec_pretty(&document).expect("a soak is JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Writes it, whole or not at all: one that was there stays until then.
    ///
    /// # Errors
    ///
    /// [`StateError::Unwritable`].
    pub fn write(&self, file: &Path) -> Result<(), StateError> {
        write_whole(file, &self.to_json())
            .map_err(|source| StateError::Unwritable { file: file.to_owned(), source })
    }

    /// Returns a name for all that it holds.
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).expect("a soak is JSON"))
    }

    /// Holds what it is about against what was found. An event store that could not be told from another one, for it held nothing, is
    /// the one that is there now, if its URL is.
    ///
    /// # Errors
    ///
    /// [`StateError::OtherSystem`] for the first that is another one.
    pub fn is_about(&self, file: &Path, found: &About) -> Result<(), StateError> {
        let other = |what: String| StateError::OtherSystem { file: file.to_owned(), what };
        let mut own = self.about.system.clone();
        if own.event_store.identity.is_none() {
            own.event_store.identity.clone_from(&found.system.event_store.identity);
        }
        match own.is_same_as(&found.system) {
            Ok(()) => {}
            Err(Mismatch::OtherEngine { which, certified, found }) => {
                let told = |engine: &crate::certificate::Engine| {
                    format!("{} ({})", engine.url, engine.identity.as_deref().unwrap_or("nothing in it yet"))
                };
                return Err(other(format!("another {which}, {} and not {}", told(&certified), told(&found))));
            }
            Err(mismatch) => return Err(other(mismatch.to_string())),
        }
        for (what, own, found) in
            [("groups", &self.about.groups, &found.groups), ("flag", &self.about.flag, &found.flag)]
        {
            if own != found {
                return Err(other(format!("the {what} `{own}` and not `{found}`")));
            }
        }
        Ok(())
    }
}

/// Keeps others from watching with the same file, until it is dropped or the process ends, however that comes about.
#[derive(Debug)]
pub struct Lock {
    _file: fs::File,
}

impl Lock {
    /// Takes the lock of a state file, a file beside it.
    ///
    /// # Errors
    ///
    /// [`StateError::InUse`] when somebody has it, [`StateError::Unwritable`] when there can be none.
    pub fn take(file: &Path) -> Result<Self, StateError> {
        let unwritable = |source| StateError::Unwritable { file: file.to_owned(), source };
        let name = file.file_name().ok_or_else(|| unwritable(io::ErrorKind::InvalidInput.into()))?;
        let beside = file.with_file_name(format!(".{}.lock", name.to_string_lossy()));
        let lock = fs::File::create(beside).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _file: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(StateError::InUse { file: file.to_owned() }),
            Err(fs::TryLockError::Error(source)) => Err(unwritable(source)),
        }
    }
}
