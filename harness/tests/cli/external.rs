//! `--engines external` up to where it needs a Neo4j server: what is refused, what is said, and what is never shown.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use cutover_core::ids::StreamName;
use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::event_log::{
    EventLog, EventStoreDb, ExpectedRevision, GroupId, GroupSettings, NewEvent,
};
use cutover_harness::exit_code;
use uuid::Uuid;

use crate::common::{Sandbox, check};

/// What no output may hold.
const PASSWORD: &str = "hush-77001";

/// An event store that was there before the run.
struct Existing {
    runtime: tokio::runtime::Runtime,
    server: Option<EmbeddedEventStore>,
    url: String,
}

impl Existing {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let start = EmbeddedEventStore::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let server = runtime.block_on(start).expect("an event store");
        let url = server.connection_string();
        Self { runtime, server: Some(server), url }
    }

    fn client(&self) -> EventStoreDb {
        EventStoreDb::new(&self.url).expect("a connection string")
    }

    /// Runs on graphs that nobody serves: what the store has to say comes first.
    fn transcript(&self, sandbox: &Sandbox) -> String {
        let nobody = format!("bolt://{}", nobody());
        let arguments = ["readiness", "--engines", "external", "--eventstore-url", &self.url, "--seed", "1"];
        let others =
            ["--direct-url", &nobody, "--projected-url", &format!("{nobody}/2"), "--transcripts", "mine"];
        sandbox
            .transcript(&[&arguments[..], &others].concat())
            .replace(&self.url, "STORE")
            .replace(&nobody, "NOBODY")
    }
}

impl Drop for Existing {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.shutdown());
        }
    }
}

/// Returns an address at which nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a free port")
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.txt", "CC: Roger.\n");
    sandbox
}

#[test]
fn a_server_that_was_not_named_is_missed_by_its_flag() {
    let arguments = ["run", "dual-write", "--engines", "external", "--direct-url", "bolt://one"];
    check("external_missing_url", &sandbox().transcript(&arguments));
}

#[test]
fn a_url_of_something_else_is_a_usage_error_that_shows_no_password() {
    let url = format!("http://me:{PASSWORD}@db:7474");
    let transcript = sandbox().transcript(&["list", "--direct-url", &url]);
    let (command, said) = transcript.split_once('\n').expect("lines");
    assert!(command.contains(PASSWORD) && !said.contains(PASSWORD), "{said}");
    check("external_no_address", said);
}

#[test]
fn to_erase_what_is_not_used_is_a_usage_error() {
    let arguments = ["list", "--direct-url", "bolt://one:7687", "--erase", "direct=bolt://one"];
    check("external_erase_of_another", &sandbox().transcript(&arguments));
}

#[test]
fn a_store_that_holds_sentences_is_refused_before_anything_is_written() {
    let (sandbox, existing) = (sandbox(), Existing::new());
    let event = NewEvent {
        id: Uuid::from_u128(1),
        event_type: "SentenceCreated".into(),
        data: b"{}".to_vec(),
        metadata: b"{}".to_vec(),
    };
    let stream = StreamName::new("Sentence-1");
    let append = async { existing.client().append(&stream, ExpectedRevision::NoStream, vec![event]).await };
    existing.runtime.block_on(append).expect("an append");
    check("external_store_in_use", &existing.transcript(&sandbox));
    assert!(!sandbox.path().join("runs/latest").exists(), "nothing is kept of a run that did not begin");
}

#[test]
fn a_store_that_somebody_follows_is_refused() {
    let (sandbox, existing) = (sandbox(), Existing::new());
    let group =
        GroupId { stream: StreamName::new("$ce-Interview"), group: "neo4j-projection-interview-v1".into() };
    let make = async { existing.client().ensure_group(&group, &GroupSettings::default()).await };
    existing.runtime.block_on(make).expect("a group");
    check("external_store_followed", &existing.transcript(&sandbox));
}

#[test]
fn a_graph_that_nobody_serves_is_an_environment_that_is_not_ready() {
    let (sandbox, existing) = (sandbox(), Existing::new());
    let transcript = existing.transcript(&sandbox);
    assert!(transcript.contains(&format!("[exit code {}]", exit_code::ENVIRONMENT)), "{transcript}");
    assert!(transcript.contains("the server of the graph `direct` at NOBODY cannot be used"), "{transcript}");
    assert!(transcript.contains("hint: "), "{transcript}");
}

#[test]
fn no_output_of_a_run_that_fails_shows_a_password() {
    let (sandbox, existing) = (sandbox(), Existing::new());
    let nobody = nobody();
    let store = existing.url.replace("://", &format!("://admin:{PASSWORD}@"));
    sandbox.write("accounts.toml", format!("[direct]\nuser = \"me\"\npassword = \"{PASSWORD}\"\n"));
    for arguments in [vec!["readiness"], vec!["doctor"], vec!["doctor", "--format", "json"]] {
        let output = sandbox
            .cutover(&arguments)
            .args(["--engines", "external", "--credentials", "accounts.toml", "--transcripts", "mine"])
            .env("CUTOVER_EVENTSTORE_URL", &store)
            .env("CUTOVER_DIRECT_URL", format!("bolt://{nobody}"))
            .env("CUTOVER_PROJECTED_URL", format!("neo4j://me:{PASSWORD}@{nobody}"))
            .env("CUTOVER_REBUILT_PASSWORD", PASSWORD)
            .env("RUST_LOG", "trace")
            .output()
            .expect("the command runs");
        assert_eq!(output.status.code(), Some(i32::from(exit_code::ENVIRONMENT)), "{output:?}");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("bolt://127.0.0.1"), "{said}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn a_credentials_file_with_a_mistake_is_not_quoted() {
    let sandbox = sandbox();
    sandbox.write("accounts.toml", format!("[direct]\npassword = {PASSWORD}\n"));
    let transcript = sandbox.transcript(&["list", "--credentials", "accounts.toml"]);
    assert!(!transcript.contains(PASSWORD), "{transcript}");
    check("external_credentials_no_toml", &transcript);
}
