//! What can go wrong that a person can do something about: each with its exit code and a hint. The main type is
//! [`ExpectedError`]; what it wraps carries the facts.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cutover_engines::event_log::eventstoredb::grpc::StartError;
use cutover_service::projection::ProjectionError;

use crate::analyses::AnalysesError;
use crate::certificate::{CertificateError, KeyError, Mismatch};
use crate::cli::config::ConfigError;
use crate::cli::diff::DiffUsageError;
use crate::cli::drill::DocumentError;
use crate::defect::catalogue::UnknownDefect;
use crate::exit_code;
use crate::explain::ExplainError;
#[cfg(feature = "containers")]
use crate::provision::containers::DaemonError;
use crate::provision::external::ExternalError;
use crate::provision::process::InstallError;
use crate::queries::QueryError;
use crate::result_file::ResultFileError;
use crate::run_folder::RunFolderError;
use crate::scenario::load::LoadError;
use crate::snapshot::{SaveError, SnapshotError};
use crate::soak::{CriteriaError, HookError, Span, StateError, WatchError};
use crate::switch::SwitchError;
use crate::transcripts::TranscriptError;

/// What to do about a build that knows nothing of containers.
pub const CONTAINERS_REMEDY: &str =
    "build with them, as `cargo install --path harness --features containers` does";

/// An error at the edge of the program.
#[derive(Debug, thiserror::Error)]
pub enum ExpectedError {
    /// A flag or a variable has a value that means nothing.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A transcript cannot be used.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// Recorded analyses cannot be used.
    #[error(transparent)]
    Analyses(#[from] AnalysesError),
    /// A scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] LoadError),
    /// There is no such defect.
    #[error(transparent)]
    Defect(#[from] UnknownDefect),
    /// The document that a drill should write into cannot be used.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The result cannot be kept.
    #[error(transparent)]
    RunFolder(#[from] RunFolderError),
    /// A file is no result of a run.
    #[error(transparent)]
    ResultFile(#[from] ResultFileError),
    /// A report cannot be written.
    #[error("cannot write the report {}", path.display())]
    Report {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There are no jars to run Neo4j servers from.
    #[error("cannot run Neo4j servers as local processes")]
    Install(#[from] InstallError),
    /// Existing servers may not be used, or do not answer.
    #[error(transparent)]
    External(#[from] ExternalError),
    /// A certificate is not to be believed, or there is none.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A certificate is for something else.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A copy of the certificate cannot be written where it was asked for.
    #[error("cannot write the certificate to {}", file.display())]
    CertificateUnwritable {
        /// Where.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is to be compared, or how, is not clear.
    #[error(transparent)]
    Diff(#[from] DiffUsageError),
    /// Queries cannot be asked.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A snapshot cannot be used.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A snapshot was not written.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// A projection ended before its time.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// A story cannot be told.
    #[error(transparent)]
    Explain(Box<ExplainError>),
    /// The flag was not thrown.
    #[error("the flag was not thrown")]
    Switch(#[source] Box<SwitchError>),
    /// A file holds no criteria of a soak.
    #[error(transparent)]
    Criteria(#[from] CriteriaError),
    /// A soak cannot be read or written, or is about something else.
    #[error(transparent)]
    Soak(#[from] StateError),
    /// So seldom is not watching.
    #[error(
        "a round each {every} is no watching: the criteria count no time in which nobody looked for {gap}"
    )]
    SeldomWatched {
        /// How often.
        every: Span,
        /// What the criteria allow.
        gap: Span,
    },
    /// A webhook cannot be made.
    #[error("no webhook can be called from here")]
    Webhook(#[source] HookError),
    /// The engines that were asked for end with the process that is to be killed, or belong to somebody else.
    #[error(
        "the projection process cannot be killed on `--engines {engines}`: no servers of this run outlive it"
    )]
    NothingToKill {
        /// What was asked for.
        engines: &'static str,
    },
    /// This build knows nothing of containers.
    #[error("this build of cutover runs nothing in containers")]
    NoContainers,
    /// No Docker daemon can be used.
    #[cfg(feature = "containers")]
    #[error("cannot run engines in containers")]
    Containers(#[from] DaemonError),
    /// The embedded EventStoreDB cannot be started.
    #[error("cannot serve an EventStoreDB on {listen}")]
    Listen {
        /// Where it should have listened.
        listen: SocketAddr,
        /// Why not.
        source: StartError,
    },
    /// The operating system refuses what the program cannot do without.
    #[error("cannot {doing}")]
    System {
        /// What was to be done.
        doing: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Somebody stopped the program while it ran.
    #[error("interrupted after {:.1} s; no result was kept", after.as_secs_f64())]
    Interrupted {
        /// How long it had run.
        after: Duration,
    },
    /// This program is wrong.
    #[error("internal error: {invariant}")]
    Internal {
        /// What should always hold and did not.
        invariant: &'static str,
        /// What showed it.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl From<ExplainError> for ExpectedError {
    fn from(error: ExplainError) -> Self {
        Self::Explain(error.into())
    }
}

impl From<WatchError> for ExpectedError {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::External(error) => error.into(),
            WatchError::State(error) => error.into(),
        }
    }
}

impl From<SwitchError> for ExpectedError {
    fn from(error: SwitchError) -> Self {
        Self::Switch(error.into())
    }
}

impl ExpectedError {
    /// Returns the exit code of a program that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Transcript(_)
            | Self::Analyses(_)
            | Self::Scenario(_)
            | Self::Defect(_)
            | Self::Document(_)
            | Self::ResultFile(_)
            | Self::Diff(_)
            | Self::Query(_)
            | Self::Snapshot(_)
            | Self::Save(SaveError::Exists { .. })
            | Self::Criteria(_)
            | Self::SeldomWatched { .. }
            | Self::NothingToKill { .. } => exit_code::USAGE,
            Self::Soak(StateError::Unwritable { .. } | StateError::InUse { .. }) => exit_code::ENVIRONMENT,
            Self::Soak(_) => exit_code::USAGE,
            Self::Explain(error) if matches!(**error, ExplainError::Unknown(_)) => exit_code::USAGE,
            Self::Explain(_) => exit_code::ENVIRONMENT,
            Self::Switch(error) => error.exit_code(),
            Self::Certificate(error) if error.is_about_a_certificate() => exit_code::DIFFERENCES,
            Self::Mismatch(_) => exit_code::DIFFERENCES,
            Self::Key(KeyError::Unwritable { .. } | KeyError::NoRandomness { .. }) => exit_code::ENVIRONMENT,
            Self::Certificate(_) | Self::Key(_) => exit_code::USAGE,
            // A mistake on the command line, and not a server that is not as it should be.
            Self::External(ExternalError::Settings(_)) => exit_code::USAGE,
            Self::Save(SaveError::Empty) => exit_code::INCONCLUSIVE,
            Self::RunFolder(_)
            | Self::Report { .. }
            | Self::Save(_)
            | Self::Install(_)
            | Self::External(_)
            | Self::Projection(_)
            | Self::CertificateUnwritable { .. }
            | Self::NoContainers
            | Self::Webhook(_)
            | Self::Listen { .. }
            | Self::System { .. } => exit_code::ENVIRONMENT,
            #[cfg(feature = "containers")]
            Self::Containers(_) => exit_code::ENVIRONMENT,
            Self::Interrupted { .. } => exit_code::INTERRUPTED,
            Self::Internal { .. } => exit_code::INTERNAL,
        }
    }

    /// Returns what to do about it, if something can be done.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Transcript(error) => Some(error.hint().to_owned()),
            Self::Analyses(error) => Some(error.hint().to_owned()),
            Self::Scenario(error) => error.hint(),
            Self::Defect(error) => Some(error.hint()),
            Self::Document(error) => Some(error.hint()),
            Self::RunFolder(_) => {
                Some("name a folder that can be written to with --runs, or with CUTOVER_RUNS".to_owned())
            }
            Self::ResultFile(error) => Some(error.hint().to_owned()),
            Self::Report { .. } => Some("name a file that can be written to with --output".to_owned()),
            Self::Install(error) => Some(error.hint().to_owned()),
            Self::External(error) => Some(error.hint()),
            Self::Certificate(error) => Some(error.hint().to_owned()),
            Self::Mismatch(error) => Some(error.hint().to_owned()),
            Self::Key(error) => Some(error.hint().to_owned()),
            Self::Explain(error) if matches!(**error, ExplainError::Unknown(_)) => {
                Some("take the id from a finding, such as `Sentence #3 of interview …`, and check the URLs".to_owned())
            }
            Self::Explain(_) => Some("see whether the servers answer: `cutover doctor` asks them".to_owned()),
            Self::Switch(error) => Some(error.hint().to_owned()),
            Self::CertificateUnwritable { .. } => Some(
                "the run folder has it, too; name a file in a folder that can be written to with --certificate"
                    .to_owned(),
            ),
            Self::Diff(error) => error.hint(),
            Self::Criteria(error) => Some(error.hint()),
            Self::Soak(error) => Some(error.hint().to_owned()),
            Self::SeldomWatched { .. } => {
                Some("watch more often with --every, or let the criteria allow it with `gap`".to_owned())
            }
            Self::Webhook(_) => Some("see whether this machine has certificates, or leave --webhook out".to_owned()),
            Self::Query(error) => Some(error.hint()),
            Self::Snapshot(error) => Some(error.hint().to_owned()),
            Self::Save(error) => error.hint().map(str::to_owned),
            Self::Projection(_) => Some(
                "see whether the accounts may do what is asked of them, and whether the servers are the right ones: `cutover \
                 doctor` asks them; nothing is lost, what was not acknowledged is delivered again"
                    .to_owned(),
            ),
            Self::NothingToKill { .. } => Some(
                "add --engines process, which starts Neo4j servers of its own; `cutover doctor` says whether they can be had here"
                    .to_owned(),
            ),
            Self::NoContainers => Some(CONTAINERS_REMEDY.to_owned()),
            #[cfg(feature = "containers")]
            Self::Containers(error) => Some(error.hint().to_owned()),
            Self::Listen { source: StartError::AddressInUse { .. }, .. } => Some(
                "stop what listens there, or choose another port with --listen; port 0 takes a free one"
                    .to_owned(),
            ),
            Self::Listen { .. } => Some("choose an address of this machine with --listen".to_owned()),
            Self::Internal { .. } => {
                Some("this is a defect of cutover: please report it with the seed".to_owned())
            }
            Self::System { .. } | Self::Interrupted { .. } => None,
        }
    }

    /// Returns the error with its causes, and the hint, as the lines to print.
    pub fn render(&self) -> String {
        let mut text = format!("error: {self}\n");
        let mut cause = self.source();
        while let Some(error) = cause {
            text += &format!("  caused by: {error}\n");
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            text += &format!("hint: {hint}\n");
        }
        text
    }
}

/// Returns an error with its causes in one line, outermost first.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // Some libraries repeat the cause in the error's own words.
        if !text.ends_with(&said) {
            text += ": ";
            text += &said;
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_and_hint_follow_the_error_line_by_line() {
        let error = ExpectedError::from(RunFolderError {
            path: "/runs".into(),
            source: io::Error::from(io::ErrorKind::PermissionDenied),
        });
        assert_eq!(
            error.render(),
            "error: cannot write to the run folder /runs\n  caused by: permission denied\nhint: name a folder \
             that can be written to with --runs, or with CUTOVER_RUNS\n"
        );
    }
}
