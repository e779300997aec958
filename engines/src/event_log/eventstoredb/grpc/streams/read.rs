//! Read: a stretch of a stream or of `$all`, or a catch-up subscription to either.
//!
//! The first page is read before the call is answered, so that what is wrong fails the call itself and not its stream.

use std::sync::Arc;

use smol_str::SmolStr;
use tonic::Status;

use super::super::super::filter::{Filter, Subject};
use super::super::super::log::Record;
use super::super::super::read::{Links, ResolvedEvent, StreamPage, Unreadable};
use super::super::super::subscription::{
    AllSubscription, Filtering, StartAfter, StreamSubscription, SubscriptionEnd, Update,
};
use super::super::convert::{IdForm, read_stream_name, stream_identifier, system_metadata};
use super::super::error;
use super::super::gate::Call;
use super::super::pull::{PullStream, Pulled};
use super::super::shared::SharedStore;
use super::super::wire::streams::read_req::Options;
use super::super::wire::streams::read_req::options::filter_options::{Filter as WireFilter, Window};
use super::super::wire::streams::read_req::options::stream_options::RevisionOption;
use super::super::wire::streams::read_req::options::{
    AllOptions, CountOption, FilterOption, FilterOptions, ReadDirection, StreamOption, StreamOptions,
    all_options::AllOption, uuid_option,
};
use super::super::wire::streams::read_resp::read_event::{Position, RecordedEvent};
use super::super::wire::streams::read_resp::{
    CaughtUp, Checkpoint, Content, ReadEvent, StreamNotFound, SubscriptionConfirmation,
};
use super::super::wire::streams::{ReadReq, ReadResp};

/// How many records of `$all` are looked at under one lock.
const ALL_PAGE_RECORDS: usize = 256;

/// The window of a filter whose client names none.
const DEFAULT_WINDOW: u32 = 32;

/// Where a read begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    At(u64),
    End,
}

/// What all answers of a call have in common.
#[derive(Debug, Clone, Copy)]
struct Form {
    ids: IdForm,
    links: Links,
    /// Whether the client understands the messages that tell where the stream begins and ends.
    tells_bounds: bool,
}

/// Answers a read.
pub(super) fn read(shared: &Arc<SharedStore>, request: ReadReq) -> Result<PullStream<ReadResp>, Status> {
    let options = request.options.ok_or_else(|| invalid("the options are missing"))?;
    let form = Form {
        ids: id_form(&options)?,
        links: options.resolve_links.into(),
        tells_bounds: options.control_option.is_some_and(|control| control.compatibility >= 1),
    };
    let direction = ReadDirection::try_from(options.read_direction)
        .map_err(|_| invalid("the read direction is out of range"))?;
    let filter = options.filter_option.ok_or_else(|| invalid("the filter option is missing"))?;
    let count = options.count_option.ok_or_else(|| invalid("the count option is missing"))?;
    let source = options.stream_option.ok_or_else(|| invalid("the stream option is missing"))?;
    match (source, count, direction, filter) {
        (StreamOption::Stream(stream), CountOption::Count(count), direction, FilterOption::NoFilter(_)) => {
            let (name, place) = stream_place(stream)?;
            shared.gate().before(Call::Read(&name))?;
            read_stream(shared, name, place, direction, count, form)
        }
        (
            StreamOption::Stream(stream),
            CountOption::Subscription(_),
            ReadDirection::Forwards,
            FilterOption::NoFilter(_),
        ) => {
            let (name, place) = stream_place(stream)?;
            shared.gate().before(Call::Subscribe(&name))?;
            subscribe_to_stream(shared, &name, place, form)
        }
        (StreamOption::All(all), CountOption::Count(count), direction, filter) => {
            let place = all_place(&all)?;
            let filter = filtering(filter)?.map_or_else(Filter::none, |filtering| filtering.filter);
            shared.gate().before(Call::Read("$all"))?;
            read_all(shared, place, direction, count, filter, form)
        }
        (StreamOption::All(all), CountOption::Subscription(_), ReadDirection::Forwards, filter) => {
            let place = all_place(&all)?;
            let filtering = filtering(filter)?;
            if filtering.as_ref().is_some_and(|filtering| filtering.checkpoint_interval == 0) {
                return Err(error::handler_exception());
            }
            shared.gate().before(Call::Subscribe("$all"))?;
            subscribe_to_all(shared, place, filtering, form)
        }
        _ => Err(invalid("this combination of options is not supported")),
    }
}

fn read_stream(
    shared: &Arc<SharedStore>,
    name: SmolStr,
    place: Place,
    direction: ReadDirection,
    count: u64,
    form: Form,
) -> Result<PullStream<ReadResp>, Status> {
    let from = match (place, direction) {
        (Place::At(revision), _) => revision,
        (Place::Start, _) => 0,
        (Place::End, ReadDirection::Backwards) => u64::MAX,
        (Place::End, ReadDirection::Forwards) => return Err(unexpected_stream_result()),
    };
    if count == 0 {
        return Err(unexpected_stream_result());
    }
    let mut reading = StreamReading { name, direction, from, remaining: count, form, has_ended: false };
    let first = match reading.next_page(shared) {
        Ok(messages) => messages,
        Err(Unreadable::NotFound) => {
            reading.has_ended = true;
            let stream_identifier = Some(stream_identifier(&reading.name));
            vec![message(Content::StreamNotFound(StreamNotFound { stream_identifier }))]
        }
        Err(Unreadable::Deleted) => return Err(error::stream_deleted(&reading.name)),
    };
    let shared = Arc::clone(shared);
    Ok(PullStream::finite(first, move || {
        if reading.has_ended {
            return Pulled::End(None);
        }
        match reading.next_page(&shared) {
            Ok(messages) => Pulled::Messages(messages),
            // Deleted while it was read: what was visible before is gone now.
            Err(Unreadable::NotFound) => Pulled::End(None),
            Err(Unreadable::Deleted) => Pulled::End(Some(error::stream_deleted(&reading.name))),
        }
    }))
}

/// A read of one stream on its way.
struct StreamReading {
    name: SmolStr,
    direction: ReadDirection,
    from: u64,
    remaining: u64,
    form: Form,
    has_ended: bool,
}

impl StreamReading {
    /// Reads one page, and adds what tells the bounds: where the visible part begins if the page lies wholly outside
    /// it, and the last revision at the end.
    fn next_page(&mut self, shared: &SharedStore) -> Result<Vec<ReadResp>, Unreadable> {
        let page = shared.read(|store, now| {
            let size = self.remaining.min(store.settings().read_page_events.max(1) as u64) as usize;
            let reader = store.reader(now);
            match self.direction {
                ReadDirection::Forwards => {
                    reader.stream_forward(&self.name, self.from, size, self.form.links)
                }
                ReadDirection::Backwards => {
                    reader.stream_backward(&self.name, self.from, size, self.form.links)
                }
            }
        })?;
        let StreamPage { events, next, is_end, last } = page;
        self.remaining -= events.len() as u64;
        let mut messages = Vec::with_capacity(events.len() + 1);
        let begins_elsewhere =
            self.direction == ReadDirection::Forwards && events.is_empty() && next != self.from;
        if self.form.tells_bounds && begins_elsewhere {
            messages.push(message(Content::FirstStreamPosition(next)));
        }
        messages.extend(events.iter().map(|event| event_message(event, self.form.ids)));
        self.has_ended = is_end || self.remaining == 0;
        self.from = next;
        if self.has_ended && self.form.tells_bounds {
            messages.push(message(Content::LastStreamPosition(last)));
        }
        Ok(messages)
    }
}

fn read_all(
    shared: &Arc<SharedStore>,
    place: Place,
    direction: ReadDirection,
    count: u64,
    filter: Filter,
    form: Form,
) -> Result<PullStream<ReadResp>, Status> {
    if count == 0 {
        return Err(Status::unknown("Unexpected ReadAllResult: Error"));
    }
    let mut from = shared.read(|store, _| match place {
        Place::Start => Ok(0),
        Place::End => Ok(store.log().len()),
        Place::At(position) if store.log().is_boundary(position) => Ok(store.log().index_at(position)),
        Place::At(_) => Err(Status::unknown("Unexpected ReadAllResult: InvalidPosition")),
    })?;
    let shared = Arc::clone(shared);
    let mut remaining = usize::try_from(count).unwrap_or(usize::MAX);
    Ok(PullStream::finite(Vec::new(), move || {
        if remaining == 0 {
            return Pulled::End(None);
        }
        let page = shared.read(|store, now| {
            let reader = store.reader(now);
            match direction {
                ReadDirection::Forwards => {
                    reader.all_forward(from, remaining, ALL_PAGE_RECORDS, &filter, form.links)
                }
                ReadDirection::Backwards => {
                    reader.all_backward(from, remaining, ALL_PAGE_RECORDS, &filter, form.links)
                }
            }
        });
        from = page.next;
        remaining -= page.events.len();
        if page.is_end {
            remaining = 0;
        }
        Pulled::Messages(page.events.iter().map(|event| event_message(event, form.ids)).collect())
    }))
}

fn subscribe_to_stream(
    shared: &Arc<SharedStore>,
    name: &str,
    place: Place,
    form: Form,
) -> Result<PullStream<ReadResp>, Status> {
    let mut subscription = shared
        .read(|store, now| StreamSubscription::start(store.reader(now), name, start_after(place), form.links))
        .map_err(|end| error::subscription_ended(&end))?;
    let followed = Arc::clone(shared);
    Ok(PullStream::following(Arc::clone(shared), vec![confirmation(shared)], move || {
        let polled = followed.read(|store, now| {
            subscription.poll(store.reader(now), store.settings().read_page_events.max(1))
        });
        match polled {
            Ok(updates) if updates.is_empty() => Pulled::Idle,
            Ok(updates) => Pulled::Messages(update_messages(&updates, form.ids)),
            Err(end) => Pulled::End(Some(error::subscription_ended(&end))),
        }
    }))
}

fn subscribe_to_all(
    shared: &Arc<SharedStore>,
    place: Place,
    filtering: Option<Filtering>,
    form: Form,
) -> Result<PullStream<ReadResp>, Status> {
    let mut subscription = shared
        .read(|store, now| {
            AllSubscription::start(store.reader(now), start_after(place), filtering, form.links)
        })
        .map_err(|end: SubscriptionEnd| error::subscription_ended(&end))?;
    let followed = Arc::clone(shared);
    Ok(PullStream::following(Arc::clone(shared), vec![confirmation(shared)], move || {
        let (updates, is_behind) = followed.read(|store, now| {
            let reader = store.reader(now);
            let updates = subscription.poll(reader, ALL_PAGE_RECORDS);
            (updates, subscription.is_behind(reader))
        });
        if updates.is_empty() && !is_behind {
            return Pulled::Idle;
        }
        Pulled::Messages(update_messages(&updates, form.ids))
    }))
}

fn start_after(place: Place) -> StartAfter {
    match place {
        Place::Start => StartAfter::Nothing,
        Place::At(place) => StartAfter::Place(place),
        Place::End => StartAfter::Everything,
    }
}

fn confirmation(shared: &SharedStore) -> ReadResp {
    let subscription_id = shared.new_id().to_string();
    message(Content::Confirmation(SubscriptionConfirmation { subscription_id }))
}

fn update_messages(updates: &[Update], ids: IdForm) -> Vec<ReadResp> {
    let write = |update: &Update| match update {
        Update::Event(event) => event_message(event, ids),
        Update::Checkpoint(position) => message(Content::Checkpoint(Checkpoint {
            commit_position: *position,
            prepare_position: *position,
        })),
        Update::CaughtUp => message(Content::CaughtUp(CaughtUp {})),
    };
    updates.iter().map(write).collect()
}

fn event_message(event: &ResolvedEvent, ids: IdForm) -> ReadResp {
    message(Content::Event(ReadEvent {
        event: event.event.as_deref().map(|record| recorded_event(record, ids)),
        link: event.link.as_deref().map(|record| recorded_event(record, ids)),
        position: Some(Position::CommitPosition(event.original().position)),
    }))
}

fn recorded_event(record: &Record, ids: IdForm) -> RecordedEvent {
    RecordedEvent {
        id: Some(ids.write(record.id)),
        stream_identifier: Some(stream_identifier(&record.stream)),
        stream_revision: record.revision,
        prepare_position: record.position,
        commit_position: record.position,
        metadata: system_metadata(record),
        custom_metadata: record.metadata.clone(),
        data: record.data.clone(),
    }
}

fn message(content: Content) -> ReadResp {
    ReadResp { content: Some(content) }
}

fn id_form(options: &Options) -> Result<IdForm, Status> {
    match options.uuid_option.as_ref().and_then(|option| option.content.as_ref()) {
        Some(uuid_option::Content::Structured(_)) => Ok(IdForm::Structured),
        Some(uuid_option::Content::String(_)) => Ok(IdForm::Text),
        None => Err(invalid("the uuid option is missing")),
    }
}

fn stream_place(options: StreamOptions) -> Result<(SmolStr, Place), Status> {
    let name = read_stream_name(options.stream_identifier.as_ref());
    if name.is_empty() {
        return Err(error::handler_exception());
    }
    let place = match options.revision_option.ok_or_else(|| invalid("the revision option is missing"))? {
        RevisionOption::Revision(u64::MAX) | RevisionOption::End(_) => Place::End,
        RevisionOption::Revision(revision) => Place::At(revision),
        RevisionOption::Start(_) => Place::Start,
    };
    Ok((name, place))
}

fn all_place(options: &AllOptions) -> Result<Place, Status> {
    match options.all_option.as_ref().ok_or_else(|| invalid("the position option is missing"))? {
        AllOption::Start(_) => Ok(Place::Start),
        AllOption::End(_) => Ok(Place::End),
        AllOption::Position(position) if position.commit_position == u64::MAX => Ok(Place::End),
        AllOption::Position(position) if position.commit_position < position.prepare_position => {
            Err(error::handler_exception())
        }
        AllOption::Position(position) => Ok(Place::At(position.commit_position)),
    }
}

fn filtering(option: FilterOption) -> Result<Option<Filtering>, Status> {
    let FilterOption::Filter(options) = option else { return Ok(None) };
    let FilterOptions { filter, window, checkpoint_interval_multiplier } = options;
    let (subject, expression) = match filter.ok_or_else(|| invalid("the filter is missing"))? {
        WireFilter::StreamIdentifier(expression) => (Subject::StreamName, expression),
        WireFilter::EventType(expression) => (Subject::EventType, expression),
    };
    let window = match window.ok_or_else(|| invalid("the window of the filter is missing"))? {
        Window::Max(window) => window,
        Window::Count(_) => DEFAULT_WINDOW,
    };
    let filter = Filter::new(subject, &expression.regex, expression.prefix)
        .map_err(|regex| invalid(regex.to_string()))?;
    let checkpoint_interval = u64::from(window) * u64::from(checkpoint_interval_multiplier);
    Ok(Some(Filtering { filter, checkpoint_interval }))
}

fn invalid(message: impl Into<String>) -> Status {
    Status::invalid_argument(message)
}

fn unexpected_stream_result() -> Status {
    Status::unknown("Unexpected ReadStreamResult: Error")
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Wake, Waker};

    use tokio_stream::Stream as _;

    use super::super::super::super::ids::SeededIds;
    use super::super::super::super::settings::Settings;
    use super::super::super::super::store::Store;
    use super::super::super::clock::{Clock as _, SystemClock};
    use super::super::super::gate::OpenGate;
    use super::super::super::wire::streams::read_req::options::Position as WirePosition;
    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Sleeper(AtomicU32);

    impl Wake for Sleeper {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn who_follows_is_left_alone_until_the_log_grows() {
        let store = Store::new(Settings::default(), SeededIds::new(1), SystemClock.now());
        let shared = Arc::new(SharedStore::new(store, Arc::new(SystemClock), Arc::new(OpenGate)));
        let form = Form { ids: IdForm::Text, links: Links::Keep, tells_bounds: true };
        for mut following in [
            subscribe_to_stream(&shared, "s", Place::Start, form).unwrap(),
            subscribe_to_all(&shared, Place::Start, None, form).unwrap(),
        ] {
            let sleeper = Arc::new(Sleeper::default());
            let waker = Waker::from(Arc::clone(&sleeper));
            let mut next = || Pin::new(&mut following).poll_next(&mut Context::from_waker(&waker));
            while next().is_ready() {}
            assert_eq!(sleeper.0.load(Ordering::SeqCst), 0, "there is nothing more");

            shared.write(|store, now| store.append_json_as_system("s", "T", &serde_json::json!({}), now));
            assert_eq!(sleeper.0.load(Ordering::SeqCst), 1);
            assert!(next().is_ready());
        }
    }

    fn at(commit_position: u64, prepare_position: u64) -> Result<Place, tonic::Code> {
        let position = WirePosition { commit_position, prepare_position };
        let options = AllOptions { all_option: Some(AllOption::Position(position)) };
        all_place(&options).map_err(|status| status.code())
    }

    #[test]
    fn a_place_in_all_is_that_of_the_commit() {
        assert_eq!(at(6, 6), Ok(Place::At(6)));
        assert_eq!(at(6, 5), Ok(Place::At(6)));
        assert_eq!(at(5, 6), Err(tonic::Code::Unknown), "as a handler that throws");
        assert_eq!(at(u64::MAX, u64::MAX), Ok(Place::End));
    }
}
