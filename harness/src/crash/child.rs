//! One projection as a process of its own: started, watched, killed or ended, and never left behind. The main type is
//! [`Projection`].
//!
//! Its standard input is its lifeline: however this program ends, the operating system closes it, and the process ends too.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdin, Command};

use super::Settings;
use crate::exit_code;
use crate::result::{Cause, ProjectorMetrics};

/// How long a process may take to come to its end after it was told to: as long as a transaction may take, and some more.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// Why a projection process did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It cannot be started.
    #[error("`{}` cannot be started", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Its log cannot be written.
    #[error("`{}` cannot be written", log.display())]
    NoLog {
        /// The file.
        log: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It ended, and nobody had asked for it.
    #[error("it ended by itself ({status}); what it said is in `{}`", log.display())]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// The file with what it said.
        log: PathBuf,
    },
    /// It did not end when it was told to.
    #[error("it did not end within {} s after it was told to", ENDS_WITHIN.as_secs())]
    DoesNotEnd,
    /// It did not say what it had done.
    #[error("it did not say what it had done")]
    Unreadable(#[source] io::Error),
}

impl ChildError {
    /// Returns why what was not checked is unknown; `None` where the process itself is at fault.
    pub(super) fn cause(&self) -> Option<Cause> {
        match self {
            Self::NotStarted { .. } | Self::NoLog { .. } => Some(Cause::EnvironmentNotReady),
            // It says so itself: a server refused, or is not set up as it should be.
            Self::Ended { status, .. } if status.code() == Some(i32::from(exit_code::ENVIRONMENT)) => {
                Some(Cause::EngineFailed)
            }
            Self::Ended { .. } | Self::DoesNotEnd | Self::Unreadable(_) => None,
        }
    }
}

/// Where a projection finds its servers.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) store_url: String,
    pub(super) graph_url: String,
}

/// What a projection says when it ends.
#[derive(Debug, Deserialize)]
pub(super) struct Done {
    pub(super) dangling_links: u64,
    pub(super) metrics: ProjectorMetrics,
}

/// A projection process. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Projection {
    process: Child,
    lifeline: ChildStdin,
    log: PathBuf,
}

impl Projection {
    pub(super) fn start(settings: &Settings, reach: &Reach) -> Result<Self, ChildError> {
        let log = settings.log.clone();
        let errors = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|source| ChildError::NoLog { log: log.clone(), source })?;
        let mut command = Command::new(&settings.program);
        // Settings of this program's user are meant for this program.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"CUTOVER_") || name == "PROJECTION_LANE_COUNT" {
                command.env_remove(name);
            }
        }
        command
            .args(["project", "--until", "input-ends", "--format", "json"])
            .args(["--eventstore-url", &reach.store_url, "--projected-url", &reach.graph_url])
            .args(["--batch", &settings.batch.to_string()]);
        if let Some(lanes) = settings.lanes {
            command.args(["--lanes", &lanes.to_string()]);
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| ChildError::NotStarted { program: settings.program.clone(), source })?;
        let lifeline = process.stdin.take().expect("standard input is piped");
        Ok(Self { process, lifeline, log })
    }

    /// Checks that it still runs.
    pub(super) fn check_alive(&mut self) -> Result<(), ChildError> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(ChildError::Ended { status, log: self.log.clone() }),
            Err(source) => Err(ChildError::Unreadable(source)),
        }
    }

    /// Kills it as a power failure would, and returns when it is dead.
    pub(super) async fn kill(mut self) -> Result<(), ChildError> {
        // One that has ended already cannot be killed; how it ended tells it from one that was.
        drop(self.process.start_kill());
        let status = self.process.wait().await.map_err(ChildError::Unreadable)?;
        if was_killed(status) { Ok(()) } else { Err(ChildError::Ended { status, log: self.log }) }
    }

    /// Tells it to end, waits for that, and returns what it has done.
    pub(super) async fn end(self) -> Result<Done, ChildError> {
        let Self { mut process, lifeline, log } = self;
        drop(lifeline);
        let mut output = process.stdout.take().expect("standard output is piped");
        let mut said = Vec::new();
        let ended = async {
            output.read_to_end(&mut said).await?;
            process.wait().await
        };
        let status = tokio::time::timeout(ENDS_WITHIN, ended)
            .await
            .map_err(|_| ChildError::DoesNotEnd)?
            .map_err(ChildError::Unreadable)?;
        if !status.success() {
            return Err(ChildError::Ended { status, log });
        }
        serde_json::from_slice(&said).map_err(|error| ChildError::Unreadable(error.into()))
    }
}

/// Returns whether a process ended because it was killed.
#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;

    const SIGKILL: i32 = 9;
    status.signal() == Some(SIGKILL)
}

/// Where there are no signals, a process that was killed is one that did not end well.
#[cfg(not(unix))]
fn was_killed(status: ExitStatus) -> bool {
    !status.success()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn start(program: &std::path::Path) -> Projection {
        let log = program.with_file_name("log");
        let settings = Settings { cycles: 1, program: program.to_owned(), batch: 1, lanes: None, log };
        let reach = Reach { store_url: "esdb://a".to_owned(), graph_url: "bolt://b".to_owned() };
        Projection::start(&settings, &reach).expect("a process")
    }

    /// Writes a program that is told the same as a projection, and does something else.
    fn program(folder: &std::path::Path, does: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;

        let program = folder.join("program");
        std::fs::write(&program, format!("#!/bin/sh\n{does}\n")).expect("a program");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("permissions");
        program
    }

    #[tokio::test]
    async fn a_process_that_ended_by_itself_was_not_killed() {
        let folder = tempfile::tempdir().expect("a folder");
        let process = start(&program(folder.path(), "echo why >&2; exit 70"));
        // It ends when its output does.
        let mut process = process;
        process.process.wait().await.expect("it ends");
        let error = process.check_alive().expect_err("it has ended");
        assert_eq!(error.cause(), None, "{error}");
        let error = process.kill().await.expect_err("it has ended before");
        assert!(matches!(error, ChildError::Ended { status, .. } if status.code() == Some(70)));
        assert_eq!(std::fs::read_to_string(folder.path().join("log")).expect("a log"), "why\n");
    }

    #[tokio::test]
    async fn a_process_whose_server_refused_leaves_the_result_unknown() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = start(&program(folder.path(), "exit 4")).end().await.expect_err("it fails");
        assert_eq!(error.cause(), Some(Cause::EngineFailed));
    }

    #[tokio::test]
    async fn a_process_ends_when_its_input_does_and_one_that_is_killed_is_dead() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = program(folder.path(), "cat; echo not JSON");
        start(&program).kill().await.expect("it was killed");
        let error = start(&program).end().await.expect_err("it says nothing that is known");
        assert!(matches!(error, ChildError::Unreadable(_)), "{error:?}");
    }
}
