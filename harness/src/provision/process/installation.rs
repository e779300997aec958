//! Neo4j's jars in the user's cache folder: fetched once by Maven, with the launcher compiled beside them.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The long-term release that runs on a JDK of version 17 or later.
const NEO4J_VERSION: &str = "5.26.18";
/// Changes with the launcher, so that a cache folder of another version of this program is not taken for ours.
const LAYOUT: &str = "4";

const LAUNCHER: &str = include_str!("Launcher.java");
const POM: &str = include_str!("pom.xml");

/// Why there are no jars.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A program that is needed is not on the `PATH`.
    #[error("`{tool}` cannot be run")]
    ToolMissing {
        /// The program.
        tool: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A program failed.
    #[error("`{tool}` failed while it should {doing}: {said}")]
    ToolFailed {
        /// The program.
        tool: &'static str,
        /// What it should have done.
        doing: &'static str,
        /// The end of what it said.
        said: String,
    },
    /// The cache folder cannot be used.
    #[error("the cache folder `{folder}` cannot be used")]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no folder for caches.
    #[error("there is no cache folder: none of CUTOVER_CACHE, XDG_CACHE_HOME and HOME is set")]
    NoCacheFolder,
}

impl InstallError {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::ToolMissing { .. } => {
                "install a JDK of version 17 or later and Maven, or leave out `--engines process`"
            }
            Self::ToolFailed { .. } => {
                "see whether Maven reaches its repository; the jars are fetched once and kept"
            }
            Self::Cache { .. } | Self::NoCacheFolder => {
                "name a folder that can be written to with CUTOVER_CACHE"
            }
        }
    }
}

/// Jars and launcher, ready to run.
#[derive(Debug, Clone)]
pub struct Installation {
    folder: PathBuf,
}

impl Installation {
    /// Returns the folder of the installation within the cache folder, whether it is there or not.
    pub fn folder_in(cache: &Path) -> PathBuf {
        cache.join(format!("neo4j-{NEO4J_VERSION}-{LAYOUT}"))
    }

    /// Finds the installation in the cache folder, or makes it: that takes ten seconds to a minute, and the network.
    ///
    /// # Errors
    ///
    /// Fails when Maven or a JDK is missing, or the jars cannot be fetched.
    pub fn ensure(cache: &Path) -> Result<Self, InstallError> {
        let folder = Self::folder_in(cache);
        if folder.is_dir() {
            return Ok(Self { folder });
        }
        let unusable = |source| InstallError::Cache { folder: cache.to_owned(), source };
        fs::create_dir_all(cache).map_err(unusable)?;
        // Made aside and renamed when it is whole: a killed attempt leaves nothing that looks like an installation.
        let draft = tempfile::Builder::new().prefix("neo4j-").tempdir_in(cache).map_err(unusable)?;
        fetch(draft.path()).map_err(|error| match error {
            Fetch::Io(source) => unusable(source),
            Fetch::Tool(error) => error,
        })?;
        match fs::rename(draft.path(), &folder) {
            Ok(()) => {
                // It no longer stands where it was made: nothing is left to remove.
                let _ = draft.keep();
            }
            // Another process was faster: its jars are as good as ours.
            Err(_) if folder.is_dir() => {}
            Err(source) => return Err(unusable(source)),
        }
        Ok(Self { folder })
    }

    /// Returns the class path that the launcher runs with.
    pub fn class_path(&self) -> String {
        format!("{}:{}", self.folder.join("lib/*").display(), self.folder.join("launcher").display())
    }
}

/// Returns the folder in which this program keeps what it fetched.
///
/// # Errors
///
/// Fails when the environment names none.
pub fn cache_folder(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<PathBuf, InstallError> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("CUTOVER_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("cutover")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/cutover")))
        .ok_or(InstallError::NoCacheFolder)
}

enum Fetch {
    Io(io::Error),
    Tool(InstallError),
}

impl From<io::Error> for Fetch {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<InstallError> for Fetch {
    fn from(error: InstallError) -> Self {
        Self::Tool(error)
    }
}

fn fetch(folder: &Path) -> Result<(), Fetch> {
    fs::write(folder.join("pom.xml"), POM.replace("NEO4J_VERSION", NEO4J_VERSION))?;
    fs::write(folder.join("Launcher.java"), LAUNCHER)?;
    let copy =
        ["-B", "-q", "dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime"];
    run("mvn", "fetch Neo4j's jars", folder, copy)?;
    run("javac", "compile the launcher", folder, ["-cp", "lib/*", "-d", "launcher", "Launcher.java"])?;
    Ok(())
}

fn run(
    tool: &'static str,
    doing: &'static str,
    folder: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<(), InstallError> {
    let output = Command::new(tool)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| InstallError::ToolMissing { tool, source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<_> = said.lines().collect();
    let said = lines[lines.len().saturating_sub(5)..].join("; ");
    Err(InstallError::ToolFailed { tool, doing, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(set: &[(&str, &str)]) -> Option<PathBuf> {
        cache_folder(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())).ok()
    }

    #[test]
    fn the_most_particular_variable_names_the_cache_folder() {
        let all = [("CUTOVER_CACHE", "/c"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(folder(&all), Some("/c".into()));
        assert_eq!(folder(&all[1..]), Some("/x/cutover".into()));
        assert_eq!(folder(&all[2..]), Some("/h/.cache/cutover".into()));
        assert_eq!(folder(&[("HOME", "")]), None);
    }

    #[test]
    fn a_tool_that_fails_is_quoted() {
        let error = run("sh", "fail", Path::new("/"), ["-c", "echo no luck >&2; exit 3"]).unwrap_err();
        assert_eq!(error.to_string(), "`sh` failed while it should fail: no luck");
    }

    #[test]
    fn a_tool_that_is_not_there_is_named() {
        let error = run("no-such-tool", "fail", Path::new("/"), ["x"]).unwrap_err();
        assert_eq!(error.to_string(), "`no-such-tool` cannot be run");
    }
}
