//! The streams that the system projections write.

use eventstore::{EventData, ExpectedRevision, ResolvedEvent, StreamPosition, SubscribeToStreamOptions};

use crate::support::{Server, event, history, next_event, server};

/// Returns the data of the links in a stream.
async fn links(server: &Server, stream: &str) -> Vec<String> {
    let options = eventstore::ReadStreamOptions::default().max_count(1_000);
    let mut reading = server.client.read_stream(stream, &options).await.unwrap();
    let mut links = Vec::new();
    while let Some(event) = reading.next().await.unwrap() {
        let link = event.get_original_event();
        assert_eq!((link.event_type.as_str(), link.is_json), ("$>", false));
        links.push(String::from_utf8(link.data.to_vec()).unwrap());
    }
    links
}

fn cause(event: &ResolvedEvent) -> serde_json::Value {
    serde_json::from_slice(&event.link.as_ref().unwrap().custom_metadata).unwrap()
}

#[tokio::test]
async fn c32_every_event_is_linked_into_its_category() {
    let server = server().await;
    server.fill("cat1-stream1", 11).await;
    server.fill("cat1-a-b", 1).await;
    server.fill("uncategorised", 1).await;
    server.fill("-", 1).await;

    let mut expected: Vec<_> = (0..11).map(|revision| format!("{revision}@cat1-stream1")).collect();
    expected.push("0@cat1-a-b".to_owned());
    assert_eq!(links(&server, "$ce-cat1").await, expected);
    let missing = server.revisions("$ce-").await.unwrap_err();
    assert!(matches!(missing, eventstore::Error::ResourceNotFound), "{missing:?}");
}

#[tokio::test]
async fn c32_link_says_which_event_caused_it() {
    let server = server().await;
    let correlated = event(7).metadata_as_json(&serde_json::json!({"$correlationId": "abc"})).unwrap();
    server.append("cat1-s", ExpectedRevision::Any, vec![correlated]).await.unwrap();

    let read = server.resolved("$ce-cat1").await;

    let target = read[0].event.as_ref().unwrap();
    assert_eq!((target.stream_id.as_str(), target.revision), ("cat1-s", 0));
    let cause = cause(&read[0]);
    assert_eq!(cause["$o"], "cat1-s");
    assert_eq!(cause["$c"], target.position.commit);
    assert_eq!(cause["$p"], target.position.prepare);
    assert_eq!(cause["$causedBy"], target.id.to_string());
    assert_eq!(cause["$correlationId"], "abc");
    assert_ne!(read[0].link.as_ref().unwrap().id, target.id);
    assert_eq!(links(&server, "$bc-abc").await, ["0@cat1-s"]);
}

#[tokio::test]
async fn c32_link_in_a_category_is_copied_not_linked() {
    let server = server().await;
    server.fill("cat1-s", 11).await;
    let link = EventData::binary("$>", b"10@cat1-s".as_slice().into());
    server.append("cat2-s", ExpectedRevision::Any, vec![link]).await.unwrap();
    assert_eq!(links(&server, "$ce-cat2").await, ["10@cat1-s"]);
}

#[tokio::test]
async fn c32_metadata_are_not_linked_but_deletions_are() {
    let server = server().await;
    server.fill("cat4-stream4", 1).await;
    server.set_metadata("cat4-stream4", serde_json::json!({"own": 1})).await;
    server.client.delete_stream("cat4-stream4", &Default::default()).await.unwrap();
    server.fill("cat5-stream5", 1).await;
    server.client.tombstone_stream("cat5-stream5", &Default::default()).await.unwrap();

    assert_eq!(links(&server, "$ce-cat4").await, ["0@cat4-stream4", "1@$$cat4-stream4"]);
    let tombstone = format!("{}@cat5-stream5", i64::MAX);
    assert_eq!(links(&server, "$ce-cat5").await, ["0@cat5-stream5", tombstone.as_str()]);
    for (stream, origin) in [("$ce-cat4", "cat4-stream4"), ("$ce-cat5", "cat5-stream5")] {
        let read = server.resolved(stream).await;
        assert!(read[0].event.is_none(), "the event was deleted");
        let cause = cause(&read[1]);
        assert_eq!((&cause["$o"], &cause["$deleted"]), (&origin.into(), &(-1).into()));
    }
}

#[tokio::test]
async fn c32_category_is_followed_live_with_its_events() {
    let server = server().await;
    server.fill("cat-1", 1).await;
    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start).resolve_link_tos();
    let mut subscription = server.client.subscribe_to_stream("$ce-cat", &options).await;
    assert_eq!(history(&mut subscription).await.unwrap().len(), 1);

    server.fill("other-1", 1).await;
    server.fill("cat-2", 1).await;

    let followed = next_event(&mut subscription).await.unwrap();
    assert_eq!(followed.event.unwrap().stream_id, "cat-2");
    assert_eq!(followed.link.unwrap().revision, 1);
}

#[tokio::test]
async fn event_types_and_streams_are_indexed() {
    let server = server().await;
    server.fill("a", 2).await;
    server.set_metadata("a", serde_json::json!({"own": 1})).await;
    server.client.delete_stream("a", &Default::default()).await.unwrap();

    assert_eq!(links(&server, "$et-Tested").await, ["0@a", "1@a"]);
    assert_eq!(links(&server, "$et-$metadata").await, ["0@a"]);
    assert_eq!(links(&server, "$et-$deleted").await, ["1@a"]);
    let streams = links(&server, "$streams").await;
    for link in ["0@a", "0@$$a", "0@$et-Tested", "0@$streams"] {
        assert_eq!(streams.iter().filter(|found| *found == link).count(), 1, "{link} in {streams:?}");
    }
}

#[tokio::test]
async fn streams_of_a_category_are_named() {
    let server = server().await;
    server.fill("cat-1", 2).await;
    server.fill("cat-2", 1).await;

    let read = server.resolved("$category-cat").await;

    let named: Vec<_> = read
        .iter()
        .map(|event| {
            let reference = event.get_original_event();
            (reference.event_type.as_str(), std::str::from_utf8(&reference.data).unwrap())
        })
        .collect();
    assert_eq!(named, [("$@", "cat-1"), ("$@", "cat-2")]);
}

#[tokio::test]
async fn event_that_claims_to_be_json_and_is_not_is_projected_nowhere() {
    let server = server().await;
    let mut raw = server.raw.clone();
    let metadata = [("type", "Broken"), ("content-type", "application/json")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    use cutover_engines::event_log::eventstoredb::grpc::wire::Empty;
    use cutover_engines::event_log::eventstoredb::grpc::wire::streams::{AppendReq, append_req};
    let contents = [
        append_req::Content::Options(append_req::Options {
            stream_identifier: Some(crate::support::stream_identifier("cat-broken")),
            expected_stream_revision: Some(append_req::options::ExpectedStreamRevision::Any(Empty {})),
        }),
        append_req::Content::ProposedMessage(append_req::ProposedMessage {
            id: Some(crate::support::wire_id(crate::support::id(1))),
            metadata,
            data: b"{".as_slice().into(),
            ..Default::default()
        }),
    ];
    let messages = contents.map(|content| AppendReq { content: Some(content) });
    raw.append(tokio_stream::iter(messages)).await.unwrap();
    let binary = EventData::binary("Binary", b"{".as_slice().into());
    server.append("cat-binary", ExpectedRevision::Any, vec![binary]).await.unwrap();

    assert_eq!(links(&server, "$ce-cat").await, ["0@cat-binary"]);
}
