//! Reading streams and `$all`.

use cutover_engines::event_log::eventstoredb::grpc::wire::streams::read_req::options::filter_options::{
    Expression, Filter, Window,
};
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::read_req::options::{
    AllOptions, CountOption, FilterOption, FilterOptions, ReadDirection, StreamOption, all_options::AllOption,
};
use cutover_engines::event_log::eventstoredb::grpc::wire::streams::read_resp::Content;
use cutover_engines::event_log::eventstoredb::grpc::wire::{Empty, streams::read_req};
use eventstore::{
    Error, EventData, ExpectedRevision, ReadAllOptions, ReadStream, ReadStreamOptions, ResolvedEvent,
    StreamPosition,
};
use tonic::Code;

use crate::support::{Message, from_start, read_options, revisions_of, server, stream_identifier};

#[track_caller]
fn assert_last(messages: &[Message], last: u64) {
    assert!(matches!(messages.last(), Some(Message::Last(told)) if *told == last), "{messages:?}");
}

fn revisions(contents: &[Content]) -> Vec<u64> {
    contents
        .iter()
        .filter_map(|content| match content {
            Content::Event(event) => Some(event.event.as_ref().unwrap().stream_revision),
            _ => None,
        })
        .collect()
}

async fn collect(mut reading: ReadStream) -> Vec<ResolvedEvent> {
    let mut events = Vec::new();
    while let Some(event) = reading.next().await.unwrap() {
        events.push(event);
    }
    events
}

#[tokio::test]
async fn c03_events_come_in_order_and_the_last_revision_after_them() {
    let server = server().await;
    server.fill("s", 10).await;

    let messages = server.read("s", &ReadStreamOptions::default()).await.unwrap();

    assert_eq!(revisions_of(&messages), (0..10).collect::<Vec<_>>());
    assert_last(&messages, 9);
}

#[tokio::test]
async fn c03_long_read_goes_on_over_its_pages_until_its_count() {
    let server = server().await;
    server.fill("s", 100).await;

    let messages = server.read("s", &ReadStreamOptions::default().max_count(90)).await.unwrap();

    assert_eq!(revisions_of(&messages), (0..90).collect::<Vec<_>>());
    assert_last(&messages, 99);
}

#[tokio::test]
async fn c04_missing_stream_is_not_found_wherever_it_is_read_from() {
    let server = server().await;
    for position in [StreamPosition::Start, StreamPosition::Position(7)] {
        for forwards in [true, false] {
            for count in [1, 100] {
                let options = ReadStreamOptions::default().position(position).max_count(count);
                let options = if forwards { options.forwards() } else { options.backwards() };
                let missing = server.read("none", &options).await.unwrap_err();
                assert!(matches!(missing, Error::ResourceNotFound), "{missing:?}");
            }
        }
    }
}

#[tokio::test]
async fn c04_not_found_is_a_message_of_a_call_that_ends_well() {
    let mut server = server().await;
    let contents = server.read_raw(read_options(from_start("none"), CountOption::Count(10))).await.unwrap();
    let [Content::StreamNotFound(missing)] = contents.as_slice() else { panic!("{contents:?}") };
    assert_eq!(missing.stream_identifier, Some(stream_identifier("none")));
}

#[tokio::test]
async fn c05_truncated_stream_tells_its_first_position() {
    let mut server = server().await;
    server.fill("s", 100).await;
    server.set_metadata("s", serde_json::json!({"$tb": 81})).await;

    let contents = server.read_raw(read_options(from_start("s"), CountOption::Count(10))).await.unwrap();

    assert!(matches!(contents.first(), Some(Content::FirstStreamPosition(81))), "{contents:?}");
    let told = contents.iter().filter(|content| matches!(content, Content::FirstStreamPosition(_))).count();
    assert_eq!(told, 1);
    assert_eq!(revisions(&contents), (81..91).collect::<Vec<_>>());
    assert!(matches!(contents.last(), Some(Content::LastStreamPosition(99))));
}

#[tokio::test]
async fn c05_client_that_does_not_ask_for_bounds_is_not_told_them() {
    let mut server = server().await;
    server.fill("s", 100).await;
    server.set_metadata("s", serde_json::json!({"$tb": 81})).await;
    let mut options = read_options(from_start("s"), CountOption::Count(10));
    options.control_option = None;

    let contents = server.read_raw(options).await.unwrap();

    assert_eq!(contents.len(), 10);
    assert_eq!(revisions(&contents), (81..91).collect::<Vec<_>>());
}

#[tokio::test]
async fn c06_nothing_is_past_the_end() {
    let server = server().await;
    server.fill("s", 10).await;

    let options = ReadStreamOptions::default().position(StreamPosition::Position(11));
    let messages = server.read("s", &options).await.unwrap();

    assert!(revisions_of(&messages).is_empty());
    assert!(matches!(messages[0], Message::First(10)), "{messages:?}");
    assert_last(&messages, 9);
}

#[tokio::test]
async fn c07_backwards_read_from_past_the_end_begins_at_the_end() {
    let server = server().await;
    server.fill("s", 30).await;

    let options =
        ReadStreamOptions::default().backwards().position(StreamPosition::Position(60)).max_count(20);
    let messages = server.read("s", &options).await.unwrap();

    assert_eq!(revisions_of(&messages), (10..30).rev().collect::<Vec<_>>());
    assert_last(&messages, 29);
}

#[tokio::test]
async fn c08_backwards_read_from_the_start_is_the_first_event() {
    let server = server().await;
    server.fill("s", 3).await;

    let options = ReadStreamOptions::default().position(StreamPosition::Start).backwards();
    let messages = server.read("s", &options).await.unwrap();

    assert_eq!(revisions_of(&messages), [0]);
}

#[tokio::test]
async fn c24_link_to_an_event_that_is_gone_comes_without_it() {
    let server = server().await;
    for stream in ["deleted", "expired", "kept"] {
        server.fill(stream, 2).await;
    }
    let links = ["0@deleted", "0@expired", "0@kept", "0@never"];
    let links = links.map(|data| EventData::binary("$>", data.as_bytes().into())).to_vec();
    server.append("links", ExpectedRevision::Any, links).await.unwrap();
    server.client.delete_stream("deleted", &Default::default()).await.unwrap();
    server.set_metadata("expired", serde_json::json!({"$maxCount": 1})).await;

    let read = server.resolved("links").await;

    let seen: Vec<_> = read.iter().map(|event| (event.event.is_some(), event.link.is_some())).collect();
    assert_eq!(seen, [(false, true), (false, true), (true, true), (false, true)]);
    let kept = &read[2];
    assert_eq!(kept.event.as_ref().unwrap().stream_id, "kept");
    assert_eq!(kept.link.as_ref().unwrap().stream_id, "links");
    assert_eq!(kept.commit_position, Some(kept.link.as_ref().unwrap().position.commit));
}

#[tokio::test]
async fn c25_link_to_a_stream_with_at_signs_in_its_name_is_resolved() {
    let server = server().await;
    server.fill("target@me@com", 1).await;
    let link = EventData::binary("$>", b"0@target@me@com".as_slice().into());
    server.append("links", ExpectedRevision::Any, vec![link]).await.unwrap();

    let read = server.resolved("links").await;

    assert_eq!(read[0].event.as_ref().unwrap().stream_id, "target@me@com");
}

#[tokio::test]
async fn all_is_read_forwards_with_the_position_and_backwards_without_it() {
    let server = server().await;
    for stream in ["a", "b", "c"] {
        server.fill(stream, 1).await;
    }
    let middle = server.resolved("b").await[0].get_original_event().position;
    let from_middle = ReadAllOptions::default().position(StreamPosition::Position(middle)).max_count(1);

    let forwards = collect(server.client.read_all(&from_middle.clone().forwards()).await.unwrap()).await;
    let backwards = collect(server.client.read_all(&from_middle.backwards()).await.unwrap()).await;

    assert_eq!(forwards[0].get_original_event().position, middle);
    assert!(backwards[0].get_original_event().position < middle);
}

#[tokio::test]
async fn all_holds_every_stream_with_links_and_deletions_but_not_what_is_internal() {
    let server = server().await;
    server.fill("cat-1", 1).await;
    server.client.tombstone_stream("cat-1", &Default::default()).await.unwrap();

    let all =
        collect(server.client.read_all(&ReadAllOptions::default().max_count(1_000)).await.unwrap()).await;
    let reverse = ReadAllOptions::default().backwards().position(StreamPosition::End).max_count(1_000);
    let mut reversed = collect(server.client.read_all(&reverse).await.unwrap()).await;

    let types: Vec<_> = all.iter().map(|event| event.get_original_event().event_type.as_str()).collect();
    for event_type in ["Tested", "$streamDeleted", "$>"] {
        assert!(types.contains(&event_type), "{event_type} is in {types:?}");
    }
    assert!(!types.contains(&"$epoch-information"));
    let positions = |events: &[ResolvedEvent]| -> Vec<_> {
        events.iter().map(|event| event.get_original_event().position).collect()
    };
    assert!(positions(&all).is_sorted());
    reversed.reverse();
    assert_eq!(positions(&all), positions(&reversed));
}

fn all_from(option: AllOption) -> StreamOption {
    StreamOption::All(AllOptions { all_option: Some(option) })
}

#[tokio::test]
async fn all_from_a_place_that_is_no_record_is_refused() {
    let mut server = server().await;
    server.fill("s", 1).await;
    let off = server.resolved("s").await[0].get_original_event().position.commit + 1;
    let position = read_req::options::Position { commit_position: off, prepare_position: off };

    let options = read_options(all_from(AllOption::Position(position)), CountOption::Count(1));
    let refused = server.read_raw(options).await.unwrap_err();

    let told = (refused.code(), refused.message());
    assert_eq!(told, (Code::Unknown, "Unexpected ReadAllResult: InvalidPosition"));
}

#[tokio::test]
async fn filtered_read_of_all_goes_on_until_its_count_however_few_match() {
    let mut server = server().await;
    for number in 0..200_u32 {
        server.fill(if number % 50 == 0 { "wanted" } else { "other" }, 1).await;
    }
    let mut options = read_options(all_from(AllOption::Start(Empty {})), CountOption::Count(3));
    options.filter_option = Some(FilterOption::Filter(FilterOptions {
        filter: Some(Filter::StreamIdentifier(Expression {
            regex: String::new(),
            prefix: vec!["wan".to_owned()],
        })),
        window: Some(Window::Max(32)),
        checkpoint_interval_multiplier: 1,
    }));

    let contents = server.read_raw(options).await.unwrap();

    assert_eq!(revisions(&contents), [0, 1, 2]);
    assert_eq!(contents.len(), 3, "there are no bounds in $all: {contents:?}");
}

#[tokio::test]
async fn malformed_requests_are_refused_before_any_message() {
    let mut server = server().await;
    server.fill("s", 1).await;
    let good = || read_options(from_start("s"), CountOption::Count(1));
    let no_id_form = read_req::Options { uuid_option: None, ..good() };
    let no_count = read_req::Options { count_option: None, ..good() };
    let filtered_stream =
        read_req::Options { filter_option: Some(FilterOption::Filter(FilterOptions::default())), ..good() };
    let backwards_subscription = read_req::Options {
        count_option: Some(CountOption::Subscription(Default::default())),
        read_direction: ReadDirection::Backwards.into(),
        ..good()
    };
    let none = read_req::Options { count_option: Some(CountOption::Count(0)), ..good() };
    for (options, code) in [
        (no_id_form, Code::InvalidArgument),
        (no_count, Code::InvalidArgument),
        (filtered_stream, Code::InvalidArgument),
        (backwards_subscription, Code::InvalidArgument),
        (none, Code::Unknown),
    ] {
        let refused = server.follow_raw(options.clone()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{options:?}");
    }
}
