//! The folder in which a server keeps its data, and what becomes of it when whoever made it is gone.
//!
//! Its owner holds a lock on a file beside it, which is there before the folder and goes after it. The operating system lets go of
//! the lock when the owner ends, however it ends: so [`sweep`] can tell a folder that somebody uses from one that was left
//! behind, and needs no process id to be right.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the name of the file ends with that the owner of a folder holds a lock on.
const LOCK: &str = ".lock";
/// The file that the server is configured with.
const CONFIGURATION: &str = "neo4j.conf";
/// How long a server that was killed may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// How often a server that was killed is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A folder for a server's data. It is removed when this is dropped, unless it is to be kept.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    /// Open, and so locked, for as long as this lives.
    _lock: File,
    is_kept: bool,
}

impl Home {
    /// Makes a folder, or takes one that is there and belongs to nobody, with the data in it. A folder that was there is
    /// kept unless [`Home::remove_when_dropped`] says otherwise.
    pub(super) fn take(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let was_there = path.exists();
        if ownership(&path)? == Ownership::Owned {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let lock_path = lock_of(&path);
        fs::create_dir_all(lock_path.parent().unwrap_or(Path::new("/")))?;
        // Locked first and named then: there is no moment in which it looks like one that was left behind.
        let draft = lock_path.with_extension(format!("{}.draft", std::process::id()));
        let lock = File::create(&draft)?;
        lock.try_lock().map_err(io::Error::from)?;
        fs::rename(&draft, &lock_path)?;
        fs::create_dir_all(&path)?;
        Ok(Self { path, _lock: lock, is_kept: was_there })
    }

    /// Returns where it is, as an absolute path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what the server is configured with.
    pub(super) fn configure(&self, text: &str) -> io::Result<()> {
        fs::write(self.path.join(CONFIGURATION), text)
    }

    /// Has the data outlive this.
    pub(super) fn keep(&mut self) {
        self.is_kept = true;
    }

    /// Has the data removed with this.
    pub(super) fn remove_when_dropped(&mut self) {
        self.is_kept = false;
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now is swept up by whoever starts next.
            if fs::remove_dir_all(&self.path).is_ok() {
                drop(fs::remove_file(lock_of(&self.path)));
            }
        }
    }
}

/// Ends servers whose owners are gone, and removes their folders: those within the folders of runs in `runs`. What belongs to a
/// process that lives is not touched. Returns the folders that were removed.
///
/// # Errors
///
/// Fails when a server that was left behind does not end, or a folder cannot be removed.
pub fn sweep(runs: &Path) -> io::Result<Vec<PathBuf>> {
    end_servers(runs)?;
    let mut swept = Vec::new();
    for run in entries_of(runs)?.into_iter().filter(|entry| entry.is_dir() && !entry.is_symlink()) {
        for home in entries_of(&run)?.iter().filter_map(|entry| home_of(entry)) {
            if ownership(&home)? == Ownership::LeftBehind {
                match fs::remove_dir_all(&home) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                match fs::remove_file(lock_of(&home)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => swept.push(home),
                }
            }
        }
    }
    Ok(swept)
}

/// Lists what is in a folder, in order; nothing where there is no folder.
fn entries_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Returns the file that the owner of a folder holds a lock on.
fn lock_of(home: &Path) -> PathBuf {
    let mut lock = home.as_os_str().to_owned();
    lock.push(LOCK);
    lock.into()
}

/// Returns the folder that a lock is for, if it is one.
fn home_of(lock: &Path) -> Option<PathBuf> {
    lock.to_str()?.strip_suffix(LOCK).map(PathBuf::from)
}

/// Whose a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ownership {
    /// Somebody's who lives.
    Owned,
    /// Somebody's who is gone.
    LeftBehind,
    /// No server's.
    Foreign,
}

fn ownership(home: &Path) -> io::Result<Ownership> {
    let lock = match File::open(lock_of(home)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ownership::Foreign),
        lock => lock?,
    };
    match lock.try_lock() {
        Ok(()) => Ok(Ownership::LeftBehind),
        Err(TryLockError::WouldBlock) => Ok(Ownership::Owned),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Ends the servers below a folder whose owners are gone. They end by themselves once their lifeline breaks; this is for those
/// that have not come to it yet, or are about to remove their data.
#[cfg(target_os = "linux")]
fn end_servers(runs: &Path) -> io::Result<()> {
    let runs = std::path::absolute(runs)?;
    let deadline = Instant::now() + GONE_WITHIN;
    loop {
        let mut left = Vec::new();
        for (server, home) in servers_below(&runs)? {
            // An owner makes the folder before it starts the server, and lets go of it afterwards.
            if ownership(&home)? != Ownership::Owned {
                left.push((server, home));
            }
        }
        let Some((_, home)) = left.first() else { return Ok(()) };
        if Instant::now() > deadline {
            let text = format!("the server in `{}` does not end", home.display());
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        for (server, _) in left {
            match rustix::process::kill_process(server, rustix::process::Signal::KILL) {
                Err(rustix::io::Errno::SRCH) | Ok(()) => {}
                Err(error) => return Err(error.into()),
            }
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Where processes cannot be listed, the lifeline alone ends servers.
#[cfg(not(target_os = "linux"))]
fn end_servers(_runs: &Path) -> io::Result<()> {
    Ok(())
}

/// Lists the processes whose command line is that of a server below a folder, with their own folders.
#[cfg(target_os = "linux")]
fn servers_below(runs: &Path) -> io::Result<Vec<(rustix::process::Pid, PathBuf)>> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let mut servers = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        // A process that has ended meanwhile has no command line to be read, one that nobody has waited for an empty one.
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw)
            && let Ok(line) = fs::read(entry.path().join("cmdline"))
        {
            let words: Vec<_> = line.split(|byte| *byte == 0).filter(|word| !word.is_empty()).collect();
            if let [.., b"Launcher", home] = words[..]
                && let home = Path::new(OsStr::from_bytes(home))
                && home.starts_with(runs)
            {
                servers.push((pid, home.to_owned()));
            }
        }
    }
    Ok(servers)
}

/// Waits until a process that was killed has ended; `has_ended` asks for it.
pub(super) fn wait_for_end(mut has_ended: impl FnMut() -> bool) {
    let deadline = Instant::now() + GONE_WITHIN;
    while !has_ended() && Instant::now() < deadline {
        std::thread::sleep(LOOK_AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home_in(runs: &Path) -> PathBuf {
        runs.join("20240501T100000Z-1").join("neo4j-direct")
    }

    #[test]
    fn a_folder_whose_owner_lives_is_not_swept() {
        let runs = tempfile::tempdir().expect("a folder");
        let home = Home::take(&home_in(runs.path())).expect("a home");
        assert_eq!(sweep(runs.path()).expect("a sweep"), Vec::<PathBuf>::new());
        assert!(home.path().exists());
    }

    #[test]
    fn a_folder_whose_owner_is_gone_is_swept_and_nothing_else_is() {
        let runs = tempfile::tempdir().expect("a folder");
        let path = home_in(runs.path());
        let mut home = Home::take(&path).expect("a home");
        home.keep();
        drop(home);
        let result = path.with_file_name("result.json");
        let other = path.with_file_name("mine");
        fs::write(&result, "{}").expect("a file");
        fs::create_dir(&other).expect("a folder");
        assert_eq!(sweep(runs.path()).expect("a sweep"), [path.as_path()]);
        assert!(!path.exists() && result.exists() && other.exists());
    }

    #[test]
    fn an_owner_that_was_killed_before_it_had_a_folder_leaves_nothing() {
        let runs = tempfile::tempdir().expect("a folder");
        let path = home_in(runs.path());
        fs::create_dir_all(path.parent().expect("a run's folder")).expect("a folder");
        fs::write(lock_of(&path), "").expect("a file");
        assert_eq!(sweep(runs.path()).expect("a sweep"), [path.as_path()]);
        assert_eq!(
            entries_of(path.parent().expect("a run's folder")).expect("a list"),
            Vec::<PathBuf>::new()
        );
    }

    #[test]
    fn a_folder_that_somebody_uses_is_not_taken() {
        let runs = tempfile::tempdir().expect("a folder");
        let path = home_in(runs.path());
        let _home = Home::take(&path).expect("a home");
        assert_eq!(Home::take(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_new_folder_goes_with_its_owner_and_one_that_was_there_stays() {
        let runs = tempfile::tempdir().expect("a folder");
        let path = home_in(runs.path());
        drop(Home::take(&path).expect("a home"));
        assert!(!path.exists() && !lock_of(&path).exists());
        fs::create_dir_all(&path).expect("a folder");
        drop(Home::take(&path).expect("a home"));
        assert!(path.exists());
    }

    #[test]
    fn no_runs_are_nothing_to_sweep() {
        let runs = tempfile::tempdir().expect("a folder");
        assert_eq!(sweep(&runs.path().join("none")).expect("a sweep"), Vec::<PathBuf>::new());
    }
}
