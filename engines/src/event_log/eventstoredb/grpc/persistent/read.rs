//! The call that consumes a group: events out, answers in.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio_stream::Stream;
use tonic::{Request, Status, Streaming};
use uuid::Uuid;

use super::super::super::log::Record;
use super::super::super::persistent::{ClientId, GroupKey, NackAction, ToClient, subscription_id};
use super::super::super::read::ResolvedEvent;
use super::super::convert::{IdForm, read_id, stream_identifier, system_metadata};
use super::super::error::{handler_exception, shutting_down};
use super::super::gate::Call;
use super::super::wire::Uuid as WireUuid;
use super::super::wire::persistent_subscriptions::read_req::{self, nack, options};
use super::super::wire::persistent_subscriptions::read_resp::{self, read_event};
use super::super::wire::persistent_subscriptions::{ReadReq, ReadResp};
use super::errors;
use super::host::{Host, Inbox};
use super::identity::identity;
use super::requests::{incomplete, key_of};

/// Lets a client in. Whatever is wrong is answered before there is a stream.
pub(super) async fn read(
    host: &Arc<Host>,
    request: Request<Streaming<ReadReq>>,
) -> Result<Deliveries, Status> {
    let identity = identity(request.metadata());
    let mut answers = request.into_inner();
    let first = answers.message().await?.and_then(|request| request.content);
    let Some(read_req::Content::Options(options)) = first else { return Err(handler_exception()) };
    let key = match options.stream_option.ok_or_else(|| incomplete("a stream"))? {
        options::StreamOption::StreamIdentifier(stream) => key_of(Some(&stream), &options.group_name),
        options::StreamOption::All(_) => key_of(None, &options.group_name),
    };
    let ids = match options.uuid_option.and_then(|option| option.content) {
        Some(options::uuid_option::Content::String(_)) => IdForm::Text,
        Some(options::uuid_option::Content::Structured(_)) => IdForm::Structured,
        None => return Err(incomplete("the form of ids")),
    };
    let slots = usize::try_from(options.buffer_size).ok().filter(|slots| *slots > 0);
    let slots = slots.ok_or_else(handler_exception)?;
    if host.shared().is_closing() {
        return Err(shutting_down());
    }
    host.shared().gate().before(Call::Consume { stream: &key.stream, group: &key.group })?;
    let (client, inbox) = host.connect(&key, slots, identity).map_err(|refused| errors::refused(&refused))?;
    tokio::spawn(take_answers(Arc::clone(host), client, answers));
    let host = Arc::clone(host);
    Ok(Deliveries { host, client, key, ids, inbox, is_confirmed: false, has_ended: false })
}

/// Hands the group what a client answers, until the client says no more or something that cannot be understood: from
/// then on its answers are lost, though it still gets events.
async fn take_answers(host: Arc<Host>, client: ClientId, mut answers: Streaming<ReadReq>) {
    while let Ok(Some(ReadReq { content: Some(content) })) = answers.message().await {
        if take_answer(&host, client, content).is_none() {
            return;
        }
    }
}

fn take_answer(host: &Host, client: ClientId, content: read_req::Content) -> Option<()> {
    match content {
        read_req::Content::Ack(ack) => {
            let ids = read_ids(&ack.ids)?;
            host.with(|groups, store, now| groups.acknowledge(client, ids, store, now));
        }
        read_req::Content::Nack(nack) => {
            let ids = read_ids(&nack.ids)?;
            let action = match nack::Action::try_from(nack.action).ok()? {
                nack::Action::Unknown => NackAction::Unknown,
                nack::Action::Park => NackAction::Park,
                nack::Action::Retry => NackAction::Retry,
                nack::Action::Skip => NackAction::Skip,
                nack::Action::Stop => NackAction::Stop,
            };
            host.with(|groups, store, now| groups.refuse(client, ids, action, &nack.reason, store, now));
        }
        read_req::Content::Options(_) => return None,
    }
    Some(())
}

fn read_ids(ids: &[WireUuid]) -> Option<Vec<Uuid>> {
    ids.iter().map(|id| read_id(Some(id))).collect()
}

/// The events of one client. When it is dropped, the client is gone and the group takes back what it held.
pub(in super::super) struct Deliveries {
    host: Arc<Host>,
    client: ClientId,
    key: GroupKey,
    ids: IdForm,
    inbox: Inbox,
    is_confirmed: bool,
    has_ended: bool,
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.host.disconnect(self.client);
    }
}

impl Stream for Deliveries {
    type Item = Result<ReadResp, Status>;

    /// Never ends well: clients take that for a fault of their own.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        if !self.is_confirmed {
            self.is_confirmed = true;
            let subscription_id = subscription_id(&self.key.stream, &self.key.group);
            let confirmation = read_resp::SubscriptionConfirmation { subscription_id };
            let content = read_resp::Content::SubscriptionConfirmation(confirmation);
            return Poll::Ready(Some(Ok(ReadResp { content: Some(content) })));
        }
        let status = match std::task::ready!(self.inbox.poll_recv(context)) {
            Some(ToClient::Event { event, retry_count }) => {
                let event = read_event(&event, retry_count, self.ids);
                let content = Some(read_resp::Content::Event(event));
                return Poll::Ready(Some(Ok(ReadResp { content })));
            }
            Some(ToClient::Dropped) => errors::dropped(&self.key),
            None => shutting_down(),
        };
        self.has_ended = true;
        Poll::Ready(Some(Err(status)))
    }
}

/// Writes an event. Both records carry the position of the one that was read: the link's where there is one.
fn read_event(resolved: &ResolvedEvent, retry_count: u32, ids: IdForm) -> read_resp::ReadEvent {
    let position = resolved.original().position;
    let record = |record: &Record| recorded_event(record, position, ids);
    read_resp::ReadEvent {
        event: resolved.event.as_deref().map(record),
        link: resolved.link.as_deref().map(record),
        position: Some(read_event::Position::CommitPosition(position)),
        count: Some(read_event::Count::RetryCount(i32::try_from(retry_count).unwrap_or(i32::MAX))),
    }
}

fn recorded_event(record: &Record, position: u64, ids: IdForm) -> read_event::RecordedEvent {
    read_event::RecordedEvent {
        id: Some(ids.write(record.id)),
        stream_identifier: Some(stream_identifier(&record.stream)),
        stream_revision: record.revision,
        prepare_position: position,
        commit_position: position,
        metadata: system_metadata(record),
        custom_metadata: record.metadata.clone(),
        data: record.data.clone(),
    }
}
