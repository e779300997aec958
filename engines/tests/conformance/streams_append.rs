//! Appending: expected revisions, repeated appends, limits, batches.

use cutover_engines::event_log::eventstoredb::grpc::wire::google::rpc;
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::append_req::options::ExpectedStreamRevision;
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::append_resp::{self, success};
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::batch_append_req::options::{
    DeadlineOption, ExpectedStreamPosition,
};
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::{
    AppendReq, BatchAppendReq, BatchAppendResp, append_req, batch_append_req, batch_append_resp,
};
use cutover_engines::event_log::eventstoredb::grpc::wire::{self, Empty};
use eventstore::{BatchAppendOptions, CurrentRevision, Error, ExpectedRevision, ReadStreamOptions};
use prost::Message as _;
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::support::{
    PATIENCE, Server, event, events, id, proposed, server, soon, stream_identifier, system_metadata, trailer,
    wire_id,
};

use ExpectedRevision::{Any, Exact, NoStream, StreamExists};

#[track_caller]
fn assert_wrong(refused: Error, expected: ExpectedRevision, current: CurrentRevision) {
    match refused {
        Error::WrongExpectedVersion { expected: told, current: at } => {
            assert_eq!((told, at), (expected, current));
        }
        other => panic!("{other:?} is no wrong expected revision"),
    }
}

/// Appends events 0 to 5 one by one, each at the revision that it expects.
async fn server_with_six_events() -> Server {
    let server = server().await;
    server.append("s", NoStream, events(0..1)).await.unwrap();
    for number in 1..6_u128 {
        server.append("s", Exact(number as u64 - 1), vec![event(number)]).await.unwrap();
    }
    server
}

async fn last_revision(server: &Server) -> u64 {
    *server.revisions("s").await.unwrap().last().unwrap()
}

#[tokio::test]
async fn c02_append_tells_the_last_revision_and_one_position() {
    let server = server().await;

    let appended = server.append("s", Any, events(0..3)).await.unwrap();

    assert_eq!(appended.next_expected_version, 2);
    assert_eq!(appended.position.commit, appended.position.prepare);
    let read = server.resolved("s").await;
    assert_eq!(read[2].get_original_event().position, appended.position);
    assert!(read[0].get_original_event().position < read[1].get_original_event().position);
}

#[tokio::test]
async fn c09_first_event_again_adds_nothing() {
    let server = server_with_six_events().await;
    server.append("s", NoStream, events(0..1)).await.unwrap();
    server.append("s", Any, events(0..1)).await.unwrap();
    assert_eq!(last_revision(&server).await, 5);
}

#[tokio::test]
async fn c10_known_event_at_the_end_is_written_again() {
    let server = server_with_six_events().await;
    let appended = server.append("s", Exact(5), events(0..1)).await.unwrap();
    assert_eq!(appended.next_expected_version, 6);
    assert_eq!(last_revision(&server).await, 6);
}

#[tokio::test]
async fn c10_known_event_elsewhere_is_refused() {
    let server = server_with_six_events().await;
    for expected in [Exact(6), Exact(4)] {
        let refused = server.append("s", expected, events(0..1)).await.unwrap_err();
        assert_wrong(refused, expected, CurrentRevision::Current(5));
    }
    assert_eq!(last_revision(&server).await, 5);
}

#[tokio::test]
async fn c11_part_of_a_write_again_is_recognised_by_any_expectation() {
    let server = server().await;
    let written = server.append("s", NoStream, events(0..2)).await.unwrap();
    for (expected, again, revision) in
        [(NoStream, 0..1, 0), (Any, 0..1, 0), (Exact(0), 1..2, 1), (Any, 1..2, 1)]
    {
        let appended = server.append("s", expected, events(again)).await.unwrap();
        assert_eq!(appended.next_expected_version, revision, "{expected:?}");
        assert_eq!(appended.position == written.position, revision == 1);
    }
    assert_eq!(server.revisions("s").await.unwrap(), [0, 1]);
}

#[tokio::test]
async fn c12_longer_write_over_a_known_one_is_refused() {
    let server = server().await;
    server.append("s", NoStream, events(0..2)).await.unwrap();

    let refused = server.append("s", NoStream, events(0..3)).await.unwrap_err();

    assert_wrong(refused, NoStream, CurrentRevision::Current(1));
    assert_eq!(server.revisions("s").await.unwrap(), [0, 1]);
}

#[tokio::test]
async fn c13_one_id_six_times_is_found_at_its_first_place() {
    let server = server().await;
    let six = || vec![event(0); 6];
    assert_eq!(server.append("s", Any, six()).await.unwrap().next_expected_version, 5);
    assert_eq!(server.append("s", Any, six()).await.unwrap().next_expected_version, 0);
    assert_eq!(server.revisions("s").await.unwrap().len(), 6);
}

#[tokio::test]
async fn c13_one_id_six_times_is_found_where_it_was_expected() {
    let server = server().await;
    let six = || vec![event(0); 6];
    assert_eq!(server.append("s", NoStream, six()).await.unwrap().next_expected_version, 5);
    assert_eq!(server.append("s", NoStream, six()).await.unwrap().next_expected_version, 5);
    assert_eq!(server.revisions("s").await.unwrap().len(), 6);
}

#[tokio::test]
async fn c14_append_of_nothing_succeeds_and_makes_no_stream() {
    let mut server = server().await;
    for expected in [ExpectedStreamRevision::Any(Empty {}), ExpectedStreamRevision::NoStream(Empty {})] {
        let answer = server.append_raw("s", expected, Vec::new()).await.unwrap();
        let Some(append_resp::Result::Success(success)) = answer.result else { panic!("{answer:?}") };
        assert_eq!(success.current_revision_option, Some(success::CurrentRevisionOption::NoStream(Empty {})));
        assert_eq!(success.position_option, Some(success::PositionOption::NoPosition(Empty {})));
    }
    let missing = server.read("s", &ReadStreamOptions::default()).await.unwrap_err();
    assert!(matches!(missing, Error::ResourceNotFound), "{missing:?}");
}

#[tokio::test]
async fn c15_stream_without_anything_does_not_exist() {
    let server = server().await;
    let refused = server.append("s", StreamExists, events(0..1)).await.unwrap_err();
    assert_wrong(refused, StreamExists, CurrentRevision::NoStream);
}

#[tokio::test]
async fn c15_stream_with_metadata_only_exists() {
    let server = server().await;
    server.set_metadata("s", serde_json::json!({"own": 1})).await;
    let appended = server.append("s", StreamExists, events(0..1)).await.unwrap();
    assert_eq!(appended.next_expected_version, 0);
}

#[tokio::test]
async fn c15_deleted_stream_does_not_exist_however_it_was_deleted() {
    let server = server().await;
    for stream in ["softly", "for-good"] {
        server.fill(stream, 1).await;
    }
    server.client.delete_stream("softly", &Default::default()).await.unwrap();
    server.client.tombstone_stream("for-good", &Default::default()).await.unwrap();
    for stream in ["softly", "for-good"] {
        let refused = server.append(stream, StreamExists, events(0..1)).await.unwrap_err();
        assert!(matches!(refused, Error::ResourceDeleted), "{stream}: {refused:?}");
    }
}

#[tokio::test]
async fn c26_append_over_the_limit_is_refused_with_the_limit() {
    let mut server = server().await;
    let limit = 1_048_576;
    let any = || ExpectedStreamRevision::Any(Empty {});

    let refused =
        server.append_raw("s", any(), vec![proposed(0, limit - 9), proposed(1, 10)]).await.unwrap_err();

    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(trailer(&refused, "exception"), "maximum-append-size-exceeded");
    assert_eq!(trailer(&refused, "maximum-append-size"), "1048576");
    let missing = server.read("s", &ReadStreamOptions::default()).await.unwrap_err();
    assert!(matches!(missing, Error::ResourceNotFound), "nothing was written: {missing:?}");
    server.append_raw("s", any(), vec![proposed(0, limit - 10), proposed(1, 10)]).await.unwrap();
}

#[tokio::test]
async fn append_over_the_limit_is_refused_before_its_end() {
    let mut server = server().await;
    let options = append_req::Options {
        stream_identifier: Some(stream_identifier("s")),
        expected_stream_revision: Some(ExpectedStreamRevision::Any(Empty {})),
    };
    let parts = [
        append_req::Content::Options(options),
        append_req::Content::ProposedMessage(proposed(0, 600_000)),
        append_req::Content::ProposedMessage(proposed(1, 600_000)),
    ];
    let parts = parts.map(|content| AppendReq { content: Some(content) });

    let without_end = tokio_stream::iter(parts).chain(tokio_stream::pending());
    let refused = soon(tokio::time::timeout(PATIENCE, server.raw.append(without_end)).await).unwrap_err();

    assert_eq!(trailer(&refused, "exception"), "maximum-append-size-exceeded");
}

#[tokio::test]
async fn message_over_16_mib_less_10_000_bytes_is_not_even_received() {
    let mut server = server().await;
    let limit = 16 * 1024 * 1024 - 10_000;
    let content = append_req::Content::ProposedMessage(proposed(0, limit));
    let around = AppendReq { content: Some(content) }.encoded_len() - limit;
    let mut refusal = async |bytes| {
        let any = ExpectedStreamRevision::Any(Empty {});
        server.append_raw("s", any, vec![proposed(0, bytes)]).await.unwrap_err().code()
    };
    assert_eq!(
        refusal(limit - around).await,
        Code::InvalidArgument,
        "it is too large an append, and no more"
    );
    assert_eq!(refusal(limit - around + 1).await, Code::OutOfRange);
}

#[tokio::test]
async fn c27_three_batches_of_the_official_client_succeed() {
    let server = server().await;
    let batches = server.client.batch_append(&BatchAppendOptions::default()).await.unwrap();
    for (number, stream) in ["a", "b", "a"].into_iter().enumerate() {
        let first = number as u128 * 3;
        let written = batches.append_to_stream(stream, Any, events(first..first + 3)).await.unwrap();
        assert_eq!(written.stream_name(), stream);
        assert_eq!(written.current_revision(), Some(if number == 2 { 5 } else { 2 }));
        assert!(written.current_position().is_some());
    }
}

/// Sends batches in one call, and returns the answers.
async fn batch(server: &mut Server, parts: Vec<BatchAppendReq>) -> Vec<BatchAppendResp> {
    let mut answers = server.raw.batch_append(tokio_stream::iter(parts)).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        all.push(answer);
    }
    all
}

/// A batch of one event in one part.
fn one_part(number: u128, stream: &str, expected: ExpectedStreamPosition) -> BatchAppendReq {
    BatchAppendReq {
        correlation_id: Some(wire_id(id(number))),
        options: Some(batch_append_req::Options {
            stream_identifier: Some(stream_identifier(stream)),
            expected_stream_position: Some(expected),
            deadline_option: None,
        }),
        proposed_messages: vec![batch_append_req::ProposedMessage {
            id: Some(wire_id(id(number))),
            metadata: system_metadata("T"),
            ..Default::default()
        }],
        is_final: true,
    }
}

#[track_caller]
fn failure(answer: &BatchAppendResp) -> &rpc::Status {
    match &answer.result {
        Some(batch_append_resp::Result::Error(status)) => status,
        other => panic!("{other:?} is no failure"),
    }
}

#[tokio::test]
async fn c27_batch_whose_deadline_is_zero_times_out_under_its_correlation_id() {
    let mut server = server().await;
    let mut late = one_part(1, "late", ExpectedStreamPosition::Any(()));
    late.options.as_mut().unwrap().deadline_option =
        Some(DeadlineOption::Deadline(prost_types::Duration { seconds: 0, nanos: 0 }));
    let in_time = one_part(2, "in-time", ExpectedStreamPosition::Any(()));

    let answers = batch(&mut server, vec![late, in_time]).await;

    assert_eq!(answers[0].correlation_id, Some(wire_id(id(1))));
    assert_eq!(answers[0].stream_identifier, Some(stream_identifier("late")));
    assert_eq!((failure(&answers[0]).code, failure(&answers[0]).message.as_str()), (4, "Timeout"));
    assert_eq!(answers[1].correlation_id, Some(wire_id(id(2))));
    assert!(matches!(answers[1].result, Some(batch_append_resp::Result::Success(_))));
}

#[tokio::test]
async fn batch_failures_have_codes_of_their_own() {
    let mut server = server().await;
    server.client.tombstone_stream("gone", &Default::default()).await.unwrap();
    let mut nameless = one_part(3, "", ExpectedStreamPosition::Any(()));
    nameless.options.as_mut().unwrap().stream_identifier = None;
    let mut untyped = one_part(4, "s", ExpectedStreamPosition::Any(()));
    untyped.proposed_messages[0].metadata.clear();
    let mut large = one_part(5, "s", ExpectedStreamPosition::Any(()));
    large.proposed_messages[0].data = vec![0; 1_048_577].into();
    let parts = vec![
        one_part(1, "s", ExpectedStreamPosition::StreamPosition(7)),
        one_part(2, "gone", ExpectedStreamPosition::Any(())),
        nameless,
        untyped,
        large,
    ];

    let answers = batch(&mut server, parts).await;

    let told: Vec<_> =
        answers.iter().map(|answer| (failure(answer).code, failure(answer).message.as_str())).collect();
    assert_eq!(
        told,
        [
            (6, "WrongExpectedVersion"),
            (5, "StreamDeleted"),
            (3, "BadRequest"),
            (3, "BadRequest"),
            (3, "MaximumAppendSizeExceeded"),
        ]
    );
    let detail = failure(&answers[0]).details.as_ref().unwrap();
    assert_eq!(detail.type_url, "type.googleapis.com/event_store.client.WrongExpectedVersion");
    let detail = wire::WrongExpectedVersion::decode(detail.value.as_slice()).unwrap();
    use wire::wrong_expected_version::{CurrentStreamRevisionOption, ExpectedStreamPositionOption};
    assert_eq!(
        (detail.current_stream_revision_option, detail.expected_stream_position_option),
        (
            Some(CurrentStreamRevisionOption::CurrentNoStream(())),
            Some(ExpectedStreamPositionOption::ExpectedStreamPosition(7))
        )
    );
}

#[tokio::test]
async fn batch_in_several_parts_is_committed_by_the_final_one() {
    let mut server = server().await;
    let mut first = one_part(1, "s", ExpectedStreamPosition::NoStream(()));
    first.is_final = false;
    let other = one_part(2, "other", ExpectedStreamPosition::Any(()));
    let mut last = one_part(3, "ignored", ExpectedStreamPosition::Any(()));
    last.correlation_id = first.correlation_id.clone();
    last.options = None;

    let answers = batch(&mut server, vec![first, other, last]).await;

    assert_eq!(answers[0].stream_identifier, Some(stream_identifier("other")));
    assert_eq!(answers[1].stream_identifier, Some(stream_identifier("s")));
    assert_eq!(server.revisions("s").await.unwrap(), [0, 1]);
}

#[tokio::test]
async fn event_without_type_is_refused_with_what_is_required() {
    let mut server = server().await;
    let mut untyped = proposed(0, 10);
    untyped.metadata.remove("type");

    let any = ExpectedStreamRevision::Any(Empty {});
    let refused = server.append_raw("s", any, vec![untyped]).await.unwrap_err();

    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(refused.message(), "Required Metadata Property 'type' is missing");
    assert_eq!(trailer(&refused, "exception"), "missing-required-metadata-property");
    assert_eq!(trailer(&refused, "required-metadata-properties"), "type,content-type");
}

#[tokio::test]
async fn event_with_the_zero_id_fails_as_a_handler_that_throws() {
    let mut server = server().await;
    let mut nameless = proposed(0, 10);
    nameless.id = Some(wire_id(uuid::Uuid::nil()));

    let any = ExpectedStreamRevision::Any(Empty {});
    let refused = server.append_raw("s", any, vec![nameless]).await.unwrap_err();

    assert_eq!((refused.code(), refused.message()), (Code::Unknown, "Exception was thrown by handler."));
}
