//! `cutover eventstore` from the outside.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use cutover_harness::exit_code;

use crate::common::{Sandbox, check};

/// A server that is killed when the test is over, however it ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start() -> (Server, String) {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("cutover"))
        .args(["eventstore", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("stdout is a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("the server says that it is ready");
    (Server(child), line)
}

#[test]
fn a_port_in_use_is_named_with_a_remedy() {
    let sandbox = Sandbox::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it has an address").to_string();
    let transcript = sandbox.transcript(&["eventstore", "--listen", &address]);
    // The number is that of one operating system.
    let transcript = transcript.replace(" (os error 98)", "").replace(" (os error 48)", "");
    check("eventstore_port_in_use", &transcript.replace(&address, "127.0.0.1:PORT."));
}

#[test]
fn the_first_line_of_the_server_says_where_it_is() {
    let (_server, line) = start();
    assert!(line.starts_with("ready: esdb://127.0.0.1:"), "{line}");
    assert!(line.contains("?tls=false"), "{line}");
}

#[cfg(unix)]
#[test]
fn sigterm_ends_the_server_well() {
    let (mut server, _) = start();
    let killed = Command::new("kill").arg(server.0.id().to_string()).status().expect("kill runs");
    assert!(killed.success());
    let status = server.0.wait().expect("the server ends");
    assert_eq!(status.code(), Some(i32::from(exit_code::PASS)));
}
