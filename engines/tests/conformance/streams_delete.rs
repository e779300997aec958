//! Soft deletion and tombstones.

use cutover_engines::event_log::eventstoredb::grpc::wire::Empty;
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::append_req::options::ExpectedStreamRevision;
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::append_resp::{self, success};
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::{DeleteReq, delete_req};
use eventstore::{DeleteStreamOptions, Error, ExpectedRevision, ReadStreamOptions, TombstoneStreamOptions};
use tonic::Code;

use crate::support::{Server, events, proposed, server, stream_identifier, trailer};

use ExpectedRevision::{Any, Exact, NoStream, StreamExists};

async fn delete(server: &Server, stream: &str, expected: ExpectedRevision) -> eventstore::Result<()> {
    let options = DeleteStreamOptions::default().expected_revision(expected);
    server.client.delete_stream(stream, &options).await.map(|position| {
        assert!(position.is_some(), "a deletion has a position");
    })
}

async fn tombstone(server: &Server, stream: &str, expected: ExpectedRevision) -> eventstore::Result<()> {
    let options = TombstoneStreamOptions::default().expected_revision(expected);
    server.client.tombstone_stream(stream, &options).await.map(|position| {
        assert!(position.is_some(), "a tombstone has a position");
    })
}

async fn newest_metadata(server: &Server, stream: &str) -> (u64, serde_json::Value) {
    let metadata = server.resolved(&format!("$${stream}")).await;
    let [newest] = metadata.as_slice() else { panic!("{metadata:?} is one event") };
    let newest = newest.get_original_event();
    (newest.revision, newest.as_json().unwrap())
}

#[track_caller]
fn assert_wrong(refused: Error, actual: i64) {
    match refused {
        Error::Grpc { code: Code::FailedPrecondition, message } => {
            assert!(message.contains("WrongExpectedVersion"), "{message}");
            assert!(message.ends_with(&format!("Actual version: {actual}")), "{message}");
        }
        other => panic!("{other:?} is no wrong expected revision"),
    }
}

#[track_caller]
fn assert_deleted<T: std::fmt::Debug>(result: eventstore::Result<T>) {
    assert!(matches!(result, Err(Error::ResourceDeleted)), "{result:?}");
}

/// A stream of two events that is softly deleted.
async fn server_with_deleted() -> Server {
    let server = server().await;
    server.append("s", NoStream, events(0..2)).await.unwrap();
    delete(&server, "s", Any).await.unwrap();
    server
}

#[tokio::test]
async fn c16_softly_deleted_stream_is_not_found_and_says_so_in_its_metadata() {
    let server = server_with_deleted().await;
    let missing = server.read("s", &ReadStreamOptions::default()).await.unwrap_err();
    assert!(matches!(missing, Error::ResourceNotFound), "{missing:?}");
    assert_eq!(newest_metadata(&server, "s").await, (0, serde_json::json!({"$tb": i64::MAX})));
}

async fn check_recreation(expected: ExpectedRevision) {
    let server = server_with_deleted().await;
    let appended = server.append("s", expected, events(10..13)).await.unwrap();
    assert_eq!(appended.next_expected_version, 4);
    assert_eq!(server.revisions("s").await.unwrap(), [2, 3, 4]);
    assert_eq!(newest_metadata(&server, "s").await, (1, serde_json::json!({"$tb": 2})));
    let refused = server.append("s", NoStream, events(20..21)).await.unwrap_err();
    assert!(matches!(refused, Error::WrongExpectedVersion { .. }), "{refused:?}");
}

#[tokio::test]
async fn c17_append_of_any_revision_brings_the_stream_back() {
    check_recreation(Any).await;
}

#[tokio::test]
async fn c17_append_to_no_stream_brings_the_stream_back() {
    check_recreation(NoStream).await;
}

#[tokio::test]
async fn c17_append_at_the_old_revision_brings_the_stream_back() {
    check_recreation(Exact(1)).await;
}

#[tokio::test]
async fn c17_append_at_another_revision_does_not() {
    let server = server_with_deleted().await;
    for expected in [Exact(0), Exact(2)] {
        let refused = server.append("s", expected, events(10..11)).await.unwrap_err();
        assert!(matches!(refused, Error::WrongExpectedVersion { .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn c17_metadata_written_by_hand_bring_the_stream_back_with_their_keys() {
    let server = server_with_deleted().await;
    server.set_metadata("s", serde_json::json!({"own": 1, "$maxCount": 5})).await;
    let (revision, metadata) = newest_metadata(&server, "s").await;
    assert_eq!((revision, metadata), (2, serde_json::json!({"own": 1, "$maxCount": 5, "$tb": 2})));
}

#[tokio::test]
async fn c18_known_event_does_not_bring_the_stream_back() {
    let mut server = server().await;
    let no_stream = || ExpectedStreamRevision::NoStream(Empty {});
    server.append_raw("s", no_stream(), vec![proposed(0, 10)]).await.unwrap();
    delete(&server, "s", Any).await.unwrap();

    let answer = server.append_raw("s", no_stream(), vec![proposed(0, 10)]).await.unwrap();

    let Some(append_resp::Result::Success(told)) = answer.result else { panic!("{answer:?}") };
    assert_eq!(told.current_revision_option, Some(success::CurrentRevisionOption::CurrentRevision(0)));
    assert_eq!(told.position_option, Some(success::PositionOption::NoPosition(Empty {})));
    let missing = server.read("s", &ReadStreamOptions::default()).await.unwrap_err();
    assert!(matches!(missing, Error::ResourceNotFound), "{missing:?}");
}

#[tokio::test]
async fn c19_missing_stream_cannot_be_deleted_whatever_is_expected() {
    let server = server().await;
    for expected in [Any, NoStream, StreamExists, Exact(0)] {
        assert_wrong(delete(&server, "none", expected).await.unwrap_err(), -1);
    }
}

#[tokio::test]
async fn c19_refused_deletion_names_stream_and_revisions_in_its_trailers() {
    let mut server = server().await;
    let options = delete_req::Options {
        stream_identifier: Some(stream_identifier("größe")),
        expected_stream_revision: Some(delete_req::options::ExpectedStreamRevision::Any(Empty {})),
    };

    let refused = server.raw.delete(DeleteReq { options: Some(options) }).await.unwrap_err();

    assert_eq!(trailer(&refused, "exception"), "wrong-expected-version");
    assert_eq!(trailer(&refused, "stream-name"), "gr%C3%B6%C3%9Fe");
    assert_eq!((trailer(&refused, "expected-version"), trailer(&refused, "actual-version")), ("-2", "-1"));
    assert!(refused.message().contains("Stream: größe, Expected version: -2, Actual version: -1"));
}

#[tokio::test]
async fn c19_stream_with_metadata_only_can_be_deleted() {
    let server = server().await;
    server.set_metadata("s", serde_json::json!({"own": 1})).await;
    delete(&server, "s", Any).await.unwrap();
}

#[tokio::test]
async fn c20_deleted_stream_can_be_deleted_again_where_it_ended() {
    let server = server_with_deleted().await;
    delete(&server, "s", Exact(1)).await.unwrap();
    delete(&server, "s", Any).await.unwrap();
    assert_wrong(delete(&server, "s", Exact(0)).await.unwrap_err(), 1);
    assert_deleted(delete(&server, "s", StreamExists).await);
}

#[tokio::test]
async fn c20_live_stream_is_not_deleted_where_none_was_expected() {
    let server = server().await;
    server.fill("s", 1).await;
    assert_wrong(delete(&server, "s", NoStream).await.unwrap_err(), 0);
}

#[tokio::test]
async fn c21_tombstoned_stream_refuses_everything_at_the_call() {
    let server = server().await;
    server.fill("s", 1).await;
    tombstone(&server, "s", Any).await.unwrap();

    assert_deleted(server.client.read_stream("s", &ReadStreamOptions::default()).await.map(|_| ()));
    assert_deleted(server.append("s", Any, events(0..1)).await);
    assert_deleted(tombstone(&server, "s", Any).await);
    assert_deleted(delete(&server, "s", Any).await);
    assert_deleted(server.client.get_stream_metadata("s", &ReadStreamOptions::default()).await.map(|_| ()));
}

#[tokio::test]
async fn c21_metadata_of_a_tombstoned_stream_can_still_be_written() {
    let server = server().await;
    tombstone(&server, "s", NoStream).await.unwrap();
    server.set_metadata("s", serde_json::json!({"own": 1})).await;
}

#[tokio::test]
async fn c21_tombstone_keeps_a_name_from_ever_being_used() {
    let server = server().await;
    for (stream, expected) in [("a", Any), ("b", NoStream)] {
        tombstone(&server, stream, expected).await.unwrap();
        assert_deleted(server.append(stream, NoStream, events(0..1)).await);
    }
    for expected in [StreamExists, Exact(0)] {
        assert_wrong(tombstone(&server, "c", expected).await.unwrap_err(), -1);
    }
}

#[tokio::test]
async fn c21_softly_deleted_stream_can_be_tombstoned() {
    let server = server_with_deleted().await;
    tombstone(&server, "s", Exact(1)).await.unwrap();
    assert_deleted(server.client.read_stream("s", &ReadStreamOptions::default()).await.map(|_| ()));
}
