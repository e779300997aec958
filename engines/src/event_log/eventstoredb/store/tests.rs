//! The rules that are easily got wrong, each asked of the state machine alone.

use std::time::Duration;

use super::super::category::category_of;
use super::super::filter::Filter;
use super::super::read::StreamPage;
use super::super::subscription::{AllSubscription, Filtering, StartAfter, StreamSubscription, Update};
use super::*;

const NOW: Timestamp = Timestamp::from_unix_ticks(1_000_000_000);

/// Returns a store whose ids count, without the records of a first start.
pub(super) fn store(system_projections: bool) -> Store {
    let settings = Settings { initial_records: false, system_projections, ..Settings::default() };
    let mut last = 0_u128;
    let ids = move || {
        last += 1;
        Uuid::from_u128(last << 64)
    };
    Store::new(settings, ids, NOW)
}

/// Returns an event with that id.
pub(super) fn event(id: u128) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(id),
        event_type: "Tested".into(),
        data: Bytes::from_static(b"{}"),
        metadata: Bytes::new(),
        is_json: true,
    }
}

fn events(ids: impl IntoIterator<Item = u128>) -> Vec<NewEvent> {
    ids.into_iter().map(event).collect()
}

fn metadata(store: &mut Store, stream: &str, json: &'static str) {
    let event = NewEvent {
        id: store.new_id(),
        event_type: METADATA_TYPE.into(),
        data: Bytes::from_static(json.as_bytes()),
        metadata: Bytes::new(),
        is_json: true,
    };
    store.append(&metastream_of(stream), ExpectedRevision::Any, vec![event], NOW).unwrap();
}

/// A store with a stream `s` of that many events.
fn store_with(count: u128) -> Store {
    let mut store = store(false);
    store.append("s", ExpectedRevision::NoStream, events(1..=count), NOW).unwrap();
    store
}

fn revisions(page: &StreamPage) -> Vec<u64> {
    page.events.iter().map(|event| event.original().revision).collect()
}

fn read(store: &Store, stream: &str) -> Result<Vec<u64>, Unreadable> {
    store.read_stream_forward(stream, 0, 100, Links::Keep, NOW).map(|page| revisions(&page))
}

#[test]
fn metastream_shows_only_its_newest_event_under_its_own_revision() {
    let mut store = store_with(1);
    for json in [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#] {
        metadata(&mut store, "s", json);
    }
    assert_eq!(read(&store, "$$s"), Ok(vec![2]));
}

#[test]
fn max_age_counts_seconds() {
    let mut store = store(false);
    metadata(&mut store, "s", r#"{"$maxAge":10}"#);
    store.append("s", ExpectedRevision::Any, events(1..=1), NOW).unwrap();
    let visible = |seconds| {
        let later = NOW.saturating_add(Duration::from_secs(seconds));
        store.read_stream_forward("s", 0, 10, Links::Keep, later).unwrap().events.len()
    };
    assert_eq!((visible(10), visible(11)), (1, 0));
}

#[test]
fn deleting_a_stream_that_never_was_fails_but_its_tombstone_does_not() {
    let mut store = store(false);
    let refused = store.delete("s", ExpectedRevision::Any, NOW).unwrap_err();
    assert_eq!(
        refused,
        WriteError::WrongExpectedRevision {
            stream: "s".into(),
            expected: ExpectedRevision::Any,
            current: None
        }
    );
    store.tombstone("s", ExpectedRevision::Any, NOW).unwrap();
}

#[test]
fn page_before_the_window_is_empty_and_names_where_it_begins() {
    let mut store = store_with(100);
    metadata(&mut store, "s", r#"{"$tb":81}"#);
    let page = |from| store.read_stream_forward("s", from, 10, Links::Keep, NOW).unwrap();

    assert_eq!((revisions(&page(0)), page(0).next), (Vec::new(), 81));
    assert_eq!((revisions(&page(71)), page(71).next), (Vec::new(), 81));
    assert_eq!((revisions(&page(72)), page(72).next), (vec![81], 82), "a page that touches it is not empty");
}

#[test]
fn stream_is_read_backwards_with_its_start_and_all_without_it() {
    let store = store_with(5);
    let reader = store.reader(NOW);
    let page = reader.stream_backward("s", 3, 2, Links::Keep).unwrap();
    assert_eq!(revisions(&page), [3, 2]);

    let from = store.log().index_at(
        store.read_stream_forward("s", 3, 1, Links::Keep, NOW).unwrap().events[0].original().position,
    );
    let all = reader.all_backward(from, 2, 100, &Filter::none(), Links::Keep);
    assert_eq!(all.events.iter().map(|event| event.original().revision).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn backwards_pages_join_without_gap_and_stop_at_the_window() {
    let mut store = store_with(10);
    metadata(&mut store, "s", r#"{"$maxCount":6}"#);
    let reader = store.reader(NOW);
    let first = reader.stream_backward("s", u64::MAX, 4, Links::Keep).unwrap();
    assert_eq!((revisions(&first), first.is_end), (vec![9, 8, 7, 6], false));
    let second = reader.stream_backward("s", first.next, 4, Links::Keep).unwrap();
    assert_eq!((revisions(&second), second.is_end), (vec![5, 4], true));
}

#[test]
fn pages_of_the_whole_log_join_without_gap_and_the_last_one_says_so() {
    let store = store_with(5);
    let reader = store.reader(NOW);
    let len = store.log().len();
    for (max, consider) in [(2, 100), (100, 2), (2, 2), (1, 3)] {
        let page_len = max.min(consider);
        let (mut next, mut read) = (0, Vec::new());
        loop {
            let page = reader.all_forward(next, max, consider, &Filter::none(), Links::Keep);
            assert!(page.events.len() <= page_len, "{} events", page.events.len());
            read.extend(page.events.iter().map(|event| event.original().position));
            assert_eq!(page.is_end, page.next == len, "after {next}, {max} of {consider}");
            next = page.next;
            if page.is_end {
                break;
            }
        }
        let mut back = Vec::new();
        loop {
            let page = reader.all_backward(next, max, consider, &Filter::none(), Links::Keep);
            assert!(page.events.len() <= page_len, "{} events", page.events.len());
            back.extend(page.events.iter().map(|event| event.original().position));
            assert_eq!(page.is_end, page.next == 0, "before {next}, {max} of {consider}");
            next = page.next;
            if page.is_end {
                break;
            }
        }
        // The first record of the store is shown to nobody.
        assert_eq!(read.len(), 5);
        assert!(read.is_sorted());
        assert_eq!(back.into_iter().rev().collect::<Vec<_>>(), read);
    }
    let past = reader.all_forward(len + 7, 10, 10, &Filter::none(), Links::Keep);
    assert!(past.events.is_empty() && past.is_end, "past the end there is nothing more");
}

#[test]
fn subscription_leaves_out_the_place_that_it_starts_after() {
    let store = store_with(3);
    let reader = store.reader(NOW);
    let mut one = StreamSubscription::start(reader, "s", StartAfter::Place(1), Links::Keep).unwrap();
    let position = store.log().get(2).unwrap().position;
    let mut all = AllSubscription::start(reader, StartAfter::Place(position), None, Links::Keep).unwrap();
    for updates in [one.poll(reader, 10).unwrap(), all.poll(reader, 10)] {
        let [Update::Event(event), Update::CaughtUp] = updates.as_slice() else { panic!("{updates:?}") };
        assert_eq!(event.original().revision, 2);
    }
}

#[test]
fn subscription_after_the_first_record_begins_with_the_second() {
    let store = store_with(1);
    let reader = store.reader(NOW);
    let mut all = AllSubscription::start(reader, StartAfter::Place(0), None, Links::Keep).unwrap();
    assert!(matches!(all.poll(reader, 10).as_slice(), [Update::Event(_), Update::CaughtUp]));
}

#[test]
fn subscription_after_a_place_to_come_leaves_out_what_lies_before_it() {
    for beyond in [0, 1] {
        let mut store = store_with(1);
        let after = StartAfter::Place(store.log().end_position() + beyond);
        let filter = Filter::new(super::super::filter::Subject::StreamName, "^s$", Vec::new()).unwrap();
        let filtering = Filtering { filter, checkpoint_interval: 100 };
        let mut all = AllSubscription::start(store.reader(NOW), after, Some(filtering), Links::Keep).unwrap();
        assert_eq!(all.poll(store.reader(NOW), 10), [Update::CaughtUp], "there is no place to tell yet");

        store.append("s", ExpectedRevision::Any, events([8, 9]), NOW).unwrap();

        let updates = all.poll(store.reader(NOW), 10);
        let [Update::Event(event)] = updates.as_slice() else { panic!("{updates:?}") };
        assert_eq!(event.original().id, Uuid::from_u128(9));
    }
}

#[test]
fn subscription_is_behind_until_it_has_looked_at_everything() {
    let mut store = store_with(3);
    let mut all = AllSubscription::start(store.reader(NOW), StartAfter::Nothing, None, Links::Keep).unwrap();
    assert!(all.is_behind(store.reader(NOW)));
    all.poll(store.reader(NOW), store.log().len());
    assert!(!all.is_behind(store.reader(NOW)));
    store.append("s", ExpectedRevision::Any, events([9]), NOW).unwrap();
    assert!(all.is_behind(store.reader(NOW)));
}

#[test]
fn filtered_subscription_tells_how_far_it_is_even_when_nothing_matches() {
    let store = store_with(6);
    let reader = store.reader(NOW);
    let filter = Filter::new(super::super::filter::Subject::StreamName, "^none$", Vec::new()).unwrap();
    let filtering = Filtering { filter, checkpoint_interval: 3 };
    let mut all = AllSubscription::start(reader, StartAfter::Nothing, Some(filtering), Links::Keep).unwrap();
    let at = |index: usize| Update::Checkpoint(store.log().get(index).unwrap().position);
    assert_eq!(all.poll(reader, 100), [at(2), at(5), at(6), Update::CaughtUp]);
    assert!(all.poll(reader, 100).is_empty() && !all.is_behind(reader));
}

#[test]
fn subscription_polled_in_small_steps_gets_the_same_as_in_a_large_one() {
    let mut store = store_with(50);
    metadata(&mut store, "s", r#"{"$tb":7}"#);
    let reader = store.reader(NOW);
    let run = |step| {
        let mut subscription =
            StreamSubscription::start(reader, "s", StartAfter::Nothing, Links::Keep).unwrap();
        let mut all = Vec::new();
        while !matches!(all.last(), Some(Update::CaughtUp)) {
            all.extend(subscription.poll(reader, step).unwrap());
        }
        all
    };
    assert_eq!(run(1_000).len(), 44);
    assert_eq!(run(1_000), run(3));
}

#[test]
fn only_the_largest_truncation_deletes() {
    let mut store = store_with(2);
    metadata(&mut store, "s", r#"{"$tb":9223372036854775806}"#);
    assert_eq!(read(&store, "s"), Ok(Vec::new()), "truncated, but there");
    store.delete("s", ExpectedRevision::Any, NOW).unwrap();
    assert_eq!(read(&store, "s"), Err(Unreadable::NotFound));
}

#[test]
fn deletion_itself_is_linked_into_the_category() {
    let mut store = store(true);
    store.append("cat-1", ExpectedRevision::Any, events(1..=1), NOW).unwrap();
    store.delete("cat-1", ExpectedRevision::Any, NOW).unwrap();
    store.tombstone("cat-1", ExpectedRevision::Any, NOW).unwrap();
    let page = store.read_stream_forward("$ce-cat", 0, 10, Links::Keep, NOW).unwrap();
    let data: Vec<_> = page.events.iter().map(|event| event.original().data.as_ref()).collect();
    let tombstone = format!("{TOMBSTONE_REVISION}@cat-1");
    assert_eq!(data, [b"0@cat-1".as_slice(), b"0@$$cat-1", tombstone.as_bytes()]);
}

#[test]
fn what_projections_do_not_see_is_linked_nowhere() {
    let mut store = store(true);
    let no_json = NewEvent { data: Bytes::from_static(b"{"), ..event(1) };
    store.append("cat-1", ExpectedRevision::Any, vec![no_json], NOW).unwrap();
    // Of a group on `$all`: its checkpoint would be linked, the link skipped, and that the next checkpoint.
    store
        .append("$persistentsubscription-$all::g-checkpoint", ExpectedRevision::Any, events(2..=2), NOW)
        .unwrap();
    for stream in ["$ce-cat", "$et-Tested"] {
        assert_eq!(read(&store, stream), Err(Unreadable::NotFound), "{stream}");
    }
    let no_json_and_no_claim = NewEvent { is_json: false, data: Bytes::from_static(b"{"), ..event(3) };
    store.append("cat-1", ExpectedRevision::Any, vec![no_json_and_no_claim], NOW).unwrap();
    assert_eq!(read(&store, "$ce-cat"), Ok(vec![0]));
}

#[test]
fn category_ends_at_the_first_hyphen_and_system_streams_have_none() {
    for (stream, category) in
        [("a-b-c", Some("a")), ("a", None), ("-a", None), ("$a-b", None), ("$$a-b", None), ("a-", Some("a"))]
    {
        assert_eq!(category_of(stream), category, "{stream}");
    }
}

#[test]
fn repeated_append_answers_with_the_matched_revision_and_not_the_last() {
    let mut store = store_with(3);
    let again = store.append("s", ExpectedRevision::Any, events([1]), NOW).unwrap();
    let first = store.read_stream_forward("s", 0, 1, Links::Keep, NOW).unwrap();
    assert_eq!(again.revision, Some(0));
    assert_eq!(again.position, Some(first.events[0].original().position));
    assert!(again.committed.is_empty());
}

#[test]
fn id_used_in_another_stream_first_is_not_recognised() {
    let mut store = store(false);
    store.append("first", ExpectedRevision::Any, events([1]), NOW).unwrap();
    store.append("second", ExpectedRevision::Any, events([1]), NOW).unwrap();
    store.append("second", ExpectedRevision::Any, events([1]), NOW).unwrap();
    assert_eq!(read(&store, "second"), Ok(vec![0, 1]));
    store.append("first", ExpectedRevision::Any, events([1]), NOW).unwrap();
    assert_eq!(read(&store, "first"), Ok(vec![0]));
}

#[test]
fn forgotten_id_is_still_recognised_where_it_was_expected() {
    let mut store = store(false);
    store.recent = RecentIds::new(0);
    store.append("s", ExpectedRevision::NoStream, events(1..=2), NOW).unwrap();
    let again = store.append("s", ExpectedRevision::NoStream, events(1..=2), NOW).unwrap();
    assert_eq!(again.revision, Some(1));
    store.append("s", ExpectedRevision::Any, events([1]), NOW).unwrap();
    assert_eq!(read(&store, "s"), Ok(vec![0, 1, 2]), "with any expectation it is new again");
}

#[test]
fn link_is_followed_once_only() {
    let mut store = store_with(1);
    let link = |data: &'static str| NewEvent {
        event_type: "$>".into(),
        data: Bytes::from_static(data.as_bytes()),
        is_json: false,
        ..event(900)
    };
    store.append("links", ExpectedRevision::Any, vec![link("0@s")], NOW).unwrap();
    store.append("chain", ExpectedRevision::Any, vec![link("0@links")], NOW).unwrap();
    let page = store.read_stream_forward("chain", 0, 1, Links::Resolve, NOW).unwrap();
    assert!(page.events[0].event.as_ref().unwrap().is_link());
}

#[test]
fn link_is_kept_where_the_reader_wants_it_as_it_is() {
    let mut store = store_with(1);
    let link = NewEvent { event_type: "$>".into(), data: Bytes::from_static(b"0@s"), ..event(900) };
    store.append("links", ExpectedRevision::Any, vec![link], NOW).unwrap();
    let page = store.read_stream_forward("links", 0, 1, Links::Keep, NOW).unwrap();
    assert!(page.events[0].link.is_none());
    assert!(page.events[0].event.as_ref().unwrap().is_link());
}

#[test]
fn event_of_the_largest_size_is_stored_and_any_larger_one_is_refused() {
    let settings = Settings {
        initial_records: false,
        max_append_event_bytes: event(1).size_bytes(),
        ..Settings::default()
    };
    let mut store = Store::new(settings, || Uuid::from_u128(1 << 64), NOW);
    store.append("s", ExpectedRevision::Any, events([1]), NOW).unwrap();
    for longer in 1..3 {
        let large = NewEvent { metadata: Bytes::from(vec![b' '; longer]), ..event(2) };
        let refused = store.append("s", ExpectedRevision::Any, vec![large], NOW).unwrap_err();
        assert!(matches!(refused, WriteError::EventTooLarge { .. }), "{refused:?}");
    }
}

#[test]
fn link_that_names_no_revision_is_a_plain_event() {
    let mut store = store_with(1);
    let broken = NewEvent { event_type: "$>".into(), data: Bytes::from_static(b"x@s"), ..event(900) };
    store.append("links", ExpectedRevision::Any, vec![broken], NOW).unwrap();
    let page = store.read_stream_forward("links", 0, 1, Links::Resolve, NOW).unwrap();
    assert!(page.events[0].event.is_some() && page.events[0].link.is_none());
}

#[test]
fn failed_append_commits_nothing() {
    let mut store = store_with(2);
    let before = store.log().len();
    store.append("s", ExpectedRevision::Exact(7), events([9]), NOW).unwrap_err();
    store.append("", ExpectedRevision::Any, events([9]), NOW).unwrap_err();
    store.append("$$", ExpectedRevision::Any, events([9]), NOW).unwrap_err();
    let mut with_bad = events([9, 10]);
    with_bad[1].event_type = SmolStr::default();
    let refused = store.append("s", ExpectedRevision::Any, with_bad, NOW).unwrap_err();
    assert_eq!(refused, WriteError::InvalidEvent { index: 1 });
    assert_eq!(store.log().len(), before);
}

#[test]
fn what_is_not_declared_to_be_metadata_has_no_effect_and_is_the_newest_all_the_same() {
    let of_another_type = NewEvent { event_type: "Noted".into(), ..event(901) };
    let of_bytes = NewEvent { event_type: METADATA_TYPE.into(), is_json: false, ..event(901) };
    for other in [of_another_type, of_bytes] {
        let mut store = store_with(5);
        metadata(&mut store, "s", r#"{"$tb":3}"#);
        assert_eq!(read(&store, "s"), Ok(vec![3, 4]));
        let truncating = NewEvent { data: Bytes::from_static(br#"{"$tb":2}"#), ..other };
        store.append("$$s", ExpectedRevision::Any, vec![truncating], NOW).unwrap();
        assert_eq!(read(&store, "s"), Ok(vec![0, 1, 2, 3, 4]));
    }
}

#[test]
fn store_tells_its_limits_and_how_many_streams_it_has() {
    let settings = Settings { initial_records: false, read_page_events: 7, ..Settings::default() };
    let store = Store::new(settings.clone(), || Uuid::from_u128(1 << 64), NOW);
    assert_eq!(store.settings(), &settings);
    assert!(Streams::default().is_empty() && !store.streams().is_empty());
    assert_eq!(store_with(2).streams().len(), 2, "its own first one is among them");
    assert_eq!(
        format!("{:?}", store_with(2)),
        "Store { records: 3, streams: 2, .. }",
        "and not what they say"
    );
}

#[test]
fn system_keeps_the_other_metadata_when_it_truncates() {
    let mut store = store_with(5);
    metadata(&mut store, "s", r#"{"own":1}"#);
    store.set_truncate_before("s", 3, NOW);
    assert_eq!(read(&store, "s"), Ok(vec![3, 4]));
    let newest = store.read_stream_forward("$$s", 1, 1, Links::Keep, NOW).unwrap();
    assert_eq!(newest.events[0].original().data.as_ref(), br#"{"$tb":3,"own":1}"#);
}

#[test]
fn commit_reports_everything_that_was_written_links_included() {
    let mut store = store(true);
    let appended = store.append("cat-1", ExpectedRevision::Any, events([1]), NOW).unwrap();
    let written: Vec<_> =
        store.log().range(appended.committed).iter().map(|record| record.stream.to_string()).collect();
    assert_eq!(written[0], "cat-1");
    for stream in ["$ce-cat", "$et-Tested", "$streams", "$category-cat"] {
        assert!(written.iter().any(|name| name == stream), "{stream} in {written:?}");
    }
}
