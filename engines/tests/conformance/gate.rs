//! The gate through which faults are injected: what it refuses never happened, what it loses did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cutover_engines::event_log::eventstoredb::grpc::{Call, Gate, Options, Refusal};
use eventstore::{Error, ExpectedRevision};
use tonic::Code;

use crate::support::{events, server_with};

/// Refuses, or loses the answer of, the next append.
#[derive(Debug, Default)]
struct OneFault {
    refuse: AtomicBool,
    lose: AtomicBool,
}

impl Gate for OneFault {
    fn before(&self, call: Call<'_>) -> Result<(), Refusal> {
        let hit = call == Call::Append("s") && self.refuse.swap(false, Ordering::SeqCst);
        if hit { Err(Refusal::TooBusy) } else { Ok(()) }
    }

    fn after(&self, call: Call<'_>) -> Result<(), Refusal> {
        let hit = call == Call::Append("s") && self.lose.swap(false, Ordering::SeqCst);
        if hit { Err(Refusal::TimedOut) } else { Ok(()) }
    }
}

#[tokio::test]
async fn refused_append_has_no_effect() {
    let gate = Arc::new(OneFault { refuse: AtomicBool::new(true), ..OneFault::default() });
    let server = server_with(Options { gate, ..Options::default() }).await;

    let refused = server.append("s", ExpectedRevision::NoStream, events(0..1)).await.unwrap_err();

    assert!(matches!(refused, Error::ServerError(_)), "{refused:?}");
    server.handle.store().read(|store, _| assert!(store.streams().get("s").is_none()));
}

#[tokio::test]
async fn append_whose_answer_is_lost_is_recognised_when_it_is_repeated() {
    let gate = Arc::new(OneFault { lose: AtomicBool::new(true), ..OneFault::default() });
    let server = server_with(Options { gate, ..Options::default() }).await;

    let lost = server.append("s", ExpectedRevision::NoStream, events(0..2)).await.unwrap_err();
    let again = server.append("s", ExpectedRevision::NoStream, events(0..2)).await.unwrap();

    assert!(matches!(lost, Error::Grpc { code: Code::Aborted, .. }), "{lost:?}");
    assert_eq!(again.next_expected_version, 1);
    assert_eq!(server.revisions("s").await.unwrap(), [0, 1]);
}
