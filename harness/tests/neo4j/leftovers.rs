//! What a run leaves behind when it is killed at any moment, interrupted, or panics: no server, and no data of one.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cutover_harness::provision::process::{Installation, Server, ServerSettings, cache_folder};
use tempfile::TempDir;

/// How long to wait for what must come; much longer than it takes.
const DEADLINE: Duration = Duration::from_secs(600);
/// How long nobody looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Waits for something that must come.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        // A loop without a pause would take half of a small machine from what it waits for.
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Returns the process ids of servers whose data is below a folder.
pub(crate) fn servers_below(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().expect("a path that is text");
    let processes = std::fs::read_dir("/proc").expect("a list of processes");
    let line_of = |entry: &std::fs::DirEntry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).into_owned()
    };
    processes
        .filter_map(Result::ok)
        .filter(|entry| {
            let line = line_of(entry);
            line.contains("Launcher") && line.contains(folder)
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Returns the folders in which servers keep their data.
fn homes_below(runs: &Path) -> Vec<PathBuf> {
    let below = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        entries
            .map(|entry| entry.path())
            .filter(|path| path.is_dir() && !path.is_symlink())
            .collect::<Vec<_>>()
    };
    below(runs).iter().flat_map(|run| below(run)).collect()
}

struct Sandbox(TempDir);

impl Sandbox {
    fn runs(&self) -> PathBuf {
        self.0.path().join("runs")
    }

    /// Starts a run on real servers.
    fn start(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_cutover"))
            .args(["run", "replay-from-zero", "--engines", "process", "--seed", "7301"])
            .current_dir(self.0.path())
            // Servers that run for seconds: what it takes to compile for speed is not won back.
            .env("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program")
    }
}

#[test]
fn a_run_that_was_killed_leaves_nothing_behind_at_the_next_start() {
    let sandbox = Sandbox(tempfile::tempdir().expect("a folder"));
    let runs = sandbox.runs();
    // What a crash of the whole machine leaves: data that no process owns.
    let orphan = runs.join("20240501T100000Z-1").join("neo4j-direct");
    std::fs::create_dir_all(orphan.join("data")).expect("a folder");
    std::fs::write(orphan.with_file_name("neo4j-direct.lock"), "").expect("a file");

    let is_written_to = |home: &PathBuf| {
        let log = std::fs::metadata(home.join("data/transactions/neo4j/neostore.transaction.db.0"));
        log.is_ok_and(|file| file.len() > 100_000)
    };
    type Moment<'a> = (&'a str, &'a dyn Fn(&[PathBuf]) -> bool);
    let moments: [Moment<'_>; 2] = [
        ("a server that begins to start", &|homes| !homes.is_empty()),
        ("a server that is written to", &|homes| homes.iter().any(is_written_to)),
    ];
    let mut before = vec![orphan];
    for (what, has_come) in moments {
        let mut run = sandbox.start();
        let homes = wait_for(what, || {
            let homes: Vec<_> =
                homes_below(&runs).into_iter().filter(|home| !before.contains(home)).collect();
            has_come(&homes).then_some(homes)
        });
        for home in &before {
            assert!(!home.exists(), "{} is still there when the next run has servers", home.display());
            assert!(servers_below(home).is_empty(), "the server in {} still runs", home.display());
        }
        run.kill().expect("a run that is killed");
        run.wait().expect("a run that was killed");
        before = homes;
    }

    // The last one is interrupted: it cleans up before it ends.
    let mut run = sandbox.start();
    wait_for("a server", || homes_below(&runs).iter().any(|home| !before.contains(home)).then_some(()));
    let pid = rustix::process::Pid::from_child(&run);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal that is sent");
    let status = run.wait().expect("a run that ends");
    assert_eq!(status.code(), Some(130), "the exit code of an interrupted run");
    assert_eq!(homes_below(&runs), Vec::<PathBuf>::new(), "data of servers");
    assert_eq!(servers_below(&runs), Vec::<String>::new(), "servers");
}

#[test]
fn a_panic_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, log) = (folder.path().join("home"), folder.path().join("log"));
    let at = home.clone();
    let outcome = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let cache = cache_folder(|name| std::env::var_os(name)).expect("a cache folder");
            let installation = Installation::ensure(&cache).expect("Neo4j's jars");
            let settings = ServerSettings { heap_mib: 256, page_cache_mib: 32, ..ServerSettings::default() };
            let _server = Server::start(&installation, &settings, &at, 0, &log).await.expect("a server");
            assert_eq!(servers_below(&at).len(), 1, "one server runs");
            panic!("a defect");
        });
    })
    .join();
    assert_eq!(outcome.unwrap_err().downcast_ref::<&str>(), Some(&"a defect"));
    assert!(!home.exists(), "the data is still there");
    assert_eq!(servers_below(&home), Vec::<String>::new());
}
