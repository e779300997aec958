//! The store's events as groups see them: [`SubscribedEvent`].

use std::borrow::Cow;
use std::sync::Arc;

use uuid::Uuid;

use super::super::log::Record;
use super::super::read::ResolvedEvent;
use super::super::streams::link_to;
use super::message::Message;
use super::position::{GroupPosition, SourceKind};

/// An event of the store on its way through a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribedEvent {
    /// What the client gets.
    pub resolved: ResolvedEvent,
    kind: SourceKind,
}

impl SubscribedEvent {
    /// Returns the event as a group over `kind` sees it.
    #[must_use]
    pub fn new(resolved: ResolvedEvent, kind: SourceKind) -> Self {
        Self { resolved, kind }
    }

    /// Returns what clients work with: the target, or the link when its target is gone.
    fn subject(&self) -> &Arc<Record> {
        self.resolved.event.as_ref().unwrap_or_else(|| self.resolved.original())
    }
}

/// Returns the place of a record in what groups over `kind` read.
pub(super) fn place(record: &Record, kind: SourceKind) -> GroupPosition {
    match kind {
        SourceKind::Stream => GroupPosition::Stream(record.revision),
        SourceKind::All => GroupPosition::All { commit: record.position, prepare: record.position },
    }
}

impl Message for SubscribedEvent {
    fn id(&self) -> Uuid {
        self.resolved.original().id
    }

    fn position(&self) -> GroupPosition {
        place(self.resolved.original(), self.kind)
    }

    fn revision(&self) -> u64 {
        self.resolved.original().revision
    }

    fn source_stream(&self) -> Cow<'_, str> {
        let subject = self.subject();
        match subject.link_target() {
            Some((_, stream)) if subject.is_link() => Cow::Borrowed(stream),
            _ => Cow::Borrowed(&subject.stream),
        }
    }

    fn metadata(&self) -> &[u8] {
        &self.subject().metadata
    }

    fn link_data(&self) -> Vec<u8> {
        link_to(self.subject()).1.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::super::super::log::Timestamp;
    use super::*;

    fn record(stream: &str, revision: u64, event_type: &str, data: &'static str) -> Arc<Record> {
        Arc::new(Record {
            position: 1000 + revision,
            stream: stream.into(),
            revision,
            id: Uuid::from_u128(u128::from(revision) + 1),
            event_type: event_type.into(),
            data: Bytes::from_static(data.as_bytes()),
            metadata: Bytes::from_static(stream.as_bytes().to_vec().leak()),
            is_json: false,
            created: Timestamp::default(),
        })
    }

    fn link() -> Arc<Record> {
        record("$ce-orders", 7, "$>", "3@orders-1")
    }

    #[test]
    fn a_followed_link_is_acknowledged_and_placed_as_the_link_and_parked_as_its_target() {
        let target = record("orders-1", 3, "Placed", "{}");
        let resolved = ResolvedEvent { event: Some(target), link: Some(link()) };
        let event = SubscribedEvent::new(resolved, SourceKind::Stream);
        assert_eq!((event.id(), event.revision()), (link().id, 7));
        assert_eq!(event.position(), GroupPosition::Stream(7));
        assert_eq!(event.source_stream(), "orders-1");
        assert_eq!(event.metadata(), b"orders-1");
        assert_eq!(event.link_data(), b"3@orders-1");
    }

    #[test]
    fn a_link_that_is_not_followed_is_pinned_by_the_stream_it_names_and_parked_as_its_own_data() {
        let event = SubscribedEvent::new(ResolvedEvent::plain(&link()), SourceKind::All);
        assert_eq!(event.position(), GroupPosition::All { commit: 1007, prepare: 1007 });
        assert_eq!(event.source_stream(), "orders-1");
        assert_eq!(event.link_data(), b"3@orders-1");
    }

    #[test]
    fn an_event_whose_data_look_like_a_link_is_of_its_own_stream() {
        let event = record("orders-1", 3, "Noted", "7@orders-2");
        let event = SubscribedEvent::new(ResolvedEvent::plain(&event), SourceKind::Stream);
        assert_eq!(event.source_stream(), "orders-1");
        assert_eq!(event.link_data(), b"3@orders-1");
    }

    #[test]
    fn a_link_whose_target_is_gone_still_is_an_event() {
        let resolved = ResolvedEvent { event: None, link: Some(link()) };
        let event = SubscribedEvent::new(resolved, SourceKind::Stream);
        assert_eq!((event.id(), event.source_stream().as_ref()), (link().id, "orders-1"));
        assert_eq!(event.link_data(), b"3@orders-1");
    }
}
