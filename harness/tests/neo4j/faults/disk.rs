//! A disk that is full: the run pauses, parks nothing, and goes on when there is space again.
//!
//! The disk is a tmpfs, which takes the right to mount. Where that is missing the test fails and says so: a fault that was
//! not tried must not look like one that was survived.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::proxy::Proxy;
use super::{History, OwnServer, PLENTY, graph_at};

/// A small disk, mounted for as long as this lives.
struct Disk {
    at: PathBuf,
}

impl Disk {
    fn mount(at: &Path, mib: u64) -> Self {
        run("mount", &["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"], at);
        Self { at: at.to_owned() }
    }

    /// Leaves no more than a page of free space.
    fn fill_up(&self) {
        let output = Command::new("df").args(["--output=used", "-k"]).arg(&self.at).output().expect("df");
        let text = String::from_utf8_lossy(&output.stdout);
        let used_kib: u64 = text.lines().last().and_then(|line| line.trim().parse().ok()).expect("a number");
        self.resize(&format!("size={}k", used_kib + 4));
    }

    fn resize(&self, size: &str) {
        run("mount", &["-o", &format!("remount,{size}")], &self.at);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The server that writes there ends a little later than this: the mount goes when it has.
        drop(Command::new("umount").arg("--lazy").arg(&self.at).status());
    }
}

#[track_caller]
fn run(program: &str, arguments: &[&str], at: &Path) {
    let output = Command::new(program).args(arguments).arg(at).output().expect("a program that can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "this test needs the right to mount a small disk (run it as root, or leave it out by name): {said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_pauses_the_run_and_parks_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::mount(folder.path(), 512);
    let data = tempfile::tempdir_in(folder.path()).expect("a folder");
    let history = History::of("disk");
    let mut server = OwnServer::start_in(data, &[]).await;
    let proxy = Proxy::before(server.address()).await;
    let graph = graph_at(proxy.address(), PLENTY);
    let run = history.project(graph.clone(), history.settings());
    let moment = proxy.passed().bytes + 100_000;
    proxy.until(|passed| passed.bytes >= moment).await;
    disk.fill_up();

    // Each attempt that fails gives its connection up.
    let connections = proxy.passed().connections + 3;
    proxy.until(|passed| passed.connections >= connections).await;
    assert!(!run.is_finished(), "the run has ended: {:?}", run.await);
    disk.resize("size=512m");
    // A server that could not write its log takes no more transactions until it is started anew.
    server.kill().await;
    server.start_again(&[]).await;
    let report = run.await.expect("no panic").expect("a run that goes on");
    history.check_whole(&[report], &*graph).await;
}
