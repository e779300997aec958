//! The folder that a run leaves behind: `<runs>/<UTC time>-<seed>/`, and `<runs>/latest` that leads to the newest one.
//!
//! The folder is made before anything runs, so that a run is not lost because its result cannot be kept. A file in it
//! is there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::macros::format_description;

use crate::seed::Seed;

/// The file that holds the result of a run.
pub const RESULT_FILE: &str = "result.json";

/// The file that holds the certificate of a run.
pub const CERTIFICATE_FILE: &str = "certificate.json";

/// The file that holds it for CI systems, as JUnit XML.
pub const JUNIT_FILE: &str = "junit.xml";

/// The file that holds it for the summary page of a CI system.
pub const MARKDOWN_FILE: &str = "report.md";

/// The file that holds it for people, as a page for the browser.
pub const HTML_FILE: &str = "report.html";

/// The link that leads to the newest run.
pub const LATEST: &str = "latest";

/// What could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to the run folder {}", path.display())]
pub struct RunFolderError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Writes a file, whole or not at all; one that was there stays until then.
///
/// # Errors
///
/// When the disk refuses.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let draft = path.with_file_name(format!(".{}.draft", name.to_string_lossy()));
    File::create(&draft)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&draft, path))
        // The draft may not even exist; what matters is that the name stays free.
        .inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// The folder of one run. Dropped while nothing was kept in it, it goes away again.
#[derive(Debug)]
pub struct RunFolder {
    root: PathBuf,
    name: String,
}

impl RunFolder {
    /// Makes the folder of a run that begins at `now`, and tries whether files can be written to it. A folder of that
    /// name that is there already (two runs of one seed within a second) is not touched: a number is appended.
    ///
    /// # Errors
    ///
    /// [`RunFolderError`] when there can be no such folder, or no file in it.
    pub fn create(root: &Path, now: OffsetDateTime, seed: Seed) -> Result<Self, RunFolderError> {
        let failed = |path: &Path, source| RunFolderError { path: path.to_owned(), source };
        fs::create_dir_all(root).map_err(|source| failed(root, source))?;
        let latest = root.join(LATEST);
        if fs::symlink_metadata(&latest).is_ok_and(|found| found.is_dir()) {
            return Err(failed(&latest, io::ErrorKind::IsADirectory.into()));
        }
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let time = now
            .to_offset(time::UtcOffset::UTC)
            .format(format)
            .map_err(|error| failed(root, io::Error::other(error)))?;
        let mut name = format!("{time}-{seed}");
        for twin in 2.. {
            match fs::create_dir(root.join(&name)) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    name = format!("{time}-{seed}-{twin}")
                }
                Err(source) => return Err(failed(&root.join(&name), source)),
            }
        }
        let folder = Self { root: root.to_owned(), name };
        let probe = folder.path().join(".probe");
        File::create_new(&probe)
            .and_then(|_| fs::remove_file(&probe))
            .map_err(|source| failed(&probe, source))?;
        Ok(folder)
    }

    /// Returns where it is.
    pub fn path(&self) -> PathBuf {
        self.root.join(&self.name)
    }

    /// Writes a file, whole or not at all, and makes `latest` lead here. Returns where the file is.
    ///
    /// # Errors
    ///
    /// [`RunFolderError`] when the disk refuses. There is no half-written file then.
    pub fn keep(&self, file: &str, bytes: &[u8]) -> Result<PathBuf, RunFolderError> {
        let path = self.put(file, bytes)?;
        self.link().map_err(|source| RunFolderError { path: self.root.join(LATEST), source })?;
        Ok(path)
    }

    /// Writes a file, whole or not at all, of a run that has not come to its end: `latest` stays where it is.
    ///
    /// # Errors
    ///
    /// As those of [`RunFolder::keep`].
    pub fn put(&self, file: &str, bytes: &[u8]) -> Result<PathBuf, RunFolderError> {
        let path = self.path().join(file);
        let failed = |source| RunFolderError { path: path.clone(), source };
        write_whole(&path, bytes).map_err(failed)?;
        Ok(path)
    }

    /// Removes a file that is of no use any more. That it is not there, or stays, does no harm.
    pub fn discard(&self, file: &str) {
        drop(fs::remove_file(self.path().join(file)));
    }

    /// Replaces `latest` in one step: whoever follows it meanwhile comes to one run or to the other.
    #[cfg(unix)]
    fn link(&self) -> io::Result<()> {
        let draft = self.root.join(format!(".latest-{}", self.name));
        std::os::unix::fs::symlink(&self.name, &draft)?;
        fs::rename(&draft, self.root.join(LATEST)).inspect_err(|_| drop(fs::remove_file(&draft)))
    }

    /// Where links need a privilege, `latest` is a file that names the folder.
    #[cfg(not(unix))]
    fn link(&self) -> io::Result<()> {
        fs::write(self.root.join(LATEST), &self.name)
    }
}

/// Returns where the result of the newest run is.
pub fn latest_result(root: &Path) -> PathBuf {
    let latest = root.join(LATEST);
    // Where links need a privilege, it is a file that names the folder.
    match fs::read_to_string(&latest) {
        Ok(name) => root.join(name).join(RESULT_FILE),
        Err(_) => latest.join(RESULT_FILE),
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // Removes an empty folder only; one with a result stays.
        drop(fs::remove_dir(self.path()));
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2024-05-01 10:00:00 UTC);

    #[test]
    fn a_result_is_found_under_its_time_and_seed_and_through_latest() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = RunFolder::create(root.path(), NOW, Seed::new(7301)).expect("a run folder");
        folder.keep(RESULT_FILE, b"{}").expect("a result");
        drop(folder);
        let kept = root.path().join("20240501T100000Z-7301/result.json");
        assert_eq!(fs::read(kept).expect("the result"), b"{}");
        assert_eq!(fs::read(root.path().join("latest/result.json")).expect("the link"), b"{}");
    }

    #[test]
    fn latest_follows_the_newest_run() {
        let root = tempfile::tempdir().expect("a folder");
        for (seed, text) in [(1, "one"), (2, "two")] {
            let folder = RunFolder::create(root.path(), NOW, Seed::new(seed)).expect("a run folder");
            folder.keep(RESULT_FILE, text.as_bytes()).expect("a result");
        }
        assert_eq!(fs::read(root.path().join("latest/result.json")).expect("the link"), b"two");
    }

    #[test]
    fn a_second_run_of_one_second_does_not_touch_the_first() {
        let root = tempfile::tempdir().expect("a folder");
        let first = RunFolder::create(root.path(), NOW, Seed::new(1)).expect("a run folder");
        let second = RunFolder::create(root.path(), NOW, Seed::new(1)).expect("a run folder");
        assert_ne!(first.path(), second.path());
    }

    #[test]
    fn a_run_that_was_broken_off_leaves_nothing() {
        let root = tempfile::tempdir().expect("a folder");
        drop(RunFolder::create(root.path(), NOW, Seed::new(1)).expect("a run folder"));
        assert_eq!(fs::read_dir(root.path()).expect("the root").count(), 0);
    }

    #[test]
    fn a_folder_in_the_place_of_the_link_is_refused_before_anything_runs() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir(root.path().join(LATEST)).expect("a folder");
        let error = RunFolder::create(root.path(), NOW, Seed::new(1)).expect_err("there can be no link");
        assert_eq!(error.path, root.path().join(LATEST));
        assert_eq!(fs::read_dir(root.path()).expect("the root").count(), 1);
    }

    #[test]
    fn a_root_that_is_a_file_is_refused() {
        let root = tempfile::NamedTempFile::new().expect("a file");
        assert!(RunFolder::create(root.path(), NOW, Seed::new(1)).is_err());
    }
}
