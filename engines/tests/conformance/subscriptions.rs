//! Catch-up subscriptions to streams and to `$all`.

use std::time::Duration;

use cutover_engines::event_log::eventstoredb::Settings;
use cutover_engines::event_log::eventstoredb::grpc::wire::Empty;
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::read_req::options::filter_options::{
    Expression, Filter, Window,
};
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::read_req::options::{
    AllOptions, CountOption, FilterOption, FilterOptions, StreamOption, all_options::AllOption,
};
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::read_resp::Content;
use cutover_engines::event_log::eventstoredb::grpc::{Options, Ticks};
use eventstore::{
    Error, ExpectedRevision, StreamPosition, SubscribeToAllOptions, SubscribeToStreamOptions,
    SubscriptionEvent, SubscriptionFilter,
};
use tonic::Code;

use crate::support::{
    PATIENCE, Server, content, from_start, history, next, next_event, read_options, server, server_with,
    soon, trailer,
};

fn from(position: StreamPosition<u64>) -> SubscribeToStreamOptions {
    SubscribeToStreamOptions::default().start_from(position)
}

#[tokio::test]
async fn c28_history_comes_first_then_the_word_that_it_is_over_then_what_is_new() {
    let server = server().await;
    server.fill("s", 3).await;

    let mut subscription = server.client.subscribe_to_stream("s", &from(StreamPosition::Start)).await;

    assert!(matches!(next(&mut subscription).await.unwrap(), SubscriptionEvent::Confirmed(_)));
    let before = history(&mut subscription).await.unwrap();
    server.fill("s", 3).await;
    let mut revisions: Vec<_> = before.iter().map(|event| event.get_original_event().revision).collect();
    for _ in 0..3 {
        match next(&mut subscription).await.unwrap() {
            SubscriptionEvent::EventAppeared(event) => revisions.push(event.get_original_event().revision),
            other => panic!("{other:?} is no event"),
        }
    }
    assert_eq!((before.len(), revisions), (3, vec![0, 1, 2, 3, 4, 5]));
}

#[tokio::test]
async fn c28_long_history_and_a_burst_arrive_once_each_and_in_order() {
    let server = server().await;
    server.fill("s", 200).await;
    let mut subscription = server.client.subscribe_to_stream("s", &from(StreamPosition::Start)).await;
    for _ in 0..10 {
        server.fill("s", 50).await;
    }
    for revision in 0..700 {
        assert_eq!(next_event(&mut subscription).await.unwrap().get_original_event().revision, revision);
    }
}

#[tokio::test]
async fn c28_subscription_after_a_revision_begins_with_the_next() {
    let server = server().await;
    server.fill("s", 3).await;
    let mut subscription = server.client.subscribe_to_stream("s", &from(StreamPosition::Position(1))).await;
    assert_eq!(next_event(&mut subscription).await.unwrap().get_original_event().revision, 2);
}

#[tokio::test]
async fn c28_subscription_from_the_end_begins_with_what_is_new() {
    let server = server().await;
    server.fill("s", 3).await;
    let mut subscription = server.client.subscribe_to_stream("s", &from(StreamPosition::End)).await;
    assert!(history(&mut subscription).await.unwrap().is_empty());
    server.fill("s", 1).await;
    assert_eq!(next_event(&mut subscription).await.unwrap().get_original_event().revision, 3);
}

#[tokio::test]
async fn c28_subscription_after_a_revision_to_come_drops_what_lies_before_it() {
    let server = server().await;
    server.fill("s", 1).await;
    let mut subscription = server.client.subscribe_to_stream("s", &from(StreamPosition::Position(2))).await;
    assert!(history(&mut subscription).await.unwrap().is_empty());
    server.fill("s", 4).await;
    assert_eq!(next_event(&mut subscription).await.unwrap().get_original_event().revision, 3);
}

#[tokio::test]
async fn c29_all_after_a_position_does_not_hold_its_event() {
    let server = server().await;
    server.fill("a", 1).await;
    server.fill("b", 1).await;
    let position = server.resolved("a").await[0].get_original_event().position;
    let options = SubscribeToAllOptions::default()
        .position(StreamPosition::Position(position))
        .filter(SubscriptionFilter::on_event_type().exclude_system_events());

    let mut subscription = server.client.subscribe_to_all(&options).await;

    let first = next_event(&mut subscription).await.unwrap();
    assert_eq!(first.get_original_event().stream_id, "b");
}

#[tokio::test]
async fn c29_all_after_a_place_that_is_no_record_is_refused() {
    let mut server = server().await;
    server.fill("a", 1).await;
    let off = server.resolved("a").await[0].get_original_event().position.commit + 1;
    let position =
        cutover_engines::event_log::eventstoredb::grpc::wire::streams::read_req::options::Position {
            commit_position: off,
            prepare_position: off,
        };
    let source = StreamOption::All(AllOptions { all_option: Some(AllOption::Position(position)) });

    let options = read_options(source, CountOption::Subscription(Default::default()));
    let refused = server.follow_raw(options).await.unwrap_err();

    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(refused.message(), "Trying to read from an invalid position.");
}

#[tokio::test]
async fn c30_tombstone_ends_a_subscription_to_a_stream_that_never_was() {
    let server = server().await;
    let mut subscription = server.client.subscribe_to_stream("s", &from(StreamPosition::Start)).await;
    assert!(history(&mut subscription).await.unwrap().is_empty());

    server.client.tombstone_stream("s", &Default::default()).await.unwrap();

    let tombstone = next_event(&mut subscription).await.unwrap();
    assert_eq!(tombstone.get_original_event().event_type, "$streamDeleted");
    assert_eq!(tombstone.get_original_event().revision, i64::MAX as u64);
    let ended = next(&mut subscription).await.unwrap_err();
    assert!(matches!(ended, Error::ResourceDeleted), "{ended:?}");
}

#[tokio::test]
async fn c30_subscription_to_a_tombstoned_stream_is_refused_without_any_message() {
    let mut server = server().await;
    server.client.tombstone_stream("s", &Default::default()).await.unwrap();

    let options = read_options(from_start("s"), CountOption::Subscription(Default::default()));
    let refused = server.follow_raw(options).await.unwrap_err();

    assert_eq!(
        (refused.code(), trailer(&refused, "exception")),
        (Code::FailedPrecondition, "stream-deleted")
    );
}

#[tokio::test]
async fn subscription_to_a_deleted_stream_waits_until_it_comes_back() {
    let server = server().await;
    server.fill("s", 2).await;
    server.client.delete_stream("s", &Default::default()).await.unwrap();
    let mut subscription = server.client.subscribe_to_stream("s", &from(StreamPosition::Start)).await;
    assert!(history(&mut subscription).await.unwrap().is_empty());
    server.fill("s", 1).await;
    assert_eq!(next_event(&mut subscription).await.unwrap().get_original_event().revision, 2);
}

/// What a filtered subscription told until it was live, and a little after.
struct Told {
    events: Vec<u64>,
    checkpoints: Vec<u64>,
}

/// A server without own records and projections: the log holds the epoch record and what a test appends. No second
/// wakes who follows it.
async fn bare_server() -> Server {
    let settings = Settings { initial_records: false, system_projections: false, ..Settings::default() };
    server_with(Options { settings, ticks: Ticks::ByHand, ..Options::default() }).await
}

fn filtered(prefix: &str, window: u32, multiplier: u32) -> FilterOption {
    FilterOption::Filter(FilterOptions {
        filter: Some(Filter::StreamIdentifier(Expression {
            regex: String::new(),
            prefix: vec![prefix.to_owned()],
        })),
        window: Some(Window::Max(window)),
        checkpoint_interval_multiplier: multiplier,
    })
}

async fn follow_until_live(server: &mut Server, filter: FilterOption) -> Told {
    let source = StreamOption::All(AllOptions { all_option: Some(AllOption::Start(Empty {})) });
    let mut options = read_options(source, CountOption::Subscription(Default::default()));
    options.filter_option = Some(filter);
    let mut messages = server.follow_raw(options).await.unwrap();
    let mut told = Told { events: Vec::new(), checkpoints: Vec::new() };
    loop {
        let message = soon(tokio::time::timeout(PATIENCE, messages.message()).await);
        match content(message.unwrap().unwrap()) {
            Content::Event(event) => told.events.push(event.event.unwrap().commit_position),
            Content::Checkpoint(checkpoint) => told.checkpoints.push(checkpoint.commit_position),
            Content::CaughtUp(_) => return told,
            _ => {}
        }
    }
}

#[tokio::test]
async fn c31_checkpoints_come_once_per_interval_and_at_the_end_of_history() {
    let mut server = bare_server().await;
    // With the record of the epoch, 47 records: four intervals of ten, and seven left.
    for _ in 0..23 {
        server.fill("wanted", 1).await;
        server.fill("other", 1).await;
    }

    let told = follow_until_live(&mut server, filtered("wan", 5, 2)).await;

    let last_commit = server.resolved("other").await.last().unwrap().get_original_event().position.commit;
    assert_eq!(told.events.len(), 23);
    assert_eq!(told.checkpoints.len(), 47 / 10 + 1);
    assert!(told.checkpoints.is_sorted_by(|a, b| a < b), "none twice: {:?}", told.checkpoints);
    assert_eq!(told.checkpoints.last(), Some(&last_commit));
}

#[tokio::test]
async fn c31_interval_that_ends_with_history_gives_one_checkpoint() {
    let mut server = bare_server().await;
    server.fill("other", 19).await;
    let told = follow_until_live(&mut server, filtered("wan", 10, 1)).await;
    assert_eq!((told.events.len(), told.checkpoints.len()), (0, 2));
}

#[tokio::test]
async fn c31_live_checkpoints_come_after_the_event_that_completes_the_interval() {
    let server = bare_server().await;
    let options = SubscribeToAllOptions::default()
        .position(StreamPosition::End)
        .filter(SubscriptionFilter::on_stream_name().add_prefix("wan").max(2));
    let mut subscription = server.client.subscribe_to_all(&options).await;
    assert!(matches!(next(&mut subscription).await.unwrap(), SubscriptionEvent::Confirmed(_)));
    assert!(
        matches!(next(&mut subscription).await.unwrap(), SubscriptionEvent::CaughtUp),
        "from the end there is no first checkpoint"
    );

    server.fill("other", 1).await;
    let wanted = server.fill("wanted", 1).await.position;

    match next(&mut subscription).await.unwrap() {
        SubscriptionEvent::EventAppeared(event) => assert_eq!(event.get_original_event().position, wanted),
        other => panic!("{other:?} is no event"),
    }
    match next(&mut subscription).await.unwrap() {
        SubscriptionEvent::Checkpoint(position) => assert_eq!(position, wanted),
        other => panic!("{other:?} is no checkpoint"),
    }
}

#[tokio::test]
async fn c31_subscription_after_the_last_record_is_told_at_once_how_far_it_is() {
    let server = bare_server().await;
    let last = server.fill("other", 1).await.position;
    let options = SubscribeToAllOptions::default()
        .position(StreamPosition::Position(last))
        .filter(SubscriptionFilter::on_stream_name().add_prefix("wan"));
    let mut subscription = server.client.subscribe_to_all(&options).await;
    assert!(matches!(next(&mut subscription).await.unwrap(), SubscriptionEvent::Confirmed(_)));
    match next(&mut subscription).await.unwrap() {
        SubscriptionEvent::Checkpoint(position) => assert_eq!(position, last),
        other => panic!("{other:?} is no checkpoint"),
    }
    assert!(matches!(next(&mut subscription).await.unwrap(), SubscriptionEvent::CaughtUp));
}

#[tokio::test]
async fn filtered_subscription_finds_what_comes_after_much_that_is_not_wanted() {
    let mut server = bare_server().await;
    server.fill("other", 1_000).await;
    server.fill("wanted", 1).await;
    let told = follow_until_live(&mut server, filtered("wan", 1_000_000, 1)).await;
    assert_eq!((told.events.len(), told.checkpoints.len()), (1, 1));
}

#[tokio::test]
async fn c31_interval_of_zero_is_refused() {
    let mut server = bare_server().await;
    let source = StreamOption::All(AllOptions { all_option: Some(AllOption::Start(Empty {})) });
    let mut options = read_options(source, CountOption::Subscription(Default::default()));
    options.filter_option = Some(filtered("wan", 32, 0));
    assert_eq!(server.follow_raw(options).await.unwrap_err().code(), Code::Unknown);
}

#[tokio::test]
async fn unfiltered_subscription_to_all_gets_everything_and_no_checkpoints() {
    let server = bare_server().await;
    let mut subscription = server.client.subscribe_to_all(&SubscribeToAllOptions::default()).await;
    server.append("a", ExpectedRevision::Any, crate::support::events(0..70)).await.unwrap();
    for revision in 0..70 {
        loop {
            match next(&mut subscription).await.unwrap() {
                SubscriptionEvent::EventAppeared(event) => {
                    assert_eq!(event.get_original_event().revision, revision);
                    break;
                }
                SubscriptionEvent::Checkpoint(position) => panic!("checkpoint at {position:?}"),
                _ => {}
            }
        }
    }
    let quiet = tokio::time::timeout(Duration::ZERO, subscription.next()).await;
    assert!(quiet.is_err(), "nothing is delivered twice");
}
