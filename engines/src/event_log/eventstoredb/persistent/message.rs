//! What a group has to know of the events that it hands out; [`Message`] is implemented by the store's event.

use std::borrow::Cow;

use uuid::Uuid;

use super::position::GroupPosition;

/// An event as a group sees it: the original record of the subscribed stream, with its target when it is a link.
///
/// Cloning has to be cheap: the live buffer keeps a second copy of what it has seen.
pub trait Message: Clone {
    /// Returns the id by which clients acknowledge: that of the original record, hence of the link if there is one.
    fn id(&self) -> Uuid;

    /// Returns the place of the original record in the subscribed stream, or in `$all`.
    fn position(&self) -> GroupPosition;

    /// Returns the revision of the original record in its own stream.
    fn revision(&self) -> u64;

    /// Returns the stream by which the event is pinned: the target's, or the one that an unresolved link names.
    fn source_stream(&self) -> Cow<'_, str>;

    /// Returns the custom metadata of the event that the client will see.
    fn metadata(&self) -> &[u8];

    /// Returns the data of a link to this event, `<revision>@<stream>`; an unresolved link gives its own data.
    fn link_data(&self) -> Vec<u8>;
}

#[cfg(test)]
pub(crate) mod testing {
    //! A message that is nothing but its place.

    use super::*;

    /// An event of the stream `source`, at `revision` of the subscribed stream.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct TestMessage {
        pub(crate) id: Uuid,
        pub(crate) position: GroupPosition,
        pub(crate) revision: u64,
        /// The revision that a link to it names; another one where the message is itself a followed link.
        pub(crate) target: u64,
        pub(crate) source: String,
        pub(crate) metadata: Vec<u8>,
    }

    /// Returns the event at `revision` of the stream `orders-1`; its id is made from the revision.
    pub(crate) fn event(revision: u64) -> TestMessage {
        TestMessage {
            id: Uuid::from_u128(u128::from(revision) + 1),
            position: GroupPosition::Stream(revision),
            revision,
            target: revision,
            source: "orders-1".into(),
            metadata: Vec::new(),
        }
    }

    impl TestMessage {
        /// Returns this event as one of another source stream.
        pub(crate) fn of(mut self, source: &str) -> Self {
            self.source = source.into();
            self
        }
    }

    impl Message for TestMessage {
        fn id(&self) -> Uuid {
            self.id
        }

        fn position(&self) -> GroupPosition {
            self.position
        }

        fn revision(&self) -> u64 {
            self.revision
        }

        fn source_stream(&self) -> Cow<'_, str> {
            Cow::Borrowed(&self.source)
        }

        fn metadata(&self) -> &[u8] {
            &self.metadata
        }

        fn link_data(&self) -> Vec<u8> {
            format!("{}@{}", self.target, self.source).into_bytes()
        }
    }
}
