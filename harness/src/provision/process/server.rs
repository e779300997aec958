//! One Neo4j server as a local process: started, waited for, and never left behind.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::home::{Home, wait_for_end};
use super::installation::Installation;

/// How long a server may take until it answers. It takes about ten seconds.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// How a server is run.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// The Java heap, in MiB.
    pub heap_mib: u32,
    /// What the server caches of its files, in MiB.
    pub page_cache_mib: u32,
    /// Further options of the Java virtual machine, such as `-XX:TieredStopAtLevel=1`.
    pub jvm_options: Vec<String>,
    /// Further settings of Neo4j, by the names that its `neo4j.conf` has for them.
    pub configuration: BTreeMap<String, String>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self { heap_mib: 1_024, page_cache_mib: 256, jvm_options: Vec::new(), configuration: BTreeMap::new() }
    }
}

impl ServerSettings {
    /// Returns the `neo4j.conf` of a server that listens on a port of the loopback address.
    fn configuration(&self, port: u16) -> String {
        let page_cache = format!("{}m", self.page_cache_mib);
        let listen = format!("127.0.0.1:{port}");
        let own = [
            ("server.bolt.enabled", "true"),
            ("server.bolt.listen_address", &listen),
            ("server.memory.pagecache.size", &page_cache),
            ("db.tx_log.preallocate", "false"),
        ];
        let further = self.configuration.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        own.into_iter().chain(further).fold(String::new(), |mut text, (name, value)| {
            writeln!(text, "{name}={value}").expect("a text takes everything");
            text
        })
    }
}

/// Why a server is not there.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Java cannot be run.
    #[error("`java` cannot be run")]
    JavaMissing(#[source] io::Error),
    /// The server's folder or log cannot be written.
    #[error("`{path}` cannot be written")]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The server ended before it was ready.
    #[error("the server ended before it was ready ({status}); its log is `{log}`")]
    Ended {
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
    },
    /// The server was not ready in time.
    #[error("the server was not ready after {} s; its log is `{log}`", READY_WITHIN.as_secs())]
    NotReady {
        /// Its log.
        log: PathBuf,
    },
}

/// A running server. Dropping it stops it at once and removes its data; so does the end of this process, however it comes.
pub struct Server {
    java: Java,
    /// The server's standard input: it ends when this closes.
    lifeline: ChildStdin,
    uri: String,
    /// Dropped last: it removes what the server no longer writes to.
    home: Home,
}

impl Server {
    /// Starts a server with its data in `home`, which need not be there, on `port` (0 for a free one), and waits until it
    /// answers. What it says goes to `log`.
    ///
    /// # Errors
    ///
    /// Fails when it does not come up; then nothing is left of it but the log, and the data that was there before.
    pub async fn start(
        installation: &Installation,
        settings: &ServerSettings,
        home: &Path,
        port: u16,
        log: &Path,
    ) -> Result<Self, ServerError> {
        let unwritable = |source| ServerError::Unwritable { path: log.to_owned(), source };
        let errors = File::options().create(true).append(true).open(log).map_err(unwritable)?;
        let unusable = |source| ServerError::Unwritable { path: home.to_owned(), source };
        let mut home = Home::take(home).map_err(unusable)?;
        home.configure(&settings.configuration(port)).map_err(unusable)?;
        let java = Command::new("java")
            .arg(format!("-Xmx{}m", settings.heap_mib))
            .arg("-XX:+UseParallelGC")
            .args(&settings.jvm_options)
            .args(["-cp", &installation.class_path(), "Launcher"])
            .arg(home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(ServerError::JavaMissing)?;
        let mut java = Java(java);
        let lifeline = java.0.stdin.take().expect("standard input is piped");
        let mut output = BufReader::new(java.0.stdout.take().expect("standard output is piped"));
        let uri = match tokio::time::timeout(READY_WITHIN, ready_line(&mut output)).await {
            Ok(Some(uri)) => uri,
            Ok(None) => {
                let status =
                    java.0.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
                return Err(ServerError::Ended { status, log: log.to_owned() });
            }
            Err(_) => return Err(ServerError::NotReady { log: log.to_owned() }),
        };
        let log = File::options().append(true).open(log).map_err(unwritable)?;
        tokio::spawn(keep(output, tokio::fs::File::from_std(log)));
        home.remove_when_dropped();
        Ok(Self { java, lifeline, uri, home })
    }

    /// Returns where it listens, `bolt://127.0.0.1:port`.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Kills the server as a power failure would, and keeps its data.
    ///
    /// # Errors
    ///
    /// Fails when the operating system does not let it.
    pub async fn kill(mut self) -> io::Result<()> {
        self.home.keep();
        self.java.0.kill().await
    }

    /// Shuts the server down in order, and keeps its data: everything is on the disk then. That takes ten seconds.
    ///
    /// # Errors
    ///
    /// Fails when the server is gone already, or the operating system does not let it.
    pub async fn shut_down(mut self) -> io::Result<()> {
        self.home.keep();
        self.lifeline.write_all(b"\n").await?;
        self.lifeline.flush().await?;
        self.java.0.wait().await?;
        Ok(())
    }

    /// Stops the server and removes its data.
    ///
    /// # Errors
    ///
    /// Fails when the operating system does not let it.
    pub async fn stop(mut self) -> io::Result<()> {
        self.java.0.kill().await
    }
}

/// The process of a server. It has ended when this is dropped: what is dropped after it may remove its files.
struct Java(Child);

impl Drop for Java {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        drop(self.0.start_kill());
        wait_for_end(|| !matches!(self.0.try_wait(), Ok(None)));
    }
}

/// Reads up to the line that says that the server is ready, and returns where it listens; `None` when the output ends first.
async fn ready_line(output: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut line = String::new();
    while output.read_line(&mut line).await.ok()? > 0 {
        if let Some(uri) = line.trim_end().strip_prefix("Started. ") {
            return Some(uri.to_owned());
        }
        line.clear();
    }
    None
}

/// Keeps what the server says after that. A full disk must not block the server, so that output is read even when it cannot be
/// kept.
async fn keep(mut output: impl AsyncReadExt + Unpin, mut log: tokio::fs::File) {
    let mut buffer = vec![0; 8 * 1_024];
    while let Ok(count @ 1..) = output.read(&mut buffer).await {
        let _ = log.write_all(&buffer[..count]).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_settings_follow_this_programs_own() {
        let further = [("server.databases.default_to_read_only".to_owned(), "true".to_owned())];
        let settings = ServerSettings { configuration: further.into(), ..ServerSettings::default() };
        assert_eq!(
            settings.configuration(7_687),
            "server.bolt.enabled=true\nserver.bolt.listen_address=127.0.0.1:7687\n\
             server.memory.pagecache.size=256m\ndb.tx_log.preallocate=false\n\
             server.databases.default_to_read_only=true\n"
        );
    }

    #[tokio::test]
    async fn the_address_is_read_from_the_line_that_says_started() {
        let mut output = &b"WARNING: something\nStarted. bolt://127.0.0.1:7687\nmore\n"[..];
        assert_eq!(ready_line(&mut output).await.as_deref(), Some("bolt://127.0.0.1:7687"));
    }

    #[tokio::test]
    async fn output_that_ends_before_is_no_server() {
        let mut output = &b"Error: out of memory\n"[..];
        assert_eq!(ready_line(&mut output).await, None);
    }
}
