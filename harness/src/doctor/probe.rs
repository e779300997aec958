//! Looks for what engines need. Starts nothing that it does not stop, and changes nothing.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::facts::{ContainerFacts, ExternalFacts, Facts, Found, Refusal, ServerFacts};
use crate::error::chain;
use crate::provision::containers::ContainerSettings;
use crate::provision::external::{External, ExternalError, ExternalSettings, describe_graph, describe_store};
use crate::provision::process::{Installation, cache_folder};
use crate::provision::{Embedded, Provision};

/// How long a program may take to say its version.
const VERSION_WITHIN: Duration = Duration::from_secs(20);

/// Looks at this machine, and at the servers that were named. `runs` is where run folders are made.
pub async fn probe(runs: &Path, settings: &ContainerSettings, external: &ExternalSettings) -> Facts {
    let (java, javac, maven) =
        tokio::join!(version("java", "-version"), version("javac", "-version"), version("mvn", "-version"));
    Facts {
        embedded: embedded().await,
        java,
        javac,
        maven,
        jars: jars(),
        memory_mib: memory_mib(),
        disk_mib: disk_mib(runs).await,
        containers: containers(settings).await,
        external: existing(external).await,
    }
}

#[cfg(not(feature = "containers"))]
async fn containers(_: &ContainerSettings) -> ContainerFacts {
    ContainerFacts::NotBuilt
}

#[cfg(feature = "containers")]
async fn containers(settings: &ContainerSettings) -> ContainerFacts {
    use crate::provision::containers::Daemon;

    match Daemon::connect().await {
        Err(error) => ContainerFacts::Unreachable(chain(&error)),
        Ok(daemon) => {
            let mut images = Vec::new();
            for image in [&settings.neo4j_image, &settings.eventstore_image] {
                images.push((image.clone(), daemon.image(image).await));
            }
            ContainerFacts::Daemon { version: daemon.version().to_owned(), images }
        }
    }
}

async fn embedded() -> Found {
    match Embedded.start().await {
        Ok(engines) => {
            engines.stop().await;
            Found::Yes("answers inside this process".to_owned())
        }
        Err(error) => Found::No(chain(&error)),
    }
}

/// Asks a program for its version.
async fn version(program: &str, flag: &str) -> Found {
    let mut command = Command::new(program);
    command.arg(flag).stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(VERSION_WITHIN, command.output()).await {
        Err(_) => Found::No(format!("`{program}` does not say its version")),
        Ok(Err(error)) => Found::No(format!("`{program}` cannot be run: {error}")),
        Ok(Ok(output)) => {
            let said = [output.stdout, output.stderr].concat();
            match first_version(&String::from_utf8_lossy(&said)) {
                Some(version) => Found::Yes(version),
                None => Found::No(format!("`{program}` does not say its version")),
            }
        }
    }
}

/// Returns the first word that is a version, such as `17.0.15` in `openjdk version "17.0.15" 2025-04-15`.
fn first_version(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || c == '"' || c.is_control());
    let is_version = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_digit())
            && word.chars().all(|c| c.is_alphanumeric() || "._-+".contains(c))
    };
    words.into_iter().find(is_version).map(str::to_owned)
}

fn jars() -> Found {
    match cache_folder(|name| std::env::var_os(name)) {
        Err(error) => Found::No(error.to_string()),
        Ok(cache) => {
            let folder = Installation::folder_in(&cache);
            let is_there = folder.is_dir();
            let folder = folder.display().to_string();
            if is_there { Found::Yes(folder) } else { Found::No(folder) }
        }
    }
}

/// Reads how much memory programs can have, where the operating system says so in a file.
fn memory_mib() -> Option<u64> {
    available_mib(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn available_mib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib >> 10)
}

/// Asks how much space is where run folders are made, or will be.
async fn disk_mib(runs: &Path) -> Option<u64> {
    let absolute = std::path::absolute(runs).ok()?;
    let there = absolute.ancestors().find(|folder| folder.is_dir())?;
    let output = Command::new("df").arg("-Pk").arg(there).stdin(Stdio::null()).output().await.ok()?;
    free_mib(&String::from_utf8_lossy(&output.stdout))
}

/// Reads the fourth column of the second line of `df -Pk`.
fn free_mib(df: &str) -> Option<u64> {
    df.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok().map(|kib| kib >> 10)
}

/// Asks every server that was named what it is, and whether a run may begin.
async fn existing(settings: &ExternalSettings) -> ExternalFacts {
    let mut facts = ExternalFacts::default();
    if settings.is_empty() {
        return facts;
    }
    if let Some(store) = &settings.store {
        let answer = match describe_store(store).await {
            Ok(version) => Found::Yes(format!("EventStoreDB {version}")),
            Err(error) => Found::No(chain(&error)),
        };
        facts.servers.push(ServerFacts { what: "event store", address: store.address.to_string(), answer });
    }
    for (&what, server) in &settings.graphs {
        let answer = match describe_graph(what, server).await {
            Ok(found) => {
                let access = if found.is_writable { "takes writes" } else { "read only" };
                let (version, edition) = (&found.version, &found.edition);
                Found::Yes(format!("Neo4j {version}, {edition}, database {}, {access}", found.database))
            }
            Err(error) => Found::No(chain(&error)),
        };
        facts.servers.push(ServerFacts { what, address: server.address.to_string(), answer });
    }
    let may_begin = async { External::new(settings.clone()).map_err(ExternalError::from)?.check().await };
    facts.refusal =
        may_begin.await.err().map(|error| Refusal { reason: chain(&error), remedy: error.hint() });
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_a_program_says() {
        for (said, version) in [
            ("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime", "17.0.15"),
            ("java version \"1.8.0_292\"", "1.8.0_292"),
            ("javac 21\n", "21"),
            ("\u{1b}[1mApache Maven 3.8.7\u{1b}[m\nMaven home: /usr", "3.8.7"),
        ] {
            assert_eq!(first_version(said).as_deref(), Some(version), "{said}");
        }
        assert_eq!(first_version("not today"), None);
    }

    #[test]
    fn memory_and_space_are_read_in_mebibytes() {
        assert_eq!(available_mib("MemTotal: 9 kB\nMemAvailable:   2048000 kB\n"), Some(2_000));
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 9 9 4194304 5% /\n";
        assert_eq!(free_mib(df), Some(4_096));
        assert_eq!((available_mib(""), free_mib("")), (None, None));
    }
}
