//! Stream metadata, and what they leave visible.

use std::sync::Arc;
use std::time::Duration;

use cutover_engines::event_log::eventstoredb::Timestamp;
use cutover_engines::event_log::eventstoredb::grpc::{ManualClock, Options};
use eventstore::{
    AppendToStreamOptions, Error, ExpectedRevision, ReadStreamOptions, StreamMetadataBuilder, StreamPosition,
};

use crate::support::{revisions_of, server, server_with};

#[tokio::test]
async fn c22_only_the_newest_metadata_are_read() {
    let server = server().await;
    for count in 1..=3 {
        let metadata = StreamMetadataBuilder::new().max_count(count).build();
        server.client.set_stream_metadata("s", &Default::default(), &metadata).await.unwrap();
    }

    let read = server.client.get_stream_metadata("s", &ReadStreamOptions::default()).await.unwrap();

    let eventstore::StreamMetadataResult::Success(newest) = read else { panic!("{read:?}") };
    assert_eq!((newest.version(), newest.metadata().max_count), (2, Some(3)));
    assert_eq!(server.revisions("$$s").await.unwrap(), [2]);
}

#[tokio::test]
async fn c22_stream_without_metadata_has_none() {
    let server = server().await;
    let read = server.client.get_stream_metadata("s", &ReadStreamOptions::default()).await.unwrap();
    assert!(read.is_not_found(), "{read:?}");
}

#[tokio::test]
async fn c22_metadata_at_an_unexpected_revision_are_refused() {
    let server = server().await;
    let options = AppendToStreamOptions::default().expected_revision(ExpectedRevision::Exact(3));
    let metadata = StreamMetadataBuilder::new().build();
    let refused = server.client.set_stream_metadata("s", &options, &metadata).await.unwrap_err();
    assert!(matches!(refused, Error::WrongExpectedVersion { .. }), "{refused:?}");
}

#[tokio::test]
async fn c23_max_count_leaves_the_newest_visible_and_can_be_changed_both_ways() {
    let server = server().await;
    server.fill("s", 5).await;
    for (max_count, visible) in [(3, 2..5), (4, 1..5), (2, 3..5)] {
        server.set_metadata("s", serde_json::json!({"$maxCount": max_count})).await;
        let forwards: Vec<u64> = visible.collect();
        assert_eq!(server.revisions("s").await.unwrap(), forwards);
        let options = ReadStreamOptions::default().backwards().position(StreamPosition::End);
        let mut backwards = revisions_of(&server.read("s", &options).await.unwrap());
        backwards.reverse();
        assert_eq!(backwards, forwards);
    }
}

#[tokio::test]
async fn max_age_hides_events_after_so_many_seconds() {
    let clock = Arc::new(ManualClock::new(Timestamp::since_unix_epoch(Duration::from_secs(1_000_000))));
    let server = server_with(Options { clock: clock.clone(), ..Options::default() }).await;
    server.set_metadata("s", serde_json::json!({"$maxAge": 10})).await;
    server.fill("s", 2).await;
    clock.advance(Duration::from_secs(6));
    server.fill("s", 1).await;
    assert_eq!(server.revisions("s").await.unwrap(), [0, 1, 2]);

    clock.advance(Duration::from_secs(5));
    assert_eq!(server.revisions("s").await.unwrap(), [2]);

    clock.advance(Duration::from_secs(6));
    let messages = server.read("s", &ReadStreamOptions::default()).await.unwrap();
    assert!(revisions_of(&messages).is_empty(), "all expired, yet the stream is there: {messages:?}");
}
